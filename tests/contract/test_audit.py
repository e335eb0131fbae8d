"""What the AuditLog port promises, of both stores."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from secciones import logs
from secciones.adapters.audit import COLLECTION, DocumentsAuditLog
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.audit import AuditEvent
from secciones.ports.documents import Documents
from tests.contract.documents_stores import NOON, Store
from tests.support.fakes import FakeClock, FakeIds

RETENTION = timedelta(days=730)
EVENT = AuditEvent("mail", "accepted", "actor-1", "ana@x", school="99101", section="s-1", batch="b-1", key="b-1-mail")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def documents(store: Store, clock: FakeClock) -> Documents:
    return store.opened(clock.now)


@pytest.fixture
def audit(documents: Documents, clock: FakeClock) -> DocumentsAuditLog:
    return DocumentsAuditLog(documents, clock, FakeIds(), RETENTION)


def test_an_event_is_kept_with_its_time_and_its_request(
    audit: DocumentsAuditLog, documents: Documents, clock: FakeClock
) -> None:
    logs.request_id.set("request-1")
    audit.record(AuditEvent("sweep", "done", key="kept", details={"closed": 2}))
    assert documents.get(COLLECTION, "kept") == {
        "kind": "sweep",
        "outcome": "done",
        "details": {"closed": 2},
        "at": clock.now(),
        "request": "request-1",
        "expires_at": clock.now() + RETENTION,
    }


def test_an_event_with_a_key_is_kept_once_as_it_was_first(
    audit: DocumentsAuditLog, documents: Documents, clock: FakeClock
) -> None:
    audit.record(EVENT)
    first = documents.get(COLLECTION, EVENT.key)
    clock.advance(hours=1)
    audit.record(AuditEvent("mail", "something else", key=EVENT.key))
    assert documents.get(COLLECTION, EVENT.key) == first


def test_events_without_a_key_are_all_kept(documents: Documents, clock: FakeClock) -> None:
    before = len(documents.query(COLLECTION, {"kind": "sign_out"}, "kind", 100))
    audit = DocumentsAuditLog(documents, clock, FakeIds(drawn=1_000), RETENTION)
    for _ in range(3):
        audit.record(AuditEvent("sign_out", "signed_out"))
    assert len(documents.query(COLLECTION, {"kind": "sign_out"}, "kind", 100)) == before + 3


def test_the_same_is_one_line_of_json_for_cloud_logging(
    audit: DocumentsAuditLog, log_lines: list[dict[str, Any]]
) -> None:
    audit.record(AuditEvent("verification", "verified", "actor-1", "ana@x", key="a-line"))
    line = log_lines[-1]
    assert line["severity"] == "INFO"
    assert line["audit"]["kind"] == "verification"
    assert line["audit"]["actor"] == "actor-1"
    datetime.fromisoformat(line["audit"]["at"])


def test_a_store_that_does_not_answer_is_said_and_the_line_written_all_the_same(
    audit: DocumentsAuditLog,
    documents: Documents,
    monkeypatch: pytest.MonkeyPatch,
    log_lines: list[dict[str, Any]],
) -> None:
    def down(*_: object) -> bool:
        raise DocumentsUnavailable

    monkeypatch.setattr(documents, "create", down)
    with pytest.raises(DocumentsUnavailable):
        audit.record(AuditEvent("mail", "accepted", batch="b-9"))
    line = log_lines[-1]
    assert line["severity"] == "ERROR"
    assert line["audit"]["batch"] == "b-9"
