"""One day of a nation's classes, from the first teacher to the last mail; tests/bench/simulate.py says what is real."""

import contextlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Any

from secciones.adapters.registry_in_place import RegistryInPlace
from secciones.domain import quota
from secciones.domain.errors import DirectoryUnavailable, RegistryUnavailable
from secciones.ports.mailer import Mail
from secciones.services import run_batch as run_batch_service
from secciones.services.account_standings import with_standings
from secciones.services.list_sections import student_rows
from secciones.services.live_look import LiveLook
from secciones.services.mirror_accounts import mirror_accounts
from secciones.services.request_reset import ResetRules, request_reset, select_students
from secciones.services.run_batch import Worker, run_batch
from secciones.services.selections import Choice
from secciones.services.sessions import Session
from tests.bench.simulated_cloud import MINUTE, Audit, Directory, Glance, Google, Hub, Queue, Siges, Store
from tests.bench.simulated_nation import HOUR, LARGEST, SECTIONS, STUDENTS, Nation
from tests.support.fakes import FakeIds, FakeSealer, plain_mail
from tests.support.world import DOMAIN, WAITS

EXPECTED, ALL = 1 / 3, 1.0
DAYS = (0.18, 0.15, 0.13, 0.11, 0.1, 0.09, 0.08, 0.06, 0.05, 0.05)
QUOTA = 2400
NINE, RELEASED = 9 * HOUR, 7.25 * HOUR
RULES = ResetRules(DOMAIN, LARGEST, 100, timedelta(hours=1), timedelta(days=30))
START, IDLE_LIFE, LONGEST_LIFE = 1.5, 15 * MINUTE, 4 * HOUR
PAGE_INSTANCES = 40  # any of which a page may come from: the most that look at accounts at once
# Of the mirror; a day is from one evening to the next, so that its passes and their writes are all in it.
EVENING, PASS_EVERY, CALLED_EVERY, WORKS_FOR = -4 * HOUR, timedelta(hours=4), 5 * MINUTE, timedelta(minutes=4)
# The goals. In the peak hour itself a batch may wait.
PEAK = (6.75 * HOUR, 7.75 * HOUR)
PATIENCE = 15 * MINUTE
MOST_REFUSED = 0.001
# Of less waiting in a whole day a quota by the minute says little.
A_QUEUE = 60
LEAST_USED = 0.95


@dataclass(frozen=True)
class Scenario:
    """What is different on a day: the share of all sections that the fortnight resets, Google's quota, when SIGES is
    away and what stands in, when a release fails, and whether a school's accounts are in a unit of its own. `is_beyond`
    says that nobody expects the goals of it, and `is_fortnight` that it has more days than the first."""

    name: str
    share: float = EXPECTED
    quota: int = QUOTA
    siges_down: tuple[float, float] = (0.0, 0.0)
    imported_stands_in: bool = False
    bad_release: tuple[float, float] = (0.0, 0.0)
    has_units: bool = True
    is_beyond: bool = False
    is_fortnight: bool = False


@dataclass(frozen=True)
class Played:
    """What came of a day. Moments are seconds since midnight; calls are counted by second and by who made them."""

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

    @cached_property
    def queued(self) -> list[int]:
        """The seconds through which something was due and no worker free. A release that fails does nothing for it."""
        return [
            second
            for since, until in self.waits
            for second in range(math.ceil(since), math.floor(until))
            if not self.scenario.bad_release[0] <= second < self.scenario.bad_release[1]
        ]

    @cached_property
    def used(self) -> float | None:
        """The part of the quota that was used in those seconds; None when there were none. A second has a sixtieth of
        the quota, or less when less is left of what Google grants in sixty of them."""
        calls: Counter[int] = sum(self.granted.values(), Counter())
        first = min(calls)
        until = list(accumulate(calls[second] for second in range(first, max(calls) + 1)))
        even = self.scenario.quota / MINUTE
        there_was = 0.0
        for second in self.queued:
            in_the_minute = until[second - 1 - first] - until[second - 60 - first]
            there_was += min(even, self.scenario.quota - in_the_minute)
        return sum(calls[second] for second in self.queued) / there_was if there_was else None

    def missed(self) -> list[str]:
        """The goals that were."""
        goals = {
            "quota used": len(self.queued) < A_QUEUE or self.used is None or self.used >= LEAST_USED,
            "refused": self.refused_share < MOST_REFUSED,
            "15 minutes": self.late == 0,
            "nothing lost": self.lost == 0,
        }
        return [name for name, is_met in goals.items() if not is_met]


