"""A teacher looks at their schools, the sections of one and the students of a section."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from secciones.domain.accounts import expected_accounts
from secciones.domain.errors import NotAssigned, SectionClosed
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


@dataclass(frozen=True)
class SectionView:
    """A section with the schools beside it."""

    schools: tuple[School, ...]
    school: School
    section: Section
    rows: tuple[StudentRow, ...]


def list_schools(registry: Registry, audit: AuditLog, session: Session) -> tuple[School, ...]:
    """The teacher's schools; raises RegistryUnavailable."""
    schools = _schools(registry, session)
    audit.record(AuditEvent("listing", "schools", session.actor, session.address, details={"schools": len(schools)}))
    return schools


def list_sections(
    registry: Registry, audit: AuditLog, session: Session, school_id: str
) -> tuple[tuple[School, ...], School, tuple[Section, ...]]:
    """All schools, the chosen one and its open sections; raises NotAssigned, RegistryUnavailable."""
    schools = _schools(registry, session)
    school = _school(schools, school_id)
    audit.record(AuditEvent("listing", "sections", session.actor, session.address, school=school.code))
    return schools, school, tuple(section for section in school.sections if section.is_open)


def list_students(
    registry: Registry, audit: AuditLog, session: Session, domain: str, school_id: str, section_id: str
) -> SectionView:
    """A section of the teacher's and its students; raises NotAssigned, SectionClosed, RegistryUnavailable."""
    # Both at once, so that a teacher waits once; the roster of a section that is not theirs is dropped.
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(registry.roster, session.teacher_id, section_id)
        schools = _schools(registry, session)
        school = _school(schools, school_id)
        if section_id not in {section.id for section in school.sections}:
            raise NotAssigned
        roster = asked.result()
    if not roster.section.is_open:
        raise SectionClosed
    audit.record(
        AuditEvent(
            "listing",
            "students",
            session.actor,
            session.address,
            school=school.code,
            section=roster.section.id,
            details={"students": len(roster.students)},
        )
    )
    return SectionView(schools, school, roster.section, student_rows(roster, domain))


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


def _schools(registry: Registry, session: Session) -> tuple[School, ...]:
    try:
        return registry.schools(session.teacher_id)
    except NotAssigned:
        # A teacher whom the registry no longer knows has no schools; the page says where that is put right.
        return ()


def _school(schools: tuple[School, ...], school_id: str) -> School:
    for school in schools:
        if school.id == school_id:
            return school
    raise NotAssigned
