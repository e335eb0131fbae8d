"""An HTTP server whose answers a test writes: the edge at which Google's clients, which stay real, are met."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    raw_path: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Answer:
    """What to answer: `body` is bytes, or what becomes JSON."""

    status: int = 200
    body: Any = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class HangUp:
    """Close the connection instead of an answer."""


class Silence:
    """Keep the connection open and never answer."""


Reply = Answer | HangUp | Silence
Script = Callable[[Asked], Reply]


class ScriptedServer:
    """Answers by path; a path without a script is a 404 without JSON. Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self.over = threading.Event()
        self._scripts: dict[str, Script] = {}

    def on(self, path: str, *replies: Reply | Script) -> None:
        """Play these replies to requests for the path, in order, the last one for ever."""
        queue = list(replies)
        lock = threading.Lock()

        def script(asked: Asked) -> Reply:
            with lock:
                reply = queue.pop(0) if len(queue) > 1 else queue[0]
            return reply if isinstance(reply, Answer | HangUp | Silence) else reply(asked)

        self._scripts[path] = script

    def asked_for(self, path: str) -> Sequence[Asked]:
        """The requests for a path, in order."""
        return [asked for asked in self.asked if asked.path == path]

    def reply_to(self, asked: Asked) -> Reply:
        """Note the request and find the reply."""
        self.asked.append(asked)
        script = self._scripts.get(asked.path)
        return script(asked) if script else Answer(404, b"<html>no such page</html>", "text/html")


@contextlib.contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A running server on a free port of the loopback address."""
    server = ScriptedServer()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listener.daemon_threads = True
    server.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def answer(self) -> None:
            reply = server.reply_to(self.asked())
            if isinstance(reply, Silence):
                server.over.wait(10)
            if not isinstance(reply, Answer):
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_PATCH = do_PUT = answer

        def asked(self) -> Asked:
            address = urlsplit(self.path)
            return Asked(
                method=self.command,
                raw_path=address.path,
                path=unquote(address.path),
                query={name: values[0] for name, values in parse_qs(address.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )

        def log_message(self, *_: object) -> None:
            """Nothing: a test says what it wants to know."""

    return Handler
