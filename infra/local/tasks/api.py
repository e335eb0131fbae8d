"""Cloud Tasks' REST API v2: routed, and held to the shipped discovery document on both sides."""

import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from infra.local.google.discovery import Document, Method, Violation, check_parameters
from infra.local.tasks.dispatcher import Dispatcher
from infra.local.tasks.errors import ApiError, JsonObject, injected, invalid, not_found
from infra.local.tasks.knobs import Knobs
from infra.local.tasks.model import PAUSED, RUNNING
from infra.local.tasks.rules import BAD_TASK_NAME, TASK_ID, checked_queue_name, new_task
from infra.local.tasks.store import Store
from infra.local.tasks.wire import with_names, with_numbers

PREFIX = "cloudtasks.projects.locations."
UNSERVED = (
    "queues.create", "queues.delete", "queues.getIamPolicy", "queues.setIamPolicy",
    "queues.testIamPermissions", "queues.tasks.buffer", "queues.tasks.batchCreate",
    "queues.tasks.batchDelete",
)  # fmt: skip
LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Call:
    parameters: JsonObject
    body: JsonObject

    @property
    def view(self) -> str:
        """Where the body and the address both may say it, whichever does."""
        return str(self.body.get("responseView") or self.parameters.get("responseView") or "BASIC")


Handler = Callable[[Call], JsonObject]


class Api:
    """The methods served, by their names in the discovery document."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self.handlers: dict[str, Handler] = {
            "queues.tasks.create": self.create_task,
            "queues.tasks.get": self.get_task,
            "queues.tasks.list": self.list_tasks,
            "queues.tasks.delete": self.delete_task,
            "queues.tasks.run": self.run_task,
            "queues.get": self.get_queue,
            "queues.list": self.list_queues,
            "queues.patch": self.patch_queue,
            "queues.pause": lambda call: self.set_state(call, PAUSED),
            "queues.resume": lambda call: self.set_state(call, RUNNING),
            "queues.purge": self.purge_queue,
        }

    def create_task(self, call: Call) -> JsonObject:
        now = time.time()
        queue = checked_queue_name(call.parameters["parent"])
        self._store.queue(queue)
        task = self._store.add_task(new_task(queue, call.body, now), now)
        self._dispatcher.wake()
        return task.resource(call.view)

    def get_task(self, call: Call) -> JsonObject:
        return self._store.task(_task_name(call), time.time()).resource(call.view)

    def list_tasks(self, call: Call) -> JsonObject:
        queue = self._store.queue(checked_queue_name(call.parameters["parent"]))
        size = _page_size(call)
        tasks = self._store.tasks(queue.name, _page_start(call), size + 1)
        answer: JsonObject = {"tasks": [task.resource(call.view) for task in tasks[:size]]}
        if len(tasks) > size:
            answer["nextPageToken"] = _page_token(tasks[size - 1].number)
        return answer

    def delete_task(self, call: Call) -> JsonObject:
        self._store.delete_task(_task_name(call), time.time())
        return {}

    def run_task(self, call: Call) -> JsonObject:
        return self._dispatcher.run_now(_task_name(call)).resource(call.view)

    def get_queue(self, call: Call) -> JsonObject:
        return self._store.queue(checked_queue_name(call.parameters["name"])).resource()

    def list_queues(self, call: Call) -> JsonObject:
        if call.parameters.get("filter"):
            raise ApiError("UNIMPLEMENTED", "This server filters no queues.")
        parent = f"{call.parameters['parent']}/queues/"
        size, start = _page_size(call), _page_start(call)
        found = [queue for queue in self._store.queues() if queue.name.startswith(parent)]
        answer: JsonObject = {"queues": [queue.resource() for queue in found[start : start + size]]}
        if len(found) > start + size:
            answer["nextPageToken"] = _page_token(start + size)
        return answer

    def patch_queue(self, call: Call) -> JsonObject:
        """Creates the queue if there is none, as the real method does."""
        name = checked_queue_name(call.parameters["name"])
        changes = _masked(call.body, call.parameters.get("updateMask", ""))
        self._store.declare_queue(name, changes["rateLimits"], changes["retryConfig"])
        self._dispatcher.wake()
        return self._store.queue(name).resource()

    def set_state(self, call: Call, state: str) -> JsonObject:
        queue = self._store.queue(checked_queue_name(call.parameters["name"]))
        self._store.put_queue(replace(queue, state=state))
        self._dispatcher.wake()
        return self.get_queue(call)

    def purge_queue(self, call: Call) -> JsonObject:
        name = checked_queue_name(call.parameters["name"])
        return self._store.purge(name, time.time()).resource()


def api(store: Store, dispatcher: Dispatcher, knobs: Knobs) -> Blueprint:
    """The routes of the API, bound to one running queue."""
    document = Document("cloudtasks.v2.json")
    handlers = Api(store, dispatcher).handlers
    methods = [document.method(PREFIX + name) for name in (*handlers, *UNSERVED)]
    routes = Blueprint("api", __name__)

    @routes.route("/v2/<path:_rest>", methods=["GET", "POST", "PATCH", "DELETE"])
    def serve(_rest: str) -> Response:
        method, parameters = _routed(methods)
        name = method.id.removeprefix(PREFIX)
        fault = knobs.fault_for(".".join(name.split(".")[-2:]))
        if fault is not None and not fault.after_effect:
            return _json(injected(fault.status), fault.status)
        call = Call(_parameters(method, parameters), _body(document, method))
        if name not in handlers:
            raise ApiError("UNIMPLEMENTED", f"This server does not have {name}.")
        answer = handlers[name](call)
        document.check_answer(method.response, answer)
        if fault is not None:
            return _json(injected(fault.status), fault.status)
        return _json(answer)

    return routes


def _routed(methods: list[Method]) -> tuple[Method, dict[str, str]]:
    """By verb and address; the parameters that the address carries. Raises ApiError."""
    for method in methods:
        match = method.pattern.fullmatch(request.path)
        if match and method.verb == request.method:
            return method, match.groupdict()
    raise not_found("Method not found.")


def _parameters(method: Method, in_path: dict[str, str]) -> JsonObject:
    """Without $alt, which the document does not list. Raises ApiError."""
    given = {name: [text] for name, text in in_path.items()}
    for name, texts in request.args.lists():
        if name != "$alt":
            given[name] = [_named(name, text) for text in texts]
    try:
        return check_parameters(method, given)
    except Violation as violation:
        raise invalid(violation.message) from None


def _named(name: str, text: str) -> str:
    named = with_names({name: int(text) if text.isdecimal() else text})
    return str(named[name])


def _body(document: Document, method: Method) -> JsonObject:
    """Raises ApiError for what is not JSON or not of the method's schema."""
    if method.request is None:
        return {}
    try:
        body = with_names(json.loads(request.get_data() or b"{}"))
        document.check_body(method.request, body, "")
    except Violation as violation:
        raise invalid(violation.message) from None
    except (ValueError, RecursionError):
        raise invalid("Invalid JSON payload received.") from None
    return dict(body)


