"""Files in a bucket of Cloud Storage.

Over its JSON interface, since four methods do not pay for a client library of their own.
"""

import io
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast
from urllib.parse import quote

from secciones.adapters.google_api import ApiError, no_token, refusal, tried
from secciones.domain.errors import BucketUnavailable
from secciones.ports.bucket import StoredFile

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import AuthorizedSession
    from requests import Response

T = TypeVar("T")

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
TIMEOUT_SECONDS = 60  # for connecting, and again for each wait for the answer
_BLOCK = 1 << 22  # how much of a file is fetched at a time
_LISTED = "items(name,generation,size,timeCreated),nextPageToken"


class CloudStorageBucket:
    """Its credentials, made at the first call, need SCOPE, and the right to list, read, write and delete in the bucket.

    For one thread at a time.
    """

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        bucket: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._objects = f"{endpoint}/storage/v1/b/{quote(bucket, safe='')}/o"
        self._uploads = f"{endpoint}/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        self._random = random
        self._sleep = sleep
        self._made: AuthorizedSession | None = None

    def files(self, prefix: str) -> Sequence[StoredFile]:
        found: list[dict[str, Any]] = []
        parameters = {"prefix": prefix, "fields": _LISTED}
        while True:
            page = self._json("GET", self._objects, params=parameters)
            found += page.get("items", [])
            if not page.get("nextPageToken"):
                break
            parameters["pageToken"] = page["nextPageToken"]
        in_order = sorted(found, key=lambda item: (item["timeCreated"], item["name"]))
        return [StoredFile(item["name"], item["generation"], int(item["size"])) for item in in_order]

    def open(self, file: StoredFile) -> BinaryIO:
        def fetch(first: int, last: int) -> bytes:
            answer = self._answer(
                "GET",
                self._url(file.name),
                params={"alt": "media", "generation": file.generation},
                headers={"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"},
            )
            if len(answer.content) != last - first + 1:
                raise BucketUnavailable("storage: another part than was asked for")
            return answer.content

        return cast(BinaryIO, _RemoteFile(fetch, file.size))

    def write(self, name: str, content: BinaryIO) -> None:
        def send() -> "Response":
            content.seek(0)
            return self._try("POST", self._uploads, params={"uploadType": "media", "name": name}, data=content)

        self._tried(send)

    def delete(self, file: StoredFile) -> None:
        self._answer("DELETE", self._url(file.name), params={"generation": file.generation}, missing_is_fine=True)

    def _url(self, name: str) -> str:
        return f"{self._objects}/{quote(name, safe='')}"

    def _json(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        try:
            found = self._answer(method, url, **request).json()
        except ValueError as error:
            raise BucketUnavailable("storage: unreadableAnswer") from error
        if not isinstance(found, dict):
            raise BucketUnavailable("storage: unreadableAnswer")
        return found

    def _answer(self, method: str, url: str, **request: Any) -> "Response":
        return self._tried(lambda: self._try(method, url, **request))

    def _tried(self, call: Callable[[], T]) -> T:
        try:
            return tried(call, sleep=self._sleep, random=self._random)
        except ApiError as error:
            raise BucketUnavailable(f"storage: {error.reason}") from error

    def _try(self, method: str, url: str, *, missing_is_fine: bool = False, **request: Any) -> "Response":
        from google.auth.exceptions import GoogleAuthError
        from requests import RequestException

        try:
            answer = self._session().request(method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **request)
        except GoogleAuthError as error:
            raise no_token(error) from None
        except RequestException:
            raise ApiError("unreachable", is_passing=True) from None
        if answer.status_code in {200, 204, 206} or (answer.status_code == 404 and missing_is_fine):
            return cast("Response", answer)
        raise refusal(answer.status_code, answer.content)

    def _session(self) -> "AuthorizedSession":
        from google.auth.transport.requests import AuthorizedSession

        if self._made is None:
            self._made = AuthorizedSession(self._credentials(), max_refresh_attempts=1, refresh_timeout=TIMEOUT_SECONDS)
        return self._made


class _RemoteFile(io.RawIOBase):
    """A file of which the block around the place that is read is here; `fetch` takes its first and its last byte."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._place = 0
        self._start = 0
        self._block = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence] + offset
        if place < 0:
            raise ValueError("before the beginning of the file")
        self._place = place
        return place

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        if self._place >= self._size:
            return 0
        if not self._start <= self._place < self._start + len(self._block):
            self._start = self._place - self._place % _BLOCK
            self._block = self._fetch(self._start, min(self._start + _BLOCK, self._size) - 1)
        found = self._block[self._place - self._start :][: len(target)]
        target[: len(found)] = found
        self._place += len(found)
        return len(found)
