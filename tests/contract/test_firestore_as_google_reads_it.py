"""Google's own client for Firestore is the judge of an adapter that calls Firestore without it.

Whoever writes a program of their own against these documents, or changes one by hand, takes that client.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from secciones.ports.documents import Transaction
from tests.support.emulator import clear, emulated_firestore

PROJECT = "secciones-judged"
DOCUMENT = {
    "text": "Ñandú: 30 % / «ó»",
    "nothing": None,
    "yes": True,
    "whole": -(2**53) - 1,
    "broken": 0.1,
    "raw": bytes(range(256)),
    "moment": datetime(2026, 11, 27, 6, 30, 0, 123456, UTC),
    "several": ["a", 1, {"in": [datetime(2026, 1, 1, tzinfo=UTC)]}],
    "a.field with `marks`": {"empty": "", "ñ": {}},
}


@pytest.fixture
def google(firestore_emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)
    client = firestore.Client(project=PROJECT, credentials=AnonymousCredentials())
    yield client
    client.close()
    clear(firestore_emulator, PROJECT)


def test_it_reads_what_the_adapter_writes(google: Any, firestore_emulator: str) -> None:
    documents = emulated_firestore(firestore_emulator, PROJECT)
    assert documents.create("things", "one", DOCUMENT)
    assert google.collection("things").document("one").get().to_dict() == DOCUMENT


def test_the_adapter_reads_and_finds_what_it_writes(google: Any, firestore_emulator: str) -> None:
    google.collection("things").document("one").set(DOCUMENT)
    documents = emulated_firestore(firestore_emulator, PROJECT)
    assert documents.get("things", "one") == DOCUMENT
    assert documents.query("things", {"yes": True}, "moment", 10) == [("one", DOCUMENT)]


def test_what_it_changes_in_the_middle_of_a_transaction_is_not_lost(google: Any, firestore_emulator: str) -> None:
    documents = emulated_firestore(firestore_emulator, PROJECT)
    counter = google.collection("counters").document("one")
    counter.set({"count": 1})
    runs: list[int] = []

    def count(transaction: Transaction) -> None:
        found = transaction.get("counters", "one") or {}
        if not runs:
            counter.update({"count": firestore.Increment(10)})
        runs.append(found["count"])
        transaction.set("counters", "one", {"count": found["count"] + 1})

    documents.transact(count)
    assert (runs, counter.get().to_dict()) == ([1, 11], {"count": 12})


def test_its_own_transaction_and_the_adapters_do_not_lose_one_another(google: Any, firestore_emulator: str) -> None:
    documents = emulated_firestore(firestore_emulator, PROJECT)
    counter = google.collection("counters").document("one")
    counter.set({"count": 1})

    def add(transaction: Transaction) -> None:
        found = transaction.get("counters", "one") or {}
        transaction.set("counters", "one", {"count": found["count"] + 1})

    @firestore.transactional
    def double(transaction: Any) -> None:
        found = counter.get(transaction=transaction).to_dict()
        transaction.set(counter, {"count": found["count"] * 2})

    documents.transact(add)
    double(google.transaction())
    documents.transact(add)
    assert counter.get().to_dict() == {"count": 5}
