"""Sealing with a key of Cloud KMS, which never leaves it.

Over its REST interface, since two methods do not pay for a client library of their own. The optional CRC32C checks are
left out: the connection is TLS, and a seal that was damaged on its way is recognised as none when it is opened.
"""

import base64
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from secciones.adapters.google_api import ApiError, no_token, refusal, tried
from secciones.domain.errors import SealerUnavailable

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import AuthorizedSession

SCOPE = "https://www.googleapis.com/auth/cloudkms"
TIMEOUT_SECONDS = 5

_NO_SEAL = frozenset({"INVALID_ARGUMENT", "invalidArgument", "badRequest"})


class KmsSealer:
    """Its credentials, made at the first call, need SCOPE, and the right to encrypt with the key and no other."""

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        key_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = _Key(credentials, endpoint, key_name, random=random, sleep=sleep)

    def seal(self, secret: bytes, context: str) -> bytes:
        """See Sealer."""
        try:
            return self._key.apply("encrypt", "plaintext", secret, context, "ciphertext")
        except ApiError as error:
            raise SealerUnavailable(f"seal: {error.reason}") from error


class KmsOpener:
    """Its credentials, made at the first call, need SCOPE, and the right to decrypt with the key."""

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        key_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = _Key(credentials, endpoint, key_name, random=random, sleep=sleep)

    def open(self, sealed: bytes, context: str) -> bytes:
        """See Opener."""
        try:
            return self._key.apply("decrypt", "ciphertext", sealed, context, "plaintext")
        except ApiError as error:
            if error.reason in _NO_SEAL:
                raise ValueError("this is no seal for this context") from error
            raise SealerUnavailable(f"open: {error.reason}") from error


class _Key:
    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        key_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._make_credentials = credentials
        self._url = f"{endpoint}/v1/{key_name}"
        self._random = random
        self._sleep = sleep
        self._making = threading.Lock()
        self._credentials: Credentials | None = None
        self._thread = threading.local()

    def apply(self, method: str, field: str, data: bytes, context: str, answer_field: str) -> bytes:
        body = {field: _base64(data), "additionalAuthenticatedData": _base64(context.encode())}
        return tried(lambda: self._try(method, body, answer_field), sleep=self._sleep, random=self._random)

    def _try(self, method: str, body: dict[str, str], answer_field: str) -> bytes:
        from google.auth.exceptions import GoogleAuthError
        from requests import RequestException

        try:
            answer = self._session().post(f"{self._url}:{method}", json=body, timeout=TIMEOUT_SECONDS)
        except GoogleAuthError as error:
            raise no_token(error) from None
        except RequestException:
            raise ApiError("unreachable", is_passing=True) from None
        if answer.status_code != 200:
            raise refusal(answer.status_code, answer.content)
        try:
            return base64.b64decode(answer.json()[answer_field], validate=True)
        except (ValueError, LookupError, TypeError):
            raise ApiError("unreadableAnswer", is_passing=True) from None

    def _session(self) -> "AuthorizedSession":
        from google.auth.transport.requests import AuthorizedSession

        if not hasattr(self._thread, "session"):
            self._thread.session = AuthorizedSession(
                self._made_credentials(), max_refresh_attempts=1, refresh_timeout=TIMEOUT_SECONDS
            )
        session: AuthorizedSession = self._thread.session
        return session

    def _made_credentials(self) -> "Credentials":
        with self._making:
            if self._credentials is None:
                self._credentials = self._make_credentials()
            return self._credentials


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
