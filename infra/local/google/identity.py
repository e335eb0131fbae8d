"""What the stand-in says about a person: the claims of ID tokens and of the userinfo endpoint."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

from infra.local.google.accounts import Account
from infra.local.google.config import SCOPE

ID_TOKEN_LIFETIME = 3600
EMAIL_SCOPES = frozenset({"email", f"{SCOPE}userinfo.email"})
PROFILE_SCOPES = frozenset({"profile", f"{SCOPE}userinfo.profile"})
SIGN_IN_SCOPES = EMAIL_SCOPES | PROFILE_SCOPES | {"openid"}


def person_claims(account: Account, scopes: frozenset[str], domain: str) -> dict[str, Any]:
    """`hd` is there for people of the Workspace domain alone."""
    claims: dict[str, Any] = {"sub": account.id}
    if account.domain == domain:
        claims["hd"] = domain
    if scopes & EMAIL_SCOPES:
        claims |= {"email": account.address, "email_verified": True}
    if scopes & PROFILE_SCOPES:
        claims |= {
            "name": account.name,
            "given_name": account.given_name,
            "family_name": account.family_name,
        }
    return claims


def id_token_claims(
    issuer: str, client_id: str, person: dict[str, Any], nonce: str, access_token: str
) -> dict[str, Any]:
    now = int(time.time())
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return {
        "iss": issuer,
        "azp": client_id,
        "aud": client_id,
        **person,
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        "nonce": nonce,
        "iat": now,
        "exp": now + ID_TOKEN_LIFETIME,
    }
