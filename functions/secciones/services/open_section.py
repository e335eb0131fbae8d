"""A teacher opens a section: its students, and what is known of the account of each."""

from dataclasses import dataclass

from secciones import logs
from secciones.domain.errors import NotAssigned, SectionClosed
from secciones.domain.roster import Roster, School, Section
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.documents import Documents
from secciones.ports.registry import Registry
from secciones.services.account_standings import Known, with_standings
from secciones.services.list_sections import school_of, schools_of, student_rows
from secciones.services.sessions import Session


@dataclass(frozen=True)
class OpenSection:
    """A section with the schools beside it, and its students."""

    schools: tuple[School, ...]
    school: School
    section: Section
    known: Known


def open_section(
    registry: Registry,
    documents: Documents,
    audit: AuditLog,
    session: Session,
    domain: str,
    school_id: str,
    section_id: str,
) -> OpenSection:
    """A section of the teacher's and its students.

    Raises NotAssigned, SectionClosed, RegistryUnavailable, DocumentsUnavailable.
    """
    # A teacher waits once for each system: for both answers of the registry, then for the store and the audit.
    with logs.threads(1) as beside:
        asked = beside.submit(registry.roster, session.teacher_id, section_id)
        schools = schools_of(registry, session)
        school = school_of(schools, school_id)
        if section_id not in {section.id for section in school.sections}:
            raise NotAssigned  # and the roster of a section that is not theirs is dropped
        roster = asked.result()
        if not roster.section.is_open:
            raise SectionClosed
        known = beside.submit(with_standings, documents, session, student_rows(roster, domain))
        audit.record(_event(session, school, roster))
        return OpenSection(schools, school, roster.section, known.result())


def _event(session: Session, school: School, roster: Roster) -> AuditEvent:
    return AuditEvent(
        "listing",
        "students",
        session.actor,
        session.address,
        school=school.code,
        section=roster.section.id,
        details={"students": len(roster.students)},
    )
