"""The daily call that holds the audit against its chain, and the same by an operator with a head from the log."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask

from secciones import logs
from secciones.body_limit import json_body
from secciones.domain.audit_chain import Head
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.services.verify_audit import Finding, Kind, Verdict, verify_chain
from secciones.tasks.callers import Caller

_LARGEST_BODY = 1024
_MOST_DAYS = 36_500
_EXPECTED = 'the body is empty or JSON such as {"days": 730, "head": {"number": 7, "hash": "64 hexadecimal digits"}}'

_RESTORE = "keep a copy of the audit's database as it is, find out who wrote into it, and take the truth from the log"
_SUSPECT = "compare it with the log: the number of a block is logged once; if twice, the chain was cut and made anew"
_WHAT_TO_DO = {
    Kind.DELETED: ("CRITICAL", f"audit: it was deleted, or hidden by a time of expiry; {_RESTORE}"),
    Kind.EDITED: ("CRITICAL", f"audit: it was edited; {_RESTORE}"),
    Kind.INSERTED: ("CRITICAL", f"audit: it was added to a time that was sealed without it; {_RESTORE}"),
    Kind.REORDERED: ("CRITICAL", f"audit: it was moved to another place or time; {_RESTORE}"),
    Kind.BROKEN_LINK: ("CRITICAL", f"audit: the block does not follow the one before it; {_RESTORE}"),
    Kind.TRUNCATED: ("CRITICAL", f"audit: the chain was cut off before the head that was logged; {_RESTORE}"),
    Kind.REWRITTEN: ("CRITICAL", f"audit: the block is another than the one that was logged; {_RESTORE}"),
    Kind.SEALED_LATE: (
        "ERROR",
        f"audit: the block was made long after its events, did the sweeper stand still? Else {_SUSPECT}",
    ),
    Kind.UNSEALED: ("ERROR", f"audit: events wait for their block, does the sweeper stand still? Else {_SUSPECT}"),
}


@dataclass(frozen=True)
class Auditor:
    """What an audit works with; without a word in the call it looks at the blocks of the last `days`."""

    audit_documents: Documents
    clock: Clock
    days: int


@dataclass(frozen=True)
class _Wish:
    days: int
    head: Head | None


def audit_once(request: flask.Request, caller: Caller, auditor: Auditor) -> dict[str, Any]:
    """The auditor's one route: what it found goes to the log, how much of it into the answer."""
    caller.check(request.headers.get("Authorization", ""))
    wish = _wish(request, auditor.days)
    if wish is None:
        logs.write("ERROR", f"audit: nothing was looked at: {_EXPECTED}")
        return {"error": _EXPECTED}
    since = auditor.clock.now() - timedelta(days=wish.days)
    verdict = verify_chain(auditor.audit_documents, auditor.clock, wish.head, since)
    for finding in verdict.findings:
        _tell(finding)
    summary = _summary(verdict, wish)
    if verdict.is_sound:
        logs.write("INFO", "audit: it agrees with its chain", **summary)
    return summary


def _wish(request: flask.Request, days: int) -> _Wish | None:
    """None for what no operator can have meant."""
    body = json_body(request, _LARGEST_BODY, empty={})
    if not isinstance(body, dict) or body.keys() - {"days", "head"}:
        return None
    days, head = body.get("days", days), body.get("head")
    if type(days) is not int or not 0 < days <= _MOST_DAYS:
        return None
    if head is None:
        return _Wish(days, None)
    match head:
        case {"number": int(number), "hash": str(told)} if number > 0 and re.fullmatch("[0-9a-f]{64}", told):
            return _Wish(days, Head(number, told))
    return None


def _tell(finding: Finding) -> None:
    severity, message = _WHAT_TO_DO[finding.kind]
    logs.write(severity, message, finding=finding.kind, **{finding.subject: finding.id}, count=finding.count)


def _summary(verdict: Verdict, wish: _Wish) -> dict[str, Any]:
    return {
        "days": wish.days,
        "blocks": verdict.blocks,
        "events": verdict.events,
        "findings": len(verdict.findings),
        "kinds": sorted({finding.kind.value for finding in verdict.findings}),
        "complete": verdict.is_complete,
        "head": verdict.head._asdict() if verdict.head else None,
    }
