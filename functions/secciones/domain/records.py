"""Reads what a registry stores, flaws included, into the values of the domain: one way for every registry there is."""

from collections.abc import Iterable

from secciones.domain.errors import InvalidNumber
from secciones.domain.people import Nie, Teacher, clean_name, collated
from secciones.domain.roster import Enrolment, Student


def teacher_of(teacher_id: str, given_names: str, surnames: str, email: str | None) -> Teacher:
    """A teacher; an address that cannot be one counts as none."""
    address = clean_address(email)
    usable = address is not None and address.count("@") == 1 and not address.startswith("@") and address[-1] != "@"
    return Teacher(teacher_id, clean_name(given_names), clean_name(surnames), address if usable else None)


def student_of(
    student_id: str, nie: str, given_names: str, surnames: str, email: str | None, enrolment: Enrolment
) -> Student:
    """A student; a malformed address stays, so that the teacher can be told what the registry holds."""
    return Student(
        student_id, _nie_or_none(nie), clean_name(given_names), clean_name(surnames), clean_address(email), enrolment
    )


def class_list(students: Iterable[Student]) -> tuple[Student, ...]:
    """The active ones, each once however often enrolled, by surnames then given names in Spanish order."""
    active = {student.id: student for student in students if student.enrolment is Enrolment.ACTIVE}
    return tuple(sorted(active.values(), key=_place_in_class_list))


def clean_address(text: str | None) -> str | None:
    """Lower case, without blanks or control characters; None when nothing is left."""
    return clean_name(text or "").replace(" ", "").lower() or None


def _nie_or_none(text: str) -> Nie | None:
    try:
        return Nie.parse(text)
    except InvalidNumber:
        return None


def _place_in_class_list(student: Student) -> tuple[str, str, str]:
    return collated(student.surnames), collated(student.given_names), student.id
