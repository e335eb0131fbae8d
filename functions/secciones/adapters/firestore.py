"""Documents in Firestore.

Transactions are optimistic, the way Google's own web and mobile clients make them: what is read comes from one
snapshot, and the commit holds only if every document read is still at the version that was read. With Firestore's
locks, an instance that dies in a transaction would block a batch until they time out, and those who read one hot
document wait for one another. Calls go to the generated client beneath `firestore.Client`, because only it takes a
deadline with every call and a precondition with every write.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from secciones.adapters.firestore_values import cursor_after, cursor_after_value, decoded, encoded, structured_query
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.documents import Document, Transaction, is_expired

if TYPE_CHECKING:
    from google.cloud import firestore
    from google.cloud.firestore_v1 import types

T = TypeVar("T")

CALL_SECONDS = 10.0  # one call; a cold connection with its first token takes about one on an idle machine
RETRY_SECONDS = 3.0  # how long a call that failed for a passing reason is tried again
CONTENTION_SECONDS = 10.0  # how long a transaction is run again because others were quicker


class FirestoreDocuments:
    """One database. FIRESTORE_EMULATOR_HOST moves it to an emulator, as in every program that uses Google's library.

    A query by other fields than the one it is ordered by needs a composite index.
    """

    def __init__(self, project: str, database: str, now: Callable[[], datetime]) -> None:
        self._database = _Database(project, database)
        self._now = now

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
        except _Forbidden:  # whoever may only create, such as the writer of the audit, cannot look: what is there stays
            return False

    def delete(self, collection: str, document_id: str) -> None:
        from google.cloud.firestore_v1 import types

        self._database.commit([types.Write(delete=self._database.name(collection, document_id))])

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
            query.start_at = cursor_after_value(after)
        found: list[tuple[str, Document]] = []
        while len(found) < limit:
            page = self._database.run(query)
            documents = ((_id_of(document), decoded(document)) for document in page)
            found += [(key, document) for key, document in documents if not is_expired(document, self._now())]
            if len(page) < limit:
                break
            query.start_at = cursor_after(page[-1], order_by)
        return found[:limit]

    def transact(self, work: Callable[[Transaction], T]) -> T:
        from google.api_core import exceptions, retry

        def run() -> T:
            transaction = _OptimisticTransaction(self._database, self._now())
            result = work(transaction)
            transaction.commit()
            return result

        changed = retry.if_exception_type(_Changed)
        again = retry.Retry(changed, initial=0.05, maximum=1.0, multiplier=2.0, timeout=CONTENTION_SECONDS)
        try:
            return again(run)()
        except exceptions.RetryError as error:
            raise DocumentsUnavailable("firestore: too much contention") from error


class _Changed(DocumentsUnavailable):
    """A precondition of a commit does not hold; nothing was written."""


class _Forbidden(DocumentsUnavailable):
    """This identity lacks the permission."""


class _Stored(NamedTuple):
    """A document as it was at `read_time`; None when it was not there."""

    document: "types.Document | None"
    read_time: datetime


class _OptimisticTransaction:
    """One run of a transaction's work; `commit` raises _Changed when it must be run again."""

    def __init__(self, database: "_Database", now: datetime) -> None:
        self._database = database
        self._now = now
        self._read: dict[str, _Stored] = {}
        self._written: dict[str, types.Write] = {}

    def get(self, collection: str, document_id: str) -> Document | None:
        return self.get_many(collection, [document_id]).get(document_id)

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        if self._written:
            raise RuntimeError("a transaction reads before it writes")
        names = {document_id: self._database.name(collection, document_id) for document_id in document_ids}
        if unread := [name for name in names.values() if name not in self._read]:
            snapshot = next((stored.read_time for stored in self._read.values()), None)
            self._read |= self._database.read(unread, snapshot)
        found = {document_id: _live(self._read[name], self._now) for document_id, name in names.items()}
        return {document_id: document for document_id, document in found.items() if document is not None}

    def set(self, collection: str, document_id: str, document: Document) -> None:
        from google.cloud.firestore_v1 import types

        name = self._database.name(collection, document_id)
        self._written[name] = types.Write(update=encoded(name, document))

    def delete(self, collection: str, document_id: str) -> None:
        from google.cloud.firestore_v1 import types

        name = self._database.name(collection, document_id)
        self._written[name] = types.Write(delete=name)

    def commit(self) -> None:
        if not self._written:
            return
        untouched = {name: _verification(name, read) for name, read in self._read.items() if name not in self._written}
        writes = self._written | untouched
        for name, read in self._read.items():
            writes[name].current_document = _unchanged_since(read)
        self._database.commit(list(writes.values()))


