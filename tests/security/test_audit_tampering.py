"""Threat: whoever acts for the program rewrites what it has recorded. Guard: the audit is a store of its own that the
program only ever creates in, an event's key makes it the first one for good, every event is a line in the log too, and
the sweeper seals what is new into a hash chain. What any tampering with it looks like is tried in
tests/unit/services/test_audit_chain.py; here the whole program runs, and somebody has the right to do anything."""

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from secciones.adapters.audit import COLLECTION, DocumentsAuditLog
from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.audit import AuditEvent
from secciones.ports.documents import Document, Documents
from secciones.services.audit_chain import AUDIT_CHAIN
from secciones.tasks.sweep_task import Sweeper, sweep_once
from tests.support.audited import Audited, CreatesAndReads
from tests.support.world import World
from tests.unit.tasks.test_answers import CALLER, post

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


def history(world: World, kept: SqliteDocuments) -> Audited:
    """A day of the service, sealed as the sweeper does it, with no right but to create and to read."""
    world.audit = DocumentsAuditLog(CreateOnly(kept), world.clock, world.ids, timedelta(days=730))  # type: ignore[assignment]
    audited = Audited(kept, world.clock)
    sweeper = Sweeper(world.documents, world.queue, world.audit, world.clock, CreatesAndReads(kept))
    world.work(world.submit())
    for _ in range(30):
        world.clock.advance(hours=1)
        sweep_once(post({}), CALLER, sweeper)
    assert len(audited.blocks()) > 1
    assert audited.found() == []
    return audited


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (lambda audited: audited.delete(COLLECTION, audited.sealed()[0]), "deleted"),
        (lambda audited: audited.edit(COLLECTION, audited.sealed()[0], account="someone.else@clases.edu.sv"), "edited"),
        (lambda audited: audited.swap(COLLECTION, audited.sealed()[0], audited.sealed()[-1]), "reordered"),
        (lambda audited: audited.delete(AUDIT_CHAIN, audited.blocks()[-1].id), "truncated"),
    ],
    ids=["delete", "edit", "reorder", "truncate"],
)
def test_whoever_may_do_anything_in_the_store_is_found_out(
    world: World, kept: SqliteDocuments, tamper: Callable[[Audited], None], kind: str
) -> None:
    """Fails when the sweeper seals nothing, or the auditor compares no digest, link or logged head."""
    audited = history(world, kept)
    logged = audited.blocks()[-1].head
    tamper(audited)
    assert kind in {found for found, _ in audited.found(logged)}


def test_nothing_else_of_the_program_writes_into_the_audits_store() -> None:
    writers = {
        path.name
        for path in LIBRARY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "DocumentsAuditLog" for alias in node.names)
    }
    assert writers == {"wiring.py"}
