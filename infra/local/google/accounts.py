"""The accounts: loaded from the sample once, then changed by Directory, sign-in page and tests alike."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.google import passwords
from infra.local.google.state import State

SAMPLE_CREATED = "2025-01-13T14:00:00.000Z"


@dataclass(frozen=True)
class Account:
    id: str
    address: str
    given_name: str
    family_name: str
    password: str  # as passwords.keep() made it
    org_unit: str = "/"
    suspended: bool = False
    archived: bool = False
    is_admin: bool = False
    is_delegated_admin: bool = False
    last_login: str = ""
    agreed_to_terms: bool = False
    must_change_password: bool = False
    has_two_step: bool = False
    creating: bool = False  # "User creation is not complete": changes get 412
    aliases: tuple[str, ...] = ()
    created: str = SAMPLE_CREATED
    other: dict[str, Any] = field(default_factory=dict)  # what else the Directory was told

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def may_sign_in(self) -> bool:
        return not (self.suspended or self.archived)


class Accounts:
    def __init__(self, state: State) -> None:
        self._state = state

    def load(self, sample: Path) -> None:
        """Add the accounts of accounts.csv that are not there yet; the others stay as they are."""
        known = {account.id for account in self.everyone()}
        with self._state.transaction():
            for row in _rows(sample):
                if stable_id(row["primaryEmail"]) not in known:
                    self.save(_sample_account(row))

    def find(self, key: str) -> Account | None:
        """By primary address or alias, in any case of letters, or by id."""
        found = self._state.rows(
            "SELECT body FROM accounts WHERE id = coalesce("
            "(SELECT account FROM addresses WHERE address = ?), ?)",
            key.strip().lower(), key,
        )  # fmt: skip
        return _account(found[0]["body"]) if found else None

    def everyone(self) -> list[Account]:
        return [_account(row["body"]) for row in self._state.rows("SELECT body FROM accounts")]

    def change(self, account_id: str, **changes: Any) -> Account:
        """Change these fields in one transaction; raises KeyError for an unknown account."""
        with self._state.transaction():
            account = self.find(account_id)
            if account is None:
                raise KeyError(account_id)
            changed = replace(account, **changes)
            self.save(changed)
        return changed

    def save(self, account: Account) -> None:
        addresses = {account.address.lower(), *(alias.lower() for alias in account.aliases)}
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (account.id, json.dumps(asdict(account), ensure_ascii=False)),
            )
            connection.execute("DELETE FROM addresses WHERE account = ?", (account.id,))
            connection.executemany(
                "INSERT OR REPLACE INTO addresses VALUES (?, ?)",
                [(address, account.id) for address in addresses],
            )

    def delete(self, account_id: str) -> None:
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM accounts WHERE id = ?", (account_id,))


def stable_id(text: str) -> str:
    """21 digits, as Google's are, and the same for the same address in every fresh state."""
    number = int.from_bytes(hashlib.sha256(text.lower().encode()).digest(), "big")
    return f"1{number % 10**20:020d}"


def now_text() -> str:
    """The present moment as the Directory writes it: UTC, with milliseconds."""
    return as_google_time(datetime.now(UTC))


def as_google_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_account(address: str, **fields: Any) -> Account:
    return Account(id=stable_id(address), address=address.lower(), **fields)


def _account(body: str) -> Account:
    fields = json.loads(body)
    return Account(**{**fields, "aliases": tuple(fields["aliases"])})


def _rows(sample: Path) -> list[dict[str, str]]:
    with (sample / "accounts.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _sample_account(row: Mapping[str, str]) -> Account:
    return new_account(
        row["primaryEmail"],
        given_name=row["givenName"],
        family_name=row["familyName"],
        password=passwords.keep(row["password"]),
        org_unit=row["orgUnitPath"] or "/",
        suspended=_is_true(row["suspended"]),
        archived=_is_true(row["archived"]),
        is_admin=_is_true(row["isAdmin"]),
        is_delegated_admin=_is_true(row["isDelegatedAdmin"]),
        last_login=_time(row["lastLoginTime"]),
        agreed_to_terms=_is_true(row["agreedToTerms"]),
        must_change_password=_is_true(row["changePasswordAtNextLogin"]),
        aliases=tuple(row["aliases"].lower().split()),
    )


def _is_true(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"accounts.csv: {text!r} is neither true nor false")
    return text == "true"


def _time(text: str) -> str:
    return as_google_time(datetime.fromisoformat(text)) if text else ""
