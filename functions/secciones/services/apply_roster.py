"""Writes an import into the registry that is kept, so that a reader sees a school as it was or as it is, never between.

The lists of students come first, each version a document of its own; then the school's document names the new ones, for
all of its sections at once; then the old ones go. Teachers name the schools in which to look, and a school's document
has the last word on who teaches there: so they name old and new ones while schools change, and the old ones no more
when all have. Whatever an import that died has left behind is found by the next one as a difference, or expires.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from secciones.domain.errors import LeaseHeld, LeaseLost
from secciones.domain.stored_roster import (
    IMPORTS,
    REFERENCE,
    SCHOOLS,
    SECTIONS,
    TEACHERS,
    StoredSchool,
    expiries,
    key_of,
    list_document,
    school_document,
    stored_school,
    stored_teacher,
    teacher_document,
)
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction
from secciones.services.roster_changes import Changes
from secciones.services.roster_tables import RosterTables

T = TypeVar("T")

_LEASE = "lease"
# Longer than reading a nation's files takes, and than two clocks can be apart.
_LEASE_LASTS = timedelta(minutes=30)
_SCHOOLS_AT_ONCE = 40
_LISTS_AT_ONCE = 200  # of some 10 KB each: far from the 10 MiB that one call may carry
_TEACHERS_AT_ONCE = 200


class ImportLease:
    """Of several imports at once only one may write; the higher fence shuts out whoever had it before.

    Raises LeaseHeld while another import runs.
    """

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._until = clock.now() + _LEASE_LASTS
        self.fence = documents.transact(self._take)

    def _take(self, transaction: Transaction) -> int:
        lease = transaction.get(IMPORTS, _LEASE) or {"fence": 0, "until": self._clock.now()}
        if lease["until"] > self._clock.now():
            raise LeaseHeld
        fence: int = lease["fence"] + 1
        transaction.set(IMPORTS, _LEASE, {"fence": fence, "until": self._until})
        return fence

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do the work in one transaction, if the lease still holds; raises LeaseLost."""
        renewed = self._clock.now() + _LEASE_LASTS
        is_due = self._until < renewed - _LEASE_LASTS / 4

        def held(transaction: Transaction) -> T:
            lease = transaction.get(IMPORTS, _LEASE)
            if lease is None or lease["fence"] != self.fence:
                raise LeaseLost
            result = work(transaction)
            if is_due:
                transaction.set(IMPORTS, _LEASE, {"fence": self.fence, "until": renewed})
            return result

        result = self._documents.transact(held)
        if is_due:
            self._until = renewed
        return result

    def put_reference_in_force(self, name: str, kept_for: timedelta) -> None:
        """From now on deltas change the tables of this file; raises LeaseLost."""
        now = self._clock.now()
        # What has not changed may have half of its time left: afterwards nobody knows whether all is there.
        document = {"name": name, "at": now, "expires_at": now + kept_for / 2}
        self.write(lambda transaction: transaction.set(IMPORTS, REFERENCE, document))

    def release(self) -> None:
        """Let the next one begin at once."""
        over = {"fence": self.fence, "until": self._clock.now()}
        self.write(lambda transaction: transaction.set(IMPORTS, _LEASE, over))


@dataclass(frozen=True)
class Reference:
    """The file with the tables that deltas change, and when they were last imported."""

    name: str
    at: datetime


def reference(documents: Documents) -> Reference | None:
    """None when nothing was imported, or too long ago."""
    document = documents.get(IMPORTS, REFERENCE)
    return Reference(document["name"], document["at"]) if document else None


@dataclass(frozen=True)
class _Version:
    """A school as it will be: until when each list is kept, which lists must be written, and which go."""

    school: StoredSchool
    expires_at: dict[str, datetime]
    lists: dict[str, Document]
    gone: set[str]


