"""IAM Credentials: ID tokens, signatures and access tokens for service accounts.

Who may call: any service account of this stand-in, for any other, with an access token of scope
cloud-platform. The real service asks for the role Token Creator; who has it is a matter of the
infrastructure's own tests, not of the local stack.
"""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.google.accounts import as_google_time
from infra.local.google.credentials import LIFETIME, AccessTokens
from infra.local.google.discovery import Document, decode_bytes
from infra.local.google.errors import ApiError
from infra.local.google.gateway import Api, Handler, Request
from infra.local.google.keys import SigningKey
from infra.local.google.service_accounts import ServiceAccount, ServiceAccounts


class IamCredentials:
    def __init__(self, accounts: ServiceAccounts, tokens: AccessTokens, issuer: str, issuer_key: SigningKey) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._issuer = issuer
        self._issuer_key = issuer_key

    def api(self) -> Api:
        base = "iamcredentials.projects.serviceAccounts"
        handlers: dict[str, Handler] = {
            f"{base}.generateIdToken": self._id_token,
            f"{base}.generateAccessToken": self._access_token,
            f"{base}.signBlob": self._sign_blob,
            f"{base}.signJwt": self._sign_jwt,
        }
        return Api("iam", Document("iamcredentials.v1.json"), handlers, lists_errors=False)

    def _id_token(self, request: Request) -> dict[str, Any]:
        account = self._account(request, "getOpenIdToken")
        audience = request.body.get("audience")
        if not audience:
            raise _invalid("Request contains an invalid argument.")
        with_email = bool(request.body.get("includeEmail"))
        claims = service_account_claims(self._issuer, account, audience, with_email=with_email)
        return {"token": self._issuer_key.sign_jwt(claims)}

    def _access_token(self, request: Request) -> dict[str, Any]:
        account = self._account(request, "getAccessToken")
        scopes = request.body.get("scope")
        if not scopes:
            raise _invalid("Request must contain scopes.")
        token = self._tokens.issue(account.email, None, scopes)
        expires = datetime.now(UTC) + timedelta(seconds=LIFETIME)
        return {"accessToken": token, "expireTime": as_google_time(expires)}

    def _sign_blob(self, request: Request) -> dict[str, Any]:
        account = self._account(request, "signBlob")
        key = self._accounts.system_key(account)
        payload = decode_bytes(request.body.get("payload") or "") or b""
        return {"keyId": key.id, "signedBlob": base64.b64encode(key.sign(payload)).decode()}

    def _sign_jwt(self, request: Request) -> dict[str, Any]:
        account = self._account(request, "signJwt")
        payload = request.body.get("payload") or ""
        try:
            claims = json.loads(payload)
        except ValueError:
            claims = None
        if not isinstance(claims, dict):
            raise _invalid("The JWT payload must be a JSON object.")
        key = self._accounts.system_key(account)
        return {"keyId": key.id, "signedJwt": key.sign_jwt(payload)}

    def _account(self, request: Request, permission: str) -> ServiceAccount:
        name = str(request["name"])
        account = self._accounts.find(name.rpartition("/")[2])
        caller = self._accounts.find(request.caller.client)
        if not name.startswith("projects/-/"):
            raise _invalid("Invalid form of resource name: the project must be the wildcard '-'.")
        if account is None or caller is None or request.caller.subject is not None:
            raise ApiError(
                403,
                f"Permission 'iam.serviceAccounts.{permission}' denied on resource (or it may not exist).",
                "forbidden",
            )
        return account


def service_account_claims(issuer: str, account: ServiceAccount, audience: str, *, with_email: bool) -> dict[str, Any]:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "azp": account.id,
        "sub": account.id,
        "iat": now,
        "exp": now + LIFETIME,
    }
    return {**claims, "email": account.email, "email_verified": True} if with_email else claims


def _invalid(message: str) -> ApiError:
    return ApiError(400, message, "invalid")
