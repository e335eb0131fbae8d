"""How much of a request's body is read at most."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask
from werkzeug.exceptions import RequestEntityTooLarge


@contextmanager
def body_limit(request: flask.Request, size: int) -> Iterator[None]:
    """In here a body of more bytes raises werkzeug's RequestEntityTooLarge when it is read.

    Lifted afterwards: functions-framework reads what is left of a body after the answer, and makes an English 500 of
    an error that happens then.
    """
    request.max_content_length = size
    try:
        yield
    finally:
        request.max_content_length = None


def json_body(request: flask.Request, size: int, empty: Any = None) -> Any:
    """What a body of at most `size` bytes says; None when it is larger or no JSON, `empty` when there is none."""
    try:
        with body_limit(request, size):
            return request.get_json(force=True, silent=True) if request.get_data() else empty
    except (RequestEntityTooLarge, RecursionError):  # the latter of JSON that is nested without end
        return None
