"""What an answer means to the queue, and who may call at all."""

import json
from collections.abc import Callable
from functools import partial

import flask
import pytest

from secciones.domain.errors import (
    BatchNotFound,
    CallerRefused,
    DirectoryUnavailable,
    LeaseHeld,
    LeaseLost,
    SignInUnavailable,
)
from secciones.tasks.answers import MalformedTask, answer
from secciones.tasks.batch_task import work_on_batch
from secciones.tasks.callers import Caller
from secciones.tasks.sweep_task import Sweeper, sweep_once
from tests.support.fakes import FakeClock
from tests.support.world import World


class Verifier:
    """Knows one token."""

    def verify(self, token: str, audience: str, service_account: str) -> None:
        if (token, audience, service_account) != ("good", "https://worker", "tasks@x"):
            raise CallerRefused("unknown")


CALLER = Caller(Verifier(), "https://worker", "tasks@x", None, FakeClock())


def raising(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def post(body: object, token: str = "good") -> flask.Request:
    with flask.Flask("test").test_request_context(
        "/",
        method="POST",
        data=body if isinstance(body, bytes) else json.dumps(body),
        headers={"Authorization": f"Bearer {token}"},
    ) as context:
        return context.request


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CallerRefused("x"), 401),
        (MalformedTask(), 200),
        (BatchNotFound(), 200),
        (LeaseHeld(), 409),
        (LeaseLost(), 409),
        (DirectoryUnavailable("quotaExceeded"), 500),
        (SignInUnavailable(), 500),
        (KeyError("a child's name"), 500),
    ],
)
def test_an_error_is_brought_again_or_dropped(error: Exception, status: int) -> None:
    response = answer(raising(error))
    assert response.status_code == status
    assert "child" not in response.get_data(as_text=True)


def test_no_answer_slows_the_whole_queue_down() -> None:
    errors = [CallerRefused("x"), LeaseHeld(), DirectoryUnavailable("x"), RuntimeError()]
    assert not {answer(raising(error)).status_code for error in errors} & {429, 503}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        [],
        {},
        {"batch": 1},
        {"batch": "../x"},
        {"batch": "a" * 10_000},
        {"batch": None},
        b"\xff\xfe",
        {"batch": "A" * 26},
    ],
)
def test_a_body_that_is_no_task_touches_nothing(world: World, body: object) -> None:
    response = answer(lambda: work_on_batch(post(body), CALLER, world.worker))
    assert response.status_code == 200
    assert not world.directory.passwords


def test_only_the_platform_may_start_a_batch(world: World) -> None:
    batch_id = world.submit()
    for token in ("", "forged", "good" * 3000):
        request = post({"batch": batch_id}, token)
        assert answer(partial(work_on_batch, request, CALLER, world.worker)).status_code == 401
    assert not world.directory.passwords
    assert answer(lambda: work_on_batch(post({"batch": batch_id}), CALLER, world.worker)).status_code == 200
    assert len(world.directory.passwords) == 3


def test_the_body_says_nothing_but_which_batch(world: World) -> None:
    """Students, accounts or a recipient in the body are not listened to."""
    batch_id = world.submit("e-0")
    body = {"batch": batch_id, "students": ["e-1"], "teacher_address": "thief@x", "account": "g-2"}
    answer(lambda: work_on_batch(post(body), CALLER, world.worker))
    assert set(world.directory.held()) == {"g-0"}
    assert world.mailer.sent[0].to == world.batch(batch_id).teacher_address


def test_only_the_platform_may_start_a_sweep(world: World) -> None:
    sweeper = Sweeper(world.documents, world.queue, world.audit, world.clock, world.documents)
    assert answer(lambda: sweep_once(post({}, "forged"), CALLER, sweeper)).status_code == 401
    assert not world.audit.outcomes("sweep")
    assert answer(lambda: sweep_once(post({}), CALLER, sweeper)).status_code == 200
    assert world.audit.outcomes("sweep") == ["done"]
