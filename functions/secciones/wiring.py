"""The one place that chooses adapters. Every import of an adapter stands where it is used: a cold start pays for it."""

import functools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import secciones
from secciones import settings as s
from secciones.adapters.audit import DocumentsAuditLog
from secciones.adapters.system import SystemClock, SystemIds, fraction
from secciones.ports.audit import AuditLog
from secciones.ports.sealer import Sealer
from secciones.ports.task_queue import TaskQueue
from secciones.registries import importer, registry
from secciones.stores import audit_documents_of, documents_of, own_token

if TYPE_CHECKING:
    import jinja2

    from secciones.tasks.callers import Caller
    from secciones.web.page import Site

# What functions/stage.py lays beside the library.
_STAGED = Path(secciones.__file__).parent.parent

CLOCK = SystemClock()
IDS = SystemIds()


def site(settings: s.PageSettings) -> "Site":
    """What all pages of a function share."""
    from secciones.services.sessions import Sessions, SessionTimes
    from secciones.web.page import Site

    documents = documents_of(settings)
    return Site(
        templates=_page_templates(settings),
        sessions=Sessions(
            documents,
            CLOCK,
            IDS,
            settings.session_secret,
            SessionTimes(
                idle=timedelta(minutes=settings.session_idle_minutes),
                longest=timedelta(hours=settings.session_hours),
                recent=timedelta(minutes=settings.identity_minutes),
            ),
        ),
        audit=_audit(settings),
        clock=CLOCK,
        session_secret=settings.session_secret,
        origin=settings.public_url,
    )


def ports(settings: s.CommonSettings) -> Any:
    """What the handlers of a function work with, by the type of its settings."""
    return _PORTS[type(settings)](settings)


def caller(settings: s.CallerSettings) -> "Caller":
    """Who may call a background function."""
    from secciones.adapters.google_oidc import OidcCallerVerifier
    from secciones.tasks.callers import Caller

    audience, service_account = _caller_claims(settings)
    audit = None if isinstance(settings, s.AuditorSettings) else _audit(settings)  # the auditor only reads
    verifier = OidcCallerVerifier(settings.caller_issuer, takes_checked=settings.caller_signatures == "removed")
    return Caller(verifier, audience, service_account, audit, CLOCK)


def _caller_claims(settings: s.CallerSettings) -> tuple[str, str]:
    match settings:
        case s.WorkerSettings():
            return settings.worker_url, settings.tasks_service_account
        case s.SweeperSettings():
            return settings.sweeper_url, settings.scheduler_service_account
        case s.MirrorSettings():
            return settings.mirror_url, settings.scheduler_service_account
        case s.AuditorSettings():
            return settings.auditor_url, settings.scheduler_service_account
        case s.OperateSettings():
            return settings.operate_url, settings.operators_service_account
        case s.ImporterSettings():
            return settings.importer_url, settings.scheduler_service_account
        case _:
            raise TypeError(f"{type(settings).__name__} is not of a background function")


def _login(settings: s.LoginSettings) -> Any:
    from secciones import delegation
    from secciones.adapters.google_oidc import GoogleIdentityProvider
    from secciones.services.sign_in import Institution
    from secciones.web.pages.login import LoginPorts

    return LoginPorts(
        provider=GoogleIdentityProvider(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret,
            f"{settings.public_url}/secciones/oauth2/callback",
            settings.workspace_domain,
        ),
        directory=delegation.sign_in_accounts(settings),
        ids=IDS,
        institution=Institution(settings.workspace_domain, settings.teachers_org_unit, settings.require_two_step),
    )


def _verify(settings: s.VerifySettings) -> Any:
    from secciones.services.verify_identity import VerificationRules
    from secciones.web.pages.verify import VerifyPorts

    return VerifyPorts(
        registry=registry(settings, documents_of(settings), settings.registry_secret),
        documents=documents_of(settings),
        clock=CLOCK,
        rules=VerificationRules(
            settings.workspace_domain,
            settings.pseudonym_secret,
            settings.account_failures_per_six_hours,
            settings.dui_failures_per_hour,
            settings.dui_failures_per_day,
            settings.dui_failures_until_unlocked,
            settings.address_failures_per_hour,
            settings.all_failures_per_hour,
        ),
        forwarded_for_position=settings.forwarded_for_position,
    )


def _sections(settings: s.SectionsSettings) -> Any:
    from secciones.web.pages.sections import SectionsPorts

    documents = documents_of(settings)
    return SectionsPorts(
        registry(settings, documents),
        documents,
        CLOCK,
        IDS,
        _look(settings),
        settings.workspace_domain,
        settings.batch_limit,
    )


def _look(settings: s.SectionsSettings) -> Callable[..., Any]:
    """Made when a section is first opened: what it imports is more than all other pages need."""

    @functools.cache
    def look() -> Callable[..., Any]:
        from secciones import delegation

        return delegation.live_look(settings, documents_of(settings), CLOCK)

    return lambda rows: look()(rows)


