"""The part of the wiring that chooses stores: the documents of all functions, and apart from them the audit's."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from secciones.adapters.system import SystemClock, fraction
from secciones.ports.documents import Documents
from secciones.settings import CommonSettings

if TYPE_CHECKING:
    from secciones.adapters.firestore_rest import Connection


def documents_of(settings: CommonSettings) -> Documents:
    """The store of everything but the audit."""
    return _store(settings, settings.firestore_database, "documents")


def audit_documents_of(settings: CommonSettings) -> Documents:
    """The store of the audit."""
    return _store(settings, settings.audit_database, "audit")


@functools.cache
def _store(settings: CommonSettings, database: str, name: str) -> Documents:
    """One client a database, whoever asks for it. On disk, too, the audit is a store of its own: NAME.sqlite."""
    kind, _, path = settings.store.partition(":")
    if kind == "sqlite":
        from secciones.adapters.sqlite import SqliteDocuments

        file = Path(path) if name == "documents" else Path(path).with_name(f"{name}.sqlite")
        return SqliteDocuments(file, SystemClock().now)
    from secciones.adapters.firestore import FirestoreDocuments

    return FirestoreDocuments(
        _firestore(settings),
        settings.google_cloud_project,
        database,
        SystemClock().now,
        random=fraction,
    )


@functools.cache
def _firestore(settings: CommonSettings) -> "Connection":
    """One for all databases: the second is already connected."""
    from secciones.adapters.access_token import emulator_token
    from secciones.adapters.firestore_rest import SCOPE, Connection

    if settings.firestore_emulator_host:
        return Connection(emulator_token, f"http://{settings.firestore_emulator_host}")
    return Connection(own_token(settings, SCOPE))


def own_token(settings: CommonSettings, scope: str) -> Callable[[], str]:
    """What gives the function's own account a token."""
    from secciones.adapters.access_token import CredentialsToken, MetadataToken
    from secciones.adapters.google_credentials import application_credentials

    if settings.google_application_credentials:
        return CredentialsToken(functools.partial(application_credentials, [scope]))
    return MetadataToken(settings.gce_metadata_host, scope)
