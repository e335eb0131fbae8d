"""A person's word that an export is right, although it would change more than is believed of one."""

from datetime import timedelta

from secciones.domain.stored_roster import IMPORTS, key_of
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction

_KEPT_FOR = timedelta(days=30)


def ask_for_confirmation(documents: Documents, clock: Clock, export: str, about: Document) -> None:
    """From now on the export waits; `about` is what whoever confirms it must know."""
    document = {"about": about, "is_confirmed": False, "expires_at": clock.now() + _KEPT_FOR}
    documents.create(IMPORTS, key_of(export), document)


def confirmation_of(documents: Documents, export: str) -> Document | None:
    """What there is to know, in `about`, and whether it `is_confirmed`; None for an export that does not wait."""
    return documents.get(IMPORTS, key_of(export))


def confirm_import(documents: Documents, export: str) -> bool:
    """Let the export be imported at the next occasion; False when none of this name waits."""

    def confirm(transaction: Transaction) -> bool:
        document = transaction.get(IMPORTS, key_of(export))
        if document is None:
            return False
        transaction.set(IMPORTS, key_of(export), document | {"is_confirmed": True})
        return True

    return documents.transact(confirm)
