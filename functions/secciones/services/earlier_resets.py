"""The last reset of each address that gave a teacher a password: what those are told who choose the student next.

The claims (`claims.py`) decide who may change an account; nothing is decided here. It is kept by the address, as the
mirror is, so that the page of a section reads both at once.
"""

from collections.abc import Collection

from secciones.domain.batches import Batch, Row
from secciones.domain.standings import EarlierReset, Standing
from secciones.ports.documents import Document, Transaction

RESETS = "resets"


def keep_resets(transaction: Transaction, batch: Batch, rows: Collection[Row]) -> None:
    """Write with the transaction's other writes that the batch's mail, if there was one, gave the teacher the passwords
    of these rows."""
    if batch.mailed_at is None:
        return
    for row in rows:
        reset = {"account_id": row.account_id, "actor": batch.actor, "by": batch.teacher_name, "at": batch.mailed_at}
        transaction.set(RESETS, row.address, reset | {"expires_at": batch.expires_at})


def reset_of(document: Document | None, standing: Standing, actor: str) -> EarlierReset | None:
    """What a teacher is told of what is kept; nothing when the address is another account's by now."""
    if document is None or document["account_id"] != standing.account_id:
        return None
    return EarlierReset(document["by"], document["actor"] == actor, document["at"])
