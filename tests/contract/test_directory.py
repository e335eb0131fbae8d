"""What AccountDirectory and PasswordSetter promise, of the adapters for the Directory of Google Workspace."""

import http.client
import socket
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from secciones.adapters import google_api
from secciones.adapters.directory import (
    ACCOUNTS_SCOPE,
    PASSWORDS_SCOPE,
    DirectoryAccounts,
    DirectoryPasswords,
)
from secciones.adapters.pace import Pace
from secciones.domain.accounts import Account
from secciones.domain.errors import ChangeRefused, DirectoryUnavailable, ListingExpired
from secciones.ports.accounts import AccountPage
from tests.support.google_edge import (
    ADMINISTRATOR,
    SERVICE_ACCOUNT,
    TOKEN_PATH,
    NoWait,
    claims_of,
    delegated,
    error,
    give_tokens,
)
from tests.support.scripted_http import Answer, HangUp, Reply, ScriptedServer, Silence, scripted_server

ADDRESS = "20481234@clases.edu.sv"
ID = "100000000000000000042"
USERS = "/admin/directory/v1/users/"
PASSWORD = "gato-nube-483726"
NO_JSON = Answer(503, b"<html>The service is temporarily unavailable.</html>", "text/html")

PASSING = [
    pytest.param(error(403, "userRateLimitExceeded"), "userRateLimitExceeded", id="too many of this administrator"),
    pytest.param(error(403, "quotaExceeded"), "quotaExceeded", id="too many at once"),
    pytest.param(error(429, "rateLimitExceeded"), "rateLimitExceeded", id="too many of the institution"),
    pytest.param(error(412, "conditionNotMet"), "conditionNotMet", id="account still being made"),
    pytest.param(error(500, "backendError"), "backendError", id="backend error"),
    pytest.param(error(502, "badGateway"), "badGateway", id="bad gateway"),
    pytest.param(error(504, "gatewayTimeout"), "gatewayTimeout", id="gateway timeout"),
    pytest.param(error(500, "internalError"), "internalError", id="internal error"),
    pytest.param(NO_JSON, "http503", id="503 without JSON"),
    pytest.param(Answer(502, b"", "text/html"), "http502", id="502 without a body"),
    pytest.param(Answer(429, b"slow down", "text/plain"), "http429", id="429 without JSON"),
    pytest.param(Answer(500, [1, 2]), "http500", id="JSON of another shape"),
    pytest.param(Answer(200, b"{", "application/json"), "unreadableAnswer", id="half an answer"),
    pytest.param(HangUp(), "unreachable", id="connection closed"),
]
CONFIGURATION_FAULTS = [
    pytest.param(error(401, "authError"), "authError", id="token not accepted"),
    pytest.param(error(403, "insufficientPermissions"), "insufficientPermissions", id="scope not granted"),
    pytest.param(error(403, "accessNotConfigured"), "accessNotConfigured", id="interface not enabled"),
    pytest.param(Answer(403, b"no", "text/plain"), "http403", id="403 without JSON"),
]


def user(**changed: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "primaryEmail": ADDRESS,
        "orgUnitPath": "/Estudiantes/10001",
        "isAdmin": False,
        "isDelegatedAdmin": False,
        "suspended": False,
        "archived": False,
        "lastLoginTime": "2026-02-03T14:05:06.000Z",
        "isEnrolledIn2Sv": True,
    } | changed


@dataclass
class Edge:
    """The Directory at the HTTP edge, with both adapters in front of it."""

    server: ScriptedServer
    no_wait: NoWait
    accounts: DirectoryAccounts
    passwords: DirectoryPasswords

    def on_account(self, *replies: Reply) -> None:
        self.server.on(USERS + ADDRESS, *replies)

    def on_change(self, *replies: Reply) -> None:
        self.server.on(USERS + ID, *replies)

    @property
    def tries(self) -> int:
        return sum(asked.path.startswith(USERS) for asked in self.server.asked)


@pytest.fixture
def edge() -> Iterator[Edge]:
    no_wait = NoWait()
    pace = Pace(60_000)
    with scripted_server() as server:
        give_tokens(server)
        yield Edge(
            server,
            no_wait,
            DirectoryAccounts(
                delegated(server, ACCOUNTS_SCOPE), server.url, pace, random=no_wait.random, sleep=no_wait.sleep
            ),
            DirectoryPasswords(
                delegated(server, PASSWORDS_SCOPE), server.url, pace, random=no_wait.random, sleep=no_wait.sleep
            ),
        )


