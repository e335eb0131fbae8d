"""A recorded batch finds its way into the queue: right after the submit, or later when the sweeper finds it."""

from datetime import datetime, timedelta

from secciones import logs
from secciones.domain.batches import Batch, BatchState
from secciones.domain.errors import DocumentsUnavailable, QueueUnavailable
from secciones.ports.audit import AuditLog
from secciones.ports.documents import Documents, Transaction
from secciones.ports.task_queue import TaskQueue
from secciones.services.batch_events import resend_event, submit_event
from secciones.services.batches import OUTBOX, load, save

# When the sweeper first looks whether a worker has taken the batch.
FIRST_SWEEP = timedelta(minutes=2)


def save_in_outbox(transaction: Transaction, batch: Batch, now: datetime) -> None:
    """Write the batch together with the promise that it will be dispatched."""
    save(transaction, batch)
    transaction.set(OUTBOX, batch.id, {"created_at": now, "expires_at": batch.expires_at})


def dispatch(documents: Documents, queue: TaskQueue, audit: AuditLog, batch: Batch) -> None:
    """Do what the outbox promises for a batch: its audit events, its task; then take it out of the outbox.

    Repeating it changes nothing. Raises QueueUnavailable or DocumentsUnavailable, and then the outbox still has it.
    """
    audit.record(submit_event(batch))
    for number in range(1, batch.resends + 1):
        audit.record(resend_event(batch, number))
    queue.enqueue(batch.id, batch.task_number)
    documents.transact(lambda transaction: _leave_outbox(transaction, batch))


def dispatch_or_leave(documents: Documents, queue: TaskQueue, audit: AuditLog, batch: Batch) -> None:
    """Dispatch now if that is possible; otherwise the outbox has it, and the sweeper brings it."""
    try:
        dispatch(documents, queue, audit, batch)
    except (QueueUnavailable, DocumentsUnavailable) as error:
        logs.write(
            "WARNING", "batch is recorded but not queued: the sweeper will bring it", batch=batch.id, error=str(error)
        )


def _leave_outbox(transaction: Transaction, dispatched: Batch) -> None:
    batch = load(transaction, dispatched.id)
    if batch.resends != dispatched.resends:
        return  # the mail was asked for again meanwhile, and the outbox promises that now
    if batch.state is BatchState.ACCEPTED:
        save(transaction, batch.moved_to(BatchState.QUEUED))
    transaction.delete(OUTBOX, batch.id)
