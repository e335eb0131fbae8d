"""Threat: whoever acts for the program rewrites what it has recorded. Guard: the audit is a store of its own that the
program only ever creates in, an event's key makes it the first one for good, and every event is a line in the log
too."""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from secciones.adapters.audit import COLLECTION, DocumentsAuditLog
from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.audit import AuditEvent
from secciones.ports.documents import Document, Documents
from tests.support.world import World

LIBRARY = Path(__file__).resolve().parents[2] / "functions/secciones"


class CreateOnly:
    """A store as its identity is granted it: whatever is not `create` is forbidden."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        return self._documents.create(collection, document_id, document)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the audit must not {name}")


@pytest.fixture
def kept(world: World, tmp_path: Path) -> SqliteDocuments:
    return SqliteDocuments(tmp_path / "audit.sqlite", world.clock.now)


@pytest.fixture
def audit(world: World, kept: SqliteDocuments) -> DocumentsAuditLog:
    return DocumentsAuditLog(CreateOnly(kept), world.clock, world.ids, timedelta(days=730))


def test_the_audit_needs_no_right_but_to_create(world: World, audit: DocumentsAuditLog, kept: SqliteDocuments) -> None:
    world.audit = audit  # type: ignore[assignment]
    world.work(world.submit())
    world.clock.advance(days=2)
    world.sweep()
    assert len(kept.query(COLLECTION, {}, "at", 100)) >= 4


def test_an_event_is_not_rewritten_by_one_of_the_same_key(audit: DocumentsAuditLog, kept: SqliteDocuments) -> None:
    audit.record(AuditEvent("outcomes", "changed", key="b-outcomes", details={"changed": 3}))
    before = kept.get(COLLECTION, "b-outcomes")
    audit.record(AuditEvent("outcomes", "nothing", key="b-outcomes", details={"changed": 0}))
    assert kept.get(COLLECTION, "b-outcomes") == before


def test_every_event_is_in_the_log_too_even_when_its_store_is_down(
    audit: DocumentsAuditLog,
    kept: SqliteDocuments,
    log_lines: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def down(*_: object) -> bool:
        raise DocumentsUnavailable

    audit.record(AuditEvent("verification", "verified", actor="a-1"))
    monkeypatch.setattr(kept, "create", down)
    with pytest.raises(DocumentsUnavailable):
        audit.record(AuditEvent("verification", "unknown_numbers", actor="a-2"))
    assert [line["audit"]["actor"] for line in log_lines] == ["a-1", "a-2"]


def test_nothing_else_of_the_program_writes_into_the_audits_store() -> None:
    writers = {
        path.name
        for path in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "DocumentsAuditLog" for alias in node.names)
    }
    assert writers == {"wiring.py"}
