"""A pace for calls, so that all threads of a worker together stay inside its share of a quota by the minute."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable

_MINUTE = 60.0
# After a refusal the minute before it is taken for all that there is. From a little below that a pace comes back up as
# TCP CUBIC does (RFC 9438): it is near again within minutes, stays there for longest, and then looks for more and more.
_DROP = 0.05
_RETURN_SECONDS = 400.0
# Until it is back it makes up for a pause by so many calls at most: those of a whole burst would be refused together.
_SLOWED_BURST = 10
# Slower yet, a worker's threads would wait for their turns for longer than it may be taken for alive.
_SLOWEST = 1 / 3
# Who had this part of a whole share at least, and is refused after a long peace, met somebody who comes and goes: that
# is no reason to be slower.
_NEARLY_ALL = 0.85
# Calls that were under way together are refused together: that is one sign of being too fast, not many. For so long
# nobody else goes; and until the minute in which all went has begun to be over, but for no longer than the rest.
_ONE_SIGN_SECONDS = 1.0
_REST_SECONDS = 7.0
# Who waits for a turn when a call is refused waits once more, but for no longer than this.
_PATIENCE_SECONDS = 5.0


class Pace:
    """Lets through `queries_per_minute` evenly, after a pause up to `burst` of them at once, and in no sixty seconds
    more than `queries_per_minute`. One that does not give way leaves it to the others to go slower on refusals."""

    def __init__(
        self,
        queries_per_minute: float,
        burst: int = 1,
        *,
        gives_way: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if queries_per_minute <= 0 or burst < 1:
            raise ValueError("a pace lets at least something through")
        self._interval = _MINUTE / queries_per_minute
        self._burst = burst
        self._gives_way = gives_way
        self._turns: deque[float] = deque(maxlen=max(1, int(queries_per_minute)))
        self._refusals: deque[float] = deque(maxlen=self._turns.maxlen)
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_slot = float("-inf")
        self._limit = self._before = 1.0
        self._drop = _DROP
        self._slowed_at = float("-inf")

    def wait(self) -> bool:
        """Return when it is this call's turn. False says that it had better not be made: others were refused for as
        long as it could wait."""
        with self._lock:
            asked = now = self._monotonic()
            turn, sign = self._reserved(now), self._slowed_at
        while turn > now:
            self._sleep(turn - now)
            with self._lock:
                now = self._monotonic()
                if sign == self._slowed_at:
                    return True
                # Of a small quota the minute's turns may have gone to others, and this one is forgotten.
                with contextlib.suppress(ValueError):
                    self._turns.remove(turn)
                if now - asked >= _PATIENCE_SECONDS:
                    return False
                turn, sign = self._reserved(now), self._slowed_at
        return True

    def take(self) -> bool:
        """Whether it is this call's turn at once; if not, it has taken nobody's."""
        with self._lock:
            now = self._monotonic()
            is_free = self._slot(now) <= now
            if is_free:
                self._reserved(now)
            return is_free

    def slow_down(self) -> None:
        """A call was refused for being one too many: go slower than in the minute before, and come back up slowly."""
        if not self._gives_way:
            return
        with self._lock:
            now = self._monotonic()
            self._refusals.append(now)
            since = now - self._slowed_at
            if since < _ONE_SIGN_SECONDS:
                return
            # What is refused within a minute is of one shortage, in which each sign knows better than the one before.
            if since >= _MINUTE:
                self._before = self._speed(now)
            granted = self._granted(now)
            if since >= _RETURN_SECONDS and self._before == 1 and granted >= _NEARLY_ALL:
                self._limit, self._drop = 1.0, 0.0
            else:
                self._limit, self._drop = max(_SLOWEST, min(self._before, max(self._before / 2, granted))), _DROP
            self._slowed_at = now
            rest = max(_ONE_SIGN_SECONDS, min(_REST_SECONDS, self._minute_ends(now) - now))
            self._next_slot = max(self._next_slot, now + max(rest, self._interval / self._speed(now)))

    def _slot(self, now: float) -> float:
        even = self._even_slot(now)
        if len(self._turns) == self._turns.maxlen:
            return max(even, self._turns[0] + max(_MINUTE, self._interval))
        return even

    def _even_slot(self, now: float) -> float:
        speed = self._speed(now)
        burst = self._burst if speed == 1 else min(self._burst, _SLOWED_BURST)
        return max(self._next_slot, now - (burst - 1) * self._interval / speed)

    def _reserved(self, now: float) -> float:
        turn = max(self._slot(now), now)
        # Whoever had to wait because a burst has used the minute up is made up for when that minute is over.
        self._next_slot = self._even_slot(now) + self._interval / self._speed(now)
        self._turns.append(turn)
        return turn

    def _minute_ends(self, now: float) -> float:
        """When the first of the last minute's calls is a minute old, so that another may go in its place."""
        return next((turn + _MINUTE for turn in self._turns if turn > now - _MINUTE), now)

    def _granted(self, now: float) -> float:
        """The part of a minute's calls that Google let through in the last one."""
        taken = sum(now - _MINUTE < turn <= now for turn in self._turns)
        refused = sum(now - _MINUTE < refusal for refusal in self._refusals)
        return (taken - refused) * self._interval / _MINUTE

    def _speed(self, now: float) -> float:
        returned = (now - self._slowed_at) / _RETURN_SECONDS
        return min(1.0, self._limit * (1 + self._drop * (returned - 1) ** 3))
