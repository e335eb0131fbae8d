"""The registry of schools, sections and people (SIGES)."""

from typing import Protocol

from secciones.domain.people import Dui, Nip, Teacher
from secciones.domain.roster import Roster, School


class Registry(Protocol):
    """Reads only. Text is cleaned: names are one line, e-mail addresses lower case without blanks, and a student's
    number that is none is None. Every method raises RegistryUnavailable when the registry does not answer, answers
    with an error of its own or with something that breaks its contract."""

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        """The teacher whom both numbers belong to; None alike for an unknown DUI and a wrong NIP."""
        ...

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        """The teacher's schools with the teacher's sections of the school year in force, in the registry's order.

        Empty for a teacher without any; raises NotAssigned for an unknown teacher.
        """
        ...

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        """A section of this teacher with the students whose enrolment is active, by surnames then given names.

        Raises NotAssigned alike for a section that is unknown, another teacher's or another year's.
        The section may be closed.
        """
        ...
