"""Queues, tasks and names that are not free yet, in one SQLite file that survives SIGKILL.

A task is leased by counting up `in_flight` in the same transaction that counts the dispatch;
what was in flight when the process died is simply leased again after the next start.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from infra.local.tasks.errors import (
    QUEUE_NOT_FOUND,
    TASK_EXISTED,
    TASK_EXISTS,
    TASK_GONE,
    TASK_NOT_FOUND,
    ApiError,
    JsonObject,
    not_found,
)
from infra.local.tasks.model import Attempt, Queue, Task
from infra.local.tasks.policy import RateRules, RetryRules, rate_rules, retry_rules

NAME_MEMORY = 3600.0
ORDERS = {"fifo": "scheduled, number", "lifo": "number DESC", "random": "random()"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY, rate TEXT NOT NULL, retry TEXT NOT NULL, state TEXT NOT NULL,
    purged REAL
);
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, queue TEXT NOT NULL,
    request TEXT NOT NULL, deadline REAL NOT NULL, retry TEXT, created REAL NOT NULL,
    scheduled REAL NOT NULL, dispatches INTEGER NOT NULL DEFAULT 0,
    responses INTEGER NOT NULL DEFAULT 0, executions INTEGER NOT NULL DEFAULT 0,
    first_dispatched REAL, last_scheduled REAL, last_dispatched REAL, last_answered REAL,
    last_status INTEGER, in_flight INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS due ON tasks (queue, in_flight, scheduled);
CREATE TABLE IF NOT EXISTS tombstones (name TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS dispatches (
    number INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, url TEXT NOT NULL,
    attempt INTEGER NOT NULL, status INTEGER NOT NULL, outcome TEXT NOT NULL,
    started REAL NOT NULL, finished REAL NOT NULL
);
"""


