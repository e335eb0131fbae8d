"""Imports of the registry over a bucket in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from secciones.adapters.stored_registry import StoredRegistry
from secciones.domain.errors import NotAssigned
from secciones.domain.roster import Roster
from secciones.ports.documents import Documents
from secciones.services.confirm_import import confirm_import
from secciones.services.import_roster import INCOMING, Importer, Result, import_next
from tests.support.fakes import FakeAudit, FakeBucket, FakeClock
from tests.support.oneroster import Tables, country, enrolment, files, person, role, zipped
from tests.support.siges import SAMPLE

Change = Callable[[Tables], Any]

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


def bundle(change: Change = lambda _: None) -> bytes:
    """The small country in bulk, with a change."""
    tables = country()
    change(tables)
    return zipped(files(tables))


def delta(**tables: list[dict[str, str]]) -> bytes:
    """What has changed in some tables."""
    return zipped(files(tables, "delta"))


def moved(tables: Tables) -> None:
    """Both schools change, in lists, names and teachers, and one section goes."""
    tables["users"] += [person("d3", "Eva"), person("e8", "Nuevo")]
    tables["roles"].append(role("d3", "teacher"))
    tables["enrollments"][0]["userSourcedId"] = "d3"
    tables["enrollments"][2]["userSourcedId"] = "d3"
    tables["enrollments"] += [enrolment("s3", "e8", schoolSourcedId="ce2"), enrolment("s1", "e8")]
    tables["orgs"][1]["name"] = "Centro Uno, otro nombre"
    tables["orgs"][2]["name"] = "Centro Dos, otro nombre"
    tables["users"][2]["givenName"] = "Otra"


def seen(registry: StoredRegistry) -> dict[str, dict[tuple[str, str], Roster]]:
    """All that the teachers of the small country can see, school by school."""
    found: dict[str, dict[tuple[str, str], Roster]] = {}
    for teacher in ("d1", "d2", "d3"):
        try:
            schools = registry.schools(teacher)
        except NotAssigned:
            continue
        for school in schools:
            for taught in school.sections:
                found.setdefault(school.id, {})[teacher, taught.id] = registry.roster(teacher, taught.id)
    return found


def import_sample(documents: Documents) -> Result:
    """The sample, into a store."""
    folder = SAMPLE / "oneroster"
    return ImportWorld(documents).imported(zipped({path.name: path.read_bytes() for path in folder.glob("*.csv")}))
