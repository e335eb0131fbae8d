"""The call of Cloud Scheduler that starts a sweep."""

from dataclasses import dataclass

import flask

from secciones.ports.audit import AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.ports.task_queue import TaskQueue
from secciones.services.sweep import sweep
from secciones.tasks.callers import Caller


@dataclass(frozen=True)
class Sweeper:
    """What a sweep works with."""

    documents: Documents
    queue: TaskQueue
    audit: AuditLog
    clock: Clock


def sweep_once(request: flask.Request, caller: Caller, sweeper: Sweeper) -> None:
    """The sweeper's one route."""
    caller.check(request.headers.get("Authorization", ""))
    sweep(sweeper.documents, sweeper.queue, sweeper.audit, sweeper.clock)
