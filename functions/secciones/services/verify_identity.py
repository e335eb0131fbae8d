"""A signed-in person proves with DUI and NIP that they are the teacher whom the registry knows."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from secciones.domain.accounts import is_address_of
from secciones.domain.errors import IdentityRefused, RegistryUnavailable, TooManyAttempts
from secciones.domain.people import Dui, Nip, Teacher
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents, Transaction
from secciones.ports.registry import Registry
from secciones.services.attempts import Limit, count_attempt, forgive_attempt
from secciones.services.sessions import Session, Sessions

COLLECTION = "teachers"
# A binding outlives a school year's holidays and is renewed with every verification.
_BINDING_LIFETIME = timedelta(days=400)
# Longer than any refusal takes by itself, so that its time does not tell which of the reasons it had.
_REFUSAL_TAKES = timedelta(seconds=1)


@dataclass(frozen=True)
class VerificationRules:
    """The institution's domain, the key of pseudonyms and the limits on guessing."""

    domain: str
    pseudonym_secret: str
    account_failures_per_six_hours: int
    dui_failures_per_hour: int
    dui_failures_per_day: int


def verify_identity(
    registry: Registry,
    documents: Documents,
    sessions: Sessions,
    audit: AuditLog,
    clock: Clock,
    rules: VerificationRules,
    session: Session,
    dui: Dui,
    nip: Nip,
) -> str:
    """Raise the session to VERIFIED; returns the value of its new cookie.

    Raises IdentityRefused alike for every reason (the audit alone knows which), TooManyAttempts, RegistryUnavailable.
    """
    started = clock.now()
    actor = pseudonym(dui, rules.pseudonym_secret)
    limits = _limits(documents, rules, session, actor)
    try:
        count_attempt(documents, clock, limits)
    except TooManyAttempts:
        audit.record(AuditEvent("verification", "too_many_attempts", actor=actor, account=session.address))
        raise
    try:
        teacher = registry.verify_teacher(dui, nip)
    except RegistryUnavailable:
        forgive_attempt(documents, limits)
        raise
    refused_because = _refusal(documents, clock, rules.domain, teacher, session, actor)
    if teacher is None or refused_because:
        audit.record(AuditEvent("verification", refused_because, actor=actor, account=session.address))
        clock.sleep(min(_REFUSAL_TAKES, started + _REFUSAL_TAKES - clock.now()).total_seconds())
        raise IdentityRefused
    forgive_attempt(documents, limits)
    audit.record(AuditEvent("verification", "verified", actor=actor, account=session.address))
    return sessions.verified(session, teacher.id, actor, teacher.name)


def pseudonym(dui: Dui, secret: str) -> str:
    """What stands for a person in state and audit: a keyed hash, since all DUIs could be tried in minutes."""
    return hmac.new(secret.encode(), b"dui\0" + dui.digits.encode(), hashlib.sha256).hexdigest()[:32]


def _limits(documents: Documents, rules: VerificationRules, session: Session, actor: str) -> list[Limit]:
    account = Limit(f"account-{session.subject}", rules.account_failures_per_six_hours, timedelta(hours=6))
    bound = documents.get(COLLECTION, f"person-{actor}")
    if bound and bound["subject"] == session.subject:
        # Strangers who guess at a DUI must not lock out the teacher whom it belongs to.
        return [account]
    return [
        account,
        Limit(f"dui-hour-{actor}", rules.dui_failures_per_hour, timedelta(hours=1)),
        Limit(f"dui-day-{actor}", rules.dui_failures_per_day, timedelta(days=1)),
    ]


def _refusal(
    documents: Documents, clock: Clock, domain: str, teacher: Teacher | None, session: Session, actor: str
) -> str:
    """Why the person is refused, for the audit; empty when they are not, and then the binding stands."""
    if teacher is None:
        return "unknown_numbers"
    if teacher.address and is_address_of(teacher.address, domain) and teacher.address != session.address:
        return "other_account_in_registry"
    if not _bind(documents, clock, session.subject, actor):
        return "bound_elsewhere"
    return ""


def _bind(documents: Documents, clock: Clock, subject: str, actor: str) -> bool:
    """Tie person and account to one another, unless either is tied to someone else. Of many at once one succeeds."""

    def work(transaction: Transaction) -> bool:
        person = transaction.get(COLLECTION, f"person-{actor}")
        account = transaction.get(COLLECTION, f"account-{subject}")
        if (person and person["subject"] != subject) or (account and account["actor"] != actor):
            return False
        binding = {"subject": subject, "actor": actor, "expires_at": clock.now() + _BINDING_LIFETIME}
        transaction.set(COLLECTION, f"person-{actor}", binding)
        transaction.set(COLLECTION, f"account-{subject}", binding)
        return True

    return documents.transact(work)
