"""Firestore's bad days, which its emulator never has."""

import socket
from collections.abc import Callable, Iterator

import pytest

from secciones.adapters import firestore, firestore_rest
from secciones.adapters.access_token import NoToken
from secciones.adapters.firestore import FirestoreDocuments
from secciones.adapters.firestore_rest import Connection
from secciones.adapters.system import SystemClock
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.documents import Transaction
from tests.support.emulator import emulated_firestore
from tests.support.scripted_firestore import PROJECT, Script, scripted_firestore
from tests.support.scripted_http import Answer


@pytest.fixture
def scripted() -> Iterator[tuple[str, Script]]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture
def script(scripted: tuple[str, Script]) -> Script:
    return scripted[1]


@pytest.fixture
def documents(scripted: tuple[str, Script]) -> FirestoreDocuments:
    return emulated_firestore(scripted[0], PROJECT)


def writes_blindly(transaction: Transaction) -> None:
    transaction.set("c", "a", {})


def reads_and_writes(transaction: Transaction) -> None:
    transaction.get("c", "a")
    transaction.set("c", "a", {})


@pytest.mark.parametrize(
    "passing",
    [
        "UNAVAILABLE",
        "ABORTED",
        "INTERNAL",
        "RESOURCE_EXHAUSTED",
        "DEADLINE_EXCEEDED",
    ],
)
def test_what_fails_for_a_passing_reason_is_tried_again(
    script: Script, documents: FirestoreDocuments, passing: str
) -> None:
    for method in ("commit", "batchGet", "runQuery"):
        script.say(method, passing, "OK")
    assert documents.create("c", "a", {})
    assert documents.get("c", "a") is None
    assert documents.query("c", {}, "n", 1) == []


def test_after_a_lost_answer_nobody_is_told_that_another_was_first(
    script: Script, documents: FirestoreDocuments
) -> None:
    """The document that is there may well be this call's own."""
    script.say("commit", "UNAVAILABLE", "ALREADY_EXISTS")
    with pytest.raises(DocumentsUnavailable):
        documents.create("c", "a", {})
    assert script.calls == ["commit"] * 2


def test_after_a_lost_answer_a_transaction_is_not_run_again(script: Script, documents: FirestoreDocuments) -> None:
    script.say("commit", "DEADLINE_EXCEEDED", "FAILED_PRECONDITION", "OK")
    with pytest.raises(DocumentsUnavailable):
        documents.transact(reads_and_writes)
    assert script.calls.count("batchGet") == 1


def test_who_remembers_does_not_ask_again_for_what_it_has_read_or_written(
    script: Script, documents: FirestoreDocuments
) -> None:
    mine = documents.remembering()
    for _ in range(3):
        mine.transact(reads_and_writes)
    assert script.calls == ["batchGet", "commit", "commit", "commit"]


def test_what_is_remembered_wrongly_is_read(script: Script, documents: FirestoreDocuments) -> None:
    mine = documents.remembering()
    mine.transact(reads_and_writes)
    script.say("commit", "FAILED_PRECONDITION", "OK")
    mine.transact(reads_and_writes)
    assert script.calls == ["batchGet", "commit", "commit", "batchGet", "commit"]


@pytest.mark.parametrize("conflict", ["FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND"])
def test_a_conflict_runs_the_transaction_again_from_its_reads(
    script: Script, documents: FirestoreDocuments, conflict: str
) -> None:
    script.say("commit", conflict, "OK")
    documents.transact(reads_and_writes)
    assert script.calls == ["batchGet", "commit"] * 2


def test_a_transaction_that_never_gets_through_ends(
    script: Script, documents: FirestoreDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firestore, "CONTENTION_SECONDS", 0.3)
    script.say("commit", "FAILED_PRECONDITION")
    with pytest.raises(DocumentsUnavailable):
        documents.transact(reads_and_writes)


def test_a_writer_that_may_only_create_leaves_what_is_there(script: Script, documents: FirestoreDocuments) -> None:
    script.say("commit", "OK", "ALREADY_EXISTS")
    script.say("batchGet", "PERMISSION_DENIED")
    assert documents.create("audit", "a", {})
    assert not documents.create("audit", "a", {})
    with pytest.raises(DocumentsUnavailable):
        documents.get("audit", "a")


