"""Imports of the registry over a bucket in memory."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from secciones.adapters.stored_registry import StoredRegistry
from secciones.ports.documents import Documents
from secciones.services.confirm_import import confirm_import
from secciones.services.import_roster import INCOMING, Importer, Result, import_next
from tests.support.fakes import FakeAudit, FakeBucket, FakeClock
from tests.support.oneroster import zipped
from tests.support.siges import SAMPLE

REGISTRY_SECRET = "r" * 32
KEPT_FOR = timedelta(days=60)


@dataclass
class ImportWorld:
    """A bucket, and the registry that is filled from it."""

    documents: Documents
    clock: FakeClock = field(default_factory=FakeClock)
    bucket: FakeBucket = field(default_factory=FakeBucket)
    audit: FakeAudit = field(default_factory=FakeAudit)

    def importer(self, **changes: Any) -> Importer:
        given: dict[str, Any] = {
            "bucket": self.bucket,
            "documents": self.documents,
            "audit": self.audit,
            "clock": self.clock,
            "secret": REGISTRY_SECRET,
            "most_percent": 10,
            "kept_for": KEPT_FOR,
        }
        return Importer(**(given | changes))

    def deliver(self, content: bytes, name: str = "roster.zip") -> None:
        self.bucket.put(f"{INCOMING}{name}", content)

    def imported(self, content: bytes, name: str = "roster.zip", *, is_confirmed: bool = True) -> Result:
        """What comes of an export, confirmed if that is needed."""
        self.deliver(content, name)
        result = import_next(self.importer())
        assert result is not None
        if result.state == "unconfirmed" and is_confirmed:
            assert confirm_import(self.documents, result.export)
            result = import_next(self.importer())
            assert result is not None
        return result

    @property
    def registry(self) -> StoredRegistry:
        return StoredRegistry(self.documents, REGISTRY_SECRET)


def import_sample(documents: Documents) -> Result:
    """The sample, into a store."""
    folder = SAMPLE / "oneroster"
    return ImportWorld(documents).imported(zipped({path.name: path.read_bytes() for path in folder.glob("*.csv")}))
