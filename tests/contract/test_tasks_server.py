"""The Cloud Tasks stand-in's API and its control plane, asked by Google's own client."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.protobuf import field_mask_pb2

from tests.support.cloud_tasks import (
    PARENT,
    QUEUE,
    Cloud,
    Worker,
    called_worker,
    create_with_token,
    eventually,
    made_new,
    seconds,
    started,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with started(tmp_path_factory.mktemp("tasks")) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    return made_new(running)


@pytest.fixture
def worker() -> Iterator[Worker]:
    with called_worker() as worker:
        yield worker


class TestCreatingATask:
    def test_the_answer_tells_its_name_times_and_counts(self, cloud: Cloud, worker: Worker) -> None:
        cloud.deliver_like(hold=True)
        task = cloud.create(worker.url, name=f"{QUEUE}/tasks/lote-1")
        assert task.name == f"{QUEUE}/tasks/lote-1"
        assert task.create_time.microsecond == 0
        assert abs(task.schedule_time - datetime.now(UTC)) < timedelta(minutes=1)
        assert task.dispatch_deadline == timedelta(minutes=10)
        assert (task.dispatch_count, task.response_count) == (0, 0)
        assert task.http_request.http_method == tasks_v2.HttpMethod.POST

    def test_without_a_name_it_gets_one_of_its_own(self, cloud: Cloud, worker: Worker) -> None:
        names = {cloud.create(worker.url).name for _ in range(3)}
        assert len(names) == 3
        assert all(name.startswith(f"{QUEUE}/tasks/") for name in names)

    def test_a_name_that_is_in_use_is_refused(self, cloud: Cloud, worker: Worker) -> None:
        cloud.deliver_like(hold=True)
        cloud.create(worker.url, name=f"{QUEUE}/tasks/one")
        with pytest.raises(exceptions.Conflict, match="Requested entity already exists"):
            cloud.create(worker.url, name=f"{QUEUE}/tasks/one")

    def test_a_name_is_not_free_again_after_delivery(self, cloud: Cloud, worker: Worker) -> None:
        task = cloud.create(worker.url, name=f"{QUEUE}/tasks/one")
        eventually(lambda: cloud.is_gone(task.name))
        with pytest.raises(exceptions.Conflict, match="existed too recently"):
            cloud.create(worker.url, name=task.name)
        assert len(worker.calls) == 1

    def test_an_unknown_queue_is_not_found(self, cloud: Cloud, worker: Worker) -> None:
        with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
            cloud.client.create_task(
                request={"parent": f"{PARENT}/queues/other", "task": {"http_request": {"url": worker.url}}}
            )

    @pytest.mark.parametrize(
        ("task", "reason"),
        [
            ({}, "url is required"),
            ({"http_request": {"url": "ftp://x"}}, "must start with"),
            ({"name": "one"}, "Task name must be formatted"),
            ({"name": f"{QUEUE}/tasks/a b"}, "can contain only letters"),
            ({"name": f"{QUEUE}/tasks/{'a' * 501}"}, "can contain only letters"),
            ({"name": f"{QUEUE}-2/tasks/one"}, "must be the same as the queue name"),
            ({"dispatch_deadline": seconds(14)}, r"between \[15s, 30m\]"),
            ({"dispatch_deadline": seconds(1801)}, r"between \[15s, 30m\]"),
            ({"schedule_time": datetime.now(UTC) + timedelta(days=31)}, "too far in the future"),
            ({"http_request": {"url": "http://x", "body": b"x" * 102_400}}, "size too large"),
            ({"http_request": {"url": "http://x", "http_method": "GET", "body": b"x"}}, "body"),
            ({"http_request": {"url": "http://x", "headers": {"a": "b\r\nc: d"}}}, "header"),
            ({"http_request": {"url": "http://x", "oidc_token": {"audience": "x"}}}, "email"),
        ],
    )
    def test_what_breaks_a_rule_is_refused(self, cloud: Cloud, task: dict[str, Any], reason: str) -> None:
        given = {"http_request": {"url": "http://x"}, **task} if task else task
        with pytest.raises(exceptions.BadRequest, match=reason):
            cloud.client.create_task(request={"parent": QUEUE, "task": given})
        assert list(cloud.client.list_tasks(parent=QUEUE)) == []

    def test_a_body_just_below_the_limit_arrives_whole(self, cloud: Cloud, worker: Worker) -> None:
        body = os.urandom(102_000)
        cloud.create(worker.url, body)
        eventually(lambda: worker.bodies() == [body])

    def test_a_field_that_the_document_does_not_know_is_refused(self, cloud: Cloud) -> None:
        answer = requests.post(f"{cloud.url}/v2/{QUEUE}/tasks", json={"task": {"httpReq": {}}}, timeout=10)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
        assert 'Unknown name "httpReq"' in error["message"]

    @pytest.mark.parametrize("payload", [b"{", b"[]", b'"task"', b"\xff", b"[" * 100_000])
    def test_what_is_no_request_is_refused(self, cloud: Cloud, payload: bytes) -> None:
        answer = requests.post(f"{cloud.url}/v2/{QUEUE}/tasks", data=payload, timeout=10)
        assert answer.status_code == 400
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


class TestReadingAndDeletingTasks:
    def test_only_the_full_view_shows_the_body(self, cloud: Cloud) -> None:
        cloud.deliver_like(hold=True)
        name = cloud.create("http://worker.invalid/", b"batch").name
        basic, full = tasks_v2.Task.View.BASIC, tasks_v2.Task.View.FULL
        shown = {view: cloud.client.get_task(request={"name": name, "response_view": view}) for view in (basic, full)}
        assert shown[basic].http_request.body == b""
        assert shown[full].http_request.body == b"batch"
        assert {view: task.view for view, task in shown.items()} == {basic: basic, full: full}
        listed = cloud.client.list_tasks(request={"parent": QUEUE, "response_view": full})
        assert [task.http_request.body for task in listed] == [b"batch"]
        created = cloud.client.create_task(
            request={
                "parent": QUEUE,
                "task": {"http_request": {"url": "http://worker.invalid/", "body": b"2"}},
                "response_view": full,
            }
        )
        assert created.http_request.body == b"2"

    def test_a_list_comes_in_pages(self, cloud: Cloud) -> None:
        cloud.deliver_like(hold=True)
        names = [cloud.create("http://worker.invalid/").name for _ in range(5)]
        pages = cloud.client.list_tasks(request={"parent": QUEUE, "page_size": 2}).pages
        assert [[task.name for task in page.tasks] for page in pages] == [
            names[:2],
            names[2:4],
            names[4:],
        ]

    @pytest.mark.parametrize("query", [{"page_size": 1001}, {"page_token": "?"}])
    def test_a_wrong_page_is_refused(self, cloud: Cloud, query: dict[str, Any]) -> None:
        with pytest.raises(exceptions.BadRequest):
            cloud.client.list_tasks(request={"parent": QUEUE, **query})

    def test_what_never_was_and_what_was_are_not_found(self, cloud: Cloud, worker: Worker) -> None:
        with pytest.raises(exceptions.NotFound, match="Requested entity was not found"):
            cloud.client.get_task(name=f"{QUEUE}/tasks/never")
        task = cloud.create(worker.url)
        eventually(lambda: cloud.is_gone(task.name))
        with pytest.raises(exceptions.NotFound, match="existed recently"):
            cloud.client.get_task(name=task.name)

    def test_a_deleted_task_is_not_delivered(self, cloud: Cloud, worker: Worker) -> None:
        cloud.deliver_like(hold=True)
        cloud.client.delete_task(name=cloud.create(worker.url, b"deleted").name)
        cloud.create(worker.url, b"kept")
        cloud.deliver_like(hold=False)
        eventually(lambda: cloud.own()["tasks"] == 0)
        assert worker.bodies() == [b"kept"]

    def test_deleting_what_is_not_there_is_not_found(self, cloud: Cloud) -> None:
        with pytest.raises(exceptions.NotFound):
            cloud.client.delete_task(name=f"{QUEUE}/tasks/never")


class TestQueues:
    def test_a_queue_tells_its_limits(self, cloud: Cloud) -> None:
        cloud.configure({"max_concurrent_dispatches": 7}, max_attempts=9, max_backoff=seconds(1.5))
        queue = cloud.client.get_queue(name=QUEUE)
        assert queue.state == tasks_v2.Queue.State.RUNNING
        assert queue.rate_limits.max_concurrent_dispatches == 7
        assert queue.rate_limits.max_dispatches_per_second == 500
        assert queue.retry_config.max_attempts == 9
        assert queue.retry_config.max_backoff == timedelta(seconds=1.5)
        assert [listed.name for listed in cloud.client.list_queues(parent=PARENT)] == [QUEUE]

    def test_an_update_changes_what_its_mask_names_alone(self, cloud: Cloud) -> None:
        cloud.client.update_queue(
            queue=tasks_v2.Queue(
                name=QUEUE,
                retry_config={"max_attempts": 3, "max_doublings": 5},
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["retry_config.max_attempts"]),
        )
        config = cloud.client.get_queue(name=QUEUE).retry_config
        assert (config.max_attempts, config.max_doublings) == (3, 1)

    @pytest.mark.parametrize(
        ("rate", "retry", "reason"),
        [
            ({"max_dispatches_per_second": 501}, {}, "less than or equal to 500"),
            ({"max_concurrent_dispatches": -1}, {}, "cannot be negative"),
            ({}, {"max_attempts": -2}, "greater or equal to -1"),
            ({}, {"min_backoff": seconds(9), "max_backoff": seconds(8)}, "less than or equal"),
        ],
    )
    def test_limits_beyond_what_is_allowed_are_refused(
        self, cloud: Cloud, rate: dict[str, Any], retry: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(exceptions.BadRequest, match=reason):
            cloud.configure(rate, **retry)

    def test_a_paused_queue_takes_tasks_and_delivers_them_when_resumed(self, cloud: Cloud, worker: Worker) -> None:
        assert cloud.client.pause_queue(name=QUEUE).state == tasks_v2.Queue.State.PAUSED
        name = cloud.create(worker.url).name
        assert cloud.client.get_task(name=name).dispatch_count == 0
        cloud.client.resume_queue(name=QUEUE)
        eventually(lambda: cloud.is_gone(name))
        assert len(worker.calls) == 1

    def test_a_purged_queue_is_empty(self, cloud: Cloud) -> None:
        cloud.deliver_like(hold=True)
        name = cloud.create("http://worker.invalid/").name
        purged = cloud.client.purge_queue(name=QUEUE)
        assert abs(purged.purge_time - datetime.now(UTC)) < timedelta(minutes=1)
        assert cloud.is_gone(name)

    def test_what_the_server_does_not_have_says_so(self, cloud: Cloud) -> None:
        with pytest.raises(exceptions.MethodNotImplemented):
            cloud.client.delete_queue(name=QUEUE)


class TestTheControlPlane:
    def test_a_dispatch_can_be_made_to_arrive_twice(self, cloud: Cloud, worker: Worker) -> None:
        cloud.deliver_like(duplicateNext=1)
        worker.gate.clear()
        cloud.create(worker.url, b"twice")
        eventually(lambda: worker.active == 2)
        worker.gate.set()
        cloud.create(worker.url, b"once")
        eventually(lambda: cloud.own()["inFlight"] == 0 and cloud.own()["tasks"] == 0)
        assert worker.bodies() == [b"twice", b"twice", b"once"]
        assert worker.headers("X-CloudTasks-TaskRetryCount") == ["0", "0", "0"]

    def test_an_answer_can_be_lost(self, cloud: Cloud, worker: Worker) -> None:
        cloud.deliver_like(loseAnswers=1)
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.is_gone(name))
        assert len(worker.calls) == 2
        assert cloud.outcomes() == ["lost", "done"]

    def test_tasks_can_be_held_and_let_go_in_reverse(self, cloud: Cloud, worker: Worker) -> None:
        cloud.configure({"max_concurrent_dispatches": 1})
        cloud.deliver_like(hold=True, order="lifo")
        for body in (b"1", b"2", b"3"):
            cloud.create(worker.url, body)
        assert worker.calls == []
        cloud.deliver_like(hold=False)
        eventually(lambda: cloud.own()["tasks"] == 0)
        assert worker.bodies() == [b"3", b"2", b"1"]

    def test_deliveries_can_be_delayed(self, cloud: Cloud, worker: Worker) -> None:
        cloud.deliver_like(delaySeconds=0.5)
        task = cloud.create(worker.url)
        eventually(lambda: len(worker.calls) == 1)
        assert worker.calls[0].at >= task.schedule_time.timestamp() + 0.5

    def test_a_knob_that_does_not_exist_is_refused(self, cloud: Cloud) -> None:
        for knobs in ({"holdd": True}, {"hold": 1}, {"order": "best"}, {"duplicateNext": -1}):
            with pytest.raises(requests.HTTPError):
                cloud.control("PATCH", "delivery", knobs)

    def test_the_api_can_be_made_to_fail_before_it_does_anything(self, cloud: Cloud, worker: Worker) -> None:
        cloud.control("POST", "faults", {"method": "tasks.create", "status": 503, "times": 2})
        for _ in range(2):
            with pytest.raises(exceptions.ServiceUnavailable):
                cloud.create(worker.url)
        assert cloud.own()["tasks"] == 0
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.is_gone(name))
        assert len(worker.calls) == 1

    def test_the_api_can_be_made_to_fail_after_it_has_done_its_work(self, cloud: Cloud, worker: Worker) -> None:
        fault = {"method": "tasks.create", "status": 504, "afterEffect": True}
        cloud.control("POST", "faults", fault)
        with pytest.raises(exceptions.GatewayTimeout):
            cloud.create(worker.url, name=f"{QUEUE}/tasks/one")
        eventually(lambda: len(worker.calls) == 1)
        with pytest.raises(exceptions.Conflict):
            cloud.create(worker.url, name=f"{QUEUE}/tasks/one")

    def test_the_history_tells_what_went_where_and_nothing_that_is_secret(self, cloud: Cloud, worker: Worker) -> None:
        name = create_with_token(cloud, f"{worker.url}?key=secret", body=b"secret")
        eventually(lambda: cloud.is_gone(name))
        history = cloud.control("GET", "history")
        (entry,) = history["dispatches"]
        assert (entry["task"], entry["url"], entry["status"]) == (name, worker.url, 204)
        assert entry["startTime"] <= entry["endTime"]
        assert "secret" not in json.dumps(history)
        assert "id-token-for" not in json.dumps(history)

    def test_a_person_sees_the_queue_in_spanish(self, cloud: Cloud, worker: Worker) -> None:
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.is_gone(name))
        cloud.deliver_like(hold=True)
        waiting = cloud.create(worker.url, body=b"<secret>", name=f"{QUEUE}/tasks/lote-9").name
        page = requests.get(f"{cloud.url}/", timeout=10)
        assert page.status_code == 200
        assert '<html lang="es">' in page.text
        assert "1 tarea en la cola" in page.text
        assert name.rpartition("/")[2] in page.text
        assert waiting.rpartition("/")[2] in page.text
        assert "secret" not in page.text
