"""What TaskQueue promises, of the adapter for Cloud Tasks: over REST, and over gRPC as in the cloud."""

import base64
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.cloud.tasks_v2 import CreateTaskRequest, HttpMethod, Task
from google.oauth2.credentials import Credentials

from secciones.adapters import cloud_tasks
from secciones.adapters.cloud_tasks import CloudTasksQueue
from secciones.domain.errors import QueueUnavailable
from tests.support.google_edge import private_key, status_error
from tests.support.scripted_http import Answer, HangUp, Reply, ScriptedServer, Silence, scripted_server

QUEUE = "projects/secciones-local/locations/us-central1/queues/resets"
TASKS = f"/v2/{QUEUE}/tasks"
WORKER = "https://worker.example.org/tarea"
CALLER = "tasks@secciones-local.iam.gserviceaccount.com"
BATCH = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.on(TASKS, Answer(body={"name": f"{QUEUE}/tasks/{BATCH}-1"}))
        yield server


def queue_at(endpoint: str) -> CloudTasksQueue:
    return CloudTasksQueue(lambda: Credentials(token="secret token"), endpoint, QUEUE, WORKER, CALLER)


def test_a_task_carries_the_batch_id_and_nothing_else(server: ScriptedServer) -> None:
    queue_at(server.url).enqueue(BATCH, 1)

    (asked,) = server.asked_for(TASKS)
    request = asked.json["task"]["httpRequest"]
    assert json.loads(base64.b64decode(request["body"])) == {"batch": BATCH}
    assert (HttpMethod(request["httpMethod"]), request["url"]) == (HttpMethod.POST, WORKER)
    assert request["headers"] == {"Content-Type": "application/json"}


def test_the_worker_is_called_by_the_queues_service_account(server: ScriptedServer) -> None:
    queue_at(server.url).enqueue(BATCH, 1)

    (asked,) = server.asked_for(TASKS)
    assert asked.json["task"]["httpRequest"]["oidcToken"] == {"serviceAccountEmail": CALLER, "audience": WORKER}
    assert asked.json["task"]["dispatchDeadline"] == "600s"


def test_a_task_is_named_after_its_batch_and_number(server: ScriptedServer) -> None:
    queue = queue_at(server.url)

    queue.enqueue(BATCH, 1)
    queue.enqueue(BATCH, 2)

    assert [asked.json["task"]["name"] for asked in server.asked_for(TASKS)] == [
        f"{QUEUE}/tasks/{BATCH}-1",
        f"{QUEUE}/tasks/{BATCH}-2",
    ]


def test_a_task_that_is_there_already_is_a_success(server: ScriptedServer) -> None:
    server.on(TASKS, Answer(body={}), status_error(409, "ALREADY_EXISTS"))
    queue = queue_at(server.url)

    queue.enqueue(BATCH, 1)
    queue.enqueue(BATCH, 1)

    first, second = server.asked_for(TASKS)
    assert first.json == second.json


def test_no_token_travels_in_the_clear(server: ScriptedServer) -> None:
    queue_at(server.url).enqueue(BATCH, 1)

    (asked,) = server.asked_for(TASKS)
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(status_error(409, "ABORTED"), "ABORTED", id="another conflict"),
        pytest.param(status_error(403, "PERMISSION_DENIED"), "PERMISSION_DENIED", id="no right"),
        pytest.param(status_error(404, "NOT_FOUND"), "NOT_FOUND", id="no such queue"),
        pytest.param(status_error(429, "RESOURCE_EXHAUSTED"), "RESOURCE_EXHAUSTED", id="quota"),
        pytest.param(status_error(503, "UNAVAILABLE"), "UNAVAILABLE", id="overload"),
        pytest.param(Answer(502, b"<html>", "text/html"), "HTTP 502", id="502 without JSON"),
        pytest.param(Answer(409, b"<html>", "text/html"), "HTTP 409", id="409 without JSON"),
        pytest.param(HangUp(), "ConnectionError", id="connection closed"),
        pytest.param(Answer(200, b"{"), "ParseError", id="half an answer"),
    ],
)
def test_any_other_failure_is_an_unavailable_queue(server: ScriptedServer, reply: Reply, told: str) -> None:
    server.on(TASKS, reply)

    with pytest.raises(QueueUnavailable, match=told):
        queue_at(server.url).enqueue(BATCH, 1)


