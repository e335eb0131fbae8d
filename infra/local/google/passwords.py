"""How passwords are kept: hashed, so that the state file never shows one, yet cheap to load.

A real service would make scrypt slow. Here every password of the sample stands in accounts.csv
in clear, and 650 of them are hashed before the first answer, so scrypt runs with its lightest
settings (about 50 microseconds each).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from infra.local.google.crypt_hash import crypt_matches, is_crypt

SHORTEST, LONGEST = 8, 100
HEX_DIGITS = {"MD5": 32, "SHA-1": 40}
DIGESTS = {"MD5": "md5", "SHA-1": "sha1"}


def is_acceptable(password: str) -> bool:
    """Google's rule: 8 to 100 characters, all of them ASCII."""
    return password.isascii() and SHORTEST <= len(password) <= LONGEST


def is_acceptable_hash(function: str, value: str) -> bool:
    if function == "crypt":
        return is_crypt(value)
    digits = HEX_DIGITS.get(function)
    return digits is not None and re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value) is not None


def keep(password: str) -> str:
    salt = secrets.token_bytes(12)
    return f"scrypt:{salt.hex()}:{_scrypt(password, salt)}"


def keep_hash(function: str, value: str) -> str:
    return f"{function}:{value if function == 'crypt' else value.lower()}"


def matches(kept: str, password: str) -> bool:
    kind, _, value = kept.partition(":")
    if kind == "scrypt":
        salt, _, digest = value.partition(":")
        return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), digest)
    if kind == "crypt":
        return crypt_matches(value, password)
    digest = hashlib.new(DIGESTS[kind], password.encode(), usedforsecurity=False).hexdigest()
    return hmac.compare_digest(digest, value)


def _scrypt(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=16, r=8, p=1, dklen=32).hex()
