"""Where a student's account stands, as a teacher who chooses should know it: from an earlier look, not from now."""

from dataclasses import dataclass
from datetime import datetime

from secciones.domain.accounts import Account, refusal
from secciones.domain.outcomes import Outcome


@dataclass(frozen=True)
class EarlierReset:
    """A reset that gave a teacher the password which the account had then."""

    by: str
    is_own: bool
    at: datetime


@dataclass(frozen=True)
class Standing:
    """`refusal` is why the account would not be changed; an account that is not there has no id and no unit."""

    account_id: str
    refusal: Outcome | None
    last_sign_in: datetime | None
    reset: EarlierReset | None = None
    org_unit: str = ""

    @property
    def is_used(self) -> bool:
        """Whether a student would lose a password that has been in use."""
        return self.refusal is None and self.last_sign_in is not None

    def is_unused_since(self, moment: datetime) -> bool:
        """Whether it could be used and has not been, never or not after a moment."""
        return self.refusal is None and (self.last_sign_in is None or self.last_sign_in <= moment)


NOT_THERE = Standing("", Outcome.NOT_FOUND, None)


def standing_of(account: Account, address: str, students_org_unit: str) -> Standing:
    """Where an account stands that was looked for under a student's address.

    Of those who are no students nothing is kept but that they are none.
    """
    outcome = refusal(account, address, students_org_unit)
    if outcome in {None, Outcome.SUSPENDED}:
        return Standing(account.id, outcome, account.last_sign_in, org_unit=account.org_unit)
    return Standing(account.id, outcome, None)
