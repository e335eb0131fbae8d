"""Brings an export of the registry from the bucket into the registry that is kept."""

import csv
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from secciones.domain.errors import BucketUnavailable
from secciones.domain.import_problems import BundleRefused, Problem, Reason
from secciones.domain.oneroster import FILES, Mode
from secciones.domain.stored_roster import key_of
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.bucket import Bucket, StoredFile
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents
from secciones.services.apply_roster import ImportLease, apply_changes, reference
from secciones.services.confirm_import import ask_for_confirmation, confirmation_of
from secciones.services.load_roster import Loader, load_flat
from secciones.services.roster_bundle import FlatBundle, ZipBundle
from secciones.services.roster_changes import Changes, Tally, find_changes
from secciones.services.roster_tables import RosterTables

INCOMING = "incoming/"
_REPORTS = "reports/"
_REFERENCES = "reference/"
_REPORT_HEADER = ("file", "line", "column", "reason")


class State(StrEnum):
    """What became of an export."""

    IMPORTED = "imported"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"  # it would change more than is believed of it without a person's word


@dataclass(frozen=True)
class Importer:
    """What an import works with. `most_percent` of students, sections or teachers may change unconfirmed; what is
    imported is kept for `kept_for` unless it is imported again."""

    bucket: Bucket
    documents: Documents
    audit: AuditLog
    clock: Clock
    secret: str
    most_percent: int
    kept_for: timedelta


@dataclass(frozen=True)
class Result:
    """How an import went; `report` names the file with the rows that were left out, if any."""

    export: str  # what a confirmation must name
    state: State
    problems: int
    report: str
    tallies: dict[str, Tally] = field(default_factory=dict)
    refused_because: Problem | None = None

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """The tallies as they are told."""
        return {kind: asdict(tally) for kind, tally in self.tallies.items()}


def import_next(importer: Importer) -> Result | None:
    """Import the oldest export there is; None when there is none.

    One that waits for its confirmation lets no other pass, since the later ones build on it: it is confirmed, or
    removed from the bucket. What was imported or refused is removed, because it has DUI and NIP in clear.
    Raises LeaseHeld, LeaseLost, BucketUnavailable, DocumentsUnavailable; after each, the next call begins anew.
    """
    export = next((file for file in importer.bucket.files(INCOMING) if not file.name.endswith("/")), None)
    if export is None:
        return None
    asked = confirmation_of(importer.documents, _name(export))
    if asked and not asked["is_confirmed"]:
        return _waiting(export, asked["about"])
    lease = ImportLease(importer.documents, importer.clock)
    try:
        return _import(importer, lease, export, is_believed=asked is not None)
    finally:
        lease.release()


def late_since(importer: Importer) -> datetime | None:
    """When the last import was, if a quarter of the time that it is kept for is over."""
    if (last := reference(importer.documents)) and importer.clock.now() - last.at > importer.kept_for / 4:
        return last.at
    return None


def _waiting(export: StoredFile, about: Document) -> Result:
    tallies = {kind: Tally(**counts) for kind, counts in about["counts"].items()}
    return Result(_name(export), State.UNCONFIRMED, about["problems"], about["report"], tallies)


def _name(export: StoredFile) -> str:
    return f"{export.name.removeprefix(INCOMING)}#{export.generation}"


def _report_name(export: StoredFile) -> str:
    return f"{_REPORTS}{_name(export)}.csv"


def _import(importer: Importer, lease: ImportLease, export: StoredFile, *, is_believed: bool) -> Result:
    with tempfile.TemporaryDirectory() as scratch, _report(Path(scratch) / "report.csv") as report:
        refused_because, tallies = None, Changes().tallies
        try:
            with _loaded(importer, export, Path(scratch) / "tables", report) as tables:
                state, tallies = _take(importer, lease, tables, is_believed=is_believed)
        except BundleRefused as refusal:
            refused_because, state = refusal.problem, State.REFUSED
            report.add(refusal.problem)
        report_name = _report_name(export) if report.count else ""
        if report_name:
            with report.finished() as content:
                importer.bucket.write(report_name, content)
    result = Result(_name(export), state, report.count, report_name, tallies, refused_because)
    _end(importer, export, result)
    return result


