"""SHA-crypt and MD5-crypt, which the Directory accepts as `hashFunction: crypt`.

Written out because Python 3.13 dropped the `crypt` module and a password that was set by such a
hash must still open the sign-in page. Sources: Ulrich Drepper, "Unix crypt using SHA-256 and
SHA-512"; Poul-Henning Kamp's md5crypt.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

CRYPT = re.compile(
    r"\$(?P<kind>[156])\$(?:rounds=(?P<rounds>\d+)\$)?(?P<salt>[^$\s]{0,16})\$(?P<digest>[./0-9A-Za-z]+)"
)
ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTHS = {"1": 22, "5": 43, "6": 86}
MOST_ROUNDS = 10_000
USUAL_ROUNDS = 5_000
LEAST_ROUNDS = 1_000


def is_crypt(value: str) -> bool:
    """Whether the Directory would accept this hash: $1$, $5$ or $6$, at most 10,000 rounds."""
    match = CRYPT.fullmatch(value)
    return (
        match is not None
        and len(match["digest"]) == LENGTHS[match["kind"]]
        and int(match["rounds"] or 0) <= MOST_ROUNDS
        and not (match["kind"] == "1" and match["rounds"])
    )


def crypt_matches(value: str, password: str) -> bool:
    match = CRYPT.fullmatch(value)
    if match is None:
        return False
    secret, salt = password.encode(), match["salt"].encode()
    if match["kind"] == "1":
        digest = _md5_crypt(secret, salt[:8])
    else:
        rounds = int(match["rounds"]) if match["rounds"] else USUAL_ROUNDS
        digest = _sha_crypt(match["kind"], secret, salt, max(rounds, LEAST_ROUNDS))
    return hmac.compare_digest(digest, match["digest"])


def _sha_crypt(kind: str, secret: bytes, salt: bytes, rounds: int) -> str:
    new = hashlib.sha256 if kind == "5" else hashlib.sha512
    size = new().digest_size
    inner = new(secret + salt + secret).digest()
    first = new(secret + salt + _stretch(inner, len(secret)))
    length = len(secret)
    while length:
        first.update(inner if length & 1 else secret)
        length >>= 1
    digest = first.digest()
    p = _stretch(new(secret * len(secret)).digest(), len(secret))
    s = _stretch(new(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        turn = new(p if number & 1 else digest)
        if number % 3:
            turn.update(s)
        if number % 7:
            turn.update(p)
        turn.update(digest if number & 1 else p)
        digest = turn.digest()
    return _sha_text(digest, size)


def _sha_text(digest: bytes, size: int) -> str:
    third = size // 3
    text = ""
    for index in range(third):
        a, b, c = index, index + third, index + 2 * third
        # The three thirds take turns in leading, in the opposite sense for SHA-512.
        turns = [(a, b, c), (b, c, a), (c, a, b)] if size == 64 else [(a, b, c), (c, a, b), (b, c, a)]
        text += _group((digest[place] for place in turns[index % 3]), 4)
    rest = digest[3 * third :]
    return text + _group((bytes(3 - len(rest)) + rest[::-1]), 2 if len(rest) == 1 else 3)


def _md5_crypt(secret: bytes, salt: bytes) -> str:
    inner = hashlib.md5(secret + salt + secret, usedforsecurity=False).digest()
    first = secret + b"$1$" + salt + _stretch(inner, len(secret))
    length = len(secret)
    while length:
        first += b"\0" if length & 1 else secret[:1]
        length >>= 1
    digest = hashlib.md5(first, usedforsecurity=False).digest()
    for number in range(1000):
        turn = secret if number & 1 else digest
        turn += salt if number % 3 else b""
        turn += secret if number % 7 else b""
        turn += digest if number & 1 else secret
        digest = hashlib.md5(turn, usedforsecurity=False).digest()
    text = ""
    for a, b, c in ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)):
        text += _group((digest[a], digest[b], digest[c]), 4)
    return text + _group((0, 0, digest[11]), 2)


def _stretch(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _group(three: Iterable[int], letters: int) -> str:
    a, b, c = three
    value = a << 16 | b << 8 | c
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(letters))
