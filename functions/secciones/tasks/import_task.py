"""The call of Cloud Scheduler that imports what lies in the bucket."""

from dataclasses import asdict
from typing import Any

import flask

from secciones import logs
from secciones.services.import_roster import Importer, Result, State, import_next, late_since
from secciones.tasks.callers import Caller

_WHAT_TO_DO = {
    State.IMPORTED: ("INFO", "registry: an export was imported"),
    State.REFUSED: (
        "ERROR",
        "registry: an export was refused as a whole and nothing was changed: its report says why, have it made anew",
    ),
    State.UNCONFIRMED: (
        "ERROR",
        "registry: an export waits, since it would change more than is believed: look at the counts with those who "
        "made it, then confirm it by its name (operate, confirm), or remove it from the bucket",
    ),
}
_LATE = (
    "ERROR",
    "registry: no export has come for long, and what was imported will be forgotten: call those who make it",
)
_ROWS_LEFT_OUT = (
    "WARNING",
    "registry: an export was imported without some of its rows or numbers: its report names them, have them corrected "
    "where it is made",
)


def import_once(request: flask.Request, caller: Caller, importer: Importer) -> dict[str, Any]:
    """The importer's one route: how it went goes to the log and into the answer."""
    caller.check(request.headers.get("Authorization", ""))
    result = import_next(importer)
    if result is None:
        if last := late_since(importer):
            logs.write(*_LATE, last=last.isoformat())
        return {"state": "nothing to import"}
    return _told(result)


def _told(result: Result) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "export": result.export,
        "state": result.state.value,
        "problems": result.problems,
        "report": result.report,
        "counts": result.counts,
    }
    if result.refused_because:
        summary["refused_because"] = {**asdict(result.refused_because), "reason": result.refused_because.reason.value}
    left_out = result.state is State.IMPORTED and result.problems
    severity, message = _ROWS_LEFT_OUT if left_out else _WHAT_TO_DO[result.state]
    logs.write(severity, message, **summary)
    return summary
