"""Threat: a page of ours is framed, sniffed, cached, or made to load what it should not. Guard: every answer, errors
among them, carries the headers that forbid it."""

from typing import Any

import pytest

from secciones.web.pages import login, reset, sections, verify
from secciones.web.routes import Route
from tests.support.site import Answer, Pages
from tests.support.stack import Stack
from tests.support.visitor import Visitor

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "object-src": "'none'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
EXACTLY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
}
ROUTES = [route for module in (login, verify, sections, reset) for route in module.ROUTES]


def check(answer: Answer) -> None:
    pairs = (part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert dict(pairs) == POLICY
    assert {name: answer.headers.get(name) for name in EXACTLY} == EXACTLY
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
    assert "camera=()" in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_them_for_everybody(pages: Pages, route: Route[Any]) -> None:
    path = route.path.replace("<", "").replace(">", "")
    for cookie in ("", pages.signed_in(), pages.verified()):
        for method in (route.method, "DELETE"):
            check(pages.ask(method, path, cookie, None, {}))


def test_errors_have_them_too(pages: Pages) -> None:
    pages.world.registry.is_down = True
    for path in ("/secciones/nothing", "/secciones/centros"):
        check(pages.get(path, pages.verified()))


def test_over_http_they_arrive_and_nothing_says_what_runs_here(stack: Stack) -> None:
    visit = Visitor(stack.origin).get("/secciones/")
    check(Answer(visit.status, visit.headers, [], visit.html))
    assert "X-Powered-By" not in visit.headers
    assert "Access-Control-Allow-Origin" not in visit.headers
