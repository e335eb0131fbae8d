"""*Procesar*: a teacher's choice of students becomes a batch, once, whatever happens on the way."""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from secciones.domain.batches import Batch, BatchSection, Row
from secciones.domain.errors import (
    BatchNotFound,
    FormAlreadyUsed,
    NotAssigned,
    NothingSelected,
    SectionClosed,
    TooManyBatches,
    TooManySelected,
)
from secciones.domain.outcomes import Outcome
from secciones.domain.passwords import PASSWORD_VERSION
from secciones.domain.roster import School, Section
from secciones.ports.audit import AuditLog
from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Document, Documents, Transaction
from secciones.ports.registry import Registry
from secciones.ports.sealer import Sealer
from secciones.ports.task_queue import TaskQueue
from secciones.services.batches import BATCHES, SEALS, from_document, load, seal_expiry
from secciones.services.dispatch import FIRST_SWEEP, dispatch_or_leave, save_in_outbox
from secciones.services.list_sections import StudentRow, student_rows
from secciones.services.pause import KEY as PAUSE
from secciones.services.pause import require_no_pause
from secciones.services.selections import COLLECTION as SELECTIONS
from secciones.services.selections import Choice, keep_choices
from secciones.services.sessions import Session

ALLOWANCES = "allowances"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ResetRules:
    """The institution's domain, the bounds of a batch and of a teacher's day."""

    domain: str
    batch_limit: int
    batches_per_day: int
    deadline: timedelta
    retention: timedelta


@dataclass(frozen=True)
class SectionSelection:
    """Students of one of the teacher's sections, in the order of the class list."""

    school: School
    section: Section
    rows: tuple[StudentRow, ...]


@dataclass(frozen=True)
class Selection:
    """Choices that the registry confirms. One that follows an earlier batch leaves out whoever has signed in since."""

    parts: tuple[SectionSelection, ...]
    follows: Batch | None = None

    @property
    def rows(self) -> tuple[StudentRow, ...]:
        """The students of all sections."""
        return tuple(row for part in self.parts for row in part.rows)


def select_students(
    registry: Registry,
    documents: Documents,
    session: Session,
    rules: ResetRules,
    *choices: Choice,
    follows: str = "",
) -> Selection:
    """Hold choices against the registry, so that what is confirmed and what is done cannot be made up; `follows` is the
    id of an earlier batch.

    Raises NothingSelected, TooManySelected, NotAssigned (a school, section or student that is not this teacher's),
    SectionClosed, RegistryUnavailable; BatchNotFound for an earlier batch that cannot be followed.
    """
    earlier = _followed(documents, session, follows) if follows else None
    if sum(len(choice.student_ids) for choice in choices) > rules.batch_limit:
        raise TooManySelected(rules.batch_limit)
    parts = [_selected(registry, session, rules, choice) for choice in choices if choice.student_ids]
    selection = Selection(_each_once([part for part in parts if part and part.rows]), earlier)
    if not selection.parts:
        raise NothingSelected
    return selection


def _selected(registry: Registry, session: Session, rules: ResetRules, choice: Choice) -> SectionSelection | None:
    try:
        roster = registry.roster(session.teacher_id, choice.section_id)
        if roster.school.id != choice.school_id:
            raise NotAssigned
        if not roster.section.is_open:
            raise SectionClosed
        rows = student_rows(roster, rules.domain)
        if not choice.is_kept and set(choice.student_ids) - {row.student_id for row in rows}:
            raise NotAssigned
    except (NotAssigned, SectionClosed):
        if choice.is_kept:
            return None
        raise
    chosen = tuple(row for row in rows if row.student_id in choice.student_ids)
    return SectionSelection(roster.school, roster.section, chosen)


def _each_once(parts: Sequence[SectionSelection]) -> tuple[SectionSelection, ...]:
    """A student of two sections counts in the first; an address that two students carry says nothing about either."""
    seen: set[str] = set()
    unique = []
    for part in parts:
        rows = tuple(row for row in part.rows if row.student_id not in seen)
        seen |= {row.student_id for row in rows}
        unique.append(replace(part, rows=rows))
    holders = Counter(row.address for part in unique for row in part.rows if row.problem is None)
    return tuple(
        replace(part, rows=tuple(_unless_shared(row, holders[row.address]) for row in part.rows))
        for part in unique
        if part.rows
    )


def _unless_shared(row: StudentRow, holders: int) -> StudentRow:
    return replace(row, problem=Outcome.SHARED_ADDRESS) if row.problem is None and holders > 1 else row


def all_choices(
    documents: Documents, clock: Clock, rules: ResetRules, session: Session, choices: Sequence[Choice]
) -> list[Choice]:
    """Choices together with what is ticked in other sections, among which they are kept from now on.

    Raises TooManyBatches when the teacher has no batch left today, so that nobody is asked to confirm in vain.
    """

    def work(transaction: Transaction) -> tuple[Choice, ...]:
        transaction.read_ahead((ALLOWANCES, session.actor), (SELECTIONS, session.actor))
        _counter_below_limit(transaction, clock.now(), rules, session.actor)
        return keep_choices(transaction, clock.now(), session, *choices)

    here = {choice.section_id for choice in choices}
    return [*choices, *(choice for choice in documents.transact(work) if choice.section_id not in here)]


