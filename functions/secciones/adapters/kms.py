"""Sealing with a key of Cloud KMS, which never leaves it.

Over its REST interface, since two methods do not pay for a client library of their own. The optional CRC32C checks are
left out: the connection is TLS, and a seal that was damaged on its way is recognised as none when it is opened.
"""

import base64
import http.client
import json
import time
from collections.abc import Callable

from secciones.adapters.access_token import AuthorizedCalls, NoToken
from secciones.adapters.google_api import ApiError, refusal, tried
from secciones.domain.errors import SealerUnavailable

SCOPE = "https://www.googleapis.com/auth/cloudkms"
TIMEOUT_SECONDS = 5

_NO_SEAL = frozenset({"INVALID_ARGUMENT", "invalidArgument", "badRequest"})


class KmsSealer:
    """Its token is for SCOPE, and of an account with the right to encrypt with the key and no other."""

    def __init__(
        self,
        token: Callable[[], str],
        endpoint: str,
        key_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = _Key(token, endpoint, key_name, random=random, sleep=sleep)

    def seal(self, secret: bytes, context: str) -> bytes:
        """See Sealer."""
        try:
            return self._key.apply("encrypt", "plaintext", secret, context, "ciphertext")
        except ApiError as error:
            raise SealerUnavailable(f"seal: {error.reason}") from error


class KmsOpener:
    """Its token is for SCOPE, and of an account with the right to decrypt with the key."""

    def __init__(
        self,
        token: Callable[[], str],
        endpoint: str,
        key_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = _Key(token, endpoint, key_name, random=random, sleep=sleep)

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
        token: Callable[[], str],
        endpoint: str,
        key_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._calls = AuthorizedCalls(token, endpoint, TIMEOUT_SECONDS)
        self._path = f"/v1/{key_name}"
        self._random = random
        self._sleep = sleep

    def apply(self, method: str, field: str, data: bytes, context: str, answer_field: str) -> bytes:
        body = {field: _base64(data), "additionalAuthenticatedData": _base64(context.encode())}
        return tried(lambda: self._try(method, body, answer_field), sleep=self._sleep, random=self._random)

    def _try(self, method: str, body: dict[str, str], answer_field: str) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            answer = self._calls.post(f"{self._path}:{method}", body)
        except NoToken as error:
            raise ApiError(str(error), is_passing=error.is_passing) from None
        except HTTPError:
            raise ApiError("unreachable", is_passing=True) from None
        if answer.status != http.client.OK:
            raise refusal(answer.status, answer.data)
        try:
            return base64.b64decode(json.loads(answer.data)[answer_field], validate=True)
        except (ValueError, LookupError, TypeError):
            raise ApiError("unreadableAnswer", is_passing=True) from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
