"""What an import would change of the registry that is kept: counted before a word of it is written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from secciones.domain.roster import Student
from secciones.domain.stored_roster import (
    SCHOOLS,
    SECTIONS,
    TEACHERS,
    StoredSchool,
    StoredTeacher,
    TaughtSection,
    expiries,
    stored_list,
    stored_school,
    stored_teacher,
)
from secciones.ports.documents import Document, Documents
from secciones.services.roster_tables import RosterTables

T = TypeVar("T", StoredSchool, StoredTeacher)

_PAGE = 300


@dataclass
class Tally:
    """How many of a kind there were, and how many of them and of new ones an import touches."""

    before: int = 0
    touched: int = 0

    def percent(self) -> float:
        """Of what was there; nothing is touched where nothing was."""
        return 100 * self.touched / self.before if self.before else 0.0


@dataclass
class Changes:
    """Ids of what is to be written, for a change or for an end that is near, and of what is gone; and how much is
    touched by it, of which renewals are no part."""

    schools: list[str] = field(default_factory=list)
    schools_gone: list[str] = field(default_factory=list)
    teachers: list[str] = field(default_factory=list)
    teachers_gone: list[str] = field(default_factory=list)
    tallies: dict[str, Tally] = field(
        default_factory=lambda: {"students": Tally(), "sections": Tally(), "teachers": Tally()}
    )

    def percent(self) -> float:
        """The largest share of a kind that is touched."""
        return max(tally.percent() for tally in self.tallies.values())


def find_changes(documents: Documents, tables: RosterTables, now: datetime, kept_for: timedelta) -> Changes:
    """Hold the tables against what is kept; whatever has less than half of its time left is written again.

    Raises DocumentsUnavailable.
    """
    changes = Changes()
    stale = now + kept_for / 2
    schools = (tables.school(school_id) for school_id in tables.school_ids())
    for old_school, new_school in _paired(_kept(documents, SCHOOLS, stored_school, _first_expiry), schools):
        _count_sections(documents, old_school and old_school[0], new_school, changes.tallies)
        _sort_in(old_school, new_school, stale, changes.schools, changes.schools_gone)
    for old, new in _paired(_kept(documents, TEACHERS, stored_teacher, _expiry), tables.teachers()):
        changes.tallies["teachers"].before += old is not None
        changes.tallies["teachers"].touched += old is None or old[0] != new
        _sort_in(old, new, stale, changes.teachers, changes.teachers_gone)
    return changes


def _kept(
    documents: Documents, collection: str, read: Callable[[Document], T], ends_at: Callable[[Document], datetime]
) -> Iterator[tuple[T, datetime]]:
    """All that is kept in a collection, in the order of the ids, each with when it ends."""
    after = ""
    while page := documents.query(collection, {}, "id", _PAGE, after=after):
        yield from ((read(document), ends_at(document)) for _, document in page)
        after = page[-1][1]["id"]


def _first_expiry(document: Document) -> datetime:
    return min(expiries(document).values())


def _expiry(document: Document) -> datetime:
    ends_at: datetime = document["expires_at"]
    return ends_at


def _paired(
    kept: Iterator[tuple[T, datetime]], wanted: Iterator[T]
) -> Iterator[tuple[tuple[T, datetime] | None, T | None]]:
    """What is there and what is to be, of each id; both come in the order of their ids."""
    old: tuple[T, datetime] | None = next(kept, None)
    new: T | None = next(wanted, None)
    while old or new:
        is_old = old is not None and (new is None or old[0].id <= new.id)
        is_new = new is not None and (old is None or new.id <= old[0].id)
        yield (old if is_old else None), (new if is_new else None)
        old = next(kept, None) if is_old else old
        new = next(wanted, None) if is_new else new


def _sort_in(
    old: tuple[T, datetime] | None, new: T | None, stale: datetime, written: list[str], gone: list[str]
) -> None:
    if new is not None and (old is None or old[0] != new or old[1] < stale):
        written.append(new.id)
    elif new is None and old is not None:
        gone.append(old[0].id)


def _count_sections(
    documents: Documents, old: StoredSchool | None, new: StoredSchool | None, tallies: Mapping[str, Tally]
) -> None:
    before = {taught.section.id: taught for taught in (old.sections if old else ())}
    after = {taught.section.id: taught for taught in (new.sections if new else ())}
    sections, students = tallies["sections"], tallies["students"]
    sections.before += len(before)
    is_renamed = old is not None and new is not None and old.school != new.school
    sections.touched += sum(is_renamed or _about(before.get(key)) != _about(after.get(key)) for key in before | after)
    students.before += sum(taught.section.student_count for taught in before.values())
    another = [key for key in before | after if _version(before.get(key)) != _version(after.get(key))]
    lists = _lists(documents, {old.list_key(before[key]): key for key in another if key in before}) if old else {}
    for key in another:
        now_there = after[key].students if key in after else ()
        students.touched += len({student.id for student in set(lists.get(key, ())) ^ set(now_there)})


def _about(taught: TaughtSection | None) -> tuple[object, ...] | None:
    """What is known of a section beside its students and its school."""
    if taught is None:
        return None
    section = taught.section
    return section.code, section.name, section.grade, section.shift, section.is_open, taught.teachers


def _version(taught: TaughtSection | None) -> str:
    return taught.version if taught else ""


def _lists(documents: Documents, keys: Mapping[str, str]) -> dict[str, tuple[Student, ...]]:
    """The lists that are kept, by the sections' ids."""
    found = documents.transact(lambda transaction: transaction.get_many(SECTIONS, list(keys))) if keys else {}
    return {keys[key]: stored_list(document) for key, document in found.items()}
