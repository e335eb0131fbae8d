"""A teacher whose account was changed: the new one is tied to the person, the old one can do nothing more."""

import pytest

from secciones.domain.errors import IdentityRefused
from secciones.domain.people import Dui
from secciones.services.release_binding import Released, release_binding
from secciones.services.verify_identity import COLLECTION, pseudonym
from tests.support.world import DUI_AND_NIP, VERIFICATION, World
from tests.unit.services.test_unlock import attempt

DUI, NIP = DUI_AND_NIP
ACTOR = pseudonym(Dui(DUI), VERIFICATION.pseudonym_secret)


def test_the_new_account_gets_in_and_the_old_one_no_longer(world: World) -> None:
    attempt(world, NIP, subject="old")
    with pytest.raises(IdentityRefused):
        attempt(world, NIP, subject="new")
    assert release_binding(world.documents, ACTOR).was_bound
    attempt(world, NIP, subject="new")
    with pytest.raises(IdentityRefused):
        attempt(world, NIP, subject="old")


def test_whatever_is_open_in_the_persons_name_ends(world: World) -> None:
    attempt(world, NIP, subject="old")
    another = world.sessions.open("old", "old@clases.edu.sv", "Ana", "d-1", ACTOR)
    elsewhere = world.sessions.open("google-9", "b@clases.edu.sv", "Beatriz", "d-9", "actor-9")
    assert release_binding(world.documents, ACTOR) == Released(was_bound=True, sessions=2)
    assert world.sessions.find(another)[0] is None
    assert world.sessions.find(elsewhere)[0] is not None


def test_more_sessions_than_fit_into_one_query_end_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secciones.services.release_binding._AT_A_TIME", 2)
    for _ in range(5):
        world.sessions.open("old", "old@clases.edu.sv", "Ana", "d-1", ACTOR)
    assert release_binding(world.documents, ACTOR).sessions == 5


def test_releasing_again_finds_nothing(world: World) -> None:
    attempt(world, NIP)
    release_binding(world.documents, ACTOR)
    assert release_binding(world.documents, ACTOR) == Released(was_bound=False, sessions=0)


def test_nobody_elses_tie_is_undone(world: World) -> None:
    world.registry.teachers["100000019", NIP] = world.registry.teachers[DUI_AND_NIP]
    attempt(world, NIP)
    attempt(world, NIP, dui="100000019", subject="google-2")
    release_binding(world.documents, ACTOR)
    left = {key for key, _ in world.documents.query(COLLECTION, {}, "subject", 10)}
    assert left == {"account-google-2", f"person-{pseudonym(Dui('100000019'), VERIFICATION.pseudonym_secret)}"}
