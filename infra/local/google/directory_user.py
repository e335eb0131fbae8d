"""A user as the Directory writes it, and what a request may change about one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from infra.local.google import passwords
from infra.local.google.accounts import Account
from infra.local.google.config import CUSTOMER_ID
from infra.local.google.errors import invalid

NEVER = "1970-01-01T00:00:00.000Z"
PUBLIC_FIELDS = frozenset({"kind", "id", "etag", "primaryEmail", "name", "emails", "isMailboxSetup"})
PLAIN_FIELDS = {  # what a request may write, and where we keep it
    "suspended": "suspended",
    "archived": "archived",
    "changePasswordAtNextLogin": "must_change_password",
}
KEPT_ASIDE = frozenset(
    {
        "addresses", "customSchemas", "externalIds", "gender", "ims", "includeInGlobalAddressList",
        "ipWhitelisted", "keywords", "languages", "locations", "notes", "organizations", "phones",
        "posixAccounts", "recoveryEmail", "recoveryPhone", "relations", "sshPublicKeys", "websites",
    }
)  # fmt: skip


def user_resource(account: Account) -> dict[str, Any]:
    user = {
        **{name: value for name, value in account.other.items() if name in KEPT_ASIDE},
        "kind": "admin#directory#user",
        "id": account.id,
        "primaryEmail": account.address,
        "name": {
            "givenName": account.given_name,
            "familyName": account.family_name,
            "fullName": account.name,
        },
        "isAdmin": account.is_admin,
        "isDelegatedAdmin": account.is_delegated_admin,
        "lastLoginTime": account.last_login or NEVER,
        "creationTime": account.created,
        "agreedToTerms": account.agreed_to_terms,
        "suspended": account.suspended,
        "archived": account.archived,
        "changePasswordAtNextLogin": account.must_change_password,
        "emails": [
            {"address": account.address, "primary": True},
            *({"address": alias} for alias in account.aliases),
        ],
        "customerId": CUSTOMER_ID,
        "orgUnitPath": account.org_unit,
        "isMailboxSetup": True,
        "isEnrolledIn2Sv": account.has_two_step,
        "isEnforcedIn2Sv": False,
        "ipWhitelisted": account.other.get("ipWhitelisted", False),
        "includeInGlobalAddressList": account.other.get("includeInGlobalAddressList", True),
    }
    if account.suspended:
        user["suspensionReason"] = "ADMIN"
    if account.aliases:
        user["aliases"] = list(account.aliases)
    return {**user, "etag": etag(user)}


def told_fields(account: Account, body: Mapping[str, Any]) -> dict[str, Any]:
    """The account's fields that this body sets, those that need no check; null clears.

    What Google calls read-only is ignored, as Google does.
    """
    changes: dict[str, Any] = {ours: bool(body[theirs]) for theirs, ours in PLAIN_FIELDS.items() if theirs in body}
    name = body.get("name") or {}
    changes["given_name"] = name.get("givenName") or account.given_name
    changes["family_name"] = name.get("familyName") or account.family_name
    other = {**account.other, **{field: body[field] for field in KEPT_ASIDE & body.keys()}}
    changes["other"] = {field: value for field, value in other.items() if value is not None}
    return changes


def kept_password(password: str, function: str | None) -> str:
    if function:
        if not passwords.is_acceptable_hash(function, password):
            raise invalid("Invalid Password")
        return passwords.keep_hash(function, password)
    if not passwords.is_acceptable(password):
        raise invalid("Invalid Password")
    return passwords.keep(password)


def etag(value: object) -> str:
    text = json.dumps(value, sort_keys=True).encode()
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")}"'
