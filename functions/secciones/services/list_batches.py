"""*Mis restablecimientos*: the teacher's batches while they are kept, and who has used the account since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from secciones.domain.batches import Batch
from secciones.domain.outcomes import Outcome
from secciones.ports.documents import Documents, Transaction
from secciones.services.batches import BATCHES, from_document
from secciones.services.mirror_accounts import ACCOUNTS, CURRENT, PASSES, Pass
from secciones.services.sessions import Session

# Three a day, while they are kept, are 90: the page promises all of them.
_SHOWN = 100


@dataclass(frozen=True)
class BatchView:
    """A batch and who of the students that were given a password has signed in since its mail, by student id and when
    last; `whole_since` is how old that is, None when it is not yet known of all."""

    batch: Batch
    signed_in: Mapping[str, datetime]
    whole_since: datetime | None

    @property
    def is_known(self) -> bool:
        """Whether anybody has looked at the accounts since the mail."""
        mailed_at = self.batch.mailed_at
        return bool(self.signed_in) or bool(mailed_at and self.whole_since and self.whole_since > mailed_at)


def list_batches(documents: Documents, session: Session) -> list[BatchView]:
    """The newest first."""
    found = documents.query(BATCHES, {"actor": session.actor}, "created_at", _SHOWN, descending=True)
    return view_batches(documents, [from_document(document) for _, document in found])


def view_batches(documents: Documents, batches: Sequence[Batch]) -> list[BatchView]:
    """What is known of sign-ins is as old as the mirror of the Directory."""
    addresses = {row.address for batch in batches if batch.mailed_at for row in batch.rows_with(Outcome.CHANGED)}
    if not addresses:
        return [BatchView(batch, {}, None) for batch in batches]

    def work(transaction: Transaction) -> list[BatchView]:
        transaction.read_ahead((PASSES, CURRENT), *((ACCOUNTS, address) for address in addresses))
        known = transaction.get_many(ACCOUNTS, addresses)
        last = {address: row["last_sign_in"] for address, row in known.items() if row["last_sign_in"]}
        current = Pass.load(transaction)
        return [
            BatchView(batch, _signed_in(batch, last), current.whole_since if current else None) for batch in batches
        ]

    return documents.transact(work)


def _signed_in(batch: Batch, last: Mapping[str, datetime]) -> dict[str, datetime]:
    if batch.mailed_at is None:
        return {}
    moments = {row.student_id: last.get(row.address) for row in batch.rows_with(Outcome.CHANGED)}
    return {student_id: at for student_id, at in moments.items() if at and at > batch.mailed_at}