def test_finds_an_account_as_the_directory_knows_it(edge: Edge) -> None:
    edge.on_account(Answer(body=user()))

    assert edge.accounts.find(ADDRESS) == Account(
        id=ID,
        address=ADDRESS,
        org_unit="/Estudiantes/10001",
        is_administrator=False,
        is_suspended=False,
        last_sign_in=datetime(2026, 2, 3, 14, 5, 6, tzinfo=UTC),
        has_two_step=True,
    )


def test_lists_accounts_a_page_at_a_time(edge: Edge) -> None:
    first = Answer(body={"users": [user(), user(id="2", primaryEmail="b@clases.edu.sv")], "nextPageToken": "next"})
    edge.server.on(USERS.rstrip("/"), first, Answer(body={"users": [user(id="3")]}), Answer(body={}))

    page = edge.accounts.page("")
    assert ([account.id for account in page.accounts], page.next_token) == ([ID, "2"], "next")
    page = edge.accounts.page(page.next_token)
    assert ([account.id for account in page.accounts], page.next_token) == (["3"], "")
    assert edge.accounts.page("") == AccountPage([], "")
    asked = [entry.query for entry in edge.server.asked if entry.path == USERS.rstrip("/")]
    assert [query.get("pageToken") for query in asked] == [None, "next", None]
    assert all((query["customer"], query["maxResults"]) == ("my_customer", "500") for query in asked)


def test_an_account_that_is_not_understood_hides_no_other(edge: Edge) -> None:
    edge.server.on(USERS.rstrip("/"), Answer(body={"users": [{"id": ID}, "?", user(id="2")]}))
    assert [account.id for account in edge.accounts.page("").accounts] == ["2"]


def test_a_place_that_is_not_known_any_more_is_told_apart(edge: Edge) -> None:
    edge.server.on(USERS.rstrip("/"), error(400, "invalid"), error(400, "invalid"), error(403, "forbidden"))
    with pytest.raises(ListingExpired):
        edge.accounts.page("old")
    with pytest.raises(DirectoryUnavailable):
        edge.accounts.page("")
    with pytest.raises(DirectoryUnavailable):
        edge.accounts.page("old")


@pytest.mark.parametrize("told", [False, None, "true", 1], ids=repr)
def test_nothing_but_the_directorys_yes_is_2_step_verification(edge: Edge, told: object) -> None:
    edge.on_account(Answer(body=user(isEnrolledIn2Sv=told)))

    found = edge.accounts.find(ADDRESS)

    assert found is not None
    assert not found.has_two_step


def test_an_alias_leads_to_the_account_with_its_primary_address(edge: Edge) -> None:
    alias = "apodo@clases.edu.sv"
    edge.server.on(USERS + alias, Answer(body=user()))

    found = edge.accounts.find(alias)

    assert found is not None
    assert found.address == ADDRESS


def test_an_address_without_account_finds_nothing(edge: Edge) -> None:
    edge.on_account(error(404, "notFound", "Resource Not Found: userKey"))

    assert edge.accounts.find(ADDRESS) is None
    assert edge.tries == 1


def test_an_address_that_google_calls_invalid_finds_nothing(edge: Edge) -> None:
    edge.on_account(error(400, "invalid", "Invalid Input: userKey"))

    assert edge.accounts.find(ADDRESS) is None


@pytest.mark.parametrize("text", ["", ID, "20481234"])
def test_only_addresses_are_looked_up(edge: Edge, text: str) -> None:
    edge.server.on(USERS + text, Answer(body=user()))

    assert edge.accounts.find(text) is None
    assert edge.tries == 0


def test_an_address_is_sent_as_one_part_of_the_path(edge: Edge) -> None:
    address = "o'brien+x/../%40?q=1#@clases.edu.sv"
    edge.server.on(USERS + address, Answer(body=user()))

    assert edge.accounts.find(address) is not None

    (asked,) = edge.server.asked_for(USERS + address)
    assert asked.raw_path.removeprefix(USERS).count("/") == 0


@pytest.mark.parametrize("flag", ["isAdmin", "isDelegatedAdmin"])
def test_every_kind_of_administrator_is_one(edge: Edge, flag: str) -> None:
    edge.on_account(Answer(body=user(**{flag: True})))

    found = edge.accounts.find(ADDRESS)

    assert found is not None
    assert found.is_administrator


