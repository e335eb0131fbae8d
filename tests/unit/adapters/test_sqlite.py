"""What can happen to a file."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from secciones.adapters import sqlite
from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.errors import DocumentsUnavailable

ROOT = Path(__file__).resolve().parents[3]


def now() -> datetime:
    return datetime(2026, 2, 3, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


def test_a_file_that_another_program_locks_for_long_is_unavailable_and_then_well_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    documents = SqliteDocuments(path, now)
    documents.create("c", "before", {})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DocumentsUnavailable):
            documents.create("c", "during", {})
    assert documents.get("c", "during") is None
    assert documents.create("c", "after", {})


def test_a_store_is_read_while_another_writes(path: Path) -> None:
    documents = SqliteDocuments(path, now)
    documents.create("c", "a", {"n": 1})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert documents.get("c", "a") == {"n": 1}
        assert documents.query("c", {}, "n", 1) == [("a", {"n": 1})]


def test_a_full_disk_is_unavailable_and_what_was_written_before_is_kept(path: Path) -> None:
    program = f"""
import resource, signal
from tests.unit.adapters.test_sqlite import fill
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
print(fill({str(path)!r}))
"""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    written = int(answer.stdout)
    assert written > 0
    documents = SqliteDocuments(path, now)
    assert len(documents.query("c", {}, "n", 1000)) == written
    assert documents.create("c", "after", {"n": 1})


def fill(path: str) -> int:
    """Create documents until the store has no room; how many it took."""
    documents = SqliteDocuments(Path(path), now)
    for number in range(1000):
        try:
            documents.create("c", str(number), {"n": number, "text": "x" * 10_000})
        except DocumentsUnavailable:
            return number
    raise AssertionError("the disk never filled up")
