"""A person signs in with Google and turns out to be a teacher of the institution, or not."""

from dataclasses import dataclass

from secciones.domain.accounts import is_within
from secciones.domain.errors import NotATeacherAccount, SignInFailed, TwoStepRequired, WrongDomain
from secciones.ports.accounts import AccountDirectory
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.clock import Ids
from secciones.ports.sign_in import Identity, IdentityProvider, SignInAttempt
from secciones.services.sessions import Sessions


@dataclass(frozen=True)
class Institution:
    """Whose accounts may come in, and whether only those with 2-step verification."""

    domain: str
    teachers_org_unit: str
    requires_two_step: bool


def begin_sign_in(ids: Ids) -> SignInAttempt:
    """What Google's answer will have to match."""
    return SignInAttempt(state=ids.token(), nonce=ids.token(), code_verifier=ids.token())


def complete_sign_in(
    provider: IdentityProvider,
    directory: AccountDirectory,
    sessions: Sessions,
    audit: AuditLog,
    institution: Institution,
    code: str,
    attempt: SignInAttempt,
) -> str:
    """Open a session for the person whom Google's answer vouches for; returns the value of its cookie.

    Raises SignInFailed, WrongDomain, NotATeacherAccount, TwoStepRequired, SignInUnavailable, DirectoryUnavailable.
    """
    identity = provider.identify(code, attempt)
    try:
        _require_domain(identity, institution.domain)
    except WrongDomain:
        audit.record(AuditEvent("sign_in", "wrong_domain", account=identity.address))
        raise
    # Students share the domain: they are turned away here, before there is a form to try numbers in.
    account = directory.find(identity.address)
    if account is None or not is_within(account.org_unit, institution.teachers_org_unit):
        audit.record(AuditEvent("sign_in", "not_a_teacher", account=identity.address))
        raise NotATeacherAccount
    if institution.requires_two_step and not account.has_two_step:
        audit.record(AuditEvent("sign_in", "no_two_step", account=identity.address))
        raise TwoStepRequired
    cookie = sessions.open(identity.subject, identity.address, identity.name)
    audit.record(AuditEvent("sign_in", "signed_in", account=identity.address))
    return cookie


def _require_domain(identity: Identity, domain: str) -> None:
    # `hd` is Google's word that the account is managed by the domain; the address alone could be a consumer account.
    if identity.hosted_domain != domain or not identity.address.endswith(f"@{domain}"):
        raise WrongDomain
    if not identity.address_is_verified:
        raise SignInFailed("the address is not verified")
