"""An audit with a history: events of many machines, sealed by two sweepers, none of whose clocks agree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from secciones.adapters.audit import COLLECTION, DocumentsAuditLog
from secciones.domain.audit_chain import Block, Head, from_document
from secciones.ports.audit import AuditEvent
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents
from secciones.services.audit_chain import AUDIT_CHAIN, MARGIN, seal_new_events
from secciones.services.verify_audit import Verdict, verify_chain
from tests.support.fakes import FakeClock, FakeIds

RETENTION = timedelta(days=3)


@dataclass
class WrongClock:
    """Another machine's, so many minutes off."""

    right: FakeClock
    minutes: float

    def now(self) -> datetime:
        return self.right.now() + timedelta(minutes=self.minutes)

    def sleep(self, seconds: float) -> None:
        self.right.sleep(seconds)


@dataclass
class CreatesAndReads:
    """A store as the sweeper is granted it. `first` happens just before it creates: somebody else was quicker."""

    real: Documents
    first: Callable[[], object] = lambda: None

    def get(self, collection: str, document_id: str) -> Document | None:
        return self.real.get(collection, document_id)

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        first, self.first = self.first, lambda: None
        first()
        return self.real.create(collection, document_id, document)

    def query(self, *given: Any, **named: Any) -> Any:
        return self.real.query(*given, **named)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody may {name} in the audit")


@dataclass
class Audited:
    """The audit's store, what is written into it in time, and what becomes of it."""

    documents: Documents
    clock: FakeClock
    heads: list[Head] = field(default_factory=list)  # as the log has them

    def __post_init__(self) -> None:
        self.ids = FakeIds()

    def happen(self, events: int = 1, wrong_by: float = 0) -> None:
        """So many events of one instant."""
        log = DocumentsAuditLog(self.store, WrongClock(self.clock, wrong_by), self.ids, RETENTION)
        for number in range(events):
            log.record(AuditEvent("sweep", "done", details={"closed": number}))

    def seal(self, wrong_by: float = 0) -> Head | None:
        return self._sealed(self.store, WrongClock(self.clock, wrong_by))

    def seal_at_once(self, first: float, second: float) -> None:
        """Two sweepers, of which the second one makes its blocks just before the first one would have."""
        self._sealed(CreatesAndReads(self.documents, lambda: self.seal(second)), WrongClock(self.clock, first))

    def seal_all(self) -> None:
        self.clock.advance(minutes=MARGIN / timedelta(minutes=1) + 10)
        self.seal()

    def verdict(self, logged: Head | None = None, since: datetime | None = None) -> Verdict:
        return verify_chain(CreatesAndReads(self.documents), self.clock, logged, since)

    def found(self, logged: Head | None = None) -> list[tuple[str, str]]:
        """Kind and id of each finding."""
        return [(finding.kind.value, finding.id) for finding in self.verdict(logged).findings]

    @property
    def store(self) -> CreatesAndReads:
        return CreatesAndReads(self.documents)

    # What is there.

    def events(self) -> dict[str, Document]:
        return dict(self.documents.query(COLLECTION, {}, "at", 10_000))

    def blocks(self) -> list[Block]:
        found = self.documents.query(AUDIT_CHAIN, {}, "number", 10_000)
        return [from_document(document) for _, document in found]

    def sealed(self) -> list[str]:
        """The ids of all events that are in a block."""
        return [event.id for block in self.blocks() for event in block.events]

    # What somebody does who may do anything.

    def write(self, collection: str, document_id: str, document: Mapping[str, Any]) -> None:
        self.documents.transact(lambda transaction: transaction.set(collection, document_id, dict(document)))

    def edit(self, collection: str, document_id: str, **fields: Any) -> None:
        self.write(collection, document_id, self.read(collection, document_id) | fields)

    def swap(self, collection: str, one: str, other: str) -> None:
        contents = self.read(collection, one), self.read(collection, other)
        self.write(collection, other, contents[0])
        self.write(collection, one, contents[1])

    def delete(self, collection: str, *document_ids: str) -> None:
        for document_id in document_ids:
            self.documents.delete(collection, document_id)

    def read(self, collection: str, document_id: str) -> Document:
        document = self.documents.get(collection, document_id)
        assert document is not None
        return document

    def _sealed(self, store: Documents, clock: Clock) -> Head | None:
        head = seal_new_events(store, clock)
        if head:
            self.heads.append(head)
        return head