def _json(answer: Any, status: int = 200) -> Response:
    if "enum-encoding=int" in request.args.get("$alt", ""):
        answer = with_numbers(answer)
    response = jsonify(answer)
    response.status_code = status
    return response


def _task_name(call: Call) -> str:
    name: str = call.parameters["name"]
    queue, _, task_id = name.rpartition("/tasks/")
    checked_queue_name(queue)
    if not TASK_ID.fullmatch(task_id):
        raise invalid(BAD_TASK_NAME)
    return name


def _masked(queue: JsonObject, mask: str) -> JsonObject:
    """The fields of the queue that the mask names, or all of them; never those that are output."""
    paths = [path for path in mask.split(",") if path]

    def wanted(section: str, name: str) -> bool:
        return not paths or section in paths or f"{section}.{name}" in paths

    return {
        section: {name: value for name, value in queue.get(section, {}).items() if wanted(section, name)}
        for section in ("rateLimits", "retryConfig")
    }


def _page_size(call: Call) -> int:
    size: int = call.parameters.get("pageSize", 0)
    if not 0 <= size <= LARGEST_PAGE:
        raise invalid(f"pageSize must be between 0 and {LARGEST_PAGE}.")
    return size or LARGEST_PAGE


def _page_start(call: Call) -> int:
    try:
        return int(base64.urlsafe_b64decode(call.parameters.get("pageToken") or "MA=="))
    except (binascii.Error, ValueError):
        raise invalid("Invalid page token.") from None


def _page_token(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()
