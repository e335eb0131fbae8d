"""What a teacher has ticked, section by section, until it is processed.

It waits on the server, so that it outlasts going to another section, a closed page and an expired session.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from secciones.ports.clock import Clock
from secciones.ports.documents import Documents, Transaction
from secciones.services.sessions import Session

COLLECTION = "selections"
_KEPT = timedelta(hours=8)
# A teacher has twenty sections at most; whoever ticks in more loses the first ones.
_MOST_SECTIONS = 20


@dataclass(frozen=True)
class Choice:
    """Students of one section. What `is_kept` was ticked some time ago: who has left the section since, or the section
    that is no longer the teacher's, is left out of it."""

    school_id: str
    section_id: str
    student_ids: Collection[str]
    is_kept: bool = False


def kept_choices(documents: Documents | Transaction, session: Session) -> tuple[Choice, ...]:
    """All that the teacher has ticked, in the order of the sections' first ticks."""
    document = documents.get(COLLECTION, session.actor)
    return tuple(
        Choice(entry["school"], entry["section"], frozenset(entry["students"]), is_kept=True)
        for entry in (document["sections"] if document else ())
    )


def keep_choice(documents: Documents, clock: Clock, session: Session, choice: Choice) -> tuple[Choice, ...]:
    """The ticks of one section are these now; returns all that are kept."""
    return documents.transact(lambda transaction: keep_choices(transaction, clock.now(), session, choice))


def keep_choices(transaction: Transaction, now: datetime, session: Session, *choices: Choice) -> tuple[Choice, ...]:
    """The same for any number of sections, with the transaction's other writes."""
    known = {(kept.school_id, kept.section_id): kept for kept in kept_choices(transaction, session)}
    known |= {(choice.school_id, choice.section_id): choice for choice in choices}
    kept = tuple(one for one in known.values() if one.student_ids)[-_MOST_SECTIONS:]
    if choices:
        sections = [
            {"school": one.school_id, "section": one.section_id, "students": sorted(one.student_ids)} for one in kept
        ]
        transaction.set(COLLECTION, session.actor, {"sections": sections, "expires_at": now + _KEPT})
    return kept


def forget_choices(documents: Documents, session: Session) -> None:
    """Nothing is ticked any more."""
    documents.delete(COLLECTION, session.actor)
