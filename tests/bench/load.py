"""Many teachers at once, through the front door, over the Firestore emulator: does all of it answer, is anything lost?

    python -m tests.bench.load [--teachers 200] [--seconds 180]

Each teacher signs in, shows DUI and NIP, opens the section, ticks everybody, confirms, waits for the mail, leaves, and
begins again, with a second or so of thought before each page. First one teacher does it alone: what is printed of the
times of many is their ratio to the median of that one. Google's quota is out of the way (tests/bench has another
measure for it), so that what is met here is what is ours.
"""

import argparse
import contextlib
import html
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from infra.local.configuration import PROJECT
from secciones.domain.batches import BatchState
from secciones.ports.documents import Documents
from secciones.services.batches import BATCHES
from tests.bench.figures import Figure
from tests.support.crowd import Crowd
from tests.support.emulator import emulated_firestore, started_emulator
from tests.support.google_pages import changes, control, mails
from tests.support.siges import TOKEN, started_siges
from tests.support.stack import Stack, running_stack, temporary_folder
from tests.support.visitor import Visitor

STUDENTS = 8
ALONE_SECONDS = 15.0
THOUGHT_SECONDS = 1.0
PATIENCE_SECONDS = 300.0
ENDING_SECONDS = 60.0
QUERIES_PER_MINUTE = 24_000
ENDED = {BatchState.MAILED, BatchState.CLOSED}


@dataclass
class Figures:
    """What a crowd has seen. Times are in seconds, of one request each; `wrong` is whatever should not have come."""

    times: list[float] = field(default_factory=list)
    batches: set[str] = field(default_factory=set)
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def failures(self) -> int:
        """How many answers were a 5xx."""
        return sum(number for what, number in self.wrong.items() if what.startswith("5"))

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.times, n=100)[percent - 1] if len(self.times) > 1 else 0.0


@contextlib.contextmanager
def crowded_stack(crowd: Crowd, firestore: str) -> Iterator[tuple[Stack, Documents]]:
    """A stack whose registry and accounts are the crowd's, and its store."""
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder, temporary_folder() as state:
        crowd.write_registry(Path(folder))
        with started_siges(Path(folder) / "siges.log", sample=Path(folder)) as siges:
            environment = {
                "FIRESTORE_EMULATOR_HOST": firestore,
                "SIGES_URL": siges.url,
                "SIGES_TOKEN": TOKEN,
                "DIRECTORY_QUERIES_PER_MINUTE": str(QUERIES_PER_MINUTE),
            }
            with running_stack(state, environment) as stack:
                control("POST", f"{stack.google}/_control/quota", {"per_minute": QUERIES_PER_MINUTE})
                crowd.open_accounts(stack.google)
                yield stack, emulated_firestore(firestore, PROJECT)


def load(stack: Stack, people: list[dict[str, str]], seconds: float) -> Figures:
    """Let these teachers work side by side; nobody begins a round after so many seconds, and all end theirs."""
    figures, lock, until = Figures(), threading.Lock(), time.monotonic() + seconds

    def work(person: dict[str, str]) -> None:
        teacher = Teacher(stack.origin, person, figures, lock)
        while time.monotonic() < until:
            teacher.round()

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(work, people))
    return figures


class Teacher:
    """One person at one browser, who reads pages only as far as is needed to go on."""

    def __init__(self, origin: str, person: dict[str, str], figures: Figures, lock: threading.Lock) -> None:
        self._origin = origin
        self._person = person
        self._figures = figures
        self._lock = lock
        self._thought = random.Random(person["address"])
        self._browser = Visitor(origin, check=None).session

    def round(self) -> None:
        """Once from the sign-in to the mail."""
        try:
            self._walk()
        except requests.RequestException as error:
            target = urlsplit(str(error.request.url) if error.request else "")
            self._note(f"{type(error).__name__} {target.netloc}{target.path}")
        except LookupError as error:
            self._note(str(error))

    def _walk(self) -> None:
        person = self._person
        self._get("/secciones/")
        page = self._get("/secciones/entrar")
        page = self._submit(page, "/v3/signin/identifier", identifier=person["address"])
        page = self._submit(page, "/v3/signin/challenge/pwd", password=person["password"])
        page = self._submit(page, "/secciones/identidad", dui=person["dui"], nip=person["nip"])
        section = re.search(r'href="(/secciones/centros/[^"/]+/[^"/]+)"', page.text)
        if section is None:
            raise LookupError(f"no section on {urlsplit(page.url).path} ({page.status_code})")
        page = self._submit(self._get(section[1]), "/secciones/restablecer")
        page = self._submit(page, "/secciones/restablecer")
        batch_id = urlsplit(page.url).path.removeprefix("/secciones/resultado/")
        self._wait_for(batch_id)
        self._submit(self._get(f"/secciones/resultado/{batch_id}"), "/secciones/salir")

    def _wait_for(self, batch_id: str) -> None:
        """As the page's script does it."""
        with self._lock:
            self._figures.batches.add(batch_id)
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._ask("GET", f"/secciones/resultado/{batch_id}/estado", {}).json()["finished"]:
            if time.monotonic() > until:
                raise LookupError("a batch does not end")

    def _get(self, path: str) -> requests.Response:
        return self._ask("GET", path, {})

    def _submit(self, page: requests.Response, action: str, **typed: str) -> requests.Response:
        fields = _fields(page.text, action)
        if fields is None:
            raise LookupError(f"no form for {action} on {urlsplit(page.url).path} ({page.status_code})")
        sent = [(name, typed.pop(name, value)) for name, value in fields]
        return self._ask("POST", urljoin(page.url, action), [*sent, *typed.items()])

    def _ask(self, method: str, url: str, fields: object) -> requests.Response:
        time.sleep(self._thought.uniform(0, 2 * THOUGHT_SECONDS))
        target = urljoin(self._origin, url)
        stays_ours = target.startswith(self._origin) and not target.endswith("/secciones/entrar")
        # Google's stand-in closes a connection that is idle for two seconds; a browser would ask again by itself.
        headers = ({"Origin": self._origin} if method == "POST" else {}) if stays_ours else {"Connection": "close"}
        answer = self._browser.request(method, target, data=fields, headers=headers, timeout=120)  # type: ignore[arg-type]
        for one in (*answer.history, answer):
            if one.url.startswith(self._origin):
                self._saw(one)
        return answer

    def _saw(self, answer: requests.Response) -> None:
        with self._lock:
            self._figures.times.append(answer.elapsed.total_seconds())
        if answer.status_code >= 400:
            path = re.sub(r"[a-z2-7]{26}", "…", urlsplit(answer.url).path)
            self._note(f"{answer.status_code} {path}")

    def _note(self, what: str) -> None:
        with self._lock:
            self._figures.wrong[what] += 1


