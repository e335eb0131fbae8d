"""The function's own token: from the metadata server, which a test is here, and from a key file."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from secciones.adapters import access_token
from secciones.adapters.access_token import CredentialsToken, MetadataToken, NoToken
from secciones.adapters.google_credentials import application_credentials
from tests.support.google_edge import (
    METADATA_PATH,
    SERVICE_ACCOUNT,
    TOKEN_PATH,
    claims_of,
    give_tokens,
    key_file_content,
)
from tests.support.scripted_http import Answer, Asked, HangUp, Reply, ScriptedServer, Silence, scripted_server

SCOPE = "https://www.googleapis.com/auth/datastore"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def time() -> list[float]:
    """Seconds; a test moves them."""
    return [1000.0]


@pytest.fixture
def token(server: ScriptedServer, time: list[float]) -> MetadataToken:
    return MetadataToken(server.url.removeprefix("http://"), SCOPE, monotonic=lambda: time[0])


def given(name: str, seconds: object = 3599) -> Answer:
    return Answer(body={"access_token": name, "expires_in": seconds, "token_type": "Bearer"})


class TestFromTheMetadataServer:
    def test_it_is_asked_for_as_the_server_wants_it_and_for_one_scope(
        self, server: ScriptedServer, token: MetadataToken
    ) -> None:
        server.on(METADATA_PATH, given("ya29.own"))
        assert token() == "ya29.own"
        [asked] = server.asked
        assert (asked.method, asked.headers["metadata-flavor"]) == ("GET", "Google")
        assert asked.query == {"scopes": SCOPE}

    def test_one_token_serves_until_some_minutes_before_its_end(
        self, server: ScriptedServer, token: MetadataToken, time: list[float]
    ) -> None:
        server.on(METADATA_PATH, given("first", 3600), given("second"))
        assert token() == "first"
        time[0] += 3600 - 226
        assert token() == "first"
        time[0] += 2
        assert token() == "second"
        assert len(server.asked) == 2

    def test_one_thread_fetches_it_while_the_others_wait(self, server: ScriptedServer, token: MetadataToken) -> None:
        waiting = threading.Barrier(8)

        def slow(asked: Asked) -> Reply:
            threading.Event().wait(0.1)
            return given("ya29.own")

        def ask(_: int) -> str:
            waiting.wait()
            return token()

        server.on(METADATA_PATH, slow)
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(ask, range(8))) == {"ya29.own"}
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        "reply",
        [
            HangUp(),
            Silence(),
            Answer(429, b"slow down", "text/plain"),
            Answer(500),
            Answer(503, b"", "text/html"),
            Answer(200, b"<html>", "text/html"),
            Answer(200, []),
            Answer(200, {"access_token": "t"}),
            Answer(200, {"access_token": 7, "expires_in": 3599}),
            given(""),
            given("two\r\nlines"),
            given("no blank"),
            given("t", "3599"),
            given("t", None),
            given("t", 0),
            given("t", -1),
            given("t", 10**400),
            Answer(200, b'{"access_token": "t", "expires_in": NaN}'),
        ],
    )
    def test_a_failure_that_may_pass_is_told_from_others_and_the_next_call_asks_again(
        self, server: ScriptedServer, token: MetadataToken, reply: Reply, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(access_token, "CALL_SECONDS", 0.2)
        server.on(METADATA_PATH, reply, given("ya29.own"))
        assert failure_of(token).is_passing
        assert token() == "ya29.own"

    @pytest.mark.parametrize("status", [301, 400, 403, 404])
    def test_a_refusal_is_final(self, server: ScriptedServer, token: MetadataToken, status: int) -> None:
        server.on(METADATA_PATH, Answer(status, b"no", "text/plain"))
        assert not failure_of(token).is_passing
        assert len(server.asked) == 1

    def test_a_server_that_is_not_there_may_come(self) -> None:
        assert failure_of(MetadataToken("127.0.0.1:9", SCOPE)).is_passing


class TestFromAKeyFile:
    @pytest.fixture
    def key_file(self, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "key.json"
        path.write_text(json.dumps(key_file_content(server.url + TOKEN_PATH)))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        return path

    @pytest.fixture
    def token(self, key_file: Path) -> CredentialsToken:
        return CredentialsToken(partial(application_credentials, [SCOPE]))

    def test_it_is_the_keys_account_for_one_scope_and_serves_all_threads(
        self, server: ScriptedServer, token: CredentialsToken
    ) -> None:
        give_tokens(server)
        with ThreadPoolExecutor(4) as threads:
            assert {each.result() for each in [threads.submit(token) for _ in range(8)]} == {"ya29.token"}
        [asked] = server.asked
        claims = claims_of(asked.form["assertion"])
        assert (claims["iss"], claims["scope"]) == (SERVICE_ACCOUNT, SCOPE)

    def test_a_refused_key_is_final(self, server: ScriptedServer, token: CredentialsToken) -> None:
        server.on(TOKEN_PATH, Answer(400, {"error": "invalid_grant"}))
        assert not failure_of(token).is_passing

    def test_a_token_endpoint_that_does_not_answer_may_later(
        self, server: ScriptedServer, token: CredentialsToken
    ) -> None:
        server.on(TOKEN_PATH, HangUp())
        assert failure_of(token).is_passing

    def test_a_file_that_is_not_there_is_final(self, key_file: Path, token: CredentialsToken) -> None:
        key_file.unlink()
        assert not failure_of(token).is_passing


def failure_of(token: Callable[[], str]) -> NoToken:
    with pytest.raises(NoToken) as caught:
        token()
    return caught.value
