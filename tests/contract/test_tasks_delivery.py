"""What the Cloud Tasks stand-in delivers, when, how often, and as whom, seen from the worker."""

import base64
import functools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2

from infra.local.tasks.delivery import deliver, no_tokens
from infra.local.tasks.model import Task as StoredTask
from infra.local.tasks.policy import Pace, RateRules
from tests.support.cloud_tasks import (
    ID_TOKEN_PATH,
    QUEUE,
    Cloud,
    Worker,
    called_worker,
    create_with_token,
    eventually,
    gives_id_tokens,
    gives_no_tokens,
    has_answers,
    made_new,
    seconds,
    started,
)
from tests.support.emulator import free_port
from tests.support.google_edge import SERVICE_ACCOUNT, TOKEN_PATH, claims_of


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


class TestDelivery:
    def test_the_worker_gets_the_request_as_it_was_given(self, cloud: Cloud, worker: Worker) -> None:
        task = cloud.client.create_task(
            parent=QUEUE,
            task=tasks_v2.Task(
                {
                    "name": f"{QUEUE}/tasks/lote-7",
                    "http_request": {
                        "url": f"{worker.url}?a=b",
                        "http_method": "PUT",
                        "headers": {"content-type": "application/json", "X-Own": "yes"},
                        "body": b'{"batch": "7"}',
                    },
                }
            ),
        )
        eventually(lambda: len(worker.calls) == 1)
        call = worker.calls[0]
        assert (call.method, call.path, call.body) == ("PUT", "/run?a=b", b'{"batch": "7"}')
        sent = call.headers
        assert (sent["content-type"], sent["x-own"]) == ("application/json", "yes")
        assert sent["user-agent"] == "Google-Cloud-Tasks"
        assert sent["x-cloudtasks-queuename"] == "resets"
        assert sent["x-cloudtasks-taskname"] == "lote-7"
        assert sent["x-cloudtasks-taskretrycount"] == "0"
        assert sent["x-cloudtasks-taskexecutioncount"] == "0"
        assert float(sent["x-cloudtasks-tasketa"]) == pytest.approx(task.schedule_time.timestamp())
        assert "x-cloudtasks-taskpreviousresponse" not in sent
        assert "authorization" not in sent

    def test_headers_that_only_cloud_tasks_may_set_are_taken_from_nobody(self, cloud: Cloud, worker: Worker) -> None:
        forged = {
            "X-CloudTasks-TaskRetryCount": "9",
            "x-cloudtasks-queuename": "other",
            "X-Google-Internal": "1",
            "X-AppEngine-QueueName": "other",
            "User-Agent": "curl",
            "Host": "elsewhere",
        }
        task = tasks_v2.Task(http_request={"url": worker.url, "headers": forged})
        cloud.client.create_task(parent=QUEUE, task=task)
        eventually(lambda: len(worker.calls) == 1)
        sent = worker.calls[0].headers
        assert sent["x-cloudtasks-taskretrycount"] == "0"
        assert sent["x-cloudtasks-queuename"] == "resets"
        assert sent["user-agent"] == "Google-Cloud-Tasks"
        assert sent["host"] in worker.url
        assert not [name for name in sent if name.lower().startswith(("x-google-", "x-appengine-"))]

    def test_after_a_failure_it_comes_again_and_tells_what_happened_before(self, cloud: Cloud, worker: Worker) -> None:
        worker.answers = [503, 404, 204]
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.is_gone(name))
        assert worker.headers("X-CloudTasks-TaskRetryCount") == ["0", "1", "2"]
        assert worker.headers("X-CloudTasks-TaskExecutionCount") == ["0", "0", "1"]
        assert worker.headers("X-CloudTasks-TaskPreviousResponse") == [None, "503", "404"]
        assert worker.headers("X-CloudTasks-TaskRetryReason") == [None, "", ""]
        assert cloud.outcomes() == ["retry", "retry", "done"]

    def test_a_redirect_is_a_failure(self, cloud: Cloud, worker: Worker) -> None:
        worker.answers = [(302, {"Location": "/elsewhere"}), 200]
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.is_gone(name))
        assert [call.path for call in worker.calls] == ["/run", "/run"]

    def test_a_worker_that_nobody_runs_is_tried_again(self, cloud: Cloud) -> None:
        name = cloud.create(f"http://127.0.0.1:{free_port()}/").name
        eventually(lambda: cloud.client.get_task(name=name).dispatch_count >= 2)
        task = cloud.client.get_task(name=name)
        assert task.response_count == 0
        assert task.first_attempt.dispatch_time <= task.last_attempt.dispatch_time

    def test_a_worker_that_misses_the_deadline_counts_as_failed(self, worker: Worker) -> None:
        worker.gate.clear()
        late = threading.Timer(3, worker.gate.set)
        late.start()
        answer = deliver(stored_task(worker.url, deadline=0.2), no_tokens)
        late.cancel()
        assert (answer.status, answer.received, answer.succeeded) == (504, False, False)

    def test_a_failed_attempt_is_told_to_whoever_asks(self, cloud: Cloud, worker: Worker) -> None:
        cloud.configure(min_backoff=seconds(600), max_backoff=seconds(3600))
        worker.answers = [500]
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.client.get_task(name=name).response_count == 1)
        attempt = cloud.client.get_task(name=name).last_attempt
        assert attempt.response_status.code == 13
        assert attempt.response_status.message == "INTERNAL(13): HTTP status code 500"
        assert attempt.schedule_time <= attempt.dispatch_time <= attempt.response_time

    def test_a_task_waits_for_its_time(self, cloud: Cloud, worker: Worker) -> None:
        due = datetime.now(UTC) + timedelta(seconds=1)
        cloud.create(worker.url, schedule_time=due)
        eventually(lambda: len(worker.calls) == 1)
        assert worker.calls[0].at >= due.timestamp()

    def test_no_more_go_out_at_once_than_the_queue_allows(self, cloud: Cloud, worker: Worker) -> None:
        cloud.configure({"max_concurrent_dispatches": 2})
        worker.gate.clear()
        for _ in range(6):
            cloud.create(worker.url)
        eventually(lambda: worker.active == 2)
        assert (cloud.own()["inFlight"], cloud.own()["tasks"]) == (2, 6)
        worker.gate.set()
        eventually(lambda: cloud.own()["tasks"] == 0)
        assert (len(worker.calls), worker.most_active) == (6, 2)

    def test_a_queue_spends_its_burst_and_then_keeps_its_rate(self) -> None:
        pace = Pace(RateRules(max_dispatches_per_second=2), now=0.0)
        waits = []
        for _ in range(12):
            waits.append(pace.wait(now=0.0))
            pace.take()
        assert waits == [0.0] * 10 + [0.5, 1.0]
        assert pace.wait(now=1.5) == 0.0

    def test_run_delivers_at_once_even_when_the_queue_is_paused(self, cloud: Cloud, worker: Worker) -> None:
        cloud.client.pause_queue(name=QUEUE)
        name = cloud.create(worker.url, schedule_time=datetime.now(UTC) + timedelta(days=1)).name
        assert cloud.client.run_task(name=name).dispatch_count == 1
        eventually(lambda: cloud.is_gone(name))
        assert len(worker.calls) == 1


