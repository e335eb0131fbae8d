"""Threat: someone who knows a teacher's DUI and NIP claims them from an account of their own, at the same moment or
later. Guard: person and account are bound to one another, both ways, in one transaction."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from secciones.domain.errors import IdentityRefused
from secciones.domain.people import Dui, Nip
from secciones.services.sessions import Session
from secciones.services.verify_identity import pseudonym, verify_identity
from tests.support.world import DOMAIN, TEACHER, VERIFICATION, World

RACES = 1000
CLAIMANTS = 2


def claim(world: World, session: Session, dui: Dui, nip: Nip, address: str = "192.0.2.1") -> bool:
    try:
        verify_identity(
            world.registry,
            world.documents,
            world.sessions,
            world.audit,
            world.clock,
            VERIFICATION,
            session,
            dui,
            nip,
            address,
        )
    except IdentityRefused:
        return False
    return True


def enter(world: World, subject: str) -> Session:
    session = world.sessions.find(world.sessions.open(subject, f"{subject}@{DOMAIN}", "Alguien"))[0]
    assert session is not None
    return session


def enrolled(world: World, number: int) -> tuple[Dui, Nip]:
    """A teacher for whom the registry has no address, so that the first account is the one."""
    numbers = (f"{number + 1:09}", f"{number + 1:07}")
    world.registry.teachers[numbers] = replace(TEACHER, id=f"d-{number}", address=None)
    return Dui.parse(numbers[0]), Nip.parse(numbers[1])


def bound_subject(world: World, dui: Dui) -> str:
    binding = world.documents.get("teachers", f"person-{pseudonym(dui, VERIFICATION.pseudonym_secret)}")
    assert binding is not None
    return str(binding["subject"])


def test_of_two_accounts_that_claim_a_dui_at_once_exactly_one_is_bound_in_each_of_a_thousand_races(
    world: World,
) -> None:
    """Fails when the binding is read outside of the transaction, or not looked at."""
    together = threading.Barrier(CLAIMANTS)
    world.registry.delay = partial(_wait, together)
    with ThreadPoolExecutor(CLAIMANTS) as pool:
        for race in range(RACES):
            dui, nip = enrolled(world, race)
            subjects = [f"thief-{race}", f"owner-{race}"]
            sessions = [enter(world, subject) for subject in subjects]
            won = [
                claimed.result()
                for claimed in [pool.submit(claim, world, each, dui, nip, f"10.0.{race}.1") for each in sessions]
            ]

            assert sum(won) == 1
            winner, loser = (subjects[won.index(outcome)] for outcome in (True, False))
            assert bound_subject(world, dui) == winner
            assert world.documents.get("teachers", f"account-{loser}") is None


def test_a_second_account_is_refused_and_the_binding_stays(world: World) -> None:
    dui, nip = enrolled(world, 1)
    assert claim(world, enter(world, "owner"), dui, nip)
    assert not claim(world, enter(world, "thief"), dui, nip)
    assert bound_subject(world, dui) == "owner"
    assert world.documents.get("teachers", "account-thief") is None
    assert world.audit.outcomes("verification")[-1] == "bound_elsewhere"


def test_an_account_that_is_one_teacher_does_not_become_another(world: World) -> None:
    own, other = enrolled(world, 1), enrolled(world, 2)
    assert claim(world, enter(world, "owner"), *own)
    assert not claim(world, enter(world, "owner"), *other)
    assert world.documents.get("teachers", f"person-{pseudonym(other[0], VERIFICATION.pseudonym_secret)}") is None


@pytest.mark.parametrize("stored", [f"ana.pena.lopez@{DOMAIN}", f"otra.ana@{DOMAIN}"])
def test_the_address_in_the_registry_decides_before_any_binding(world: World, stored: str) -> None:
    dui, nip = enrolled(world, 1)
    world.registry.teachers[dui.digits, nip.digits] = replace(TEACHER, address=stored)
    assert not claim(world, enter(world, "thief"), dui, nip)
    assert world.documents.get("teachers", "account-thief") is None
    assert world.audit.outcomes("verification") == ["other_account_in_registry"]


def _wait(together: threading.Barrier) -> None:
    together.wait(10)
