"""Batches in the store: how they are written and read, and the lease that lets one worker at a time write them."""

import dataclasses
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from secciones.domain.batches import RESEND_WITHIN, Batch, BatchSection, BatchState, Lease, Row
from secciones.domain.errors import BatchNotFound, LeaseHeld, LeaseLost
from secciones.domain.outcomes import Outcome
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction
from secciones.services.pause import KEY as PAUSE
from secciones.services.pause import require_no_pause

BATCHES = "batches"
SEALS = "seals"
OUTBOX = "outbox"

# Longer than a group of students takes while Google answers, and short enough that a teacher whose worker was killed
# does not wait long for the next one.
LEASE = timedelta(seconds=120)
# The part of a lease in which a change that was begun has ended for certain. Its tries take 33 of the 120 seconds, and
# their turns among those of the other threads 56 at the slowest pace and while calls are refused.
_LAST_CHANGE = 0.75
# For how long threads share the sight of a lease; it is a small part of those seconds.
_SEEN_FOR = timedelta(seconds=4)
# More than a teacher may begin while batches are kept.
_MOST = 200
SWEEP_AFTER_LEASE = timedelta(seconds=30)
# How long after the deadline, or after the end of the time for it, a mail is still tried.
MAIL_GRACE = timedelta(hours=1)


def to_document(batch: Batch) -> Document:
    """A batch as the store keeps it."""
    # dataclasses.asdict copies every text of every student, and takes longer than all else that a checkpoint does.
    return vars(batch) | {
        "state": batch.state.value,
        "sections": [dict(vars(section)) for section in batch.sections],
        "rows": [vars(row) | {"outcome": row.outcome.value} for row in batch.rows],
        "lease": dict(vars(batch.lease)),
    }


def from_document(document: Document) -> Batch:
    """A batch as it was written."""
    fields: dict[str, Any] = dict(document)
    fields["state"] = BatchState(document["state"])
    fields["sections"] = tuple(BatchSection(**section) for section in document["sections"])
    fields["rows"] = tuple(Row(**(row | {"outcome": Outcome(row["outcome"])})) for row in document["rows"])
    fields["lease"] = Lease(**document["lease"])
    return Batch(**fields)


def load(source: Documents | Transaction, batch_id: str) -> Batch:
    """The batch as it stands; raises BatchNotFound."""
    document = source.get(BATCHES, batch_id)
    if document is None:
        raise BatchNotFound
    return from_document(document)


def batches_of(documents: Documents, address: str) -> list[Batch]:
    """The batches of the teacher with this account that are still kept, newest first."""
    found = documents.query(BATCHES, {"teacher_address": address}, "created_at", _MOST, descending=True)
    return [from_document(document) for _, document in found]


def save(transaction: Transaction, batch: Batch) -> None:
    """Write the batch with the other writes of the transaction."""
    transaction.set(BATCHES, batch.id, to_document(batch))


def take_lease(
    documents: Documents, clock: Clock, batch_id: str, lease: timedelta = LEASE
) -> tuple[Batch, bytes | None]:
    """Become the one who writes the batch; the higher fence shuts out whoever had it before. Returns its sealed seed as
    well, None when that is lost.

    A holder that never let go may only be slow, or this clock fast: when it was in the middle of changes, this returns
    when its last one has ended for certain. Raises LeaseHeld while another holder's time runs and when nothing is left
    but to give up, which is the sweeper's; LeaseLost, BatchNotFound, ResetsPaused.
    A batch that needs nobody comes back without a lease: there is nothing to write.
    """

    def work(transaction: Transaction) -> tuple[Batch, bytes | None, bool]:
        transaction.read_ahead(PAUSE, (BATCHES, batch_id), (SEALS, batch_id))
        require_no_pause(transaction)
        batch, seal, now = load(transaction, batch_id), transaction.get(SEALS, batch_id), clock.now()
        seed: bytes | None = seal["seed"] if seal else None
        if not batch.has_work:
            return batch, seed, False
        # Workers that try for ever would keep the sweeper from it.
        if now >= gives_up_at(batch) or (batch.lease.until is not None and batch.lease.until > now):
            raise LeaseHeld
        leased = _renewed(batch, batch.lease.fence + 1, now, lease)
        if leased.state in {BatchState.ACCEPTED, BatchState.QUEUED}:
            leased = leased.moved_to(BatchState.RUNNING)
        save(transaction, leased)
        return leased, seed, batch.lease.until is not None

    batch, seed, was_left_behind = documents.transact(work)
    if was_left_behind and batch.rows_with(Outcome.CHANGING):
        clock.sleep(lease.total_seconds() * _LAST_CHANGE)
        batch = checkpoint(documents, clock, batch, lease)
    return batch, seed


