"""Every request of a page passes the boundary: identity, forms, headers, and a page for whatever goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import pytest

from secciones.domain import errors
from secciones.services.sessions import Session, Step
from secciones.templates import page_environment
from secciones.web import boundary
from secciones.web.errors import error_page
from secciones.web.page import Page, Site
from secciones.web.pages import login, reset, sections, verify
from secciones.web.routes import Route, RouteTable
from secciones.web.session import SESSION_COOKIE, csrf_token
from tests.support.html import check_page
from tests.support.site import SALT
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[3]
SECRET = "s" * 32
ORIGIN = "https://www.clases.edu.sv"
ALL_ROUTES = [*login.ROUTES, *verify.ROUTES, *sections.ROUTES, *reset.ROUTES]


@dataclass(eq=False)
class Handler:
    """Answers or fails, and knows whether it was called."""

    failure: Exception | None = None
    called: int = 0

    def __call__(self, page: Page, _: None) -> flask.Response:
        self.called += 1
        if self.failure:
            raise self.failure
        return page.render("pages/landing.html", notice="")


@dataclass
class Front:
    """One path for each step, with GET and POST, behind the boundary."""

    world: World
    site: Site
    handler: Handler

    def ask(
        self,
        path: str = "/open",
        method: str = "GET",
        cookie: str = "",
        data: Mapping[str, object] | None = None,
        **headers: str,
    ) -> flask.Response:
        routes = [Route(verb, f"/{step.name.lower()}", self.handler, step) for step in Step for verb in ("GET", "POST")]
        table = RouteTable([*routes, Route("GET", "/open", self.handler, Step.NOBODY)])
        all_headers = headers | ({"Cookie": f"{SESSION_COOKIE}={cookie}"} if cookie else {})
        with flask.Flask("test").test_request_context(path, method=method, data=data, headers=all_headers) as context:
            return boundary.answer(context.request, self.site, table, lambda: None)

    def session(self, *, verified: bool) -> tuple[str, Session]:
        cookie = self.world.sessions.open(
            "google-1", "ana@x", "Ana", "d-1" if verified else "", "actor-1" if verified else ""
        )
        session = self.world.sessions.find(cookie)[0]
        assert session is not None
        return cookie, session


@pytest.fixture
def front(world: World) -> Front:
    templates = page_environment(ROOT / "web/templates", "/secciones/static/{}".format, "Ministerio de Educación", "x")
    return Front(world, Site(templates, world.sessions, world.audit, world.clock, SECRET, ORIGIN), Handler())


def test_a_page_that_needs_a_session_says_what_to_do_without_one(front: Front) -> None:
    for path in ("/signed_in", "/verified"):
        response = front.ask(path)
        assert response.status_code == 401
        check_page(response.get_data(as_text=True))
    assert front.handler.called == 0


def test_a_session_that_has_not_shown_dui_and_nip_is_sent_there(front: Front) -> None:
    cookie, _ = front.session(verified=False)
    response = front.ask("/verified", cookie=cookie)
    assert (response.status_code, response.headers["Location"]) == (303, "/secciones/identidad")
    assert front.ask("/signed_in", cookie=cookie).status_code == 200


@pytest.mark.parametrize("cookie", ["x", "a" * 43, "../../etc", "é" * 20, "a" * 5000])
def test_a_forged_cookie_is_no_session(front: Front, cookie: str) -> None:
    assert front.ask("/signed_in", cookie=cookie.encode().decode("latin-1")).status_code == 401


def test_a_form_without_the_sessions_own_token_is_refused_and_changes_nothing(front: Front) -> None:
    cookie, _ = front.session(verified=True)
    _, other = front.session(verified=True)
    for token in ("", "x", csrf_token(other.id, SECRET, SALT), "ñ" * 70):
        response = front.ask("/verified", "POST", cookie, {"csrf_token": token})
        assert response.status_code == 403
    assert front.handler.called == 0


def test_a_form_with_the_token_is_taken(front: Front) -> None:
    cookie, session = front.session(verified=True)
    form = {"csrf_token": csrf_token(session.id, SECRET, SALT)}
    assert front.ask("/verified", "POST", cookie, form).status_code == 200
    assert front.ask("/verified", "POST", cookie, form, Origin=ORIGIN).status_code == 200
    assert front.handler.called == 2


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://www.clases.edu.sv.evil.example"])
def test_a_form_from_another_site_is_refused_even_with_the_token(front: Front, origin: str) -> None:
    cookie, session = front.session(verified=True)
    form = {"csrf_token": csrf_token(session.id, SECRET, SALT)}
    assert front.ask("/verified", "POST", cookie, form, Origin=origin).status_code == 403
    assert front.handler.called == 0


def test_a_form_that_is_too_large_is_refused(front: Front) -> None:
    cookie, session = front.session(verified=True)
    form: dict[str, object] = {"csrf_token": csrf_token(session.id, SECRET, SALT), "x": "y" * 100_000}
    response = front.ask("/verified", "POST", cookie, form)
    assert response.status_code == 413
    check_page(response.get_data(as_text=True))


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/nothing", "GET", 404),
        ("/open/", "GET", 404),
        ("//open", "GET", 404),
        ("/open", "DELETE", 405),
        ("/open", "POST", 405),
        ("/open", "HEAD", 200),
    ],
)
def test_paths_and_methods_that_do_not_exist_have_their_pages(
    front: Front, path: str, method: str, status: int
) -> None:
    assert front.ask(path, method).status_code == status


def every_error() -> list[type[Exception]]:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SeccionesError)
    ]
    background = {
        errors.SeccionesError, errors.CallerRefused, errors.LeaseHeld, errors.LeaseLost, errors.SealLost,
        errors.ListingExpired, errors.MailRefused, errors.ChangeRefused, errors.InvalidNumber, errors.IdentityRefused,
    }  # fmt: skip
    return [kind for kind in kinds if kind not in background]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_that_a_page_can_end_with_has_a_page_of_its_own(front: Front, kind: type[Exception]) -> None:
    arguments: dict[type[Exception], tuple[object, ...]] = {
        errors.TooManyAttempts: (front.world.clock.now(),),
        errors.TooManySelected: (200,),
        errors.TooManyBatches: (3, front.world.clock.now()),
        errors.FormAlreadyUsed: ("a" * 26,),
        errors.ResendRefused: ("a" * 26,),
        errors.DirectoryUnavailable: ("quotaExceeded",),
        errors.MailUnavailable: ("quotaExceeded",),
    }
    front.handler.failure = kind(*arguments.get(kind, ()))
    response = front.ask()

    assert response.status_code == error_page(front.handler.failure).status != 500
    check_page(response.get_data(as_text=True))
    told_by_its_use_case = kind in {
        errors.WrongDomain,
        errors.NotATeacherAccount,
        errors.TwoStepRequired,
        errors.TooManyAttempts,
        errors.ResetsPaused,
    }
    assert [event.kind for event in front.world.audit.events] == ([] if told_by_its_use_case else ["refusal"])


def test_a_fault_in_the_program_is_a_page_without_a_word_of_it(front: Front, log_lines: list[dict[str, Any]]) -> None:
    front.handler.failure = KeyError("Luis Ramos 01234567-8")
    response = front.ask()
    assert response.status_code == 500
    text = response.get_data(as_text=True)
    check_page(text)
    [line] = log_lines
    assert line["severity"] == "CRITICAL"
    assert line["where"]
    assert "Luis Ramos" not in text + str(line)


def test_a_store_that_is_down_is_a_page_too(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise errors.DocumentsUnavailable

    monkeypatch.setattr(front.world.documents, "transact", down)
    monkeypatch.setattr(front.world.audit, "record", down)
    response = front.ask("/signed_in", cookie="a" * 43)
    assert response.status_code == 503
    check_page(response.get_data(as_text=True))


def test_every_answer_carries_the_headers_that_keep_a_page_to_itself(front: Front) -> None:
    for response in (front.ask(), front.ask("/nothing"), front.ask("/verified")):
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_only_the_way_in_is_open_to_everybody(route: Route[object]) -> None:
    ways_in = {"/secciones/", "/secciones/entrar", "/secciones/oauth2/callback"}
    open_to_all = ways_in | {"/secciones/guia", "/secciones/favicon.ico", "/secciones/robots.txt"}
    assert (route.step is Step.NOBODY) == (route.path in open_to_all)
    if "centros" in route.path or "restablecer" in route.path or "resultado" in route.path:
        assert route.step >= Step.VERIFIED
