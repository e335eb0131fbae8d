"""The stand-in's control plane: faults, latency, quota and accounts at a test's will."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from infra.local.google.discovery import Document
from infra.local.google.faults import Faults, fault_of
from infra.local.google.gateway import Api, Gateway, call_of
from infra.local.google.quota import Quota
from tests.support.google_stand_in import (
    CLOUD,
    DOMAIN,
    KMS_KEY,
    NEWCOMER,
    PASSWORD,
    STUDENT,
    SUPER_ADMIN,
    Browser,
    StandIn,
    client,
    credentials,
    directory,
    exchange,
    running_stand_in,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running_stand_in(tmp_path_factory.mktemp("google"), "--quota", "2400") as running:
        yield running


@pytest.fixture
def google(server: StandIn) -> StandIn:
    server.clear()
    return server


@pytest.fixture
def users(google: StandIn) -> Iterator[Any]:
    with directory(google) as service:
        service.users().get(userKey=STUDENT).execute()  # so that its token is there
        yield service.users()


def refusal(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as raised:
        request.execute()
    return raised.value.status_code, json.loads(raised.value.content)["error"]["errors"][0]["reason"]


def test_a_fault_strikes_as_often_as_it_was_told_to(google: StandIn, users: Any) -> None:
    google.control("faults", {"api": "directory", "method": "users.get", "times": 2, "status": 503})
    request = users.get(userKey=STUDENT)

    assert [refusal(request) for _ in range(2)] == [(503, "backendError")] * 2
    assert request.execute()["primaryEmail"] == STUDENT


@pytest.mark.parametrize("method", ["*", ""])
def test_a_fault_of_every_method_strikes_any(google: StandIn, users: Any, method: str) -> None:
    google.control("faults", {"api": "directory", "method": method, "times": 2, "status": 503})

    assert refusal(users.get(userKey=STUDENT)) == (503, "backendError")
    assert refusal(users.patch(userKey=STUDENT, body={"suspended": False})) == (503, "backendError")


def test_a_fault_strikes_only_what_it_names(google: StandIn, users: Any) -> None:
    fault = {"api": "directory", "method": "users.patch", "match": "1000002", "status": 403, "reason": "quotaExceeded"}
    google.control("faults", fault)

    assert users.get(userKey=NEWCOMER).execute()
    assert users.patch(userKey=STUDENT, body={}).execute()
    assert refusal(users.patch(userKey=NEWCOMER, body={})) == (403, "quotaExceeded")


def test_a_fault_may_hide_the_answer_to_a_change_that_was_made(google: StandIn, users: Any) -> None:
    google.control("faults", [{"api": "directory", "method": "users.patch", "status": 502, "after": True}])
    change = users.patch(userKey=STUDENT, body={"changePasswordAtNextLogin": True})

    assert refusal(change)[0] == 502
    assert users.get(userKey=STUDENT).execute()["changePasswordAtNextLogin"] is True


def test_a_fault_before_a_change_leaves_the_account_alone(google: StandIn, users: Any) -> None:
    users.patch(userKey=STUDENT, body={"changePasswordAtNextLogin": False}).execute()
    google.control("faults", [{"api": "directory", "method": "users.patch", "status": 502}])

    assert refusal(users.patch(userKey=STUDENT, body={"changePasswordAtNextLogin": True}))[0] == 502
    assert users.get(userKey=STUDENT).execute()["changePasswordAtNextLogin"] is False


def test_a_fault_may_answer_without_json(google: StandIn, users: Any) -> None:
    google.control(
        "faults",
        {"api": "directory", "status": 503, "body": "<html>Error 503</html>", "headers": {"Retry-After": "7"}},
    )

    with pytest.raises(HttpError) as raised:
        users.get(userKey=STUDENT).execute()

    assert raised.value.content == b"<html>Error 503</html>"
    assert raised.value.resp["retry-after"] == "7"


def test_a_fault_without_a_status_only_delays(google: StandIn, users: Any) -> None:
    google.control("faults", {"api": "directory", "delay_seconds": 0.3})
    start = time.monotonic()

    users.get(userKey=STUDENT).execute()

    assert time.monotonic() - start >= 0.3


def test_latency_holds_until_it_is_cleared(google: StandIn, users: Any) -> None:
    google.control("latency", {"api": "directory", "seconds": 0.2})
    start = time.monotonic()
    for _ in range(2):
        users.get(userKey=STUDENT).execute()

    assert time.monotonic() - start >= 0.4


def test_kms_faults_are_in_the_form_of_cloud_apis(google: StandIn) -> None:
    google.control("faults", {"api": "kms", "status": 503})
    with (
        client(google, "cloudkms", "v1", credentials(google, None, CLOUD)) as service,
        pytest.raises(HttpError) as raised,
    ):
        service.projects().locations().keyRings().cryptoKeys().encrypt(
            name=KMS_KEY, body={"plaintext": "eA=="}
        ).execute()

    assert json.loads(raised.value.content)["error"]["status"] == "UNAVAILABLE"
    assert "errors" not in json.loads(raised.value.content)["error"]


def test_the_token_endpoint_fails_by_grant(google: StandIn) -> None:
    fault = {"api": "token", "method": "jwt-bearer", "status": 400, "reason": "invalid_grant", "message": "no"}
    google.control("faults", fault)
    browser = Browser(google)

    assert exchange(google, "4/0Ainventado").json()["error"] == "invalid_grant"
    with directory(google) as service, pytest.raises(RefreshError, match="invalid_grant: no"):
        service.users().get(userKey=STUDENT).execute()
    browser.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("certs", "/oauth2/v3/certs"),
        ("discovery", "/.well-known/openid-configuration"),
        ("auth", "/signin"),
        ("userinfo", "/v1/userinfo"),
    ],
)
def test_each_part_of_the_sign_in_can_fail(google: StandIn, method: str, path: str) -> None:
    before = requests.get(f"{google.url}{path}", timeout=10).status_code
    google.control("faults", {"api": "oidc", "method": method, "status": 503})

    assert requests.get(f"{google.url}{path}", timeout=10).status_code == 503
    assert requests.get(f"{google.url}{path}", timeout=10).status_code == before


def test_pending_faults_can_be_seen_and_cleared(google: StandIn, users: Any) -> None:
    google.control("faults", {"api": "directory", "status": 503, "times": 9})

    assert [fault["times"] for fault in requests.get(f"{google.url}/_control/faults", timeout=10).json()] == [9]
    assert requests.delete(f"{google.url}/_control/faults", timeout=10).json() == []
    assert users.get(userKey=STUDENT).execute()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("faults", {"api": "correo", "status": 503}),
        ("faults", {"api": "gmail", "estado": 503}),
        ("faults", {"api": "gmail", "status": 200}),
        ("faults", {"api": "gmail", "status": 503, "times": 0}),
        ("latency", {"api": "correo", "seconds": 1}),
        ("latency", {"api": "gmail", "seconds": "mucho"}),
        ("quota", {}),
        ("accounts", {"address": STUDENT, "estatura": 180}),
        ("accounts", {"address": STUDENT, "suspended": "sí"}),
        ("accounts", {}),
    ],
)
def test_a_wrong_wish_is_refused_with_a_reason(google: StandIn, name: str, body: Any) -> None:
    answer = requests.post(f"{google.url}/_control/{name}", json=body, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_form_of_a_foreign_page_controls_nothing(google: StandIn) -> None:
    text = json.dumps({"per_minute": 1})
    answer = requests.post(
        f"{google.url}/_control/quota", data=text, headers={"Content-Type": "text/plain"}, timeout=10
    )

    assert answer.status_code == 400
    assert requests.get(f"{google.url}/_control/quota", timeout=10).json() == {"per_minute": 2400}


def test_an_account_can_be_altered_made_and_deleted(google: StandIn, users: Any) -> None:
    address = f"temporal@{DOMAIN}"
    google.control("accounts", {"address": address, "orgUnitPath": "/Estudiantes", "password": PASSWORD})
    google.control("accounts", {"address": address, "isAdmin": True, "aliases": [f"otra@{DOMAIN}"]})

    made = users.get(userKey=f"otra@{DOMAIN}").execute()
    assert (made["primaryEmail"], made["isAdmin"]) == (address, True)
    assert refusal(users.patch(userKey=address, body={"suspended": True})) == (403, "forbidden")

    google.control("accounts", {"address": address, "delete": True})
    assert refusal(users.get(userKey=address)) == (404, "notFound")


def test_an_administrator_can_be_demoted(google: StandIn, users: Any) -> None:
    google.control("accounts", {"address": SUPER_ADMIN, "isAdmin": False})
    changed = users.patch(userKey=SUPER_ADMIN, body={}).execute()
    google.control("accounts", {"address": SUPER_ADMIN, "isAdmin": True})

    assert changed["isAdmin"] is False


def test_an_answer_that_breaks_its_schema_is_shown_as_our_bug() -> None:
    class Anyone:
        def caller(self, token: str) -> Any:
            from infra.local.google.credentials import Caller

            return Caller(token, None, frozenset({"*"}))

    gateway = Gateway("http://localhost", Anyone(), None, Faults({}), Quota(9))  # type: ignore[arg-type]
    document = Document("admin.directory_v1.json")
    gateway.serve(Api("directory", document, {"directory.users.get": lambda _: {"estatura": 180}}))

    answer = gateway.answer(call_of("GET", "/admin/directory/v1/users/1", "", {"Authorization": "Bearer x"}, b""))

    assert answer.status == 500
    assert "Stand-in bug" in answer.body["error"]["message"]


def test_faults_are_described_completely() -> None:
    fault = fault_of({"api": "directory", "method": "users.patch", "status": 429, "reason": "rateLimitExceeded"})

    assert fault.applies("directory", "directory.users.patch", "/admin/directory/v1/users/1")
    assert not fault.applies("directory", "directory.users.get", "/admin/directory/v1/users/1")
    assert not fault.applies("gmail", "gmail.users.patch", "/")
