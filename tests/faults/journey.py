"""Batches from *Procesar* to the day after, by the real services over a real store, as a schedule will have it."""

import contextlib
import logging
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest import mock

import flask
from werkzeug.test import EnvironBuilder

from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.errors import CallerRefused, ResendRefused, Unavailable
from secciones.ports.documents import Document
from secciones.ports.mailer import Mail
from secciones.services import look_in_units
from secciones.services import run_batch as worker_module
from secciones.services.batches import OUTBOX
from secciones.services.mirror_accounts import mirror_accounts
from secciones.services.pause import pause_resets, resume_resets
from secciones.services.request_resend import request_resend
from secciones.services.request_reset import repeated_submit, request_reset, select_students
from secciones.services.run_batch import Worker
from secciones.services.selections import Choice
from secciones.services.sessions import Session
from secciones.tasks.answers import answer
from secciones.tasks.batch_task import work_on_batch
from secciones.tasks.callers import Caller
from secciones.tasks.sweep_task import Sweeper, sweep_once
from tests.faults.checker import Asked, Mailed, Story, Told
from tests.faults.ports import (
    FaultyAudit,
    FaultyDirectory,
    FaultyDocuments,
    FaultyMailer,
    FaultyQueue,
    FaultyRegistry,
    FaultySealer,
)
from tests.faults.schedule import Schedule
from tests.faults.simulation import Call, Process, Simulation
from tests.support.fakes import FakeClock, FakeDirectory, plain_mail
from tests.support.world import COLLEAGUE, RULES, SCHOOL, SECTION, SESSION, WAITS, World, account, student

_STUDENTS = (0, 1, 2, 4)
_HEAD_TEACHER = 3  # whose account the registry names too, by somebody's mistake or malice
_IN_GROUPS_OF = 2
_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=5)
_ENDED = {"mailed", "partial", "closed"}
_UNCHANGED_FROM_HERE = {"updated", *_ENDED}
_AUDIENCE, _PLATFORM, _TOKEN = "https://function.example", "platform@example", "good"
# Nothing that Secciones wrote, or nobody who may call: to be answered and forgotten.
_STRAYS = ('{"batch": "../seals"}', '{"batch": 7}', "[]", "")
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # where there is a file system in memory


@dataclass
class Ending:
    """What came of a schedule."""

    schedule: str
    story: Story
    calls: list[Call]


@dataclass(frozen=True)
class _Form:
    """What a teacher sends with *Procesar*."""

    session: Session
    nonce: str
    students: frozenset[str]


_FORM = _Form(SESSION, "n" * 43, frozenset({"e-0", "e-1", "e-2", "e-3"}))
_COLLEAGUES_FORM = _Form(COLLEAGUE, "m" * 43, frozenset({"e-2", "e-4"}))


class _Verifier:
    def verify(self, token: str, audience: str, service_account: str) -> None:
        if (token, audience, service_account) != (_TOKEN, _AUDIENCE, _PLATFORM):
            raise CallerRefused("a stranger")


@dataclass
class _Directory(FakeDirectory):
    """Writes down when it was told what, and for which batch."""

    simulation: Simulation | None = None
    told: list[Told] = field(default_factory=list)
    batch: str = ""

    def set_temporary_password(self, account_id: str, password: str) -> None:
        super().set_temporary_password(account_id, password)
        assert self.simulation
        self.told.append(Told(self.simulation.seconds, account_id, password, self.batch))


