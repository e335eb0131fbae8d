"""Documents in Firestore.

Transactions are optimistic, the way Google's own web and mobile clients make them: what is read comes from one
snapshot, and the commit holds only if every document read is still at the version that was read. With Firestore's
locks, an instance that dies in a transaction would block a batch until they time out, and those who read one hot
document wait for one another.

Three methods of its REST interface are all that is called. Google's client library takes more time to import than all
else that a page imports together, its asynchronous half and gRPC above all, and every cold start would wait for it.
"""

import contextlib
import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from secciones.adapters.firestore_rest import Connection, Failed, Forbidden, Passing, retried
from secciones.adapters.firestore_values import (
    Json,
    cursor_after,
    cursor_after_value,
    decoded,
    encoded,
    structured_query,
)
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.documents import Document, Key, Transaction, is_expired

T = TypeVar("T")

RETRY_SECONDS = 3.0  # how long a call that failed for a passing reason is tried again
CONTENTION_SECONDS = 10.0  # how long a transaction is run again because others were quicker
# What a commit says when a precondition does not hold, and when it has certainly written nothing.
_PRECONDITIONS = frozenset({"ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND"})
_NOTHING_DONE = frozenset({"ABORTED", "RESOURCE_EXHAUSTED"})


class FirestoreDocuments:
    """One database.

    A query by other fields than the one it is ordered by needs a composite index.
    """

    def __init__(
        self,
        connection: Connection,
        project: str,
        database: str,
        now: Callable[[], datetime],
        *,
        random: Callable[[], float],
    ) -> None:
        self._database = _Database(connection, project, database, random)
        self._now = now
        self._random = random
        self._memory: dict[str, _Stored] | None = None

    def get(self, collection: str, document_id: str) -> Document | None:
        name = self._database.name(collection, document_id)
        return _live(self._database.read([name])[name], self._now())

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        try:
            self._database.commit([_insertion(self._database.name(collection, document_id), document)])
        except _Changed:
            return self._replace_expired(collection, document_id, document)
        return True

    def _replace_expired(self, collection: str, document_id: str, document: Document) -> bool:
        def replace(transaction: Transaction) -> bool:
            if transaction.get(collection, document_id) is not None:
                return False
            transaction.set(collection, document_id, document)
            return True

        try:
            return self.transact(replace)
        except Forbidden:  # whoever may only create, such as the writer of the audit, cannot look: what is there stays
            return False

    def delete(self, collection: str, document_id: str) -> None:
        self._database.commit([{"delete": self._database.name(collection, document_id)}])

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
        """Pages of `limit` are read until so many live documents are found, so expired ones hide none."""
        query = structured_query(collection, where, order_by, limit, descending)
        if after is not None:
            query["startAt"] = cursor_after_value(after)
        found: list[tuple[str, Document]] = []
        while len(found) < limit:
            page = self._database.run(query)
            documents = ((_id_of(document), decoded(document)) for document in page)
            found += [(key, document) for key, document in documents if not is_expired(document, self._now())]
            if len(page) < limit:
                break
            query["startAt"] = cursor_after(page[-1], order_by)
        return found[:limit]

    def remembering(self) -> "FirestoreDocuments":
        same = copy.copy(self)
        same._memory = {}
        return same

    def transact(self, work: Callable[[Transaction], T]) -> T:
        def run() -> T:
            transaction = _OptimisticTransaction(self._database, self._now(), {})
            result = work(transaction)
            self._remember(transaction.commit())
            return result

        if self._memory:
            with contextlib.suppress(_OutOfDate):
                return self._from_memory(work, self._memory)
            self._memory = {}
        return retried(run, _Changed, first_wait=0.05, seconds=CONTENTION_SECONDS, random=self._random)

    def _from_memory(self, work: Callable[[Transaction], T], memory: "dict[str, _Stored]") -> T:
        """Raises _OutOfDate whenever what is remembered is not known to be so, and then nothing was written."""
        transaction = _OptimisticTransaction(self._database, self._now(), memory)
        try:
            result = work(transaction)
        except DocumentsUnavailable:
            raise
        except Exception as error:
            raise _OutOfDate from error
        try:
            known = transaction.commit()
        except _Changed as error:
            raise _OutOfDate from error
        if not known:
            raise _OutOfDate  # nothing was written, so nothing was held against the store
        self._remember(known)
        return result

    def _remember(self, known: "dict[str, _Stored]") -> None:
        if self._memory is not None:
            self._memory |= known


class _OutOfDate(Exception):
    """What is remembered may be so no longer."""


class _Changed(DocumentsUnavailable):
    """A precondition of a commit does not hold; nothing was written."""


class _Stored(NamedTuple):
    """A document as it was at `read_time`, and its version; None when it was not there. What is remembered has no such
    time. It is plain, since Firestore's own form of it takes four times the memory."""

    document: Document | None
    version: str = ""
    read_time: str = ""


