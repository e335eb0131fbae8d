"""*Reenviar*: the mail of a batch once more, for a teacher who cannot find it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from secciones.domain.batches import Batch
from secciones.domain.errors import BatchNotFound, ResendRefused
from secciones.ports.audit import AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents, Transaction
from secciones.ports.task_queue import TaskQueue
from secciones.services.batches import load
from secciones.services.dispatch import FIRST_SWEEP, dispatch_or_leave, save_in_outbox
from secciones.services.sessions import Session


def request_resend(
    documents: Documents,
    queue: TaskQueue,
    audit: AuditLog,
    clock: Clock,
    session: Session,
    batch_id: str,
    number: int,
) -> None:
    """Ask for the mail the `number`-th time; a repeated request is the same one.

    Raises BatchNotFound for another teacher's batch, ResendRefused when the mail was never sent, was asked for three
    times, or is older than a day.
    """

    def may_ask(batch: Batch, now: datetime) -> bool:
        if batch.actor != session.actor:
            raise BatchNotFound
        return batch.may_be_resent(now)

    _ask(documents, queue, audit, clock, batch_id, number, may_ask)


def resend_for_teacher(
    documents: Documents, queue: TaskQueue, audit: AuditLog, clock: Clock, batch_id: str, number: int
) -> None:
    """The same, asked for by an operator: as often as needed while there is a seed, and also for a batch whose mail was
    never accepted. Raises BatchNotFound, ResendRefused."""

    def may_ask(batch: Batch, now: datetime) -> bool:
        return batch.is_sealed(now)

    _ask(documents, queue, audit, clock, batch_id, number, may_ask)


def _ask(
    documents: Documents,
    queue: TaskQueue,
    audit: AuditLog,
    clock: Clock,
    batch_id: str,
    number: int,
    may_ask: Callable[[Batch, datetime], bool],
) -> None:
    def work(transaction: Transaction) -> Batch:
        batch, now = load(transaction, batch_id), clock.now()
        may_be_asked_for = may_ask(batch, now)
        if number <= batch.resends:
            return batch
        if number != batch.resends + 1 or batch.has_work or not may_be_asked_for:
            raise ResendRefused(batch.id)
        asked = replace(
            batch,
            resends=batch.resends + 1,
            resend_failure="",
            task_number=batch.task_number + 1,
            sweep_at=now + FIRST_SWEEP,
        )
        save_in_outbox(transaction, asked, now)
        return asked

    dispatch_or_leave(documents, queue, audit, documents.transact(work))