@pytest.mark.parametrize("final", ["PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND", "UNIMPLEMENTED"])
def test_a_database_that_cannot_be_used_is_unavailable(
    script: Script, documents: FirestoreDocuments, final: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firestore, "CONTENTION_SECONDS", 0.1)
    for method in ("commit", "batchGet", "runQuery"):
        script.say(method, final)
    for call in (
        lambda: documents.get("c", "a"),
        lambda: documents.create("c", "a", {}),
        lambda: documents.delete("c", "a"),
        lambda: documents.query("c", {}, "n", 1),
        lambda: documents.transact(writes_blindly),
    ):
        with pytest.raises(DocumentsUnavailable):
            call()


def test_what_firestore_refuses_to_hold_is_the_callers_error(script: Script, documents: FirestoreDocuments) -> None:
    script.say("commit", "INVALID_ARGUMENT")
    with pytest.raises(ValueError, match="cannot hold"):
        documents.create("c", "a", {"longer than a mebibyte": "x"})
    assert script.calls == ["commit"]


def test_a_server_that_accepts_and_says_nothing_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firestore_rest, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(firestore, "RETRY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        documents = emulated_firestore(f"127.0.0.1:{silent.getsockname()[1]}", PROJECT)
        with pytest.raises(DocumentsUnavailable):
            documents.get("c", "a")


def test_a_failure_late_in_a_stream_of_answers_is_a_failure(script: Script, documents: FirestoreDocuments) -> None:
    found = {"missing": f"projects/{PROJECT}/databases/(default)/documents/c/a", "readTime": "2026-02-03T00:00:00Z"}
    script.say("batchGet", Answer(body=[found, {"error": {"code": 503, "status": "UNAVAILABLE"}}]), "OK")
    assert documents.get("c", "a") is None
    assert script.calls == ["batchGet"] * 2


def test_a_commit_whose_answer_cannot_be_read_is_made_again(script: Script, documents: FirestoreDocuments) -> None:
    script.say("commit", Answer(200, b"<html>welcome</html>", "text/html"), "OK")
    assert documents.create("c", "a", {})
    assert script.calls == ["commit"] * 2


def test_documents_of_which_nothing_is_said_are_not_taken_for_missing(
    script: Script, documents: FirestoreDocuments
) -> None:
    script.say("batchGet", Answer(body=[{"readTime": "2026-02-03T00:00:00Z"}]))
    with pytest.raises(DocumentsUnavailable):
        documents.get("c", "a")


@pytest.mark.parametrize("content", [b"<html>overloaded</html>", b"[]", b"7", b'[{"error": 1}]'])
def test_overload_that_comes_without_googles_json_passes(
    script: Script, documents: FirestoreDocuments, content: bytes
) -> None:
    script.say("commit", Answer(502, content, "text/html"), "OK")
    assert documents.create("c", "a", {})


def test_what_a_call_carries_is_the_token(scripted: tuple[str, Script]) -> None:
    tokens = iter(["first", "second"])
    documents = with_token(scripted, lambda: next(tokens))
    documents.get("c", "a")
    documents.get("c", "a")
    assert scripted[1].tokens == ["Bearer first", "Bearer second"]


def test_a_token_that_cannot_be_had_now_is_asked_for_again(scripted: tuple[str, Script]) -> None:
    tries: list[bool] = []

    def token() -> str:
        tries.append(True)
        if len(tries) == 1:
            raise NoToken("not yet", is_passing=True)
        return "second"

    with_token(scripted, token).get("c", "a")
    assert scripted[1].tokens == ["Bearer second"]


def test_without_a_token_firestore_is_unavailable(scripted: tuple[str, Script]) -> None:
    tries: list[bool] = []

    def token() -> str:
        tries.append(True)
        raise NoToken("never", is_passing=False)

    with pytest.raises(DocumentsUnavailable):
        with_token(scripted, token).get("c", "a")
    assert (len(tries), scripted[1].calls) == (1, [])


def with_token(scripted: tuple[str, Script], token: Callable[[], str]) -> FirestoreDocuments:
    connection = Connection(token, f"http://{scripted[0]}")
    return FirestoreDocuments(connection, PROJECT, "(default)", SystemClock().now, random=lambda: 0.0)
