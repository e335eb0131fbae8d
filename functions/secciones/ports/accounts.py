"""Workspace accounts: ports to look at them, another to set a password, so that only one function holds both."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from secciones.domain.accounts import Account


class AccountDirectory(Protocol):
    """Looks at accounts and changes nothing."""

    def find(self, address: str) -> Account | None:
        """The account that answers to an address (primary or alias); None when there is none.

        Each refusal for a passing reason (quota, overload, network) is tried at most 3 times with full jitter, then
        raises DirectoryUnavailable with the last reason.
        """
        ...


@dataclass(frozen=True)
class AccountPage:
    """Some of all accounts; `next_token` is empty on the last page."""

    accounts: Sequence[Account]
    next_token: str


class AccountListing(Protocol):
    """Lists accounts, a page at a time, and changes nothing."""

    def page(self, token: str, org_unit: str = "") -> AccountPage:
        """The page that a token stands for; the first one for an empty token. Of all accounts of the institution, or of
        those in one unit and below it.

        Raises ListingExpired when the token is not known any more, DirectoryUnavailable as `find` does.
        """
        ...


class AccountGlance(Protocol):
    """Looks at many accounts at once while somebody waits for a page, and changes nothing."""

    def look(self, org_units: Collection[str], addresses: Collection[str]) -> Mapping[str, Account | None]:
        """What is seen under each address, None where nothing is; the units are where most of them are expected.

        Whatever cannot be seen within a second, or within what the resets leave of the quota, is left out. Never raises
        for an outside reason.
        """
        ...


class PasswordSetter(Protocol):
    """Sets temporary passwords and nothing else."""

    def set_temporary_password(self, account_id: str, password: str) -> None:
        """Set the password, to be changed at the next sign-in. Repeating it with the same password does no harm.

        Raises ChangeRefused when it will never succeed; DirectoryUnavailable after 3 tries that failed for a passing
        reason, and then the change may or may not have been made.
        """
        ...
