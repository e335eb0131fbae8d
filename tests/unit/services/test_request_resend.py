"""*Reenviar*: the same mail again, three times within a day; after that, only those who have not signed in."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from secciones.domain.batches import BatchState
from secciones.domain.errors import BatchNotFound, MailRefused, MailUnavailable, ResendRefused
from secciones.domain.outcomes import Outcome
from secciones.services.batches import OUTBOX, SEALS
from secciones.services.sweep import Sweep
from tests.support.world import COLLEAGUE, World


def mailed(world: World) -> str:
    """A batch whose mail has arrived; the queue has nothing left to do."""
    batch_id = world.submit()
    world.work(batch_id)
    world.queue.tasks.clear()
    return batch_id


def resent(world: World, batch_id: str, number: int) -> None:
    world.resend(batch_id, number)
    [(task, _)] = world.queue.tasks
    world.queue.tasks.clear()
    world.work(task)


def test_the_mail_comes_again_to_the_byte_and_nothing_is_changed(world: World) -> None:
    batch_id = mailed(world)
    changes = list(world.directory.passwords)
    for number in (1, 2, 3):
        world.clock.advance(hours=7)
        resent(world, batch_id, number)
    assert len(world.mailer.sent) == 4
    assert len(set(map(repr, world.mailer.sent))) == 1
    assert len({mail.text for mail in world.mailer.sent}) == 1
    assert world.directory.passwords == changes
    assert world.batch(batch_id).state is BatchState.MAILED
    assert world.audit.outcomes("resend") == ["accepted"] * 3
    assert world.audit.outcomes("resent") == ["accepted"] * 3


def test_a_fourth_time_is_refused(world: World) -> None:
    batch_id = mailed(world)
    for number in (1, 2, 3):
        resent(world, batch_id, number)
    with pytest.raises(ResendRefused):
        world.resend(batch_id, 4)
    assert (len(world.mailer.sent), world.queue.tasks) == (4, [])


def test_after_a_day_it_is_refused(world: World) -> None:
    batch_id = mailed(world)
    world.clock.advance(hours=24)
    with pytest.raises(ResendRefused):
        world.resend(batch_id)
    assert world.queue.tasks == []


def test_another_teachers_mail_is_nobody_elses_to_ask_for(world: World) -> None:
    batch_id = mailed(world)
    with pytest.raises(BatchNotFound):
        world.resend(batch_id, session=COLLEAGUE)
    assert world.queue.tasks == []


def test_what_was_never_mailed_is_not_mailed_again(world: World) -> None:
    running = world.submit(nonce="a" * 43)
    with pytest.raises(ResendRefused):
        world.resend(running)
    world.mailer.failure = MailRefused("invalidArgument")
    world.work(running)
    with pytest.raises(ResendRefused):
        world.resend(running)


def test_fifty_clicks_ask_once(world: World) -> None:
    batch_id = mailed(world)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: world.resend(batch_id, 1), range(50)))
    assert world.batch(batch_id).resends == 1
    assert len(world.queue.tasks) == 1


@pytest.mark.parametrize("number", [0, 2, 9])
def test_a_number_that_is_not_the_next_asks_for_nothing(world: World, number: int) -> None:
    batch_id = mailed(world)
    if number:
        with pytest.raises(ResendRefused):
            world.resend(batch_id, number)
    else:
        world.resend(batch_id, number)
    assert world.batch(batch_id).resends == 0


def test_one_that_is_under_way_comes_before_the_next(world: World) -> None:
    batch_id = mailed(world)
    world.resend(batch_id, 1)
    with pytest.raises(ResendRefused):
        world.resend(batch_id, 2)


def test_a_queue_that_is_down_leaves_it_to_the_sweeper(world: World) -> None:
    batch_id = mailed(world)
    world.queue.is_down = True
    world.resend(batch_id)
    assert world.documents.get(OUTBOX, batch_id) is not None
    world.queue.is_down = False
    world.clock.advance(seconds=20)
    assert world.sweep() == Sweep(dispatched=1)
    world.work(batch_id)
    assert len(world.mailer.sent) == 2


def test_a_task_that_was_lost_is_made_again(world: World) -> None:
    batch_id = mailed(world)
    world.resend(batch_id)
    world.queue.tasks.clear()
    world.clock.advance(minutes=3)
    assert world.sweep() == Sweep(requeued=1)
    world.work(batch_id)
    assert len(world.mailer.sent) == 2


def test_gmail_that_does_not_answer_gives_it_back_to_the_queue(world: World) -> None:
    batch_id = mailed(world)
    world.resend(batch_id)
    world.mailer.failure = MailUnavailable("backendError")
    with pytest.raises(MailUnavailable):
        world.work(batch_id)
    world.mailer.failure = None
    world.work(batch_id)
    assert len(world.mailer.sent) == 2
    assert world.batch(batch_id).resends_done == 1


def test_a_mail_that_is_refused_for_good_is_said_to_be(world: World) -> None:
    batch_id = mailed(world)
    world.resend(batch_id)
    world.mailer.failure = MailRefused("invalidArgument")
    world.work(batch_id)
    batch = world.batch(batch_id)
    assert (batch.resend_failure, batch.has_work, batch.state) == ("invalidArgument", False, BatchState.MAILED)
    assert world.audit.outcomes("resent") == ["invalidArgument"]


def test_the_seal_outlives_every_resend_of_the_day_and_not_more(world: World) -> None:
    batch_id = mailed(world)
    world.clock.advance(hours=23, minutes=59)
    resent(world, batch_id, 1)
    world.sweep()
    assert world.documents.get(SEALS, batch_id) is not None
    world.clock.advance(minutes=2)
    assert world.sweep() == Sweep(closed=1)
    assert world.documents.get(SEALS, batch_id) is None
    assert world.batch(batch_id).state is BatchState.CLOSED


def test_one_that_never_succeeds_is_given_up_told_to_the_audit_and_the_seal_destroyed(world: World) -> None:
    batch_id = mailed(world)
    world.clock.advance(hours=23, minutes=59)
    world.resend(batch_id)
    world.clock.advance(hours=1, minutes=2)
    assert world.sweep() == Sweep(given_up=1)
    assert world.sweep() == Sweep(closed=1)
    assert world.audit.outcomes("resent") == ["deadline"]
    batch = world.batch(batch_id)
    assert (batch.state, batch.resend_failure, batch.has_work) == (BatchState.CLOSED, "deadline", False)
    assert world.documents.get(SEALS, batch_id) is None
    world.work(batch_id)
    assert len(world.mailer.sent) == 1


def test_a_sweeper_that_was_killed_after_giving_one_up_has_the_next_tell_the_audit(world: World) -> None:
    batch_id = mailed(world)
    world.resend(batch_id)
    world.clock.advance(hours=25, minutes=2)
    known = list(world.audit.events)
    world.sweep()
    world.audit.events = known
    world.sweep()
    assert world.audit.outcomes("resent") == ["deadline"]


class TestAfterThat:
    def test_a_new_reset_leaves_out_who_has_signed_in_since(self, world: World) -> None:
        first = mailed(world)
        world.clock.advance(hours=5)
        address, account = next(iter(world.directory.accounts.items()))
        world.directory.accounts[address] = replace(account, last_sign_in=world.clock.now())
        world.clock.advance(hours=20)
        held = world.directory.held()
        second = world.submit(nonce="b" * 43, follows=first)
        world.work(second)
        assert [row.outcome for row in world.batch(second).rows] == [Outcome.SIGNED_IN] + [Outcome.CHANGED] * 2
        assert world.directory.held()["g-0"] == held["g-0"]
        assert world.directory.held()["g-1"] != held["g-1"]

    def test_it_is_offered_only_when_the_mail_can_no_longer_come_again(self, world: World) -> None:
        batch_id = mailed(world)
        now = world.clock.now()
        assert not world.batch(batch_id).may_be_followed(now)
        world.clock.advance(hours=24)
        batch = world.batch(batch_id)
        assert batch.may_be_followed(world.clock.now())
        assert not batch.may_be_resent(world.clock.now())

    def test_who_has_left_the_section_is_left_out(self, world: World) -> None:
        first = mailed(world)
        world.clock.advance(hours=25)
        roster = next(iter(world.registry.rosters.values()))
        world.enrol(*roster.students[1:])
        second = world.submit("e-0", "e-1", "e-2", nonce="b" * 43, follows=first)
        assert [row.student_id for row in world.batch(second).rows] == ["e-1", "e-2"]

    def test_another_teachers_batch_cannot_be_followed(self, world: World) -> None:
        world.share()
        first = mailed(world)
        with pytest.raises(BatchNotFound):
            world.submit(nonce="b" * 43, follows=first, session=COLLEAGUE)
