"""The one state behind all the APIs: a SQLite file that survives a restart, even a kill.

Plain rows and JSON: this file knows how to keep things, the others know what they mean.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS addresses (
    address TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    kind TEXT, digest TEXT, body TEXT NOT NULL, expires REAL NOT NULL, PRIMARY KEY (kind, digest));
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, name TEXT, generation INTEGER NOT NULL, created TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (bucket, name));
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, thread TEXT NOT NULL,
    mailbox TEXT NOT NULL, labels TEXT NOT NULL, arrived INTEGER NOT NULL, raw BLOB NOT NULL,
    UNIQUE (mailbox, id));
"""


class State:
    """A transaction at a time for all threads of one process; reopened by itself after a fork."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "google.sqlite3"
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        with self._lock:
            self._open().executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file; the next use opens it again. Needed before a fork."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What happens inside is kept as a whole or, after an exception, not at all. Nests."""
        with self._lock:
            connection = self._open()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._open().execute(sql, values).fetchall()

    def put(self, kind: str, secret: str, body: dict[str, Any], seconds: float) -> None:
        """Keep a record that is found by a secret; only the secret's hash is stored."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM records WHERE expires < ?", (time.time(),))
            connection.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)",
                (kind, _digest(secret), json.dumps(body), time.time() + seconds),
            )

    def get(self, kind: str, secret: str) -> dict[str, Any] | None:
        found = self.rows(
            "SELECT body FROM records WHERE kind = ? AND digest = ? AND expires >= ?",
            kind, _digest(secret), time.time(),
        )  # fmt: skip
        return json.loads(found[0]["body"]) if found else None

    def take(self, kind: str, secret: str) -> dict[str, Any] | None:
        """Like `get`, but only the first who asks gets it."""
        with self.transaction() as connection:
            body = self.get(kind, secret)
            connection.execute("DELETE FROM records WHERE kind = ? AND digest = ?", (kind, _digest(secret)))
        return body

    def key(self, name: str) -> dict[str, Any] | None:
        found = self.rows("SELECT body FROM keys WHERE name = ?", name)
        return json.loads(found[0]["body"]) if found else None

    def put_key(self, name: str, body: dict[str, Any]) -> None:
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", (name, json.dumps(body)))

    def _open(self) -> sqlite3.Connection:
        # A connection must not be carried over a fork: gunicorn's worker opens its own.
        if self._connection is None or self._owner != os.getpid():
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._connection, self._owner = connection, os.getpid()
        return self._connection


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
