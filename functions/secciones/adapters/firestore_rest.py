"""Calling Firestore's REST interface: connections and their token, what a refusal means, when a call is tried again.

This is no adapter: it is the part of the Firestore adapter that knows HTTP.
"""

import http.client
import json
import time
from collections.abc import Callable
from typing import TypeVar

from secciones.adapters.access_token import AuthorizedCalls, NoToken
from secciones.adapters.firestore_values import Json
from secciones.domain.errors import DocumentsUnavailable

T = TypeVar("T")

SCOPE = "https://www.googleapis.com/auth/datastore"
CALL_SECONDS = 10.0  # one call; a cold connection with its first token takes about one on an idle machine
FIRESTORE = "https://firestore.googleapis.com"
_PASSING = frozenset(
    {"ABORTED", "DEADLINE_EXCEEDED", "INTERNAL", "NO_ANSWER", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNKNOWN"}
)
_LONGEST_WAIT = 1.0


class Failed(DocumentsUnavailable):
    """A call failed; `status` is Firestore's own word, or NO_ANSWER."""

    def __init__(self, status: str) -> None:
        super().__init__(f"firestore: {status}")
        self.status = status


class Passing(Failed):
    """The same call may succeed later."""


class Forbidden(Failed):
    """This identity lacks the permission."""


class Connection:
    """Connections that threads and databases share. `token` gives the token that a call carries, for SCOPE."""

    def __init__(self, token: Callable[[], str], endpoint: str = FIRESTORE) -> None:
        self._calls = AuthorizedCalls(token, endpoint, CALL_SECONDS)

    def post(self, path: str, request: Json) -> list[Json]:
        """The answers of a call; raises Failed, and ValueError for what Firestore cannot hold."""
        from urllib3.exceptions import HTTPError

        try:
            answer = self._calls.post(path, request)
        except NoToken as error:
            raise (Passing if error.is_passing else Failed)("NO_TOKEN") from error
        except HTTPError as error:
            raise Passing("NO_ANSWER") from error
        return _answers(answer.status, answer.data)


def _answers(status: int, content: bytes) -> list[Json]:
    """A call's answers: one, or a stream of them as a list, in which a failure may come late."""
    answers = _objects(content)
    failures = [part["error"] for part in answers if isinstance(part.get("error"), dict)]
    if status == http.client.OK and not failures:
        if not answers:
            raise Passing("UNREADABLE")
        return answers
    word = failures[0].get("status", "") if failures else ""
    if word == "INVALID_ARGUMENT":
        raise ValueError("firestore cannot hold this")
    if word == "PERMISSION_DENIED":
        raise Forbidden(word)
    # Overload may come without Google's JSON, from a proxy of its.
    passing = word in _PASSING or (not word and status >= http.client.INTERNAL_SERVER_ERROR)
    raise (Passing if passing else Failed)(word or f"HTTP {status}")


def _objects(content: bytes) -> list[Json]:
    try:
        answer = json.loads(content)
    except ValueError:
        return []
    return [part for part in (answer if isinstance(answer, list) else [answer]) if isinstance(part, dict)]


def retried(
    attempt: Callable[[], T],
    passing: type[Exception],
    *,
    first_wait: float,
    seconds: float,
    random: Callable[[], float],
) -> T:
    """The result of the first attempt that succeeds within so many seconds, with full jitter between them."""
    end = time.monotonic() + seconds
    longest_wait = first_wait
    while True:
        try:
            return attempt()
        except passing:
            wait = random() * longest_wait
            if time.monotonic() + wait >= end:
                raise
        time.sleep(wait)
        longest_wait = min(2 * longest_wait, _LONGEST_WAIT)
