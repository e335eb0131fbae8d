"""Whoever is seen in a list is the account of the mirror, in the unit of the mirror, now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from secciones.domain.accounts import Account
from secciones.domain.batches import BatchState
from secciones.domain.outcomes import Outcome
from secciones.services.look_in_units import look_in_units
from secciones.services.mirror_accounts import mirror_accounts
from tests.support.world import World, account, student

MANY = 25
ADDRESSES = {account(number).address for number in range(MANY)}


@pytest.fixture
def world(world: World) -> World:
    """With so many students, all of them in the mirror."""
    world.directory.accounts = {account(number).address: account(number) for number in range(MANY)}
    world.directory.page_size = 500
    mirror(world)
    return world


def mirror(world: World) -> None:
    ends_at = world.clock.now() + timedelta(minutes=4)
    mirror_accounts(world.documents, world.directory, world.clock, "/Estudiantes", timedelta(0), ends_at)
    world.directory.pages = 0


def change(world: World, number: int, **changes: object) -> None:
    address = account(number).address
    world.directory.accounts[address] = replace(world.directory.accounts[address], **changes)  # type: ignore[arg-type]


def submitted(world: World) -> str:
    world.enrol(*(student(number) for number in range(MANY)))
    return world.submit()


def seen(world: World) -> dict[str, Account]:
    return look_in_units(world.documents, world.directory, "/Estudiantes", ADDRESSES)


def test_a_section_is_seen_in_one_query(world: World) -> None:
    assert seen(world) == {account(number).address: account(number) for number in range(MANY)}
    assert (world.directory.pages, world.directory.looked_up) == (1, [])


def test_what_a_list_shows_is_as_it_is_now_and_not_as_it_is_in_the_mirror(world: World) -> None:
    change(world, 3, is_suspended=True)
    assert seen(world)[account(3).address].is_suspended


@pytest.mark.parametrize(
    "changes", [{"id": "another"}, {"org_unit": "/Docentes"}, {"address": "renamed@clases.edu.sv"}], ids=str
)
def test_an_account_that_is_another_than_in_the_mirror_is_not_seen(world: World, changes: dict[str, object]) -> None:
    change(world, 3, **changes)
    assert ADDRESSES - seen(world).keys() == {account(3).address}


@pytest.mark.parametrize(
    "changes", [{"is_administrator": True}, {"org_unit": "/Docentes"}, {"org_unit": "/Estudiantes"}]
)
def test_an_account_that_was_no_student_in_a_unit_of_students_is_not_looked_for(
    world: World, changes: dict[str, object]
) -> None:
    change(world, 3, **changes)
    mirror(world)
    change(world, 3, is_administrator=False, org_unit=account(3).org_unit)
    assert ADDRESSES - seen(world).keys() == {account(3).address}


def test_few_accounts_of_a_unit_are_not_worth_a_list(world: World) -> None:
    few = {account(number).address for number in range(9)}
    assert look_in_units(world.documents, world.directory, "/Estudiantes", few) == {}
    assert world.directory.pages == 0


def test_a_unit_of_very_many_is_left_after_one_page(world: World) -> None:
    others = {f"0{number}@clases.edu.sv": account(100 + number, address=f"0{number}@x") for number in range(500)}
    world.directory.accounts |= others
    world.directory.page_size = 20
    assert seen(world) == {}
    assert world.directory.pages == 1


def test_no_more_than_a_page_is_asked_for_ten_accounts(world: World) -> None:
    world.directory.page_size = 4
    assert len(seen(world)) == 8
    assert world.directory.pages == 2


def test_a_list_that_cannot_be_had_shows_nobody(world: World) -> None:
    world.directory.is_down = True
    assert seen(world) == {}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.CHANGED),
        ({"is_suspended": True}, Outcome.SUSPENDED),
        ({"is_administrator": True}, Outcome.ADMINISTRATOR),
        ({"org_unit": "/Docentes"}, Outcome.NOT_A_STUDENT),
    ],
    ids=str,
)
def test_a_worker_looks_up_by_itself_whoever_a_list_does_not_show_as_a_student(
    world: World, changes: dict[str, object], outcome: Outcome
) -> None:
    change(world, 3, **changes)
    batch_id = submitted(world)
    world.work(batch_id)
    batch = world.batch(batch_id)
    assert batch.state is BatchState.MAILED
    assert [row.outcome for row in batch.rows if row.student_id == "e-3"] == [outcome]
    assert world.directory.looked_up == ([account(3).address] if changes else [])


def test_whoever_may_have_signed_in_since_the_last_batch_is_looked_up(world: World) -> None:
    """Google's lists may not know yet of a sign-in a minute ago."""
    batch_id = submitted(world)
    world.work(batch_id)
    world.clock.advance(hours=25)
    change(world, 3, last_sign_in=world.clock.now())
    mirror(world)
    again = world.submit(follows=batch_id, nonce="m" * 43)
    world.work(again)
    assert [row.student_id for row in world.batch(again).rows_with(Outcome.SIGNED_IN)] == ["e-3"]
    assert len(world.directory.looked_up) == MANY
