"""Threat: someone calls the worker or the sweeper as if they were the platform. Guard: both verify the token
themselves, and the task's body is a batch's id and nothing else.

Take `caller.check` out of a task, or any claim out of OidcCallerVerifier, and a test here turns red.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import flask
import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account

from infra.local.configuration import FIRST_FUNCTION, FUNCTIONS
from infra.local.configuration import service_account as account_of
from secciones.adapters.google_oidc import OidcCallerVerifier
from secciones.domain.errors import DocumentsUnavailable
from secciones.tasks import answers
from secciones.tasks.batch_task import work_on_batch
from secciones.tasks.callers import Caller
from secciones.tasks.sweep_task import Sweeper, sweep_once
from tests.support.issuer import Issuer
from tests.support.scripted_http import scripted_server
from tests.support.stack import Stack
from tests.support.world import World

AUDIENCE = "https://worker.example"
CALLER = "tasks@secciones.example"
GOOD: dict[str, Any] = {"aud": AUDIENCE, "email": CALLER, "sub": "1"}
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"

Forged = Callable[[Issuer], str]
FORGED: dict[str, Forged] = {
    "none": lambda issuer: "",
    "empty": lambda issuer: "Bearer ",
    "nonsense": lambda issuer: "Bearer a.b.c",
    "another scheme": lambda issuer: f"Basic {issuer.token(**GOOD)}",
    "wrong audience": lambda issuer: f"Bearer {issuer.token(**GOOD | {'aud': 'https://sweeper.example'})}",
    "no audience": lambda issuer: f"Bearer {issuer.token(**GOOD | {'aud': None})}",
    "other service account": lambda issuer: f"Bearer {issuer.token(**GOOD | {'email': 'login@secciones.example'})}",
    "no address": lambda issuer: f"Bearer {issuer.token(**GOOD | {'email': None})}",
    "unverified address": lambda issuer: f"Bearer {issuer.token(**GOOD | {'email_verified': False})}",
    "expired": lambda issuer: f"Bearer {issuer.token(**GOOD | {'iat': 1_000_000_000, 'exp': 1_000_003_600})}",
    "not yet": lambda issuer: f"Bearer {issuer.token(**GOOD | {'iat': 4_000_000_000, 'exp': 4_000_003_600})}",
    "without end": lambda issuer: f"Bearer {issuer.token(**GOOD | {'exp': None})}",
    "alg none": lambda issuer: f"Bearer {issuer.unsigned(**GOOD)}",
    "the public key as a secret": lambda issuer: f"Bearer {issuer.signed_with_the_public_key(**GOOD)}",
    "another issuer's": lambda issuer: f"Bearer {issuer.token(**GOOD | {'iss': 'https://evil.example'})}",
    "Google's name without scheme": lambda issuer: f"Bearer {issuer.token(**GOOD | {'iss': 'accounts.google.com'})}",
    "another key under our id": lambda issuer: f"Bearer {issuer.token('stolen', **GOOD)}",
    "a key that nobody has": lambda issuer: f"Bearer {issuer.token('stolen', key_id='stolen', **GOOD)}",
    "huge": lambda issuer: f"Bearer {issuer.token(**GOOD | {'x': 'y' * 20_000})}",
}
# What only Cloud Tasks is allowed to send; Cloud Run lets anybody.
PLATFORM = {
    "X-CloudTasks-QueueName": "resets",
    "X-CloudTasks-TaskName": "1",
    "X-CloudTasks-TaskRetryCount": "0",
    "X-CloudScheduler": "true",
    "X-Goog-Authenticated-User-Email": f"accounts.google.com:{CALLER}",
    "X-Appengine-Cron": "true",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with scripted_server() as server:
        yield Issuer(server)


@pytest.fixture
def caller(issuer: Issuer, world: World) -> Caller:
    return Caller(OidcCallerVerifier(issuer.server.url), AUDIENCE, CALLER, world.audit, world.clock)


def call(work: Callable[[flask.Request], None], authorization: str, body: Any = None) -> int:
    headers = PLATFORM | ({"Authorization": authorization} if authorization else {})
    data = {"data": body} if isinstance(body, bytes) else {"json": body}
    with flask.Flask("task").test_request_context("/", method="POST", headers=headers, **data) as context:
        return answers.answer(lambda: work(context.request)).status_code


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_call_starts_no_batch(world: World, issuer: Issuer, caller: Caller, forged: str) -> None:
    batch_id = world.submit()
    before = world.batch(batch_id)
    status = call(
        lambda request: work_on_batch(request, caller, world.worker), FORGED[forged](issuer), {"batch": batch_id}
    )
    assert status == 401
    assert (world.directory.passwords, world.mailer.sent) == ([], [])
    assert world.batch(batch_id) == before


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_call_starts_no_sweep(world: World, issuer: Issuer, caller: Caller, forged: str) -> None:
    world.queue.is_down = True
    world.submit()
    world.queue.is_down = False
    world.clock.advance(hours=3)
    before = world.batches()
    sweeper = Sweeper(world.documents, world.queue, world.audit, world.clock, world.documents)
    assert call(lambda request: sweep_once(request, caller, sweeper), FORGED[forged](issuer)) == 401
    assert (world.batches(), world.queue.tasks) == (before, [])


def test_the_audit_tells_of_strangers_once_an_hour_however_often_they_call(world: World, caller: Caller) -> None:
    """Else whoever calls without end would fill it. Several instances make one too, since its key is the hour's.

    Fails when the event has no key, or there is none.
    """
    for _ in range(3):
        for instance in (caller, replace(caller)):
            for authorization in ("", "Bearer a.b.c", "Bearer "):
                assert call(lambda request: work_on_batch(request, instance, world.worker), authorization) == 401  # noqa: B023
        world.clock.advance(minutes=35)
    events = [event for event in world.audit.events if event.outcome == "stranger"]
    assert len({event.key for event in events}) == 2
    assert len(events) <= 4, "an instance does not even ask the store again"


def test_an_audit_that_is_down_lets_no_stranger_in(
    world: World, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: object) -> None:
        raise DocumentsUnavailable

    monkeypatch.setattr(world.audit, "record", down)
    assert call(lambda request: work_on_batch(request, caller, world.worker), "") == 401


def test_the_platforms_own_call_is_taken(world: World, issuer: Issuer, caller: Caller) -> None:
    """Else all of the above would be refused for some other reason."""
    batch_id = world.submit()
    good = f"Bearer {issuer.token(**GOOD)}"
    assert call(lambda request: work_on_batch(request, caller, world.worker), good, {"batch": batch_id}) == 200
    assert len(world.directory.passwords) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"batch": "a" * 26},
        {"batch": "../batches/x"},
        {"batch": ["x"]},
        {"batch": None},
        ["x"],
        "x",
        {},
        b"",
        b"{",
        b"[" * 1000,
        b'{"batch":' * 113,
        b"\xff\xfe",
        b'{"batch": "' + b"a" * 5000 + b'"}',
    ],
    ids=lambda body: repr(body)[:20],
)
def test_a_body_that_names_no_batch_is_dropped_even_from_the_platform(
    world: World, issuer: Issuer, caller: Caller, body: Any
) -> None:
    """Not brought again, and nothing of it is believed: not students, not passwords, not a mailbox."""
    world.submit()
    good = f"Bearer {issuer.token(**GOOD)}"
    assert call(lambda request: work_on_batch(request, caller, world.worker), good, body) == 200
    assert (world.directory.passwords, world.mailer.sent) == ([], [])


def test_whatever_else_a_body_says_is_not_believed(world: World, issuer: Issuer, caller: Caller) -> None:
    batch_id = world.submit("e-0")
    body = {
        "batch": batch_id,
        "teacher_address": "evil@evil.example",
        "rows": [{"account_id": "g-2"}],
        "students": ["e-1", "e-2"],
    }
    call(lambda request: work_on_batch(request, caller, world.worker), f"Bearer {issuer.token(**GOOD)}", body)
    assert set(world.directory.held()) == {"g-0"}
    assert [mail.to for mail in world.mailer.sent] == [world.batch(batch_id).teacher_address]


# Over HTTP


def token_from_google(stack: Stack, name: str, audience: str) -> str:
    """A genuine token, of any service account that someone has the key of."""
    credentials = service_account.Credentials.from_service_account_file(
        stack.folder / f"state/keys/{name}.json", scopes=[CLOUD_PLATFORM]
    )
    answer = AuthorizedSession(credentials).post(
        f"{stack.google}/v1/projects/-/serviceAccounts/{account_of(name)}:generateIdToken",
        json={"audience": audience, "includeEmail": True},
        timeout=10,
    )
    answer.raise_for_status()
    return str(answer.json()["token"])


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("function", "own", "other"),
    [
        ("worker", "tasks", "login"),
        ("sweeper", "scheduler", "tasks"),
        ("mirror", "scheduler", "tasks"),
        ("auditor", "scheduler", "tasks"),
        ("importer", "scheduler", "tasks"),
    ],
)
def test_the_real_functions_take_their_callers_token_alone(stack: Stack, function: str, own: str, other: str) -> None:
    address = f"http://127.0.0.1:{stack.port + FIRST_FUNCTION + FUNCTIONS.index(function)}"

    def status(token: str, path: str = "/") -> int:
        headers = PLATFORM | ({"Authorization": f"Bearer {token}"} if token else {})
        return requests.post(address + path, json={"batch": "a" * 26}, headers=headers, timeout=30).status_code

    assert status("") == 401
    assert status("a.b.c") == 401
    assert status(token_from_google(stack, other, address)) == 401, "another service account's"
    assert status(token_from_google(stack, own, "https://elsewhere.example")) == 401, "for another audience"
    assert status(token_from_google(stack, own, stack.origin)) == 401, "for the front door"
    assert status(token_from_google(stack, own, address)) == 200


def test_the_front_door_leads_to_neither(stack: Stack) -> None:
    for path in (
        "/worker",
        "/secciones/worker",
        "/secciones/sweeper",
        "/secciones/mirror",
        "/secciones/auditor",
        "/secciones/operate",
        "/secciones/importer",
        "/",
        "/secciones/../worker",
    ):
        answer = requests.post(stack.origin + path, json={"batch": "a" * 26}, timeout=30, allow_redirects=False)
        assert answer.status_code in {302, 404, 405}
