"""A signed-in person proves with DUI and NIP that they are the teacher whom the registry knows."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from secciones.domain.accounts import is_address_of
from secciones.domain.errors import IdentityRefused, RegistryUnavailable, TooManyAttempts
from secciones.domain.people import Dui, Nip, Teacher
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents, Transaction
from secciones.ports.registry import Registry
from secciones.services.attempts import (
    Limit,
    UsedUp,
    count_attempt,
    counters_of,
    forgive_attempt,
    require_none_used_up,
    share,
)
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
    started, documents = clock.now(), documents.remembering()
    actor = pseudonym(dui, rules.pseudonym_secret)
    limits, used_up = _count(documents, clock, rules, session, actor, client_address)
    try:
        require_none_used_up(used_up)
    except TooManyAttempts:
        audit.record(AuditEvent("verification", "too_many_attempts", actor=actor, account=session.address))
        raise
    try:
        teacher = registry.verify_teacher(dui, nip)
    except RegistryUnavailable:
        documents.transact(lambda transaction: forgive_attempt(transaction, clock.now(), limits))
        raise
    refused_because, cookie = _refusal(teacher, rules.domain, session), ""
    if teacher and not refused_because:
        cookie = _raise(documents, sessions, clock, limits, session, teacher, actor)
        refused_because = "" if cookie else "bound_elsewhere"
    if refused_because:
        audit.record(AuditEvent("verification", refused_because, actor=actor, account=session.address))
        clock.sleep(min(_REFUSAL_TAKES, started + _REFUSAL_TAKES - clock.now()).total_seconds())
        raise IdentityRefused
    # Before anybody has the cookie.
    audit.record(AuditEvent("verification", "verified", actor=actor, account=session.address))
    return cookie


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


def _count(
    documents: Documents, clock: Clock, rules: VerificationRules, session: Session, actor: str, client_address: str
) -> tuple[list[Limit], list[UsedUp]]:
    """Count the attempt; returns by which limits, and which of them were used up before."""
    account = Limit(account_counter(session.subject), rules.account_failures_per_six_hours, timedelta(hours=6))
    of_strangers = _limits_of_strangers(rules, session, actor, client_address)

    def work(transaction: Transaction) -> tuple[list[Limit], list[UsedUp]]:
        bindings = ((COLLECTION, key) for key in (person_key(actor), account_key(session.subject)))
        transaction.read_ahead(*bindings, *counters_of([account, *of_strangers]))
        bound = binding_of_person(transaction, actor)
        # Strangers who guess at a DUI, or at many, must not lock out the teacher whom it belongs to.
        is_known = bound is not None and bound["subject"] == session.subject
        limits = [account] if is_known else [account, *of_strangers]
        return limits, count_attempt(transaction, clock.now(), limits)

    return documents.transact(work)


def _limits_of_strangers(rules: VerificationRules, session: Session, actor: str, client_address: str) -> list[Limit]:
    address = _keyed_hash("address", client_address, rules.pseudonym_secret)
    return [
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


def _refusal(teacher: Teacher | None, domain: str, session: Session) -> str:
    """Why what the registry says is not enough, for the audit; empty when it is."""
    if teacher is None:
        return "unknown_numbers"
    if teacher.address and is_address_of(teacher.address, domain) and teacher.address != session.address:
        return "other_account_in_registry"
    return ""


def _raise(
    documents: Documents,
    sessions: Sessions,
    clock: Clock,
    limits: Collection[Limit],
    session: Session,
    teacher: Teacher,
    actor: str,
) -> str:
    """Tie person and account to one another, unless either is tied to someone else, and raise the session; returns its
    new cookie, or nothing. Of many at once one succeeds."""
    keys = person_key(actor), account_key(session.subject)

    def work(transaction: Transaction) -> str:
        transaction.read_ahead(*((COLLECTION, key) for key in keys), *counters_of(limits))
        person, account = (transaction.get(COLLECTION, key) for key in keys)
        if (person and person["subject"] != session.subject) or (account and account["actor"] != actor):
            return ""
        forgive_attempt(transaction, clock.now(), limits)
        binding = {"subject": session.subject, "actor": actor, "expires_at": clock.now() + _BINDING_LIFETIME}
        for key in keys:
            transaction.set(COLLECTION, key, binding)
        return sessions.verified(transaction, session, teacher.id, actor, teacher.name)

    return documents.transact(work)
