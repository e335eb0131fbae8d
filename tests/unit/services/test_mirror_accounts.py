"""The mirror of the Directory: passes over all accounts, in pieces, and what a page may conclude from them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from secciones.domain.errors import DirectoryUnavailable
from secciones.domain.outcomes import Outcome
from secciones.domain.standings import EarlierReset, Standing
from secciones.ports.accounts import AccountPage
from secciones.services.account_standings import Known, with_standings
from secciones.services.list_sections import student_rows
from secciones.services.mirror_accounts import ACCOUNTS, CURRENT, PASSES, Mirrored, mirror_accounts
from tests.support.world import COLLEAGUE, DOMAIN, SECTION, SESSION, TEACHER, World, account, student

FOUR_HOURS = timedelta(hours=4)
UNIT = "/Estudiantes/10001"


def mirror(world: World, minutes: int = 4) -> Mirrored:
    ends_at = world.clock.now() + timedelta(minutes=minutes)
    return mirror_accounts(world.documents, world.directory, world.clock, "/Estudiantes", FOUR_HOURS, ends_at)


def rows(world: World) -> Known:
    roster = world.registry.rosters[TEACHER.id, SECTION.id]
    return with_standings(world.documents, SESSION, student_rows(roster, DOMAIN))


def standings(world: World) -> list[Standing | None]:
    return [row.standing for row in rows(world).rows]


def seen_at(world: World, number: int) -> Any:
    document = world.documents.get(ACCOUNTS, account(number).address)
    return document and document["seen_at"]


def test_before_the_first_pass_nothing_is_known(world: World) -> None:
    assert standings(world) == [None, None, None]
    assert rows(world).whole_since is None


def test_a_pass_reads_every_page_and_the_next_one_waits(world: World) -> None:
    began = world.clock.now()
    assert mirror(world) == Mirrored(pages=2, accounts=3)
    assert standings(world) == [Standing(f"g-{number}", None, None, org_unit=UNIT) for number in range(3)]
    assert rows(world).whole_since == began
    world.clock.advance(hours=3)
    assert mirror(world) == Mirrored()
    world.clock.advance(hours=1)
    assert mirror(world).pages == 2


def test_a_pass_goes_on_where_the_time_ran_out(world: World) -> None:
    page = world.directory.page

    def slow(token: str, org_unit: str = "") -> AccountPage:
        world.clock.advance(minutes=5)
        return page(token, org_unit)

    world.directory.page = slow  # type: ignore[method-assign]
    began = world.clock.now()
    assert mirror(world).pages == 1
    assert (standings(world)[0] is not None, standings(world)[2], rows(world).whole_since) == (True, None, None)
    assert mirror(world).pages == 1
    assert (standings(world)[2] is not None, rows(world).whole_since) == (True, began)


def test_what_was_read_before_the_directory_failed_is_kept(world: World) -> None:
    mirror(world, minutes=0)
    page = world.directory.page

    def failing(token: str, org_unit: str = "") -> AccountPage:
        if token:
            raise DirectoryUnavailable("quotaExceeded")
        return page(token, org_unit)

    world.directory.page = failing  # type: ignore[method-assign]
    with pytest.raises(DirectoryUnavailable):
        mirror(world)
    assert standings(world)[0] is not None
    world.directory.page = page  # type: ignore[method-assign]
    assert mirror(world).pages == 1


def test_a_place_that_is_not_known_any_more_begins_the_pass_anew(world: World) -> None:
    mirror(world)
    known = world.documents.get(PASSES, CURRENT) or {}
    lost = known | {"is_whole": False, "page_token": "lost"}
    world.documents.transact(lambda transaction: transaction.set(PASSES, CURRENT, lost))
    world.clock.advance(minutes=1)
    assert mirror(world).pages == 2
    assert rows(world).whole_since == world.clock.now()


def test_an_account_that_is_gone_does_not_exist_and_one_that_is_new_does(world: World) -> None:
    del world.directory.accounts[account(1).address]
    mirror(world)
    assert standings(world)[1] == Standing("", Outcome.NOT_FOUND, None)
    world.directory.accounts[account(1).address] = account(1)
    del world.directory.accounts[account(2).address]
    for _ in range(4):
        world.clock.advance(hours=4)
        mirror(world)
    assert standings(world)[1] == Standing("g-1", None, None, org_unit=UNIT)
    assert standings(world)[2] == Standing("", Outcome.NOT_FOUND, None)


def test_only_news_are_written_and_all_is_confirmed_before_it_is_too_old(world: World) -> None:
    mirror(world)
    first = world.clock.now()
    world.clock.advance(hours=4)
    signed_in = replace(account(1), last_sign_in=world.clock.now())
    world.directory.accounts[signed_in.address] = signed_in
    mirror(world)
    assert (seen_at(world, 0), seen_at(world, 1)) == (first, world.clock.now())
    assert standings(world)[1] == Standing("g-1", None, signed_in.last_sign_in, org_unit=UNIT)
    for _ in range(20):
        world.clock.advance(hours=4)
        mirror(world)
        assert all(standing and standing.account_id for standing in standings(world)), "nobody vanishes"


def test_of_those_who_are_no_students_nothing_is_kept_but_that(world: World) -> None:
    teacher = account(1, org_unit="/Docentes", last_sign_in=world.clock.now())
    suspended = account(2, is_suspended=True, last_sign_in=world.clock.now())
    world.directory.accounts |= {teacher.address: teacher, suspended.address: suspended}
    mirror(world)
    assert standings(world)[1] == Standing("g-1", Outcome.NOT_A_STUDENT, None)
    assert standings(world)[2] == Standing("g-2", Outcome.SUSPENDED, world.clock.now(), org_unit=UNIT)


def test_a_mirror_that_nobody_keeps_says_nothing(world: World) -> None:
    mirror(world)
    world.clock.advance(days=4)
    assert standings(world) == [None, None, None]


def test_a_reset_is_shown_with_whose_it_was_and_not_before_it_was_mailed(world: World) -> None:
    world.share()
    mirror(world)
    world.work(world.submit("e-0", session=COLLEAGUE))
    at = world.clock.now()
    world.clock.advance(days=2)
    world.work(world.submit("e-1"))
    mirror(world)
    assert [standing.reset for standing in standings(world) if standing] == [
        EarlierReset(COLLEAGUE.name, False, at),
        EarlierReset(SESSION.name, True, world.clock.now()),
        None,
    ]


def test_a_student_whose_data_name_no_account_has_no_standing(world: World) -> None:
    world.enrol(replace(student(0), nie=None), student(1))
    mirror(world)
    assert [standing is None for standing in standings(world)] == [True, False]


def test_a_mirror_that_is_old_is_told_to_operators_until_a_pass_ends(
    world: World, log_lines: list[dict[str, Any]]
) -> None:
    mirror(world)
    world.clock.advance(hours=12)
    mirror(world)
    assert log_lines == []
    world.directory.is_down = True
    world.clock.advance(hours=13)
    with pytest.raises(DirectoryUnavailable):
        mirror(world)
    world.directory.is_down = False
    mirror(world)
    mirror(world)
    assert [line["severity"] for line in log_lines] == ["ERROR", "ERROR"]


def test_a_first_pass_that_does_not_end_is_told_to_operators(world: World, log_lines: list[dict[str, Any]]) -> None:
    page = world.directory.page

    def slow(token: str, org_unit: str = "") -> AccountPage:
        world.clock.advance(hours=13)
        return page(token, org_unit)

    world.directory.page = slow  # type: ignore[method-assign]
    mirror(world)
    assert log_lines == []
    mirror(world)
    assert [line["severity"] for line in log_lines] == ["ERROR"]
