"""The live look at a section that is opened: what it shows, what it keeps, and when it is left out."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from secciones.domain.accounts import Account
from secciones.domain.batches import Batch
from secciones.domain.outcomes import Outcome
from secciones.domain.standings import NOT_THERE, EarlierReset, Standing
from secciones.services.account_standings import with_standings
from secciones.services.batches import release_lease, take_lease
from secciones.services.list_sections import StudentRow, student_rows
from secciones.services.live_look import LiveLook
from secciones.services.mirror_accounts import mirror_accounts
from tests.support.site import Pages
from tests.support.world import DOMAIN, SCHOOL, SECTION, SESSION, TEACHER, World, account, student

UNIT = "/Estudiantes/10001"
PAGE = f"/secciones/centros/{SCHOOL.id}/{SECTION.id}"


def mirror(world: World) -> None:
    now = world.clock.now()
    mirror_accounts(
        world.documents, world.directory, world.clock, "/Estudiantes", timedelta(), now + timedelta(minutes=4)
    )


def mirrored(world: World) -> Sequence[StudentRow]:
    roster = world.registry.rosters[TEACHER.id, SECTION.id]
    return with_standings(world.documents, SESSION, student_rows(roster, DOMAIN))[0]


def look(world: World) -> LiveLook:
    return LiveLook(world.documents, world.clock, world.directory, "/Estudiantes", busy=2)


def standings(rows: Sequence[StudentRow]) -> list[Standing | None]:
    return [row.standing for row in rows]


def in_the_directory(world: World, *accounts: Account) -> None:
    world.directory.accounts |= {found.address: found for found in accounts}


def test_what_has_changed_since_the_pass_is_seen_and_kept(world: World) -> None:
    mirror(world)
    world.clock.advance(hours=1)
    used = account(0, last_sign_in=world.clock.now())
    in_the_directory(world, used, account(1, is_suspended=True))
    del world.directory.accounts[account(2).address]

    rows, is_all = look(world)(mirrored(world))

    assert is_all
    assert standings(rows) == [
        Standing("g-0", None, used.last_sign_in, org_unit=UNIT),
        Standing("g-1", Outcome.SUSPENDED, None, org_unit=UNIT),
        NOT_THERE,
    ]
    assert standings(mirrored(world)) == standings(rows), "the summary before Procesar reads the mirror"


def test_before_the_first_pass_a_look_tells_all_the_same(world: World) -> None:
    rows, is_all = look(world)(mirrored(world))
    assert (is_all, standings(rows)) == (
        True,
        [Standing(f"g-{number}", None, None, org_unit=UNIT) for number in range(3)],
    )


def test_who_was_reset_by_whom_stays_known(world: World) -> None:
    world.work(world.submit("e-0"))
    mirror(world)
    rows, _ = look(world)(mirrored(world))
    assert rows[0].standing is not None
    assert rows[0].standing.reset == EarlierReset(SESSION.name, True, world.clock.now())


@pytest.mark.parametrize("is_mirrored", [True, False])
def test_nothing_is_written_when_nothing_is_new(
    world: World, monkeypatch: pytest.MonkeyPatch, is_mirrored: bool
) -> None:
    if is_mirrored:
        mirror(world)
    else:
        world.directory.accounts = {}
    rows = mirrored(world)

    def transact(_: object) -> None:
        raise AssertionError("a page that shows what is known has nothing to write")

    monkeypatch.setattr(world.documents, "transact", transact)
    assert look(world)(rows)[1]


def test_what_the_directory_does_not_tell_in_time_stays_as_the_mirror_has_it(world: World) -> None:
    mirror(world)
    world.directory.is_down = True
    rows, is_all = look(world)(known := mirrored(world))
    assert (is_all, standings(rows)) == (False, standings(known))


def test_a_part_that_is_told_is_shown_and_is_not_called_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror(world)
    suspended = account(1, is_suspended=True)
    monkeypatch.setattr(world.directory, "look", lambda _units, _addresses: {suspended.address: suspended})
    rows, is_all = look(world)(mirrored(world))
    assert not is_all
    assert [row.refusal for row in rows] == [None, Outcome.SUSPENDED, None]


def test_only_units_and_addresses_that_could_be_a_students_are_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[set[str], set[str]]] = []
    world.enrol(replace(student(0), nie=None), *(student(number) for number in (1, 2, 3)))
    in_the_directory(world, account(2, org_unit="/Docentes"), account(3, org_unit="/Estudiantes"))
    mirror(world)

    def answer(units: Sequence[str], addresses: Sequence[str]) -> dict[str, Account | None]:
        asked.append((set(units), set(addresses)))
        return {}

    monkeypatch.setattr(world.directory, "look", answer)
    look(world)(mirrored(world))
    assert asked == [({UNIT}, {account(number).address for number in (1, 2, 3)})]


def test_an_alias_and_a_teacher_are_told_for_what_they_are(world: World) -> None:
    in_the_directory(world, account(2, org_unit="/Docentes", last_sign_in=world.clock.now()))
    world.directory.accounts[account(1).address] = account(9)
    rows, _ = look(world)(mirrored(world))
    assert standings(rows)[1:] == [Standing("g-9", Outcome.ALIAS, None), Standing("g-2", Outcome.NOT_A_STUDENT, None)]


def running(world: World, student_id: str) -> Batch:
    """A batch that a worker has in hand."""
    return take_lease(world.documents, world.clock, world.submit(student_id, nonce=student_id))[0]


def test_while_workers_are_busy_nobody_looks(world: World) -> None:
    mirror(world)
    batch = running(world, "e-0")
    assert look(world)(mirrored(world))[1]
    running(world, "e-1")
    assert not look(world)(mirrored(world))[1]
    assert world.directory.looks == 1
    release_lease(world.documents, batch)
    world.work(batch.id)
    assert look(world)(mirrored(world))[1]


def test_whether_workers_are_busy_is_asked_again_after_a_while(world: World) -> None:
    mirror(world)
    look_again = look(world)
    assert look_again(mirrored(world))[1]
    running(world, "e-0")
    running(world, "e-1")
    world.clock.advance(seconds=14)
    assert look_again(mirrored(world))[1]
    world.clock.advance(seconds=1)
    assert not look_again(mirrored(world))[1]


def test_a_section_is_looked_at_when_it_is_opened_and_not_while_one_ticks(world: World) -> None:
    mirror(world)
    pages = Pages(world)
    cookie = pages.verified()
    in_the_directory(world, account(1, is_suspended=True))

    assert "Suspendida" in pages.get(PAGE, cookie).text
    in_the_directory(world, account(1))
    assert "Suspendida" in pages.post(PAGE, cookie, {"order": "nie"}).text
    assert world.directory.looks == 1
    assert "Suspendida" not in pages.get(PAGE, cookie).text


def test_the_page_says_of_when_it_is(world: World) -> None:
    mirror(world)
    pages = Pages(world)
    cookie = pages.verified()
    world.clock.advance(minutes=10)

    assert re.search(r"según Google,[^.]* 0?8:10", pages.get(PAGE, cookie).text)
    world.directory.is_down = True
    assert re.search(r"según Google,[^.]* 0?8:00", pages.get(PAGE, cookie).text)
