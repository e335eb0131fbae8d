"""DUI and NIP: the form, and what comes of it."""

from dataclasses import dataclass, replace

import flask

from secciones.domain.errors import IdentityRefused, InvalidNumber
from secciones.domain.people import Dui, Nip
from secciones.ports.audit import AuditEvent
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.ports.registry import Registry
from secciones.services.sessions import Step
from secciones.services.verify_identity import VerificationRules, verify_identity
from secciones.web.client_address import client_address
from secciones.web.page import Page
from secciones.web.routes import Route
from secciones.web.session import set_session_cookie

# What of a typed DUI is shown again; a real one fits.
_LONGEST_ECHO = 20


@dataclass(frozen=True)
class VerifyPorts:
    """What these pages work with."""

    registry: Registry
    documents: Documents
    clock: Clock
    rules: VerificationRules
    forwarded_for_position: int


@dataclass(frozen=True)
class _Form:
    """What was typed: the numbers that could be read, and what is wrong with the others."""

    typed_dui: str = ""
    dui: Dui | None = None
    nip: Nip | None = None
    problems: tuple[tuple[str, str], ...] = ()


def show(page: Page, ports: VerifyPorts) -> flask.Response:
    """The empty form; whoever has just been through it goes on."""
    if page.visitor.step is Step.RECENTLY_VERIFIED:
        return page.redirect("/secciones/centros")
    return _render(page, _Form(), 200)


def submit(page: Page, ports: VerifyPorts) -> flask.Response:
    """The numbers arrive."""
    form = _read(page)
    if form.dui is None or form.nip is None:
        session = page.visitor
        page.site.audit.record(AuditEvent("verification", "malformed", session.actor, session.address))
        return _render(page, form, 422)
    try:
        cookie = verify_identity(
            ports.registry,
            ports.documents,
            page.site.sessions,
            page.site.audit,
            ports.clock,
            ports.rules,
            page.visitor,
            form.dui,
            form.nip,
            client_address(page.request, ports.forwarded_for_position),
        )
    except IdentityRefused:
        return _render(page, form, 403, refused=True)
    response = page.redirect("/secciones/centros")
    set_session_cookie(response, cookie, page.site.sessions.lifetime)
    return response


def _read(page: Page) -> _Form:
    typed_dui, typed_nip = page.field("dui"), page.field("nip")
    form = _Form(typed_dui=typed_dui.strip()[:_LONGEST_ECHO])
    problems = []
    try:
        form = replace(form, dui=Dui.parse(typed_dui))
    except InvalidNumber:
        problems.append(("dui", "invalid" if typed_dui.strip() else "missing"))
    try:
        form = replace(form, nip=Nip.parse(typed_nip))
    except InvalidNumber:
        problems.append(("nip", "invalid" if typed_nip.strip() else "missing"))
    return replace(form, problems=tuple(problems))


def _render(page: Page, form: _Form, status: int, *, refused: bool = False) -> flask.Response:
    return page.render(
        "pages/identity.html",
        status,
        name=page.visitor.name,
        dui=form.typed_dui if form.typed_dui.isprintable() else "",
        problems=dict(form.problems),
        refused=refused,
        check_digit_hint=form.dui is not None and not form.dui.check_digit_fits,
    )


ROUTES = (
    Route("GET", "/secciones/identidad", show, Step.SIGNED_IN),
    Route("POST", "/secciones/identidad", submit, Step.SIGNED_IN),
)
