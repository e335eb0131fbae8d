"""The Directory's quota: so many calls a minute for each person who is impersonated.

A token bucket and not a clock minute, so that a test with a quota of five sees its sixth call
refused whenever it starts.
"""

from __future__ import annotations

import threading
import time


class Quota:
    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    @property
    def per_minute(self) -> int:
        return self._per_minute

    def set(self, per_minute: int) -> None:
        """A new quota, with everybody's bucket full again."""
        with self._lock:
            self._per_minute = per_minute
            self._buckets.clear()

    def allows(self, person: str) -> bool:
        """Count one call of this person; false when it is one too many."""
        with self._lock:
            now = time.monotonic()
            left, before = self._buckets.get(person, (float(self._per_minute), now))
            left = min(self._per_minute, left + (now - before) * self._per_minute / 60)
            self._buckets[person] = (left - 1 if left >= 1 else left, now)
            return left >= 1
