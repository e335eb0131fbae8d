"""A server that speaks Firestore's REST and answers as it was told: for what the emulator never does."""

import contextlib
import json
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.support.scripted_http import Answer, Asked, scripted_server

PROJECT = "secciones-test"
OK = "OK"
_READ_TIME = "2026-02-03T00:00:00Z"
_METHODS = ("commit", "batchGet", "runQuery")
# Of https://cloud.google.com/apis/design/errors, "Handling errors".
_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Script:
    """What each method answers, in turn; the last for ever. Without a script a commit succeeds, and nothing is
    there."""

    def __init__(self) -> None:
        self._answers: dict[str, deque[str | Answer]] = {method: deque() for method in _METHODS}
        self.calls: list[str] = []
        self.tokens: list[str] = []

    def say(self, method: str, *answers: str | Answer) -> None:
        """Statuses of Google's, or whole answers."""
        self._answers[method].extend(answers)

    def answer(self, method: str, asked: Asked) -> Answer:
        """The next one."""
        self.calls.append(method)
        self.tokens.append(asked.headers["authorization"])
        answers = self._answers[method]
        status = answers.popleft() if len(answers) > 1 else next(iter(answers), OK)
        if isinstance(status, Answer):
            return status
        if status != OK:
            error = {"error": {"code": _STATUSES[status], "status": status, "message": "as the script says"}}
            return Answer(_STATUSES[status], error if method == "commit" else [error])
        return Answer(body=_found_nothing(method, json.loads(asked.body)))


def _found_nothing(method: str, request: dict[str, Any]) -> Any:
    match method:
        case "commit":
            results = [{} if "delete" in write else {"updateTime": _READ_TIME} for write in request["writes"]]
            return {"commitTime": _READ_TIME, "writeResults": results}
        case "runQuery":
            return [{"readTime": _READ_TIME}]
        case _:
            return [{"missing": name, "readTime": _READ_TIME} for name in request["documents"]]


@contextlib.contextmanager
def scripted_firestore() -> Iterator[tuple[str, Script]]:
    """Its `host:port`, and the script to write."""
    script = Script()
    with scripted_server() as server:
        for method in _METHODS:
            path = f"/v1/projects/{PROJECT}/databases/(default)/documents:{method}"
            server.on(path, partial(script.answer, method))
        yield server.url.removeprefix("http://"), script
