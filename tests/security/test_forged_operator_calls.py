"""Threat: someone works at the operators' desk who is no operator. Guard: only the service account that operators
become calls the function, for this function's address alone; the function verifies that itself, and keeps no DUI.

Take `caller.check` out of `tasks/operate_task.py`, and a test here turns red.
"""

from collections.abc import Iterator
from typing import Any

import flask
import pytest
import requests

from infra.local.configuration import FIRST_FUNCTION, FUNCTIONS
from secciones.adapters.google_oidc import OidcCallerVerifier
from secciones.services.pause import find_pause
from secciones.tasks import answers
from secciones.tasks.callers import Caller
from secciones.tasks.operate_task import Desk, operate_once
from tests.security.test_forged_worker_and_sweeper_calls import (
    AUDIENCE,
    CALLER,
    FORGED,
    GOOD,
    PLATFORM,
    token_from_google,
)
from tests.support.issuer import Issuer
from tests.support.scripted_http import scripted_server
from tests.support.stack import Stack
from tests.support.world import World

PAUSE = {"action": "pause", "operator": "yo@evil.example", "reason": "para molestar"}
# What Cloud Run hands on of a token that it has checked itself: genuine claims, and no proof of them.
WITHOUT_SIGNATURE = "SIGNATURE_REMOVED_BY_GOOGLE"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with scripted_server() as server:
        yield Issuer(server)


def call(world: World, issuer: Issuer, authorization: str, body: Any) -> int:
    caller = Caller(OidcCallerVerifier(issuer.server.url), AUDIENCE, CALLER, world.audit, world.clock)
    desk = Desk(world.documents, world.queue, world.audit, world.clock, "p" * 32)
    headers = PLATFORM | ({"Authorization": authorization} if authorization else {})
    with flask.Flask("task").test_request_context("/", method="POST", headers=headers, json=body) as context:
        return answers.answer(lambda: operate_once(context.request, caller, desk)).status_code


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_call_pauses_nothing(world: World, issuer: Issuer, forged: str) -> None:
    assert call(world, issuer, FORGED[forged](issuer), PAUSE) == 401
    assert find_pause(world.documents) is None
    assert world.audit.outcomes("refusal") == ["stranger"]
    assert not world.audit.outcomes("operation")


def test_a_token_that_has_lost_its_signature_on_the_way_is_none(world: World, issuer: Issuer) -> None:
    signed = issuer.token(**GOOD)
    bare = f"{signed.rpartition('.')[0]}.{WITHOUT_SIGNATURE}"
    assert call(world, issuer, f"Bearer {bare}", PAUSE) == 401


def test_whoever_is_refused_learns_nothing_of_what_could_be_asked(world: World, issuer: Issuer) -> None:
    """A body that cannot be read is refused for the caller's sake first."""
    assert call(world, issuer, "", ["nonsense"]) == 401


def test_the_operators_own_call_is_taken(world: World, issuer: Issuer) -> None:
    assert call(world, issuer, f"Bearer {issuer.token(**GOOD)}", PAUSE) == 200
    assert find_pause(world.documents)


# Over HTTP


@pytest.fixture
def address(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.port + FIRST_FUNCTION + FUNCTIONS.index('operate')}"


def ask(address: str, token: str, body: Any) -> requests.Response:
    headers = PLATFORM | ({"Authorization": f"Bearer {token}"} if token else {})
    return requests.post(address, json=body, headers=headers, timeout=30)


@pytest.mark.usefixtures("nothing_changes")
def test_the_real_function_takes_the_operators_token_alone(stack: Stack, address: str) -> None:
    for token in (
        "",
        "a.b.c",
        token_from_google(stack, "operate", address),
        token_from_google(stack, "scheduler", address),
        token_from_google(stack, "operators", "https://elsewhere.example"),
        token_from_google(stack, "operators", stack.origin),
    ):
        assert ask(address, token, PAUSE).status_code == 401
    good = token_from_google(stack, "operators", address)
    assert ask(address, good, {"action": "report"}).status_code == 400
    assert ask(address, good, {**PAUSE, "action": "report", "batch": "a" * 26}).status_code == 404


def test_a_dui_that_an_operator_unlocks_stays_out_of_every_log_and_store(stack: Stack, address: str) -> None:
    token = token_from_google(stack, "operators", address)
    answer = ask(address, token, {**PAUSE, "action": "unlock", "dui": "07418529-6"})
    assert (answer.status_code, answer.json()["forgotten"]) == (200, {})
    kept = [path for folder in ("state", "logs") for path in (stack.folder / folder).rglob("*") if path.is_file()]
    assert len(kept) > 10
    for path in kept:
        content = path.read_bytes()
        assert b"07418529" not in content, path
        assert token.encode() not in content, path
    assert '"action": "unlock"' in stack.log("operate")