def _reset(settings: s.ResetSettings) -> Any:
    from secciones.services.request_reset import ResetRules
    from secciones.web.pages.reset import ResetPorts

    return ResetPorts(
        registry=registry(settings, documents_of(settings)),
        documents=documents_of(settings),
        queue=_queue(settings),
        sealer=_sealer(settings),
        clock=CLOCK,
        ids=IDS,
        rules=ResetRules(
            settings.workspace_domain,
            settings.batch_limit,
            settings.batches_per_day,
            timedelta(minutes=settings.batch_deadline_minutes),
            timedelta(days=settings.batch_retention_days),
        ),
    )


def _worker(settings: s.WorkerSettings) -> Any:
    from secciones import delegation
    from secciones.services.claims import ResetWaits
    from secciones.services.run_batch import Worker

    directory, passwords = delegation.accounts_and_passwords(settings)
    return Worker(
        documents=documents_of(settings),
        directory=directory,
        listing=directory,
        passwords=passwords,
        opener=_opener(settings),
        render=_mail_renderer(settings),
        mailer=delegation.mailer(settings),
        audit=_audit(settings),
        clock=CLOCK,
        students_org_unit=settings.students_org_unit,
        waits=ResetWaits(
            after_colleague=timedelta(hours=settings.colleague_reset_hours),
            after_own=timedelta(hours=settings.own_reset_hours),
        ),
        lease=timedelta(seconds=settings.lease_seconds),
    )


def _sweeper(settings: s.SweeperSettings) -> Any:
    from secciones.tasks.sweep_task import Sweeper

    return Sweeper(documents_of(settings), _queue(settings), _audit(settings), CLOCK, audit_documents_of(settings))


def _mirror(settings: s.MirrorSettings) -> Any:
    from secciones import delegation
    from secciones.tasks.mirror_task import Mirror

    every = timedelta(minutes=settings.mirror_minutes)
    return Mirror(documents_of(settings), delegation.listing(settings), CLOCK, settings.students_org_unit, every)


def _auditor(settings: s.AuditorSettings) -> Any:
    from secciones.tasks.audit_task import Auditor

    return Auditor(audit_documents_of(settings), CLOCK, settings.audited_days)


def _operate(settings: s.OperateSettings) -> Any:
    from secciones.tasks.operate_task import Desk

    return Desk(documents_of(settings), _queue(settings), _audit(settings), CLOCK, settings.pseudonym_secret)


def _importer(settings: s.ImporterSettings) -> Any:
    from secciones.adapters.cloud_storage import SCOPE

    return importer(settings, documents_of(settings), _audit(settings), _own_credentials(SCOPE))


_PORTS: dict[type[s.CommonSettings], Callable[[Any], Any]] = {
    s.LoginSettings: _login,
    s.VerifySettings: _verify,
    s.SectionsSettings: _sections,
    s.ResetSettings: _reset,
    s.WorkerSettings: _worker,
    s.SweeperSettings: _sweeper,
    s.MirrorSettings: _mirror,
    s.AuditorSettings: _auditor,
    s.OperateSettings: _operate,
    s.ImporterSettings: _importer,
}


def _audit(settings: s.CommonSettings) -> AuditLog:
    return DocumentsAuditLog(audit_documents_of(settings), CLOCK, IDS, timedelta(days=settings.audit_retention_days))


def _queue(settings: s.QueueSettings) -> TaskQueue:
    from secciones.adapters.cloud_tasks import CloudTasksQueue
    from secciones.adapters.google_credentials import CLOUD_PLATFORM

    return CloudTasksQueue(
        _own_credentials(CLOUD_PLATFORM),
        settings.cloud_tasks_endpoint,
        settings.tasks_queue,
        settings.worker_url,
        settings.tasks_service_account,
    )


def _sealer(settings: s.SealSettings) -> Sealer:
    from secciones.adapters.kms import SCOPE, KmsSealer

    return KmsSealer(own_token(settings, SCOPE), settings.kms_api_endpoint, settings.seal_key, random=fraction)


def _opener(settings: s.SealSettings) -> Any:
    from secciones.adapters.kms import SCOPE, KmsOpener

    return KmsOpener(own_token(settings, SCOPE), settings.kms_api_endpoint, settings.seal_key, random=fraction)


def _own_credentials(scope: str) -> Callable[[], Any]:
    """What Google's own clients take in place of a token."""
    from secciones.adapters.google_credentials import application_credentials

    return functools.partial(application_credentials, [scope])


def _page_templates(settings: s.PageSettings) -> "jinja2.Environment":
    from secciones.templates import page_environment

    names: dict[str, str] = json.loads((_STAGED / "static.json").read_text())
    return page_environment(
        _STAGED / "templates",
        lambda name: f"/secciones/static/{names[name]}",
        settings.institution_name,
        settings.workspace_domain,
        settings.support_contact,
    )


def _mail_renderer(settings: s.WorkerSettings) -> Any:
    from secciones.mail.message import mail_renderer
    from secciones.templates import template_environment

    environment = template_environment(_STAGED / "templates")
    domain = settings.mail_sender.rpartition("@")[2]
    return mail_renderer(environment, settings.institution_name, domain, settings.sign_in_url, settings.support_contact)