def lost(stack: Stack, store: Documents, batches: set[str]) -> list[str]:
    """What became of these batches that should not have: not ended in time, not mailed once, a student forgotten."""
    until = time.monotonic() + ENDING_SECONDS
    while (open_ones := _not_ended(store, batches)) and time.monotonic() < until:
        time.sleep(1)
    mailed = Counter(mail["messageId"].strip("<>").partition("@")[0] for mail in mails(stack.google))
    found = [f"{batch} is {state}" for batch, state in open_ones.items()]
    found += [f"{batch} was mailed {mailed[batch]} times" for batch in batches if mailed[batch] != 1]
    told = len(changes(stack.google))
    if told < len(batches) * STUDENTS:
        found.append(f"{told} changes for {len(batches)} batches of {STUDENTS}")
    return found


def _not_ended(store: Documents, batches: set[str]) -> dict[str, str]:
    states = {batch: (store.get(BATCHES, batch) or {}).get("state", "nowhere") for batch in batches}
    return {batch: str(state) for batch, state in states.items() if state not in ENDED}


def _fields(page: str, action: str) -> list[tuple[str, str]] | None:
    """What the last form for an action sends, every box ticked; None when there is none."""
    forms = re.findall(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    if not forms:
        return None
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<input([^>]*)>", forms[-1])]
    return [(each["name"], html.unescape(each.get("value", ""))) for each in found if each.get("name")]


def measured(teachers: int, seconds: float) -> tuple[Figures, Figures, list[str]]:
    """What one teacher alone has seen, what many have, and all that should not have been."""
    crowd = Crowd(teachers, STUDENTS)
    people = crowd.people()
    with started_emulator() as firestore, crowded_stack(crowd, firestore) as (stack, store):
        warm = load(stack, people[:1], 0.1)
        alone = load(stack, people[:1], min(ALONE_SECONDS, seconds))
        together = load(stack, people, seconds)
        missing = lost(stack, store, warm.batches | alone.batches | together.batches)
    wrong = warm.wrong + alone.wrong + together.wrong
    return alone, together, [*(f"{number} × {what}" for what, number in wrong.most_common()), *missing]


def figures(teachers: int, seconds: float) -> Iterator[Figure]:
    """The same for the table of all benches."""
    alone, together, wrong = measured(teachers, seconds)
    one = alone.percentile(50)
    yield Figure(f"load: {teachers} teachers, requests in {seconds:.0f} s", len(together.times))
    yield Figure("load: median request over that of one teacher alone", together.percentile(50) / one)
    yield Figure("load: 95th percentile over the median of one alone", together.percentile(95) / one)
    yield Figure("load: answers of 500 and above", together.failures, "0")
    yield Figure("load: other things that should not have been, lost batches among them", len(wrong), "0")


def main() -> None:
    """Print the figures; the exit code says whether anything failed or was lost."""
    arguments = argparse.ArgumentParser(prog="tests.bench.load")
    arguments.add_argument("--teachers", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=180.0)
    given = arguments.parse_args()
    alone, together, wrong = measured(given.teachers, given.seconds)
    one = alone.percentile(50)
    print(f"{'teachers':>9} {'requests':>9} {'batches':>8} {'p50 / alone':>12} {'p95 / alone':>12} {'5xx':>5}")
    for count, seen in ((1, alone), (given.teachers, together)):
        print(
            f"{count:9} {len(seen.times):9} {len(seen.batches):8} {seen.percentile(50) / one:12.2f} "
            f"{seen.percentile(95) / one:12.2f} {seen.failures:5}"
        )
    for what in wrong:
        print(what)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