def checkpoint(
    documents: Documents,
    clock: Clock,
    batch: Batch,
    lease: timedelta = LEASE,
    also: Callable[[Transaction], None] = lambda _: None,
) -> Batch:
    """Write what the holder of the lease knows, with what `also` writes, and renew the lease. Raises LeaseLost, and
    then nothing is written."""

    def work(transaction: Transaction) -> Batch:
        require_lease(transaction, batch)
        also(transaction)
        return save_held(transaction, batch, clock.now(), lease)

    return documents.transact(work)


def save_held(transaction: Transaction, batch: Batch, now: datetime, lease: timedelta) -> Batch:
    """Write what the holder of the lease knows together with the transaction's other writes, and renew the lease."""
    renewed = _renewed(batch, batch.lease.fence, now, lease) if batch.has_work else _released(batch)
    save(transaction, renewed)
    return renewed


def require_lease(source: Documents | Transaction, batch: Batch) -> None:
    """Raises LeaseLost when another holder has the batch, whatever the clocks say."""
    if load(source, batch.id).lease.fence != batch.lease.fence:
        raise LeaseLost


class LeaseWatch:
    """Looks at the lease for threads that ask again and again, so that not each of them has to read. `seen_at` is from
    before a transaction of this holder that succeeded."""

    def __init__(self, documents: Documents, clock: Clock, batch: Batch, seen_at: datetime) -> None:
        self._documents = documents
        self._clock = clock
        self._batch = batch
        self._lock = threading.Lock()
        self._seen_at = seen_at

    def require_lease(self) -> None:
        """Raises LeaseLost when another holder had the batch some seconds ago or has it now."""
        with self._lock:
            now = self._clock.now()
            # A clock that was set back must not make an old sight last.
            if not timedelta(0) <= now - self._seen_at < _SEEN_FOR:
                require_lease(self._documents, self._batch)
                self._seen_at = now


def release_lease(documents: Documents, batch: Batch) -> None:
    """Let the next worker begin at once; nothing happens when the lease is already another's."""

    def work(transaction: Transaction) -> None:
        stored = load(transaction, batch.id)
        if stored.lease.fence == batch.lease.fence:
            save(transaction, _released(stored))

    documents.transact(work)


def gives_up_at(batch: Batch) -> datetime:
    """From when on nothing is tried any more: neither a batch that is still running nor a mail that is to be sent
    again."""
    return (batch.sealed_until or batch.deadline) + MAIL_GRACE


def seal_expiry(batch: Batch) -> datetime:
    """When the store itself may delete the seal, should the sweeper never come."""
    return (batch.sealed_until or batch.deadline + MAIL_GRACE + RESEND_WITHIN) + MAIL_GRACE


def _renewed(batch: Batch, fence: int, now: datetime, lease: timedelta) -> Batch:
    until = now + lease
    # However often workers try again, the sweeper comes when it is time to give up.
    sweep_at = min(until + SWEEP_AFTER_LEASE, gives_up_at(batch))
    return dataclasses.replace(batch, lease=Lease(fence, until), sweep_at=sweep_at)


def _released(batch: Batch) -> Batch:
    return dataclasses.replace(batch, lease=Lease(batch.lease.fence, None))
