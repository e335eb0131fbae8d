"""A pace for calls, so that all threads of a worker together stay inside its share of a quota by the minute."""

import threading
import time
from collections import deque
from collections.abc import Callable

_MINUTE = 60.0
# After a refusal half as fast, down to a quarter, and in this time from standing still to full speed again. Slower yet,
# a worker's threads would wait for their turns for longer than it may be taken for alive.
_RECOVERY_SECONDS = 60.0
_SLOWEST = 1 / 4
# Calls that were under way together are refused together: that is one sign of being too fast, not many.
_ONE_SIGN_SECONDS = 1.0


class Pace:
    """Lets through `queries_per_minute` evenly, after a pause up to `burst` of them at once, and in no sixty seconds
    more than `queries_per_minute`."""

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
        self._interval = _MINUTE / queries_per_minute
        self._burst = burst
        self._last_minute: deque[float] = deque(maxlen=max(1, int(queries_per_minute)))
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_slot = float("-inf")
        self._slowed_to = 1.0
        self._slowed_at = float("-inf")

    def wait(self) -> None:
        """Return when it is this call's turn."""
        with self._lock:
            now = self._monotonic()
            speed = self._speed(now)
            interval = self._interval / speed
            burst = self._burst if speed == 1 else 1
            slot = max(self._next_slot, now - (burst - 1) * interval)
            if len(self._last_minute) == self._last_minute.maxlen:
                slot = max(slot, self._last_minute[0] + max(_MINUTE, self._interval))
            self._next_slot = slot + interval
            self._last_minute.append(max(slot, now))
        if slot > now:
            self._sleep(slot - now)

    def slow_down(self) -> None:
        """A call was refused for being one too many: go half as fast, and come back up within a minute."""
        with self._lock:
            now = self._monotonic()
            if now - self._slowed_at < _ONE_SIGN_SECONDS:
                return
            self._slowed_to = max(_SLOWEST, self._speed(now) / 2)
            self._slowed_at = now
            self._next_slot = max(self._next_slot, now + self._interval / self._slowed_to)

    def _speed(self, now: float) -> float:
        return min(1.0, self._slowed_to + (now - self._slowed_at) / _RECOVERY_SECONDS)
