"""Calling Google's interfaces over REST: what a refusal means, how often a call is tried, whose turn a connection is.

This is no adapter: it is what those of the Directory, of Gmail and of Cloud KMS have in common.
"""

import http.client
import json
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from secciones.adapters.pace import Pace

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.exceptions import GoogleAuthError

TIMEOUT_SECONDS = 10
# Full jitter: before the second and the third try the wait is anything up to this many seconds.
_LONGEST_WAITS = (1.0, 2.0)
# Statuses do not tell: 403 alone is three kinds of quota, which pass, and a missing right, which does not.
_PASSING_REASONS = frozenset(
    {
        "userRateLimitExceeded",
        "quotaExceeded",
        "rateLimitExceeded",
        "backendError",
        "badGateway",
        "gatewayTimeout",
        "internalError",
        "conditionNotMet",
    }
)
_TOO_FAST = frozenset({"userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"})
_TOO_MANY_REQUESTS = 429
_WORD = re.compile(r"\w{1,64}", re.ASCII)

T = TypeVar("T")


class ApiError(Exception):
    """A call that failed; `reason` is Google's own word, `is_passing` whether the same call may succeed later."""

    def __init__(self, reason: str, *, is_passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_passing = is_passing


def tried(call: Callable[[], T], *, sleep: Callable[[float], None], random: Callable[[], float]) -> T:
    """The result of the first of at most 3 tries that succeeds; raises the ApiError that is final or the last."""
    for longest_wait in _LONGEST_WAITS:
        try:
            return call()
        except ApiError as error:
            if not error.is_passing:
                raise
        sleep(random() * longest_wait)
    return call()


def refusal(status: int, content: bytes) -> ApiError:
    """What an HTTP answer other than a success means. Overload may come without Google's JSON, from a proxy of its."""
    reason = _reason(content) or f"http{status}"
    passing = reason in _PASSING_REASONS or status == _TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR
    return ApiError(reason, is_passing=passing)


def no_token(error: "GoogleAuthError") -> ApiError:
    """What it means that no access token could be had."""
    from google.auth.exceptions import RefreshError, TransportError

    if isinstance(error, RefreshError):
        answer = error.args[1] if len(error.args) > 1 else None
        word = answer.get("error") if isinstance(answer, dict) else None
        return ApiError(_word(word) or "tokenRefused", is_passing=error.retryable)
    return ApiError("tokenUnavailable", is_passing=isinstance(error, TransportError))


def _reason(content: bytes) -> str:
    """Google's word in an error body of the older form (`errors`) or of the newer one (`status`); empty when none."""
    try:
        error = json.loads(content)["error"]
        details = error.get("errors") or [{}]
        return _word(details[0].get("reason")) or _word(error.get("status"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


class GoogleApi:
    """A collection (`users`, `users.messages`) of an interface that google-api-python-client describes, called as one
    identity from many threads.

    The client, its credentials and all that they import are made at the first call: a page that needs none of it
    starts without. Each try waits for its turn of the pace, if there is one, and tells it when it came too soon. With
    `is_tried_once` nothing is tried again.
    """

    def __init__(
        self,
        name: str,
        version: str,
        collection: str,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        *,
        pace: Pace | None = None,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        is_tried_once: bool = False,
    ) -> None:
        self._name = name
        self._version = version
        self._collection = collection
        self._make_credentials = credentials
        self._endpoint = endpoint
        self._pace = pace
        self._sleep = sleep
        self._random = random
        self._is_tried_once = is_tried_once
        self._building = threading.Lock()
        self._refreshing = threading.Lock()
        self._methods: Any = None
        self._credentials: Credentials | None = None
        self._idle: list[Any] = []
        weakref.finalize(self, _close_all, self._idle)

    def call(self, method: Callable[[Any], Any]) -> dict[str, Any]:
        """The answer to the request that `method` makes of the collection's methods; raises ApiError."""
        request = method(self._built_methods())
        if self._is_tried_once:
            return self._try(request)
        return tried(lambda: self._try(request), sleep=self._sleep, random=self._random)

    def _try(self, request: Any) -> dict[str, Any]:
        from google.auth.exceptions import GoogleAuthError
        from googleapiclient.errors import HttpError
        from httplib2 import HttpLib2Error

        if self._pace and not self._pace.wait():
            raise ApiError("userRateLimitExceeded", is_passing=True)
        # What the libraries raise carries the address of the request, and with it a person's: it goes no further.
        try:
            with self._connection() as connection:
                answer = request.execute(http=connection)
        except HttpError as error:
            refused = refusal(error.resp.status, error.content)
            if self._pace and refused.reason in _TOO_FAST:
                self._pace.slow_down()
            raise refused from None
        except GoogleAuthError as error:
            raise no_token(error) from None
        except TimeoutError:
            raise ApiError("timeout", is_passing=True) from None
        except (OSError, http.client.HTTPException, HttpLib2Error):
            raise ApiError("unreachable", is_passing=True) from None
        except ValueError:
            raise ApiError("unreadableAnswer", is_passing=True) from None
        if not isinstance(answer, dict):
            raise ApiError("unreadableAnswer", is_passing=True)
        return answer

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A connection with a token that holds. It is nobody else's meanwhile (httplib2 is not made for several
        threads), and the next call's afterwards, whichever thread that comes from."""
        credentials = self._made_credentials()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = _new_connection(credentials)
        _close_dropped(connection)
        try:
            self._have_token(connection, credentials)
            yield connection
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        finally:
            self._idle.append(connection)

    def _have_token(self, connection: Any, credentials: "Credentials") -> None:
        """One thread fetches it, the others wait for that."""
        from google_auth_httplib2 import Request

        with self._refreshing:
            if not credentials.valid:
                credentials.refresh(Request(connection.http))

    def _made_credentials(self) -> "Credentials":
        with self._building:
            if self._credentials is None:
                self._credentials = self._make_credentials()
            return self._credentials

    def _built_methods(self) -> Any:
        from googleapiclient.discovery import build_from_document
        from googleapiclient.discovery_cache import get_static_doc
        from httplib2 import Http

        with self._building:
            if self._methods is None:
                # The endpoint as an option of the client would not be that of uploads.
                document = json.loads(get_static_doc(self._name, self._version)) | {"rootUrl": f"{self._endpoint}/"}
                methods = build_from_document(document, http=Http(timeout=TIMEOUT_SECONDS))
                # Each asking for a collection makes all its methods anew, with a description of 9 kB each.
                for name in self._collection.split("."):
                    methods = getattr(methods, name)()
                self._methods = methods
            return self._methods


def _new_connection(credentials: "Credentials") -> Any:
    from google_auth_httplib2 import AuthorizedHttp
    from httplib2 import Http

    return AuthorizedHttp(credentials, http=Http(timeout=TIMEOUT_SECONDS), max_refresh_attempts=1)


def _close_dropped(connection: Any) -> None:
    """After a pause the other side has closed them all, and every thread's first try would be lost to find that out."""
    from urllib3.util import wait_for_read

    for held in connection.http.connections.values():
        if held.sock is not None and wait_for_read(held.sock, timeout=0):
            held.close()


def _close_all(connections: list[Any]) -> None:
    for connection in connections:
        connection.close()
