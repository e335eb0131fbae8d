"""Calls to Google's interfaces with an access token: in the cloud the machine has one for the account that it works as.

This is no adapter: it is what those of Google's interfaces have in common. A source of tokens is a function that
threads share; it returns one that holds for some minutes yet, or raises NoToken.
"""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

CALL_SECONDS = 3.0  # as google-auth; the server is on the same machine
RENEWED_BEFORE_SECONDS = 225.0  # as google-auth: the metadata server has a new token five minutes before the end
_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_TOKEN = re.compile(r"[!-~]+")


class NoToken(Exception):
    """No token could be had; `is_passing` says whether one may be later."""

    def __init__(self, reason: str, *, is_passing: bool) -> None:
        super().__init__(reason)
        self.is_passing = is_passing


class AuthorizedCalls:
    """Calls to an interface at `endpoint` that carry what `token` gives, for threads to share. Connections, kept, are
    made at the first call. `seconds` are for connecting, and again for each wait for the answer."""

    def __init__(self, token: Callable[[], str], endpoint: str, seconds: float) -> None:
        self._token = token
        self._endpoint = endpoint
        self._base_path = urlsplit(endpoint).path
        self._seconds = seconds
        self._lock = threading.Lock()
        self._connections: HTTPConnectionPool | None = None

    def post(self, path: str, request: Any) -> "BaseHTTPResponse":
        """The answer to one try with this as JSON; raises NoToken, and urllib3's HTTPError when there is none."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"}
        body = json.dumps(request, ensure_ascii=False).encode()
        return self._made_connections().urlopen("POST", self._base_path + path, body, headers)

    def _made_connections(self) -> "HTTPConnectionPool":
        from secciones.adapters.http_pool import connections

        with self._lock:
            if self._connections is None:
                self._connections = connections(self._endpoint, self._seconds)
            return self._connections


def emulator_token() -> str:
    """Whom Google's emulators take for the project's owner, whom no rules bind."""
    return "owner"


class MetadataToken:
    """The token of the function's own account, for one scope, from the metadata server.

    It is one GET. google-auth, which would make it too, takes longer to import than all of a page's own code.
    """

    def __init__(self, host: str, scope: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = f"http://{host}{_PATH}"
        self._scope = scope
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token = ""
        self._renewed_at = float("-inf")

    def __call__(self) -> str:
        """One thread fetches it, the others wait for that."""
        with self._lock:
            now = self._monotonic()
            if now >= self._renewed_at:
                self._token, seconds = self._fetched()
                self._renewed_at = now + seconds - RENEWED_BEFORE_SECONDS
            return self._token

    def _fetched(self) -> tuple[str, float]:
        """A token, and for how many seconds it holds."""
        import urllib3

        try:
            answer = urllib3.request(
                "GET",
                self._url,
                fields={"scopes": self._scope},
                headers={"Metadata-Flavor": "Google"},
                timeout=CALL_SECONDS,
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise NoToken("the metadata server does not answer", is_passing=True) from error
        if answer.status != http.client.OK:
            passing = answer.status == http.client.TOO_MANY_REQUESTS or answer.status >= 500
            raise NoToken(f"the metadata server answers {answer.status}", is_passing=passing)
        return _read(answer.data)


class CredentialsToken:
    """The token of google-auth's credentials, which are made at the first call."""

    def __init__(self, credentials: "Callable[[], Credentials]") -> None:
        self._make_credentials = credentials
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None

    def __call__(self) -> str:
        """One thread fetches it, the others wait for that."""
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.auth.transport.urllib3 import Request
        from urllib3 import PoolManager

        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = self._make_credentials()
                if not self._credentials.valid:
                    self._credentials.refresh(Request(PoolManager(retries=False)))
            except GoogleAuthError as error:
                passing = error.retryable or isinstance(error, TransportError)
                raise NoToken(f"no token: {type(error).__name__}", is_passing=passing) from error
            return str(self._credentials.token)


def _read(content: bytes) -> tuple[str, float]:
    try:
        answer = json.loads(content)
        token, seconds = answer["access_token"], answer["expires_in"]
        if _TOKEN.fullmatch(token) and 0 < seconds < 1e6:
            return token, float(seconds)
    except (ValueError, LookupError, TypeError):
        pass
    raise NoToken("the metadata server's answer is unreadable", is_passing=True)
