"""One delivery of a task to its worker: the request as Cloud Tasks makes it."""

import base64
import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

from infra.local.tasks.errors import JsonObject
from infra.local.tasks.model import Task

USER_AGENT = "Google-Cloud-Tasks"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_PATIENCE = 30.0
NO_CONNECTION = 0
NO_TOKEN = 401
TIMED_OUT = 504

log = logging.getLogger(__name__)

IdTokens = Callable[[str, str], str]


@dataclass(frozen=True)
class Answer:
    """`status` as Cloud Tasks counts it; `received` only when the worker itself gave it."""

    status: int
    received: bool
    retry_after: float = 0.0

    @property
    def succeeded(self) -> bool:
        return self.received and 200 <= self.status < 300


class TokenUnavailable(Exception):
    """IAM Credentials did not give an ID token."""


class IamCredentials:
    """ID tokens from IAM Credentials' generateIdToken, as Cloud Tasks gets them."""

    def __init__(self, base_url: str, key_file: Path) -> None:
        self._base_url = base_url.rstrip("/")
        self._key_file = key_file
        self._lock = threading.Lock()
        self._credentials: service_account.Credentials | None = None

    def __call__(self, email: str, audience: str) -> str:
        """Raises TokenUnavailable."""
        url = f"{self._base_url}/v1/projects/-/serviceAccounts/{quote(email, safe='@')}:generateIdToken"
        request = {"audience": audience, "includeEmail": True}
        try:
            with _session() as plain, AuthorizedSession(self._loaded(), auth_request=Request(plain)) as session:
                session.trust_env = False
                answer = session.post(url, json=request, timeout=TOKEN_PATIENCE)
            answer.raise_for_status()
            return str(answer.json()["token"])
        except (GoogleAuthError, requests.RequestException, OSError, ValueError, KeyError) as error:
            raise TokenUnavailable(f"{type(error).__name__}: {error}") from error

    def _loaded(self) -> service_account.Credentials:
        """Read late, because the stack makes the key file while this server starts."""
        with self._lock:
            if self._credentials is None:
                self._credentials = service_account.Credentials.from_service_account_file(
                    str(self._key_file), scopes=[SCOPE]
                )
            return self._credentials


def no_tokens(_email: str, _audience: str) -> str:
    """The stand-in was started without an address or a key for tokens."""
    raise TokenUnavailable("no --token-url or no --credentials")


def deliver(task: Task, id_tokens: IdTokens) -> Answer:
    """Calls the worker once and waits up to the task's deadline for its answer."""
    headers = worker_headers(task)
    token = task.request.get("oidcToken")
    if token is not None:
        try:
            headers["Authorization"] = f"Bearer {_id_token(token, task, id_tokens)}"
        except TokenUnavailable as error:
            log.warning("no ID token for %s: %s", task.name, error)
            return Answer(NO_TOKEN, received=False)
    return _send(task, headers)


def worker_headers(task: Task) -> dict[str, str]:
    """The task's own headers and those of Cloud Tasks, which win.

    After a failure TaskPreviousResponse tells its status and TaskRetryReason is sent empty:
    both as the real service has been seen to do for HTTP targets.
    """
    own = {
        "User-Agent": USER_AGENT,
        "X-CloudTasks-QueueName": task.queue_id,
        "X-CloudTasks-TaskName": task.task_id,
        "X-CloudTasks-TaskRetryCount": str(task.dispatches - 1),
        "X-CloudTasks-TaskExecutionCount": str(task.executions),
        "X-CloudTasks-TaskETA": f"{task.scheduled:.6f}",
    }
    if task.last is not None and task.last.status is not None:
        own["X-CloudTasks-TaskPreviousResponse"] = str(task.last.status)
        own["X-CloudTasks-TaskRetryReason"] = ""
    given: dict[str, str] = task.request.get("headers", {})
    taken = {name.lower() for name in own}
    return {name: value for name, value in given.items() if name.lower() not in taken} | own


def _id_token(token: JsonObject, task: Task, id_tokens: IdTokens) -> str:
    return id_tokens(token["serviceAccountEmail"], token.get("audience") or task.request["url"])


def _send(task: Task, headers: dict[str, str]) -> Answer:
    """A redirect is not followed: it counts as a failure."""
    body = base64.b64decode(task.request.get("body", ""))
    try:
        with _session() as session:
            answer = session.request(
                task.request["httpMethod"],
                task.request["url"],
                data=body or None,
                headers=headers,
                timeout=task.deadline,
                allow_redirects=False,
            )
    except requests.Timeout:
        return Answer(TIMED_OUT, received=False)
    except (requests.RequestException, ValueError, OSError):
        return Answer(NO_CONNECTION, received=False)
    retry_after = _seconds(answer.headers.get("Retry-After", ""))
    return Answer(answer.status_code, received=True, retry_after=retry_after)


def _seconds(retry_after: str) -> float:
    """Of the header Retry-After, a number of seconds or a date; 0 for anything else."""
    if retry_after.isdecimal():
        return float(retry_after)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return 0.0


def _session() -> requests.Session:
    """Without the environment's proxies and without .netrc, which would replace the token."""
    session = requests.Session()
    session.trust_env = False
    return session
