"""Faults of real processes: killed with SIGKILL, cut off, refused. The checker reads the stand-ins' histories."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import requests

from secciones.domain.batches import BatchState
from tests.faults.checker import Told, violations
from tests.faults.process_story import batches, story, told
from tests.support.google_pages import control, wait_for
from tests.support.stack import Stack, running_stack, temporary_folder
from tests.support.visitor import Visit, Visitor, open_section

# A worker that was killed is followed soon, and a batch that was left behind is found soon.
_SETTINGS = {"LEASE_SECONDS": "3", "SWEEP_SECONDS": "2", "FIRESTORE_EMULATOR_HOST": ""}
_REFUSALS = [(429, "rateLimitExceeded"), (503, "backendError"), (403, "quotaExceeded"), (403, "userRateLimitExceeded")]
# How long each call is held while its worker dies; the last no longer than a lease lets its successor wait.
_CALLS = [
    ("kms", "decrypt", 20.0),
    ("directory", "users.get", 20.0),
    ("gmail", "send", 20.0),
    ("directory", "users.patch", 2.0),
]
# So few that each account is looked up by a call of its own.
_STUDENTS = 9
# No student is in two of these sections.
_SECTIONS = [("jose.munoz", number) for number in range(12)] + [("rosa.nunez", number) for number in range(5)]
# The supervisor gives a stack up that loses a part three times in a minute.
_BETWEEN_DEATHS = 21.0


@dataclass
class School:
    """A running stack, teachers who reset section after section, and what has come of it."""

    stack: Stack
    forms: int = 0
    answered: set[str] = field(default_factory=set)
    told_before: list[Told] = field(default_factory=list)
    died: dict[str, float] = field(default_factory=dict)
    entered: dict[str, tuple[Visitor, Visit]] = field(default_factory=dict)

    def confirmation(self) -> tuple[Visitor, Visit]:
        """A teacher's form with some of a section ticked, ready to be confirmed."""
        teacher, number = _SECTIONS[self.forms]
        if teacher not in self.entered:
            visitor = Visitor(self.stack.origin)
            self.entered[teacher] = visitor, visitor.enter(self.stack.person(teacher))
        visitor, schools = self.entered[teacher]
        section = open_section(visitor, schools, section=number)
        self.forms += 1
        inputs = section.form("/secciones/restablecer").iter("input")
        students = [box.get("value", "") for box in inputs if box.get("name") == "student"]
        return visitor, visitor.submit(section, "/secciones/restablecer", ticked=set(students[:_STUDENTS]))

    def send(self, visitor: Visitor, confirmation: Visit) -> Visit:
        """*Procesar*."""
        shown = visitor.submit(confirmation, "/secciones/restablecer")
        if shown.status == 200 and shown.path.startswith("/secciones/resultado/"):
            self.answered.add(shown.path.rpartition("/")[2])
        return shown

    def process(self, *faults: Mapping[str, object]) -> None:
        """A whole *Procesar* that is answered well; Google's `faults` are the worker's alone."""
        known = len(self.answered)
        visitor, confirmation = self.confirmation()
        self.google("faults", faults)
        shown = self.send(visitor, confirmation)
        assert len(self.answered) == known + 1, shown.text

    def kill(self, part: str) -> None:
        time.sleep(max(0.0, self.died.get(part, 0.0) + _BETWEEN_DEATHS - time.monotonic()))
        self.died[part] = time.monotonic()
        self.stack.kill(part)

    def google(self, path: str, value: object) -> None:
        control("POST", f"{self.stack.google}/_control/{path}", value)

    def pending_faults(self) -> object:
        return requests.get(f"{self.stack.google}/_control/faults", timeout=5).json()

    def delivery(self, **changes: object) -> None:
        control("PATCH", f"{self.stack.tasks}/_control/delivery", changes)

    def end(self, seconds: float = 120) -> None:
        """Wait until every form has its batch and every batch its end, and hold all of it against the promises."""
        wait_for("every batch to end", self._has_ended, seconds)
        broken = violations(story(self.stack, self.answered, self.forms, self.told_before))
        assert not broken, "\n".join(broken)
        assert {batch.state for batch in batches(self.stack)} == {BatchState.MAILED}

    def _has_ended(self) -> bool:
        found = batches(self.stack)
        return len(found) == self.forms and not any(batch.is_running for batch in found)


