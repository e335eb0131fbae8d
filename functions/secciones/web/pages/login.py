"""The way in and out: the first page, the way to Google and back, and leaving."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import flask

from secciones.domain.errors import SignInFailed
from secciones.ports.accounts import AccountDirectory
from secciones.ports.audit import AuditEvent
from secciones.ports.clock import Ids
from secciones.ports.sign_in import IdentityProvider
from secciones.services.sessions import Step
from secciones.services.sign_in import Institution, begin_sign_in, complete_sign_in
from secciones.web.page import Page
from secciones.web.routes import Route
from secciones.web.session import (
    ATTEMPT_COOKIE,
    SESSION_COOKIE,
    forget,
    read_attempt_cookie,
    set_attempt_cookie,
    set_session_cookie,
)

_LONGEST_CODE = 2048
_NOTICES = {b"aviso=salida": "signed_out"}


@dataclass(frozen=True)
class LoginPorts:
    """What these pages work with."""

    provider: IdentityProvider
    directory: AccountDirectory
    ids: Ids
    institution: Institution


def landing(page: Page, ports: LoginPorts) -> flask.Response:
    """What this is, and the button with Google's logo."""
    if page.session and page.session.step >= Step.VERIFIED:
        return page.redirect("/secciones/centros")
    return page.render_for_anybody("pages/landing.html", notice=_NOTICES.get(page.request.query_string, ""))


def guide(page: Page, ports: LoginPorts) -> flask.Response:
    """The steps, for teachers."""
    return page.render_for_anybody("pages/guide.html", address=f"{page.site.origin}/secciones/")


def favicon(page: Page, ports: LoginPorts) -> flask.Response:
    """For whoever asks for the name of old instead of reading the page's link; the front door leads here."""
    static = cast(Callable[[str], str], page.site.templates.globals["static"])
    return page.redirect(static("icon.svg"))


def robots(page: Page, ports: LoginPorts) -> flask.Response:
    """Nothing here is for a search engine; the front door leads here."""
    return flask.Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


def begin(page: Page, ports: LoginPorts) -> flask.Response:
    """Off to Google."""
    attempt = begin_sign_in(ports.ids)
    response = page.redirect(ports.provider.authorization_url(attempt))
    set_attempt_cookie(response, attempt, page.site.session_secret)
    return response


def callback(page: Page, ports: LoginPorts) -> flask.Response:
    """Back from Google, with a code or a refusal."""
    attempt = read_attempt_cookie(page.request, page.site.session_secret)
    state, code = page.request.args.get("state", ""), page.request.args.get("code", "")
    if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
        raise SignInFailed("the answer belongs to no attempt of this browser")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise SignInFailed("Google gave no code")
    cookie = complete_sign_in(
        ports.provider, ports.directory, page.site.sessions, page.site.audit, ports.institution, code, attempt
    )
    if page.session:
        page.site.sessions.close(page.session)
    response = page.redirect("/secciones/identidad")
    set_session_cookie(response, cookie, page.site.sessions.lifetime)
    forget(response, ATTEMPT_COOKIE)
    return response


def leave(page: Page, ports: LoginPorts) -> flask.Response:
    """End the session."""
    session = page.visitor
    page.site.sessions.close(session)
    page.site.audit.record(AuditEvent("sign_out", "signed_out", session.actor, session.address))
    response = page.redirect("/secciones/?aviso=salida")
    forget(response, SESSION_COOKIE)
    return response


ROUTES = (
    Route("GET", "/secciones/", landing, Step.NOBODY),
    Route("GET", "/secciones/guia", guide, Step.NOBODY),
    Route("GET", "/secciones/favicon.ico", favicon, Step.NOBODY),
    Route("GET", "/secciones/robots.txt", robots, Step.NOBODY),
    Route("GET", "/secciones/entrar", begin, Step.NOBODY),
    Route("GET", "/secciones/oauth2/callback", callback, Step.NOBODY),
    Route("POST", "/secciones/salir", leave, Step.SIGNED_IN, always_open=True),
)
