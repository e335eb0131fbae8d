"""*Procesar*: the confirmation, the batch on its way, and its result."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import flask

from secciones.domain.batches import Batch, is_batch_id
from secciones.domain.outcomes import Outcome
from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Documents, Key
from secciones.ports.registry import Registry
from secciones.ports.sealer import Sealer
from secciones.ports.task_queue import TaskQueue
from secciones.services.account_standings import with_standings
from secciones.services.batches import BATCHES
from secciones.services.list_batches import list_batches, view_batches
from secciones.services.request_resend import request_resend
from secciones.services.request_reset import (
    ResetRules,
    Selection,
    all_choices,
    own_batch,
    repeated_submit,
    request_reset,
    require_allowance,
    select_students,
)
from secciones.services.selections import Choice
from secciones.services.sessions import Step
from secciones.web.errors import BadRequest
from secciones.web.page import ID, Page, matching
from secciones.web.routes import Route

_OTHER = re.compile(rf"{ID.pattern}/{ID.pattern}/{ID.pattern}")
_NUMBER = re.compile(r"[1-9]")
_NONCE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class ResetPorts:
    """What these pages work with."""

    registry: Registry
    documents: Documents
    queue: TaskQueue
    sealer: Sealer
    clock: Clock
    ids: Ids
    rules: ResetRules


def submit(page: Page, ports: ResetPorts) -> flask.Response:
    """The first time the count is to be confirmed, the second time it is done."""
    form_nonce = matching(_NONCE, page.field("form_nonce"))
    choices = _choices(page)
    if page.field("confirmed") != "yes":
        return _confirm(page, ports, _selection(page, ports, _to_confirm(page, ports, choices)), form_nonce)
    students = {student_id for choice in choices for student_id in choice.student_ids}
    batch_id = repeated_submit(ports.documents, page.visitor, form_nonce, students)
    if batch_id is None:
        batch_id = request_reset(
            ports.documents,
            ports.queue,
            ports.sealer,
            page.site.audit,
            ports.clock,
            ports.ids,
            ports.rules,
            page.visitor,
            _selection(page, ports, choices),
            form_nonce,
        )
    return page.redirect(f"/secciones/resultado/{batch_id}")


def result(page: Page, ports: ResetPorts) -> flask.Response:
    """How far the batch is, or what became of it."""
    batch = _own_batch(page)
    if batch.is_running:
        return page.render("pages/progress.html", batch=batch, total=len(batch.rows), outcomes=Outcome)
    changed, unconfirmed = batch.rows_with(Outcome.CHANGED), batch.rows_with(Outcome.UNCONFIRMED)
    now = ports.clock.now()
    (view,) = view_batches(ports.documents, [batch])
    return page.render(
        "pages/result.html",
        batch=batch,
        view=view,
        now=now,
        changed=changed,
        unconfirmed=unconfirmed,
        not_changed=tuple(row for row in batch.rows if row not in changed and row not in unconfirmed),
        may_be_resent=batch.may_be_resent(now),
        may_be_followed=batch.may_be_followed(now),
        form_nonce=ports.ids.token(),
    )


def batches(page: Page, ports: ResetPorts) -> flask.Response:
    """All that the teacher has processed, while it is kept."""
    found = list_batches(ports.documents, page.visitor)
    return page.render("pages/batches.html", batches=found, days=ports.rules.retention.days, now=ports.clock.now())


def resend(page: Page, ports: ResetPorts) -> flask.Response:
    """The mail once more; the form says for which time it asks, so that a double click asks once."""
    batch = _own_batch(page)
    number = int(matching(_NUMBER, page.field("number")))
    request_resend(ports.documents, ports.queue, page.site.audit, ports.clock, page.visitor, batch.id, number)
    return page.redirect(f"/secciones/resultado/{batch.id}")


def progress(page: Page, ports: ResetPorts) -> flask.Response:
    """The same for the script that moves the bar; the outcomes are in the order of the page's rows."""
    batch = _own_batch(page)
    return page.json(
        {
            "state": batch.state.value,
            "done": batch.done,
            "total": len(batch.rows),
            "finished": not batch.is_running,
            "outcomes": [row.outcome.value for row in batch.rows],
        }
    )


def _confirm(page: Page, ports: ResetPorts, selection: Selection, form_nonce: str) -> flask.Response:
    known = with_standings(ports.documents, page.visitor, selection.rows)
    by_id = {row.student_id: row for row in known.rows}
    return page.render(
        "pages/confirm.html",
        parts=[replace(part, rows=tuple(by_id[row.student_id] for row in part.rows)) for part in selection.parts],
        whole_since=known.whole_since,
        now=ports.clock.now(),
        follows=selection.follows,
        form_nonce=form_nonce,
    )


def _selection(page: Page, ports: ResetPorts, choices: Sequence[Choice]) -> Selection:
    follows = page.field("follows")
    if follows and not is_batch_id(follows):
        raise BadRequest
    if follows:
        choices = [replace(choice, is_kept=True) for choice in choices]
    return select_students(ports.registry, ports.documents, page.visitor, ports.rules, *choices, follows=follows)


def _choices(page: Page) -> list[Choice]:
    """What the form says: the students of its own section, and those of others with the ids of theirs before them."""
    form = page.request.form
    chosen: dict[tuple[str, str], set[str]] = {}
    if form.get("section"):
        own = matching(ID, page.field("school")), matching(ID, page.field("section"))
        chosen[own] = {matching(ID, value) for value in form.getlist("student")}
    for value in form.getlist("other"):
        school_id, section_id, student_id = matching(_OTHER, value).split("/")
        chosen.setdefault((school_id, section_id), set()).add(student_id)
    return [Choice(school_id, section_id, students) for (school_id, section_id), students in chosen.items()]


def _to_confirm(page: Page, ports: ResetPorts, choices: list[Choice]) -> list[Choice]:
    """Together with what is ticked in other sections, unless the form is about an earlier batch."""
    if page.field("follows"):
        require_allowance(ports.documents, ports.clock, ports.rules, page.visitor)
        return choices
    return all_choices(ports.documents, ports.clock, ports.rules, page.visitor, choices)


def _batch_of_path(path_values: dict[str, str]) -> Key | None:
    batch_id = path_values["batch_id"]
    return (BATCHES, batch_id) if is_batch_id(batch_id) else None


def _own_batch(page: Page) -> Batch:
    key = _batch_of_path(page.path_values)
    return own_batch(page.read[key] if key else None, page.visitor)


ROUTES = (
    Route("POST", "/secciones/restablecer", submit, Step.RECENTLY_VERIFIED),
    Route("GET", "/secciones/restablecimientos", batches, Step.VERIFIED),
    Route("GET", "/secciones/resultado/<batch_id>", result, Step.VERIFIED, reads=_batch_of_path),
    Route("POST", "/secciones/resultado/<batch_id>/reenviar", resend, Step.RECENTLY_VERIFIED, reads=_batch_of_path),
    Route("GET", "/secciones/resultado/<batch_id>/estado", progress, Step.VERIFIED, reads=_batch_of_path),
)
