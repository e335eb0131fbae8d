"""Google's error body, and the errors that Cloud Tasks gives, in its own words."""

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

QUEUE_NOT_FOUND = (
    "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
)
TASK_NOT_FOUND = "Requested entity was not found."
TASK_GONE = (
    "The task no longer exists, though a task with this name existed recently. The task either"
    " successfully completed or was deleted."
)
TASK_EXISTS = "Requested entity already exists"
TASK_EXISTED = (
    "The task cannot be created because a task with this name existed too recently."
    " For more information about task de-duplication see"
    " https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create"
    "#body.request_body.FIELDS.task."
)


class ApiError(Exception):
    """An answer other than success; `status` is the name of a google.rpc.Code."""

    def __init__(self, status: str, message: str, details: list[JsonObject] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.status]

    def body(self) -> JsonObject:
        error: JsonObject = {
            "code": self.http_status,
            "message": self.message,
            "status": self.status,
        }
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def not_found(message: str) -> ApiError:
    return ApiError("NOT_FOUND", message)


def injected(http_status: int) -> Mapping[str, Any]:
    """The body of an error that a test asked for; statuses without a name are UNKNOWN."""
    names = {code: name for name, code in HTTP_STATUS.items() if name != "FAILED_PRECONDITION"}
    status = names.get(http_status, "UNKNOWN")
    return {"error": {"code": http_status, "message": "Injected fault.", "status": status}}