def test_a_queue_without_answer_is_given_up(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_tasks, "TIMEOUT_SECONDS", 0.1)
    server.on(TASKS, Silence())

    with pytest.raises(QueueUnavailable):
        queue_at(server.url).enqueue(BATCH, 1)


def test_a_queue_that_is_not_there_is_unavailable() -> None:
    with scripted_server() as gone:
        endpoint = gone.url

    with pytest.raises(QueueUnavailable):
        queue_at(endpoint).enqueue(BATCH, 1)


class GrpcQueue:
    """Cloud Tasks' CreateTask over gRPC; answers with the task, or with a status."""

    def __init__(self, status: grpc.StatusCode | None) -> None:
        self.asked: list[tuple[Task, dict[str, str]]] = []
        self._status = status

    @property
    def handler(self) -> Any:
        method = grpc.unary_unary_rpc_method_handler(self.create_task, CreateTaskRequest.deserialize, Task.serialize)
        return grpc.method_handlers_generic_handler("google.cloud.tasks.v2.CloudTasks", {"CreateTask": method})

    def create_task(self, request: CreateTaskRequest, context: Any) -> Task:
        self.asked.append((request.task, dict(context.invocation_metadata())))
        if self._status is not None:
            context.abort(self._status, "No.")
        return request.task


@contextmanager
def grpc_queue(folder: Path, status: grpc.StatusCode | None) -> Iterator[tuple[GrpcQueue, str, Path]]:
    """A gRPC queue with TLS, its endpoint, and the certificate to trust."""
    certificate = folder / "certificate.pem"
    key = private_key("tls").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate.write_bytes(certificate_of_localhost())
    queue = GrpcQueue(status)
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[queue.handler])
    credentials = grpc.ssl_server_credentials([(key, certificate.read_bytes())])
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        yield queue, f"https://localhost:{port}", certificate
    finally:
        server.stop(0).wait()


def certificate_of_localhost() -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key("tls").public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private_key("tls"), SHA256())
        .public_bytes(Encoding.PEM)
    )


def enqueued_over(endpoint: str, certificate: Path) -> str:
    """What came of a task in a process of its own: gRPC reads the certificates to trust once a process."""
    program = """
        import sys
        from google.oauth2.credentials import Credentials
        from secciones.adapters.cloud_tasks import CloudTasksQueue
        from secciones.domain.errors import QueueUnavailable
        queue = CloudTasksQueue(lambda: Credentials(token="own token"), *sys.argv[1:5])
        try:
            queue.enqueue(sys.argv[5], 7)
            print("enqueued")
        except QueueUnavailable as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), endpoint, QUEUE, WORKER, CALLER, BATCH],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(sys.path), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certificate)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        pytest.param(None, "enqueued", id="created"),
        pytest.param(grpc.StatusCode.ALREADY_EXISTS, "enqueued", id="there already"),
        pytest.param(grpc.StatusCode.ABORTED, "task queue: ABORTED", id="another conflict"),
        pytest.param(grpc.StatusCode.UNAVAILABLE, "task queue: UNAVAILABLE", id="overload"),
    ],
)
def test_over_https_the_same_holds_with_grpc_and_the_functions_own_token(
    tmp_path: Path, status: grpc.StatusCode | None, outcome: str
) -> None:
    with grpc_queue(tmp_path, status) as (queue, endpoint, certificate):
        assert enqueued_over(endpoint, certificate) == outcome

    ((task, metadata),) = queue.asked
    assert task.name == f"{QUEUE}/tasks/{BATCH}-7"
    assert json.loads(task.http_request.body) == {"batch": BATCH}
    assert task.http_request.oidc_token.audience == WORKER
    assert metadata["authorization"] == "Bearer own token"
