"""A teacher whose account was changed: the tie between person and old account is undone, and the next one is made by
whoever shows DUI and NIP."""

from dataclasses import dataclass

from secciones.ports.documents import Documents, Transaction
from secciones.services.sessions import COLLECTION as SESSIONS
from secciones.services.verify_identity import COLLECTION, account_key, binding_of_person, person_key

_AT_A_TIME = 100


@dataclass(frozen=True)
class Released:
    """Whether there was a tie, and how many sessions of the person ended with it."""

    was_bound: bool
    sessions: int


def release_binding(documents: Documents, actor: str) -> Released:
    """Undo the tie of a person to an account, and end what is open in it. Repeating it finds nothing."""

    def work(transaction: Transaction) -> bool:
        binding = binding_of_person(transaction, actor)
        if binding is None:
            return False
        transaction.delete(COLLECTION, person_key(actor))
        transaction.delete(COLLECTION, account_key(binding["subject"]))
        return True

    was_bound = documents.transact(work)
    return Released(was_bound, _end_sessions(documents, actor))


def _end_sessions(documents: Documents, actor: str) -> int:
    """Whoever has the old account now must not go on with what its owner has proven."""
    ended = 0
    while found := documents.query(SESSIONS, {"actor": actor}, "opened_at", _AT_A_TIME):
        for session_id, _ in found:
            documents.delete(SESSIONS, session_id)
        ended += len(found)
    return ended
