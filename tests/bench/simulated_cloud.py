"""What stands behind the ports in the simulation: virtual time, and whatever the real services call in it."""

import heapq
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from secciones.adapters.google_api import ApiError, tried
from secciones.adapters.pace import Pace
from secciones.domain.accounts import Account
from secciones.domain.errors import DirectoryUnavailable, RegistryUnavailable
from secciones.domain.people import Dui, Nip, Teacher
from secciones.domain.roster import Roster, School
from secciones.ports.accounts import AccountPage
from secciones.ports.audit import AuditEvent
from secciones.ports.documents import Document, Documents, Key, Transaction, is_expired
from secciones.ports.mailer import Mail
from secciones.services.batches import BATCHES
from secciones.services.mirror_accounts import ACCOUNTS
from tests.bench.simulated_nation import Nation

T = TypeVar("T")
R = TypeVar("R")

MIDNIGHT = datetime(2026, 2, 2, 6, tzinfo=UTC)  # in El Salvador
MINUTE = 60.0
WORKERS_LANES, PAGES_LANES = 20, 8  # threads
CALL, STORE, MAIL = 0.2, 0.03, 0.3
FIRST_BACKOFF, LONGEST_BACKOFF = 5.0, 60.0


class Hub:
    """Virtual time in seconds since midnight, and whoever waits for a moment of it."""

    def __init__(self, time: float = 0.0) -> None:
        self.time = time
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

    def in_parallel(self, work: Callable[[T], R], items: Sequence[T], most: int = WORKERS_LANES) -> list[R]:
        """What threads do, with as many lanes."""
        waiting, done = deque(enumerate(items)), {}
        me, lanes = getcurrent(), min(most, len(items))
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
    """Documents in memory, whose operations are counted as Firestore bills them; some accounts stand for others."""

    def __init__(self, hub: Hub, stands_for: Mapping[str, int]) -> None:
        self.operations: Counter[str] = Counter()
        self._hub = hub
        self._stands_for = stands_for
        self._kept: dict[Key, Document] = {}
        self._states: dict[str, str] = {}
        self._in_state: dict[str, dict[str, Document]] = defaultdict(dict)

    def get(self, collection: str, document_id: str) -> Document | None:
        self.operations["reads"] += 1
        document = self._kept.get((collection, document_id))
        return None if document is None or is_expired(document, self._hub.now()) else document

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        self.operations["reads"] += len(document_ids)
        if collection == ACCOUNTS:
            self.operations["reads"] += sum(self._stands_for.get(key, 0) for key in document_ids)
        now = self._hub.now()
        found = {key: self._kept.get((collection, key)) for key in document_ids}
        return {key: document for key, document in found.items() if document and not is_expired(document, now)}

    def set(self, collection: str, document_id: str, document: Document) -> None:
        self.operations["writes"] += 1
        self._kept[collection, document_id] = document
        if collection == ACCOUNTS:
            self.operations["writes"] += self._stands_for.get(document_id, 0)
        if collection == BATCHES:
            self._in_state[self._states.get(document_id, "")].pop(document_id, None)
            self._states[document_id] = document["state"]
            self._in_state[document["state"]][document_id] = document

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        self._hub.sleep(STORE)
        is_new = (collection, document_id) not in self._kept
        if is_new:
            self.set(collection, document_id, document)
        return is_new

    def delete(self, collection: str, document_id: str) -> None:
        self.operations["deletes"] += 1
        self._kept.pop((collection, document_id), None)

    def query(
        self, collection: str, where: Mapping[str, Any], order_by: str, limit: int, **others: Any
    ) -> Sequence[tuple[str, Document]]:
        if collection != BATCHES or where.keys() != {"state"} or others:
            raise NotImplementedError("nothing that is simulated asks this")
        found = self._in_state[where["state"]].items()
        self.operations["reads"] += max(1, min(limit, len(found)))
        return heapq.nsmallest(limit, found, key=lambda entry: (entry[1][order_by], entry[0]))

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
    """The Directory, which lets through so many calls in any sixty seconds, and Gmail. Every call is counted by the
    second and by who made it; a call is under way for `CALL` seconds, give or take a half."""

    hub: Hub
    quota: int
    random: Random
    nation: Nation
    granted: dict[str, Counter[int]] = field(default_factory=dict)
    refused: dict[str, Counter[int]] = field(default_factory=dict)
    passwords: dict[str, set[str]] = field(default_factory=dict)
    mailed: Counter[str] = field(default_factory=Counter)
    _last_minute: deque[float] = field(default_factory=deque)

    def call(self, who: str) -> None:
        self._travel()
        while self._last_minute and self._last_minute[0] <= self.hub.time - MINUTE:
            self._last_minute.popleft()
        is_granted = len(self._last_minute) < self.quota
        if is_granted:
            self._last_minute.append(self.hub.time)
        counts = (self.granted if is_granted else self.refused).setdefault(who, Counter())
        counts[math.floor(self.hub.time)] += 1
        self._travel()
        if not is_granted:
            raise ApiError("userRateLimitExceeded", is_passing=True)

    def _travel(self) -> None:
        self.hub.sleep(CALL / 2 * (0.5 + self.random.random()))

    def send(self, mail: Mail) -> None:
        self.hub.sleep(MAIL)
        self.mailed[mail.message_id] += 1