def require_allowance(documents: Documents, clock: Clock, rules: ResetRules, session: Session) -> None:
    """The same as far as it raises."""
    _counter_below_limit(documents, clock.now(), rules, session.actor)


def request_reset(
    documents: Documents,
    queue: TaskQueue,
    sealer: Sealer,
    audit: AuditLog,
    clock: Clock,
    ids: Ids,
    rules: ResetRules,
    session: Session,
    selection: Selection,
    form_nonce: str,
) -> str:
    """Record the batch and hand it to the queue; returns its id. The same form again returns the same batch.

    Raises FormAlreadyUsed when the form made a batch of other students, TooManyBatches, ResetsPaused,
    SealerUnavailable, DocumentsUnavailable. A queue that does not answer is no error: the batch is in the outbox, and
    the sweeper brings it.
    """
    documents = documents.remembering()
    batch = _new_batch(clock, rules, session, selection, form_nonce)
    # Sealed before the transaction, since that may run again; a seal that is then not used opens nothing.
    recorded = _recorded(documents, rules, batch, sealer.seal(ids.seed(), batch.id))
    dispatch_or_leave(documents, queue, audit, recorded)
    return recorded.id


def repeated_submit(
    documents: Documents, session: Session, form_nonce: str, student_ids: Collection[str]
) -> str | None:
    """The batch that this form has already made, without asking anyone else; None when it has made none.

    Raises FormAlreadyUsed when it made a batch of other students.
    """
    try:
        batch = load(documents, _batch_id(session, form_nonce))
    except BatchNotFound:
        return None
    _require_same_choice(batch, student_ids)
    return batch.id


def own_batch(document: Document | None, session: Session) -> Batch:
    """The teacher's own batch; raises BatchNotFound alike for another's and for none."""
    if document is None or document["actor"] != session.actor:
        raise BatchNotFound
    return from_document(document)


def _new_batch(clock: Clock, rules: ResetRules, session: Session, selection: Selection, form_nonce: str) -> Batch:
    now = clock.now()
    return Batch(
        id=_batch_id(session, form_nonce),
        actor=session.actor,
        teacher_id=session.teacher_id,
        teacher_name=session.name,
        teacher_address=session.address,
        sections=tuple(_batch_section(part) for part in selection.parts),
        rows=tuple(_row(row, part.section.id) for part in selection.parts for row in part.rows),
        password_version=PASSWORD_VERSION,
        created_at=now,
        deadline=now + rules.deadline,
        expires_at=now + rules.retention,
        sweep_at=now + FIRST_SWEEP,
        spare_since=selection.follows.mailed_at if selection.follows else None,
    )


def _batch_id(session: Session, form_nonce: str) -> str:
    """The id follows from the teacher and the form, so that whoever repeats a submit repeats the same batch."""
    digest = hmac.new(form_nonce.encode(), b"batch\0" + session.actor.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def _batch_section(part: SectionSelection) -> BatchSection:
    return BatchSection(
        id=part.section.id,
        school_id=part.school.id,
        school_code=part.school.code,
        school_name=part.school.name,
        grade=part.section.grade,
        name=part.section.name,
        shift=part.section.shift,
    )


def _row(row: StudentRow, section_id: str) -> Row:
    return Row(
        student_id=row.student_id,
        section_id=section_id,
        nie=row.nie,
        name=row.name,
        address=row.address,
        outcome=row.problem or Outcome.PENDING,
    )


def _recorded(documents: Documents, rules: ResetRules, batch: Batch, sealed_seed: bytes) -> Batch:
    """The batch in the store, as it stands there when this form has already made it."""

    def work(transaction: Transaction) -> Batch:
        transaction.read_ahead((BATCHES, batch.id), PAUSE, (ALLOWANCES, batch.actor))
        try:
            known = load(transaction, batch.id)
        except BatchNotFound:
            require_no_pause(transaction)
            counter = _counter_below_limit(transaction, batch.created_at, rules, batch.actor)
            transaction.set(ALLOWANCES, batch.actor, counter | {"batches": counter["batches"] + 1})
            transaction.set(SEALS, batch.id, {"seed": sealed_seed, "expires_at": seal_expiry(batch)})
            save_in_outbox(transaction, batch, batch.created_at)
            # Here, since ticks that outlived their batch would go into the next one as well.
            transaction.delete(SELECTIONS, batch.actor)
            return batch
        _require_same_choice(known, {row.student_id for row in batch.rows})
        return known

    return documents.transact(work)


def _counter_below_limit(source: Documents | Transaction, now: datetime, rules: ResetRules, actor: str) -> Document:
    """How many batches the teacher began in the day that started with the first of them."""
    counter = source.get(ALLOWANCES, actor) or {"batches": 0, "expires_at": now + _DAY}
    if counter["batches"] >= rules.batches_per_day:
        raise TooManyBatches(rules.batches_per_day, counter["expires_at"])
    return counter


def _followed(documents: Documents, session: Session, batch_id: str) -> Batch:
    batch = own_batch(documents.get(BATCHES, batch_id), session)
    if not batch.was_delivered:
        raise BatchNotFound
    return batch


def _require_same_choice(stored: Batch, student_ids: Collection[str]) -> None:
    if {row.student_id for row in stored.rows} != set(student_ids):
        raise FormAlreadyUsed(stored.id)
