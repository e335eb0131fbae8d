"""The part of the wiring that acts on behalf of others: of the Directory's administrator, and of the mail's sender."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from secciones import settings as s
from secciones.adapters.directory import (
    ACCOUNTS_SCOPE,
    PASSWORDS_SCOPE,
    DirectoryAccounts,
    DirectoryGlance,
    DirectoryPasswords,
)
from secciones.adapters.pace import Pace
from secciones.adapters.system import fraction
from secciones.domain import quota

if TYPE_CHECKING:
    from secciones.ports.clock import Clock
    from secciones.ports.documents import Documents
    from secciones.ports.mailer import Mailer
    from secciones.services.live_look import LiveLook


def sign_in_accounts(settings: s.LoginSettings) -> DirectoryAccounts:
    """Looks at whoever signs in."""
    # Workers give way when Google grants less: nobody who signs in is to wait behind batches.
    share = settings.directory_queries_per_minute * quota.SIGN_IN_SHARE
    return _accounts(settings, Pace(share, quota.SIGN_IN_BURST, gives_way=False))


def listing(settings: s.MirrorSettings) -> DirectoryAccounts:
    """Lists all accounts, slowly."""
    return _accounts(settings, Pace(settings.directory_queries_per_minute * quota.MIRROR_SHARE))


def accounts_and_passwords(settings: s.WorkerSettings) -> tuple[DirectoryAccounts, DirectoryPasswords]:
    """What the worker looks up and changes accounts with, at one pace: both count against the same quota."""
    share = quota.worker_pace(settings.directory_queries_per_minute, settings.worker_concurrency)
    pace = Pace(share, quota.WORKER_BURST)
    administrator = _administrator(settings, PASSWORDS_SCOPE)
    passwords = DirectoryPasswords(administrator, settings.directory_api_endpoint, pace, random=fraction)
    return _accounts(settings, pace), passwords


def live_look(settings: s.SectionsSettings, documents: "Documents", clock: "Clock") -> "LiveLook":
    """What looks at the accounts of a section that is opened."""
    from secciones.services.live_look import LiveLook

    share = quota.looks_pace(settings.directory_queries_per_minute, settings.page_instances)
    glance = DirectoryGlance(
        _administrator(settings, ACCOUNTS_SCOPE),
        settings.directory_api_endpoint,
        Pace(share, max(1, int(share))),
        random=fraction,
    )
    busy = quota.busy(settings.directory_queries_per_minute)
    return LiveLook(documents, clock, glance, settings.students_org_unit, busy)


def mailer(settings: s.WorkerSettings) -> "Mailer":
    """Sends as the service's own address."""
    from secciones.adapters.gmail import SCOPE, GmailMailer

    return GmailMailer(
        _delegated(settings.mail_service_account, settings.mail_sender, SCOPE, settings.token_endpoint),
        settings.gmail_api_endpoint,
        settings.mail_sender,
        settings.institution_name,
        random=fraction,
    )


def _accounts(settings: s.DirectorySettings, pace: Pace) -> DirectoryAccounts:
    administrator = _administrator(settings, ACCOUNTS_SCOPE)
    return DirectoryAccounts(administrator, settings.directory_api_endpoint, pace, random=fraction)


def _administrator(settings: s.DirectorySettings, scope: str) -> Callable[[], Any]:
    return _delegated(settings.directory_service_account, settings.delegated_admin, scope, settings.token_endpoint)


def _delegated(service_account: str, subject: str, scope: str, token_endpoint: str) -> Callable[[], Any]:
    """Made by whoever needs them first: what they import is a third of a cold start."""
    from secciones.adapters.google_credentials import delegated_credentials

    return functools.partial(delegated_credentials, service_account, subject, [scope], token_endpoint)