class Directory:
    """The ports of the Directory for one instance, at its pace and with the adapters' rule of repeating."""

    def __init__(self, google: Google, who: str, queries_per_minute: float, burst: int = 1) -> None:
        self._google = google
        self._who = who
        self._pace = Pace(
            queries_per_minute,
            burst,
            gives_way=who != "sign-ins",
            monotonic=google.hub.seconds,
            sleep=google.hub.sleep,
        )

    def find(self, address: str) -> Account | None:
        self._call()
        return self._google.nation.account(address)

    def page(self, token: str, org_unit: str = "") -> AccountPage:
        self._call()
        return self._google.nation.page(token, org_unit)

    def set_temporary_password(self, account_id: str, password: str) -> None:
        self._call()
        self._google.passwords.setdefault(account_id, set()).add(password)

    def _call(self) -> None:
        def attempt() -> None:
            if not self._pace.wait():
                raise ApiError("userRateLimitExceeded", is_passing=True)
            try:
                self._google.call(self._who)
            except ApiError:
                self._pace.slow_down()
                raise

        try:
            tried(attempt, sleep=self._google.hub.sleep, random=self._google.random.random)
        except ApiError as error:
            raise DirectoryUnavailable(error.reason) from error


class Glance:
    """The port of one instance of pages, with the adapter's rules but for the second that nobody waits longer than."""

    def __init__(self, google: Google, queries_per_minute: float) -> None:
        self._google = google
        hub = google.hub
        self._pace = Pace(queries_per_minute, max(1, int(queries_per_minute)), monotonic=hub.seconds, sleep=hub.sleep)
        self._quiet_until = 0.0

    def look(self, org_units: Collection[str], addresses: Collection[str]) -> Mapping[str, Account | None]:
        units = {unit: account for listed in self._each(sorted(org_units), self._listed) for unit, account in listed}
        seen: dict[str, Account | None] = {address: units[address] for address in addresses if address in units}
        missing = sorted(set(addresses) - seen.keys())
        return seen | dict(self._each(missing, lambda address: (address, self._google.nation.account(address))))

    def _listed(self, unit: str) -> list[tuple[str, Account]]:
        """One more page is looked at, if there is one and it may be."""
        first = self._google.nation.page("", unit)
        accounts = list(first.accounts)
        if first.next_token and self._may_call():
            self._google.call("looks")
            accounts += self._google.nation.page(first.next_token, unit).accounts
        return [(account.address, account) for account in accounts]

    def _each(self, keys: Sequence[str], answer: Callable[[str], R]) -> list[R]:
        def asked(key: str) -> list[R]:
            try:
                self._google.call("looks")
                return [answer(key)]
            except ApiError:
                self._quiet_until = max(self._quiet_until, self._google.hub.time + MINUTE)
                return []

        begun = [key for key in keys if self._may_call()]
        return [one for answers in self._google.hub.in_parallel(asked, begun, PAGES_LANES) for one in answers]

    def _may_call(self) -> bool:
        return self._google.hub.time >= self._quiet_until and self._pace.take()


class Siges:
    """The registry of everybody; away between two moments."""

    def __init__(self, hub: Hub, nation: Nation, away: tuple[float, float]) -> None:
        self._hub = hub
        self._nation = nation
        self._away = away

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        raise NotImplementedError("teachers come verified")

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        raise NotImplementedError("teachers know their sections")

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        if self._away[0] <= self._hub.time < self._away[1]:
            raise RegistryUnavailable
        return self._nation.roster(section_id)


@dataclass
class Queue:
    """Cloud Tasks: so many at a time, each again and again until it is done, at longer and longer intervals."""

    hub: Hub
    random: Random
    idle: list[Callable[[str, int], None]] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    _ready: list[tuple[float, int, str, int]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _waits_since: float | None = None

    def enqueue(self, batch_id: str, task_number: int) -> None:
        self.bring(batch_id, 0)

    def bring(self, batch_id: str, tries: int) -> None:
        """Again after a while; at once for the first time."""
        wait = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (tries - 1)) if tries else 0.0
        heapq.heappush(self._ready, (self.hub.time + wait, next(self._order), batch_id, tries))
        self.hub.at(self.hub.time + wait, self.dispatch)

    def dispatch(self) -> None:
        """Give whatever is due to whoever is free; `waits` says when something was due and nobody free."""
        while self.idle and self._is_due():
            _, _, batch_id, tries = heapq.heappop(self._ready)
            serve = self.idle.pop(self.random.randrange(len(self.idle)))
            self.hub.at(self.hub.time, lambda serve=serve, batch_id=batch_id, tries=tries: serve(batch_id, tries))  # type: ignore[misc]
        if self._is_due() and self._waits_since is None:
            self._waits_since = self.hub.time
        elif self._waits_since is not None and not self._is_due():
            self.waits.append((self._waits_since, self.hub.time))
            self._waits_since = None

    def _is_due(self) -> bool:
        return bool(self._ready) and self._ready[0][0] <= self.hub.time
