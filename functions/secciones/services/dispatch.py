"""A recorded batch finds its way into the queue: right after the submit, or later when the sweeper finds it."""

from secciones.domain.batches import BatchState
from secciones.ports.audit import AuditLog
from secciones.ports.documents import Documents, Transaction
from secciones.ports.task_queue import TaskQueue
from secciones.services.batch_events import submit_event
from secciones.services.batches import OUTBOX, load, save


def dispatch(documents: Documents, queue: TaskQueue, audit: AuditLog, batch_id: str) -> None:
    """Do what the outbox promises for a batch: its audit event, its task; then take it out of the outbox.

    Repeating it changes nothing. Raises QueueUnavailable or DocumentsUnavailable, and then the outbox still has it.
    """
    batch = load(documents, batch_id)
    audit.record(submit_event(batch))
    queue.enqueue(batch.id, batch.task_number)
    documents.transact(lambda transaction: _leave_outbox(transaction, batch_id))


def _leave_outbox(transaction: Transaction, batch_id: str) -> None:
    batch = load(transaction, batch_id)
    if batch.state is BatchState.ACCEPTED:
        save(transaction, batch.moved_to(BatchState.QUEUED))
    transaction.delete(OUTBOX, batch_id)
