"""A small school with its teacher, and every use case wired over fakes and a store in a temporary folder."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.accounts import Account
from secciones.domain.batches import Batch
from secciones.domain.people import Nie, Teacher
from secciones.domain.roster import Enrolment, Roster, School, Section, Student
from secciones.ports.documents import Documents
from secciones.services.batches import BATCHES, from_document, load
from secciones.services.claims import ResetWaits
from secciones.services.request_resend import request_resend
from secciones.services.request_reset import ResetRules, request_reset, select_students
from secciones.services.run_batch import Worker, run_batch
from secciones.services.selections import Choice
from secciones.services.sessions import Session, Sessions, SessionTimes
from secciones.services.sweep import Sweep, sweep
from secciones.services.verify_identity import VerificationRules
from tests.support.fakes import (
    FakeAudit,
    FakeClock,
    FakeDirectory,
    FakeIds,
    FakeMailer,
    FakeQueue,
    FakeRegistry,
    FakeSealer,
    plain_mail,
)

DOMAIN = "clases.edu.sv"
TEACHER = Teacher("d-1", "Ana María", "Peña López", f"ana.pena.lopez@{DOMAIN}")
SECTION = Section("s-1", "3A", "A", "Tercer Grado", "Matutino", is_open=True, student_count=0)
SCHOOL = School("c-1", "10001", "Centro Escolar El Amate", "Sonsonate", "Sonsonate Centro", (SECTION,))
SESSION = Session("session-1", "google-1", TEACHER.address or "", TEACHER.name, TEACHER.id, "actor-1")
COLLEAGUE = Session("session-2", "google-2", f"beatriz.alas@{DOMAIN}", "Beatriz Alas", "d-2", "actor-2")
RULES = ResetRules(
    DOMAIN, batch_limit=200, batches_per_day=3, deadline=timedelta(hours=1), retention=timedelta(days=30)
)
WAITS = ResetWaits(after_colleague=timedelta(hours=24), after_own=timedelta(hours=24))
VERIFICATION = VerificationRules(DOMAIN, "p" * 32, 5, 5, 20, 100, 60, 3000)
DUI_AND_NIP = ("012345678", "0012345")


def student(number: int, email: str | None = None) -> Student:
    """A student whose NIE follows from a number."""
    nie = Nie(f"{1000000 + number}")
    return Student(f"e-{number}", nie, "Luis", f"Ramos {number:03}", email, Enrolment.ACTIVE)


def account(number: int, **changes: object) -> Account:
    """The account that belongs to a student, unless it is changed."""
    fields: dict[str, object] = {
        "id": f"g-{number}",
        "address": f"{1000000 + number}@{DOMAIN}",
        "org_unit": "/Estudiantes/10001",
        "is_administrator": False,
        "is_suspended": False,
        "last_sign_in": None,
    }
    return Account(**(fields | changes))  # type: ignore[arg-type]


@dataclass
class World:
    """Everything that a use case can touch."""

    documents: Documents
    clock: FakeClock
    ids: FakeIds = field(default_factory=FakeIds)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    queue: FakeQueue = field(default_factory=FakeQueue)
    sealer: FakeSealer = field(default_factory=FakeSealer)
    audit: FakeAudit = field(default_factory=FakeAudit)

    @classmethod
    def in_folder(cls, folder: Path, students: int = 3) -> "World":
        """A world with one section of some students who all have their accounts."""
        clock = FakeClock()
        world = cls(SqliteDocuments(folder / "documents.sqlite", clock.now), clock)
        world.enrol(*(student(number) for number in range(students)))
        world.directory.accounts = {account(number).address: account(number) for number in range(students)}
        world.registry.teachers[DUI_AND_NIP] = TEACHER
        return world

    def enrol(self, *students: Student) -> None:
        """Make these the students of the section."""
        self._assign(TEACHER.id, *students)

    def share(self) -> None:
        """Make the section the colleague's too."""
        self._assign(COLLEAGUE.teacher_id, *self.registry.rosters[TEACHER.id, SECTION.id].students)

    def _assign(self, teacher_id: str, *students: Student) -> None:
        self.registry.assignments[teacher_id] = (SCHOOL,)
        self.registry.rosters[teacher_id, SECTION.id] = Roster(SCHOOL, SECTION, students)

    @property
    def sessions(self) -> Sessions:
        times = SessionTimes(idle=timedelta(minutes=15), longest=timedelta(hours=8), recent=timedelta(minutes=20))
        return Sessions(self.documents, self.clock, self.ids, "s" * 32, times)

    @property
    def worker(self) -> Worker:
        return Worker(
            documents=self.documents,
            directory=self.directory,
            listing=self.directory,
            passwords=self.directory,
            opener=self.sealer,
            render=plain_mail,
            mailer=self.mailer,
            audit=self.audit,
            clock=self.clock,
            students_org_unit="/Estudiantes",
            waits=WAITS,
        )

    def submit(self, *student_ids: str, nonce: str = "n" * 43, session: Session = SESSION, follows: str = "") -> str:
        """*Procesar*, confirmed; everyone when no student is named."""
        roster = self.registry.rosters.get((session.teacher_id, SECTION.id))
        students = student_ids or tuple(student.id for student in (roster.students if roster else ()))
        choice = Choice(SCHOOL.id, SECTION.id, students, is_kept=bool(follows))
        selection = select_students(self.registry, self.documents, session, RULES, choice, follows=follows)
        return request_reset(
            self.documents,
            self.queue,
            self.sealer,
            self.audit,
            self.clock,
            self.ids,
            RULES,
            session,
            selection,
            nonce,
        )

    def resend(self, batch_id: str, number: int = 1, session: Session = SESSION) -> None:
        """*Reenviar*."""
        request_resend(self.documents, self.queue, self.audit, self.clock, session, batch_id, number)

    def work(self, batch_id: str) -> None:
        """The queue delivers the batch's task."""
        run_batch(self.worker, batch_id)

    def sweep(self) -> Sweep:
        """The scheduler calls."""
        return sweep(self.documents, self.queue, self.audit, self.clock)

    def batch(self, batch_id: str) -> Batch:
        """The batch as it is stored."""
        return load(self.documents, batch_id)

    def batches(self) -> list[Batch]:
        """All batches that there are."""
        return [from_document(document) for _, document in self.documents.query(BATCHES, {}, "created_at", 1000)]
