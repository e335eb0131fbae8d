"""Limits on guessing: an attempt is counted before it is made, and only a success takes its count back."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from secciones import logs
from secciones.domain.errors import TooManyAttempts
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction

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


def share(limit: Limit, holder: str, shards: int) -> Limit:
    """The part of a limit that falls to `holder`: many write their own of `shards` counters, and none of them is hot.

    All parts together allow no more than the whole, unless that is less than one attempt each.
    """
    shard = int.from_bytes(hashlib.sha256(holder.encode()).digest()[:4], "big") % shards
    return Limit(f"{limit.key}-{shard}", max(1, limit.attempts // shards), limit.window, alert=limit.alert)


def count_attempt(documents: Documents, clock: Clock, limits: Iterable[Limit]) -> None:
    """Count one attempt against all limits, or against none of them when one is used up: TooManyAttempts."""
    all_limits = tuple(limits)

    def work(transaction: Transaction) -> list[tuple[Limit, Document]]:
        now = clock.now()
        counters = _counters(transaction, all_limits)
        used_up = [(limit, counter) for limit, counter in counters if counter and counter["attempts"] >= limit.attempts]
        if not used_up:
            for limit, counter in counters:
                transaction.set(COLLECTION, limit.key, _counted(limit, counter, 1, now))
        return used_up

    if used_up := documents.transact(work):
        for limit, _ in used_up:
            if limit.alert:
                logs.write("ERROR", limit.alert, counter=f"{COLLECTION}/{limit.key}")
        raise TooManyAttempts(_last([counter["expires_at"] for _, counter in used_up]))


def forgive_attempt(documents: Documents, clock: Clock, limits: Iterable[Limit]) -> None:
    """Take back the count of an attempt that turned out to be no guess."""
    all_limits = tuple(limits)

    def work(transaction: Transaction) -> None:
        for limit, counter in _counters(transaction, all_limits):
            if counter and counter["attempts"] > 0:
                transaction.set(COLLECTION, limit.key, _counted(limit, counter, -1, clock.now()))

    documents.transact(work)


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
