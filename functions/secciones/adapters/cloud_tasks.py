"""The queue of batches in Cloud Tasks."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from secciones.domain.errors import QueueUnavailable

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.credentials import Credentials
    from google.cloud.tasks_v2 import CloudTasksClient, Task

TIMEOUT_SECONDS = 10
DISPATCH_DEADLINE = timedelta(minutes=10)


class CloudTasksQueue:
    """`queue` is the queue's full name; `service_account` is whom the worker sees as its caller.

    The client, whose import takes longest of all, and its credentials are made at the first task.
    """

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        queue: str,
        worker_url: str,
        service_account: str,
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._queue = queue
        self._worker_url = worker_url
        self._service_account = service_account
        self._building = threading.Lock()
        self._client: CloudTasksClient | None = None

    def enqueue(self, batch_id: str, task_number: int) -> None:
        """See TaskQueue. The task's name makes the same pair the same task, for as long as the queue remembers it."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from google.protobuf.json_format import ParseError
        from requests import RequestException

        task = self._task(batch_id, task_number)
        try:
            self._built_client().create_task(parent=self._queue, task=task, timeout=TIMEOUT_SECONDS)
        except GoogleAPICallError as error:
            status = _status(error)
            if status != "ALREADY_EXISTS":
                raise QueueUnavailable(f"task queue: {status}") from None
        except (RetryError, GoogleAuthError, RequestException, ParseError) as error:
            raise QueueUnavailable(f"task queue: {type(error).__name__}") from None

    def _task(self, batch_id: str, task_number: int) -> "Task":
        from google.cloud.tasks_v2 import HttpMethod, HttpRequest, OidcToken, Task

        return Task(
            name=f"{self._queue}/tasks/{batch_id}-{task_number}",
            dispatch_deadline=DISPATCH_DEADLINE,
            http_request=HttpRequest(
                http_method=HttpMethod.POST,
                url=self._worker_url,
                headers={"Content-Type": "application/json"},
                body=json.dumps({"batch": batch_id}).encode(),
                oidc_token=OidcToken(service_account_email=self._service_account, audience=self._worker_url),
            ),
        )

    def _built_client(self) -> "CloudTasksClient":
        with self._building:
            if self._client is None:
                self._client = _client(self._credentials, self._endpoint)
            return self._client


def _client(credentials: "Callable[[], Credentials]", endpoint: str) -> "CloudTasksClient":
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.tasks_v2 import CloudTasksClient

    parts = urlsplit(endpoint)
    if parts.scheme == "http":
        # No bearer token travels in the clear; and gRPC without TLS is not what the client's own transport does.
        return CloudTasksClient(
            credentials=AnonymousCredentials(), transport="rest", client_options=ClientOptions(api_endpoint=endpoint)
        )
    return CloudTasksClient(credentials=credentials(), client_options=ClientOptions(api_endpoint=parts.netloc))


def _status(error: "GoogleAPICallError") -> str:
    """Google's name for the failure. Over REST the library knows the HTTP status alone, and 409 has two meanings."""
    if error.grpc_status_code is not None:
        return str(error.grpc_status_code.name)
    try:
        return str(error.response.json()["error"]["status"])
    except (AttributeError, ValueError, LookupError, TypeError):
        return f"HTTP {error.code}"
