"""The Directory of Google Workspace: looks accounts up, and sets temporary passwords.

What looks and what changes are classes of their own with a scope each, so that a function which only looks is never
able to change anything.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

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
# How long somebody who waits for a page waits for a glance, how many calls it may have under way, and how long nobody
# glances after Google has refused one or has not answered.
_GLANCE_SECONDS = 1.0
_AT_ONCE = 8
_QUIET_SECONDS = 60.0
# Of a unit with more accounts than are on two pages the rest is not waited for.
_PAGES_OF_A_UNIT = 2

T = TypeVar("T")

_users = partial(GoogleApi, "admin", "directory_v1", "users")


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
        self._api = _users(credentials, endpoint, pace=pace, sleep=sleep, random=random)

    def find(self, address: str) -> Account | None:
        """See AccountDirectory."""
        if "@" not in address:
            return None  # the Directory would take it for an account id
        try:
            return _find(self._api, address)
        except ApiError as error:
            raise DirectoryUnavailable(error.reason) from error

    def page(self, token: str, org_unit: str = "") -> AccountPage:
        """See AccountListing."""
        try:
            return _page(self._api, token, org_unit)
        except ApiError as error:
            if token and error.reason == "invalid":
                raise ListingExpired from error
            raise DirectoryUnavailable(error.reason) from error


class DirectoryGlance:
    """Glances at accounts while a teacher waits; its credentials, made at the first call, need ACCOUNTS_SCOPE.

    The students of a section are in one unit or few, of which one query tells 500 accounts; `users.list` knows of no
    list of addresses. Whoever is not there is asked for one by one.
    """

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        pace: Pace,
        *,
        random: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = _users(credentials, endpoint, sleep=time.sleep, random=random, is_tried_once=True)
        self._pace = pace
        self._monotonic = monotonic
        self._quiet_until = float("-inf")
        self._beside = ThreadPoolExecutor(_AT_ONCE)

    def look(self, org_units: Collection[str], addresses: Collection[str]) -> Mapping[str, Account | None]:
        """See AccountGlance."""
        ends_at = self._monotonic() + _GLANCE_SECONDS
        listed: dict[str, Account] = {}
        for accounts in self._until(ends_at, self._accounts_of, sorted(org_units)).values():
            listed |= {account.address.lower(): account for account in accounts}
        seen: dict[str, Account | None] = {address: listed[address] for address in addresses if address in listed}
        return seen | self._until(ends_at, partial(_find, self._api), sorted(set(addresses) - seen.keys()))

    def _until(self, ends_at: float, call: Callable[[str], T], keys: list[str]) -> dict[str, T]:
        """What the calls for the keys have brought by then, as far as the pace lets them go at once."""
        begun = {key: self._beside.submit(call, key) for key in keys if self._may_call()}
        wait(begun.values(), timeout=max(0.0, ends_at - self._monotonic()))
        answers = {}
        for key, future in begun.items():
            try:
                if not future.cancel() and future.done():
                    answers[key] = future.result()
            except ApiError as error:
                self._be_quiet(error)
        return answers

    def _may_call(self) -> bool:
        return self._monotonic() >= self._quiet_until and self._pace.take()

    def _be_quiet(self, error: ApiError) -> None:
        if self._monotonic() < self._quiet_until:
            return
        self._quiet_until = self._monotonic() + _QUIET_SECONDS
        logs.write(
            "WARNING",
            "sections show for a minute what the mirror knows of accounts: the Directory did not answer a look at them",
            error=error.reason,
        )

    def _accounts_of(self, org_unit: str) -> list[Account]:
        page = _page(self._api, "", org_unit)
        accounts = list(page.accounts)
        for _ in range(_PAGES_OF_A_UNIT - 1):
            if page.next_token and self._may_call():
                page = _page(self._api, page.next_token, org_unit)
                accounts += page.accounts
        return accounts


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
        self._api = _users(credentials, endpoint, pace=pace, sleep=sleep, random=random)

    def set_temporary_password(self, account_id: str, password: str) -> None:
        """See PasswordSetter."""
        change = {"password": password, "changePasswordAtNextLogin": True}
        try:
            self._api.call(lambda users: users.patch(userKey=account_id, body=change, fields="id"))
        except ApiError as error:
            if error.reason in _REFUSALS:
                raise ChangeRefused(error.reason) from error
            raise DirectoryUnavailable(error.reason) from error


def _find(api: GoogleApi, address: str) -> Account | None:
    """Raises ApiError."""
    try:
        return _account(api.call(lambda users: users.get(userKey=address, projection="basic", fields=_FIELDS)))
    except ApiError as error:
        if error.reason in _NO_ACCOUNT:
            return None
        raise


def _page(api: GoogleApi, token: str, org_unit: str) -> AccountPage:
    """Raises ApiError."""
    quoted = org_unit.replace("\\", "\\\\").replace("'", "\\'")
    search = {"query": f"orgUnitPath='{quoted}'"} if org_unit else {}
    place = {"pageToken": token} if token else {}
    answer = api.call(
        lambda users: users.list(
            customer="my_customer",
            projection="basic",
            maxResults=_MOST_ON_A_PAGE,
            orderBy="email",
            fields=f"nextPageToken,users({_FIELDS})",
            **search,
            **place,
        )
    )
    return AccountPage(list(_readable(answer.get("users", []))), answer.get("nextPageToken", ""))


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
