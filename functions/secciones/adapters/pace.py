"""A steady pace for calls, so that all threads of a worker together stay inside its share of a quota."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets through `queries_per_minute`, evenly spaced; after a pause up to `burst` of them at once."""

    def __init__(
        self,
        queries_per_minute: float,
        burst: int = 1,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if queries_per_minute <= 0 or burst < 1:
            raise ValueError("a pace lets at least something through")
        self._interval = 60 / queries_per_minute
        self._credit = (burst - 1) * self._interval
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_slot = float("-inf")

    def wait(self) -> None:
        """Return when it is this call's turn."""
        with self._lock:
            now = self._monotonic()
            slot = max(self._next_slot, now - self._credit)
            self._next_slot = slot + self._interval
        if slot > now:
            self._sleep(slot - now)
