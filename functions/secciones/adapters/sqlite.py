"""Documents in one SQLite file that any number of processes and threads share: the embedded store, for one machine."""

import contextlib
import json
import math
import re
import sqlite3
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.documents import Document, Key, Transaction, is_expired

T = TypeVar("T")

BUSY_SECONDS = 5.0  # how long to wait for another process's transaction

# In WAL mode with `synchronous` NORMAL a killed process loses nothing that was committed; a power cut may take the
# last moments with it.
_SETUP = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (collection, id)
);
"""
_GET = "SELECT body FROM documents WHERE collection = ? AND id = ?"
_SET = "INSERT OR REPLACE INTO documents (collection, id, body) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM documents WHERE collection = ? AND id = ?"
# Equal means equal and of the same kind, so that true is not 1; 1 and 1.0 are the same number.
_QUERY = """
SELECT id, body FROM (
    SELECT id, body, (SELECT value FROM json_each(body) WHERE key = :order_by) AS place
    FROM documents
    WHERE collection = :collection AND NOT EXISTS (
        SELECT 1 FROM json_each(:wanted) AS wanted LEFT JOIN json_each(body) AS held
            ON held.key = wanted.key AND held.value = wanted.value
            AND replace(held.type, 'real', 'integer') = wanted.type
        WHERE held.key IS NULL
    )
)
WHERE place IS NOT NULL
"""
_ASCENDING = _QUERY + "AND (:after IS NULL OR place > :after) ORDER BY place, id"
_DESCENDING = _QUERY + "AND (:after IS NULL OR place < :after) ORDER BY place DESC, id DESC"

# The same names that Firestore refuses.
_ID = re.compile(r"(?!\.{1,2}\Z|__.*__\Z)[^/]{1,1500}", re.DOTALL)
_FIELD = re.compile(r"(?!__.+__\Z).{1,1500}", re.DOTALL)


class SqliteDocuments:
    """The file and its folder are made at the first use."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._idle: deque[sqlite3.Connection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def get(self, collection: str, document_id: str) -> Document | None:
        with self._connection() as connection:
            return _SqliteTransaction(connection, self._now()).get(collection, document_id)

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        def put(transaction: Transaction) -> bool:
            if transaction.get(collection, document_id) is not None:
                return False
            transaction.set(collection, document_id, document)
            return True

        return self.transact(put)

    def delete(self, collection: str, document_id: str) -> None:
        self.transact(lambda transaction: transaction.delete(collection, document_id))

    def query(
        self,
        collection: str,
        where: Mapping[str, str | int | bool],
        order_by: str,
        limit: int,
        *,
        descending: bool = False,
        after: str | int | datetime | None = None,
    ) -> Sequence[tuple[str, Document]]:
        """Rows are read until `limit` live ones are found, so expired ones hide none."""
        now = self._now()
        parameters = {
            "collection": collection,
            "order_by": order_by,
            "wanted": json.dumps(dict(where)),
            "after": _place(after),
        }
        found: list[tuple[str, Document]] = []
        with self._connection() as connection, _translated():
            for document_id, body in connection.execute(_DESCENDING if descending else _ASCENDING, parameters):
                if len(found) == limit:
                    break
                document = _decoded(body)
                if not is_expired(document, now):
                    found.append((document_id, document))
        return found

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Work runs once: from its beginning nobody else may write."""
        with self._connection() as connection:
            with _translated():
                connection.execute("BEGIN IMMEDIATE")
            result = work(_SqliteTransaction(connection, self._now()))
            with _translated():
                connection.execute("COMMIT")
            return result

    def remembering(self) -> "SqliteDocuments":
        return self  # nothing is far away

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own. After any error it is closed, and with it goes the transaction it was in."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = _opened(self._path)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)


class _SqliteTransaction:
    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._has_written = False

    def read_ahead(self, *keys: Key) -> None:
        """Nothing is far away."""

    def get(self, collection: str, document_id: str) -> Document | None:
        if self._has_written:
            raise RuntimeError("a transaction reads before it writes")
        with _translated():
            row = self._connection.execute(_GET, (collection, _checked_id(document_id))).fetchone()
        document = _decoded(row[0]) if row else None
        return None if document is None or is_expired(document, self._now) else document

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        found = {document_id: self.get(collection, document_id) for document_id in document_ids}
        return {document_id: document for document_id, document in found.items() if document is not None}

    def set(self, collection: str, document_id: str, document: Document) -> None:
        self._has_written = True
        with _translated():
            self._connection.execute(_SET, (collection, _checked_id(document_id), _encoded(document)))

    def delete(self, collection: str, document_id: str) -> None:
        self._has_written = True
        with _translated():
            self._connection.execute(_DELETE, (collection, _checked_id(document_id)))


def _opened(path: Path) -> sqlite3.Connection:
    with _translated():
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.executescript(_SETUP)
        except BaseException:
            connection.close()
            raise
        return connection


def _close_all(connections: deque[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise DocumentsUnavailable(f"sqlite: {error}") from error


def _checked_id(document_id: str) -> str:
    if not _ID.fullmatch(document_id):
        raise ValueError("this cannot be a document's id")
    return document_id


def _encoded(document: Document) -> str:
    return _text(_encoded_fields(document))


def _decoded(body: str) -> Document:
    return _decoded_fields(json.loads(body))


def _encoded_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    for name in fields:
        if not _FIELD.fullmatch(name):
            raise ValueError("this cannot be the name of a field")
    return {name: _encoded_value(value) for name, value in fields.items()}


def _decoded_fields(fields: dict[str, Any]) -> Document:
    return {name: _decoded_value(value) for name, value in fields.items()}


def _encoded_value(value: Any) -> Any:
    """JSON. What JSON lacks becomes an object with one tag, whose text sorts as the value does."""
    match value:
        case int() if not -(2**63) <= value < 2**63:
            raise ValueError("a document's integers have 64 bits")
        case float() if not math.isfinite(value):
            return {"$float": str(value)}
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return {"$bytes": value.hex()}
        case datetime() if value.tzinfo is None:
            raise ValueError("a document holds aware datetimes")
        case datetime():
            return {"$time": value.astimezone(UTC).isoformat(timespec="microseconds")}
        case list():
            if any(isinstance(item, list) for item in value):
                raise ValueError("a document holds no list directly in a list")
            return [_encoded_value(item) for item in value]
        case dict():
            fields = _encoded_fields(value)
            return {"$map": fields} if any(name.startswith("$") for name in fields) else fields
        case _:
            raise TypeError(f"a document cannot hold this {type(value).__name__}")


def _place(value: str | int | datetime | None) -> str | int | None:
    """A value as `json_each` gives it: what is an object in JSON is its text."""
    encoded = _encoded_value(value)
    return _text(encoded) if isinstance(encoded, dict) else encoded


def _text(encoded: Mapping[str, Any]) -> str:
    return json.dumps(encoded, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _decoded_value(value: Any) -> Any:
    match value:
        case {"$float": text}:
            return float(text)
        case {"$bytes": text}:
            return bytes.fromhex(text)
        case {"$time": text}:
            return datetime.fromisoformat(text)
        case {"$map": fields}:
            return _decoded_fields(fields)
        case dict():
            return _decoded_fields(value)
        case list():
            return [_decoded_value(item) for item in value]
        case _:
            return value
