"""Unlocking: a person may try again at once, and nobody else's attempts are forgotten."""

import pytest

from secciones.domain.errors import IdentityRefused, TooManyAttempts
from secciones.domain.people import Dui, Nip
from secciones.services.attempts import COLLECTION
from secciones.services.unlock import unlock
from secciones.services.verify_identity import pseudonym
from tests.support.world import DUI_AND_NIP, SESSION, VERIFICATION, World
from tests.unit.services.test_verify_identity import sign_in, verify

DUI, NIP = DUI_AND_NIP
ACTOR = pseudonym(Dui(DUI), VERIFICATION.pseudonym_secret)


def attempt(world: World, nip: str = "9999999", dui: str = DUI, subject: str = SESSION.subject) -> None:
    verify(world, sign_in(world, subject), Dui(dui), Nip(nip))


def fail(world: World, times: int, **arguments: str) -> None:
    for _ in range(times):
        with pytest.raises(IdentityRefused):
            attempt(world, **arguments)


def test_a_teacher_who_typed_five_wrong_numbers_gets_in_at_once(world: World) -> None:
    attempt(world, NIP)
    fail(world, 5)
    with pytest.raises(TooManyAttempts):
        attempt(world, NIP)
    assert unlock(world.documents, ACTOR) == {"account": 5}
    attempt(world, NIP)


def test_a_dui_that_strangers_have_locked_until_an_operator_comes_is_open_again(world: World) -> None:
    for stranger in range(20):
        fail(world, 5, subject=f"stranger-{stranger}")
        world.clock.advance(hours=25)
    with pytest.raises(TooManyAttempts) as locked:
        attempt(world, NIP)
    assert locked.value.until is None
    world.clock.advance(days=30)
    with pytest.raises(TooManyAttempts):
        attempt(world, NIP)
    assert unlock(world.documents, ACTOR) == {"total": 100}
    attempt(world, NIP)


def test_unlocking_again_finds_nothing(world: World) -> None:
    fail(world, 3)
    assert unlock(world.documents, ACTOR) == {"hour": 3, "day": 3, "total": 3}
    assert unlock(world.documents, ACTOR) == {}


def test_nobody_elses_attempts_are_forgotten(world: World) -> None:
    fail(world, 5, dui="100000019", subject="google-2")
    fail(world, 1)
    before = {key for key, _ in world.documents.query(COLLECTION, {}, "attempts", 100)}
    unlock(world.documents, ACTOR)
    left = {key for key, _ in world.documents.query(COLLECTION, {}, "attempts", 100)}
    assert before - left == {f"dui-{window}-{ACTOR}" for window in ("hour", "day", "total")}
    with pytest.raises(TooManyAttempts):
        attempt(world, dui="100000019", subject="google-2")
