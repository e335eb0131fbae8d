"""What an operator asks for, with a name and a reason, and what is answered."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flask

from secciones import logs
from secciones.body_limit import json_body
from secciones.domain.batches import Batch, is_batch_id
from secciones.domain.errors import BatchNotFound, InvalidNumber, ResendRefused, Unavailable
from secciones.domain.people import Dui
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.ports.task_queue import TaskQueue
from secciones.services.batches import batches_of, load
from secciones.services.cancel_batch import cancel_batch
from secciones.services.confirm_import import confirm_import
from secciones.services.pause import Pause, pause_resets, resume_resets
from secciones.services.release_binding import release_binding
from secciones.services.request_resend import resend_for_teacher
from secciones.services.unlock import unlock
from secciones.services.verify_identity import pseudonym
from secciones.tasks.answers import CallRefused
from secciones.tasks.callers import Caller

_LARGEST_BODY = 4096
_LONGEST_TEXT = 500
_ADDRESS = re.compile(r"[^@\s]{1,64}@[a-z0-9.-]{1,190}")
_EXPORT = re.compile(r"[^#]{1,200}#\d{1,20}")
_ACTOR = re.compile(r"[0-9a-f]{32}")
# A DUI, NIP or NIE that somebody writes into a sentence would be kept for years.
_NUMBER_OF_A_PERSON = re.compile(r"\d{7}|\d{5,8}-\d(?!\d)")

Values = Mapping[str, Any]
Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Desk:
    """What the operators' function works with."""

    documents: Documents
    queue: TaskQueue
    audit: AuditLog
    clock: Clock
    pseudonym_secret: str


@dataclass(frozen=True)
class _Action:
    """What an action needs to be told, of `one_of` exactly one, and what it does."""

    work: Callable[[Desk, Values], Mapping[str, Any]]
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


def operate_once(request: flask.Request, caller: Caller, desk: Desk) -> Mapping[str, Any]:
    """The operators' one route. The audit knows who asks for what, and why, before it is done.

    Raises CallRefused with 400 for what no operator can have meant, 404 for a batch or teacher without a trace, 409 for
    a mail that cannot be sent again, 503 when a system does not answer: all of it may then be repeated.
    """
    caller.check(request.headers.get("Authorization", ""))
    action, read = _read(request)
    values = _with_actor(desk, read)
    try:
        desk.audit.record(_event(action, values))
        told = _ACTIONS[action].work(desk, values)
    except BatchNotFound as error:
        raise CallRefused(404, error="there is no such batch, or it is no longer kept") from error
    except ResendRefused as error:
        raise CallRefused(409, error="this mail cannot be sent again under this number: ask for a report") from error
    except Unavailable as error:
        logs.write(
            "WARNING",
            "an operator's call was not carried out: repeat it when the system answers",
            action=action,
            error=type(error).__name__,
        )
        raise CallRefused(503, error=f"try again: {type(error).__name__}") from error
    logs.write("NOTICE", "an operator acted", action=action, operator=values["operator"], reason=values["reason"])
    return {"action": action, **told}


def _read(request: flask.Request) -> tuple[str, Values]:
    """The action and what it was told, all of it readable; nothing of a wrong value is repeated."""
    body = json_body(request, _LARGEST_BODY)
    if not isinstance(body, dict):
        raise CallRefused(400, errors=["the body is a JSON object of at most 4096 bytes"])
    name = body.pop("action", None)
    action = _ACTIONS.get(name) if isinstance(name, str) else None
    if name is None or action is None:
        raise CallRefused(400, errors=[f"action: one of {', '.join(_ACTIONS)}"])
    return str(name), _values(action, body)


def _values(action: _Action, body: Mapping[str, Any]) -> Values:
    needed = ("operator", "reason", *action.needs)
    known = (*needed, *action.one_of, *action.takes)
    problems = [f"{field}: is missing" for field in needed if body.get(field) is None]
    if action.one_of and sum(body.get(field) is not None for field in action.one_of) != 1:
        problems.append(f"{' or '.join(action.one_of)}: exactly one of them")
    if body.keys() - set(known):
        problems.append(f"other fields than {', '.join(known)}")
    values = {}
    for field in known:
        if body.get(field) is not None:
            try:
                values[field] = _READERS[field](body[field])
            except (ValueError, InvalidNumber):
                problems.append(f"{field}: {_EXPECTED[field]}")
    if problems:
        raise CallRefused(400, errors=problems)
    return values


def _matching(pattern: re.Pattern[str]) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(text := value.strip().lower()):
            raise ValueError
        return text

    return read


def _sentence(value: Any) -> str:
    if not isinstance(value, str) or not 4 <= len(value.strip()) <= _LONGEST_TEXT or not value.strip().isprintable():
        raise ValueError
    if _NUMBER_OF_A_PERSON.search(value):
        raise ValueError
    return value.strip()


def _dui(value: Any) -> Dui:
    if not isinstance(value, str):
        raise ValueError
    return Dui.parse(value)


def _batch_id(value: Any) -> str:
    if not isinstance(value, str) or not is_batch_id(value):
        raise ValueError
    return value


