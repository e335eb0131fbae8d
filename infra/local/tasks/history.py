"""What was dispatched, for tests and for the page: never a body, a header or a token."""

from dataclasses import astuple, dataclass, replace
from urllib.parse import urlsplit

from infra.local.tasks.errors import JsonObject
from infra.local.tasks.store import Store
from infra.local.tasks.wire import format_time

KEPT = 10_000


@dataclass(frozen=True)
class Dispatch:
    """One finished delivery; `outcome` is done, retry, lost, dropped or gone."""

    task: str
    url: str
    attempt: int
    status: int
    outcome: str
    started: float
    finished: float

    def resource(self) -> JsonObject:
        return {
            "task": self.task,
            "url": self.url,
            "attempt": self.attempt,
            "status": self.status,
            "outcome": self.outcome,
            "startTime": format_time(self.started),
            "endTime": format_time(self.finished),
        }


def record(store: Store, dispatch: Dispatch) -> None:
    """Keeps the address without its query, which may carry what is nobody's business."""
    address = urlsplit(dispatch.url)._replace(query="", fragment="").geturl()
    with store.transaction() as db:
        latest = db.execute(
            "INSERT INTO dispatches (task, url, attempt, status, outcome, started, finished)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            astuple(replace(dispatch, url=address)),
        ).fetchone()
        db.execute("DELETE FROM dispatches WHERE number <= ?", (latest["number"] - KEPT,))


def latest(store: Store, limit: int, task: str | None = None) -> list[Dispatch]:
    """The most recent ones, oldest of them first."""
    with store.transaction() as db:
        rows = db.execute(
            "SELECT task, url, attempt, status, outcome, started, finished FROM dispatches"
            " WHERE ? IS NULL OR task = ? ORDER BY number DESC LIMIT ?",
            (task, task, limit),
        ).fetchall()
    return [Dispatch(*row) for row in reversed(rows)]


def forget(store: Store) -> None:
    with store.transaction() as db:
        db.execute("DELETE FROM dispatches")
