"""What Cloud Tasks accepts as a task: its names, limits and defaults.

The limit of 100 KB is the documented one. The real service has been seen to take up to a
megabyte; what relies on that would rely on an accident.
"""

import base64
import binascii
import re
import secrets

from infra.local.tasks.delivery import USER_AGENT
from infra.local.tasks.errors import ApiError, JsonObject, invalid
from infra.local.tasks.model import Task
from infra.local.tasks.policy import RetryRules, retry_rules
from infra.local.tasks.wire import parse_duration, parse_time

QUEUE_NAME = re.compile(r"projects/[a-zA-Z0-9:.-]+/locations/[a-zA-Z0-9-]+/queues/[a-zA-Z0-9-]{1,100}")
TASK_ID = re.compile(r"[a-zA-Z0-9_-]{1,500}")
LARGEST_TASK = 100 * 1024
LARGEST_HEADERS = 80 * 1024
LONGEST_URL = 2083
FURTHEST_SCHEDULE = 30 * 24 * 3600.0
DEFAULT_DEADLINE = 600.0
SHORTEST_DEADLINE, LONGEST_DEADLINE = 15.0, 1800.0
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")
REPLACED_HEADERS = re.compile(
    r"host|content-length|user-agent|x-google-.*|x-appengine-.*|x-cloudtasks-.*", re.IGNORECASE
)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")

BAD_QUEUE_NAME = 'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".'
BAD_TASK_NAME = (
    'Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"'
)
BAD_TASK_ID = (
    'Task ID "{}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or'
    " underscores (_). Task ID must between 1 and 500 characters."
)
REFERENCE = "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues"


def checked_queue_name(name: str) -> str:
    """Raises ApiError."""
    if not QUEUE_NAME.fullmatch(name):
        raise _with_help(BAD_QUEUE_NAME, "Definition of queue name", f"{REFERENCE}#Queue.FIELDS.name")
    return name


def new_task(queue: str, request: JsonObject, now: float) -> Task:
    """The task that a CreateTaskRequest asks for, its defaults filled in. Raises ApiError."""
    wanted: JsonObject = request.get("task") or {}
    retry = wanted.get("retryConfig")
    if retry is not None:
        retry_rules(retry, RetryRules())
    task = Task(
        name=_name(queue, wanted.get("name", "")),
        queue=queue,
        request=_http_request(wanted),
        deadline=_deadline(wanted.get("dispatchDeadline")),
        created=now,
        scheduled=_schedule(wanted.get("scheduleTime"), now),
        retry=retry,
    )
    if _size(task) > LARGEST_TASK:
        raise invalid("Task size too large")
    return task


def _name(queue: str, name: str) -> str:
    if not name:
        return f"{queue}/tasks/{secrets.randbits(64)}"
    parent, separator, task_id = name.rpartition("/tasks/")
    if not separator or not QUEUE_NAME.fullmatch(parent):
        raise invalid(BAD_TASK_NAME)
    if not TASK_ID.fullmatch(task_id):
        message = BAD_TASK_ID.format(task_id)
        raise _with_help(message, "Definition of task ID", f"{REFERENCE}.tasks#Task.FIELDS.name")
    if parent != queue:
        raise invalid(
            f"The queue name from request ('{queue}') must be the same as the queue name in the"
            f" named task ('{parent}')."
        )
    return name


def _http_request(task: JsonObject) -> JsonObject:
    if "appEngineHttpRequest" in task:
        raise invalid("The project has no App Engine application: set Task.httpRequest.")
    request: JsonObject = dict(task.get("httpRequest") or {})
    _check_url(request.get("url", ""))
    method = request.get("httpMethod", "HTTP_METHOD_UNSPECIFIED")
    request["httpMethod"] = "POST" if method == "HTTP_METHOD_UNSPECIFIED" else method
    request["headers"] = _headers(request.get("headers") or {})
    if request.get("body"):
        request["body"] = _body(request["body"], request["httpMethod"])
    else:
        request.pop("body", None)
    _check_token(request)
    return request


def _check_url(url: str) -> None:
    if not url:
        raise invalid("HttpRequest.url is required.")
    if not url.lower().startswith(("http://", "https://")):
        raise invalid("HttpTarget.url must start with 'http://' or 'https://'.")
    if len(url) > LONGEST_URL:
        raise invalid(f"HttpRequest.url must be at most {LONGEST_URL} characters.")


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """Without those that only Cloud Tasks sets; names keep their case."""
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise invalid("HttpRequest.headers has an invalid header.")
    if sum(len(name) + len(value) for name, value in headers.items()) > LARGEST_HEADERS:
        raise invalid("HttpRequest.headers must be less than 80KB.")
    kept = {name: value for name, value in headers.items() if not REPLACED_HEADERS.fullmatch(name)}
    return kept | {"User-Agent": USER_AGENT}


def _body(encoded: str, method: str) -> str:
    """In the alphabet of standard base64, though JSON may bring the other one."""
    if method not in METHODS_WITH_BODY:
        raise invalid("HTTP request body is allowed only if the HTTP method is POST, PUT or PATCH.")
    try:
        plain = encoded.replace("-", "+").replace("_", "/").rstrip("=")
        body = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise invalid("Invalid value at 'task.http_request.body' (TYPE_BYTES)") from None
    return base64.b64encode(body).decode()


def _check_token(request: JsonObject) -> None:
    if "oauthToken" in request:
        raise ApiError("UNIMPLEMENTED", "This server issues no OAuth tokens: use oidcToken.")
    token = request.get("oidcToken")
    if token is not None and "@" not in token.get("serviceAccountEmail", ""):
        raise invalid("OidcToken.serviceAccountEmail must be a service account's email.")


def _deadline(text: str | None) -> float:
    if text is None:
        return DEFAULT_DEADLINE
    deadline = parse_duration(text, "task.dispatch_deadline")
    if not SHORTEST_DEADLINE <= deadline <= LONGEST_DEADLINE:
        raise invalid("Task.dispatchDeadline must be between [15s, 30m].")
    return deadline


def _schedule(text: str | None, now: float) -> float:
    if text is None:
        return now
    scheduled = parse_time(text, "task.schedule_time")
    if scheduled > now + FURTHEST_SCHEDULE:
        raise invalid(
            f"The Task.scheduleTime, {text}, is too far in the future. Schedule time must be no"
            " more than 720h in the future."
        )
    return max(now, scheduled)


def _size(task: Task) -> int:
    request = task.request
    headers = sum(len(name) + len(value) for name, value in request["headers"].items())
    return len(task.name) + len(request["url"]) + headers + len(request.get("body", "")) * 3 // 4


def _with_help(message: str, description: str, url: str) -> ApiError:
    links = [{"description": description, "url": url}]
    return ApiError(
        "INVALID_ARGUMENT",
        message,
        [{"@type": "type.googleapis.com/google.rpc.Help", "links": links}],
    )
