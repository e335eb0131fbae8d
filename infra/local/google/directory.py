"""The Directory API's users: get, list, update and patch, by Google's rules of who may do what."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from infra.local.google.accounts import Account, Accounts, now_text
from infra.local.google.config import CUSTOMER_ID
from infra.local.google.directory_query import parse_query
from infra.local.google.directory_user import (
    PUBLIC_FIELDS,
    etag,
    kept_password,
    told_fields,
    user_resource,
)
from infra.local.google.discovery import Document
from infra.local.google.errors import ApiError, forbidden, invalid, not_found
from infra.local.google.gateway import Api, Handler, Request
from infra.local.google.state import State

SORT_KEYS: dict[str, Callable[[Account], str]] = {
    "email": lambda account: account.address,
    "givenName": lambda account: account.given_name.lower(),
    "familyName": lambda account: account.family_name.lower(),
}


class Directory:
    def __init__(self, state: State, accounts: Accounts, domain: str) -> None:
        self._state = state
        self._accounts = accounts
        self._domain = domain
        self._lock = threading.Lock()
        # In memory alone, for it holds passwords in clear and the state file must not.
        self._told: deque[dict[str, Any]] = deque(maxlen=20_000)

    def api(self) -> Api:
        handlers: dict[str, Handler] = {
            "directory.users.get": self._get,
            "directory.users.list": self._list,
            "directory.users.update": self._change,
            "directory.users.patch": self._change,
        }
        document = Document("admin.directory_v1.json")
        return Api("directory", document, handlers, body_name="user", has_quota=True)

    def told(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._told)

    def forget_told(self) -> None:
        with self._lock:
            self._told.clear()

    def _get(self, request: Request) -> dict[str, Any]:
        self._note(request, {})
        is_public = request["viewType"] == "domain_public"
        if not is_public:
            self._administrator(request)
        user = user_resource(self._target(request))
        return {name: user[name] for name in user if name in PUBLIC_FIELDS} if is_public else user

    def _list(self, request: Request) -> dict[str, Any]:
        self._note(request, {})
        self._administrator(request)
        found = self._matching(request)
        start = _page_start(request)
        page = found[start : start + request["maxResults"]]
        result: dict[str, Any] = {"kind": "admin#directory#users"}
        if page:
            result["users"] = [user_resource(account) for account in page]
        if start + len(page) < len(found):
            result["nextPageToken"] = _page_token(start + len(page), request)
        return {**result, "etag": etag(result)}

    def _matching(self, request: Request) -> list[Account]:
        self._check_customer(request)
        if request.get("showDeleted") == "true":
            return []
        matches = parse_query(request.get("query") or "")
        found = [
            account for account in self._accounts.everyone() if account.domain == self._domain and matches(account)
        ]
        key = SORT_KEYS[request.get("orderBy") or "email"]
        found.sort(key=lambda account: (key(account), account.id))
        return found[::-1] if request.get("sortOrder") == "DESCENDING" else found

    def _check_customer(self, request: Request) -> None:
        customer, domain = request.get("customer"), request.get("domain")
        if customer is None and domain is None:
            raise ApiError(400, "Bad Request", "badRequest")
        if customer is not None and customer not in ("my_customer", CUSTOMER_ID):
            raise invalid("Invalid Input: customer")
        if domain is not None and domain.lower() != self._domain:
            raise ApiError(404, "Domain not found.", "notFound")

    def _change(self, request: Request) -> dict[str, Any]:
        self._note(request, request.body)
        administrator = self._administrator(request)
        with self._state.transaction():
            account = self._target(request)
            if (account.is_admin or account.is_delegated_admin) and not administrator.is_admin:
                raise forbidden()
            if account.creating:
                raise ApiError(412, "User creation is not complete.", "conditionNotMet")
            changed = self._changed(account, request.body)
            self._accounts.save(changed)
        return user_resource(changed)

    def _changed(self, account: Account, body: Mapping[str, Any]) -> Account:
        changes = told_fields(account, body)
        if body.get("password") is not None:
            changes["password"] = kept_password(body["password"], body.get("hashFunction"))
        if body.get("orgUnitPath") is not None:
            changes["org_unit"] = self._org_unit(body["orgUnitPath"])
        if body.get("primaryEmail") not in (None, account.address):
            changes.update(self._renamed(account, body["primaryEmail"].lower()))
        return replace(account, **changes)

    def _org_unit(self, path: str) -> str:
        for account in self._accounts.everyone():
            # Units exist because somebody is in them or below them.
            if f"{account.org_unit.lower()}/".startswith(f"{path.lower().rstrip('/')}/"):
                return path
        raise invalid("Invalid Input: INVALID_OU_ID")

    def _renamed(self, account: Account, address: str) -> dict[str, Any]:
        holder = self._accounts.find(address)
        if holder is not None and holder.id != account.id:
            raise ApiError(409, "Entity already exists.", "duplicate")
        if address.rpartition("@")[2] != self._domain:
            raise invalid("Invalid Input: primary_user_email")
        aliases = [alias for alias in account.aliases if alias != address]
        return {"address": address, "aliases": (*aliases, account.address)}

    def _administrator(self, request: Request) -> Account:
        subject = request.caller.subject
        person = self._accounts.find(subject) if subject else None
        if person is None or not person.may_sign_in:
            raise forbidden()
        if not (person.is_admin or person.is_delegated_admin) or person.domain != self._domain:
            raise forbidden()
        return person

    def _target(self, request: Request) -> Account:
        key: str = request["userKey"]
        if "@" in key and key.rpartition("@")[2].lower() != self._domain:
            raise forbidden()
        account = self._accounts.find(key)
        if account is None or account.domain != self._domain:
            raise not_found("userKey")
        return account

    def _note(self, request: Request, changes: Mapping[str, Any]) -> None:
        entry = {
            "time": now_text(),
            "method": request.method.id.removeprefix("directory."),
            "userKey": request.get("userKey"),
            "changes": dict(changes),
        }
        with self._lock:
            self._told.append(entry)


def _page_start(request: Request) -> int:
    token = request.get("pageToken")
    if not token:
        return 0
    start = str(token).partition("-")[0]
    if not start.isdigit() or token != _page_token(int(start), request):
        raise invalid("Invalid Input: pageToken")
    return int(start)


def _page_token(start: int, request: Request) -> str:
    """The place in the list, tied to the search that it belongs to."""
    names = ("customer", "domain", "query", "orderBy", "sortOrder", "showDeleted")
    search = json.dumps([request.get(name) for name in names])
    return f"{start}-{hashlib.sha256(search.encode()).hexdigest()[:24]}"
