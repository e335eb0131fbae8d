"""A nation's first days of classes in virtual time: real use cases, with stand-ins behind the ports.

    python -m tests.bench.simulate [--days 1] [--picture .local/simulation.png]

Arrivals. Of 47,000 sections a third is reset in the first ten school days, on the first day 18 % of these; a section
has 23 students, give or take nine. Of a day's teachers 55 % come around 7:20 (give or take 35 minutes), 25 % around
13:00, and the rest at any time from 7 to 17. Whom SIGES fails comes back in five to fifteen minutes. All of it is drawn
from one seed.

What is real: *Procesar*, the worker, its pace and the formula of the quota, the registry that stands in. What is not:
the Directory (200 ms a call, and Google's quota by the minute), Cloud Tasks (its concurrency and back-off), the store
(30 ms a transaction), Gmail (300 ms). Signing in and looking at sections is left out: it asks the Directory once at
most. Each process runs until it calls out and goes on when that call's time has passed, so that one seed is always the
same day.
"""

import argparse
import heapq
import logging
import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from secciones.adapters.google_api import ApiError, tried
from secciones.adapters.pace import Pace
from secciones.adapters.registry_in_place import RegistryInPlace
from secciones.domain.accounts import Account
from secciones.domain.errors import DirectoryUnavailable, RegistryUnavailable
from secciones.domain.people import Dui, Nie, Nip, Teacher
from secciones.domain.quota import WORKER_BURST, worker_pace, workers
from secciones.domain.roster import Enrolment, Roster, School, Section, Student
from secciones.ports.audit import AuditEvent
from secciones.ports.documents import Document, Documents, Key, Transaction, is_expired
from secciones.ports.mailer import Mail
from secciones.services import run_batch as run_batch_service
from secciones.services.request_reset import ResetRules, request_reset, select_students
from secciones.services.run_batch import Worker, run_batch
from secciones.services.selections import Choice
from secciones.services.sessions import Session
from tests.support.fakes import FakeIds, FakeSealer, plain_mail
from tests.support.world import DOMAIN, WAITS

T = TypeVar("T")
R = TypeVar("R")

MIDNIGHT = datetime(2026, 2, 2, 6, tzinfo=UTC)  # in El Salvador
SECTIONS = 47_000
RESET_SHARE = 1 / 3
DAYS = (0.18, 0.15, 0.13, 0.11, 0.1, 0.09, 0.08, 0.06, 0.05, 0.05)
QUOTA = 2400
HOUR = 3600.0
LANES = 20  # the worker's threads
CALL, STORE, MAIL = 0.2, 0.03, 0.3
FIRST_BACKOFF, LONGEST_BACKOFF = 5.0, 60.0
PATIENCE = 15 * 60.0
RULES = ResetRules(DOMAIN, 200, 100, timedelta(hours=1), timedelta(days=30))


@dataclass(frozen=True)
class Scenario:
    """What is different on a day: Google's quota, when SIGES is away and what stands in, when a release fails, and how
    many times as many teachers come."""

    name: str
    quota: int = QUOTA
    siges_down: tuple[float, float] = (0.0, 0.0)
    imported_stands_in: bool = False
    bad_release: tuple[float, float] = (0.0, 0.0)
    crowd: float = 1.0


