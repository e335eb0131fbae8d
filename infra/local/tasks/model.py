"""Queues and tasks as the server keeps them, and as the API shows them."""

from dataclasses import dataclass, field

from infra.local.tasks.errors import JsonObject
from infra.local.tasks.policy import RateRules, RetryRules
from infra.local.tasks.wire import format_duration, format_time

RUNNING = "RUNNING"
PAUSED = "PAUSED"

RPC_CODES = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    403: ("PERMISSION_DENIED", 7),
    404: ("NOT_FOUND", 5),
    409: ("ABORTED", 10),
    416: ("OUT_OF_RANGE", 11),
    429: ("RESOURCE_EXHAUSTED", 8),
    499: ("CANCELLED", 1),
    500: ("INTERNAL", 13),
    501: ("UNIMPLEMENTED", 12),
    503: ("UNAVAILABLE", 14),
    504: ("DEADLINE_EXCEEDED", 4),
}


@dataclass(frozen=True)
class Queue:
    name: str
    rate: RateRules = field(default_factory=RateRules)
    retry: RetryRules = field(default_factory=RetryRules)
    state: str = RUNNING
    purged: float | None = None

    def resource(self) -> JsonObject:
        shown: JsonObject = {
            "name": self.name,
            "rateLimits": self.rate.resource(),
            "retryConfig": self.retry.resource(),
            "state": self.state,
        }
        if self.purged is not None:
            shown["purgeTime"] = format_time(self.purged)
        return shown


@dataclass(frozen=True)
class Attempt:
    """The latest attempt; `status` is the HTTP status that Cloud Tasks gives it, 0 for no answer."""

    scheduled: float
    dispatched: float
    answered: float | None = None
    status: int | None = None

    def resource(self) -> JsonObject:
        shown: JsonObject = {
            "scheduleTime": format_time(self.scheduled),
            "dispatchTime": format_time(self.dispatched),
        }
        if self.answered is not None and self.status is not None:
            shown["responseTime"] = format_time(self.answered)
            shown["responseStatus"] = rpc_status(self.status)
        return shown


@dataclass(frozen=True)
class Task:
    """`responses` are the answers received, `executions` those of them that were not 5xx."""

    name: str
    queue: str
    request: JsonObject
    deadline: float
    created: float
    scheduled: float
    retry: JsonObject | None = None
    number: int = 0
    dispatches: int = 0
    responses: int = 0
    executions: int = 0
    first_dispatched: float | None = None
    last: Attempt | None = None

    @property
    def task_id(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def queue_id(self) -> str:
        return self.queue.rpartition("/")[2]

    def resource(self, view: str) -> JsonObject:
        """The Task that the API answers; its body only in the view FULL."""
        request = dict(self.request)
        if view != "FULL":
            request.pop("body", None)
        shown: JsonObject = {
            "name": self.name,
            "httpRequest": request,
            "createTime": format_time(int(self.created)),
            "scheduleTime": format_time(self.scheduled),
            "dispatchDeadline": format_duration(self.deadline),
            "dispatchCount": self.dispatches,
            "responseCount": self.responses,
            "view": "FULL" if view == "FULL" else "BASIC",
        }
        if self.retry is not None:
            shown["retryConfig"] = self.retry
        return shown | self._attempts()

    def _attempts(self) -> JsonObject:
        shown: JsonObject = {}
        if self.first_dispatched is not None:
            shown["firstAttempt"] = {"dispatchTime": format_time(self.first_dispatched)}
        if self.last is not None:
            shown["lastAttempt"] = self.last.resource()
        return shown


def rpc_status(status: int) -> JsonObject:
    """The google.rpc.Status of an attempt, its message worded as Cloud Tasks words it."""
    name, code = RPC_CODES.get(status, ("UNKNOWN", 2))
    return {"code": code, "message": f"{name}({code}): HTTP status code {status}"}
