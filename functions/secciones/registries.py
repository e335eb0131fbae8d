"""The part of the wiring that is the registry's: which one the pages ask, as REGISTRY says, and what fills it."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from secciones import settings as s
from secciones.adapters.system import SystemClock, fraction

if TYPE_CHECKING:
    from secciones.ports.audit import AuditLog
    from secciones.ports.documents import Documents
    from secciones.ports.registry import Registry
    from secciones.services.import_roster import Importer


def registry(settings: s.RegistrySettings, documents: "Documents", numbers_secret: str = "") -> "Registry":
    """`numbers_secret` is for the one function that verifies DUI and NIP."""
    match settings.registry:
        case "siges":
            return _siges(settings)
        case "oneroster":
            return _imported(documents, numbers_secret)
        case _:
            from secciones.adapters.registry_in_place import RegistryInPlace

            return RegistryInPlace(_siges(settings), _imported(documents, numbers_secret), SystemClock().now)


def importer(
    settings: s.ImporterSettings, documents: "Documents", audit: "AuditLog", credentials: Callable[[], Any]
) -> "Importer":
    """What fills the imported registry."""
    from secciones.adapters.cloud_storage import CloudStorageBucket
    from secciones.services.import_roster import Importer

    return Importer(
        CloudStorageBucket(credentials, settings.storage_api_endpoint, settings.registry_bucket, random=fraction),
        documents,
        audit,
        SystemClock(),
        settings.registry_secret,
        settings.import_change_percent,
        timedelta(days=settings.registry_days),
    )


def _siges(settings: s.RegistrySettings) -> "Registry":
    from secciones.adapters.siges import SigesRegistry

    return SigesRegistry(settings.siges_url, settings.siges_token, random=fraction)


def _imported(documents: "Documents", numbers_secret: str) -> "Registry":
    from secciones.adapters.stored_registry import StoredRegistry

    return StoredRegistry(documents, numbers_secret)
