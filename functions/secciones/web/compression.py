"""Pages are sent compressed: over a slow line the page of a section is there in a quarter of the time.

How well an answer compresses tells whoever watches the line how much of it repeats (BREACH): worth something only
where one answer holds both what an attacker chose and what an attacker wants to know. So only pages that are answered
with 200 are compressed. They show nothing of their address, a form brings them only with the session's token, and the
token is another text in every answer.
"""

import functools
import zlib

import flask
from werkzeug.http import parse_accept_header

_LEVEL = 6
_GZIP = 31


def compressed(request: flask.Request, response: flask.Response, *, is_for_anybody: bool = False) -> flask.Response:
    """The answer, shorter when it is a page and the browser takes it. A page for anybody is the same again and again,
    and compressed once."""
    if response.status_code != 200 or response.mimetype != "text/html":
        return response
    response.headers.add("Vary", "Accept-Encoding")
    if _takes_gzip(request.headers.get("Accept-Encoding", "")):
        response.set_data((_packed_once if is_for_anybody else _packed)(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    return response


@functools.lru_cache(maxsize=64)  # browsers of one kind all say the same
def _takes_gzip(accepted: str) -> bool:
    return parse_accept_header(accepted)["gzip"] > 0


def _packed(page: bytes) -> bytes:
    return zlib.compress(page, _LEVEL, wbits=_GZIP)


_packed_once = functools.lru_cache(maxsize=8)(_packed)
