"""The call of Cloud Scheduler that keeps the mirror of the Directory."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import flask

from secciones import logs
from secciones.ports.accounts import AccountListing
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.services.mirror_accounts import mirror_accounts
from secciones.tasks.callers import Caller

# Of the five minutes that a call may take; the last page has to be kept as well.
_WORKING_TIME = timedelta(minutes=4)


@dataclass(frozen=True)
class Mirror:
    """What the mirror works with; a pass begins when the last one is older than `every`."""

    documents: Documents
    listing: AccountListing
    clock: Clock
    students_org_unit: str
    every: timedelta


def mirror_once(request: flask.Request, caller: Caller, mirror: Mirror) -> dict[str, Any]:
    """The mirror's one route: how much it has read goes into the answer."""
    caller.check(request.headers.get("Authorization", ""))
    done = mirror_accounts(
        mirror.documents,
        mirror.listing,
        mirror.clock,
        mirror.students_org_unit,
        mirror.every,
        mirror.clock.now() + _WORKING_TIME,
    )
    if done.pages:
        logs.write("INFO", "the mirror of the Directory went on", **asdict(done))
    return asdict(done)
