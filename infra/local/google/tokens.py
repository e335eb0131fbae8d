"""The token endpoint: authorization codes of people, assertions of service accounts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from infra.local.google.accounts import Accounts
from infra.local.google.config import Config
from infra.local.google.credentials import LIFETIME, AccessTokens, BadAssertion, verified_claims
from infra.local.google.iam import service_account_claims
from infra.local.google.identity import SIGN_IN_SCOPES, id_token_claims, person_claims
from infra.local.google.keys import SigningKey
from infra.local.google.service_accounts import ServiceAccount, ServiceAccounts
from infra.local.google.state import State

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_ENDPOINTS = frozenset(
    {"https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v4/token"}
)
SCOPE_FORM = re.compile(r"https://(www\.googleapis\.com/auth/[\w.-]+|mail\.google\.com/)")
NOT_DELEGATED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested."
)

Form = Mapping[str, str]


class OAuthError(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


class TokenEndpoint:
    def __init__(
        self,
        config: Config,
        state: State,
        accounts: Accounts,
        service_accounts: ServiceAccounts,
        tokens: AccessTokens,
        issuer_key: SigningKey,
    ) -> None:
        self._config = config
        self._state = state
        self._accounts = accounts
        self._service_accounts = service_accounts
        self._tokens = tokens
        self._key = issuer_key

    def answer(self, form: Form, authorization: str | None) -> dict[str, Any]:
        """Raises OAuthError with Google's words."""
        kind = form.get("grant_type", "")
        grants: dict[str, Callable[[], dict[str, Any]]] = {
            "authorization_code": lambda: self._from_code(form, authorization),
            JWT_BEARER: lambda: self._from_assertion(form),
        }
        if not kind:
            raise OAuthError(400, "invalid_request", "Missing required parameter: grant_type")
        if kind not in grants:
            raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {kind}")
        return grants[kind]()

    def _from_code(self, form: Form, authorization: str | None) -> dict[str, Any]:
        self._check_client(form, authorization)
        for name in ("code", "redirect_uri"):
            if not form.get(name):
                raise OAuthError(400, "invalid_request", f"Missing required parameter: {name}")
        grant = self._state.take("code", form["code"])
        if grant is None:
            raise OAuthError(400, "invalid_grant", "Bad Request")
        if form["redirect_uri"] != grant["redirect_uri"]:
            raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
        _check_verifier(form.get("code_verifier", ""), grant["code_challenge"])
        account = self._accounts.find(grant["account"])
        if account is None or not account.may_sign_in:
            raise OAuthError(400, "invalid_grant", "Account has been disabled.")
        scopes = frozenset(grant["scope"].split())
        token = self._tokens.issue(grant["client_id"], account.id, scopes)
        person = person_claims(account, scopes, self._config.domain)
        claims = id_token_claims(self._config.public_url, grant["client_id"], person, grant["nonce"], token)
        return {**_bearer(token, grant["scope"]), "id_token": self._key.sign_jwt(claims)}

    def _check_client(self, form: Form, authorization: str | None) -> None:
        client_id, secret = _client(form, authorization)
        if not client_id:
            raise OAuthError(400, "invalid_request", "Could not determine client ID from request.")
        if client_id != self._config.client_id:
            raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
        if not secret:
            raise OAuthError(400, "invalid_request", "client_secret is missing.")
        if not hmac.compare_digest(secret.encode(), self._config.client_secret.encode()):
            raise OAuthError(401, "invalid_client", "The provided client secret is invalid.")

    def _from_assertion(self, form: Form) -> dict[str, Any]:
        if not form.get("assertion"):
            raise OAuthError(400, "invalid_request", "Missing required parameter: assertion")
        try:
            account, claims = verified_claims(self._service_accounts, form["assertion"])
        except BadAssertion as refusal:
            raise OAuthError(400, "invalid_grant", str(refusal)) from None
        own = {f"{self._config.public_url}/token", self._config.token_uri}
        if claims.get("aud") not in GOOGLE_TOKEN_ENDPOINTS | own:
            right = self._config.token_uri
            raise OAuthError(400, "invalid_grant", f"Failed audience check. The right audience is {right}")
        if "target_audience" in claims:
            audience = str(claims["target_audience"])
            issuer = self._config.public_url
            return {"id_token": self._key.sign_jwt(service_account_claims(issuer, account, audience, with_email=True))}
        scopes = _scopes(claims)
        subject = self._subject(account, claims.get("sub"), scopes)
        return _bearer(self._tokens.issue(account.email, subject, scopes))

    def _subject(self, account: ServiceAccount, sub: object, scopes: frozenset[str]) -> str | None:
        """The id of the person in whose name the account may act, for these scopes."""
        if sub is None or sub == account.email:
            return None
        if not scopes <= account.delegated_scopes:
            raise OAuthError(401, "unauthorized_client", NOT_DELEGATED)
        person = self._accounts.find(str(sub))
        if person is None or person.domain != self._config.domain:
            raise OAuthError(400, "invalid_grant", "Invalid email or User ID")
        if not person.may_sign_in:
            raise OAuthError(400, "invalid_grant", "Account has been disabled.")
        return person.id


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    scopes = str(claims.get("scope") or "").split()
    if not scopes:
        raise OAuthError(400, "invalid_scope", "Empty or missing scope not allowed.")
    if not all(scope in SIGN_IN_SCOPES or SCOPE_FORM.fullmatch(scope) for scope in scopes):
        raise OAuthError(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return frozenset(scopes)


def _client(form: Form, authorization: str | None) -> tuple[str, str]:
    kind, _, value = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _check_verifier(verifier: str, challenge: str) -> None:
    if not verifier:
        raise OAuthError(400, "invalid_grant", "Missing code verifier.")
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not 43 <= len(verifier) <= 128 or not hmac.compare_digest(made, challenge):
        raise OAuthError(400, "invalid_grant", "Invalid code verifier.")


def _bearer(token: str, scope: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": token,
        "expires_in": LIFETIME - 1,
        "token_type": "Bearer",
    }
    return {**answer, "scope": scope} if scope else answer