@pytest.mark.parametrize("flag", ["suspended", "archived"])
def test_a_suspended_or_archived_account_is_suspended(edge: Edge, flag: str) -> None:
    edge.on_account(Answer(body=user(**{flag: True})))

    found = edge.accounts.find(ADDRESS)

    assert found is not None
    assert found.is_suspended


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00.000Z", None])
def test_a_person_who_never_signed_in_has_no_last_sign_in(edge: Edge, moment: str | None) -> None:
    edge.on_account(Answer(body=user(lastLoginTime=moment)))

    found = edge.accounts.find(ADDRESS)

    assert found is not None
    assert found.last_sign_in is None


@pytest.mark.parametrize("missing", ["id", "primaryEmail", "orgUnitPath", "isAdmin", "isDelegatedAdmin", "suspended"])
def test_an_answer_that_leaves_open_whose_account_it_is_counts_as_none(edge: Edge, missing: str) -> None:
    incomplete = user()
    del incomplete[missing]
    edge.on_account(Answer(body=incomplete))

    with pytest.raises(DirectoryUnavailable, match="unreadableAnswer"):
        edge.accounts.find(ADDRESS)


def test_looking_asks_for_no_more_than_it_needs(edge: Edge) -> None:
    edge.on_account(Answer(body=user()))

    edge.accounts.find(ADDRESS)

    (asked,) = edge.server.asked_for(USERS + ADDRESS)
    assert asked.method == "GET"
    assert asked.query["projection"] == "basic"
    assert set(asked.query["fields"].split(",")) == set(user())


def test_a_password_is_set_to_be_changed_at_the_next_sign_in(edge: Edge) -> None:
    edge.on_change(Answer(body={"id": ID}))

    edge.passwords.set_temporary_password(ID, PASSWORD)

    (asked,) = edge.server.asked_for(USERS + ID)
    assert asked.method == "PATCH"
    assert asked.json == {"password": PASSWORD, "changePasswordAtNextLogin": True}


def test_setting_the_same_password_again_sends_the_same_request(edge: Edge) -> None:
    edge.on_change(Answer(body={"id": ID}))

    edge.passwords.set_temporary_password(ID, PASSWORD)
    edge.passwords.set_temporary_password(ID, PASSWORD)

    first, second = edge.server.asked_for(USERS + ID)
    assert (first.method, first.path, first.body) == (second.method, second.path, second.body)


def test_each_adapter_acts_for_the_administrator_with_its_own_scope_alone(edge: Edge) -> None:
    edge.on_account(Answer(body=user()))
    edge.on_change(Answer(body={"id": ID}))

    edge.accounts.find(ADDRESS)
    edge.passwords.set_temporary_password(ID, PASSWORD)

    grants = [claims_of(asked.form["assertion"]) for asked in edge.server.asked_for(TOKEN_PATH)]
    assert [grant["scope"] for grant in grants] == [ACCOUNTS_SCOPE, PASSWORDS_SCOPE]
    assert {(grant["iss"], grant["sub"]) for grant in grants} == {(SERVICE_ACCOUNT, ADMINISTRATOR)}
    assert {a.headers["authorization"] for a in edge.server.asked if a.path != TOKEN_PATH} == {"Bearer ya29.token"}


@pytest.mark.parametrize(("reply", "reason"), PASSING)
def test_a_look_that_fails_for_a_passing_reason_is_tried_three_times(edge: Edge, reply: Reply, reason: str) -> None:
    edge.on_account(reply)

    with pytest.raises(DirectoryUnavailable) as raised:
        edge.accounts.find(ADDRESS)

    assert raised.value.reason == reason
    assert len(edge.no_wait.waits) == 2


@pytest.mark.parametrize(("reply", "reason"), PASSING)
def test_a_change_that_fails_for_a_passing_reason_is_tried_three_times(edge: Edge, reply: Reply, reason: str) -> None:
    edge.on_change(reply)

    with pytest.raises(DirectoryUnavailable) as raised:
        edge.passwords.set_temporary_password(ID, PASSWORD)

    assert raised.value.reason == reason
    assert len(edge.no_wait.waits) == 2


