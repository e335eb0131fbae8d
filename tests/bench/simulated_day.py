"""One day of a nation's classes, from the first teacher to the last mail; tests/bench/simulate.py says what is real."""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from secciones.adapters.google_api import ApiError
from secciones.adapters.registry_in_place import RegistryInPlace
from secciones.domain import quota
from secciones.domain.errors import DirectoryUnavailable, RegistryUnavailable
from secciones.ports.mailer import Mail
from secciones.services import run_batch as run_batch_service
from secciones.services.request_reset import ResetRules, request_reset, select_students
from secciones.services.run_batch import Worker, run_batch
from secciones.services.selections import Choice
from secciones.services.sessions import Session
from tests.bench.simulated_cloud import MINUTE, Audit, Directory, Google, Hub, Queue, Siges, Store
from tests.support.fakes import FakeIds, FakeSealer, plain_mail
from tests.support.world import DOMAIN, WAITS

SECTIONS = 47_000
EXPECTED, ALL = 1 / 3, 1.0
DAYS = (0.18, 0.15, 0.13, 0.11, 0.1, 0.09, 0.08, 0.06, 0.05, 0.05)
QUOTA = 2400
HOUR = 3600.0
NINE, QUARTER_PAST_SEVEN = 9 * HOUR, 7.25 * HOUR
LARGEST = 200
RULES = ResetRules(DOMAIN, LARGEST, 100, timedelta(hours=1), timedelta(days=30))
LOOKS_END = 10.0  # seconds that a batch has waited
START, IDLE_LIFE, LONGEST_LIFE = 1.5, 15 * MINUTE, 4 * HOUR
PAGES, PASS_EVERY = 2600, 4 * HOUR  # of the mirror: 1.3 million accounts, 500 a query
# The goals. In the peak hour itself a batch may wait.
PEAK = (6.75 * HOUR, 7.75 * HOUR)
PATIENCE = 15 * MINUTE
# A shorter queue begins with what was used up in the minute before, and says little.
A_QUEUE = 5 * MINUTE
MOST_REFUSED = 0.001
LEAST_USED = 0.95


@dataclass(frozen=True)
class Scenario:
    """What is different on a day: the share of all sections that the fortnight resets, Google's quota, when SIGES is
    away and what stands in, when a release fails. `is_beyond` says that nobody expects the goals of it, and
    `is_fortnight` that it has more days than the first."""

    name: str
    share: float = EXPECTED
    quota: int = QUOTA
    siges_down: tuple[float, float] = (0.0, 0.0)
    imported_stands_in: bool = False
    bad_release: tuple[float, float] = (0.0, 0.0)
    is_beyond: bool = False
    is_fortnight: bool = False


@dataclass(frozen=True)
class Played:
    """What came of a day. Moments are seconds since midnight; calls are counted by minute and by who made them."""

    scenario: Scenario
    day: int
    sections: int
    batches: list[tuple[float, float, int]]  # when it was asked for, when its mail went, how many students
    granted: dict[str, Counter[int]]
    refused: dict[str, Counter[int]]
    waits: list[tuple[float, float]]  # when a batch was due and no worker free
    sign_ins: list[float]  # seconds
    operations: Counter[str]
    mails: int
    left_out: int  # students whose batch ended before they were reached; their teachers are told
    turned_away: int
    brought_again: int
    lost: int  # batches without exactly one mail, and students with a password that was not the mailed one

    @property
    def ages(self) -> list[float]:
        """Seconds from *Procesar* to the mail, in order."""
        return sorted(mailed - asked for asked, mailed, _ in self.batches)

    @property
    def late(self) -> int:
        """Batches of outside the peak hour that took longer than fifteen minutes."""
        return sum(mailed - asked > PATIENCE and not PEAK[0] <= asked < PEAK[1] for asked, mailed, _ in self.batches)

    @property
    def refused_share(self) -> float:
        """Of all calls."""
        refused = sum(count.total() for count in self.refused.values())
        return refused / (refused + sum(count.total() for count in self.granted.values()))

    @property
    def used(self) -> float | None:
        """The part of the quota that was used in the minutes in which somebody waited from the first to the last
        second, in queues of five minutes and more; None when there was none."""
        minutes = [
            minute
            for since, until in self.waits
            if until - since >= A_QUEUE
            for minute in range(math.ceil(since / MINUTE), math.floor(until / MINUTE))
            if not self._fails(minute * MINUTE)
        ]
        if not minutes:
            return None
        calls = sum(counts[minute] for counts in self.granted.values() for minute in minutes)
        return calls / (len(minutes) * self.scenario.quota)

    def _fails(self, moment: float) -> bool:
        """A release that fails does nothing for a queue."""
        return self.scenario.bad_release[0] - MINUTE < moment < self.scenario.bad_release[1]

    def missed(self) -> list[str]:
        """The goals that were."""
        goals = {
            "quota used": self.used is None or self.used >= LEAST_USED,
            "refused": self.refused_share < MOST_REFUSED,
            "15 minutes": self.late == 0,
            "nothing lost": self.lost == 0,
        }
        return [name for name, is_met in goals.items() if not is_met]


