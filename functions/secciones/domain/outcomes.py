"""What became of one student's account in a batch."""

from enum import StrEnum


class Outcome(StrEnum):
    """Pending ones first, then the changed, then every reason for which an account was not changed."""

    PENDING = "pending"  # not yet looked up
    READY = "ready"  # looked up, may be changed
    CHANGING = "changing"  # a change was begun; whether Google made it is not known yet
    CHANGED = "changed"
    UNCONFIRMED = "unconfirmed"  # the deadline passed while it was CHANGING: the password may or may not be set

    NO_ADDRESS = "no_address"
    MALFORMED_ADDRESS = "malformed_address"
    SHARED_ADDRESS = "shared_address"
    NOT_FOUND = "not_found"
    SUSPENDED = "suspended"
    ADMINISTRATOR = "administrator"
    NOT_A_STUDENT = "not_a_student"
    ALIAS = "alias"
    RESET_BY_COLLEAGUE = "reset_by_colleague"  # another teacher's batch has it in hand, or had it not long ago
    RESET_BY_YOU = "reset_by_you"  # the same, in another batch of this teacher
    SIGNED_IN = "signed_in"  # the student has used the account since the batch that this one follows
    REFUSED = "refused"  # Google refuses the change
    UNFINISHED = "unfinished"  # the deadline passed before it was begun

    @property
    def is_open(self) -> bool:
        """Whether the worker still has something to do for it."""
        return self in _OPEN

    @property
    def has_password(self) -> bool:
        """Whether the teacher is given a password for it."""
        return self in _WITH_PASSWORD


_OPEN = frozenset({Outcome.PENDING, Outcome.READY, Outcome.CHANGING})
_WITH_PASSWORD = frozenset({Outcome.CHANGED, Outcome.UNCONFIRMED})
