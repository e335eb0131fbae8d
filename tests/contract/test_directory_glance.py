"""What AccountGlance promises, of the adapter for the Directory of Google Workspace."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from secciones.adapters import directory
from secciones.adapters.directory import ACCOUNTS_SCOPE, DirectoryGlance
from secciones.adapters.pace import Pace
from tests.contract.test_directory import USERS, user
from tests.support.google_edge import TOKEN_PATH, NoWait, claims_of, delegated, error, give_tokens
from tests.support.scripted_http import Answer, Asked, Reply, ScriptedServer, Silence, scripted_server

LIST = USERS.rstrip("/")
UNIT = "/Estudiantes/10001"


def address(number: int) -> str:
    return f"{number}@clases.edu.sv"


def page(*numbers: int, next_token: str = "") -> Answer:
    users = [user(id=f"g-{number}", primaryEmail=address(number)) for number in numbers]
    return Answer(body={"users": users} | ({"nextPageToken": next_token} if next_token else {}))


class Glances:
    """The Directory at the HTTP edge, and who glances at it."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.glance = self.made()

    def made(
        self, queries_per_minute: float = 6000, monotonic: Callable[[], float] = time.monotonic
    ) -> DirectoryGlance:
        pace = Pace(queries_per_minute, max(1, int(queries_per_minute)))
        credentials = delegated(self.server, ACCOUNTS_SCOPE)
        return DirectoryGlance(credentials, self.server.url, pace, random=NoWait().random, monotonic=monotonic)

    def look(self, *numbers: int, units: tuple[str, ...] = (UNIT,)) -> dict[str, str | None]:
        seen = self.glance.look(units, [address(number) for number in numbers])
        return {found.partition("@")[0]: account.id if account else None for found, account in seen.items()}

    @property
    def asked(self) -> list[Asked]:
        return [asked for asked in self.server.asked if asked.path.startswith(LIST)]


@pytest.fixture
def glances() -> Iterator[Glances]:
    with scripted_server() as server:
        give_tokens(server)
        yield Glances(server)


def test_one_query_of_a_unit_tells_a_whole_section(glances: Glances) -> None:
    glances.server.on(LIST, page(1, 2, 3, 4))
    assert glances.look(1, 3) == {"1": "g-1", "3": "g-3"}
    (asked,) = glances.asked
    assert (asked.query["query"], asked.query["maxResults"]) == (f"orgUnitPath='{UNIT}'", "500")


def test_a_unit_with_quotes_in_its_name_is_that_unit(glances: Glances) -> None:
    glances.server.on(LIST, page(1))
    glances.look(1, units=(r"/Estudiantes/O'Neill\1",))
    assert glances.asked[0].query["query"] == r"orgUnitPath='/Estudiantes/O\'Neill\\1'"


def test_who_is_in_no_list_is_asked_for_alone(glances: Glances) -> None:
    glances.server.on(LIST, page(1))
    glances.server.on(USERS + address(2), Answer(body=user(id="g-2", primaryEmail=address(2))))
    glances.server.on(USERS + address(3), error(404, "notFound"))
    assert glances.look(1, 2, 3) == {"1": "g-1", "2": "g-2", "3": None}


def test_without_a_unit_everybody_is_asked_for_alone(glances: Glances) -> None:
    glances.server.on(USERS + address(1), Answer(body=user(id="g-1", primaryEmail=address(1))))
    assert glances.look(1, units=()) == {"1": "g-1"}


def test_a_large_unit_is_read_for_two_pages(glances: Glances) -> None:
    glances.server.on(LIST, page(1, next_token="a"), page(2, next_token="b"), page(3))
    glances.server.on(USERS + address(3), Answer(body=user(id="alone", primaryEmail=address(3))))
    assert glances.look(1, 2, 3) == {"1": "g-1", "2": "g-2", "3": "alone"}


def test_an_address_in_capitals_is_the_same(glances: Glances) -> None:
    shouted = user(id="g-a", primaryEmail="Ana@Clases.edu.sv")
    glances.server.on(LIST, Answer(body={"users": [shouted]}))
    seen = glances.glance.look([UNIT], ["ana@clases.edu.sv"])
    assert seen["ana@clases.edu.sv"] is not None


def test_what_the_share_of_the_quota_does_not_allow_is_left_out(glances: Glances) -> None:
    glances.glance = glances.made(queries_per_minute=2)
    glances.server.on(LIST, page())
    glances.server.on(USERS + address(1), error(404, "notFound"))
    assert glances.look(1, 2, 3) == {"1": None}
    assert glances.look(1, 2, 3) == {}
    assert len(glances.asked) == 2


@pytest.mark.parametrize(
    "reply", [error(403, "userRateLimitExceeded"), error(403, "quotaExceeded"), Answer(503, b"", "text/html")]
)
def test_after_a_refusal_nobody_looks_for_a_minute_and_nothing_is_tried_again(
    glances: Glances, reply: Reply, log_lines: list[dict[str, Any]]
) -> None:
    now = 0.0
    glances.glance = glances.made(monotonic=lambda: now)
    glances.server.on(LIST, reply, page(1))
    glances.server.on(USERS + address(1), page(1))
    assert glances.look(1) == {}
    now = 59.0
    assert glances.look(1) == {}
    assert len(glances.asked) == 1
    now = 61.0
    assert glances.look(1) == {"1": "g-1"}
    (line,) = log_lines
    assert "the mirror" in line["message"]
    assert address(1) not in str(line)


def test_without_a_right_to_look_pages_go_on(glances: Glances) -> None:
    glances.server.on(TOKEN_PATH, Answer(401, {"error": "unauthorized_client"}))
    assert glances.look(1) == {}


def test_nobody_waits_longer_than_the_patience(glances: Glances, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_GLANCE_SECONDS", 0.2)
    answered = threading.Event()

    def slow(_: Asked) -> Reply:
        answered.wait(20)
        return page(1)

    glances.server.on(LIST, slow)
    assert glances.look(1) == {}
    answered.set()


def test_a_silent_directory_keeps_no_page_waiting(glances: Glances, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_GLANCE_SECONDS", 0.2)
    glances.server.on(LIST, Silence())
    with ThreadPoolExecutor(20) as teachers:
        assert list(teachers.map(lambda _: glances.look(1), range(20))) == [{}] * 20
    glances.server.over.set()


def test_it_looks_with_a_scope_that_changes_nothing(glances: Glances) -> None:
    glances.server.on(LIST, page(1))
    glances.look(1)
    (asked,) = glances.server.asked_for(TOKEN_PATH)
    assert claims_of(asked.form["assertion"])["scope"] == ACCOUNTS_SCOPE
