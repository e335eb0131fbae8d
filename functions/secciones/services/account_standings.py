"""What the page of a section and the summary before *Procesar* say of accounts: from the mirror and from resets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from secciones.ports.documents import Documents, Transaction
from secciones.services.claims import earlier_resets
from secciones.services.list_sections import StudentRow
from secciones.services.mirror_accounts import ACCOUNTS, Pass, standing_of
from secciones.services.sessions import Session


def with_standings(
    documents: Documents, session: Session, rows: Sequence[StudentRow]
) -> tuple[tuple[StudentRow, ...], datetime | None]:
    """The rows, each with what is known of its account, and since when that is known; None when it is not yet known of
    all accounts."""
    addresses = {row.address for row in rows if row.problem is None}

    def work(transaction: Transaction) -> tuple[tuple[StudentRow, ...], datetime | None]:
        found = transaction.get_many(ACCOUNTS, addresses)
        current = Pass.load(transaction)
        whole_since = current.whole_since if current else None
        standings = {address: standing_of(found.get(address), whole_since) for address in addresses}
        ids = {standing.account_id for standing in standings.values() if standing and standing.account_id}
        resets = earlier_resets(transaction, session.actor, ids)
        return tuple(
            replace(row, standing=replace(standing, reset=resets.get(standing.account_id)))
            if (standing := standings.get(row.address))
            else row
            for row in rows
        ), whole_since

    return documents.transact(work)
