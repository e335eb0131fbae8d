"""Imports of the registry by machines that fail, over one afternoon: what readers saw, and what came of it."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from unittest import mock

from secciones.adapters.sqlite import SqliteDocuments
from secciones.adapters.stored_registry import StoredRegistry
from secciones.domain.errors import BucketUnavailable, LeaseHeld, LeaseLost, RegistryUnavailable, Unavailable
from secciones.ports.bucket import StoredFile
from secciones.ports.documents import Transaction
from secciones.services import import_roster
from secciones.services.import_roster import INCOMING
from tests.faults.ports import FaultyAudit, FaultyDocuments
from tests.faults.schedule import Fault, Schedule
from tests.faults.simulation import Call, Process, Simulation
from tests.support.fakes import FakeBucket, FakeClock
from tests.support.imports import REGISTRY_SECRET, ImportWorld, bundle, delta, moved, seen
from tests.support.oneroster import Tables, changed, enrolment, person

T = TypeVar("T")
Seen = dict[str, dict[tuple[str, str], Any]]

_EVERY = 300.0  # what the scheduler does
_AT_ONCE = 0.12  # a second machine that the scheduler has called as well, in the middle of the first one's calls
_ENDS = 9000.0
# Longer than a lease: whoever stood still so long finds that another has done its work, and the next export's.
_STALL = 2700.0
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _with_a_bad_row(tables: Tables) -> None:
    moved(tables)
    tables["users"][4]["givenName"] = "=HYPERLINK()"


def _one_more(student: str) -> bytes:
    return delta(users=[changed(person(student, "Nueva"))], enrollments=[changed(enrolment("s2", student))])


# By when they come: all changes, and then two that build on what was imported before them.
EXPORTS = (
    (0.0, "1.zip", bundle(_with_a_bad_row)),
    (2000.0, "2.zip", _one_more("e10")),
    (6000.0, "3.zip", _one_more("e11")),
)


@dataclass(frozen=True)
class Ending:
    """The promises that were broken, and every call."""

    broken: frozenset[str]
    calls: Sequence[Call]


@dataclass(frozen=True)
class _FaultyBucket:
    process: Process
    real: FakeBucket

    def files(self, prefix: str) -> Sequence[StoredFile]:
        return self.process.call("bucket.files", lambda: self.real.files(prefix), BucketUnavailable)

    def open(self, file: StoredFile) -> BinaryIO:
        return self.process.call("bucket.open", lambda: self.real.open(file), BucketUnavailable)

    def write(self, name: str, content: BinaryIO) -> None:
        self.process.call("bucket.write", lambda: self.real.write(name, content), BucketUnavailable)

    def delete(self, file: StoredFile) -> None:
        self.process.call("bucket.delete", lambda: self.real.delete(file), BucketUnavailable)


class _Readers(SqliteDocuments):
    """A store whose readers look after every transaction."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        super().__init__(path, now)
        self.look: Callable[[], None] = lambda: None
        self.as_readers_do = partial(SqliteDocuments, path, now)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        result = super().transact(work)
        self.look()
        return result


def played(number: int | None = None, fault: Fault | None = None) -> Ending:
    """The afternoon, with a fault at the call of this number. Promises: no reader sees a school `mixed` of two states,
    nothing is `lost`, no export stays, and a `report` and a word to the audit there are once."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder, mock.patch("tests.faults.simulation.STALL", _STALL):
        simulation = Simulation(Schedule("imports", {str(number): fault} if fault else {}))
        documents = _Readers(Path(folder) / "documents", simulation.clock.now)
        world = _begun(documents, simulation.clock)
        mixed = False

        def look() -> None:
            nonlocal mixed
            try:
                found = seen(_reading(world))
            except RegistryUnavailable:
                mixed = True
            else:
                mixed = mixed or not all(_is_whole(school, rosters) for school, rosters in found.items())

        documents.look = look
        for moment, name, content in EXPORTS:
            simulation.after(moment, partial(world.deliver, content, name))
        for turn in range(int(_ENDS / _EVERY)):
            for late in (0.0, _AT_ONCE):
                start = partial(simulation.start, "importer", partial(_import, world))
                simulation.after(turn * _EVERY + late + 0.01, start)
        simulation.run(timedelta(seconds=2 * _ENDS))
        return Ending(frozenset(_broken(world) | ({"mixed"} if mixed else set())), simulation.calls)


def _begun(documents: SqliteDocuments, clock: FakeClock) -> ImportWorld:
    """The country as it is before."""
    world = ImportWorld(documents, clock)
    world.imported(bundle())
    world.audit.events.clear()
    return world


def _reading(world: ImportWorld) -> StoredRegistry:
    """What a reader has, whose reading makes nobody look."""
    assert isinstance(world.documents, _Readers)
    return StoredRegistry(world.documents.as_readers_do(), REGISTRY_SECRET)


def _import(world: ImportWorld, process: Process) -> None:
    """What the scheduler's call does; whatever fails is left to the next one."""
    importer = world.importer(
        bucket=_FaultyBucket(process, world.bucket),
        documents=FaultyDocuments(process, world.documents, lambda _: None),
        audit=FaultyAudit(process, world.audit),
        clock=process,
        most_percent=1000,
    )
    with contextlib.suppress(LeaseHeld, LeaseLost, Unavailable):
        import_roster.import_next(importer)


@cache
def _states() -> tuple[Seen, ...]:
    """The country before, and after each of the exports."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        clock = FakeClock()
        world = _begun(SqliteDocuments(Path(folder) / "documents", clock.now), clock)
        states = [seen(world.registry)]
        for _, name, content in EXPORTS:
            world.imported(content, name)
            states.append(seen(world.registry))
        return tuple(states)


def _is_whole(school: str, rosters: Mapping[tuple[str, str], Any]) -> bool:
    """Until all schools have changed, a teacher's document may not name every one of them; what it shows is whole."""
    return any(rosters.items() <= state.get(school, {}).items() for state in _states())


def _broken(world: ImportWorld) -> set[str]:
    in_the_end = {
        "lost": seen(_reading(world)) == _states()[-1] and not world.bucket.files(INCOMING),
        "report": sum(name.startswith("reports/") for name in world.bucket.contents) == 1
        and world.audit.outcomes("roster_import") == ["imported"] * len(EXPORTS),
    }
    return {promise for promise, is_kept in in_the_end.items() if not is_kept}