def apply_changes(
    lease: ImportLease, tables: RosterTables, changes: Changes, now: datetime, kept_for: timedelta
) -> None:
    """Make the changes. Repeating it, or beginning anew after it broke off, does no harm.

    Raises LeaseLost, DocumentsUnavailable.
    """
    ends_at = now + kept_for
    for teacher_ids in _portions(changes.teachers, _TEACHERS_AT_ONCE):
        _write_teachers(lease, tables, teacher_ids, ends_at, keep_former_schools=True)
    for school_ids in _portions(changes.schools, _SCHOOLS_AT_ONCE):
        _write_schools(lease, [tables.school(school_id) for school_id in school_ids], now + kept_for / 2, ends_at)
    for school_ids in _portions(changes.schools_gone, _SCHOOLS_AT_ONCE):
        _remove_schools(lease, school_ids)
    for teacher_ids in _portions(changes.teachers, _TEACHERS_AT_ONCE):
        _write_teachers(lease, tables, teacher_ids, ends_at, keep_former_schools=False)
    for teacher_ids in _portions(changes.teachers_gone, _TEACHERS_AT_ONCE):
        _remove(lease, TEACHERS, [key_of(teacher_id) for teacher_id in teacher_ids])


def _write_teachers(
    lease: ImportLease,
    tables: RosterTables,
    teacher_ids: Sequence[str],
    ends_at: datetime,
    *,
    keep_former_schools: bool,
) -> None:
    teachers = {key_of(teacher_id): tables.teacher(teacher_id) for teacher_id in teacher_ids}

    def work(transaction: Transaction) -> None:
        kept = transaction.get_many(TEACHERS, list(teachers))
        for key, teacher in teachers.items():
            schools = set(teacher.schools)
            if keep_former_schools and key in kept:
                schools |= set(stored_teacher(kept[key]).schools)
            document = teacher_document(replace(teacher, schools=tuple(sorted(schools))), ends_at)
            if document != kept.get(key):
                transaction.set(TEACHERS, key, document)

    lease.write(work)


def _write_schools(lease: ImportLease, schools: Sequence[StoredSchool], stale: datetime, ends_at: datetime) -> None:
    keys = [key_of(school.id) for school in schools]
    kept = lease.write(lambda transaction: transaction.get_many(SCHOOLS, keys))
    versions = [_version(school, kept.get(key_of(school.id)), stale, ends_at) for school in schools]
    lists = [item for version in versions for item in version.lists.items()]
    for portion in _portions(lists, _LISTS_AT_ONCE):
        _set(lease, SECTIONS, dict(portion))
    _set(lease, SCHOOLS, {key_of(v.school.id): school_document(v.school, v.expires_at) for v in versions})
    _remove(lease, SECTIONS, [key for version in versions for key in version.gone])


def _version(school: StoredSchool, kept: Document | None, stale: datetime, ends_at: datetime) -> _Version:
    known = stored_school(kept).list_keys if kept else set()
    ends = expiries(kept) if kept else {}
    still_good = {
        taught.section.id: ends[taught.section.id]
        for taught in school.sections
        if school.list_key(taught) in known and ends[taught.section.id] >= stale
    }
    return _Version(
        school,
        {taught.section.id: still_good.get(taught.section.id, ends_at) for taught in school.sections},
        {
            school.list_key(taught): list_document(taught.students, ends_at)
            for taught in school.sections
            if taught.section.id not in still_good
        },
        known - school.list_keys,
    )


def _remove_schools(lease: ImportLease, school_ids: Sequence[str]) -> None:
    keys = [key_of(school_id) for school_id in school_ids]
    kept = lease.write(lambda transaction: transaction.get_many(SCHOOLS, keys))
    _remove(lease, SCHOOLS, keys)
    _remove(lease, SECTIONS, [key for document in kept.values() for key in stored_school(document).list_keys])


def _set(lease: ImportLease, collection: str, documents: dict[str, Document]) -> None:
    def work(transaction: Transaction) -> None:
        for key, document in documents.items():
            transaction.set(collection, key, document)

    lease.write(work)


def _remove(lease: ImportLease, collection: str, keys: Sequence[str]) -> None:
    def work(portion: Sequence[str]) -> Callable[[Transaction], None]:
        def remove(transaction: Transaction) -> None:
            for key in portion:
                transaction.delete(collection, key)

        return remove

    for portion in _portions(keys, _LISTS_AT_ONCE):
        lease.write(work(portion))


def _portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
