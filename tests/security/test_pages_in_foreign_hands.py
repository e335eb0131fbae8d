"""Threat: a page of ours is framed, sniffed, cached, or made to load what it should not. Guard: every answer, errors
among them, carries the headers that forbid it."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.local.configuration import FUNCTIONS
from infra.local.front_door.proxy import front_door
from infra.local.front_door.routes import read_routes
from secciones.web.pages import login, reset, sections, verify
from secciones.web.routes import Route
from tests.support.emulator import free_port
from tests.support.site import Answer, Pages
from tests.support.stack import Stack

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
    "X-Frame-Options": "DENY",
}
ROUTES = [route for module in (login, verify, sections, reset) for route in module.ROUTES]


def check(answer: Answer, cached: str = "no-store") -> None:
    pairs = (part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert dict(pairs) == POLICY
    expected = EXACTLY | {"Cache-Control": cached}
    assert {name: answer.headers.get(name) for name in expected} == expected
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
    answer = over_http(stack, "/secciones/")
    check(answer)
    assert "X-Powered-By" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 302),
        ("/secciones", 301),
        ("/favicon.ico", 301),
        ("/robots.txt", 301),
        ("/secciones/favicon.ico", 303),
        ("/secciones/robots.txt", 200),
        ("/secciones/nothing", 404),
        ("/nothing", 404),
        ("/secciones/static/nothing.css", 404),
        ("/secciones/static/", 404),
        ("/secciones/centros", 401),
        ("/secciones/salir", 405),
    ],
)
def test_whoever_answers_they_are_there_and_no_word_is_english(stack: Stack, path: str, status: int) -> None:
    answer = over_http(stack, path)
    check(answer)
    assert answer.status == status
    assert "not found" not in answer.text.lower()


def test_a_file_that_may_be_kept_for_ever_has_them_too(stack: Stack) -> None:
    icon = over_http(stack, "/secciones/favicon.ico").headers["Location"]
    answer = over_http(stack, icon)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    check(answer, cached="public, max-age=31536000, immutable")


def test_the_balancers_own_502_and_504_have_them_too(tmp_path: Path) -> None:
    """Fails when the front door puts them on files alone."""

    async def statuses() -> dict[int, Answer]:
        async def wait(_: web.Request) -> web.Response:
            await asyncio.sleep(30)
            return web.Response()

        slow = web.Application()
        slow.router.add_route("*", "/{path:.*}", wait)
        async with TestServer(slow) as function:
            origins = dict.fromkeys(FUNCTIONS, f"http://127.0.0.1:{free_port()}") | {
                "login": str(function.make_url(""))
            }
            door = TestServer(front_door(read_routes(), origins, tmp_path, timeout=0.2))
            async with door, aiohttp.ClientSession() as session:
                found = {}
                for path in ("/secciones/", "/secciones/centros"):
                    async with session.get(door.make_url(path)) as answer:
                        found[answer.status] = Answer(answer.status, answer.headers, [], await answer.text())
                return found

    answers = asyncio.run(statuses())
    assert answers.keys() == {502, 504}
    for answer in answers.values():
        check(answer)


def test_a_search_engine_is_told_to_stay_away(stack: Stack) -> None:
    answer = requests.get(f"{stack.origin}/robots.txt", timeout=30)
    assert (answer.status_code, answer.text) == (200, "User-agent: *\nDisallow: /\n")


def over_http(stack: Stack, path: str) -> Answer:
    answer = requests.get(stack.origin + path, allow_redirects=False, timeout=30)
    return Answer(answer.status_code, answer.headers, [], answer.text)
