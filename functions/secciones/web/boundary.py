"""The boundary of the web functions: every request goes in here, and every error comes out as a page."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from secciones import logs
from secciones.body_limit import body_limit
from secciones.domain.errors import (
    DocumentsUnavailable,
    IdentityTooOld,
    NotATeacherAccount,
    ResetsPaused,
    SignInFailed,
    TooManyAttempts,
    TwoStepRequired,
    WrongDomain,
)
from secciones.ports.audit import AuditEvent
from secciones.ports.documents import Key
from secciones.services import pause
from secciones.services.sessions import Step
from secciones.web.compression import compressed
from secciones.web.errors import ErrorPage, FormExpired, SessionRequired, error_context, error_page
from secciones.web.headers import secure
from secciones.web.page import ID, Page, Site
from secciones.web.routes import Route, RouteTable
from secciones.web.session import is_csrf_token, session_cookie

# 200 students' ids and the form's own fields; Flask answers more with its own error, which the table knows.
_LARGEST_FORM = 64 * 1024
_MOST_FIELDS = 1000
# "none" is the person's own doing, such as sending a form again after the browser was restarted.
_OWN_SENDERS = frozenset({None, "same-origin", "none"})
# Their use cases tell the audit themselves, since they alone know the account or the person; of a pause the audit
# knows from the operator.
_TOLD_BY_THEIR_USE_CASE = (WrongDomain, NotATeacherAccount, TwoStepRequired, TooManyAttempts, ResetsPaused)


def answer(request: flask.Request, site: Site, table: RouteTable, ports: Callable[[], Any]) -> flask.Response:
    """The page for a request, or the page for what went wrong with it; `ports` builds what the handlers work with."""
    page = Page(site, request, logs.request_id.get())
    request.max_form_parts = _MOST_FIELDS
    with body_limit(request, _LARGEST_FORM):
        try:
            route, page.path_values = table.match(request)
            _find_session(page, route)
            response = _handled(page, route, ports)
        except Exception as error:  # noqa: BLE001 - the boundary: every error becomes a page
            response = _failed(page, error)
    return secure(compressed(request, response, is_for_anybody=page.session is None))


def _find_session(page: Page, route: Route[Any]) -> None:
    if cookie := session_cookie(page.request):
        page.session, page.read = page.site.sessions.find(cookie, *_read_with_it(route, page.path_values))


def _read_with_it(route: Route[Any], path_values: dict[str, str]) -> list[Key]:
    if route.step is Step.NOBODY:
        return []
    named = route.reads(path_values) if route.reads else None
    return [pause.KEY, named] if named else [pause.KEY]


def _handled(page: Page, route: Route[Any], ports: Callable[[], Any]) -> flask.Response:
    reached = page.session.step if page.session else Step.NOBODY
    if page.session and route.step > Step.NOBODY and not route.always_open:
        pause.require_none_in(page.read[pause.KEY])
    if route.step > reached:
        if reached is Step.NOBODY:
            raise SessionRequired
        if reached is Step.VERIFIED:
            if route.method == "POST":
                _require_own_form(page)  # its page carries what was ticked along
            raise IdentityTooOld
        return page.redirect("/secciones/identidad")
    if route.method == "POST":
        _require_own_form(page)
    return route.handler(page, ports())


def _require_own_form(page: Page) -> None:
    """A form of this session, sent from our own pages. Old browsers do not say where from: the token is the proof."""
    origin, sender = page.request.headers.get("Origin"), page.request.headers.get("Sec-Fetch-Site")
    if origin not in {None, page.site.origin} or sender not in _OWN_SENDERS:
        raise FormExpired
    if page.session is None or not is_csrf_token(page.field("csrf_token"), page.session.id, page.site.session_secret):
        raise FormExpired


def _failed(page: Page, error: Exception) -> flask.Response:
    answer_with = error_page(error)
    if answer_with.status == 500:
        logs.write_exception("a page failed: this is a fault in the program", error)
    elif isinstance(error, SignInFailed):
        logs.write(
            "WARNING",
            "a sign-in failed: many with one reason are a fault in clocks, keys or settings",
            reason=str(error),
        )
    elif answer_with.status == 503 and not isinstance(error, ResetsPaused):
        logs.write(
            "ERROR", "a system that the pages need does not answer", error=type(error).__name__, reason=str(error)
        )
    if not isinstance(error, _TOLD_BY_THEIR_USE_CASE):
        _audit(page, answer_with)
    context = error_context(error) | {"back": _way_back(page), "ticked": _ticked(page), "now": page.site.clock.now()}
    response = page.render(f"errors/{answer_with.template}.html", answer_with.status, **context)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _audit(page: Page, error: ErrorPage) -> None:
    session = page.session
    school, section = _named(page)
    event = AuditEvent(
        "refusal",
        error.outcome,
        actor=session.actor if session else "",
        account=session.address if session else "",
        school=school,
        section=section,
        details={"method": page.request.method, "path": page.request.path[:200], "status": error.status},
    )
    # When its store does not answer, the audit log has still written its line, and the person is answered.
    try:
        page.site.audit.record(event)
    except DocumentsUnavailable:
        pass
    except Exception as fault:  # noqa: BLE001 - the boundary: no error may leave it
        logs.write_exception("a refusal is not in the audit: this is a fault in the program", fault)


def _named(page: Page) -> tuple[str, str]:
    """School and section that the path or the form names: well-formed, and nobody has said that they exist."""
    school, section = _sent_from(page)
    return _id(page.path_values.get("school_id", school)), _id(page.path_values.get("section_id", section))


def _way_back(page: Page) -> str:
    """The page that failed, or the one that a refused form was sent from: a result, a section."""
    if page.request.method != "POST":
        return quote(page.request.path)
    if batch_id := _id(page.path_values.get("batch_id", "")):
        return f"/secciones/resultado/{batch_id}"
    school, section = _sent_from(page)
    return f"/secciones/centros/{school}/{section}" if school and section else "/secciones/centros"


def _sent_from(page: Page) -> tuple[str, str]:
    try:
        return _id(page.field("school")), _id(page.field("section"))
    except HTTPException:  # a form that cannot be read is often what went wrong
        return "", ""


def _ticked(page: Page) -> list[str]:
    """The students that a refused form of a section names, so that they need not be ticked again."""
    if not all(_sent_from(page)):
        return []
    return [student_id for student_id in page.request.form.getlist("student") if _id(student_id)]


def _id(text: str) -> str:
    return text if ID.fullmatch(text) else ""