def test_the_third_try_may_succeed(edge: Edge) -> None:
    edge.on_account(error(403, "quotaExceeded"), NO_JSON, Answer(body=user()))
    edge.on_change(error(429, "rateLimitExceeded"), error(500, "backendError"), Answer(body={"id": ID}))

    assert edge.accounts.find(ADDRESS) is not None
    edge.passwords.set_temporary_password(ID, PASSWORD)

    assert edge.tries == 6


def test_the_waits_between_tries_are_jittered_from_zero_to_a_growing_limit(edge: Edge) -> None:
    edge.on_account(NO_JSON)
    chance = iter([0.25, 0.5])
    accounts = DirectoryAccounts(
        delegated(edge.server, ACCOUNTS_SCOPE),
        edge.server.url,
        Pace(60_000),
        random=lambda: next(chance),
        sleep=edge.no_wait.sleep,
    )

    with pytest.raises(DirectoryUnavailable):
        accounts.find(ADDRESS)

    first, second = edge.no_wait.waits
    assert (first / 0.25) * 2 == second / 0.5


def test_a_connection_without_answer_is_given_up(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_api, "TIMEOUT_SECONDS", 0.1)
    edge.on_account(Silence())

    with pytest.raises(DirectoryUnavailable, match="timeout"):
        edge.accounts.find(ADDRESS)

    assert edge.tries == 3


def test_a_server_that_is_not_there_is_unavailable(edge: Edge) -> None:
    with scripted_server() as gone:
        nowhere = gone.url
    no_wait = NoWait()
    accounts = DirectoryAccounts(
        delegated(edge.server, ACCOUNTS_SCOPE), nowhere, Pace(60_000), random=no_wait.random, sleep=no_wait.sleep
    )

    with pytest.raises(DirectoryUnavailable, match="unreachable"):
        accounts.find(ADDRESS)

    assert len(no_wait.waits) == 2


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "forbidden"), (400, "invalid"), (400, "required"), (404, "notFound")]
)
def test_a_change_that_will_never_succeed_is_refused_at_once(edge: Edge, status: int, reason: str) -> None:
    edge.on_change(error(status, reason))

    with pytest.raises(ChangeRefused) as raised:
        edge.passwords.set_temporary_password(ID, PASSWORD)

    assert raised.value.reason == reason
    assert edge.tries == 1


@pytest.mark.parametrize(("reply", "reason"), CONFIGURATION_FAULTS)
def test_a_fault_of_the_configuration_is_no_students_refusal(edge: Edge, reply: Reply, reason: str) -> None:
    edge.on_account(reply)
    edge.on_change(reply)

    with pytest.raises(DirectoryUnavailable) as looking:
        edge.accounts.find(ADDRESS)
    with pytest.raises(DirectoryUnavailable) as changing:
        edge.passwords.set_temporary_password(ID, PASSWORD)

    assert looking.value.reason == changing.value.reason == reason
    assert edge.no_wait.waits == []


def test_a_missing_right_to_look_is_not_an_account_that_does_not_exist(edge: Edge) -> None:
    edge.on_account(error(403, "forbidden"))

    with pytest.raises(DirectoryUnavailable, match="forbidden"):
        edge.accounts.find(ADDRESS)


@pytest.mark.parametrize(
    ("token_answer", "reason", "waits"),
    [
        pytest.param(Answer(401, {"error": "unauthorized_client"}), "unauthorized_client", 0, id="no delegation"),
        pytest.param(Answer(400, {"error": "invalid_grant"}), "invalid_grant", 0, id="no such administrator"),
        pytest.param(HangUp(), "tokenUnavailable", 2, id="token endpoint away"),
    ],
)
def test_without_a_token_the_directory_is_unavailable(edge: Edge, token_answer: Reply, reason: str, waits: int) -> None:
    edge.server.on(TOKEN_PATH, token_answer)

    with pytest.raises(DirectoryUnavailable) as raised:
        edge.passwords.set_temporary_password(ID, PASSWORD)

    assert raised.value.reason == reason
    assert len(edge.no_wait.waits) == waits
    assert edge.tries == 0


def test_a_token_that_google_no_longer_accepts_is_replaced_once(edge: Edge) -> None:
    edge.on_account(error(401, "authError"), Answer(body=user()))

    assert edge.accounts.find(ADDRESS) is not None
    assert len(edge.server.asked_for(TOKEN_PATH)) == 2