class Store:
    """One connection behind one lock: any thread may call, each method is one transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """In the process that uses it: SQLite's connections do not survive a fork.

        Creates the file if it is missing; what a dead process had in flight is free again.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(SCHEMA)
        db.execute("UPDATE tasks SET in_flight = 0")
        self._connection = db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """May be nested: the outermost commits."""
        with self._lock:
            db = self._connection
            if db is None:
                raise RuntimeError("the store is not open")
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def put_queue(self, queue: Queue) -> None:
        row = (
            queue.name,
            json.dumps(asdict(queue.rate)),
            json.dumps(asdict(queue.retry)),
            queue.state,
            queue.purged,
        )
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?, ?)", row)

    def declare_queue(self, name: str, rate: JsonObject, retry: JsonObject) -> None:
        """Creates the queue or changes what is given here, and nothing else. Raises ApiError."""
        with self.transaction():
            present = {queue.name: queue for queue in self.queues()}.get(name, Queue(name))
            changed = replace(
                present,
                rate=rate_rules(rate, present.rate),
                retry=retry_rules(retry, present.retry),
            )
            self.put_queue(changed)

    def queue(self, name: str) -> Queue:
        """Raises ApiError when there is none."""
        with self.transaction() as db:
            row = db.execute("SELECT * FROM queues WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise not_found(QUEUE_NOT_FOUND)
        return _queue(row)

    def queues(self) -> list[Queue]:
        with self.transaction() as db:
            return [_queue(row) for row in db.execute("SELECT * FROM queues ORDER BY name")]

    def purge(self, queue: str, now: float) -> Queue:
        """Deletes the queue's tasks. Raises ApiError when there is no such queue."""
        with self.transaction() as db:
            purged = replace(self.queue(queue), purged=now)
            self.put_queue(purged)
            names = db.execute("SELECT name FROM tasks WHERE queue = ?", (queue,)).fetchall()
            for row in names:
                _remove(db, row["name"], now)
        return purged

    def add_task(self, task: Task, now: float) -> Task:
        """Raises ApiError for a name in use now or in the last hour, or an unknown queue."""
        with self.transaction() as db:
            self.queue(task.queue)
            if db.execute("SELECT 1 FROM tasks WHERE name = ?", (task.name,)).fetchone():
                raise ApiError("ALREADY_EXISTS", TASK_EXISTS)
            if _existed(db, task.name, now):
                raise ApiError("ALREADY_EXISTS", TASK_EXISTED)
            retry = None if task.retry is None else json.dumps(task.retry)
            db.execute(
                "INSERT INTO tasks (name, queue, request, deadline, retry, created, scheduled)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    task.name,
                    task.queue,
                    json.dumps(task.request),
                    task.deadline,
                    retry,
                    task.created,
                    task.scheduled,
                ),
            )
            return self.task(task.name, now)

    def task(self, name: str, now: float) -> Task:
        """Raises ApiError, worded by whether the task existed a short while ago."""
        with self.transaction() as db:
            row = db.execute("SELECT * FROM tasks WHERE name = ?", (name,)).fetchone()
            if row is None:
                raise not_found(TASK_GONE if _existed(db, name, now) else TASK_NOT_FOUND)
            return _task(row)

    def tasks(self, queue: str, after: int, limit: int) -> list[Task]:
        """In order of creation, those with a number above `after`."""
        with self.transaction() as db:
            rows = db.execute(
                "SELECT * FROM tasks WHERE queue = ? AND number > ? ORDER BY number LIMIT ?",
                (queue, after, limit),
            )
            return [_task(row) for row in rows]

    def count(self, queue: str) -> int:
        with self.transaction() as db:
            row = db.execute("SELECT count(*) FROM tasks WHERE queue = ?", (queue,)).fetchone()
            return int(row[0])

    def delete_task(self, name: str, now: float) -> None:
        """Raises ApiError when there is none."""
        with self.transaction() as db:
            self.task(name, now)
            _remove(db, name, now)

    def lease_due(self, queue: str, due: float, now: float, order: str) -> Task | None:
        """The next task of the queue that is not in flight and scheduled up to `due`."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT name FROM tasks WHERE queue = ? AND in_flight = 0 AND scheduled <= ?"
                f" ORDER BY {ORDERS[order]} LIMIT 1",
                (queue, due),
            ).fetchone()
            return None if row is None else self.lease(row["name"], now)

    def lease(self, name: str, now: float) -> Task:
        """Counts a dispatch, whether or not the task is in flight. Raises ApiError."""
        with self.transaction() as db:
            db.execute(
                "UPDATE tasks SET in_flight = in_flight + 1, dispatches = dispatches + 1,"
                " first_dispatched = coalesce(first_dispatched, ?), last_scheduled = scheduled,"
                " last_dispatched = ?, last_answered = NULL WHERE name = ?",
                (now, now, name),
            )
            return self.task(name, now)

    def share(self, name: str) -> None:
        """One more delivery of the same dispatch: a duplicate, which Cloud Tasks does not count."""
        with self.transaction() as db:
            db.execute("UPDATE tasks SET in_flight = in_flight + 1 WHERE name = ?", (name,))

    def next_due(self, queue: str) -> float | None:
        with self.transaction() as db:
            row = db.execute("SELECT min(scheduled) FROM tasks WHERE queue = ? AND in_flight = 0", (queue,)).fetchone()
            return None if row[0] is None else float(row[0])

    def answered(self, number: int, status: int, received: bool, now: float) -> Task | None:
        """Ends one delivery and notes its result; None when the task is gone meanwhile.

        By number, since a name may belong to another task by now.
        """
        executed = received and not 500 <= status < 600
        with self.transaction() as db:
            db.execute(
                "UPDATE tasks SET in_flight = max(0, in_flight - 1), responses = responses + ?,"
                " executions = executions + ?, last_answered = ?, last_status = ? WHERE number = ?",
                (int(received), int(executed), now, status, number),
            )
            row = db.execute("SELECT * FROM tasks WHERE number = ?", (number,)).fetchone()
            return None if row is None else _task(row)

    def reschedule(self, name: str, scheduled: float) -> None:
        with self.transaction() as db:
            db.execute("UPDATE tasks SET scheduled = ? WHERE name = ?", (scheduled, name))

    def clear(self) -> None:
        """Forgets every task and every name."""
        with self.transaction() as db:
            db.execute("DELETE FROM tasks")
            db.execute("DELETE FROM tombstones")


def _existed(db: sqlite3.Connection, name: str, now: float) -> bool:
    found = db.execute("SELECT 1 FROM tombstones WHERE name = ? AND until > ?", (name, now))
    return found.fetchone() is not None


def _remove(db: sqlite3.Connection, name: str, now: float) -> None:
    db.execute("DELETE FROM tasks WHERE name = ?", (name,))
    db.execute("DELETE FROM tombstones WHERE until <= ?", (now,))
    db.execute("INSERT OR REPLACE INTO tombstones VALUES (?, ?)", (name, now + NAME_MEMORY))


def _queue(row: sqlite3.Row) -> Queue:
    rate = RateRules(**json.loads(row["rate"]))
    retry = RetryRules(**json.loads(row["retry"]))
    return Queue(row["name"], rate, retry, row["state"], row["purged"])


def _task(row: sqlite3.Row) -> Task:
    retry: JsonObject | None = None if row["retry"] is None else json.loads(row["retry"])
    return Task(
        name=row["name"],
        queue=row["queue"],
        request=json.loads(row["request"]),
        deadline=row["deadline"],
        created=row["created"],
        scheduled=row["scheduled"],
        retry=retry,
        number=row["number"],
        dispatches=row["dispatches"],
        responses=row["responses"],
        executions=row["executions"],
        first_dispatched=row["first_dispatched"],
        last=_attempt(row),
    )


def _attempt(row: sqlite3.Row) -> Attempt | None:
    """`last_status` outlives the next dispatch, which tells it to the worker."""
    if row["last_dispatched"] is None:
        return None
    return Attempt(row["last_scheduled"], row["last_dispatched"], row["last_answered"], row["last_status"])