def together(days: Sequence[Played]) -> Played:
    """Several days of one scenario as one, whose moments are those of the days themselves but for calls and queues."""

    def by_second(of_days: Sequence[dict[str, Counter[int]]]) -> dict[str, Counter[int]]:
        found: dict[str, Counter[int]] = {}
        for day, counts in enumerate(of_days):
            for who, numbers in counts.items():
                later = {second + day * 24 * int(HOUR): number for second, number in numbers.items()}
                found.setdefault(who, Counter()).update(later)
        return found

    return Played(
        scenario=days[0].scenario,
        day=len(days),
        sections=sum(one.sections for one in days),
        batches=[batch for one in days for batch in one.batches],
        granted=by_second([one.granted for one in days]),
        refused=by_second([one.refused for one in days]),
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
        self.hub = Hub(EVENING)
        self.nation = Nation(Random(f"{seed} schools"), sections, has_units=scenario.has_units)
        self.store = Store(self.hub, self.nation.stands_for)
        self.google = Google(self.hub, scenario.quota, self._random, self.nation)
        self.queue = Queue(self.hub, self._random)
        self._sign_in = Directory(self.google, "sign-ins", QUOTA * quota.SIGN_IN_SHARE, quota.SIGN_IN_BURST)
        share = quota.looks_pace(QUOTA, PAGE_INSTANCES)
        glances = [Glance(self.google, share) for _ in range(PAGE_INSTANCES)]
        self._looks = [LiveLook(self.store, self.hub, glance, STUDENTS, quota.busy(QUOTA)) for glance in glances]
        self.teachers = list(self.nation.teachers(self._random, round(sections * scenario.share * DAYS[day])))
        siges = Siges(self.hub, self.nation, scenario.siges_down)
        imported = Siges(self.hub, self.nation, (0.0, 0.0))
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
            sections=len(self.nation.sizes),
            batches=[(asked, self.mailed_at[key], size) for key, (asked, size) in self._asked.items()],
            granted=self.google.granted,
            refused=self.google.refused,
            waits=self.queue.waits,
            sign_ins=sorted(self._sign_ins),
            operations=self.store.operations,
            mails=len(mailed),
            left_out=sum(self.nation.sizes.values()) - len(passwords),
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
        self.hub.at(EVENING, self._mirror)
        self.hub.run()

    def _teacher(self, comes_at: float, sections: list[str]) -> None:
        key = sections[0]
        session = Session(key, key, f"{key}@{DOMAIN}", key, key, key)
        self._sign_in_once(session)
        for section in sections:
            with contextlib.suppress(RegistryUnavailable):
                self._open(section, session)
        self.hub.sleep(comes_at - self.hub.time)
        choices = [Choice("ce", name, [f"{name}-{n}" for n in range(self.nation.sizes[name])]) for name in sections]
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
        self._asked[batch_id] = asked, sum(self.nation.sizes[name] for name in sections)
        self.queue.dispatch()

    def _sign_in_once(self, session: Session) -> None:
        began = self.hub.time
        while True:
            try:
                self._sign_in.find(session.address)
                break
            except DirectoryUnavailable:
                self._turned_away += 1
                self.hub.sleep(MINUTE)
        self._sign_ins.append(self.hub.time - began)

    def _open(self, section: str, session: Session) -> None:
        rows = student_rows(self._registry.roster(session.teacher_id, section), DOMAIN)
        self._random.choice(self._looks)(with_standings(self.store, session, rows).rows)

    def _mirror(self) -> None:
        listing = Directory(self.google, "mirror", QUOTA * quota.MIRROR_SHARE)
        while self.hub.time < EVENING + 24 * HOUR:
            with contextlib.suppress(DirectoryUnavailable):
                ends_at = self.hub.now() + WORKS_FOR
                mirror_accounts(self.store, listing, self.hub, STUDENTS, PASS_EVERY, ends_at)
            self.hub.sleep(CALLED_EVERY - self.hub.time % CALLED_EVERY)


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
            day.hub, STUDENTS, WAITS,
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