class _OptimisticTransaction:
    """One run of a transaction's work; `commit` raises _Changed when it must be run again."""

    def __init__(self, database: "_Database", now: datetime, remembered: dict[str, _Stored]) -> None:
        self._database = database
        self._now = now
        self._fetched = dict(remembered)
        self._read: dict[str, _Stored] = {}
        self._written: dict[str, Json] = {}

    def read_ahead(self, *keys: Key) -> None:
        self._fetch([self._database.name(*key) for key in keys])

    def get(self, collection: str, document_id: str) -> Document | None:
        return self.get_many(collection, [document_id]).get(document_id)

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        if self._written:
            raise RuntimeError("a transaction reads before it writes")
        names = {document_id: self._database.name(collection, document_id) for document_id in document_ids}
        self._fetch(names.values())
        self._read |= {name: self._fetched[name] for name in names.values()}
        found = {document_id: _live(self._read[name], self._now) for document_id, name in names.items()}
        return {document_id: document for document_id, document in found.items() if document is not None}

    def _fetch(self, names: Collection[str]) -> None:
        if missing := [name for name in names if name not in self._fetched]:
            snapshot = next((stored.read_time for stored in self._fetched.values() if stored.read_time), None)
            self._fetched |= self._database.read(missing, snapshot)

    def set(self, collection: str, document_id: str, document: Document) -> None:
        name = self._database.name(collection, document_id)
        self._written[name] = {"update": encoded(name, document)}

    def delete(self, collection: str, document_id: str) -> None:
        name = self._database.name(collection, document_id)
        self._written[name] = {"delete": name}

    def commit(self) -> dict[str, _Stored]:
        """What is known of documents after it; nothing when there was nothing to write."""
        if not self._written:
            return {}
        untouched = {name: _verification(name, read) for name, read in self._read.items() if name not in self._written}
        writes = self._written | untouched
        for name, read in self._read.items():
            writes[name]["currentDocument"] = _unchanged_since(read)
        times = self._database.commit(list(writes.values()))
        return self._known(dict(zip(writes, times, strict=True)))

    def _known(self, times: dict[str, str]) -> dict[str, _Stored]:
        known = {name: _Stored(read.document, read.version) for name, read in self._fetched.items()}
        for name, write in self._written.items():
            known[name] = _Stored(decoded(write["update"]), times[name]) if "update" in write else _Stored(None)
        return known


class _Database:
    """The three calls that everything is made of. Each raises DocumentsUnavailable, and ValueError for what Firestore
    can never hold, such as a document above 1 MiB."""

    def __init__(self, connection: Connection, project: str, database: str, random: Callable[[], float]) -> None:
        self._connection = connection
        self._root = f"projects/{project}/databases/{database}/documents"
        self._random = random

    def name(self, collection: str, document_id: str) -> str:
        if "/" in document_id:
            raise ValueError("a document's id has no slash")  # it would reach into another collection
        return f"{self._root}/{collection}/{document_id}"

    def read(self, names: Sequence[str], snapshot: str | None = None) -> dict[str, _Stored]:
        """The documents by name as they are now, or as they were at the read time of another."""
        request = {"documents": names} | ({"readTime": snapshot} if snapshot else {})
        answers = self._retrying(lambda: self._call("batchGet", request))
        stored = {}
        for answer in answers:
            if "found" in answer:
                found = answer["found"]
                stored[found["name"]] = _Stored(decoded(found), found["updateTime"], answer["readTime"])
            elif "missing" in answer:
                stored[answer["missing"]] = _Stored(None, read_time=answer["readTime"])
        if not stored.keys() >= set(names):
            raise Failed("INCOMPLETE")
        return stored

    def run(self, query: Json) -> list[Json]:
        answers = self._retrying(lambda: self._call("runQuery", {"structuredQuery": query}))
        return [answer["document"] for answer in answers if "document" in answer]

    def commit(self, writes: Sequence[Json]) -> list[str]:
        """All of the writes or none; returns the version that each document has then. Raises _Changed when a
        precondition does not hold.

        After an answer was lost, a precondition may fail because of this very commit: nobody can know, so that is
        DocumentsUnavailable.
        """
        answer_lost = False

        def attempt() -> list[str]:
            nonlocal answer_lost
            try:
                (answer,) = self._call("commit", {"writes": writes})
                return [result.get("updateTime", "") for result in answer["writeResults"]]
            except Failed as error:
                if error.status in _PRECONDITIONS:
                    if answer_lost:
                        raise DocumentsUnavailable("firestore: a commit's answer was lost") from error
                    raise _Changed(f"firestore: {error.status}") from error
                answer_lost = answer_lost or error.status not in _NOTHING_DONE
                raise

        return self._retrying(attempt)

    def _retrying(self, attempt: Callable[[], T]) -> T:
        return retried(attempt, Passing, first_wait=0.1, seconds=RETRY_SECONDS, random=self._random)

    def _call(self, method: str, request: Json) -> list[Json]:
        return self._connection.post(f"/v1/{self._root}:{method}", request)


def _insertion(name: str, document: Document) -> Json:
    return {"update": encoded(name, document), "currentDocument": {"exists": False}}


def _verification(name: str, read: _Stored) -> Json:
    """A write that changes nothing, not even the version, to hang a precondition on."""
    if read.document is None:
        return {"delete": name}
    return {"update": {"name": name}, "updateMask": {"fieldPaths": []}}


def _unchanged_since(read: _Stored) -> Json:
    if read.document is None:
        return {"exists": False}
    return {"updateTime": read.version}


def _id_of(document: Json) -> str:
    name: str = document["name"]
    return name.rpartition("/")[2]


def _live(stored: _Stored, now: datetime) -> Document | None:
    """A copy, which is the caller's own."""
    if stored.document is None or is_expired(stored.document, now):
        return None
    document: Document = _copied(stored.document)
    return document


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return {name: _copied(held) for name, held in value.items()}
        case list():
            return [_copied(held) for held in value]
        case _:
            return value
