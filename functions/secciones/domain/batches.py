"""A batch: the accounts that one *Procesar* resets, and the states that it goes through, always forward."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from secciones.domain.outcomes import Outcome

_ID = re.compile(r"[a-z2-7]{26}")
_CODE_LENGTH = 8

# How long and how often a mail can be sent again; after that its seed is destroyed.
RESEND_WITHIN = timedelta(hours=24)
RESENDS = 3


class BatchState(StrEnum):
    """In the order in which a batch passes through them; `partial` may follow any but `mailed` and `closed`."""

    ACCEPTED = "accepted"  # recorded; the task may not exist yet
    QUEUED = "queued"  # the task was created
    RUNNING = "running"  # a worker has or had it
    UPDATED = "updated"  # no account is changed any more; the mail is due
    MAILED = "mailed"  # the mail was accepted; the seed stays sealed for a while
    CLOSED = "closed"  # the seed is gone
    PARTIAL = "partial"  # the deadline closed it; what was set is mailed if that is possible at all

    @property
    def is_open(self) -> bool:
        """Whether the teacher still has to wait."""
        return self in {BatchState.ACCEPTED, BatchState.QUEUED, BatchState.RUNNING, BatchState.UPDATED}


_FORWARD = {
    BatchState.ACCEPTED: {BatchState.QUEUED, BatchState.RUNNING, BatchState.PARTIAL},
    BatchState.QUEUED: {BatchState.RUNNING, BatchState.PARTIAL},
    BatchState.RUNNING: {BatchState.UPDATED, BatchState.PARTIAL},
    BatchState.UPDATED: {BatchState.MAILED, BatchState.PARTIAL},
    BatchState.MAILED: {BatchState.CLOSED},
    BatchState.CLOSED: set(),
    BatchState.PARTIAL: set(),
}


@dataclass(frozen=True)
class BatchSection:
    """The section that rows of a batch belong to, in the words of the registry at the time of the submit."""

    id: str
    school_id: str
    school_code: str
    school_name: str
    grade: str
    name: str
    shift: str


@dataclass(frozen=True)
class Row:
    """One student of a batch. `account_id` is empty until the account was found; `reset_by` and `reset_at` tell of
    another batch that has or had the account, whether or not this one changed it all the same."""

    student_id: str
    section_id: str
    nie: str
    name: str
    address: str
    outcome: Outcome = Outcome.PENDING
    account_id: str = ""
    reset_by: str = ""
    reset_at: datetime | None = None


@dataclass(frozen=True)
class Lease:
    """Who may write the batch: the holder of the highest `fence`, until `until`; None is nobody."""

    fence: int = 0
    until: datetime | None = None


@dataclass(frozen=True)
class Batch:
    """Times are UTC. `sweep_at` is when the sweeper looks at it next; None is never. Accounts that were used
    after `spare_since` are left alone; `sealed_until` is when the seed of an ended batch is destroyed; `resends` counts
    how often its mail was asked for again, `resends_done` how often that came to an end."""

    id: str
    actor: str
    teacher_id: str
    teacher_name: str
    teacher_address: str
    sections: tuple[BatchSection, ...]
    rows: tuple[Row, ...]
    password_version: int
    created_at: datetime
    deadline: datetime
    expires_at: datetime
    state: BatchState = BatchState.ACCEPTED
    lease: Lease = Lease()
    task_number: int = 1
    sweep_at: datetime | None = None
    mailed_at: datetime | None = None
    mail_failure: str = ""
    spare_since: datetime | None = None
    sealed_until: datetime | None = None
    resends: int = 0
    resends_done: int = 0
    resend_failure: str = ""

    @property
    def code(self) -> str:
        """What people call the batch by, on the page, in the mail and on the telephone."""
        return self.id[:_CODE_LENGTH].upper()

    @property
    def is_running(self) -> bool:
        """Whether the teacher still has to wait."""
        return self.state.is_open

    @property
    def has_work(self) -> bool:
        """Whether a worker has something to do: the batch itself, or a mail that is to be sent again."""
        return self.is_running or self.resends_done < self.resends

    @property
    def was_delivered(self) -> bool:
        """Whether its mail was accepted."""
        return self.mailed_at is not None

    @property
    def resends_left(self) -> int:
        """How often its mail can still be asked for."""
        return max(0, RESENDS - self.resends)

    def may_be_resent(self, now: datetime) -> bool:
        """Whether its teacher can ask for the mail again now."""
        is_in_time = self.mailed_at is not None and now < self.mailed_at + RESEND_WITHIN
        return is_in_time and self.is_sealed(now) and self.resends_left > 0

    def is_sealed(self, now: datetime) -> bool:
        """Whether its passwords can still be known, so that operators can have its mail sent."""
        return self.sealed_until is None or now < self.sealed_until

    @property
    def followed_from(self) -> datetime | None:
        """From when on its passwords are old enough to reset those again that nobody has used; None when there are
        none."""
        if self.mailed_at is None or not any(row.outcome.has_password for row in self.rows):
            return None
        return self.mailed_at + RESEND_WITHIN

    def may_be_followed(self, now: datetime) -> bool:
        """Whether that moment has come."""
        return self.followed_from is not None and now >= self.followed_from

    @property
    def done(self) -> int:
        """How many accounts have their final outcome."""
        return sum(not row.outcome.is_open for row in self.rows)

    def moved_to(self, state: BatchState) -> "Batch":
        """The batch in a later state; raises ValueError for a step that does not exist."""
        if state not in _FORWARD[self.state]:
            raise ValueError(f"a batch cannot go from {self.state} to {state}")
        return replace(self, state=state)

    def with_rows(self, changed: dict[str, Row]) -> "Batch":
        """The batch with some rows replaced, by student id."""
        return replace(self, rows=tuple(changed.get(row.student_id, row) for row in self.rows))

    def ended(self, now: datetime) -> "Batch":
        """The batch at its end, by whether all was done and delivered; its seed stays for as long as it may be mailed
        again, and then the sweeper comes."""
        is_whole = self.was_delivered and self.is_complete
        sealed_until = now + RESEND_WITHIN
        return replace(
            self.moved_to(BatchState.MAILED if is_whole else BatchState.PARTIAL),
            sealed_until=sealed_until,
            sweep_at=sealed_until,
        )

    def stopped(self) -> "Batch":
        """The batch when time is up: nothing is changed any more, and what is not known is said not to be known."""
        final = {
            Outcome.PENDING: Outcome.UNFINISHED,
            Outcome.READY: Outcome.UNFINISHED,
            Outcome.CHANGING: Outcome.UNCONFIRMED,
        }
        return replace(self, rows=tuple(replace(row, outcome=final.get(row.outcome, row.outcome)) for row in self.rows))

    @property
    def is_complete(self) -> bool:
        """Whether every account has the outcome that Google's answers gave it, and none the deadline's."""
        return not self.rows_with(Outcome.UNCONFIRMED, Outcome.UNFINISHED)

    def rows_with(self, *outcomes: Outcome) -> tuple[Row, ...]:
        """The rows that have one of these outcomes, in the batch's order."""
        return tuple(row for row in self.rows if row.outcome in outcomes)


def is_batch_id(text: str) -> bool:
    """Whether a text has the form of a batch id (26 characters of base32, 130 bits)."""
    return _ID.fullmatch(text) is not None
