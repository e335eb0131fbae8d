"""The keys that the stand-in signs with, made on first use and kept in the state."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

from infra.local.google.state import State

ISSUER = "issuer"


@dataclass(frozen=True)
class SigningKey:
    id: str
    pem: str

    @property
    def public_pem(self) -> str:
        return public_pem(self.pem)

    def sign_jwt(self, claims: dict[str, Any] | str) -> str:
        payload = claims.encode() if isinstance(claims, str) else None
        header = {"kid": self.id, "typ": "JWT"}
        if payload is not None:
            return jwt.PyJWS().encode(payload, _private(self.pem), "RS256", header)
        assert isinstance(claims, dict)
        return jwt.encode(claims, _private(self.pem), "RS256", header)

    def sign(self, message: bytes) -> bytes:
        return _private(self.pem).sign(message, padding.PKCS1v15(), hashes.SHA256())

    def as_jwk(self) -> dict[str, Any]:
        key = RSAAlgorithm.to_jwk(_private(self.pem).public_key(), as_dict=True)
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": key["n"], "e": key["e"]}

    def as_certificate(self) -> str:
        """A self-signed certificate in PEM: the older form in which Google publishes its keys."""
        key = _private(self.pem)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.stand-in")])
        start = datetime(2025, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(int(self.id[:16], 16))
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=36500))
            .sign(key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def signing_key(state: State, name: str) -> SigningKey:
    """The key of that name; made and kept when there is none."""
    with state.transaction():
        kept = state.key(name)
        if kept is None:
            kept = {"id": secrets.token_hex(20), "pem": new_private_pem()}
            state.put_key(name, kept)
    return SigningKey(kept["id"], kept["pem"])


def new_private_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(private_pem: str) -> str:
    return (
        _private(private_pem)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@lru_cache(maxsize=32)
def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key
