"""The call of Cloud Scheduler that starts a sweep, and with it the sealing of what is new in the audit."""

from dataclasses import dataclass

import flask

from secciones import logs
from secciones.domain.audit_chain import DamagedBlock
from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.audit import AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.ports.task_queue import TaskQueue
from secciones.services.audit_chain import seal_new_events
from secciones.services.sweep import sweep
from secciones.tasks.callers import Caller


@dataclass(frozen=True)
class Sweeper:
    """What a sweep works with; `audit_documents` is the store that `audit` writes into."""

    documents: Documents
    queue: TaskQueue
    audit: AuditLog
    clock: Clock
    audit_documents: Documents


def sweep_once(request: flask.Request, caller: Caller, sweeper: Sweeper) -> None:
    """The sweeper's one route."""
    caller.check(request.headers.get("Authorization", ""))
    try:
        sweep(sweeper.documents, sweeper.queue, sweeper.audit, sweeper.clock)
    finally:
        _seal(sweeper)


def _seal(sweeper: Sweeper) -> None:
    """Children's passwords do not wait for evidence, so no failure of this one is a failure of the sweep."""
    try:
        seal_new_events(sweeper.audit_documents, sweeper.clock)
    except DocumentsUnavailable as error:
        logs.write(
            "WARNING",
            "audit chain: nothing more was sealed, the next sweep goes on; if it lasts, see that the sweeper may read "
            "and create in the audit's database",
            error=str(error),
        )
    except DamagedBlock as error:
        logs.write(
            "CRITICAL",
            "audit chain: nothing is sealed until its newest block is sound: someone has written into it; call the "
            "auditor, secure the database and bring it back from its backup",
            error=str(error),
        )
