"""Takes what is due from the store and has it delivered, at least once.

One thread decides what goes when; each delivery has a thread of its own, so that a slow worker
holds up nothing but its share of the queue's concurrency.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from infra.local.tasks import history
from infra.local.tasks.delivery import NO_CONNECTION, TIMED_OUT, Answer
from infra.local.tasks.errors import ApiError
from infra.local.tasks.knobs import Knobs
from infra.local.tasks.model import RUNNING, Queue, Task
from infra.local.tasks.policy import Pace, retry_rules
from infra.local.tasks.store import Store

IDLE = 1.0
BRIEFLY = 0.001

log = logging.getLogger(__name__)


class Dispatcher:
    """Runs for as long as the process: its threads end with it, and the store knows the rest."""

    def __init__(self, store: Store, knobs: Knobs, deliver: Callable[[Task], Answer]) -> None:
        self._store = store
        self._knobs = knobs
        self._deliver = deliver
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._paces: dict[str, Pace] = {}
        self._in_flight: Counter[str] = Counter()

    def start(self) -> None:
        threading.Thread(target=self._run, name="dispatcher", daemon=True).start()

    def wake(self) -> None:
        """Look again now: a task, a queue or a knob has changed."""
        self._wake.set()

    def run_now(self, name: str) -> Task:
        """Dispatches a task whatever its schedule, its queue's state or rate. Raises ApiError."""
        task = self._store.lease(name, time.time())
        self._launch(task)
        return task

    def in_flight(self, queue: str) -> int:
        with self._lock:
            return self._in_flight[queue]

    def rate(self, queue: Queue) -> float:
        """Dispatches a second that the queue may make now, throttling included."""
        with self._lock:
            return self._pace(queue).rate

    def forget_throttling(self) -> None:
        with self._lock:
            self._paces.clear()

    def _run(self) -> None:
        while True:
            try:
                pause = min((self._serve(queue) for queue in self._store.queues()), default=IDLE)
            except Exception:
                log.exception("dispatching goes on after an error")
                pause = IDLE
            self._wake.wait(min(pause, IDLE))
            self._wake.clear()

    def _serve(self, queue: Queue) -> float:
        """Dispatches all that may go; the seconds until more may, unless woken before."""
        while queue.state == RUNNING and not self._knobs.delivery.hold:
            wait = self._wait(queue)
            if wait > 0:
                return wait
            task = self._lease(queue)
            if task is None:
                return self._until_due(queue)
            self._spend(queue)
            self._launch(task)
            if self._knobs.take_duplicate():
                self._store.share(task.name)
                self._launch(task)
        return IDLE

    def _wait(self, queue: Queue) -> float:
        with self._lock:
            if self._in_flight[queue.name] >= queue.rate.max_concurrent_dispatches:
                return IDLE
            return self._pace(queue).wait(time.monotonic())

    def _lease(self, queue: Queue) -> Task | None:
        now, knobs = time.time(), self._knobs.delivery
        return self._store.lease_due(queue.name, now - knobs.delay_seconds, now, knobs.order)

    def _until_due(self, queue: Queue) -> float:
        due = self._store.next_due(queue.name)
        if due is None:
            return IDLE
        return max(BRIEFLY, due + self._knobs.delivery.delay_seconds - time.time())

    def _spend(self, queue: Queue) -> None:
        with self._lock:
            self._pace(queue).take()

    def _pace(self, queue: Queue) -> Pace:
        pace = self._paces.get(queue.name)
        if pace is None:
            pace = self._paces[queue.name] = Pace(queue.rate, time.monotonic())
        elif pace.rules != queue.rate:
            pace.change(queue.rate)
        return pace

    def _launch(self, task: Task) -> None:
        with self._lock:
            self._in_flight[task.queue] += 1
        threading.Thread(target=self._attempt, args=(task,), name=task.task_id, daemon=True).start()

    def _attempt(self, task: Task) -> None:
        started = time.time()
        try:
            answer = self._answer(task)
            with self._lock, contextlib.suppress(ApiError):
                self._pace(self._store.queue(task.queue)).heed(answer.status)
            lost = self._knobs.take_lost_answer()
            with self._store.transaction():
                outcome = self._settle(task, Answer(TIMED_OUT, received=False) if lost else answer)
                self._note(task, answer.status, "lost" if lost else outcome, started)
        finally:
            with self._lock:
                self._in_flight[task.queue] -= 1
            self.wake()

    def _answer(self, task: Task) -> Answer:
        try:
            return self._deliver(task)
        except Exception:
            log.exception("a delivery counts as failed")
            return Answer(NO_CONNECTION, received=False)

    def _settle(self, task: Task, answer: Answer) -> str:
        """What becomes of the task, as the history calls it."""
        now = time.time()
        after = self._store.answered(task.number, answer.status, answer.received, now)
        if after is None:
            return "gone"
        rules = retry_rules(after.retry or {}, self._store.queue(task.queue).retry)
        age = now - (after.first_dispatched or now)
        if answer.succeeded or rules.exhausted(after.dispatches, age):
            self._store.delete_task(task.name, now)
            return "done" if answer.succeeded else "dropped"
        pause = max(rules.backoff(after.dispatches), answer.retry_after)
        self._store.reschedule(task.name, now + pause)
        return "retry"

    def _note(self, task: Task, status: int, outcome: str, started: float) -> None:
        history.record(
            self._store,
            history.Dispatch(
                task.name,
                task.request["url"],
                task.dispatches,
                status,
                outcome,
                started,
                time.time(),
            ),
        )