def test_many_threads_share_one_token_and_get_each_their_own_answer(edge: Edge) -> None:
    addresses = [f"{number}@clases.edu.sv" for number in range(60)]
    for address in addresses:
        edge.server.on(USERS + address, Answer(body=user(primaryEmail=address, id=f"id of {address}")))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(edge.accounts.find, addresses))

    assert [account.id if account else None for account in found] == [f"id of {address}" for address in addresses]
    assert len(edge.server.asked_for(TOKEN_PATH)) == 1


def test_every_try_of_both_adapters_waits_for_its_turn_in_one_pace(edge: Edge) -> None:
    now, turns = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def taken(_: object) -> Reply:
        turns.append(now)
        return NO_JSON

    pace = Pace(30, monotonic=lambda: now, sleep=sleep)
    edge.server.on(USERS + ADDRESS, taken)
    edge.server.on(USERS + ID, taken)
    no_wait = NoWait()
    accounts = DirectoryAccounts(
        delegated(edge.server, ACCOUNTS_SCOPE), edge.server.url, pace, random=no_wait.random, sleep=no_wait.sleep
    )
    passwords = DirectoryPasswords(
        delegated(edge.server, PASSWORDS_SCOPE), edge.server.url, pace, random=no_wait.random, sleep=no_wait.sleep
    )

    with pytest.raises(DirectoryUnavailable):
        accounts.find(ADDRESS)
    with pytest.raises(DirectoryUnavailable):
        passwords.set_temporary_password(ID, PASSWORD)

    assert turns == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("reply", [error(403, "insufficientPermissions", f"No {ADDRESS}"), NO_JSON, HangUp()])
def test_an_error_shows_neither_whose_account_it_was_nor_the_password(edge: Edge, reply: Reply) -> None:
    edge.on_account(reply)
    edge.on_change(reply)

    with pytest.raises(DirectoryUnavailable) as looking:
        edge.accounts.find(ADDRESS)
    with pytest.raises(DirectoryUnavailable) as changing:
        edge.passwords.set_temporary_password(ID, PASSWORD)

    told = "".join(traceback.format_exception(looking.value) + traceback.format_exception(changing.value))
    assert ADDRESS not in told
    assert ID not in told
    assert PASSWORD not in told


def seconds_to_find(edge: Edge) -> float:
    """How long a look-up waits at a pace of ten a second, with no time for anything else."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(600, monotonic=lambda: now[0], sleep=sleep)
    accounts = DirectoryAccounts(
        delegated(edge.server, ACCOUNTS_SCOPE), edge.server.url, pace, random=lambda: 0.0, sleep=sleep
    )
    accounts.find(ADDRESS)
    return now[0]


@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"])
def test_who_comes_too_soon_goes_slower_from_then_on(edge: Edge, reason: str) -> None:
    edge.on_account(error(403, reason), Answer(body=user()))
    assert seconds_to_find(edge) == pytest.approx(7), "a tenth of a second is the pace"


def test_who_waits_for_long_while_others_are_refused_is_refused_without_asking(edge: Edge) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        pace.slow_down()

    pace = Pace(60, monotonic=lambda: now[0], sleep=sleep)
    pace.wait()
    accounts = DirectoryAccounts(
        delegated(edge.server, ACCOUNTS_SCOPE), edge.server.url, pace, random=lambda: 0.0, sleep=sleep
    )
    with pytest.raises(DirectoryUnavailable, match="userRateLimitExceeded"):
        accounts.find(ADDRESS)
    assert edge.tries == 0


def test_a_refusal_for_another_reason_slows_nothing_down(edge: Edge) -> None:
    edge.on_account(error(503, "backendError"), Answer(body=user()))
    assert seconds_to_find(edge) == pytest.approx(0.1)


def test_a_connection_that_the_other_side_has_closed_is_not_used_again() -> None:
    ours, theirs = socket.socketpair()
    kept, also_theirs = socket.socketpair()
    with theirs, also_theirs, kept:
        dropped, alive = http.client.HTTPConnection("a.example"), http.client.HTTPConnection("b.example")
        dropped.sock, alive.sock = ours, kept
        theirs.close()

        google_api._close_dropped(SimpleNamespace(http=SimpleNamespace(connections={"a": dropped, "b": alive})))

        assert dropped.sock is None
        assert alive.sock is kept
