"""*Mis restablecimientos*: the teacher's batches while they are kept, and who has used the account since."""

from dataclasses import dataclass
from datetime import datetime

from secciones.domain.batches import Batch
from secciones.domain.outcomes import Outcome
from secciones.ports.documents import Documents, Transaction
from secciones.services.batches import BATCHES, from_document
from secciones.services.mirror_accounts import ACCOUNTS
from secciones.services.sessions import Session

# Three a day, while they are kept, are 90: the page promises all of them.
_SHOWN = 100


@dataclass(frozen=True)
class BatchView:
    """A batch and, of the students who were given a password, how many have signed in since its mail."""

    batch: Batch
    signed_in: int


def list_batches(documents: Documents, session: Session) -> list[BatchView]:
    """The newest first. What is known of sign-ins is as old as the mirror of the Directory."""
    found = documents.query(BATCHES, {"actor": session.actor}, "created_at", _SHOWN, descending=True)
    batches = [from_document(document) for _, document in found]
    addresses = {row.address for batch in batches for row in batch.rows_with(Outcome.CHANGED)}

    def work(transaction: Transaction) -> dict[str, datetime]:
        known = transaction.get_many(ACCOUNTS, addresses)
        return {address: row["last_sign_in"] for address, row in known.items() if row["last_sign_in"]}

    last = documents.transact(work)
    return [BatchView(batch, _signed_in(batch, last)) for batch in batches]


def _signed_in(batch: Batch, last: dict[str, datetime]) -> int:
    since = batch.mailed_at
    if since is None:
        return 0
    return sum(row.address in last and last[row.address] > since for row in batch.rows_with(Outcome.CHANGED))
