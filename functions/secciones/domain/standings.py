"""Where a student's account stands, as a teacher who chooses should know it: from an earlier look, not from now."""

from dataclasses import dataclass
from datetime import datetime

from secciones.domain.outcomes import Outcome


@dataclass(frozen=True)
class EarlierReset:
    """A reset that gave a teacher the password which the account had then."""

    by: str
    is_own: bool
    at: datetime


@dataclass(frozen=True)
class Standing:
    """`refusal` is why the account would not be changed; an account that is not there has no id."""

    account_id: str
    refusal: Outcome | None
    last_sign_in: datetime | None
    reset: EarlierReset | None = None

    @property
    def is_used(self) -> bool:
        """Whether a student would lose a password that has been in use."""
        return self.refusal is None and self.last_sign_in is not None

    def is_unused_since(self, moment: datetime) -> bool:
        """Whether it could be used and has not been, never or not after a moment."""
        return self.refusal is None and (self.last_sign_in is None or self.last_sign_in <= moment)
