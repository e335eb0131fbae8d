"""The OpenID provider's machine side: discovery, keys, token, userinfo and revocation endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from infra.local.google.accounts import Accounts
from infra.local.google.answers import Answer
from infra.local.google.config import Config
from infra.local.google.credentials import AccessTokens
from infra.local.google.errors import ApiError
from infra.local.google.faults import Faults
from infra.local.google.identity import person_claims
from infra.local.google.keys import SigningKey
from infra.local.google.tokens import JWT_BEARER, OAuthError, TokenEndpoint

NOT_KEPT = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}
KEPT = {"Cache-Control": "public, max-age=3600, must-revalidate"}


class Oidc:
    def __init__(
        self,
        config: Config,
        accounts: Accounts,
        tokens: AccessTokens,
        endpoint: TokenEndpoint,
        issuer_key: SigningKey,
        faults: Faults,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._tokens = tokens
        self._endpoint = endpoint
        self._key = issuer_key
        self._faults = faults

    def register(self, app: Flask) -> None:
        def get(path: str, method: str, view: Callable[[], Answer]) -> None:
            def guarded() -> Response:
                return guard(self._faults, "oidc", method, view)

            app.add_url_rule(path, f"oidc {path}", guarded)

        get("/.well-known/openid-configuration", "discovery", self._discovery)
        get("/oauth2/v3/certs", "certs", self._keys)
        get("/oauth2/v1/certs", "certs", self._certificates)
        for path in ("/v1/userinfo", "/oauth2/v3/userinfo", "/userinfo"):
            get(path, "userinfo", self._userinfo)
        app.add_url_rule("/token", "token", self._token, methods=["POST"])
        app.add_url_rule("/revoke", "revoke", self._revoke, methods=["POST"])

    def _discovery(self) -> Answer:
        base = self._config.public_url
        document = {
            "issuer": base,
            "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/v1/userinfo",
            "revocation_endpoint": f"{base}/revoke",
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "aud", "email", "email_verified", "exp", "family_name", "given_name", "hd", "iat",
                "iss", "name", "nonce", "sub",
            ],
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code", JWT_BEARER],
        }  # fmt: skip
        return Answer(200, document, KEPT)

    def _keys(self) -> Answer:
        return Answer(200, {"keys": [self._key.as_jwk()]}, KEPT)

    def _certificates(self) -> Answer:
        return Answer(200, {self._key.id: self._key.as_certificate()}, KEPT)

    def _userinfo(self) -> Answer:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        caller = self._tokens.caller(token) if kind.lower() == "bearer" else None
        account = self._accounts.find(caller.subject) if caller and caller.subject else None
        if caller is None or account is None or "openid" not in caller.scopes:
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_request"'
            return Answer(401, body, {"WWW-Authenticate": challenge})
        return Answer(200, person_claims(account, caller.scopes, self._config.domain), NOT_KEPT)

    def _token(self) -> Response:
        method = request.form.get("grant_type", "").rpartition(":")[2]
        return guard(self._faults, "token", method, self._token_answer)

    def _token_answer(self) -> Answer:
        authorization = request.headers.get("Authorization")
        try:
            body = self._endpoint.answer(request.form.to_dict(), authorization)
        except OAuthError as error:
            return Answer(error.status, error.body(), NOT_KEPT)
        return Answer(200, body, NOT_KEPT)

    def _revoke(self) -> Response:
        token = request.values.get("token", "")
        if self._tokens.revoke(token):
            return Answer(200, {}, NOT_KEPT).as_response()
        body = {"error": "invalid_token", "error_description": "Token expired or revoked"}
        return Answer(400, body, NOT_KEPT).as_response()


def guard(faults: Faults, api: str, method: str, view: Callable[[], Answer]) -> Response:
    """The view's answer as the injected faults would have it, in OAuth's form of an error."""
    try:
        return faults.around(api, method, request.path, view).as_response()
    except ApiError as error:
        body: dict[str, Any] = {"error": error.reason, "error_description": error.message}
        return Response(json.dumps(body), error.code, error.headers, "application/json")
