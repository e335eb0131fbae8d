"""DUI and NIP establish the teacher, for one account each, and guessing ends quickly."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from secciones.domain.errors import IdentityRefused, RegistryUnavailable, TooManyAttempts
from secciones.domain.people import Dui, Nip
from secciones.services.sessions import Session, Step
from secciones.services.verify_identity import pseudonym, verify_identity
from tests.support.world import DOMAIN, DUI_AND_NIP, TEACHER, VERIFICATION, World

DUI, NIP = Dui.parse(DUI_AND_NIP[0]), Nip.parse(DUI_AND_NIP[1])
WRONG_NIP = Nip.parse("7654321")


def sign_in(world: World, subject: str = "google-1", address: str = TEACHER.address or "") -> Session:
    session = world.sessions.find(world.sessions.open(subject, address, "Ana"))[0]
    assert session is not None
    return session


def verify(world: World, session: Session, dui: Dui = DUI, nip: Nip = NIP) -> Session:
    cookie = verify_identity(
        world.registry,
        world.documents,
        world.sessions,
        world.audit,
        world.clock,
        VERIFICATION,
        session,
        dui,
        nip,
        "192.0.2.1",
    )
    verified = world.sessions.find(cookie)[0]
    assert verified is not None
    return verified


def refused(world: World, session: Session, dui: Dui = DUI, nip: Nip = NIP) -> str:
    with pytest.raises(IdentityRefused):
        verify(world, session, dui, nip)
    return world.audit.outcomes("verification")[-1]


def test_the_right_numbers_raise_the_session_under_a_new_cookie(world: World) -> None:
    before = sign_in(world)
    after = verify(world, before)

    assert (before.step, after.step) == (Step.SIGNED_IN, Step.RECENTLY_VERIFIED)
    assert (after.teacher_id, after.name) == (TEACHER.id, TEACHER.name)
    assert before.id != after.id
    assert world.documents.get("sessions", before.id) is None, "the old cookie is worth nothing"


def test_a_wrong_nip_and_an_unknown_dui_are_refused_alike(world: World) -> None:
    session = sign_in(world)
    assert refused(world, session, nip=WRONG_NIP) == "unknown_numbers"
    assert refused(world, session, dui=Dui.parse("100000019")) == "unknown_numbers"


def test_a_refusal_takes_as_long_whatever_its_reason(world: World) -> None:
    verify(world, sign_in(world))
    session = sign_in(world)
    for dui, nip, slow in ((DUI, WRONG_NIP, 0.0), (Dui.parse("100000019"), NIP, 0.4), (DUI, NIP, 0.0)):
        thief = session if nip is WRONG_NIP else sign_in(world, "google-2", f"otra.persona@{DOMAIN}")
        world.registry.delay = partial(world.clock.advance, seconds=slow)
        before = world.clock.now()
        refused(world, thief, dui, nip)
        assert world.clock.now() - before == timedelta(seconds=1)


def test_a_colleagues_numbers_are_refused_when_the_registry_knows_another_account(world: World) -> None:
    thief = sign_in(world, "google-2", f"otra.persona@{DOMAIN}")
    assert refused(world, thief) == "other_account_in_registry"
    verify(world, sign_in(world))


@pytest.mark.parametrize("stored", [None, "ana@hotmail.example", f"ana peña@{DOMAIN}"])
def test_without_a_usable_address_in_the_registry_the_first_account_is_bound(world: World, stored: str | None) -> None:
    world.registry.teachers[DUI_AND_NIP] = replace(TEACHER, address=stored)
    verify(world, sign_in(world, "google-7", f"ana.pena@{DOMAIN}"))
    assert refused(world, sign_in(world, "google-8", f"otra@{DOMAIN}")) == "bound_elsewhere"
    verify(world, sign_in(world, "google-7", f"ana.pena@{DOMAIN}"))


def test_an_account_that_is_bound_to_one_person_cannot_become_another(world: World) -> None:
    verify(world, sign_in(world))
    other = replace(TEACHER, id="d-2", address=None)
    world.registry.teachers["100000019", "0000007"] = other
    assert refused(world, sign_in(world), Dui.parse("100000019"), Nip.parse("7")) == "bound_elsewhere"


def test_of_many_accounts_that_claim_a_dui_at_once_exactly_one_is_bound(world: World) -> None:
    world.registry.teachers[DUI_AND_NIP] = replace(TEACHER, address=None)
    sessions = [sign_in(world, f"google-{number}", f"d{number}@{DOMAIN}") for number in range(5)]

    def claim(session: Session) -> bool:
        try:
            verify(world, session)
        except IdentityRefused:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(claim, sessions)) == 1


def test_the_sixth_attempt_of_an_account_is_refused_before_the_registry_is_asked(world: World) -> None:
    session = sign_in(world)
    begun = world.clock.now()
    for number in range(5):
        refused(world, session, dui=Dui.parse(f"{number + 20}"), nip=WRONG_NIP)
    asked = world.registry.asked
    with pytest.raises(TooManyAttempts) as locked:
        verify(world, session)
    assert world.registry.asked == asked
    assert locked.value.until == begun + timedelta(hours=6)

    world.clock.advance(hours=6, seconds=1)
    verify(world, sign_in(world))


def test_a_dui_is_locked_whichever_accounts_guess_at_it(world: World) -> None:
    for number in range(5):
        refused(world, sign_in(world, f"google-{number + 10}", f"d{number}@{DOMAIN}"), nip=WRONG_NIP)
    with pytest.raises(TooManyAttempts):
        verify(world, sign_in(world, "google-30", f"d30@{DOMAIN}"))


def test_the_bound_owner_still_enters_while_strangers_guess_at_the_dui(world: World) -> None:
    verify(world, sign_in(world))
    for number in range(5):
        refused(world, sign_in(world, f"google-{number + 10}", f"d{number}@{DOMAIN}"), nip=WRONG_NIP)
    verify(world, sign_in(world))


def test_successes_do_not_use_up_the_limit(world: World) -> None:
    for _ in range(12):
        verify(world, sign_in(world))


def test_an_attempt_while_the_registry_is_down_is_not_counted(world: World) -> None:
    session = sign_in(world)
    world.registry.is_down = True
    for _ in range(8):
        with pytest.raises(RegistryUnavailable):
            verify(world, session)
    world.registry.is_down = False
    verify(world, session)


def test_neither_state_nor_audit_holds_a_dui_or_a_nip(world: World) -> None:
    session = verify(world, sign_in(world))
    stored = repr(world.audit.events) + repr(session)
    for collection, key in [("teachers", f"person-{session.actor}"), ("teachers", "account-google-1")]:
        stored += key + repr(world.documents.get(collection, key))
    assert DUI_AND_NIP[0] not in stored
    assert DUI_AND_NIP[1] not in stored
    assert session.actor == pseudonym(DUI, VERIFICATION.pseudonym_secret)


def test_a_pseudonym_depends_on_the_key() -> None:
    assert pseudonym(DUI, "a" * 32) != pseudonym(DUI, "b" * 32)