class TestRetrying:
    def test_the_pause_doubles_then_grows_evenly_up_to_the_longest(self, cloud: Cloud, worker: Worker) -> None:
        cloud.configure(min_backoff=seconds(10), max_backoff=seconds(300), max_doublings=3)
        pauses = [pause for _, pause in forced_failures(cloud, worker, 8)]
        assert pauses == pytest.approx([10, 20, 40, 80, 160, 240, 300, 300], abs=1)

    def test_it_is_dropped_when_attempts_and_duration_are_both_used_up(self, cloud: Cloud, worker: Worker) -> None:
        cloud.configure(max_attempts=2, max_retry_duration=seconds(3600))
        forced_failures(cloud, worker, 4)
        assert cloud.own()["tasks"] == 1
        cloud.configure(max_attempts=5, max_retry_duration=seconds(0.001))
        cloud.client.resume_queue(name=QUEUE)
        worker.answers = [500] * 10
        eventually(lambda: cloud.own()["tasks"] == 0)
        assert len(worker.calls) == 5
        assert cloud.outcomes() == ["retry"] * 4 + ["dropped"]

    def test_without_a_duration_the_attempts_alone_decide(self, cloud: Cloud, worker: Worker) -> None:
        cloud.configure(max_attempts=3)
        worker.answers = [500] * 10
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.is_gone(name))
        assert len(worker.calls) == 3

    def test_retry_after_is_heeded(self, cloud: Cloud, worker: Worker) -> None:
        worker.answers = [(429, {"Retry-After": "120"})]
        name = cloud.create(worker.url).name
        eventually(lambda: cloud.client.get_task(name=name).response_count == 1)
        task = cloud.client.get_task(name=name)
        pause = task.schedule_time - task.last_attempt.response_time
        assert pause.total_seconds() == pytest.approx(120, abs=1)

    @pytest.mark.parametrize(("status", "slower"), [(429, True), (503, True), (500, False)])
    def test_a_worker_that_is_too_busy_slows_the_queue_until_it_succeeds(
        self, cloud: Cloud, worker: Worker, status: int, slower: bool
    ) -> None:
        cloud.client.pause_queue(name=QUEUE)
        before = cloud.own()["effectiveDispatchesPerSecond"]
        worker.answers = [status, 200]
        name = cloud.create(worker.url).name
        cloud.client.run_task(name=name)
        eventually(lambda: cloud.client.get_task(name=name).response_count == 1)
        assert (cloud.own()["effectiveDispatchesPerSecond"] < before) == slower
        cloud.client.run_task(name=name)
        eventually(lambda: cloud.is_gone(name))
        assert cloud.own()["effectiveDispatchesPerSecond"] == before


