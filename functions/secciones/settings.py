"""Settings: one frozen dataclass a function, read from the environment here and nowhere else."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, dataclass_transform

from secciones import setting_values as values

S = TypeVar("S", bound="CommonSettings")
T = TypeVar("T")


class SettingsError(Exception):
    """Everything that is missing or wrong, a line each, by the names of the environment's variables."""


def _setting(read: Callable[[str], Any], default: str | None = None, *, needless_with: str = "") -> Any:
    """A field that `read` makes of the variable's text; ValueError's message says what is wrong with it.

    With `needless_with` for REGISTRY, it may be missing and is then empty.
    """
    return dataclasses.field(metadata={"read": read, "default": default, "needless_with": needless_with})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(_setting,))
def _dataclass_once_needed(settings: type[T]) -> type[T]:
    """A frozen dataclass, which `fields` makes of it: a function needs one of these, and to make them all would take a
    third of the time in which a start imports what is ours."""
    return settings


def fields(settings: "type[CommonSettings]") -> tuple[dataclasses.Field[Any], ...]:
    """The settings of a function."""
    for one in reversed(settings.__mro__[:-1]):
        if "__dataclass_fields__" not in vars(one):
            dataclasses.dataclass(frozen=True, kw_only=True, repr=False, eq=False)(one)
    return dataclasses.fields(settings)


@_dataclass_once_needed
class CommonSettings:
    """What every function needs. Its own account is the machine's, whose token the metadata server has, or where
    `google_application_credentials` names a file, the one whose key is in it."""

    google_cloud_project: str = _setting(values.text)
    google_application_credentials: str = _setting(values.text, "")
    gce_metadata_host: str = _setting(values.metadata, "metadata.google.internal")
    store: str = _setting(values.store, "firestore")
    firestore_emulator_host: str = _setting(values.emulator, "")
    firestore_database: str = _setting(values.text, "(default)")
    audit_database: str = _setting(values.text, "audit")
    audit_retention_days: int = _setting(values.count, "730")


@_dataclass_once_needed
class PageSettings(CommonSettings):
    """What every function with pages needs. A session ends when it is idle so long and at the latest so many hours
    after the sign-in; *Procesar* demands DUI and NIP no older than `identity_minutes`. `support_contact` says in one
    line how teachers reach the support; without it pages name the support alone."""

    public_url: str = _setting(values.url)
    workspace_domain: str = _setting(values.domain, "clases.edu.sv")
    institution_name: str = _setting(values.text, "Ministerio de Educación")
    support_contact: str = _setting(values.text, "")
    session_secret: str = _setting(values.secret)
    session_idle_minutes: int = _setting(values.count, "15")
    session_hours: int = _setting(values.count, "8")
    identity_minutes: int = _setting(values.count, "20")


@_dataclass_once_needed
class RegistrySettings(CommonSettings):
    """Which registry is asked: SIGES, what was imported, or that only when SIGES does not answer; and how to reach
    SIGES."""

    registry: str = _setting(values.one_of("siges", "oneroster", "siges-then-oneroster"), "siges")
    siges_url: str = _setting(values.url, needless_with="oneroster")
    siges_token: str = _setting(values.secret, needless_with="oneroster")


@_dataclass_once_needed
class DirectorySettings(CommonSettings):
    """Where the Directory is, for whom its calls are made, and how many a minute Google allows this administrator."""

    directory_api_endpoint: str = _setting(values.url, "https://admin.googleapis.com")
    token_endpoint: str = _setting(values.url, "https://oauth2.googleapis.com/token")
    directory_service_account: str = _setting(values.address)
    delegated_admin: str = _setting(values.address)
    directory_queries_per_minute: int = _setting(values.count, "2400")


@_dataclass_once_needed
class SealSettings(CommonSettings):
    """The key that seals the seeds of batches."""

    kms_api_endpoint: str = _setting(values.url, "https://cloudkms.googleapis.com")
    seal_key: str = _setting(values.text)


@_dataclass_once_needed
class QueueSettings(CommonSettings):
    """The queue of batches and the worker that it calls."""

    cloud_tasks_endpoint: str = _setting(values.url, "https://cloudtasks.googleapis.com")
    tasks_queue: str = _setting(values.text)
    worker_url: str = _setting(values.url)
    tasks_service_account: str = _setting(values.address)


@_dataclass_once_needed
class CallerSettings(CommonSettings):
    """Who issues the tokens with which the platform calls a background function, and whether Cloud Run takes their
    signatures off: where the platform sends one token alone, as Cloud Tasks and Cloud Scheduler do, it does."""

    caller_issuer: str = _setting(values.url, "https://accounts.google.com")
    caller_signatures: str = _setting(values.one_of("kept", "removed"), "kept")


@_dataclass_once_needed
class LoginSettings(PageSettings, DirectorySettings):
    """Settings of the function `login`. With `require_two_step` only accounts with 2-step verification come in."""

    oidc_issuer: str = _setting(values.url, "https://accounts.google.com")
    oidc_client_id: str = _setting(values.text)
    oidc_client_secret: str = _setting(values.text)
    teachers_org_unit: str = _setting(values.org_unit, "/Docentes")
    require_two_step: bool = _setting(values.switch, "false")


@_dataclass_once_needed
class VerifySettings(PageSettings, RegistrySettings):
    """Settings of the function `verify`. `forwarded_for_position` says which entry of X-Forwarded-For, counted from the
    end, is the client's: Google's load balancer appends two (the client's and its own), Cloud Run alone one."""

    pseudonym_secret: str = _setting(values.secret)
    registry_secret: str = _setting(values.secret, needless_with="siges")
    account_failures_per_six_hours: int = _setting(values.count, "5")
    dui_failures_per_hour: int = _setting(values.count, "5")
    dui_failures_per_day: int = _setting(values.count, "20")
    dui_failures_until_unlocked: int = _setting(values.count, "100")
    address_failures_per_hour: int = _setting(values.count, "60")
    all_failures_per_hour: int = _setting(values.count, "3000")
    forwarded_for_position: int = _setting(values.count, "2")


