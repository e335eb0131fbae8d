"""The sweeper: whatever was left behind goes on, and whatever cannot go on is brought to a visible end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from secciones import logs
from secciones.domain.batches import Batch, BatchState, Lease
from secciones.domain.errors import BatchNotFound, Unavailable
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction
from secciones.ports.task_queue import TaskQueue
from secciones.services.batch_events import mail_event, outcomes_event, resent_event
from secciones.services.batches import (
    BATCHES,
    OUTBOX,
    SEALS,
    from_document,
    gives_up_at,
    load,
    save,
    seal_expiry,
)
from secciones.services.dispatch import dispatch
from secciones.services.pause import find_pause

# What one sweep looks at; the next one comes within the minute.
_AT_A_TIME = 200
# A submit that is just being dispatched is left alone.
_OUTBOX_PATIENCE = timedelta(seconds=15)
# How long a new task gets to reach a worker before there is another.
_TASK_PATIENCE = timedelta(minutes=2)
# What is left at least of a batch's time when a pause of all resets ends, and how often that is seen to.
_AFTER_PAUSE = timedelta(minutes=30)
_DURING_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class Sweep:
    """How many batches a sweep brought to the queue, gave up, and sealed for ever."""

    dispatched: int = 0
    requeued: int = 0
    given_up: int = 0
    closed: int = 0
    failed: int = 0


def sweep(documents: Documents, queue: TaskQueue, audit: AuditLog, clock: Clock) -> Sweep:
    """One round. What fails for one batch does not keep the others; raises Unavailable when nothing can be read."""
    outcomes = [_bring(documents, queue, audit, batch_id) for batch_id in _waiting(documents, clock)]
    watched = [entry for _, entry in documents.query(BATCHES, {}, "sweep_at", _AT_A_TIME)]
    oldest = _oldest_open(watched, clock)
    outcomes += [_look_after(documents, queue, audit, clock, batch) for batch in _overdue(watched, clock)]
    counts = {name: outcomes.count(name) for name in ("dispatched", "requeued", "given_up", "closed", "failed")}
    details = {**counts, "oldest_open_seconds": oldest}
    audit.record(AuditEvent("sweep", "failed" if counts["failed"] else "done", details=details))
    return Sweep(**counts)


def _waiting(documents: Documents, clock: Clock) -> list[str]:
    latest = clock.now() - _OUTBOX_PATIENCE
    return [
        batch_id
        for batch_id, entry in documents.query(OUTBOX, {}, "created_at", _AT_A_TIME)
        if entry["created_at"] <= latest
    ]


def _oldest_open(watched: Sequence[Document], clock: Clock) -> int:
    """For how long the teacher who waits longest has been waiting, in seconds; 0 when nobody waits.

    Of more batches than one sweep looks at, those that nobody has looked after for longest are among these.
    """
    begun = [entry["created_at"] for entry in watched if BatchState(entry["state"]).is_open]
    return int((clock.now() - min(begun)).total_seconds()) if begun else 0


def _overdue(watched: Sequence[Document], clock: Clock) -> list[Batch]:
    now = clock.now()
    return [from_document(entry) for entry in watched if entry["sweep_at"] <= now]


def _bring(documents: Documents, queue: TaskQueue, audit: AuditLog, batch_id: str) -> str:
    try:
        dispatch(documents, queue, audit, load(documents, batch_id))
    except BatchNotFound:
        documents.delete(OUTBOX, batch_id)
        return "closed"
    except Unavailable as error:
        return _failed(batch_id, error)
    return "dispatched"


def _look_after(documents: Documents, queue: TaskQueue, audit: AuditLog, clock: Clock, found: Batch) -> str:
    try:
        if not found.is_running:
            # Before the sweeper looks at it for the last time: whoever ended it may have been killed before telling.
            _tell_end(audit, found)
        batch = documents.transact(lambda transaction: _next_step(transaction, clock.now(), found.id))
        if batch is None:
            return "untouched"
        if batch.has_work:
            queue.enqueue(batch.id, batch.task_number)
            return "requeued"
        if batch.sweep_at is None:
            return "closed"
        _tell_end(audit, batch)
    except BatchNotFound:
        return "untouched"
    except Unavailable as error:
        return _failed(found.id, error)
    return "given_up"


def _tell_end(audit: AuditLog, batch: Batch) -> None:
    audit.record(outcomes_event(batch))
    audit.record(mail_event(batch))
    if batch.resends and not batch.has_work:
        audit.record(resent_event(batch, batch.resend_failure))


def _next_step(transaction: Transaction, now: datetime, batch_id: str) -> Batch | None:
    """What becomes of an overdue batch; None when a worker has it, somebody was here before, or all resets wait."""
    batch = load(transaction, batch_id)
    if batch.sweep_at is None or batch.sweep_at > now:
        return None
    if not batch.has_work:
        return _sealed_for_ever(transaction, batch)
    if batch.lease.until is not None and batch.lease.until > now:
        return None
    if find_pause(transaction):
        _postpone(transaction, batch, now)
        return None
    if now >= gives_up_at(batch):
        return _given_up(transaction, batch, now)
    requeued = replace(batch, task_number=batch.task_number + 1, sweep_at=now + _TASK_PATIENCE)
    save(transaction, requeued)
    return requeued


def _postpone(transaction: Transaction, batch: Batch, now: datetime) -> None:
    """A pause takes nothing of a batch's time: its deadline and its seal move along."""
    seal = transaction.get(SEALS, batch.id)
    ends = now + _AFTER_PAUSE
    later = replace(batch, sweep_at=now + _DURING_PAUSE)
    if batch.sealed_until:
        later = replace(later, sealed_until=max(batch.sealed_until, ends))
    else:
        later = replace(later, deadline=max(batch.deadline, ends))
    save(transaction, later)
    if seal:
        transaction.set(SEALS, batch.id, seal | {"expires_at": max(seal["expires_at"], seal_expiry(later))})


def _sealed_for_ever(transaction: Transaction, batch: Batch) -> Batch:
    ended = batch.moved_to(BatchState.CLOSED) if batch.state is BatchState.MAILED else batch
    ended = replace(ended, lease=Lease(batch.lease.fence + 1), sweep_at=None)
    save(transaction, ended)
    transaction.delete(SEALS, batch.id)
    return ended


def _given_up(transaction: Transaction, batch: Batch, now: datetime) -> Batch:
    # The higher fence shuts out a worker that may still be alive somewhere.
    fenced = replace(batch, lease=Lease(batch.lease.fence + 1))
    ended = _ended_without_mail(fenced, now) if batch.is_running else _not_mailed_again(fenced, now)
    save(transaction, ended)
    return ended


def _ended_without_mail(batch: Batch, now: datetime) -> Batch:
    logs.write(
        "CRITICAL",
        "a batch was not finished or mailed in time: see why its worker failed, and tell the teacher to reset again",
        batch=batch.id,
    )
    return replace(batch.stopped(), mail_failure="deadline").ended(now)


def _not_mailed_again(batch: Batch, now: datetime) -> Batch:
    logs.write("ERROR", "a mail was not sent again in time: see why its worker failed", batch=batch.id)
    return replace(batch, resends_done=batch.resends, resend_failure="deadline", sweep_at=now)


def _failed(batch_id: str, error: Unavailable) -> str:
    logs.write("WARNING", "sweep: a batch has to wait for the next sweep", batch=batch_id, error=str(error))
    return "failed"
