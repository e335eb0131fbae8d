"""Threat: the form of DUI and NIP tells a guesser how near they are. Guard: one page, one status, the same headers and
one floor of time for every reason; only the audit knows which it was."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from secciones.domain.people import Dui
from secciones.services.verify_identity import pseudonym
from tests.support.site import Answer, Pages
from tests.support.stack import Stack
from tests.support.visitor import Visitor
from tests.support.world import DOMAIN, DUI_AND_NIP, TEACHER, VERIFICATION, World

THIEF = ("google-9", f"thief@{DOMAIN}")
NUMBERS = {"dui": DUI_AND_NIP[0], "nip": DUI_AND_NIP[1]}
SAMPLES = 5


def unknown_numbers(pages: Pages) -> None:
    """As SIGES says of an unknown DUI, a wrong NIP, and someone who is no teacher."""
    pages.world.registry.teachers.clear()


def other_address(pages: Pages) -> None:
    pages.world.registry.teachers[DUI_AND_NIP] = TEACHER


def bound_elsewhere(pages: Pages) -> None:
    pages.world.registry.teachers[DUI_AND_NIP] = replace(TEACHER, address=None)
    bind(pages, "google-1", pseudonym(Dui.parse(DUI_AND_NIP[0]), VERIFICATION.pseudonym_secret))


def someone_else(pages: Pages) -> None:
    """The account is already another person's."""
    pages.world.registry.teachers[DUI_AND_NIP] = replace(TEACHER, address=None)
    bind(pages, THIEF[0], "another-person")


def bind(pages: Pages, subject: str, actor: str) -> None:
    binding = {"subject": subject, "actor": actor, "expires_at": pages.world.clock.now().replace(year=2030)}
    pages.world.documents.create("teachers", f"person-{actor}", binding)
    pages.world.documents.create("teachers", f"account-{subject}", binding)


REASONS: dict[str, tuple[Callable[[Pages], None], str]] = {
    "unknown": (unknown_numbers, "unknown_numbers"),
    "other address": (other_address, "other_account_in_registry"),
    "bound elsewhere": (bound_elsewhere, "bound_elsewhere"),
    "someone else": (someone_else, "bound_elsewhere"),
}


@dataclass(frozen=True)
class Seen:
    """All that a guesser can see of an answer."""

    answer: Answer
    seconds: float


def guess(pages: Pages, seconds: float) -> Seen:
    """One refused attempt of one session, while SIGES takes its time."""
    pages.verification = replace(VERIFICATION, account_failures_per_six_hours=1000, dui_failures_per_hour=1000)
    pages.world.registry.delay = partial(pages.world.clock.advance, seconds=seconds)
    began = pages.world.clock.now()
    answer = pages.post("/secciones/identidad", THIEF_COOKIE, NUMBERS)
    return Seen(answer, (pages.world.clock.now() - began).total_seconds())


THIEF_COOKIE = "t" * 43


def open_thiefs_session(pages: Pages) -> None:
    """Always the same cookie, since the form's token follows from it."""
    cookie = pages.signed_in(*THIEF)
    session = pages.session(cookie)
    document = pages.world.documents.get("sessions", session.id)
    assert document
    pages.world.documents.create("sessions", pages.sessions._id(THIEF_COOKIE), document)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_the_same_bytes_status_headers_and_time(
    pages: Pages, tmp_path_factory: pytest.TempPathFactory, reason: str
) -> None:
    reference = Pages(World.in_folder(tmp_path_factory.mktemp("reference")))
    arrange, outcome = REASONS[reason]
    seen = []
    for place, prepare in ((reference, unknown_numbers), (pages, arrange)):
        open_thiefs_session(place)
        prepare(place)
        before = dict(place.world.documents.query("teachers", {}, "subject", 100))
        seen.append([guess(place, seconds) for seconds in (0.0, 0.3, 0.9)])
        assert dict(place.world.documents.query("teachers", {}, "subject", 100)) == before, "nothing is bound"
        assert place.session(THIEF_COOKIE).teacher_id == ""

    assert seen[0] == seen[1]
    assert {one.answer.status for one in seen[1]} == {403}
    assert {one.seconds for one in seen[1]} == {1.0}
    assert pages.world.audit.outcomes("verification") == [outcome] * 3


def test_a_locked_dui_is_locked_alike_whether_or_not_there_is_such_a_teacher(pages: Pages) -> None:
    bodies = set()
    for number, dui in enumerate((DUI_AND_NIP[0], "999999999")):
        pages.verification = replace(VERIFICATION, dui_failures_per_hour=1)
        guesser = pages.signed_in(f"guesser-{number}", f"guesser-{number}@{DOMAIN}")
        pages.post("/secciones/identidad", guesser, {"dui": dui, "nip": "7777777"})
        locked = pages.post("/secciones/identidad", guesser, {"dui": dui, "nip": "0012345"})
        assert locked.status == 429
        bodies.add(re.sub(r'value="[0-9a-f]{64}"', "", locked.text).replace(f"guesser-{number}", ""))
    assert len(bodies) == 1


@pytest.mark.usefixtures("nothing_changes")
def test_the_real_registry_gives_nothing_away(stack: Stack) -> None:
    """An unknown DUI, a wrong NIP, a colleague's numbers: over HTTP, from one session."""
    person, colleague = stack.person("william"), stack.person("marta")
    visitor = Visitor(stack.origin)
    identity = visitor.sign_in(person["address"], person["password"])
    guesses = {
        "unknown": ("99999999-9", colleague["nip"]),
        "wrong NIP": (colleague["dui"], "7777777"),
        "colleague": (colleague["dui"], colleague["nip"]),
    }
    pages, headers = set(), set()
    for dui, nip in guesses.values():
        began = time.monotonic()
        answer = visitor.submit(identity, "/secciones/identidad", dui=dui, nip=nip)
        assert time.monotonic() - began >= 1.0
        assert answer.status == 403
        pages.add(answer.html.replace(dui, ""))
        headers.add(tuple(sorted((name, value) for name, value in answer.headers.items() if name != "Date")))
    # A wrong check digit is said of the number itself, before anybody is asked.
    hint = re.compile(r'aria-describedby="[^"]*"|El último dígito no concuerda[^<]*')
    assert len({hint.sub("", page) for page in pages}) == 1
    assert len({tuple(pair for pair in one if pair[0] != "Content-Length") for one in headers}) == 1
