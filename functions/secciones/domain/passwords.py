"""Temporary passwords are derived, never stored: the same seed and the same accounts always give the same ones.

That is what lets an interrupted batch be taken up again, and its mail be sent again, without anybody having kept a
password. It also freezes a version once it was used: a change of the algorithm or of the words is a new version.
"""

import hmac
from collections.abc import Iterable, Iterator
from itertools import count

from secciones.domain.words import WORDS

PASSWORD_VERSION = 1

_WORDS_OF_VERSION = {1: WORDS}
_SEED_BYTES = 32
_DOMAIN = b"secciones temporary password"
# 0 and 1 look like O and l on paper; eight digits are also exactly three bits.
_DIGITS = "23456789"
_DIGIT_COUNT = 6


def derive_passwords(seed: bytes, account_ids: Iterable[str], version: int = PASSWORD_VERSION) -> dict[str, str]:
    """A password such as `gato-nube-483726` for each account, by account id, no two alike.

    The result depends on the seed, the version and the set of ids alone, not on their order. Raises ValueError for a
    seed that is not 32 bytes and for an unknown version.
    """
    words = _WORDS_OF_VERSION.get(version)
    if words is None:
        raise ValueError(f"passwords have no version {version}")
    if len(seed) != _SEED_BYTES:
        raise ValueError(f"a seed has {_SEED_BYTES} bytes")
    passwords: dict[str, str] = {}
    taken: set[str] = set()
    for account_id in sorted(set(account_ids)):
        candidates = (_password(_stream(seed, version, account_id, attempt), words) for attempt in count())
        passwords[account_id] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(passwords[account_id])
    return passwords


def _password(stream: Iterator[int], words: tuple[str, ...]) -> str:
    first = _word(stream, words)
    second = next(word for word in iter(lambda: _word(stream, words), None) if word != first)
    digits = "".join(_DIGITS[next(stream) % len(_DIGITS)] for _ in range(_DIGIT_COUNT))
    return f"{first}-{second}-{digits}"


def _word(stream: Iterator[int], words: tuple[str, ...]) -> str:
    """Two bytes choose a word; those beyond the last whole multiple of the list would favour its beginning."""
    limit = 0x10000 - 0x10000 % len(words)
    while True:
        number = next(stream) << 8 | next(stream)
        if number < limit:
            return words[number % len(words)]


def _stream(seed: bytes, version: int, account_id: str, attempt: int) -> Iterator[int]:
    """Endless bytes of HMAC-SHA256. The numbers have a fixed width, so no two messages can be read alike."""
    for block in count():
        numbers = b"".join(number.to_bytes(4, "big") for number in (version, attempt, block))
        yield from hmac.digest(seed, _DOMAIN + numbers + account_id.encode(), "sha256")