def _export(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not _EXPORT.fullmatch(value):
        raise ValueError
    return value


def _ordinal(value: Any) -> int:
    if type(value) is not int or not 0 < value < 100:
        raise ValueError
    return value


_READERS: dict[str, Reader] = {
    "operator": _matching(_ADDRESS),
    "reason": _sentence,
    "notice": _sentence,
    "dui": _dui,
    "actor": _matching(_ACTOR),
    "batch": _batch_id,
    "teacher": _matching(_ADDRESS),
    "number": _ordinal,
    "export": _export,
}
_SENTENCE = f"one line of 4 to {_LONGEST_TEXT} characters, without the number of a person"
_EXPECTED = {
    "operator": "your own e-mail address",
    "reason": _SENTENCE,
    "notice": _SENTENCE,
    "dui": "nine digits as text",
    "actor": "32 hexadecimal digits, as the audit has them",
    "batch": "a whole batch id of 26 characters, as the log has it",
    "teacher": "an e-mail address",
    "export": "the name of an export with its number, as the log has it",
    "number": "how often the mail will then have been sent again, as the report says",
}


def _with_actor(desk: Desk, values: Values) -> Values:
    """A person's pseudonym in place of the DUI, which goes no further."""
    if "dui" not in values:
        return values
    others = {name: value for name, value in values.items() if name != "dui"}
    return others | {"actor": pseudonym(values["dui"], desk.pseudonym_secret)}


def _event(action: str, values: Values) -> AuditEvent:
    details = {name: values[name] for name in ("operator", "reason", "notice", "number", "export") if name in values}
    return AuditEvent(
        "operation",
        action,
        actor=values.get("actor", ""),
        account=values.get("teacher", ""),
        batch=values.get("batch", ""),
        details=details,
    )


def _unlock(desk: Desk, values: Values) -> Mapping[str, Any]:
    return {"actor": values["actor"], "forgotten": unlock(desk.documents, values["actor"])}


def _release(desk: Desk, values: Values) -> Mapping[str, Any]:
    released = release_binding(desk.documents, values["actor"])
    return {"actor": values["actor"], "was_bound": released.was_bound, "sessions_ended": released.sessions}


def _resend(desk: Desk, values: Values) -> Mapping[str, Any]:
    batch_id, number = values["batch"], values["number"]
    resend_for_teacher(desk.documents, desk.queue, desk.audit, desk.clock, batch_id, number)
    return _summary(desk, load(desk.documents, batch_id))


def _cancel(desk: Desk, values: Values) -> Mapping[str, Any]:
    return _summary(desk, cancel_batch(desk.documents, desk.clock, values["batch"]))


def _report(desk: Desk, values: Values) -> Mapping[str, Any]:
    if "batch" in values:
        batch = load(desk.documents, values["batch"])
        accounts = [{"account": row.address, "outcome": row.outcome.value} for row in batch.rows]
        return _summary(desk, batch) | {"accounts": accounts}
    batches = batches_of(desk.documents, values["teacher"])
    if not batches:
        raise BatchNotFound
    return {"batches": [_summary(desk, batch) for batch in batches]}


def _pause(desk: Desk, values: Values) -> Mapping[str, Any]:
    return {"paused": True, **_told(pause_resets(desk.documents, desk.clock, values.get("notice", "")))}


def _resume(desk: Desk, _: Values) -> Mapping[str, Any]:
    ended = resume_resets(desk.documents)
    return {"paused": False, "was_paused": ended is not None, **(_told(ended) if ended else {})}


def _confirm_import(desk: Desk, values: Values) -> Mapping[str, Any]:
    return {"export": values["export"], "was_waiting": confirm_import(desk.documents, values["export"])}


def _told(pause: Pause) -> Mapping[str, Any]:
    return {"since": pause.since.isoformat(), "notice": pause.notice}


def _summary(desk: Desk, batch: Batch) -> dict[str, Any]:
    """A batch in numbers and times: neither names nor passwords."""
    outcomes = [row.outcome.value for row in batch.rows]
    return {
        "batch": batch.id,
        "code": batch.code,
        "state": batch.state.value,
        "teacher": batch.teacher_address,
        "actor": batch.actor,
        "sections": [f"{section.school_code} {section.grade} {section.name}".strip() for section in batch.sections],
        "outcomes": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        "created_at": batch.created_at.isoformat(),
        "deadline": batch.deadline.isoformat(),
        "mailed_at": batch.mailed_at.isoformat() if batch.mailed_at else None,
        "mail_failure": batch.mail_failure,
        "resends": batch.resends,
        "resends_done": batch.resends_done,
        "resend_failure": batch.resend_failure,
        "may_be_resent": not batch.has_work and batch.is_sealed(desk.clock.now()),
        "sealed_until": batch.sealed_until.isoformat() if batch.sealed_until else None,
    }


_ACTIONS: dict[str, _Action] = {
    "unlock": _Action(_unlock, one_of=("dui", "actor")),
    "release": _Action(_release, one_of=("dui", "actor")),
    "resend": _Action(_resend, needs=("batch", "number")),
    "cancel": _Action(_cancel, needs=("batch",)),
    "report": _Action(_report, one_of=("batch", "teacher")),
    "pause": _Action(_pause, takes=("notice",)),
    "resume": _Action(_resume),
    "confirm": _Action(_confirm_import, needs=("export",)),
}
