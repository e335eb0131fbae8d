"""Whoever chooses students is told of the last reset that gave a teacher the password, and of no other."""

from datetime import timedelta

import pytest

from secciones.domain.errors import MailRefused
from secciones.domain.standings import EarlierReset
from secciones.services.account_standings import with_standings
from secciones.services.list_sections import student_rows
from secciones.services.mirror_accounts import mirror_accounts
from secciones.services.request_resend import resend_for_teacher
from tests.support.world import COLLEAGUE, DOMAIN, RULES, SECTION, SESSION, TEACHER, World, account


@pytest.fixture(autouse=True)
def shared(world: World) -> None:
    world.share()
    mirror(world)


def mirror(world: World) -> None:
    ends_at = world.clock.now() + timedelta(minutes=4)
    mirror_accounts(world.documents, world.directory, world.clock, "/Estudiantes", timedelta(), ends_at)


def told(world: World) -> list[EarlierReset | None]:
    rows = student_rows(world.registry.rosters[TEACHER.id, SECTION.id], DOMAIN)
    known = with_standings(world.documents, SESSION, rows)
    return [row.standing.reset if row.standing else None for row in known.rows]


def refused(world: World) -> str:
    """A batch over the first student that was changed and not delivered."""
    world.mailer.failure = MailRefused("invalidArgument")
    batch_id = world.submit("e-0", nonce="a" * 43)
    world.work(batch_id)
    world.mailer.failure = None
    return batch_id


def send_again(world: World, batch_id: str) -> None:
    resend_for_teacher(world.documents, world.queue, world.audit, world.clock, batch_id, 1)
    world.work(batch_id)


def test_a_reset_is_told_from_its_mail_on_for_as_long_as_its_batch_is_kept(world: World) -> None:
    batch_id = world.submit("e-0", session=COLLEAGUE)
    assert told(world) == [None, None, None]
    world.work(batch_id)
    assert told(world) == [EarlierReset(COLLEAGUE.name, False, world.clock.now()), None, None]
    world.clock.advance(days=RULES.retention.days)
    mirror(world)
    assert told(world) == [None, None, None]


def test_one_whose_mail_was_refused_is_told_once_an_operator_has_sent_it(world: World) -> None:
    batch_id = refused(world)
    assert told(world) == [None, None, None]
    world.clock.advance(minutes=5)
    send_again(world, batch_id)
    assert told(world) == [EarlierReset(SESSION.name, True, world.clock.now()), None, None]


def test_a_mail_that_comes_after_anothers_reset_does_not_take_its_place(world: World) -> None:
    batch_id = refused(world)
    world.work(world.submit("e-0", session=COLLEAGUE))
    at = world.clock.now()
    world.clock.advance(minutes=5)
    send_again(world, batch_id)
    assert told(world)[0] == EarlierReset(COLLEAGUE.name, False, at)


def test_a_mail_that_is_sent_again_is_no_later_reset(world: World) -> None:
    batch_id = world.submit("e-0", nonce="a" * 43)
    world.work(batch_id)
    at = world.clock.now()
    world.clock.advance(minutes=5)
    send_again(world, batch_id)
    assert told(world)[0] == EarlierReset(SESSION.name, True, at)


def test_an_account_that_google_refused_to_change_was_not_reset(world: World) -> None:
    world.directory.refused = {"g-0"}
    world.work(world.submit("e-0", "e-1"))
    assert [reset is not None for reset in told(world)] == [False, True, False]


def test_the_account_that_has_the_address_now_was_not_reset(world: World) -> None:
    world.work(world.submit("e-0"))
    world.directory.accounts[account(0).address] = account(0, id="g-9")
    world.clock.advance(minutes=1)
    mirror(world)
    assert told(world)[0] is None
