"""The task that brings a batch to the worker: the batch's id and nothing else."""

import flask

from secciones.body_limit import json_body
from secciones.domain.batches import is_batch_id
from secciones.services.run_batch import Worker, run_batch
from secciones.tasks.answers import MalformedTask
from secciones.tasks.callers import Caller

_LARGEST_BODY = 1024


def work_on_batch(request: flask.Request, caller: Caller, worker: Worker) -> None:
    """The worker's one route."""
    caller.check(request.headers.get("Authorization", ""))
    run_batch(worker, _batch_id(request))


def _batch_id(request: flask.Request) -> str:
    body = json_body(request, _LARGEST_BODY)
    batch_id = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch_id, str) or not is_batch_id(batch_id):
        raise MalformedTask
    return batch_id
