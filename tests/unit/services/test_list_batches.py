"""*Mis restablecimientos*: the teacher's own batches, and how many of its students have used the account since."""

from dataclasses import replace
from datetime import timedelta

import pytest

from secciones.services.list_batches import list_batches, view_batches
from secciones.services.mirror_accounts import mirror_accounts
from tests.support.world import COLLEAGUE, RULES, SESSION, World, account


def test_a_teacher_sees_their_own_batches_the_newest_first(world: World) -> None:
    world.share()
    first = world.submit("e-0", nonce="a" * 43)
    world.clock.advance(minutes=1)
    second = world.submit("e-1", nonce="b" * 43)
    world.submit("e-2", session=COLLEAGUE)
    assert [view.batch.id for view in list_batches(world.documents, SESSION)] == [second, first]
    world.clock.advance(days=30)
    assert list_batches(world.documents, SESSION) == []


def test_a_month_with_all_batches_that_a_teacher_may_begin_is_shown_whole(world: World) -> None:
    for day in range(30):
        for number in range(RULES.batches_per_day):
            world.submit("e-0", nonce=f"{day}-{number}".rjust(43, "0"))
        world.clock.advance(days=1)
    world.clock.advance(seconds=-1)
    assert len(list_batches(world.documents, SESSION)) == 30 * RULES.batches_per_day


def test_who_has_signed_in_since_the_mail_is_counted_once_the_mirror_knows(world: World) -> None:
    world.work(world.submit())
    for number, later in ((0, 1), (1, -1)):
        used = replace(account(number), last_sign_in=world.clock.now() + timedelta(hours=later))
        world.directory.accounts[used.address] = used
    (view,) = list_batches(world.documents, SESSION)
    assert (view.signed_in, view.is_known) == ({}, False)
    every, ends_at = timedelta(hours=4), world.clock.now() + timedelta(minutes=4)
    mirror_accounts(world.documents, world.directory, world.clock, "/Estudiantes", every, ends_at)
    world.clock.advance(minutes=1)
    mirror_accounts(world.documents, world.directory, world.clock, "/Estudiantes", timedelta(), ends_at)
    (view,) = list_batches(world.documents, SESSION)
    assert (set(view.signed_in), view.is_known, view.whole_since) == ({"e-0"}, True, world.clock.now())


def test_that_nobody_has_signed_in_is_known_once_a_pass_began_after_the_mail(world: World) -> None:
    world.work(world.submit())
    world.clock.advance(minutes=1)
    until = world.clock.now() + timedelta(minutes=4)
    mirror_accounts(world.documents, world.directory, world.clock, "/Estudiantes", timedelta(), until)
    (view,) = list_batches(world.documents, SESSION)
    assert (view.signed_in, view.is_known) == ({}, True)


def test_before_a_mail_nobody_asks_for_sign_ins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = world.batch(world.submit())

    def transact(_: object) -> None:
        raise AssertionError("the mirror has nothing to say of passwords that nobody was given")

    monkeypatch.setattr(world.documents, "transact", transact)
    (view,) = view_batches(world.documents, [batch])
    assert (view.batch, view.signed_in, view.is_known) == (batch, {}, False)
