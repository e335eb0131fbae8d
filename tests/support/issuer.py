"""An OpenID provider whose every word a test chooses, at the HTTP edge: the real verifiers stand before it."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.google_edge import private_key
from tests.support.scripted_http import Answer, ScriptedServer

KEYS, TOKEN = "/oauth2/v3/certs", "/token"


@dataclass
class Issuer:
    """Publishes one key, "first", and signs with any."""

    server: ScriptedServer

    def __post_init__(self) -> None:
        url = self.server.url
        self.server.on(
            "/.well-known/openid-configuration",
            Answer(
                body={
                    "issuer": url,
                    "authorization_endpoint": f"{url}/auth",
                    "token_endpoint": url + TOKEN,
                    "jwks_uri": url + KEYS,
                }
            ),
        )
        self.server.on(KEYS, Answer(body={"keys": [_public_jwk("first")]}))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Of a token that holds, but for what is changed; None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.server.url, "iat": now, "exp": now + 3600, "email_verified": True} | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: str = "first", *, key_id: str = "first", **changed: Any) -> str:
        """Signed with `key`, whatever it says that it is signed with."""
        return jwt.encode(self.claims(**changed), private_key(key), algorithm="RS256", headers={"kid": key_id})

    def unsigned(self, **changed: Any) -> str:
        """`alg` none, as libraries once took it."""
        return _compact({"alg": "none", "kid": "first", "typ": "JWT"}, self.claims(**changed), b"")

    def signed_with_the_public_key(self, **changed: Any) -> str:
        """The public key taken for a shared secret (HS256)."""
        pem = private_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        header, claims = {"alg": "HS256", "kid": "first", "typ": "JWT"}, self.claims(**changed)
        signed = _compact(header, claims, b"").rpartition(".")[0].encode()
        return _compact(header, claims, hmac.new(pem, signed, hashlib.sha256).digest())

    def exchanges_codes_for(self, token: str) -> None:
        """Whatever code is brought, this ID token is given."""
        self.server.on(TOKEN, Answer(body={"access_token": "x", "id_token": token, "expires_in": 3599}))


def _public_jwk(name: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key()))
    return {"kty": jwk["kty"], "n": jwk["n"], "e": jwk["e"], "kid": name, "alg": "RS256", "use": "sig"}


def _compact(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
