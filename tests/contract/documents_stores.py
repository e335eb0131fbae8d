"""The stores that the Documents port is promised by, and a second process at work in one of them.

Run as a program, it is that process: it does what each line of its input says and answers each with one line.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secciones.adapters.sqlite import SqliteDocuments
from secciones.ports.documents import Documents, Transaction
from tests.support.emulator import emulated_firestore

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


@dataclass
class Moment:
    """A clock that stands still until it is moved."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, step: timedelta) -> None:
        self.at += step


@dataclass(frozen=True)
class Store:
    """Where a store is; every `opened` is one more user of the same documents."""

    kind: str
    place: str
    database: str = "(default)"

    def opened(self, now: Callable[[], datetime]) -> Documents:
        if self.kind == "sqlite":
            return SqliteDocuments(Path(self.place) / f"{self.database}.sqlite", now)
        return emulated_firestore(os.environ["FIRESTORE_EMULATOR_HOST"], self.place, self.database, now)

    @property
    def writers_wait(self) -> bool:
        """Whether a write waits until another's transaction is over, instead of making it run again."""
        return self.kind == "sqlite"


def adds_one(collection: str, document_id: str) -> Callable[[Transaction], int]:
    def work(transaction: Transaction) -> int:
        count: int = (transaction.get(collection, document_id) or {"count": 0})["count"] + 1
        transaction.set(collection, document_id, {"count": count})
        return count

    return work


def takes_lease(document_id: str, holder: str) -> Callable[[Transaction], bool]:
    def work(transaction: Transaction) -> bool:
        if transaction.get("leases", document_id) is not None:
            return False
        transaction.set("leases", document_id, {"holder": holder})
        return True

    return work


class Neighbour:
    """Another process with the store open."""

    def __init__(self, store: Store) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.documents_stores", store.kind, store.place, store.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
        )

    def told(self, command: str, document_id: str) -> "Neighbour":
        """Start it; whoever wants to know what came of it asks for `answer`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command} {document_id}\n")
        self._process.stdin.flush()
        return self

    @property
    def answer(self) -> str:
        """The next answer; empty when the process is dead."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def neighbours(store: Store, count: int) -> Iterator[list[Neighbour]]:
    """So many processes, ready."""
    there = [Neighbour(store) for _ in range(count)]
    try:
        for number, neighbour in enumerate(there):
            assert neighbour.told("create", f"ready-{number}").answer == "True"
        yield there
    finally:
        for neighbour in there:
            neighbour.leave()


def _dies(transaction: Transaction) -> None:
    transaction.get("counts", "dying")
    transaction.set("counts", "dying", {"count": 1})
    os.kill(os.getpid(), signal.SIGKILL)


def _obey(documents: Documents, command: str, document_id: str) -> object:
    match command:
        case "create":
            return documents.create("races", document_id, {"by": os.getpid()})
        case "lease":
            return documents.transact(takes_lease(document_id, str(os.getpid())))
        case "add":
            return documents.transact(adds_one("counts", document_id))
        case "die":
            return documents.transact(_dies)
        case _:
            raise ValueError(command)


def main() -> None:
    documents = Store(*sys.argv[1:]).opened(lambda: NOON)
    for line in sys.stdin:
        command, document_id = line.split()
        sys.stdout.write(f"{_obey(documents, command, document_id)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
