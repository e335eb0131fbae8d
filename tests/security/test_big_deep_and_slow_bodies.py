"""Threat: a body that is endless, nested without end, or never comes. Guard: bodies are bounded before they are read,
and the front door hands a request on when it is whole.

Take `body_limit` out of `web/boundary.py`, and a test here turns red.
"""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.site import Pages
from tests.support.stack import Stack
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("nothing_changes")
SLOW = 40  # more than all functions together have threads


@pytest.fixture(scope="module")
def teacher(stack: Stack) -> Visitor:
    visitor = Visitor(stack.origin)
    visitor.enter(stack.person("marta"))
    return visitor


def post(stack: Stack, teacher: Visitor, path: str, body: bytes, kind: str) -> requests.Response:
    headers = {"Cookie": f"__Host-session={teacher.cookie()}", "Origin": stack.origin, "Content-Type": kind}
    return requests.post(stack.origin + path, data=body, headers=headers, timeout=30)


@pytest.mark.parametrize("path", ["/secciones/identidad", "/secciones/restablecer", "/secciones/salir"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"csrf_token=" + b"x" * 2_000_000),
        ("application/x-www-form-urlencoded", b"&".join([b"student=x"] * 20_000)),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"y" * 500_000,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\ny\r\n' * 1500 + b"--b--\r\n",
        ),
    ],
    ids=["one field", "many fields", "one part", "many parts"],
)
def test_a_big_form_is_refused_with_a_page(stack: Stack, teacher: Visitor, path: str, kind: str, body: bytes) -> None:
    answer = post(stack, teacher, path, body, kind)
    assert answer.status_code == 413
    assert "<h1>" in answer.text
    assert teacher.get("/secciones/identidad").status == 200, "the session is still there"


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"a":' * 10_000, b"a[b][c]=" * 5000, b"%" * 60_000, b"\xff" * 60_000]
)
def test_what_is_nested_or_no_text_is_refused(stack: Stack, teacher: Visitor, body: bytes) -> None:
    for kind in ("application/x-www-form-urlencoded", "application/json", "text/xml", "multipart/form-data"):
        assert post(stack, teacher, "/secciones/restablecer", body, kind).status_code in {400, 403, 413}


@contextlib.contextmanager
def half_sent(stack: Stack, path: str) -> Iterator[None]:
    """Requests whose bodies do not come."""
    address = urlsplit(stack.origin)
    with contextlib.ExitStack() as open_ones:
        for _ in range(SLOW):
            connection = open_ones.enter_context(
                socket.create_connection(("127.0.0.1", address.port or 80), timeout=10)
            )
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 9999\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrf".encode()
            )
        yield


def test_bodies_that_never_come_keep_nobody_else_waiting(stack: Stack, teacher: Visitor) -> None:
    with half_sent(stack, "/secciones/identidad"):
        assert teacher.get("/secciones/identidad").status == 200
        assert teacher.post("/secciones/identidad", {"dui": "x"}).status == 403


@pytest.mark.parametrize("size", [1000, 5000, 60_000])
def test_a_header_or_cookie_of_any_size_is_answered(pages: Pages, size: int) -> None:
    assert pages.get("/secciones/identidad", "x" * size).status == 401
    assert pages.get("/secciones/identidad", **{"X-Forwarded-For": "1," * size, "Origin": "x" * size}).status == 401
