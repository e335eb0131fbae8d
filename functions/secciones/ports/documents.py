"""Documents in collections: the state of Secciones. Deliberately small, so that two stores can keep every promise."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

# None, bool, int (64 bits), float, str, bytes, aware datetime (microseconds), dicts by field name and lists of these,
# but no list directly in a list; a field name is not empty and not `__x__`.
Document = dict[str, Any]
# A collection and a document's id.
Key = tuple[str, str]

T = TypeVar("T")


class Transaction(Protocol):
    """Reads first, then writes; nothing is visible to anyone before the whole of it is."""

    def read_ahead(self, *keys: Key) -> None:
        """Fetch documents of any collections in one round trip, for `get` and `get_many` to find. What they do not ask
        for has not been read as far as the commit is concerned."""
        ...

    def get(self, collection: str, document_id: str) -> Document | None:
        """The document, or None. Raises RuntimeError after the first write of the transaction."""
        ...

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        """Those of the documents that are there, by id, in one round trip. Raises as `get` does."""
        ...

    def set(self, collection: str, document_id: str, document: Document) -> None:
        """Write the whole document, whether or not it was there."""
        ...

    def delete(self, collection: str, document_id: str) -> None:
        """Remove the document; nothing happens when it is not there."""
        ...


class Documents(Protocol):
    """A store that several processes share.

    A document whose `expires_at` has passed is not there: `get` and `query` do not return it and `create` may replace
    it, whether or not the store has got round to deleting it. Every method raises DocumentsUnavailable when the store
    does not answer, and after a failed write the write may have been made all the same. What no store could keep raises
    ValueError or TypeError: values that a Document has not, and ids that are empty, `.`, `..`, `__x__` or contain `/`.
    """

    def get(self, collection: str, document_id: str) -> Document | None:
        """The document, or None."""
        ...

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        """Write the document unless one is there; True when this call wrote it. Of many at once exactly one does."""
        ...

    def delete(self, collection: str, document_id: str) -> None:
        """Remove the document; nothing happens when it is not there."""
        ...

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
        """Ids and documents whose fields equal all of `where`, ordered by one field and then by id; those without that
        field, or with None in it, are left out.

        With `after`, only those are found that come behind all of that value, in the direction of the order. Whoever
        reads on from the end of a full page must not take the last value for whole: others with it may follow.
        """
        ...

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` and make its writes at once, if nothing it read has changed since; otherwise run it again.

        `work` may therefore run several times and must have no other effect. What it raises is raised, and nothing
        is written.
        """
        ...

    def remembering(self) -> "Documents":
        """The same store for one piece of work that takes several transactions on the same documents: what one of them
        has read or written the next need not ask for again. They hold as ever: when somebody else has written
        meanwhile, `work` is run again with what is there."""
        ...


def is_expired(document: Document, now: datetime) -> bool:
    """The one rule by which a document is no longer there although the store still has it."""
    expires_at = document.get("expires_at")
    return isinstance(expires_at, datetime) and expires_at <= now
