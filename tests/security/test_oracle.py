"""Threat: the form of DUI and NIP tells a guesser how near they are. Guard: one page, one status, the same headers and
one floor of time for every reason; only the audit knows which it was."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import pytest
import requests

from secciones.domain.people import Dui
from secciones.services.verify_identity import pseudonym
from tests.security.conftest import IS_LONG, recorded
from tests.support.html import DRAWN
from tests.support.site import Answer, Pages
from tests.support.stack import Stack, running_stack, temporary_folder
from tests.support.visitor import Visit, Visitor
from tests.support.world import DOMAIN, DUI_AND_NIP, TEACHER, VERIFICATION, World

THIEF = ("google-9", f"thief@{DOMAIN}")
NUMBERS = {"dui": DUI_AND_NIP[0], "nip": DUI_AND_NIP[1]}
# Of each reason over HTTP. In 500 samples of two kinds chance alone strays from a half by 0.02.
SAMPLES = 500 if IS_LONG else 5
AT_ONCE = 4
NO_BETTER_THAN_CHANCE = 0.1
UNLIMITED = dict.fromkeys(
    (
        "ACCOUNT_FAILURES_PER_SIX_HOURS",
        "DUI_FAILURES_PER_HOUR",
        "DUI_FAILURES_PER_DAY",
        "DUI_FAILURES_UNTIL_UNLOCKED",
        "ADDRESS_FAILURES_PER_HOUR",
        "ALL_FAILURES_PER_HOUR",
    ),
    "1000000",
)


def unknown_dui(pages: Pages) -> None:
    """As SIGES says it, too, of someone who is no teacher."""
    pages.world.registry.teachers.clear()


def wrong_nip(pages: Pages) -> None:
    pages.world.registry.teachers = {(DUI_AND_NIP[0], "7777777"): TEACHER}


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
    "unknown DUI, or no teacher's": (unknown_dui, "unknown_numbers"),
    "wrong NIP": (wrong_nip, "unknown_numbers"),
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
    for place, prepare in ((reference, unknown_dui), (pages, arrange)):
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
        bodies.add(DRAWN.sub("", locked.text).replace(f"guesser-{number}", ""))
    assert len(bodies) == 1


# Over HTTP, with the registry's stand-in


@pytest.fixture(scope="module")
def guessed_at(stack: Stack) -> Iterator[Stack]:
    """The common stack; in the long form one of its own, whose limits let a thousand guesses through."""
    if not IS_LONG:
        yield stack
        return
    with temporary_folder() as folder, running_stack(folder, {"FIRESTORE_EMULATOR_HOST": "", **UNLIMITED}) as own:
        yield own


@pytest.fixture(scope="module")
def thief(guessed_at: Stack) -> tuple[Visitor, Visit]:
    person = guessed_at.person("william")
    visitor = Visitor(guessed_at.origin)
    return visitor, visitor.sign_in(person["address"], person["password"])


def guesses_over_http(stack: Stack) -> dict[str, tuple[str, str]]:
    """The reasons for a refusal, and DUI and NIP that have it; none has a check digit that calls for a hint."""
    colleague, bound = stack.person("marta"), stack.person("rosa")
    Visitor(stack.origin).enter(bound)  # the registry has no address of hers: her account is bound now
    return {
        "unknown DUI": ("10000002-7", colleague["nip"]),
        "wrong NIP": (colleague["dui"], "7777777"),
        "another's address": (colleague["dui"], colleague["nip"]),
        "bound elsewhere": (bound["dui"], bound["nip"]),
    }


def seen_over_http(thief: tuple[Visitor, Visit], dui: str, nip: str) -> tuple[float, int, str, tuple[str, ...]]:
    """How long the answer took, its status, its bytes without the DUI that was typed, and its headers."""
    visitor, identity = thief
    token = identity.form("/secciones/identidad").find(".//input[@name='csrf_token']")
    assert token is not None
    began = time.monotonic()
    answer = requests.post(
        f"{visitor.origin}/secciones/identidad",
        {"csrf_token": token.get("value", ""), "dui": dui, "nip": nip},
        headers={"Origin": visitor.origin, "Cookie": f"__Host-session={visitor.cookie()}"},
        allow_redirects=False,
        timeout=60,
    )
    seconds = time.monotonic() - began
    headers = tuple(f"{name}: {value}" for name, value in sorted(answer.headers.items()) if name != "Date")
    return seconds, answer.status_code, DRAWN.sub("", answer.text).replace(dui, ""), headers


def test_the_real_registry_gives_nothing_away(guessed_at: Stack, thief: tuple[Visitor, Visit]) -> None:
    """Each reason many times, mixed, from one session: identical bytes and headers, and none before the floor.

    Fails when the floor is taken out of verify_identity, or any reason gets a word, a status or a header of its own.
    """
    reasons = guesses_over_http(guessed_at)
    before = recorded(guessed_at)
    order = [reason for _ in range(SAMPLES) for reason in reasons]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(lambda reason: seen_over_http(thief, *reasons[reason]), order))

    assert {status for _, status, _, _ in seen} == {403}
    assert len({(page, headers) for _, _, page, headers in seen}) == 1
    assert min(seconds for seconds, _, _, _ in seen) >= 1.0
    assert recorded(guessed_at) == before
    if IS_LONG:
        times = {reason: [one[0] for one, its in zip(seen, order, strict=True) if its == reason] for reason in reasons}
        for one, other in combinations(times.values(), 2):
            assert abs(later(one, other) - 0.5) < NO_BETTER_THAN_CHANCE


def later(one: list[float], other: list[float]) -> float:
    """How often an answer of the first kind takes longer than one of the second: a half when they cannot be told apart
    (Mann and Whitney)."""
    return sum(first > second for first in one for second in other) / (len(one) * len(other))
