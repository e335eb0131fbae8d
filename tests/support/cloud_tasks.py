"""The Cloud Tasks stand-in as a process of its own, Google's client to it, and a worker to be called."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import tasks_v2
from google.protobuf import duration_pb2
from requests.structures import CaseInsensitiveDict

from tests.support.emulator import end_process_group, free_port
from tests.support.google_edge import TOKEN_PATH, give_tokens, key_file_content
from tests.support.scripted_http import Answer, Asked, ScriptedServer, scripted_server

PARENT = "projects/secciones-local/locations/us-central1"
QUEUE = f"{PARENT}/queues/resets"
CALLER = "tasks@secciones-local.iam.gserviceaccount.com"
ID_TOKEN_PATH = f"/v1/projects/-/serviceAccounts/{CALLER}:generateIdToken"
PATIENCE = 30.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Received:
    """A call as the worker got it."""

    method: str
    path: str
    headers: CaseInsensitiveDict[str]
    body: bytes
    at: float


@dataclass
class Worker:
    """A worker that answers 204, or what `answers` says, one status or (status, headers) a call."""

    url: str = ""
    calls: list[Received] = field(default_factory=list)
    answers: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    active: int = 0
    most_active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, call: Received) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.calls.append(call)
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            answer = self.answers.pop(0) if self.answers else 204
        self.gate.wait(PATIENCE)
        with self.lock:
            self.active -= 1
        return answer if isinstance(answer, tuple) else (answer, {})

    def bodies(self) -> list[bytes]:
        return [call.body for call in self.calls]

    def headers(self, name: str) -> list[str | None]:
        return [call.headers.get(name) for call in self.calls]


@contextlib.contextmanager
def called_worker() -> Iterator[Worker]:
    """A worker that listens on a free port."""
    worker = Worker()
    worker.gate.set()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(worker))
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    worker.url = f"http://127.0.0.1:{listener.server_port}/run"
    try:
        yield worker
    finally:
        worker.gate.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def _handler(worker: Worker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = CaseInsensitiveDict(self.headers.items())
            status, extra = worker.serve(Received(self.command, self.path, headers, body, time.time()))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                for name, value in {"Content-Length": "0", **extra}.items():
                    self.send_header(name, value)
                self.end_headers()

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, *_: object) -> None:
            """Nothing: a test says what it wants to know."""

    return Handler


def gives_id_tokens(iam: ScriptedServer) -> None:
    """Let it work, from now on."""

    def id_token(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != "Bearer ya29.token":
            return Answer(401)
        return Answer(body={"token": f"id-token-for-{asked.json['audience']}"})

    give_tokens(iam)
    iam.on(ID_TOKEN_PATH, id_token)


def gives_no_tokens(iam: ScriptedServer) -> None:
    """Let it fail, from now on."""
    iam.on(TOKEN_PATH, Answer(503))
    iam.on(ID_TOKEN_PATH, Answer(503))


@dataclass
class Cloud:
    """The server under test, as a process of its own, and Google's client to it."""

    state: Path
    iam: ScriptedServer
    key_file: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def client(self) -> tasks_v2.CloudTasksClient:
        return tasks_v2.CloudTasksClient(
            credentials=AnonymousCredentials(),
            transport="rest",
            client_options={"api_endpoint": self.url},
        )

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "infra.local.tasks", "--port", str(self.port)),
            *("--state", str(self.state), "--token-url", self.iam.url),
            *("--credentials", str(self.key_file)),
        ]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self.is_ready)

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        return False

    def stop(self) -> None:
        if self.process is not None:
            end_process_group(self.process)

    def kill(self) -> None:
        """As a machine that loses its power: nothing gets to clean up."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        end_process_group(self.process)

    def control(self, verb: str, path: str, body: object = None) -> Any:
        answer = requests.request(verb, f"{self.url}/_control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def deliver_like(self, **knobs: object) -> None:
        self.control("PATCH", "delivery", knobs)

    def configure(self, rate: dict[str, Any] | None = None, **retry: Any) -> None:
        queue = tasks_v2.Queue(name=QUEUE, rate_limits=rate, retry_config=retry)
        self.client.update_queue(queue=queue)

    def create(self, url: str, body: bytes = b"", **fields: Any) -> tasks_v2.Task:
        return self.client.create_task(
            parent=QUEUE, task=tasks_v2.Task(http_request={"url": url, "body": body}, **fields)
        )

    def is_gone(self, name: str) -> bool:
        try:
            self.client.get_task(name=name)
        except exceptions.NotFound:
            return True
        return False

    def outcomes(self) -> list[str]:
        return [entry["outcome"] for entry in self.control("GET", "history")["dispatches"]]

    def own(self) -> Any:
        """What the control plane says of the one queue."""
        return self.control("GET", "state")["queues"][0]


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Cloud]:
    """A server with its state and its key file in the folder; gone at the end."""
    key_file = folder / "key.json"
    with scripted_server() as iam:
        gives_id_tokens(iam)
        key_file.write_text(json.dumps(key_file_content(iam.url + TOKEN_PATH)))
        cloud = Cloud(folder / "state", iam, key_file)
        try:
            cloud.start()
            yield cloud
        finally:
            cloud.stop()


def made_new(cloud: Cloud) -> Cloud:
    """The same server with nothing in its queue, which tries again almost at once."""
    cloud.control("POST", "reset")
    gives_id_tokens(cloud.iam)
    cloud.iam.asked.clear()
    cloud.configure(
        {"max_dispatches_per_second": 500, "max_concurrent_dispatches": 100},
        max_attempts=100,
        max_retry_duration=seconds(0),
        min_backoff=seconds(0.05),
        max_backoff=seconds(0.1),
        max_doublings=1,
    )
    return cloud


def seconds(amount: float) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=int(amount), nanos=round(amount % 1 * 1e9))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def has_answers(cloud: Cloud, name: str, count: int) -> bool:
    """Whether the task has got so many answers."""
    return bool(cloud.client.get_task(name=name).response_count == count)


def create_with_token(cloud: Cloud, url: str, audience: str = "", body: bytes = b"") -> str:
    token = {"service_account_email": CALLER, "audience": audience}
    task = tasks_v2.Task(http_request={"url": url, "oidc_token": token, "body": body})
    return str(cloud.client.create_task(parent=QUEUE, task=task).name)
