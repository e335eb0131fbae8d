"""What the audit is told of a batch. The keys make each of these one event however often a worker comes to it."""

from collections.abc import Mapping

from secciones.domain.batches import Batch
from secciones.ports.audit import AuditEvent, AuditValue


def submit_event(batch: Batch) -> AuditEvent:
    """A teacher's *Procesar* was recorded."""
    return _event(batch, "submit", "accepted", {"students": len(batch.rows)})


def outcomes_event(batch: Batch) -> AuditEvent:
    """What became of every account of the batch; recorded once nothing is changed any more."""
    accounts = [{"student": row.student_id, "account": row.address, "outcome": row.outcome.value} for row in batch.rows]
    return _event(batch, "accounts", "complete" if batch.is_complete else "partial", {"accounts": accounts})


def mail_event(batch: Batch) -> AuditEvent:
    """The mail was accepted, so many seconds after the submit, or will never be."""
    took = {"seconds": int((batch.mailed_at - batch.created_at).total_seconds())} if batch.mailed_at else None
    return _event(batch, "mail", batch.mail_failure or "accepted", took)


def resend_event(batch: Batch, number: int) -> AuditEvent:
    """The teacher asked for the mail again."""
    return _event(batch, "resend", "accepted", {"number": number}, number)


def resent_event(batch: Batch, failure: str) -> AuditEvent:
    """The mail was accepted again, or will not be."""
    return _event(batch, "resent", failure or "accepted", {"number": batch.resends}, batch.resends)


def _event(
    batch: Batch, kind: str, outcome: str, details: Mapping[str, AuditValue] | None = None, number: int = 0
) -> AuditEvent:
    return AuditEvent(
        kind,
        outcome,
        batch.actor,
        batch.teacher_address,
        school=",".join(sorted({section.school_code for section in batch.sections})),
        section=",".join(section.id for section in batch.sections),
        batch=batch.id,
        key=f"{batch.id}-{kind}-{number}" if number else f"{batch.id}-{kind}",
        details=details or {},
    )
