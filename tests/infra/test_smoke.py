"""The smoke test that judges a release, against the stack of `make run`, and against one that is ill."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.infra.smoke import problems
from tests.support.stack import Stack


def test_the_stack_answers_as_the_real_address_should(stack: Stack) -> None:
    assert list(problems(stack.url)) == []


@pytest.fixture
def ill() -> Iterator[str]:
    """A server that answers everything with 200, to anybody, and says nothing."""

    class Ill(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ill) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/secciones/"
        server.shutdown()
        thread.join()


def test_an_ill_service_is_seen(ill: str) -> None:
    found = "\n".join(problems(ill))

    for part in ("no way in", "Content-Security-Policy", "no static file", "PKCE", "identidad", "form of nobody's"):
        assert part in found


def test_an_address_where_nobody_answers_is_seen() -> None:
    assert next(problems("http://127.0.0.1:9/secciones/")) == "the landing page answers 0"
