"""Firestore's bad days, which its emulator never has."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from grpc import StatusCode

from secciones.adapters import firestore
from secciones.adapters.firestore import FirestoreDocuments
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.documents import Transaction
from tests.support.scripted_firestore import Script, scripted_firestore


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    with scripted_firestore() as (address, script):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        yield script


@pytest.fixture
def documents() -> FirestoreDocuments:
    return FirestoreDocuments("secciones-test", "(default)", lambda: datetime(2026, 2, 3, tzinfo=UTC))


def writes_blindly(transaction: Transaction) -> None:
    transaction.set("c", "a", {})


def reads_and_writes(transaction: Transaction) -> None:
    transaction.get("c", "a")
    transaction.set("c", "a", {})


@pytest.mark.parametrize(
    "passing",
    [
        StatusCode.UNAVAILABLE,
        StatusCode.ABORTED,
        StatusCode.INTERNAL,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.DEADLINE_EXCEEDED,
    ],
)
def test_what_fails_for_a_passing_reason_is_tried_again(
    script: Script, documents: FirestoreDocuments, passing: StatusCode
) -> None:
    for method in ("Commit", "BatchGetDocuments", "RunQuery"):
        script.say(method, passing, StatusCode.OK)
    assert documents.create("c", "a", {})
    assert documents.get("c", "a") is None
    assert documents.query("c", {}, "n", 1) == []


def test_after_a_lost_answer_nobody_is_told_that_another_was_first(
    script: Script, documents: FirestoreDocuments
) -> None:
    """The document that is there may well be this call's own."""
    script.say("Commit", StatusCode.UNAVAILABLE, StatusCode.ALREADY_EXISTS)
    with pytest.raises(DocumentsUnavailable):
        documents.create("c", "a", {})
    assert script.calls == ["Commit"] * 2


def test_after_a_lost_answer_a_transaction_is_not_run_again(script: Script, documents: FirestoreDocuments) -> None:
    script.say("Commit", StatusCode.DEADLINE_EXCEEDED, StatusCode.FAILED_PRECONDITION, StatusCode.OK)
    with pytest.raises(DocumentsUnavailable):
        documents.transact(reads_and_writes)
    assert script.calls.count("BatchGetDocuments") == 1


@pytest.mark.parametrize("conflict", [StatusCode.FAILED_PRECONDITION, StatusCode.ALREADY_EXISTS, StatusCode.NOT_FOUND])
def test_a_conflict_runs_the_transaction_again_from_its_reads(
    script: Script, documents: FirestoreDocuments, conflict: StatusCode
) -> None:
    script.say("Commit", conflict, StatusCode.OK)
    documents.transact(reads_and_writes)
    assert script.calls == ["BatchGetDocuments", "Commit"] * 2


def test_a_transaction_that_never_gets_through_ends(
    script: Script, documents: FirestoreDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firestore, "CONTENTION_SECONDS", 0.3)
    script.say("Commit", StatusCode.FAILED_PRECONDITION)
    with pytest.raises(DocumentsUnavailable):
        documents.transact(reads_and_writes)


def test_a_writer_that_may_only_create_leaves_what_is_there(script: Script, documents: FirestoreDocuments) -> None:
    script.say("Commit", StatusCode.OK, StatusCode.ALREADY_EXISTS)
    script.say("BatchGetDocuments", StatusCode.PERMISSION_DENIED)
    assert documents.create("audit", "a", {})
    assert not documents.create("audit", "a", {})
    with pytest.raises(DocumentsUnavailable):
        documents.get("audit", "a")


@pytest.mark.parametrize(
    "final", [StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED, StatusCode.NOT_FOUND, StatusCode.UNIMPLEMENTED]
)
def test_a_database_that_cannot_be_used_is_unavailable(
    script: Script, documents: FirestoreDocuments, final: StatusCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firestore, "CONTENTION_SECONDS", 0.1)
    for method in ("Commit", "BatchGetDocuments", "RunQuery"):
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
    script.say("Commit", StatusCode.INVALID_ARGUMENT)
    with pytest.raises(ValueError, match="cannot hold"):
        documents.create("c", "a", {"longer than a mebibyte": "x"})
    assert script.calls == ["Commit"]


def test_a_server_that_accepts_and_says_nothing_is_unavailable(
    documents: FirestoreDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firestore, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(firestore, "RETRY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DocumentsUnavailable):
            documents.get("c", "a")


def test_without_credentials_firestore_is_unavailable(
    documents: FirestoreDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(DocumentsUnavailable):
        documents.get("c", "a")
