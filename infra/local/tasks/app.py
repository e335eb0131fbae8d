"""The server put together: API, control plane and page over one store and one dispatcher."""

import fcntl
import functools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from infra.local.tasks.api import api
from infra.local.tasks.control import control
from infra.local.tasks.delivery import IdTokens, deliver
from infra.local.tasks.dispatcher import Dispatcher
from infra.local.tasks.errors import ApiError, JsonObject
from infra.local.tasks.knobs import Knobs
from infra.local.tasks.page import page
from infra.local.tasks.store import Store

LOCK_PATIENCE = 10.0


@dataclass
class Server:
    """One queue's state folder at work; `start` belongs in the process that serves `app`."""

    state: Path
    id_tokens: IdTokens
    queue: str
    rate: JsonObject
    retry: JsonObject
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        self._lock: IO[bytes] | None = None
        self._store = Store(self.state / "tasks.sqlite3")
        knobs = Knobs()
        deliver_task = functools.partial(deliver, id_tokens=self.id_tokens)
        self._dispatcher = Dispatcher(self._store, knobs, deliver_task)
        self.app = Flask(__name__)
        self.app.register_blueprint(api(self._store, self._dispatcher, knobs))
        self.app.register_blueprint(control(self._store, knobs, self._dispatcher))
        self.app.register_blueprint(page(self._store, self._dispatcher))
        self.app.register_error_handler(ApiError, _api_error)
        self.app.register_error_handler(HTTPException, _http_error)
        self.app.add_url_rule("/healthz", "healthz", lambda: {"status": "ok"})

    def start(self) -> None:
        """Opens the state and dispatches from it.

        Raises BlockingIOError when another process works on the same state.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.state / "lock")
        self._store.open()
        self._store.declare_queue(self.queue, self.rate, self.retry)
        self._dispatcher.start()


def _locked(path: Path) -> IO[bytes]:
    """A lock that ends with the process; waits for one that was killed to be gone."""
    file = path.open("wb")
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return file


def _api_error(error: ApiError) -> Response:
    response = jsonify(error.body())
    response.status_code = error.http_status
    return response


def _http_error(error: HTTPException) -> Response:
    status = {404: "NOT_FOUND", 405: "UNIMPLEMENTED"}.get(error.code or 500, "INTERNAL")
    return _api_error(ApiError(status, error.name))