@pytest.fixture(scope="module")
def school() -> Iterator[School]:
    with temporary_folder() as folder, running_stack(folder, _SETTINGS) as stack:
        yield School(stack)


@pytest.fixture(autouse=True)
def everything_works_again(school: School) -> Iterator[None]:
    yield
    control("DELETE", f"{school.stack.google}/_control/faults")
    control("DELETE", f"{school.stack.tasks}/_control/faults")
    control("DELETE", f"{school.stack.siges}/_control/fault")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_worker_killed_at_each_of_its_calls_is_followed_by_another_that_does_the_same(
    school: School, after: bool
) -> None:
    """Four batches wait at a call each when their worker dies: before its effect, or in the call that follows one
    whose effect came and whose answer did not."""
    for api, method, seconds in _CALLS:
        lost_answer = {"api": api, "method": method, "status": 503, "after": True}
        school.process(*[lost_answer] * after, {"api": api, "method": method, "delay_seconds": seconds})
        wait_for("the call", lambda: not school.pending_faults())
    school.kill("worker")
    school.end()


def test_a_reset_killed_between_its_transaction_and_the_queue_leaves_a_batch_that_is_done(school: School) -> None:
    visitor, confirmation = school.confirmation()
    with ThreadPoolExecutor(1) as browser, school.stack.frozen("tasks"):
        browser.submit(visitor.submit, confirmation, "/secciones/restablecer")
        wait_for("the transaction", lambda: len(batches(school.stack)) == school.forms)
        school.kill("reset")
    shown = wait_for("the front door", lambda: _answered(school, visitor, confirmation))
    assert shown.path.startswith("/secciones/resultado/"), "the same form is the same batch"
    school.end()


def _answered(school: School, visitor: Visitor, confirmation: Visit) -> Visit | None:
    try:
        shown = school.send(visitor, confirmation)
    except AssertionError:  # the front door's own page while the function starts again
        return None
    return shown if shown.status == 200 else None


def test_a_queue_killed_with_its_task_brings_it_when_it_is_back(school: School) -> None:
    school.delivery(hold=True)
    school.process()
    school.kill("tasks")
    school.end()


def test_tasks_delivered_twice_and_answers_that_are_lost_change_and_mail_nothing_else(school: School) -> None:
    school.delivery(duplicateNext=2, loseAnswers=2)
    school.process()
    school.end()
    school.delivery(duplicateNext=0, loseAnswers=0)


def test_a_queue_that_takes_no_tasks_is_made_up_for_by_the_sweeper(school: School) -> None:
    control(
        "POST", f"{school.stack.tasks}/_control/faults", {"method": "*", "status": 503, "times": 6, "afterEffect": True}
    )
    school.process()
    school.kill("sweeper")
    school.end()


def test_every_passing_reason_of_google_is_waited_out_before_and_after_the_effect(school: School) -> None:
    """At each of the worker's calls, more of them than a call is tried; and delays."""
    for reasons in (_REFUSALS[:2], _REFUSALS[2:]):
        refusals = [
            {"api": api, "method": method, "status": status, "reason": reason, "after": after}
            for status, reason in reasons
            for after in (False, True)
            for api, method, _ in _CALLS
        ]
        delays = [{"api": api, "method": method, "delay_seconds": 1.0} for api, method, _ in _CALLS]
        school.process(*refusals, *delays)
    school.end()


def test_a_registry_that_is_down_at_procesar_costs_nothing_but_time(school: School) -> None:
    visitor, confirmation = school.confirmation()
    control("PUT", f"{school.stack.siges}/_control/fault", {"status": 503})
    assert school.send(visitor, confirmation).status == 503
    control("DELETE", f"{school.stack.siges}/_control/fault")
    assert school.send(visitor, confirmation).path.startswith("/secciones/resultado/")
    school.end()


def test_google_killed_in_the_middle_is_asked_again(school: School) -> None:
    before = len(told(school.stack))
    school.google("latency", {"api": "directory", "seconds": 0.3})
    school.process()
    wait_for("the first changes", lambda: len(told(school.stack)) > before + 2)
    school.told_before += told(school.stack)
    school.kill("google")
    wait_for("Google to be back", lambda: _is_up(school.stack.google))
    school.end()


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False
