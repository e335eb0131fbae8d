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
from secciones.ports.documents import Document, Documents, Transaction
from secciones.ports.registry import Registry
from secciones.services.attempts import Limit, count_attempt, forgive_attempt, share
from secciones.services.sessions import Session, Sessions

COLLECTION = "teachers"
# A binding outlives a school year's holidays and is renewed with every verification.
_BINDING_LIFETIME = timedelta(days=400)
# Longer than any refusal takes by itself, so that its time does not tell which of the reasons it had.
_REFUSAL_TAKES = timedelta(seconds=1)
# How long a DUI's wrong numbers are remembered after the last of them, and by how many counters the limits that many
# accounts share are kept: Firestore takes about one write a second to a document.
_GUESSES_REMEMBERED = timedelta(days=400)
_ADDRESS_SHARDS = 4
_BRAKE_SHARDS = 64


@dataclass(frozen=True)
class VerificationRules:
    """The institution's domain, the key of pseudonyms and the limits on wrong numbers: of one account, at one DUI, from
    one network address (loose, since a school shares one), and of everybody together (the brake)."""

    domain: str
    pseudonym_secret: str
    account_failures_per_six_hours: int
    dui_failures_per_hour: int
    dui_failures_per_day: int
    dui_failures_until_unlocked: int
    address_failures_per_hour: int
    all_failures_per_hour: int


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
    client_address: str,
) -> str:
    """Raise the session to VERIFIED; returns the value of its new cookie.

    Raises IdentityRefused alike for every reason (the audit alone knows which), TooManyAttempts, RegistryUnavailable.
    """
    started = clock.now()
    actor = pseudonym(dui, rules.pseudonym_secret)
    limits = _limits(documents, rules, session, actor, client_address)
    try:
        count_attempt(documents, clock, limits)
    except TooManyAttempts:
        audit.record(AuditEvent("verification", "too_many_attempts", actor=actor, account=session.address))
        raise
    try:
        teacher = registry.verify_teacher(dui, nip)
    except RegistryUnavailable:
        forgive_attempt(documents, clock, limits)
        raise
    refused_because = _refusal(documents, clock, rules.domain, teacher, session, actor)
    if teacher is None or refused_because:
        audit.record(AuditEvent("verification", refused_because, actor=actor, account=session.address))
        clock.sleep(min(_REFUSAL_TAKES, started + _REFUSAL_TAKES - clock.now()).total_seconds())
        raise IdentityRefused
    forgive_attempt(documents, clock, limits)
    audit.record(AuditEvent("verification", "verified", actor=actor, account=session.address))
    return sessions.verified(session, teacher.id, actor, teacher.name)


def pseudonym(dui: Dui, secret: str) -> str:
    """What stands for a person in state and audit: a keyed hash, since all DUIs could be tried in minutes."""
    return _keyed_hash("dui", dui.digits, secret)


def person_key(actor: str) -> str:
    """The document that says which account a person is tied to."""
    return f"person-{actor}"


def account_key(subject: str) -> str:
    """The document that says which person an account is tied to."""
    return f"account-{subject}"


def binding_of_person(source: Documents | Transaction, actor: str) -> Document | None:
    """The tie between a person and an account, if there is one: `actor` and `subject`."""
    return source.get(COLLECTION, person_key(actor))


def dui_counters(actor: str) -> dict[str, str]:
    """The counters of attempts at one DUI, by how long each remembers."""
    return {name: f"dui-{name}-{actor}" for name in ("hour", "day", "total")}


def account_counter(subject: str) -> str:
    """The counter of an account's attempts."""
    return f"account-{subject}"


def _keyed_hash(kind: str, value: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]


def _limits(
    documents: Documents, rules: VerificationRules, session: Session, actor: str, client_address: str
) -> list[Limit]:
    account = Limit(account_counter(session.subject), rules.account_failures_per_six_hours, timedelta(hours=6))
    bound = binding_of_person(documents, actor)
    if bound and bound["subject"] == session.subject:
        # Strangers who guess at a DUI, or at many, must not lock out the teacher whom it belongs to.
        return [account]
    address = _keyed_hash("address", client_address, rules.pseudonym_secret)
    return [
        account,
        *_limits_of_dui(rules, actor),
        share(
            Limit(f"address-{address}", rules.address_failures_per_hour, timedelta(hours=1)),
            session.subject,
            _ADDRESS_SHARDS,
        ),
        share(
            Limit(
                "all",
                rules.all_failures_per_hour,
                timedelta(hours=1),
                alert="so many wrong numbers that someone must be guessing: look in the audit which accounts these are",
            ),
            session.subject,
            _BRAKE_SHARDS,
        ),
    ]


def _limits_of_dui(rules: VerificationRules, actor: str) -> list[Limit]:
    counters = dui_counters(actor)
    return [
        Limit(counters["hour"], rules.dui_failures_per_hour, timedelta(hours=1)),
        Limit(counters["day"], rules.dui_failures_per_day, timedelta(days=1)),
        Limit(
            counters["total"],
            rules.dui_failures_until_unlocked,
            _GUESSES_REMEMBERED,
            until_unlocked=True,
            alert="a DUI is guessed at and locked: speak with the teacher whom it belongs to, then unlock it",
        ),
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
        found = transaction.get_many(COLLECTION, {person_key(actor), account_key(subject)})
        person, account = found.get(person_key(actor)), found.get(account_key(subject))
        if (person and person["subject"] != subject) or (account and account["actor"] != actor):
            return False
        binding = {"subject": subject, "actor": actor, "expires_at": clock.now() + _BINDING_LIFETIME}
        transaction.set(COLLECTION, person_key(actor), binding)
        transaction.set(COLLECTION, account_key(subject), binding)
        return True

    return documents.transact(work)
