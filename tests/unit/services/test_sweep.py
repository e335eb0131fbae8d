"""The sweeper: what was left behind goes on, what cannot go on ends visibly, what has ended is sealed for ever."""

import contextlib

import pytest

from secciones.domain.batches import BatchState
from secciones.domain.errors import LeaseHeld, MailUnavailable
from secciones.services.batches import OUTBOX, SEALS, take_lease
from secciones.services.sweep import Sweep
from tests.support.world import World


def work_despite_failure(world: World, batch_id: str) -> None:
    with contextlib.suppress(MailUnavailable):
        world.work(batch_id)


def test_a_sweep_with_nothing_to_do_does_nothing_and_says_so(world: World) -> None:
    assert world.sweep() == Sweep()
    assert world.audit.outcomes("sweep") == ["done"]


def test_a_sweep_says_how_long_the_teacher_who_waits_longest_has_been_waiting(world: World) -> None:
    def said() -> object:
        world.sweep()
        return next(event for event in reversed(world.audit.events) if event.kind == "sweep").details[
            "oldest_open_seconds"
        ]

    assert said() == 0
    first = world.submit(nonce="a" * 43)
    world.clock.advance(seconds=70)
    second = world.submit(nonce="b" * 43)
    world.clock.advance(seconds=30)
    assert said() == 100

    world.work(first)
    assert said() == 30
    world.work(second)
    assert said() == 0


def test_the_audit_says_how_long_a_mail_took(world: World) -> None:
    batch_id = world.submit()
    world.clock.advance(seconds=42)
    world.work(batch_id)

    mailed = next(event for event in world.audit.events if event.kind == "mail")
    assert mailed.details == {"seconds": 42}


def test_a_submit_that_is_just_being_dispatched_is_left_alone(world: World) -> None:
    world.queue.is_down = True
    world.submit()
    world.clock.advance(seconds=5)
    assert world.sweep() == Sweep()


def test_a_task_that_the_queue_lost_is_made_again_under_another_number(world: World) -> None:
    batch_id = world.submit()
    world.queue.tasks.clear()
    world.clock.advance(minutes=2)
    assert world.sweep().requeued == 1
    assert world.queue.tasks == [(batch_id, 2)]
    assert world.sweep() == Sweep(), "the new task gets its time"


def test_a_batch_that_a_worker_has_is_not_touched_until_its_lease_is_over(world: World) -> None:
    batch_id = world.submit()
    world.clock.advance(minutes=3)
    take_lease(world.documents, world.clock, batch_id)
    assert world.sweep() == Sweep()
    world.clock.advance(minutes=3)
    assert world.sweep().requeued == 1


def test_a_queue_that_is_still_down_is_counted_and_tried_again(world: World) -> None:
    batch_id = world.submit()
    world.clock.advance(minutes=3)
    world.queue.is_down = True
    assert world.sweep().failed == 1
    world.queue.is_down = False
    world.clock.advance(minutes=3)
    world.sweep()
    assert (batch_id, 3) in world.queue.tasks


def test_one_batch_that_fails_does_not_keep_the_others(world: World) -> None:
    first, second = world.submit(nonce="a" * 43), world.submit(nonce="b" * 43)
    world.documents.transact(lambda transaction: transaction.set(OUTBOX, "gone", {"created_at": world.clock.now()}))
    world.clock.advance(minutes=3)
    assert world.sweep() == Sweep(requeued=2, closed=1)
    assert {batch_id for batch_id, _ in world.queue.tasks} == {first, second}
    assert world.documents.get(OUTBOX, "gone") is None


def test_when_it_is_time_to_give_up_no_worker_keeps_the_sweeper_from_it(world: World) -> None:
    batch_id = world.submit()
    world.mailer.failure = MailUnavailable("backendError")
    work_despite_failure(world, batch_id)
    world.clock.advance(hours=2)
    world.mailer.failure = None
    with pytest.raises(LeaseHeld):
        world.work(batch_id)
    assert world.sweep().given_up == 1
    assert not world.mailer.sent


def test_a_batch_that_cannot_be_mailed_ends_as_partial_an_hour_after_its_deadline(world: World) -> None:
    batch_id = world.submit()
    world.mailer.failure = MailUnavailable("backendError")
    work_despite_failure(world, batch_id)
    world.clock.advance(hours=1, minutes=59)
    assert world.sweep().given_up == 0
    work_despite_failure(world, batch_id)
    world.clock.advance(minutes=5)
    assert world.sweep().given_up == 1

    batch = world.batch(batch_id)
    assert (batch.state, batch.mail_failure) == (BatchState.PARTIAL, "deadline")
    assert world.audit.outcomes("mail") == ["deadline"]
    world.mailer.failure = None
    world.work(batch_id)
    assert not world.mailer.sent, "a batch that was given up is not worked on any more"


def test_the_seal_of_a_mailed_batch_is_destroyed_after_a_day_and_the_batch_closed(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)
    world.clock.advance(hours=23)
    assert world.sweep().closed == 0
    assert world.documents.get(SEALS, batch_id) is not None
    world.clock.advance(hours=1)
    assert world.sweep().closed == 1
    assert world.documents.get(SEALS, batch_id) is None
    assert world.batch(batch_id).state is BatchState.CLOSED
    assert world.sweep() == Sweep()


def test_the_seal_of_a_partial_batch_is_destroyed_too_and_it_stays_partial(world: World) -> None:
    batch_id = world.submit()
    world.clock.advance(hours=1)
    world.work(batch_id)
    world.clock.advance(hours=24)
    world.sweep()
    assert world.documents.get(SEALS, batch_id) is None
    assert world.batch(batch_id).state is BatchState.PARTIAL
