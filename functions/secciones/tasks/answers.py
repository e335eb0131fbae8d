"""What an answer means to the queue: done, or bring it again. Plain text or JSON, since no person sees it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import flask

from secciones import logs
from secciones.domain.errors import BatchNotFound, CallerRefused, LeaseHeld, LeaseLost, ResetsPaused, Unavailable


class MalformedTask(Exception):
    """A body that no part of Secciones has written; bringing it again will not mend it."""


class CallRefused(Exception):
    """What a person who called has to mend; `told` is what the answer says, as JSON."""

    def __init__(self, status: int, **told: Any) -> None:
        super().__init__(status)
        self.status = status
        self.told = told


def answer(work: Callable[[], Mapping[str, Any] | None]) -> flask.Response:
    """Do the work and say how it went; what it returns is told to the caller, as JSON.

    Of the codes that make a queue bring a task again, 409 and 500 are used: 429 and 503 would slow the whole queue
    down for the trouble of one batch (Cloud Tasks, "Target rate limiting").
    """
    try:
        summary = work()
    except CallerRefused as error:
        logs.write("WARNING", "a call of a stranger was refused", reason=str(error))
        return _plain(401, "caller refused")
    except CallRefused as error:
        return _json(error.status, error.told)
    except (MalformedTask, BatchNotFound) as error:
        logs.write("ERROR", "a task names no batch and is dropped", reason=type(error).__name__)
        return _plain(200, "nothing to do")
    except (LeaseHeld, LeaseLost, ResetsPaused) as error:
        return _plain(409, type(error).__name__)
    except Unavailable as error:
        logs.write(
            "WARNING", "given back to the queue: a system failed for now", error=type(error).__name__, reason=str(error)
        )
        return _plain(500, "try again")
    except Exception as error:  # noqa: BLE001 - the boundary: nothing of an error may reach the caller
        logs.write_exception("a background function failed: this is a fault in the program", error)
        return _plain(500, "failed")
    if summary is not None:
        return _json(200, summary)
    return _plain(200, "done")


def _json(status: int, told: Mapping[str, Any]) -> flask.Response:
    return flask.Response(json.dumps(told) + "\n", status, mimetype="application/json")


def _plain(status: int, text: str) -> flask.Response:
    return flask.Response(text + "\n", status, mimetype="text/plain")