@dataclass
class _Journey:
    """Also the mailer and the queue of it, at the far end of the faulty ports."""

    simulation: Simulation
    world: World
    directory: _Directory
    story: Story
    log: list[str]
    known_tasks: set[tuple[str, int]] = field(default_factory=set)
    open_tasks: int = 0
    open_asks: int = 0
    started: int = 0

    # What people do.

    def begin(self) -> None:
        schedule = self.simulation.schedule
        for seconds in schedule.clicks():
            self.simulation.after(seconds, lambda: self._click(_FORM))
        self.story.forms = 1
        if schedule.plot.colleague_after is not None:
            self.simulation.after(schedule.plot.colleague_after, lambda: self._click(_COLLEAGUES_FORM))
            self.story.forms = 2
        if schedule.plot.is_mirrored:
            now = self.simulation.clock.now()
            self.directory.page_size = 500
            mirror_accounts(
                self.world.documents, self.directory, self.simulation.clock, "/Estudiantes", _HOUR, now + _HOUR
            )
        if schedule.plot.pause:
            begins, ends = schedule.plot.pause
            self.simulation.after(begins, lambda: pause_resets(self.world.documents, self.simulation.clock, ""))
            self.simulation.after(ends, lambda: resume_resets(self.world.documents))

    def _click(self, form: _Form) -> None:
        """*Procesar*, again and again until there is an answer."""
        self.simulation.start(f"reset-{self._number()}", lambda process: self._submit(process, form))

    def _submit(self, process: Process, form: _Form) -> None:
        documents = self._documents(process)
        registry = FaultyRegistry(process, self.world.registry)
        with self._again(lambda: self._click(form)) as again:
            batch_id = repeated_submit(documents, form.session, form.nonce, form.students)
            if batch_id is None:
                choice = Choice(SCHOOL.id, SECTION.id, form.students)
                selection = select_students(registry, documents, form.session, RULES, choice)
                batch_id = request_reset(
                    documents,
                    FaultyQueue(process, self),
                    FaultySealer(process, self.world.sealer),
                    FaultyAudit(process, self.world.audit),
                    process,
                    self.world.ids,
                    RULES,
                    form.session,
                    selection,
                    form.nonce,
                )
            self.story.answered.add(batch_id)
            again.pop_all()

    def _ask(self, batch_id: str, number: int, since: float) -> None:
        """*Reenviar*, again and again until there is an answer."""
        ask = Asked(since, batch_id, number)
        self.simulation.start(f"reset-{self._number()}", lambda process: self._resend(process, ask))

    def _resend(self, process: Process, ask: Asked) -> None:
        with self._again(lambda: self._ask(ask.batch, ask.number, ask.at)) as again:
            try:
                request_resend(
                    self._documents(process),
                    FaultyQueue(process, self),
                    FaultyAudit(process, self.world.audit),
                    process,
                    SESSION,
                    ask.batch,
                    ask.number,
                )
            except ResendRefused:
                pass
            else:
                self.story.asked.append(ask)
            self.open_asks -= 1
            again.pop_all()

    @contextlib.contextmanager
    def _again(self, action: Callable[[], None]) -> Iterator[contextlib.ExitStack]:
        """What a person does who got no good answer: the same once more, unless all of the stack is popped."""
        with contextlib.ExitStack() as again, contextlib.suppress(Unavailable):
            again.callback(self.simulation.after, 20, action)
            yield again

    def send(self, mail: Mail) -> None:
        sent = Mailed(self.simulation.seconds, mail.message_id, mail.to, f"{mail}{mail.text}")
        if sent.batch not in {earlier.batch for earlier in self.story.mails}:
            self.simulation.after(300, lambda: self._students_sign_in(sent))
            if sent.to == SESSION.address:
                self._will_ask(sent.batch)
        self.story.mails.append(sent)

    def _students_sign_in(self, mail: Mailed) -> None:
        """Each student whose password came with the mail chooses another."""
        for account_id, password in self.directory.held().items():
            if password in mail.content:
                own = f"own-{account_id}"
                self.directory.passwords.append((account_id, own))
                self.directory.told.append(Told(self.simulation.seconds, account_id, own, by_student=True))

    def _will_ask(self, batch_id: str) -> None:
        for number, seconds in enumerate(self.simulation.schedule.plot.resends, start=1):
            self.open_asks += 1
            at = self.simulation.seconds + seconds
            self.simulation.after(seconds, partial(self._ask, batch_id, number, at))

    # What the platform does.

    def enqueue(self, batch_id: str, task_number: int) -> None:
        if (batch_id, task_number) not in self.known_tasks:
            self.known_tasks.add((batch_id, task_number))
            for seconds in self.simulation.schedule.deliveries():
                self.deliver(f'{{"batch": "{batch_id}"}}', seconds, batch_id)

    def deliver(self, body: str, seconds: float, batch_id: str = "", attempt: int = 1) -> None:
        self.open_tasks += 1

        def attempted(process: Process) -> None:
            status = 0
            try:
                status = self._work(process, body, batch_id)
            finally:
                self.open_tasks -= 1
                if status != 200:
                    self.deliver(body, min(300.0, 2.0 ** min(attempt - 1, 9)), batch_id, attempt + 1)

        name = f"worker-{self._number()}"
        self.simulation.after(seconds, lambda: self.simulation.start(name, attempted))

    def _work(self, process: Process, body: str, batch_id: str) -> int:
        directory = FaultyDirectory(process, replace(self.directory, batch=batch_id))
        worker = Worker(
            documents=self._documents(process),
            directory=directory,
            listing=directory,
            passwords=directory,
            opener=FaultySealer(process, self.world.sealer),
            render=plain_mail,
            mailer=FaultyMailer(process, self),
            audit=FaultyAudit(process, self.world.audit),
            clock=process,
            students_org_unit="/Estudiantes",
            waits=WAITS,
        )
        return answer(lambda: work_on_batch(_request(body), _caller(), worker)).status_code

    def scheduler(self) -> None:
        if self.is_at_rest:
            return
        self.simulation.start(f"sweeper-{self._number()}", self._sweep)
        waits = any(batch.has_work for batch in self.world.batches()) or self._outbox()
        # Every minute in the beginning; later the scheduler misses runs, which only saves time.
        minutes = (1 if self.simulation.seconds < 900 else 10) if waits or not self._all_answered else 720
        self.simulation.after(minutes * 60, self.scheduler)

    def _sweep(self, process: Process) -> None:
        sweeper = Sweeper(
            self._documents(process),
            FaultyQueue(process, self),
            FaultyAudit(process, self.world.audit),
            process,
            audit_documents=self.world.documents,
        )
        answer(lambda: sweep_once(_request(""), _caller(), sweeper))

    # What can be seen of it.

    @property
    def is_at_rest(self) -> bool:
        if self.open_tasks or self.open_asks or self.simulation.alive or not self._all_answered:
            return False
        batches = self.world.batches()
        return not self._outbox() and all(batch.sweep_at is None for batch in batches)

    def finish(self, stored: str) -> Story:
        story = self.story
        story.is_at_rest = self.is_at_rest
        story.is_bounded = self.simulation.schedule.is_bounded
        story.told = self.directory.told
        story.batches = self.world.batches()
        events = self.world.audit.events
        story.audit = [(event.batch, event.kind, event.outcome) for event in events]
        for event in events:
            accounts = event.details.get("accounts")
            if isinstance(accounts, list):
                story.audited[event.batch] = {entry["student"]: entry["outcome"] for entry in accounts}
        story.students = {account(number).id for number in _STUDENTS}
        story.seeds = [number.to_bytes(32, "big") for number in range(1, self.world.ids.drawn + 1)]
        story.left_behind = "\n".join([*self.log, repr(events), repr(self.known_tasks), stored])
        return story

    @property
    def _all_answered(self) -> bool:
        return len(self.story.answered) == self.story.forms

    def _outbox(self) -> bool:
        return bool(self.world.documents.query(OUTBOX, {}, "created_at", 1))

    def _documents(self, process: Process) -> FaultyDocuments:
        return FaultyDocuments(process, self.world.documents, self._saw)

    def _saw(self, batch: Document) -> None:
        if batch["state"] in _UNCHANGED_FROM_HERE:
            self.story.updated.setdefault(batch["id"], self.simulation.seconds)
        if batch["state"] in _ENDED:
            self.story.ended.setdefault(batch["id"], self.simulation.seconds)

    def _number(self) -> int:
        self.started += 1
        return self.started


