"""What the control plane can do to the stand-in's answers, and its count of the calls that it received."""

import threading
from collections import Counter
from dataclasses import asdict, dataclass

FAULT_STATUSES = (429, 500, 503)


@dataclass(frozen=True)
class Fault:
    """A delay in seconds, then an error status or (with none) the ordinary answer, `times` times or until lifted."""

    status: int | None = None
    retry_after: int = 1
    delay: float = 0.0
    times: int | None = None


class Faults:
    """The fault in force, and how often each operation was called; for use by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault = Fault()
        self._calls: Counter[str] = Counter()

    def inject(self, fault: Fault) -> None:
        with self._lock:
            self._fault = fault

    def forget_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    def take(self, operation: str) -> Fault:
        """Count a call and say what is to happen to it."""
        with self._lock:
            self._calls[operation] += 1
            fault = self._fault
            if fault.times is not None:
                left = fault.times - 1
                self._fault = Fault() if left <= 0 else Fault(fault.status, fault.retry_after, fault.delay, left)
            return fault

    def describe(self) -> dict[str, object]:
        with self._lock:
            return {"fault": asdict(self._fault), "calls": dict(self._calls)}
