"""The audit log: a document that is only ever created, and the same as a line for Cloud Logging."""

from datetime import timedelta

from secciones import logs
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.audit import AuditEvent
from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Documents

COLLECTION = "audit"


class DocumentsAuditLog:
    """Keeps events in a store of their own, whose writer may create and nothing else."""

    def __init__(self, documents: Documents, clock: Clock, ids: Ids, retention: timedelta) -> None:
        self._documents = documents
        self._clock = clock
        self._ids = ids
        self._retention = retention

    def record(self, event: AuditEvent) -> None:
        """See AuditLog. The line is written even when the store does not answer: then it is all there is."""
        now = self._clock.now()
        said = {name: value for name, value in vars(event).items() if name != "key" and value not in ("", {})}
        entry = said | {"at": now, "request": logs.request_id.get(), "expires_at": now + self._retention}
        try:
            created = self._documents.create(COLLECTION, event.key or self._ids.token(), entry)
        except DocumentsUnavailable:
            logs.write("ERROR", "audit: event kept in this log alone, its store does not answer", audit=entry)
            raise
        if created:
            logs.write("INFO", f"audit: {event.kind} {event.outcome}", audit=entry)
