"""The emergency stop: operators pause all resets at once, and resume them without anything lost.

While the document is there, no page works, no batch is recorded, and no worker changes an account or sends a mail.
"""

from dataclasses import dataclass
from datetime import datetime

from secciones.domain.errors import ResetsPaused
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction

COLLECTION = "switches"
RESETS = "resets"
KEY = (COLLECTION, RESETS)


@dataclass(frozen=True)
class Pause:
    """Since when nothing is reset, and what teachers are told besides (empty: nothing more)."""

    since: datetime
    notice: str


def pause_resets(documents: Documents, clock: Clock, notice: str) -> Pause:
    """Stop all resets. Repeating it changes the notice and nothing else."""

    def work(transaction: Transaction) -> Pause:
        known = find_pause(transaction)
        pause = Pause(known.since if known else clock.now(), notice)
        transaction.set(COLLECTION, RESETS, {"since": pause.since, "notice": pause.notice})
        return pause

    return documents.transact(work)


def resume_resets(documents: Documents) -> Pause | None:
    """Let all go on; returns the pause that ends, None when there was none."""

    def work(transaction: Transaction) -> Pause | None:
        known = find_pause(transaction)
        transaction.delete(COLLECTION, RESETS)
        return known

    return documents.transact(work)


def find_pause(source: Documents | Transaction) -> Pause | None:
    """The pause that is in force now, if any."""
    document = source.get(*KEY)
    return Pause(document["since"], document["notice"]) if document else None


def require_no_pause(source: Documents | Transaction) -> None:
    """Raises ResetsPaused. In a transaction it is exact: nothing that it writes is written after a pause."""
    require_none_in(source.get(*KEY))


def require_none_in(document: Document | None) -> None:
    """The same, where the document has been read already."""
    if document is not None:
        raise ResetsPaused(document["notice"])
