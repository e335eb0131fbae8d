"""Limits on guessing: an attempt is counted before it is made, and only a success takes its count back."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from secciones import logs
from secciones.domain.errors import TooManyAttempts
from secciones.ports.documents import Document, Key, Transaction

COLLECTION = "throttles"


@dataclass(frozen=True)
class Limit:
    """At most `attempts` within `window` of the first of them, for whatever `key` stands for (never a bare number).

    With `until_unlocked` the window begins anew with every attempt, and a limit that is used up stays so until an
    operator unlocks it. `alert` is what an operator should do when it is used up.
    """

    key: str
    attempts: int
    window: timedelta
    until_unlocked: bool = False
    alert: str = ""


class UsedUp(NamedTuple):
    """A limit that allows nothing more until a moment; None is until an operator unlocks it."""

    limit: Limit
    until: datetime | None


def share(limit: Limit, holder: str, shards: int) -> Limit:
    """The part of a limit that falls to `holder`: many write their own of `shards` counters, and none of them is hot.

    All parts together allow no more than the whole, unless that is less than one attempt each.
    """
    shard = int.from_bytes(hashlib.sha256(holder.encode()).digest()[:4], "big") % shards
    return Limit(f"{limit.key}-{shard}", max(1, limit.attempts // shards), limit.window, alert=limit.alert)


def count_attempt(transaction: Transaction, now: datetime, limits: Collection[Limit]) -> list[UsedUp]:
    """Count one attempt against all limits, or against none of them when one is used up; returns those that are."""
    counters = _counters(transaction, limits)
    used_up = [
        UsedUp(limit, counter["expires_at"])
        for limit, counter in counters
        if counter and counter["attempts"] >= limit.attempts
    ]
    if not used_up:
        for limit, counter in counters:
            transaction.set(COLLECTION, limit.key, _counted(limit, counter, 1, now))
    return used_up


def require_none_used_up(used_up: Collection[UsedUp]) -> None:
    """Raises TooManyAttempts, after operators were told of what they have to know."""
    if not used_up:
        return
    for limit, _ in used_up:
        if limit.alert:
            logs.write("ERROR", limit.alert, counter=f"{COLLECTION}/{limit.key}")
    raise TooManyAttempts(_last([until for _, until in used_up]))


def forgive_attempt(transaction: Transaction, now: datetime, limits: Collection[Limit]) -> None:
    """Take back the count of an attempt that turned out to be no guess."""
    for limit, counter in _counters(transaction, limits):
        if counter and counter["attempts"] > 0:
            transaction.set(COLLECTION, limit.key, _counted(limit, counter, -1, now))


def counters_of(limits: Collection[Limit]) -> list[Key]:
    """Where the counts of these limits are kept."""
    return [(COLLECTION, limit.key) for limit in limits]


def _counters(transaction: Transaction, limits: Collection[Limit]) -> list[tuple[Limit, Document | None]]:
    found = transaction.get_many(COLLECTION, [limit.key for limit in limits])
    return [(limit, found.get(limit.key)) for limit in limits]


def _counted(limit: Limit, counter: Document | None, change: int, now: datetime) -> Document:
    attempts = (counter["attempts"] if counter else 0) + change
    ends = counter["expires_at"] if counter else now + limit.window
    if limit.until_unlocked:
        ends = None if attempts >= limit.attempts else now + limit.window
    return {"attempts": attempts, "expires_at": ends}


def _last(ends: Collection[datetime | None]) -> datetime | None:
    """The last of these moments; None when one of them never comes."""
    return None if None in ends else max(end for end in ends if end)
