"""One batch at a time has an account, and an account that was reset is left alone for a while.

Two teachers may have one student. Whoever comes second is told of the first, and changes nothing for so long as the
waits say, so that a password that was handed out stays good.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from secciones.domain.batches import Batch, Row
from secciones.domain.outcomes import Outcome
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction
from secciones.services.batches import BATCHES, LEASE, from_document, require_lease, save_held
from secciones.services.pause import KEY as PAUSE
from secciones.services.pause import require_no_pause

COLLECTION = "claims"
# So long whoever resets an account again is told of the colleague whose password stops working.
_TOLD = timedelta(days=1)
# More than a batch may run and a wait may last.
_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class ResetWaits:
    """How long a reset keeps an account from being reset again: by another teacher, and by the same one."""

    after_colleague: timedelta
    after_own: timedelta


def claim_accounts(
    documents: Documents,
    clock: Clock,
    batch: Batch,
    rows: Sequence[Row],
    waits: ResetWaits,
    lease: timedelta = LEASE,
) -> Batch:
    """The batch with these rows CHANGING and their accounts its own, or with the outcome that says whose they are.

    All of it is one transaction, and a batch may claim again what it has. Raises LeaseLost, ResetsPaused.
    """

    account_ids = {row.account_id for row in rows}

    def work(transaction: Transaction) -> Batch:
        transaction.read_ahead(PAUSE, (BATCHES, batch.id), *((COLLECTION, account_id) for account_id in account_ids))
        require_no_pause(transaction)
        require_lease(transaction, batch)
        now = clock.now()
        claims = transaction.get_many(COLLECTION, account_ids)
        others = _batches(transaction, {claim["batch"] for claim in claims.values()} - {batch.id})
        decided = {row.student_id: _decided(batch, row, claims.get(row.account_id), others, waits, now) for row in rows}
        for row in decided.values():
            if row.outcome is Outcome.CHANGING:
                transaction.set(COLLECTION, row.account_id, _claim(batch, now, waits))
        return save_held(transaction, batch.with_rows(decided), now, lease)

    return documents.transact(work)


def claimed_rows(documents: Documents, batch: Batch, rows: Sequence[Row]) -> list[Row]:
    """Those whose account no batch has claimed since."""
    ids = {row.account_id for row in rows}
    claims = documents.transact(lambda transaction: transaction.get_many(COLLECTION, ids))
    return [row for row in rows if row.account_id in claims and claims[row.account_id]["batch"] == batch.id]


def _batches(transaction: Transaction, batch_ids: Collection[str]) -> dict[str, Batch]:
    """Those that are still there: a batch that is long over keeps nobody from anything."""
    found = transaction.get_many(BATCHES, batch_ids)
    return {batch_id: from_document(document) for batch_id, document in found.items()}


def _decided(
    batch: Batch, row: Row, claim: Document | None, others: dict[str, Batch], waits: ResetWaits, now: datetime
) -> Row:
    other = others.get(claim["batch"]) if claim else None
    if claim is None or other is None or not _counts(other, row.account_id):
        return replace(row, outcome=Outcome.CHANGING)
    is_own = other.actor == batch.actor
    wait = waits.after_own if is_own else waits.after_colleague
    told = replace(row, reset_by=other.teacher_name, reset_at=claim["at"])
    if other.is_running or claim["at"] + wait > now:
        return replace(told, outcome=Outcome.RESET_BY_YOU if is_own else Outcome.RESET_BY_COLLEAGUE)
    return replace(row if is_own or claim["at"] + _TOLD <= now else told, outcome=Outcome.CHANGING)


def _counts(other: Batch, account_id: str) -> bool:
    """Whether the other batch may still change the account, or gave its teacher the password that it has."""
    was_changed = any(row.account_id == account_id for row in other.rows_with(Outcome.CHANGED))
    return other.is_running or (was_changed and other.was_delivered)


def _claim(batch: Batch, now: datetime, waits: ResetWaits) -> Document:
    until = now + max(waits.after_colleague, waits.after_own, _KEPT)
    return {"batch": batch.id, "at": now, "expires_at": until}
