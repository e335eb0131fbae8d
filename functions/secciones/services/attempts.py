"""Limits on guessing: an attempt is counted before it is made, and only a success takes its count back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from secciones.domain.errors import TooManyAttempts
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction

COLLECTION = "throttles"


@dataclass(frozen=True)
class Limit:
    """At most `attempts` within `window` of the first of them, for whatever `key` stands for (never a bare number)."""

    key: str
    attempts: int
    window: timedelta


def count_attempt(documents: Documents, clock: Clock, limits: Iterable[Limit]) -> None:
    """Count one attempt against all limits, or against none of them when one is used up: TooManyAttempts."""
    all_limits = tuple(limits)

    def work(transaction: Transaction) -> None:
        now = clock.now()
        counters = [(limit, transaction.get(COLLECTION, limit.key)) for limit in all_limits]
        waits = [
            (counter["expires_at"] - now) for limit, counter in counters if counter and _is_used_up(limit, counter)
        ]
        if waits:
            raise TooManyAttempts(retry_after=max(1, int(max(waits).total_seconds())))
        for limit, counter in counters:
            transaction.set(COLLECTION, limit.key, _counted(counter, 1, now + limit.window))

    documents.transact(work)


def forgive_attempt(documents: Documents, limits: Iterable[Limit]) -> None:
    """Take back the count of an attempt that turned out to be no guess."""
    all_limits = tuple(limits)

    def work(transaction: Transaction) -> None:
        counters = [(limit, transaction.get(COLLECTION, limit.key)) for limit in all_limits]
        for limit, counter in counters:
            if counter and counter["attempts"] > 0:
                transaction.set(COLLECTION, limit.key, _counted(counter, -1, counter["expires_at"]))

    documents.transact(work)


def _is_used_up(limit: Limit, counter: Document) -> bool:
    return bool(counter["attempts"] >= limit.attempts)


def _counted(counter: Document | None, change: int, expires_at: datetime) -> Document:
    if counter is None:
        return {"attempts": change, "expires_at": expires_at}
    return {"attempts": counter["attempts"] + change, "expires_at": counter["expires_at"]}
