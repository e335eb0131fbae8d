"""A teacher looks at their schools and the sections of one."""

from dataclasses import dataclass

from secciones.domain.accounts import expected_accounts
from secciones.domain.errors import NotAssigned
from secciones.domain.outcomes import Outcome
from secciones.domain.roster import Roster, School, Section
from secciones.domain.standings import Standing
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.registry import Registry
from secciones.services.sessions import Session


@dataclass(frozen=True)
class StudentRow:
    """One line of the page of a section; `problem` is set when the registry's data name no account to look up, and
    `standing` when somebody has looked at the account."""

    student_id: str
    name: str
    nie: str
    address: str
    problem: Outcome | None
    standing: Standing | None = None

    @property
    def refusal(self) -> Outcome | None:
        """Why its password cannot be reset, as far as that is known before the worker looks."""
        return self.problem or (self.standing.refusal if self.standing else None)


def list_schools(registry: Registry, audit: AuditLog, session: Session) -> tuple[School, ...]:
    """The teacher's schools; raises RegistryUnavailable."""
    schools = schools_of(registry, session)
    audit.record(AuditEvent("listing", "schools", session.actor, session.address, details={"schools": len(schools)}))
    return schools


def list_sections(
    registry: Registry, audit: AuditLog, session: Session, school_id: str
) -> tuple[tuple[School, ...], School, tuple[Section, ...]]:
    """All schools, the chosen one and its open sections; raises NotAssigned, RegistryUnavailable."""
    schools = schools_of(registry, session)
    school = school_of(schools, school_id)
    audit.record(AuditEvent("listing", "sections", session.actor, session.address, school=school.code))
    return schools, school, tuple(section for section in school.sections if section.is_open)


def student_rows(roster: Roster, domain: str) -> tuple[StudentRow, ...]:
    """The students of a section with the account of each, in the order of a class list."""
    accounts = expected_accounts(roster.students, domain)
    return tuple(
        StudentRow(
            student_id=student.id,
            name=student.name,
            nie=str(student.nie or ""),
            address=accounts[student.id].address,
            problem=accounts[student.id].problem,
        )
        for student in roster.students
    )


def schools_of(registry: Registry, session: Session) -> tuple[School, ...]:
    """The teacher's schools with all their sections; raises RegistryUnavailable."""
    try:
        return registry.schools(session.teacher_id)
    except NotAssigned:
        # A teacher whom the registry no longer knows has no schools; the page says where that is put right.
        return ()


def school_of(schools: tuple[School, ...], school_id: str) -> School:
    """One of them; raises NotAssigned."""
    for school in schools:
        if school.id == school_id:
            return school
    raise NotAssigned
