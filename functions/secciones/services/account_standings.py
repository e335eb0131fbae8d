"""What the page of a section and the summary before *Procesar* say of accounts: from the mirror and from resets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from secciones.ports.documents import Documents, Transaction
from secciones.services.earlier_resets import RESETS, reset_of
from secciones.services.list_sections import StudentRow
from secciones.services.mirror_accounts import ACCOUNTS, CURRENT, PASSES, Pass, mirrored_standing
from secciones.services.selections import COLLECTION as SELECTIONS
from secciones.services.selections import Choice, kept_choices
from secciones.services.sessions import Session


class Known(NamedTuple):
    """Rows, each with what is known of its account, and since when that is known (None when it is not yet known of all
    accounts); what the teacher has ticked, here and in other sections."""

    rows: Sequence[StudentRow]
    whole_since: datetime | None
    kept: tuple[Choice, ...]


def with_standings(documents: Documents, session: Session, rows: Sequence[StudentRow]) -> Known:
    """What the store knows of these rows."""
    addresses = {row.address for row in rows if row.problem is None}

    def work(transaction: Transaction) -> Known:
        by_address = [(collection, address) for collection in (ACCOUNTS, RESETS) for address in addresses]
        transaction.read_ahead((SELECTIONS, session.actor), (PASSES, CURRENT), *by_address)
        accounts, resets = (transaction.get_many(collection, addresses) for collection in (ACCOUNTS, RESETS))
        current = Pass.load(transaction)
        whole_since = current.whole_since if current else None
        standings = {address: mirrored_standing(accounts.get(address), whole_since) for address in addresses}
        with_theirs = tuple(
            replace(row, standing=replace(standing, reset=reset_of(resets.get(row.address), standing, session.actor)))
            if (standing := standings.get(row.address))
            else row
            for row in rows
        )
        return Known(with_theirs, whole_since, kept_choices(transaction, session))

    return documents.transact(work)