def together(days: Sequence[Played]) -> Played:
    """Several days of one scenario as one, whose moments are those of the days themselves but for calls and queues."""

    def by_minute(of_days: Sequence[dict[str, Counter[int]]]) -> dict[str, Counter[int]]:
        found: dict[str, Counter[int]] = {}
        for day, counts in enumerate(of_days):
            for who, numbers in counts.items():
                later = {minute + day * 24 * 60: number for minute, number in numbers.items()}
                found.setdefault(who, Counter()).update(later)
        return found

    return Played(
        scenario=days[0].scenario,
        day=len(days),
        sections=sum(one.sections for one in days),
        batches=[batch for one in days for batch in one.batches],
        granted=by_minute([one.granted for one in days]),
        refused=by_minute([one.refused for one in days]),
        waits=[
            (since + day * 24 * HOUR, until + day * 24 * HOUR)
            for day, one in enumerate(days)
            for since, until in one.waits
        ],
        sign_ins=sorted(seconds for one in days for seconds in one.sign_ins),
        operations=sum((one.operations for one in days), Counter()),
        mails=sum(one.mails for one in days),
        left_out=sum(one.left_out for one in days),
        turned_away=sum(one.turned_away for one in days),
        brought_again=sum(one.brought_again for one in days),
        lost=sum(one.lost for one in days),
    )


