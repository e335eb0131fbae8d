"""Cloud KMS: encrypt and decrypt with a symmetric key that never leaves the state."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.local.google.discovery import Document, decode_bytes
from infra.local.google.errors import ApiError
from infra.local.google.gateway import Api, Handler, Request
from infra.local.google.state import State

LARGEST = 64 * 1024
HEADER = b"\x0a\x24\x01"  # version of our ciphertext; nothing but this file reads it
NONCE = 12


class Kms:
    def __init__(self, state: State, key_names: tuple[str, ...]) -> None:
        self._state = state
        self._names = frozenset(key_names)

    def api(self) -> Api:
        base = "cloudkms.projects.locations.keyRings.cryptoKeys"
        handlers: dict[str, Handler] = {
            f"{base}.encrypt": self._encrypt,
            f"{base}.decrypt": self._decrypt,
        }
        return Api("kms", Document("cloudkms.v1.json"), handlers, lists_errors=False)

    def _encrypt(self, request: Request) -> dict[str, Any]:
        key = self._key(request["name"])
        plaintext, verified = _field(request.body, "plaintext")
        extra, extra_verified = _field(request.body, "additionalAuthenticatedData")
        if not plaintext:
            raise _invalid("plaintext must not be empty.")
        nonce = secrets.token_bytes(NONCE)
        ciphertext = HEADER + nonce + key.encrypt(nonce, plaintext, extra)
        return {
            "name": f"{request['name']}/cryptoKeyVersions/1",
            "ciphertext": _text(ciphertext),
            "ciphertextCrc32c": str(crc32c(ciphertext)),
            "verifiedPlaintextCrc32c": verified,
            "verifiedAdditionalAuthenticatedDataCrc32c": extra_verified,
            "protectionLevel": "SOFTWARE",
        }

    def _decrypt(self, request: Request) -> dict[str, Any]:
        key = self._key(request["name"])
        # A ciphertext is longer than its plaintext, so its limit is not the plaintext's.
        ciphertext, _ = _field(request.body, "ciphertext", limit=2 * LARGEST)
        extra, _ = _field(request.body, "additionalAuthenticatedData")
        if not ciphertext:
            raise _invalid("ciphertext must not be empty.")
        plaintext = _opened(key.decrypt, ciphertext, extra)
        return {
            "plaintext": _text(plaintext),
            "plaintextCrc32c": str(crc32c(plaintext)),
            "usedPrimary": True,
            "protectionLevel": "SOFTWARE",
        }

    def _key(self, name: str) -> AESGCM:
        if name not in self._names:
            raise ApiError(404, f"CryptoKey {name} not found.", "notFound")
        with self._state.transaction():
            kept = self._state.key(f"kms {name}")
            if kept is None:
                kept = {"key": AESGCM.generate_key(256).hex()}
                self._state.put_key(f"kms {name}", kept)
        return AESGCM(bytes.fromhex(kept["key"]))


def _opened(decrypt: Callable[[bytes, bytes, bytes], bytes], ciphertext: bytes, extra: bytes) -> bytes:
    start = len(HEADER) + NONCE
    try:
        if not ciphertext.startswith(HEADER) or len(ciphertext) < start:
            raise InvalidTag
        return decrypt(ciphertext[len(HEADER) : start], ciphertext[start:], extra)
    except InvalidTag:
        raise _invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.") from None


def _field(body: Mapping[str, Any], name: str, limit: int = LARGEST) -> tuple[bytes, bool]:
    """The bytes of a field, and whether a checksum came with them and was right."""
    value = decode_bytes(body.get(name) or "") or b""
    if len(value) > limit:
        raise _invalid(f"{name} must be no larger than 64KiB.")
    checksum = body.get(f"{name}Crc32c")
    if checksum is not None and int(checksum) != crc32c(value):
        raise _invalid(f"The checksum in field {name}_crc32c did not match the data in field {name}.")
    return value, checksum is not None


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _table_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


TABLE = tuple(_table_entry(value) for value in range(256))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _invalid(message: str) -> ApiError:
    return ApiError(400, message, "invalid")
