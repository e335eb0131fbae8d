"""The registry as it was last imported, for when SIGES cannot be asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hmac import compare_digest
from typing import TypeVar

from secciones.domain.errors import DocumentsUnavailable, NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nip, Teacher
from secciones.domain.roster import Roster, School, Section
from secciones.domain.stored_roster import (
    IMPORTS,
    REFERENCE,
    SCHOOLS,
    SECTIONS,
    TEACHERS,
    StoredSchool,
    TaughtSection,
    key_of,
    numbers_hash,
    stored_list,
    stored_school,
    stored_teacher,
)
from secciones.ports.documents import Documents, Transaction

T = TypeVar("T")


class StoredRegistry:
    """The registry port over documents. `secret` is the importer's; without it, nobody can be verified.

    What belongs together is read from one snapshot, so that an import meanwhile shows all of itself or nothing. Where
    nothing was imported, or too long ago, nobody is refused: it cannot be asked.
    """

    def __init__(self, documents: Documents, secret: str) -> None:
        self._documents = documents
        self._secret = secret

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        numbers = numbers_hash(dui, nip, self._secret)
        with _readable():
            found = self._documents.query(TEACHERS, {"numbers": numbers}, "id", 2)
        if not found:
            self._require_import()
        teachers = [stored_teacher(document) for _, document in found]
        # Numbers that two persons have prove neither of them.
        [teacher] = teachers if len(teachers) == 1 else [None]
        return teacher.teacher if teacher and compare_digest(teacher.numbers, numbers) else None

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        found = self._read(lambda transaction: _schools_of(transaction, teacher_id))
        schools = (
            School(
                s.id, s.school.code, s.school.name, s.school.department, s.school.municipality, _theirs(s, teacher_id)
            )
            for s in found
        )
        return tuple(school for school in schools if school.sections)

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        def read(transaction: Transaction) -> Roster:
            for stored in _schools_of(transaction, teacher_id):
                for taught in stored.sections:
                    if taught.section.id == section_id and teacher_id in taught.teachers:
                        return _roster(transaction, stored, taught)
            raise NotAssigned

        return self._read(read)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        try:
            with _readable():
                return self._documents.transact(work)
        except NotAssigned:
            self._require_import()
            raise

    def _require_import(self) -> None:
        with _readable():
            imported = self._documents.get(IMPORTS, REFERENCE)
        if imported is None:
            raise RegistryUnavailable("nothing was imported, or too long ago")


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except DocumentsUnavailable as error:
        raise RegistryUnavailable("the imported registry cannot be read") from error


def _schools_of(transaction: Transaction, teacher_id: str) -> list[StoredSchool]:
    """Those that may have sections of this teacher, by their codes; raises NotAssigned for an unknown one."""
    document = transaction.get(TEACHERS, key_of(teacher_id))
    if document is None:
        raise NotAssigned
    keys = [key_of(school_id) for school_id in stored_teacher(document).schools]
    found = transaction.get_many(SCHOOLS, keys) if keys else {}
    schools = (stored_school(document) for document in found.values())
    return sorted(schools, key=lambda stored: (stored.school.code, stored.id))


def _theirs(stored: StoredSchool, teacher_id: str) -> tuple[Section, ...]:
    return tuple(taught.section for taught in stored.sections if teacher_id in taught.teachers)


def _roster(transaction: Transaction, stored: StoredSchool, taught: TaughtSection) -> Roster:
    document = transaction.get(SECTIONS, stored.list_key(taught))
    if document is None:
        raise RegistryUnavailable("the imported registry lacks a section's list")
    return Roster(stored.school, taught.section, stored_list(document))
