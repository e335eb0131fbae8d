"""Threat: whoever answers in SIGES's place sends us on to an inner address, our token with us (SSRF). Guard: no
redirect is followed, and an answer that breaks the contract is no answer.

Take `retries=False` out of `adapters/http_pool.py` or the look at an id (`_own_id`) out of `adapters/siges.py`, and a
test here turns red.
"""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from secciones.adapters.siges import SigesRegistry
from secciones.domain.errors import NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nip
from tests.support.scripted_http import Answer, ScriptedServer, scripted_server

TOKEN = "t" * 40
CALLS: dict[str, Callable[[SigesRegistry], object]] = {
    "verify": lambda registry: registry.verify_teacher(Dui.parse("012345678"), Nip.parse("1")),
    "schools": lambda registry: registry.schools("d-1"),
    "roster": lambda registry: registry.roster("d-1", "s-1"),
}


@pytest.fixture
def inside() -> Iterator[ScriptedServer]:
    """Something that only we can reach, and that would answer anything."""
    with scripted_server() as server:
        for path in ("/v1/teachers/verification", "/secret"):
            server.on(path, Answer(body={"id": "d-1", "givenNames": "A", "surnames": "B", "email": None}))
        yield server


@pytest.fixture(params=[301, 302, 303, 307, 308])
def redirecting(inside: ScriptedServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A SIGES that says of everything that it is elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(request.param)
            self.send_header("Location", f"{inside.url}/secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def registry_at(url: str) -> SigesRegistry:
    return SigesRegistry(url, TOKEN, random=lambda: 0.0, sleep=lambda _: None)


@pytest.mark.parametrize("call", CALLS)
def test_no_redirect_is_followed(redirecting: str, inside: ScriptedServer, call: str) -> None:
    with pytest.raises(RegistryUnavailable):
        CALLS[call](registry_at(redirecting))
    assert inside.asked == []


@pytest.mark.parametrize("id_", ["../admin", "x/../../y", "a?b=c", "a#b", "a%2f", "", "x" * 65, "ñ", "a\r\nHost: evil"])
def test_no_id_leads_to_another_path_of_the_registry(inside: ScriptedServer, id_: str) -> None:
    registry = registry_at(inside.url)
    for call in (lambda: registry.schools(id_), lambda: registry.roster("d-1", id_), lambda: registry.roster(id_, "s")):
        with pytest.raises(NotAssigned):
            call()
    assert inside.asked == []