@_dataclass_once_needed
class SectionsSettings(PageSettings, RegistrySettings, DirectorySettings):
    """Settings of the function `sections`. `page_instances` is how many instances of it there may be: each may look at
    accounts with that part of what all of them may."""

    batch_limit: int = _setting(values.count, "200")
    students_org_unit: str = _setting(values.org_unit, "/Estudiantes")
    page_instances: int = _setting(values.count, "40")


@_dataclass_once_needed
class ResetSettings(PageSettings, RegistrySettings, SealSettings, QueueSettings):
    """Settings of the function `reset`. `batches_per_day` is how many one teacher may begin in 24 hours."""

    batch_limit: int = _setting(values.count, "200")
    batches_per_day: int = _setting(values.count, "3")
    batch_deadline_minutes: int = _setting(values.count, "60")
    batch_retention_days: int = _setting(values.count, "30")


@_dataclass_once_needed
class WorkerSettings(DirectorySettings, SealSettings, CallerSettings):
    """Settings of the function `worker`. `worker_concurrency` is how many batches the queue runs at a time: each
    worker takes that share of the Directory's quota. `lease_seconds` is how long a worker that says nothing is
    taken for alive; it must be longer than its slowest group of accounts. A student whose password was reset is left
    alone for so many hours, a day at most, by other teachers, and by the same one; with 0 only while the other batch
    runs. Students sign in at `sign_in_url`, which slips name and their codes open."""

    worker_url: str = _setting(values.url)
    tasks_service_account: str = _setting(values.address)
    worker_concurrency: int = _setting(values.count, "4")
    lease_seconds: int = _setting(values.count, "120")
    colleague_reset_hours: int = _setting(values.hours, "24")
    own_reset_hours: int = _setting(values.hours, "24")
    gmail_api_endpoint: str = _setting(values.url, "https://gmail.googleapis.com")
    mail_service_account: str = _setting(values.address)
    mail_sender: str = _setting(values.address)
    students_org_unit: str = _setting(values.org_unit, "/Estudiantes")
    institution_name: str = _setting(values.text, "Ministerio de Educación")
    support_contact: str = _setting(values.text, "")
    public_url: str = _setting(values.url)
    sign_in_url: str = _setting(values.url, "https://accounts.google.com")


@_dataclass_once_needed
class SweeperSettings(QueueSettings, CallerSettings):
    """Settings of the function `sweeper`."""

    sweeper_url: str = _setting(values.url)
    scheduler_service_account: str = _setting(values.address)


@_dataclass_once_needed
class MirrorSettings(DirectorySettings, CallerSettings):
    """Settings of the function `mirror`, which begins a pass over all accounts every so many minutes."""

    mirror_url: str = _setting(values.url)
    scheduler_service_account: str = _setting(values.address)
    students_org_unit: str = _setting(values.org_unit, "/Estudiantes")
    mirror_minutes: int = _setting(values.count, "240")


@_dataclass_once_needed
class AuditorSettings(CallerSettings):
    """Settings of the function `auditor`. `audited_days` is how far back it looks when its caller does not say."""

    auditor_url: str = _setting(values.url)
    scheduler_service_account: str = _setting(values.address)
    audited_days: int = _setting(values.count, "7")


@_dataclass_once_needed
class OperateSettings(QueueSettings, CallerSettings):
    """Settings of the function `operate`, which operators call as a service account that only they may be."""

    operate_url: str = _setting(values.url)
    operators_service_account: str = _setting(values.address)
    pseudonym_secret: str = _setting(values.secret)


@_dataclass_once_needed
class ImporterSettings(CallerSettings):
    """Settings of the function `importer`. `registry_secret` is the key under which DUI and NIP are hashed, the same as
    `verify` has. An export that would change more than `import_change_percent` of all students, sections or teachers
    waits for an operator's word; what is imported is forgotten after `registry_days` without another import."""

    importer_url: str = _setting(values.url)
    scheduler_service_account: str = _setting(values.address)
    storage_api_endpoint: str = _setting(values.url, "https://storage.googleapis.com")
    registry_bucket: str = _setting(values.text)
    registry_secret: str = _setting(values.secret)
    import_change_percent: int = _setting(values.count, "10")
    registry_days: int = _setting(values.count, "60")


def load(settings: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """Read a function's settings; raises SettingsError that names all that is missing or wrong at once.

    On Cloud Run (`K_SERVICE` is set) a loopback address is a mistake in the configuration and refused as one.
    """
    read: dict[str, Any] = {}
    problems: list[str] = []
    for field in fields(settings):
        name = field.name.upper()
        text = environ.get(name) or field.metadata["default"]
        if text is None and field.metadata["needless_with"] == read.get("registry", "unknown"):
            read[field.name] = ""
            continue
        if text is None:
            problems.append(f"{name} is missing")
            continue
        try:
            read[field.name] = field.metadata["read"](text)
        except ValueError as error:
            problems.append(f"{name} {error}")
            continue
        if "K_SERVICE" in environ and values.is_local(text):
            problems.append(f"{name} is a loopback address, which cannot be right in the cloud")
    if "K_SERVICE" in environ and read.get("store", "firestore") != "firestore":
        problems.append("STORE must be firestore in the cloud: a function's disk is its own and vanishes")
    if problems:
        raise SettingsError("\n".join(sorted(problems)))
    return settings(**read)