class _Database:
    """The three calls that everything is made of. Each raises DocumentsUnavailable, and ValueError for what Firestore
    can never hold, such as a document above 1 MiB."""

    def __init__(self, project: str, database: str) -> None:
        self._project = project
        self._id = database
        self._root = f"projects/{project}/databases/{database}"
        self._client: firestore.Client | None = None
        self._connecting = threading.Lock()

    def name(self, collection: str, document_id: str) -> str:
        if "/" in document_id:
            raise ValueError("a document's id has no slash")  # it would reach into another collection
        return f"{self._root}/documents/{collection}/{document_id}"

    def read(self, names: Sequence[str], snapshot: datetime | None = None) -> dict[str, _Stored]:
        """The documents by name as they are now, or as they were at the read time of another."""
        from google.cloud.firestore_v1 import types

        request = types.BatchGetDocumentsRequest(database=self._root, documents=names, read_time=snapshot)
        answers = self._retrying(lambda: list(self._call("batch_get_documents", request)))
        found = {answer.found.name: _Stored(answer.found, answer.read_time) for answer in answers if "found" in answer}
        missing = {answer.missing: _Stored(None, answer.read_time) for answer in answers if "missing" in answer}
        return found | missing

    def run(self, query: "types.StructuredQuery") -> "list[types.Document]":
        from google.cloud.firestore_v1 import types

        request = types.RunQueryRequest(parent=f"{self._root}/documents", structured_query=query)
        answers = self._retrying(lambda: list(self._call("run_query", request)))
        return [answer.document for answer in answers if "document" in answer]

    def commit(self, writes: "Sequence[types.Write]") -> None:
        """All of the writes or none; raises _Changed when a precondition does not hold.

        After an answer was lost, a precondition may fail because of this very commit: nobody can know, so that is
        DocumentsUnavailable.
        """
        from google.api_core import exceptions
        from google.cloud.firestore_v1 import types

        request = types.CommitRequest(database=self._root, writes=writes)
        answer_lost = False

        def attempt() -> None:
            nonlocal answer_lost
            try:
                self._call("commit", request)
            except (exceptions.AlreadyExists, exceptions.FailedPrecondition, exceptions.NotFound) as error:
                if answer_lost:
                    raise DocumentsUnavailable("firestore: a commit's answer was lost") from error
                raise _Changed(f"firestore: {type(error).__name__}") from error
            except (exceptions.Aborted, exceptions.ResourceExhausted):
                raise
            except exceptions.GoogleAPICallError:
                answer_lost = True
                raise

        self._retrying(attempt)

    def _retrying(self, attempt: Callable[[], T]) -> T:
        from google.api_core import exceptions, retry
        from google.auth.exceptions import GoogleAuthError

        passing = retry.if_exception_type(
            exceptions.Aborted,
            exceptions.DeadlineExceeded,
            exceptions.InternalServerError,
            exceptions.ResourceExhausted,
            exceptions.ServiceUnavailable,
            exceptions.Unknown,
        )
        again = retry.Retry(passing, initial=0.1, maximum=1.0, multiplier=2.0, timeout=RETRY_SECONDS)
        try:
            return again(attempt)()
        except exceptions.InvalidArgument as error:
            raise ValueError("firestore cannot hold this") from error
        except exceptions.PermissionDenied as error:
            raise _Forbidden("firestore: PermissionDenied") from error
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise DocumentsUnavailable(f"firestore: {type(error).__name__}") from error

    def _call(self, method: str, request: Any) -> Any:
        client = self._connected()
        call = getattr(client._firestore_api, method)
        return call(request, retry=None, timeout=CALL_SECONDS, metadata=client._rpc_metadata)

    def _connected(self) -> "firestore.Client":
        from google.cloud import firestore

        with self._connecting:
            if self._client is None:
                self._client = firestore.Client(project=self._project, database=self._id)
            return self._client


def _insertion(name: str, document: Document) -> "types.Write":
    from google.cloud.firestore_v1 import types

    return types.Write(update=encoded(name, document), current_document=types.Precondition(exists=False))


def _verification(name: str, read: _Stored) -> "types.Write":
    """A write that changes nothing, not even the version, to hang a precondition on."""
    from google.cloud.firestore_v1 import types

    if read.document is None:
        return types.Write(delete=name)
    return types.Write(update=types.Document(name=name), update_mask=types.DocumentMask())


def _unchanged_since(read: _Stored) -> "types.Precondition":
    from google.cloud.firestore_v1 import types

    if read.document is None:
        return types.Precondition(exists=False)
    return types.Precondition(update_time=read.document.update_time)


def _id_of(document: "types.Document") -> str:
    return document.name.rpartition("/")[2]


def _live(stored: _Stored, now: datetime) -> Document | None:
    if stored.document is None:
        return None
    document = decoded(stored.document)
    return None if is_expired(document, now) else document