NINE, SEVEN = 9 * HOUR, 7 * HOUR
SCENARIOS = (
    Scenario("a first day"),
    Scenario("four times as many", crowd=4),
    Scenario("Google grants half the quota", quota=QUOTA // 2, crowd=4),
    Scenario("SIGES away at nine", siges_down=(NINE, NINE + HOUR)),
    Scenario("SIGES away, the imported registry in place", siges_down=(NINE, NINE + HOUR), imported_stands_in=True),
    Scenario("a bad release for twenty minutes", bad_release=(SEVEN + HOUR / 4, SEVEN + HOUR / 4 + 1200)),
)


class Hub:
    """Virtual time in seconds since midnight, and whoever waits for a moment of it."""

    def __init__(self) -> None:
        self.time = 0.0
        self._order = count()
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._home = getcurrent()

    def now(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self.time)

    def seconds(self) -> float:
        return self.time

    def at(self, moment: float, work: Callable[[], object]) -> None:
        """Begin a process then."""
        heapq.heappush(self._agenda, (moment, next(self._order), lambda: greenlet(work, self._home).switch()))

    def sleep(self, seconds: float) -> None:
        """Let the running process wait, and others go on."""
        heapq.heappush(self._agenda, (self.time + max(0.0, seconds), next(self._order), getcurrent().switch))
        self._home.switch()

    def in_parallel(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What the worker's threads do, with as many lanes."""
        waiting, done = deque(enumerate(items)), {}
        me, lanes = getcurrent(), min(LANES, len(items))
        left = count(lanes - 1, -1)

        def lane() -> None:
            while waiting:
                place, item = waiting.popleft()
                done[place] = work(item)
            if next(left) == 0:
                heapq.heappush(self._agenda, (self.time, next(self._order), me.switch))

        for _ in range(lanes):
            self.at(self.time, lane)
        if lanes:
            self._home.switch()
        return [done[place] for place in range(len(items))]

    def run(self) -> None:
        while self._agenda:
            self.time, _, resume = heapq.heappop(self._agenda)
            resume()


class Store:
    """Documents in memory, whose operations are counted as Firestore bills them."""

    def __init__(self, hub: Hub) -> None:
        self.operations: Counter[str] = Counter()
        self._hub = hub
        self._kept: dict[tuple[str, str], Document] = {}

    def get(self, collection: str, document_id: str) -> Document | None:
        self.operations["reads"] += 1
        document = self._kept.get((collection, document_id))
        return None if document is None or is_expired(document, self._hub.now()) else document

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        self.operations["reads"] += len(document_ids)
        found = {key: self._kept.get((collection, key)) for key in document_ids}
        return {
            key: document for key, document in found.items() if document and not is_expired(document, self._hub.now())
        }

    def set(self, collection: str, document_id: str, document: Document) -> None:
        self.operations["writes"] += 1
        self._kept[collection, document_id] = document

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        self._hub.sleep(STORE)
        is_new = (collection, document_id) not in self._kept
        if is_new:
            self.set(collection, document_id, document)
        return is_new

    def delete(self, collection: str, document_id: str) -> None:
        self.operations["deletes"] += 1
        self._kept.pop((collection, document_id), None)

    def query(self, *_: Any, **__: Any) -> Sequence[tuple[str, Document]]:
        raise NotImplementedError("nothing that is simulated asks this")

    def remembering(self) -> Documents:
        return self

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """At one moment of virtual time, so that nothing can come between."""
        self._hub.sleep(STORE)
        return work(_AtOnce(self))


class _AtOnce:
    def __init__(self, store: Store) -> None:
        self.get_many = store.get_many
        self.set = store.set
        self.delete = store.delete

    def read_ahead(self, *keys: Key) -> None:
        pass  # billed are the documents, not the round trips

    def get(self, collection: str, document_id: str) -> Document | None:
        return self.get_many(collection, [document_id]).get(document_id)


class Audit:
    """Counts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, _: AuditEvent) -> None:
        self._store.operations["writes"] += 1


@dataclass
class Google:
    """The Directory with Google's quota, and Gmail: every call by the minute, every password and mail."""

    hub: Hub
    quota: int
    calls: Counter[int] = field(default_factory=Counter)
    refusals: Counter[int] = field(default_factory=Counter)
    passwords: dict[str, set[str]] = field(default_factory=dict)
    mailed: Counter[str] = field(default_factory=Counter)

    def call(self) -> None:
        minute = int(self.hub.time // 60)
        self.calls[minute] += 1
        self.hub.sleep(CALL)
        if self.calls[minute] > self.quota:
            self.refusals[minute] += 1
            raise ApiError("userRateLimitExceeded", is_passing=True)

    def send(self, mail: Mail) -> None:
        self.hub.sleep(MAIL)
        self.mailed[mail.message_id] += 1


class Directory:
    """Both ports of the Directory for one worker, at its pace and with the adapters' rule of repeating."""

    def __init__(self, google: Google, random: Random) -> None:
        self._google = google
        self._random = random
        slots = workers(QUOTA)
        hub = google.hub
        self._pace = Pace(worker_pace(QUOTA, slots), WORKER_BURST, monotonic=hub.seconds, sleep=hub.sleep)

    def find(self, address: str) -> Account | None:
        self._call()
        return Account(
            f"g-{address}", address, "/Estudiantes/x", is_administrator=False, is_suspended=False, last_sign_in=None
        )

    def set_temporary_password(self, account_id: str, password: str) -> None:
        self._call()
        self._google.passwords.setdefault(account_id, set()).add(password)

    def _call(self) -> None:
        def attempt() -> None:
            self._pace.wait()
            try:
                self._google.call()
            except ApiError:
                self._pace.slow_down()
                raise

        try:
            tried(attempt, sleep=self._google.hub.sleep, random=self._random.random)
        except ApiError as error:
            raise DirectoryUnavailable(error.reason) from error


class Siges:
    """The registry of everybody; away between two moments."""

    def __init__(self, hub: Hub, sizes: Mapping[str, int], away: tuple[float, float]) -> None:
        self._hub = hub
        self._sizes = sizes
        self._away = away

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        raise NotImplementedError("teachers come verified")

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        raise NotImplementedError("teachers know their section")

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        if self._away[0] <= self._hub.time < self._away[1]:
            raise RegistryUnavailable
        students = tuple(_student(section_id, number) for number in range(self._sizes[section_id]))
        section = Section(section_id, section_id, "A", "", "", is_open=True, student_count=len(students))
        return Roster(School("ce", "10001", "Centro", "", ""), section, students)


def _student(section_id: str, number: int) -> Student:
    key = f"{section_id}-{number}"
    return Student(key, Nie(f"{number}"), "Ana", "Rivas", f"{key}@{DOMAIN}", Enrolment.ACTIVE)


@dataclass
class Queue:
    """Cloud Tasks: so many at a time, each again and again until it is done, at longer and longer intervals."""

    hub: Hub
    ready: list[tuple[float, int, str, int]] = field(default_factory=list)
    idle: list[Callable[[str, int], None]] = field(default_factory=list)
    delivered: int = 0
    _order: Iterator[int] = field(default_factory=count)

    def enqueue(self, batch_id: str, task_number: int) -> None:
        self.bring(batch_id, 0)

    def bring(self, batch_id: str, tries: int) -> None:
        """Again after a while; at once for the first time."""
        wait = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (tries - 1)) if tries else 0.0
        heapq.heappush(self.ready, (self.hub.time + wait, next(self._order), batch_id, tries))
        self.hub.at(self.hub.time + wait, self.dispatch)

    def dispatch(self) -> None:
        while self.idle and self.ready and self.ready[0][0] <= self.hub.time:
            _, _, batch_id, tries = heapq.heappop(self.ready)
            worker = self.idle.pop(0)
            self.hub.at(self.hub.time, lambda worker=worker, batch_id=batch_id, tries=tries: worker(batch_id, tries))  # type: ignore[misc]


class Simulated:
    """One scenario, from the first teacher to the last mail."""

    def __init__(self, scenario: Scenario, days: int, seed: str) -> None:
        self.scenario = scenario
        self.hub = Hub()
        self.store = Store(self.hub)
        self.google = Google(self.hub, scenario.quota)
        self.queue = Queue(self.hub)
        self.submitted: dict[str, float] = {}
        self.mailed_at: dict[str, float] = {}
        self.turned_away = 0
        self.failed_deliveries = 0
        self._random = Random(f"{seed} {days}")
        self._arrivals = dict(self._draw(days))
        self._sizes = {key: min(60, max(1, round(self._random.gauss(23, 9)))) for key in self._arrivals}
        siges = Siges(self.hub, self._sizes, scenario.siges_down)
        imported = Siges(self.hub, self._sizes, (0.0, 0.0))
        self._registry = RegistryInPlace(siges, imported, self.hub.now) if scenario.imported_stands_in else siges
        self._audit, self._ids, self._sealer = Audit(self.store), FakeIds(), FakeSealer()

    def run(self) -> "Simulated":
        threads = run_batch_service._in_parallel
        run_batch_service._in_parallel = self.hub.in_parallel  # type: ignore[assignment]
        try:
            self._run()
        finally:
            run_batch_service._in_parallel = threads
        return self

    def _run(self) -> None:
        for _ in range(workers(QUOTA)):
            self.queue.idle.append(self._instance())
        for section, moment in self._arrivals.items():
            self.hub.at(moment, lambda section=section: self._teacher(section))  # type: ignore[misc]
        self.hub.run()

    @property
    def left_out(self) -> int:
        """Students whose batch ended before they were reached; their teachers are told."""
        return sum(self._sizes.values()) - len(self.google.passwords)

    @property
    def lost(self) -> int:
        """Batches without exactly one mail, and students with a password that was not the mailed one."""
        unmailed = len(self._arrivals) - len(self.google.mailed)
        return (
            unmailed
            + sum(count > 1 for count in self.google.mailed.values())
            + sum(len(values) > 1 for values in self.google.passwords.values())
        )

    @property
    def ages(self) -> list[float]:
        """Seconds from *Procesar* to the mail, in order."""
        return sorted(self.mailed_at[batch_id] - moment for batch_id, moment in self.submitted.items())

    def late_outside_the_peak(self) -> int:
        """Batches that took longer than fifteen minutes, and were not asked for between half past six and nine."""
        peak = (6.5 * HOUR, 9 * HOUR)
        return sum(
            self.mailed_at[batch_id] - moment > PATIENCE and not peak[0] <= moment % (24 * HOUR) < peak[1]
            for batch_id, moment in self.submitted.items()
        )

    def busy_minutes(self) -> list[int]:
        """The minutes during the whole of which somebody waited."""
        waiting: Counter[int] = Counter()
        for batch_id, moment in self.submitted.items():
            for minute in range(int(moment // 60) + 1, int(self.mailed_at[batch_id] // 60)):
                waiting[minute] += 1
        return [minute for minute, number in waiting.items() if number > workers(QUOTA)]

    def _draw(self, days: int) -> Iterator[tuple[str, float]]:
        for day, share in enumerate(DAYS[:days]):
            for number in range(round(SECTIONS * RESET_SHARE * share * self.scenario.crowd)):
                yield f"s{day}-{number}", day * 24 * HOUR + self._time_of_day()

    def _time_of_day(self) -> float:
        chance = self._random.random()
        if chance < 0.8:
            middle, spread = (7 + 1 / 3, 35 / 60) if chance < 0.55 else (13, 40 / 60)
            return min(17.0, max(5.0, self._random.gauss(middle, spread))) * HOUR
        return (7 + 10 * self._random.random()) * HOUR

    def _teacher(self, section: str) -> None:
        session = Session(section, section, f"{section}@{DOMAIN}", section, section, section)
        students = tuple(f"{section}-{number}" for number in range(self._sizes[section]))
        while True:
            began = self.hub.time
            try:
                selection = select_students(self._registry, self.store, session, RULES, Choice("ce", section, students))
                break
            except RegistryUnavailable:
                self.turned_away += 1
                self.hub.sleep((5 + 10 * self._random.random()) * 60)
        batch_id = request_reset(
            self.store, self.queue, self._sealer, self._audit, self.hub, self._ids, RULES, session, selection, section
        )
        self.submitted[batch_id] = began
        self.queue.dispatch()

    def _instance(self) -> Callable[[str, int], None]:
        directory = Directory(self.google, self._random)
        worker = Worker(
            self.store, directory, directory, self._sealer, plain_mail, self._mailer(), self._audit, self.hub,
            "/Estudiantes", WAITS,
        )  # fmt: skip

        def serve(batch_id: str, tries: int) -> None:
            self.queue.delivered += 1
            try:
                run_batch(worker, batch_id)
            except Exception:  # noqa: BLE001 - whatever fails is brought again
                self.failed_deliveries += 1
                self.queue.bring(batch_id, tries + 1)
            else:
                self.mailed_at.setdefault(batch_id, self.hub.time)
            self.queue.idle.append(serve)
            self.queue.dispatch()

        return serve

    def _mailer(self) -> Any:
        simulated = self

        class Mailer:
            def send(self, mail: Mail) -> None:
                start, end = simulated.scenario.bad_release
                if start <= simulated.hub.time < end:
                    raise RuntimeError("the bad release dies before it has mailed")
                simulated.google.send(mail)

        return Mailer()


def told(simulated: Simulated) -> str:
    """One row of the table."""
    ages, google, busy = simulated.ages, simulated.google, simulated.busy_minutes()
    calls, refused = sum(google.calls.values()), sum(google.refusals.values())
    used = [google.calls[minute] - google.refusals[minute] for minute in busy]
    share = f"{100 * sum(used) / len(used) / google.quota:3.0f} %" if used else "  no queue"
    operations = " ".join(
        f"{kind} {number / len(ages):.0f}" for kind, number in sorted(simulated.store.operations.items())
    )
    return (
        f"{simulated.scenario.name:44} batches {len(ages):6}  to the mail: median {_at(ages, 0.5):5.0f} s, "
        f"95 % {_at(ages, 0.95):5.0f} s, last {ages[-1]:6.0f} s; later than 15 min off-peak "
        f"{simulated.late_outside_the_peak()}; quota used while there is a queue {share}; refused "
        f"{100 * refused / calls:.2f} %; a batch: {operations}; mails {sum(google.mailed.values())}; "
        f"students left out {simulated.left_out}; turned away {simulated.turned_away}; "
        f"brought again {simulated.failed_deliveries}; lost {simulated.lost}"
    )


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))]


def draw(simulated: Sequence[Simulated], path: Path) -> None:
    """A panel a scenario: calls by the minute under the quota, and the age of the oldest batch that waits."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(len(simulated), 1, figsize=(11, 2.6 * len(simulated)), sharex=True, squeeze=False)
    for panel, one in zip(panels[:, 0], simulated, strict=True):
        minutes = range(5 * 60, 18 * 60)
        panel.fill_between([m / 60 for m in minutes], [one.google.calls[m] for m in minutes], color="#7aa6c2", lw=0)
        panel.axhline(one.google.quota, color="#9b2226", lw=0.8, ls="--")
        panel.set_ylabel("calls a minute")
        panel.set_title(one.scenario.name, loc="left", fontsize=10)
        beside = panel.twinx()
        panel.set_ylim(bottom=0)
        oldest = [_oldest(one, m * 60.0) / 60 for m in minutes]
        beside.plot([m / 60 for m in minutes], oldest, color="#bb6c00", lw=1)
        beside.set_ylabel("oldest, min")
        beside.set_ylim(0, max(5.0, *oldest))
    panels[-1, 0].set_xlabel("hour of the first day")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _oldest(simulated: Simulated, moment: float) -> float:
    waiting = (
        began for batch_id, began in simulated.submitted.items() if began <= moment < simulated.mailed_at[batch_id]
    )
    return moment - min(waiting, default=moment)


def main() -> None:
    """Print the table, and draw the first day."""
    parser = argparse.ArgumentParser(description="A nation's first days of classes, in virtual time.")
    parser.add_argument("--days", type=int, default=1, choices=range(1, len(DAYS) + 1))
    parser.add_argument("--seed", default="secciones")
    parser.add_argument("--picture", type=Path, default=Path(".local/simulation.png"))
    options = parser.parse_args()
    logging.getLogger("secciones").setLevel(logging.CRITICAL)
    done = []
    for scenario in SCENARIOS:
        done.append(Simulated(scenario, options.days, options.seed).run())
        print(told(done[-1]), flush=True)
    draw(done, options.picture)
    print(f"the first day: {options.picture}")


if __name__ == "__main__":
    main()
