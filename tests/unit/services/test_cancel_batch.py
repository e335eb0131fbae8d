"""A batch that nobody should have asked for: nothing more of it happens, and nobody is given its passwords."""

import pytest

from secciones.domain.batches import BatchState
from secciones.domain.errors import LeaseLost, ResendRefused
from secciones.domain.outcomes import Outcome
from secciones.services.batches import SEALS
from secciones.services.cancel_batch import cancel_batch
from secciones.services.request_resend import resend_for_teacher
from tests.support.world import COLLEAGUE, World
from tests.unit.services.test_pause import half_done, pause, resume


def cancel(world: World, batch_id: str) -> None:
    cancel_batch(world.documents, world.clock, batch_id)


def test_a_batch_that_has_not_begun_changes_and_mails_nothing(world: World) -> None:
    batch_id = world.submit()
    cancel(world, batch_id)
    world.work(batch_id)
    world.sweep()
    assert (world.directory.passwords, world.mailer.sent) == ([], [])
    batch = world.batch(batch_id)
    assert (batch.state, batch.mail_failure, batch.sweep_at) == (BatchState.PARTIAL, "cancelled", None)
    assert {row.outcome for row in batch.rows} == {Outcome.UNFINISHED}
    assert world.documents.get(SEALS, batch_id) is None


def test_what_was_set_before_is_mailed_to_nobody(world: World) -> None:
    batch_id = half_done(world)
    cancel(world, batch_id)
    world.work(batch_id)
    world.clock.advance(hours=30)
    world.sweep()
    assert not world.mailer.sent
    assert len(world.directory.passwords) == 1
    with pytest.raises(ResendRefused):
        resend_for_teacher(world.documents, world.queue, world.audit, world.clock, batch_id, 1)


def test_a_worker_that_has_it_in_hand_changes_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secciones.services.run_batch._GROUP", 1)
    batch_id = world.submit()
    world.directory.after = lambda _: cancel(world, batch_id)
    with pytest.raises(LeaseLost):
        world.work(batch_id)
    assert len(world.directory.passwords) == 1
    assert not world.mailer.sent
    assert world.batch(batch_id).state is BatchState.PARTIAL


def test_a_mail_that_arrived_cannot_come_again(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)
    world.resend(batch_id)
    cancel(world, batch_id)
    world.work(batch_id)
    world.sweep()
    batch = world.batch(batch_id)
    assert len(world.mailer.sent) == 1
    assert (batch.state, batch.resend_failure) == (BatchState.CLOSED, "cancelled")
    assert not batch.may_be_resent(world.clock.now())


def test_the_sweeper_tells_the_audit_of_the_end(world: World) -> None:
    batch_id = half_done(world)
    cancel(world, batch_id)
    assert not world.audit.outcomes("mail")
    world.sweep()
    assert world.audit.outcomes("mail") == ["cancelled"]
    assert world.audit.outcomes("accounts") == ["partial"]


def test_cancelled_during_a_pause_it_does_not_go_on_with_the_others(world: World) -> None:
    world.share()
    wrong, right = world.submit("e-0"), world.submit("e-1", session=COLLEAGUE)
    pause(world)
    cancel(world, wrong)
    resume(world)
    world.work(wrong)
    world.work(right)
    assert [mail.to for mail in world.mailer.sent] == [COLLEAGUE.address]
    assert set(world.directory.held()) == {"g-1"}


def test_its_students_can_be_reset_by_their_teacher_at_once(world: World) -> None:
    world.share()
    wrong = half_done(world)
    cancel(world, wrong)
    right = world.submit(nonce="b" * 43, session=COLLEAGUE)
    world.work(right)
    assert {row.outcome for row in world.batch(right).rows} == {Outcome.CHANGED}
    assert world.mailer.sent[0].to == COLLEAGUE.address
