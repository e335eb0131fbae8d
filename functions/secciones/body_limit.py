"""How much of a request's body is read at most."""

from collections.abc import Iterator
from contextlib import contextmanager

import flask


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