def run(schedule: Schedule) -> Ending:
    """Play a schedule to its end."""
    with _one_at_a_time(), _logged() as log, tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        path = Path(folder) / "documents.sqlite"
        simulation = Simulation(schedule)
        world = World(SqliteDocuments(path, simulation.clock.now), simulation.clock)
        world.enrol(*(student(number) for number in sorted({*_STUDENTS, _HEAD_TEACHER})))
        world.share()
        head = account(_HEAD_TEACHER, is_administrator=True)
        accounts = {held.address: held for held in [*(account(number) for number in _STUDENTS), head]}
        journey = _Journey(simulation, world, _Directory(accounts, simulation=simulation), Story(), log)
        journey.begin()
        for stray in _STRAYS:
            journey.deliver(stray, 0.0)
        simulation.after(30, journey.scheduler)
        simulation.run(_LONGEST)
        return Ending(schedule.name, journey.finish(_dump(path)), simulation.calls)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Small groups, so that few students make several of them; and no threads, whose order nobody could repeat."""
    with (
        mock.patch.object(worker_module, "_GROUP", _IN_GROUPS_OF),
        mock.patch.object(look_in_units, "_ACCOUNTS_A_PAGE", 1),
        mock.patch.object(look_in_units, "_WORTH_ANOTHER", 1),
        mock.patch.object(worker_module, "_in_parallel", lambda work, rows: [work(row) for row in rows]),
        mock.patch.object(worker_module, "_at_once", lambda beside, here: (beside(), here())),
    ):
        yield


@contextlib.contextmanager
def _logged() -> Iterator[list[str]]:
    """Every line that is logged in here."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("secciones")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def _dump(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return repr(connection.execute("SELECT * FROM documents").fetchall())


def _request(body: str) -> flask.Request:
    headers = [("Authorization", f"Bearer {_TOKEN}")]
    return flask.Request(EnvironBuilder(method="POST", data=body, headers=headers).get_environ())


def _caller() -> Caller:
    return Caller(_Verifier(), _AUDIENCE, _PLATFORM, None, FakeClock())
