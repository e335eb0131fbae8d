"""What TaskQueue promises, of the adapter for Cloud Tasks; what it sends is read as Google's own client reads it."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.cloud.tasks_v2 import HttpMethod, Task

from secciones.adapters import cloud_tasks
from secciones.adapters.access_token import NoToken
from secciones.adapters.cloud_tasks import CloudTasksQueue
from secciones.domain.errors import QueueUnavailable
from tests.support.google_edge import status_error
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
    return CloudTasksQueue(lambda: "own token", endpoint, QUEUE, WORKER, CALLER)


def task_of(server: ScriptedServer) -> Task:
    """What was sent, by Google's client, which refuses a field that it does not know."""
    (asked,) = server.asked_for(TASKS)
    assert set(asked.json) == {"task"}
    task: Task = Task.from_json(json.dumps(asked.json["task"]))
    return task


def test_a_task_carries_the_batch_id_and_nothing_else(server: ScriptedServer) -> None:
    queue_at(server.url).enqueue(BATCH, 1)

    request = task_of(server).http_request
    assert json.loads(request.body) == {"batch": BATCH}
    assert (request.http_method, request.url) == (HttpMethod.POST, WORKER)
    assert dict(request.headers) == {"Content-Type": "application/json"}


def test_the_worker_is_called_by_the_queues_service_account(server: ScriptedServer) -> None:
    queue_at(server.url).enqueue(BATCH, 1)

    task = task_of(server)
    token = task.http_request.oidc_token
    assert (token.service_account_email, token.audience) == (CALLER, WORKER)
    assert task.dispatch_deadline == timedelta(minutes=10)


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


def test_the_queue_is_told_by_the_functions_own_account(server: ScriptedServer) -> None:
    queue_at(server.url).enqueue(BATCH, 1)

    (asked,) = server.asked_for(TASKS)
    assert asked.headers["authorization"] == "Bearer own token"


def test_without_a_token_the_queue_is_unavailable(server: ScriptedServer) -> None:
    def no_token() -> str:
        raise NoToken("none", is_passing=True)

    with pytest.raises(QueueUnavailable):
        CloudTasksQueue(no_token, server.url, QUEUE, WORKER, CALLER).enqueue(BATCH, 1)
    assert server.asked == []


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
        pytest.param(HangUp(), "ProtocolError", id="connection closed"),
        pytest.param(Answer(302, b"", "text/plain"), "HTTP 302", id="a redirection"),
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