class TestIdTokens:
    def test_the_token_is_asked_for_the_account_and_the_url(self, cloud: Cloud, worker: Worker) -> None:
        create_with_token(cloud, worker.url)
        eventually(lambda: len(worker.calls) == 1)
        assert worker.headers("Authorization") == [f"Bearer id-token-for-{worker.url}"]
        (asked,) = cloud.iam.asked_for(ID_TOKEN_PATH)
        assert asked.json == {"audience": worker.url, "includeEmail": True}

    def test_a_given_audience_is_kept(self, cloud: Cloud, worker: Worker) -> None:
        create_with_token(cloud, worker.url, audience="https://worker.example")
        eventually(lambda: len(worker.calls) == 1)
        assert worker.headers("Authorization") == ["Bearer id-token-for-https://worker.example"]

    def test_iam_is_asked_as_the_holder_of_the_key_file(self, tmp_path: Path, worker: Worker) -> None:
        with started(tmp_path) as cloud:
            create_with_token(cloud, worker.url)
            eventually(lambda: len(worker.calls) == 1)
            (asked,) = cloud.iam.asked_for(TOKEN_PATH)
        claims = claims_of(asked.form["assertion"])
        assert claims["iss"] == SERVICE_ACCOUNT
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"

    def test_without_a_token_the_attempt_fails_and_the_worker_hears_nothing(self, cloud: Cloud, worker: Worker) -> None:
        gives_no_tokens(cloud.iam)
        name = create_with_token(cloud, worker.url)
        eventually(lambda: cloud.client.get_task(name=name).dispatch_count >= 2)
        assert worker.calls == []
        assert cloud.client.get_task(name=name).response_count == 0
        gives_id_tokens(cloud.iam)
        eventually(lambda: cloud.is_gone(name))
        assert len(worker.calls) == 1


class TestSurviving:
    @pytest.fixture
    def mortal(self, tmp_path: Path) -> Iterator[Cloud]:
        with started(tmp_path) as cloud:
            yield cloud

    def test_what_was_under_way_at_a_sudden_death_is_delivered_again(self, mortal: Cloud, worker: Worker) -> None:
        done = mortal.create(worker.url, b"done").name
        eventually(lambda: mortal.is_gone(done))
        worker.gate.clear()
        underway = mortal.create(worker.url, b"under way").name
        eventually(lambda: worker.active == 1)
        later = mortal.create(worker.url, b"later", schedule_time=datetime.now(UTC) + timedelta(days=1)).name
        mortal.kill()
        worker.gate.set()
        mortal.start()
        eventually(lambda: mortal.is_gone(underway))
        assert worker.bodies() == [b"done", b"under way", b"under way"]
        assert worker.headers("X-CloudTasks-TaskRetryCount") == ["0", "0", "1"]
        assert [task.name for task in mortal.client.list_tasks(parent=QUEUE)] == [later]
        with pytest.raises(exceptions.Conflict):
            mortal.create(worker.url, name=done)


def forced_failures(cloud: Cloud, worker: Worker, times: int) -> list[tuple[int, float]]:
    """Runs one task of a paused queue until it has failed so often: attempts, pause after it."""
    cloud.client.pause_queue(name=QUEUE)
    worker.answers = [500] * times
    name = cloud.create(worker.url).name
    pauses = []
    for attempt in range(1, times + 1):
        cloud.client.run_task(name=name)
        eventually(functools.partial(has_answers, cloud, name, attempt))
        task = cloud.client.get_task(name=name)
        pause = task.schedule_time - task.last_attempt.response_time
        pauses.append((task.dispatch_count, pause.total_seconds()))
    return pauses


def stored_task(url: str, deadline: float) -> StoredTask:
    body = base64.b64encode(b"x").decode()
    request = {"url": url, "httpMethod": "POST", "headers": {}, "body": body}
    return StoredTask(f"{QUEUE}/tasks/one", QUEUE, request, deadline, created=0.0, scheduled=0.0, dispatches=1)
