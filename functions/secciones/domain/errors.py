"""Everything that can go wrong in words of the domain; `web` has the one table that turns each into a page."""

from datetime import datetime


class SeccionesError(Exception):
    """The root of the errors that a use case can end with; messages are for operators and carry no personal data."""


class InvalidNumber(SeccionesError):
    """A DUI, NIP or NIE that cannot be one."""


class SignInFailed(SeccionesError):
    """Google's answer to a sign-in cannot be trusted, has expired or was refused by the person."""


class WrongDomain(SeccionesError):
    """The person signed in with an account that is not of the institution's domain."""


class NotATeacherAccount(SeccionesError):
    """The account is of the domain but not in the teachers' organisational unit."""


class TwoStepRequired(SeccionesError):
    """The teacher's account has no 2-step verification, and the institution demands it."""


class IdentityRefused(SeccionesError):
    """DUI and NIP do not establish this person; which of the reasons it was stays in the audit."""


class IdentityTooOld(SeccionesError):
    """DUI and NIP were shown too long ago for what is to be done now."""


class TooManyAttempts(SeccionesError):
    """A limit on guesses is reached until a moment; None is until an operator unlocks it."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("too many attempts")
        self.until = until


class ListingExpired(SeccionesError):
    """The place in a list of accounts is no longer known: begin at the first page."""


class NotAssigned(SeccionesError):
    """A school or section that the registry does not give to this teacher, or that does not exist: the same."""


class SectionClosed(SeccionesError):
    """The section was closed in the registry since the page was shown."""


class NothingSelected(SeccionesError):
    """A submit without a single student of the section."""


class TooManySelected(SeccionesError):
    """More students than one batch may carry; `limit` is how many it may."""

    def __init__(self, limit: int) -> None:
        super().__init__("too many students for one batch")
        self.limit = limit


class TooManyBatches(SeccionesError):
    """The teacher has begun as many batches as a day allows; from `until` on there may be another."""

    def __init__(self, limit: int, until: datetime) -> None:
        super().__init__("too many batches in a day")
        self.limit = limit
        self.until = until


class ResendRefused(SeccionesError):
    """The mail of this batch cannot be sent again: it never was, too often, or too long ago."""

    def __init__(self, batch_id: str) -> None:
        super().__init__("the mail of this batch cannot be sent again")
        self.batch_id = batch_id


class FormAlreadyUsed(SeccionesError):
    """The form's nonce already stands for another choice of students; `batch_id` is the batch that it made."""

    def __init__(self, batch_id: str) -> None:
        super().__init__("the form was already used with another choice")
        self.batch_id = batch_id


class BatchNotFound(SeccionesError):
    """A batch that does not exist or is another teacher's: the same."""


class Unavailable(SeccionesError):
    """A system that Secciones depends on does not answer or answers nonsense; trying again later may help."""


class ResetsPaused(Unavailable):
    """Operators have stopped all resets for now; `notice` is what they tell teachers, if anything."""

    def __init__(self, notice: str = "") -> None:
        super().__init__("operators have paused all resets")
        self.notice = notice


class RegistryUnavailable(Unavailable):
    """SIGES."""


class DirectoryUnavailable(Unavailable):
    """The Directory of Google Workspace; `reason` is Google's own word, such as `quotaExceeded`."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"directory: {reason}")
        self.reason = reason


class SignInUnavailable(Unavailable):
    """Google's sign-in endpoints."""


class DocumentsUnavailable(Unavailable):
    """The store of sessions and batches."""


class BucketUnavailable(Unavailable):
    """Cloud Storage."""


class QueueUnavailable(Unavailable):
    """Cloud Tasks."""


class SealerUnavailable(Unavailable):
    """Cloud KMS."""


class MailUnavailable(Unavailable):
    """Gmail, for now; `reason` is Google's own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"mail: {reason}")
        self.reason = reason


class MailRefused(SeccionesError):
    """Gmail says that this message will never be accepted; `reason` is Google's own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"mail refused: {reason}")
        self.reason = reason


class ChangeRefused(SeccionesError):
    """The Directory will not change this account, today or tomorrow; `reason` is Google's own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"change refused: {reason}")
        self.reason = reason


class SealLost(SeccionesError):
    """The seed of a batch is gone or cannot be read: its passwords cannot be known any more, by anyone."""


class LeaseHeld(SeccionesError):
    """Another worker has the batch in hand."""


class LeaseLost(SeccionesError):
    """The lease ran out and another worker took the batch; what this one still wanted to write is not written."""


class CallerRefused(SeccionesError):
    """A background function was called by someone who is not its caller."""
