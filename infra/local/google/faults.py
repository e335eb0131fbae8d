"""Faults and latency that tests ask for, so that every failure of Google can be had at will."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from infra.local.google.answers import Answer
from infra.local.google.errors import ApiError

T = TypeVar("T")
APIS = frozenset({"directory", "gmail", "kms", "iam", "token", "oidc"})
MESSAGES = {
    "backendError": "Backend Error",
    "quotaExceeded": "Quota exceeded.",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "rateLimitExceeded": "Rate Limit Exceeded",
    "conditionNotMet": "User creation is not complete.",
    "forbidden": "Not Authorized to access this resource/api",
    "notFound": "Resource Not Found: userKey",
}


@dataclass(frozen=True)
class Fault:
    """What happens to the next `times` calls that it applies to.

    `method` is the end of a method's name ("users.patch", "send", "jwt-bearer"; "*" or empty: any),
    `match` a piece of the call's path (such as an address; empty: any). Without `status` the call
    is only delayed. With `after` the call takes effect and the fault hides its answer. `body` is
    sent as it is (a text as text/html); without it, an error body with `reason`.
    """

    api: str
    method: str = ""
    match: str = ""
    times: int = 1
    status: int = 0
    reason: str = "backendError"
    message: str = ""
    delay_seconds: float = 0.0
    after: bool = False
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def applies(self, api: str, method: str, path: str) -> bool:
        strikes = self.method == "*" or method.endswith(self.method)
        return self.api == api and strikes and self.match in path

    def failure(self) -> Answer | ApiError:
        if self.body is not None:
            return Answer(self.status, self.body, dict(self.headers))
        message = self.message or MESSAGES.get(self.reason, self.reason)
        return ApiError(self.status, message, self.reason, headers=self.headers)


class Faults:
    def __init__(self, latency: Mapping[str, float]) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._latency = dict(latency)

    def around(self, api: str, method: str, path: str, call: Callable[[], T]) -> T | Answer:
        """Make the call as the faults would have it; raises ApiError for a fault without a body."""
        fault = self._next(api, method, path)
        time.sleep(self._latency.get(api, 0.0) + (fault.delay_seconds if fault else 0.0))
        if fault is None or not fault.status:
            return call()
        if fault.after:
            call()
        failure = fault.failure()
        if isinstance(failure, ApiError):
            raise failure
        return failure

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self._latency.clear()

    def set_latency(self, api: str, seconds: float) -> None:
        self._latency[api] = seconds

    def pending(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def _next(self, api: str, method: str, path: str) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.applies(api, method, path):
                    left = replace(fault, times=fault.times - 1)
                    self._faults[index : index + 1] = [left] if left.times > 0 else []
                    return fault
        return None


def fault_of(described: Mapping[str, Any]) -> Fault:
    """Raises ValueError for an unknown field or API, or a wrong type."""
    known = {each.name for each in fields(Fault)}
    if not described.keys() <= known:
        raise ValueError(f"unknown: {', '.join(sorted(described.keys() - known))}")
    if described.get("api") not in APIS:
        raise ValueError(f"api must be one of {', '.join(sorted(APIS))}")
    fault = Fault(**described)
    if not isinstance(fault.times, int) or fault.times < 1:
        raise ValueError("times must be a whole number from 1")
    if fault.status and not 300 <= fault.status <= 599:
        raise ValueError("status must be between 300 and 599")
    return fault
