"""The Directory of Google Workspace: looks accounts up, and sets temporary passwords.

Two classes with two scopes, so that a function which only looks is never able to change anything.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from secciones import logs
from secciones.adapters.google_api import ApiError, GoogleApi
from secciones.adapters.pace import Pace
from secciones.domain.accounts import Account
from secciones.domain.errors import ChangeRefused, DirectoryUnavailable, ListingExpired
from secciones.ports.accounts import AccountPage

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

ACCOUNTS_SCOPE = "https://www.googleapis.com/auth/admin.directory.user.readonly"
PASSWORDS_SCOPE = "https://www.googleapis.com/auth/admin.directory.user"

_FIELDS = "id,primaryEmail,orgUnitPath,isAdmin,isDelegatedAdmin,suspended,archived,lastLoginTime,isEnrolledIn2Sv"
# `invalid` is said of a key that can be nobody's address, and trying again would not make it one. `forbidden` is said
# of other domains, but of a missing right too, so that it cannot count as an account that does not exist.
_NO_ACCOUNT = frozenset({"notFound", "invalid"})
# A missing scope or token is not among them: that is no student's doing, and an operator has to see it.
_REFUSALS = frozenset({"forbidden", "invalid", "required", "notFound"})
# The most that the Directory gives at once.
_MOST_ON_A_PAGE = 500
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class DirectoryAccounts:
    """Finds and lists accounts; its credentials, made at the first call, need ACCOUNTS_SCOPE."""

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        pace: Pace,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = GoogleApi("admin", "directory_v1", credentials, endpoint, pace=pace, sleep=sleep, random=random)

    def find(self, address: str) -> Account | None:
        """See AccountDirectory."""
        if "@" not in address:
            return None  # the Directory would take it for an account id
        try:
            user = self._api.call(
                lambda directory: directory.users().get(userKey=address, projection="basic", fields=_FIELDS)
            )
            return _account(user)
        except ApiError as error:
            if error.reason in _NO_ACCOUNT:
                return None
            raise DirectoryUnavailable(error.reason) from error

    def page(self, token: str) -> AccountPage:
        """See AccountListing."""
        search = {"customer": "my_customer", "projection": "basic", "maxResults": _MOST_ON_A_PAGE, "orderBy": "email"}
        if token:
            search["pageToken"] = token
        try:
            answer = self._api.call(
                lambda directory: directory.users().list(**search, fields=f"nextPageToken,users({_FIELDS})")
            )
        except ApiError as error:
            if token and error.reason == "invalid":
                raise ListingExpired from error
            raise DirectoryUnavailable(error.reason) from error
        return AccountPage(list(_readable(answer.get("users", []))), answer.get("nextPageToken", ""))


class DirectoryPasswords:
    """Sets passwords; its credentials, made at the first call, need PASSWORDS_SCOPE."""

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        pace: Pace,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = GoogleApi("admin", "directory_v1", credentials, endpoint, pace=pace, sleep=sleep, random=random)

    def set_temporary_password(self, account_id: str, password: str) -> None:
        """See PasswordSetter."""
        change = {"password": password, "changePasswordAtNextLogin": True}
        try:
            self._api.call(lambda directory: directory.users().patch(userKey=account_id, body=change, fields="id"))
        except ApiError as error:
            if error.reason in _REFUSALS:
                raise ChangeRefused(error.reason) from error
            raise DirectoryUnavailable(error.reason) from error


def _readable(users: list[dict[str, Any]]) -> Iterator[Account]:
    """One account that Google tells of in a way that nobody understands must not hide all others."""
    for user in users:
        try:
            yield _account(user)
        except ApiError:
            logs.write("WARNING", "an account of a list is not understood and left out")


def _account(user: dict[str, Any]) -> Account:
    """Raises ApiError for an answer that leaves open whether the account may be changed."""
    try:
        return Account(
            id=_text(user, "id"),
            address=_text(user, "primaryEmail"),
            org_unit=_text(user, "orgUnitPath"),
            is_administrator=_flag(user, "isAdmin") or _flag(user, "isDelegatedAdmin"),
            is_suspended=_flag(user, "suspended") or bool(user.get("archived", False)),
            last_sign_in=_moment(user.get("lastLoginTime")),
            # Enrolled, not enforced: whoever must still set it up has a while to do so without.
            has_two_step=user.get("isEnrolledIn2Sv") is True,
        )
    except (KeyError, TypeError, ValueError):
        raise ApiError("unreadableAnswer", is_passing=False) from None


def _text(user: dict[str, Any], name: str) -> str:
    value = user[name]
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    return value


def _flag(user: dict[str, Any], name: str) -> bool:
    value = user[name]
    if not isinstance(value, bool):
        raise TypeError(name)
    return value


def _moment(text: str | None) -> datetime | None:
    """A time of the Directory, whose word for never is the beginning of time."""
    moment = datetime.fromisoformat(text) if text else _NEVER
    return None if moment == _NEVER else moment