class Simulated:
    """One day of a scenario, from the first teacher to the last mail."""

    def __init__(self, scenario: Scenario, day: int = 0, seed: str = "secciones", sections: int = SECTIONS) -> None:
        self.scenario = scenario
        self._day = day
        self._random = Random(f"{seed} {day}")
        self.hub = Hub()
        self.store = Store(self.hub)
        self.google = Google(self.hub, scenario.quota, self._random)
        self.queue = Queue(self.hub, self._random)
        self._sign_in = Directory(self.google, "sign-ins", QUOTA * quota.SIGN_IN_SHARE, quota.SIGN_IN_BURST)
        self._sizes: dict[str, int] = {}
        self.teachers = list(self._draw(round(sections * scenario.share * DAYS[day])))
        siges = Siges(self.hub, self._sizes, scenario.siges_down)
        imported = Siges(self.hub, self._sizes, (0.0, 0.0))
        self._registry = RegistryInPlace(siges, imported, self.hub.now) if scenario.imported_stands_in else siges
        self.audit, self._ids, self.sealer = Audit(self.store), FakeIds(), FakeSealer()
        self._asked: dict[str, tuple[float, int]] = {}
        self.mailed_at: dict[str, float] = {}
        self._sign_ins: list[float] = []
        self._turned_away = self.brought_again = 0

    def run(self) -> Played:
        threads = run_batch_service._in_parallel
        run_batch_service._in_parallel = self.hub.in_parallel  # type: ignore[assignment]
        try:
            self._run()
        finally:
            run_batch_service._in_parallel = threads
        mailed, passwords = self.google.mailed, self.google.passwords
        repeated = sum(number > 1 for number in mailed.values()) + sum(len(found) > 1 for found in passwords.values())
        return Played(
            scenario=self.scenario,
            day=self._day,
            sections=len(self._sizes),
            batches=[(asked, self.mailed_at[key], size) for key, (asked, size) in self._asked.items()],
            granted=self.google.granted,
            refused=self.google.refused,
            waits=self.queue.waits,
            sign_ins=sorted(self._sign_ins),
            operations=self.store.operations,
            mails=len(mailed),
            left_out=sum(self._sizes.values()) - len(passwords),
            turned_away=self._turned_away,
            brought_again=self.brought_again,
            lost=len(self.teachers) - len(mailed) + repeated,
        )

    def _run(self) -> None:
        for _ in range(quota.workers(QUOTA)):
            self.queue.idle.append(_Instance(self).serve)
        for moment, sections in self.teachers:
            signs_in_at = moment - (2 + 4 * self._random.random()) * MINUTE
            self.hub.at(signs_in_at, lambda moment=moment, sections=sections: self._teacher(moment, sections))  # type: ignore[misc]
        self.hub.at(0.0, self._mirror)
        self.hub.run()

    def _draw(self, sections: int) -> Iterator[tuple[float, list[str]]]:
        """When a teacher presses *Procesar*, and with which sections."""
        while len(self._sizes) < sections:
            theirs = [self._any_section()]
            if self._random.random() < 1 / 20:
                most = LARGEST * (0.5 + self._random.random() / 2)
                while sum(self._sizes[key] for key in theirs) + 60 <= most:
                    theirs.append(self._any_section())
            yield self._time_of_day(), theirs

    def section(self, students: int) -> str:
        """One more section, by its name."""
        key = f"s{len(self._sizes)}"
        self._sizes[key] = students
        return key

    def _any_section(self) -> str:
        return self.section(min(60, max(1, round(self._random.gauss(23, 9)))))

    def _time_of_day(self) -> float:
        chance = self._random.random()
        if chance < 0.8:
            middle, spread = (7 + 1 / 3, 35 / 60) if chance < 0.55 else (13, 40 / 60)
            return min(17.0, max(5.0, self._random.gauss(middle, spread))) * HOUR
        return (7 + 10 * self._random.random()) * HOUR

    def _teacher(self, comes_at: float, sections: list[str]) -> None:
        self._sign_in_once(sections[0])
        for _ in sections:
            self._look_at_a_section()
        self.hub.sleep(comes_at - self.hub.time)
        key = sections[0]
        session = Session(key, key, f"{key}@{DOMAIN}", key, key, key)
        choices = [Choice("ce", name, [f"{name}-{n}" for n in range(self._sizes[name])]) for name in sections]
        while True:
            asked = self.hub.time
            try:
                selection = select_students(self._registry, self.store, session, RULES, *choices)
                break
            except RegistryUnavailable:
                self._turned_away += 1
                self.hub.sleep((5 + 10 * self._random.random()) * MINUTE)
        batch_id = request_reset(
            self.store, self.queue, self.sealer, self.audit, self.hub, self._ids, RULES, session, selection, key
        )
        self._asked[batch_id] = asked, sum(self._sizes[name] for name in sections)
        self.queue.dispatch()

    def _sign_in_once(self, key: str) -> None:
        began = self.hub.time
        while True:
            try:
                self._sign_in.find(f"{key}@{DOMAIN}")
                break
            except DirectoryUnavailable:
                self._turned_away += 1
                self.hub.sleep(MINUTE)
        self._sign_ins.append(self.hub.time - began)

    def _look_at_a_section(self) -> None:
        """One query for the unit of its school, while no batch waits; and none again when it is refused."""
        if self.queue.waiting < LOOKS_END:
            with contextlib.suppress(ApiError):
                self.google.call("looks")

    def _mirror(self) -> None:
        """Passes over all accounts, four minutes of every five."""
        listing = Directory(self.google, "mirror", QUOTA * quota.MIRROR_SHARE)
        for begins in range(0, 18 * int(HOUR), int(PASS_EVERY)):
            self.hub.sleep(begins - self.hub.time)
            pages = PAGES
            while pages:
                self.hub.sleep(-self.hub.time % (5 * MINUTE))
                ends = self.hub.time + 4 * MINUTE
                try:
                    while pages and self.hub.time < ends:
                        listing.page()
                        pages -= 1
                except DirectoryUnavailable:
                    self.hub.sleep(1)


class _Instance:
    """One of Cloud Run's: it has one batch at a time, and another one takes its place when it has gone."""

    def __init__(self, day: Simulated) -> None:
        self._day = day
        self._began = self._idle_since = -math.inf
        self._worker: Worker

    def serve(self, batch_id: str, tries: int) -> None:
        day, now = self._day, self._day.hub.time
        if now - self._idle_since > IDLE_LIFE or now - self._began > LONGEST_LIFE:
            self._start()
        try:
            run_batch(self._worker, batch_id)
        except Exception:  # noqa: BLE001 - whatever fails is brought again
            day.brought_again += 1
            day.queue.bring(batch_id, tries + 1)
        else:
            day.mailed_at.setdefault(batch_id, day.hub.time)
        self._idle_since = day.hub.time
        day.queue.idle.append(self.serve)
        day.queue.dispatch()

    def _start(self) -> None:
        day = self._day
        day.hub.sleep(START)
        self._began = day.hub.time
        pace = quota.worker_pace(QUOTA, quota.workers(QUOTA))
        directory = Directory(day.google, "workers", pace, quota.WORKER_BURST)
        self._worker = Worker(
            day.store, directory, directory, directory, day.sealer, plain_mail, self._mailer(), day.audit,
            day.hub, "/Estudiantes", WAITS,
        )  # fmt: skip

    def _mailer(self) -> Any:
        day = self._day

        class Mailer:
            def send(self, mail: Mail) -> None:
                start, end = day.scenario.bad_release
                if start <= day.hub.time < end:
                    raise RuntimeError("the bad release dies before it has mailed")
                day.google.send(mail)

        return Mailer()