def _take(
    importer: Importer, lease: ImportLease, tables: RosterTables, *, is_believed: bool
) -> tuple[State, dict[str, Tally]]:
    now = importer.clock.now()
    changes = find_changes(importer.documents, tables, now, importer.kept_for)
    if changes.percent() > importer.most_percent and not is_believed:
        return State.UNCONFIRMED, changes.tallies
    # First what later deltas will change: an import that dies in the middle is begun anew, and ends the same.
    _keep_reference(importer, lease, tables.path)
    apply_changes(lease, tables, changes, now, importer.kept_for)
    return State.IMPORTED, changes.tallies


@contextmanager
def _loaded(importer: Importer, export: StoredFile, path: Path, report: "_Report") -> Iterator[RosterTables]:
    """The tables as they are with this export."""
    with importer.bucket.open(export) as file:
        if export.name.casefold().endswith(".csv"):
            # Whoever opens the report in a spreadsheet shall not calculate it.
            name = export.name.rpartition("/")[2].lstrip("=+-@\t ")
            source: FlatBundle | ZipBundle = FlatBundle(name, file, report.add)
        else:
            source = ZipBundle(file, report.add)
            if any(source.modes.get(name) is not Mode.BULK for name in FILES):
                _fetch_reference(importer, path, is_needed=Mode.DELTA in source.modes.values())
        tables = RosterTables(path)
        try:
            if isinstance(source, FlatBundle):
                load_flat(source, tables, importer.secret, report.add)
            else:
                Loader(tables, importer.secret, report.add).load(source)
            tables.settle(importer.clock.now().date())
            yield tables
        finally:
            tables.close()


def _keep_reference(importer: Importer, lease: ImportLease, path: Path) -> None:
    """Each import writes a file of its own, and the lease decides which is in force: the bucket knows no fence, and a
    machine that stood still would put its old tables in place of newer ones."""
    name = f"{_REFERENCES}{lease.fence:012}.sqlite"
    with path.open("rb") as content:
        importer.bucket.write(name, content)
    lease.put_reference_in_force(name, importer.kept_for)
    for file in importer.bucket.files(_REFERENCES):
        if file.name < name:
            importer.bucket.delete(file)


def _fetch_reference(importer: Importer, path: Path, *, is_needed: bool) -> None:
    """What a delta changes, and a bulk of some files leaves as it is; raises BundleRefused when it is needed and there
    is none."""
    in_force = reference(importer.documents)
    if in_force is None:
        if is_needed:
            raise BundleRefused(Reason.DELTA_WITHOUT_BULK)
        return
    references = importer.bucket.files(in_force.name)
    if not references:
        # Another import has put a newer one in its place since.
        raise BucketUnavailable(f"{in_force.name} is gone")
    with importer.bucket.open(references[-1]) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)


def _end(importer: Importer, export: StoredFile, result: Result) -> None:
    if result.state is State.UNCONFIRMED:
        about = {"problems": result.problems, "report": result.report, "counts": result.counts}
        ask_for_confirmation(importer.documents, importer.clock, result.export, about)
    counts = {f"{kind}_touched": tally.touched for kind, tally in result.tallies.items()}
    importer.audit.record(_event(export, result.state.value, **counts, problems=result.problems))
    if result.state is not State.UNCONFIRMED:
        importer.bucket.delete(export)


def _event(export: StoredFile, outcome: str, **counts: int) -> AuditEvent:
    key = f"roster-import-{key_of(_name(export))}-{outcome}"
    return AuditEvent("roster_import", outcome, key=key, details={"export": _name(export), **counts})


class _Report:
    """The rows that were left out, as they are found, in a file."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(_REPORT_HEADER)

    def add(self, problem: Problem) -> None:
        self.count += 1
        self._writer.writerow((problem.file, problem.line or "", problem.column, problem.reason.value))

    def finished(self) -> BinaryIO:
        self._file.flush()
        return self._path.open("rb")

    def close(self) -> None:
        self._file.close()


@contextmanager
def _report(path: Path) -> Iterator[_Report]:
    report = _Report(path)
    try:
        yield report
    finally:
        report.close()
