"""Who is calling: access tokens, and the JWTs that service accounts sign for themselves."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from infra.local.google.service_accounts import ServiceAccount, ServiceAccounts
from infra.local.google.state import State

LIFETIME = 3600
SKEW = 300


@dataclass(frozen=True)
class Caller:
    """The service account (or OAuth client) behind a call, and the person in whose name it acts."""

    client: str
    subject: str | None  # an account's id
    scopes: frozenset[str]


class AccessTokens:
    """Opaque, valid for an hour, bound to client, subject and scopes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def issue(self, client: str, subject: str | None, scopes: Iterable[str]) -> str:
        token = f"ya29.{secrets.token_urlsafe(48)}"
        body = {"client": client, "subject": subject, "scopes": sorted(scopes)}
        self._state.put("access token", token, body, LIFETIME)
        return token

    def caller(self, token: str) -> Caller | None:
        body = self._state.get("access token", token)
        if body is None:
            return None
        return Caller(body["client"], body["subject"], frozenset(body["scopes"]))

    def revoke(self, token: str) -> bool:
        return self._state.take("access token", token) is not None


class BadAssertion(Exception):
    """A JWT that its supposed signer did not sign, or that is not valid now."""


def verified_claims(accounts: ServiceAccounts, assertion: str) -> tuple[ServiceAccount, dict[str, Any]]:
    """The service account that signed this JWT and what it claims.

    Checks signature, `iat` and `exp` (at most an hour apart) and leaves the rest to the caller.
    Raises BadAssertion with Google's sentence.
    """
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise BadAssertion("Invalid JWT: Failed to parse the assertion.") from None
    account = accounts.find(str(claims.get("iss", "")))
    if account is None:
        raise BadAssertion("Invalid grant: account not found")
    if not _is_signed(accounts.public_keys(account), header.get("kid"), assertion):
        raise BadAssertion("Invalid JWT Signature.")
    if not _is_timely(claims):
        raise BadAssertion(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
            "timeframe. Check your iat and exp values in the JWT claim."
        )
    return account, claims


def self_signed_caller(accounts: ServiceAccounts, token: str, audiences: set[str]) -> Caller | None:
    """The caller behind a JWT that serves as bearer token itself (google.aip.dev/auth/4111)."""
    try:
        account, claims = verified_claims(accounts, token)
    except BadAssertion:
        return None
    audience, scope = claims.get("aud"), claims.get("scope")
    if claims.get("sub", account.email) != account.email:
        return None
    if audience is not None and audience not in audiences:
        return None
    if scope is None and audience is None:
        return None
    # With an audience and no scope, the token is good for all of that API.
    scopes = str(scope).split() if scope is not None else ["*"]
    return Caller(account.email, None, frozenset(scopes))


def _is_signed(keys: Mapping[str, str], key_id: object, assertion: str) -> bool:
    # The IAM signer of google-auth cannot know the key beforehand and leaves out `kid`.
    candidates = keys.values() if key_id is None else filter(None, [keys.get(str(key_id))])
    return any(_verifies(assertion, pem) for pem in candidates)


def _verifies(assertion: str, pem: str) -> bool:
    try:
        jwt.PyJWS().decode(assertion, pem, algorithms=["RS256"])
    except jwt.InvalidTokenError:
        return False
    return True


def _is_timely(claims: Mapping[str, Any]) -> bool:
    issued, expires, now = claims.get("iat"), claims.get("exp"), time.time()
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        return False
    return issued - SKEW <= now <= expires + SKEW and 0 < expires - issued <= LIFETIME
