"""Schools, their sections and students, as the registry gives them to one teacher in the school year in force."""

from dataclasses import dataclass
from enum import StrEnum

from secciones.domain.people import Nie


class Enrolment(StrEnum):
    """Where a student's enrolment in the section stands."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    ANNULLED = "annulled"


@dataclass(frozen=True)
class Section:
    """A section; `grade` and `shift` are the registry's own words, in Spanish."""

    id: str
    code: str
    name: str
    grade: str
    shift: str
    is_open: bool
    student_count: int


@dataclass(frozen=True)
class School:
    """A school (centro educativo) with the sections that are the teacher's, open ones and closed ones."""

    id: str
    code: str
    name: str
    department: str
    municipality: str
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Student:
    """A student of a section; `email` is what the registry stores, without blanks, lower case, or None."""

    id: str
    nie: Nie | None
    given_names: str
    surnames: str
    email: str | None
    enrolment: Enrolment

    @property
    def name(self) -> str:
        """Surnames first, the order of a class list."""
        return ", ".join(part for part in (self.surnames, self.given_names) if part)


@dataclass(frozen=True)
class Roster:
    """One section of one school and the students enrolled in it now, in the order of a class list."""

    school: School
    section: Section
    students: tuple[Student, ...]
