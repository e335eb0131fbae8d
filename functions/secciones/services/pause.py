"""The emergency stop: operators pause all resets at once, and resume them without anything lost.

While the document is there, no page works, no batch is recorded, and no worker changes an account or sends a mail.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from secciones.domain.errors import ResetsPaused
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents, Transaction

COLLECTION = "switches"
RESETS = "resets"
# Pages honour a pause within a minute; they do not read it for every request.
_READ_AT_MOST_EVERY = timedelta(seconds=30)


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
    document = source.get(COLLECTION, RESETS)
    return Pause(document["since"], document["notice"]) if document else None


def require_no_pause(source: Documents | Transaction) -> None:
    """Raises ResetsPaused. In a transaction it is exact: nothing that it writes is written after a pause."""
    if pause := find_pause(source):
        raise ResetsPaused(pause.notice)


class PauseWatch:
    """The same for pages, from what was read at most half a minute ago."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._read: tuple[datetime, Pause | None] | None = None

    def require_no_pause(self) -> None:
        """Raises ResetsPaused, and DocumentsUnavailable when nobody can say."""
        now = self._clock.now()
        # A clock that was set back must not make old knowledge last.
        if self._read is None or not timedelta(0) <= now - self._read[0] < _READ_AT_MOST_EVERY:
            self._read = (now, find_pause(self._documents))
        if pause := self._read[1]:
            raise ResetsPaused(pause.notice)
