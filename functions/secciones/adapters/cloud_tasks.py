"""The queue of batches in Cloud Tasks.

Over its REST interface: one method does not pay for a client library, whose import takes twice as long as all else that
a function with pages does before its first answer.
"""

import base64
import http.client
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from secciones.adapters.access_token import AuthorizedCalls, NoToken
from secciones.domain.errors import QueueUnavailable

SCOPE = "https://www.googleapis.com/auth/cloud-platform"  # there is no narrower one
TIMEOUT_SECONDS = 10
DISPATCH_DEADLINE = timedelta(minutes=10)


class CloudTasksQueue:
    """`queue` is the queue's full name; `service_account` is whom the worker sees as its caller. The token is for
    SCOPE, and of an account that may create tasks and act as that one."""

    def __init__(
        self,
        token: Callable[[], str],
        endpoint: str,
        queue: str,
        worker_url: str,
        service_account: str,
    ) -> None:
        self._calls = AuthorizedCalls(token, endpoint, TIMEOUT_SECONDS)
        self._queue = queue
        self._worker_url = worker_url
        self._service_account = service_account

    def enqueue(self, batch_id: str, task_number: int) -> None:
        """See TaskQueue. The task's name makes the same pair the same task, for as long as the queue remembers it."""
        from urllib3.exceptions import HTTPError

        try:
            answer = self._calls.post(f"/v2/{self._queue}/tasks", {"task": self._task(batch_id, task_number)})
        except (NoToken, HTTPError) as error:
            raise QueueUnavailable(f"task queue: {type(error).__name__}") from None
        status = _status(answer.status, answer.data)
        if status not in {"OK", "ALREADY_EXISTS"}:
            raise QueueUnavailable(f"task queue: {status}")

    def _task(self, batch_id: str, task_number: int) -> dict[str, Any]:
        return {
            "name": f"{self._queue}/tasks/{batch_id}-{task_number}",
            "dispatchDeadline": f"{DISPATCH_DEADLINE.total_seconds():.0f}s",
            "httpRequest": {
                "httpMethod": "POST",
                "url": self._worker_url,
                "headers": {"Content-Type": "application/json"},
                "body": base64.b64encode(json.dumps({"batch": batch_id}).encode()).decode(),
                "oidcToken": {"serviceAccountEmail": self._service_account, "audience": self._worker_url},
            },
        }


def _status(status: int, content: bytes) -> str:
    """OK, or Google's name for the failure: the HTTP status alone does not tell, since 409 has two meanings."""
    if status == http.client.OK:
        return "OK"
    try:
        return str(json.loads(content)["error"]["status"])
    except (ValueError, LookupError, TypeError):
        return f"HTTP {status}"
