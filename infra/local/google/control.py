"""The control plane: what tests ask of the stand-in, apart from everything that Google has.

    GET|POST|DELETE /_control/faults    a fault or a list of them (see faults.Fault); DELETE also
                                        ends all latency
    POST /_control/latency              {"api": "directory", "seconds": 0.2}
    GET|POST /_control/quota            {"per_minute": 2400}; POST fills every bucket
    POST /_control/accounts             {"address": …, and any of: password, orgUnitPath, suspended,
                                        archived, isAdmin, isDelegatedAdmin, creating, aliases,
                                        changePasswordAtNextLogin, lastLoginTime, agreedToTerms,
                                        isEnrolledIn2Sv, givenName, familyName}; an unknown address is created;
                                        {"address": …, "delete": true} deletes
    GET|DELETE /_control/history        {"directory": [{time, method, userKey, changes}],
                                        "mail": [{time, from, to, subject, messageId, id}]};
                                        what the Directory was told lives in memory, since it
                                        holds passwords in clear

POST takes JSON alone. What is wrong with a request is answered with 400 and {"error": …}.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify, request

from infra.local.google import passwords
from infra.local.google.accounts import Accounts, as_google_time, new_account
from infra.local.google.directory import Directory
from infra.local.google.faults import APIS, Faults, fault_of
from infra.local.google.mail_store import MailStore, StoredMessage, addresses
from infra.local.google.quota import Quota

FIELDS: dict[str, tuple[str, type]] = {
    "orgUnitPath": ("org_unit", str),
    "suspended": ("suspended", bool),
    "archived": ("archived", bool),
    "isAdmin": ("is_admin", bool),
    "isDelegatedAdmin": ("is_delegated_admin", bool),
    "creating": ("creating", bool),
    "aliases": ("aliases", list),
    "changePasswordAtNextLogin": ("must_change_password", bool),
    "lastLoginTime": ("last_login", str),
    "isEnrolledIn2Sv": ("has_two_step", bool),
    "agreedToTerms": ("agreed_to_terms", bool),
    "givenName": ("given_name", str),
    "familyName": ("family_name", str),
    "password": ("password", str),
}


class Control:
    def __init__(
        self, accounts: Accounts, directory: Directory, store: MailStore, faults: Faults, quota: Quota
    ) -> None:
        self._accounts = accounts
        self._directory = directory
        self._store = store
        self._faults = faults
        self._quota = quota

    def register(self, app: Flask) -> None:
        def add(name: str, **views: Callable[[], Any]) -> None:
            def view() -> tuple[Response, int]:
                try:
                    return jsonify(views[request.method]()), 200
                except (ValueError, TypeError, KeyError) as error:
                    return jsonify({"error": str(error)}), 400

            app.add_url_rule(f"/_control/{name}", f"control {name}", view, methods=list(views))

        add("faults", GET=self._faults.pending, POST=self._add_faults, DELETE=self._clear_faults)
        add("latency", POST=self._set_latency)
        add("quota", GET=self._quota_now, POST=self._set_quota)
        add("accounts", POST=self._alter_account)
        add("history", GET=self._history, DELETE=self._forget)

    def _add_faults(self) -> Any:
        given = _json()
        for fault in [fault_of(each) for each in (given if isinstance(given, list) else [given])]:
            self._faults.add(fault)
        return self._faults.pending()

    def _clear_faults(self) -> Any:
        self._faults.clear()
        return self._faults.pending()

    def _set_latency(self) -> Any:
        given = _json()
        if given["api"] not in APIS:
            raise ValueError(f"api must be one of {', '.join(sorted(APIS))}")
        self._faults.set_latency(given["api"], float(given["seconds"]))
        return given

    def _set_quota(self) -> Any:
        self._quota.set(int(_json()["per_minute"]))
        return self._quota_now()

    def _quota_now(self) -> Any:
        return {"per_minute": self._quota.per_minute}

    def _alter_account(self) -> Any:
        given = dict(_json())
        address = str(given.pop("address"))
        account = self._accounts.find(address)
        if given.pop("delete", False):
            if account is not None:
                self._accounts.delete(account.id)
            return {"address": address, "deleted": account is not None}
        changes = dict(_change(name, value) for name, value in given.items())
        if account is None:
            start = {"given_name": "", "family_name": "", "password": passwords.keep("")}
            account = new_account(address, **{**start, **changes})
            self._accounts.save(account)
        else:
            account = self._accounts.change(account.id, **changes)
        return {"address": account.address, "id": account.id}

    def _history(self) -> Any:
        mail = [_mailed(message) for message in self._store.sent()]
        return {"directory": self._directory.told(), "mail": mail}

    def _forget(self) -> Any:
        self._directory.forget_told()
        return self._history()


def _change(name: str, given: object) -> tuple[str, Any]:
    if name not in FIELDS:
        raise ValueError(f"unknown: {name}")
    field, kind = FIELDS[name]
    if type(given) is not kind:
        raise TypeError(f"{name} must be of type {kind.__name__}")
    value: Any = given
    if name == "password":
        return field, passwords.keep(value)
    if name == "aliases":
        return field, tuple(str(alias).lower() for alias in value)
    if name == "lastLoginTime" and value:
        return field, as_google_time(datetime.fromisoformat(value))
    return field, value


def _mailed(message: StoredMessage) -> dict[str, Any]:
    return {
        "time": as_google_time(datetime.fromtimestamp(message.arrived / 1000, UTC)),
        "from": message.header("From"),
        "to": addresses(message.parsed),
        "subject": message.header("Subject"),
        "messageId": message.header("Message-ID"),
        "id": message.id,
    }


def _json() -> Any:
    # Only JSON: a foreign web page can send a form here, but not this type.
    if request.mimetype != "application/json":
        raise ValueError("the body must be application/json")
    return request.get_json()
