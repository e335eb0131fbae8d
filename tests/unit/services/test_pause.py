"""The emergency stop: nothing is recorded, changed or mailed while it lasts, and nothing is lost by it."""

from datetime import timedelta

import pytest

from secciones.domain.batches import BatchState
from secciones.domain.errors import DirectoryUnavailable, MailUnavailable, ResetsPaused
from secciones.domain.outcomes import Outcome
from secciones.services.batches import BATCHES, SEALS
from secciones.services.pause import find_pause, pause_resets, resume_resets
from tests.support.world import SESSION, World


def pause(world: World, notice: str = "") -> None:
    pause_resets(world.documents, world.clock, notice)


def resume(world: World) -> None:
    resume_resets(world.documents)


def pause_lasting(world: World, **duration: float) -> None:
    """Operators pause, and the sweeper comes every minute until they resume."""
    pause(world)
    for _ in range(int(timedelta(**duration) / timedelta(minutes=1))):
        world.clock.advance(minutes=1)
        world.sweep()
    resume(world)


def half_done(world: World) -> str:
    """A batch of which one account was changed when its worker was sent away."""
    batch_id = world.submit()

    def down_after_one(_: str) -> None:
        if world.directory.passwords:
            raise DirectoryUnavailable("backendError")

    world.directory.before = down_after_one
    with pytest.raises(DirectoryUnavailable):
        world.work(batch_id)
    world.directory.before = lambda _: None
    return batch_id


def test_pausing_twice_is_one_pause_and_resuming_twice_is_one_end(world: World) -> None:
    first = pause_resets(world.documents, world.clock, "")
    world.clock.advance(minutes=5)
    second = pause_resets(world.documents, world.clock, "Hasta el mediodía.")
    assert (second.since, second.notice) == (first.since, "Hasta el mediodía.")
    assert resume_resets(world.documents) == second
    assert resume_resets(world.documents) is None
    assert find_pause(world.documents) is None


def test_a_pause_does_not_end_by_itself(world: World) -> None:
    pause(world)
    world.clock.advance(days=400)
    assert find_pause(world.documents)


def test_no_batch_is_recorded_from_that_moment_on(world: World) -> None:
    pause(world)
    with pytest.raises(ResetsPaused):
        world.submit()
    assert world.batches() == []
    assert not world.queue.tasks
    resume(world)
    assert world.submit()


def test_a_submit_that_was_recorded_before_is_answered_with_its_batch(world: World) -> None:
    batch_id = world.submit()
    pause(world)
    assert world.submit() == batch_id


def test_a_worker_gives_the_task_back_and_touches_nothing(world: World) -> None:
    batch_id = world.submit()
    pause(world)
    before = world.documents.get(BATCHES, batch_id)
    with pytest.raises(ResetsPaused):
        world.work(batch_id)
    assert world.documents.get(BATCHES, batch_id) == before
    assert not world.directory.passwords
    assert not world.mailer.sent


def test_a_worker_in_the_middle_of_a_batch_begins_no_other_group(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secciones.services.run_batch._GROUP", 1)
    batch_id = world.submit()
    world.directory.after = lambda _: pause(world)
    with pytest.raises(ResetsPaused):
        world.work(batch_id)
    assert len(world.directory.passwords) == 1
    assert world.batch(batch_id).lease.until is None, "the next worker need not wait"
    assert not world.mailer.sent


def test_no_mail_is_sent_during_a_pause_whether_the_first_or_again(world: World) -> None:
    batch_id = world.submit()
    world.mailer.failure = MailUnavailable("backendError")
    with pytest.raises(MailUnavailable):
        world.work(batch_id)
    world.mailer.failure = None
    assert world.batch(batch_id).state is BatchState.UPDATED
    pause(world)
    with pytest.raises(ResetsPaused):
        world.work(batch_id)
    resume(world)
    world.work(batch_id)
    world.resend(batch_id)
    pause(world)
    with pytest.raises(ResetsPaused):
        world.work(batch_id)
    assert len(world.mailer.sent) == 1


@pytest.mark.parametrize("hours", [1, 3, 80])
def test_a_batch_that_waited_goes_on_where_it_was_and_every_password_that_was_set_is_mailed(
    world: World, hours: int
) -> None:
    batch_id = half_done(world)
    held = world.directory.held()
    pause_lasting(world, hours=hours)
    world.queue.tasks.clear()
    world.clock.advance(minutes=3)
    world.sweep()
    assert [task for task, _ in world.queue.tasks] == [batch_id], "the sweeper brings it back"
    world.work(batch_id)
    batch = world.batch(batch_id)
    assert batch.state is BatchState.MAILED
    assert {row.outcome for row in batch.rows} == {Outcome.CHANGED}
    assert world.directory.held().items() >= held.items(), "the same passwords"
    assert all(password in world.mailer.sent[0].text for password in world.directory.held().values())


def test_during_a_pause_nothing_is_given_up_and_no_task_piles_up(world: World) -> None:
    batch_id = half_done(world)
    world.queue.tasks.clear()
    pause_lasting(world, hours=5)
    assert world.batch(batch_id).state is BatchState.RUNNING
    assert not world.queue.tasks
    assert "deadline" not in world.audit.outcomes("mail")


def test_a_mail_that_was_asked_for_again_waits_as_well(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)
    world.clock.advance(hours=23)
    world.resend(batch_id)
    pause_lasting(world, hours=30)
    world.sweep()
    world.work(batch_id)
    assert len(world.mailer.sent) == 2
    assert world.batch(batch_id).resend_failure == ""


def test_the_deadline_holds_again_after_a_pause(world: World) -> None:
    batch_id = half_done(world)
    pause_lasting(world, hours=2)
    world.directory.is_down = True
    world.clock.advance(hours=3)
    world.sweep()
    assert world.batch(batch_id).state is BatchState.PARTIAL


def test_seeds_whose_time_is_over_are_destroyed_during_a_pause_too(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)
    pause_lasting(world, hours=25)
    assert world.documents.get(SEALS, batch_id) is None
    assert world.batch(batch_id).state is BatchState.CLOSED


def test_another_teachers_day_is_not_shortened_by_a_refused_submit(world: World) -> None:
    pause(world)
    for attempt in "abcdef":
        with pytest.raises(ResetsPaused):
            world.submit(nonce=attempt * 43)
    resume(world)
    assert world.submit(nonce="g" * 43, session=SESSION)
