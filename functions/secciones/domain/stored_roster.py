"""The imported registry as it is kept: what is read for one page is one document.

A school's document names the version of each of its sections' lists, and a version never changes. Writing it is what
takes a school from its old state to its new one, all of it at once. DUI and NIP are there as one keyed hash and in no
other form.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from secciones.domain.people import Dui, Nie, Nip, Teacher
from secciones.domain.roster import Enrolment, School, Section, Student

SCHOOLS = "registry_schools"
SECTIONS = "registry_sections"
TEACHERS = "registry_teachers"
IMPORTS = "registry_imports"  # what there is to know about imports themselves
REFERENCE = "reference"  # there, the last import, as long as all that it brought is kept

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class TaughtSection:
    """A section with those who teach it and the version of its list of students."""

    section: Section
    teachers: tuple[str, ...]
    version: str
    students: tuple[Student, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class StoredSchool:
    """A school, without a word on sections in `school` itself, and all of its sections of the year in force."""

    school: School
    sections: tuple[TaughtSection, ...]

    @property
    def id(self) -> str:
        return self.school.id

    def list_key(self, taught: TaughtSection) -> str:
        """The id of the document with this version of a section's list. It is the school's own, since a section may
        move to another one, and both are written by themselves."""
        return f"{key_of(f'{self.id} {taught.section.id}')}-{taught.version}"

    @property
    def list_keys(self) -> set[str]:
        """Those of all of its lists."""
        return {self.list_key(taught) for taught in self.sections}


@dataclass(frozen=True)
class StoredTeacher:
    """A teacher in service. `numbers` is the keyed hash of DUI and NIP, empty for whom the registry has none; `schools`
    are all those that may have a section of theirs."""

    teacher: Teacher
    numbers: str = field(repr=False)
    schools: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.teacher.id


def key_of(registry_id: str) -> str:
    """An id of the registry as one of a document, which may not hold every character."""
    return hashlib.sha256(registry_id.encode()).hexdigest()[:32]


def numbers_hash(dui: Dui, nip: Nip, secret: str) -> str:
    """What is kept of a person's numbers: without the key, all of them could be tried in hours."""
    return hmac.new(secret.encode(), f"registry\0{dui.digits}\0{nip.digits}".encode(), hashlib.sha256).hexdigest()


def version_of(students: Iterable[Student]) -> str:
    """Equal for equal lists, and for no others."""
    content = json.dumps([_student_fields(student) for student in students], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def school_document(stored: StoredSchool, expires_at: Mapping[str, datetime]) -> dict[str, Any]:
    """`expires_at` of each section's list by the section's id; the school goes with the first of them."""
    school = stored.school
    return {
        "id": school.id,
        "code": school.code,
        "name": school.name,
        "department": school.department,
        "municipality": school.municipality,
        "sections": [_section_fields(taught, expires_at[taught.section.id]) for taught in stored.sections],
        "expires_at": min(expires_at.values()),
    }


def stored_school(fields: Fields) -> StoredSchool:
    """Read what `school_document` wrote."""
    school = School(fields["id"], fields["code"], fields["name"], fields["department"], fields["municipality"])
    return StoredSchool(school, tuple(_taught_section(section) for section in fields["sections"]))


def expiries(fields: Fields) -> dict[str, datetime]:
    """Until when the list of each section is kept, by the section's id."""
    return {section["id"]: section["expires_at"] for section in fields["sections"]}


def list_document(students: Iterable[Student], expires_at: datetime) -> dict[str, Any]:
    """The list of a section."""
    return {"students": [_student_fields(student) for student in students], "expires_at": expires_at}


def stored_list(fields: Fields) -> tuple[Student, ...]:
    """Read what `list_document` wrote."""
    return tuple(_student(student) for student in fields["students"])


def teacher_document(stored: StoredTeacher, expires_at: datetime) -> dict[str, Any]:
    """A teacher."""
    teacher = stored.teacher
    return {
        "id": teacher.id,
        "given_names": teacher.given_names,
        "surnames": teacher.surnames,
        "address": teacher.address,
        "numbers": stored.numbers,
        "schools": list(stored.schools),
        "expires_at": expires_at,
    }


def stored_teacher(fields: Fields) -> StoredTeacher:
    """Read what `teacher_document` wrote."""
    teacher = Teacher(fields["id"], fields["given_names"], fields["surnames"], fields["address"])
    return StoredTeacher(teacher, fields["numbers"], tuple(fields["schools"]))


def _section_fields(taught: TaughtSection, expires_at: datetime) -> dict[str, Any]:
    section = taught.section
    return {
        "id": section.id,
        "code": section.code,
        "name": section.name,
        "grade": section.grade,
        "shift": section.shift,
        "is_open": section.is_open,
        "student_count": section.student_count,
        "teachers": list(taught.teachers),
        "version": taught.version,
        "expires_at": expires_at,
    }


def _taught_section(fields: Fields) -> TaughtSection:
    section = Section(
        fields["id"],
        fields["code"],
        fields["name"],
        fields["grade"],
        fields["shift"],
        fields["is_open"],
        fields["student_count"],
    )
    return TaughtSection(section, tuple(fields["teachers"]), fields["version"])


def _student_fields(student: Student) -> dict[str, Any]:
    return {
        "id": student.id,
        "nie": student.nie and student.nie.digits,
        "given_names": student.given_names,
        "surnames": student.surnames,
        "email": student.email,
    }


def _student(fields: Fields) -> Student:
    return Student(
        fields["id"],
        None if fields["nie"] is None else Nie(fields["nie"]),
        fields["given_names"],
        fields["surnames"],
        fields["email"],
        Enrolment.ACTIVE,
    )
