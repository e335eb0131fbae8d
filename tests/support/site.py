"""All pages over a world, in this process: the real routes, boundary and templates, without a network between."""

import contextlib
import functools
import mimetypes
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import jinja2
from werkzeug.security import safe_join
from werkzeug.serving import make_server

from infra.local.front_door.routes import read_routes
from secciones.ports.sign_in import IdentityProvider
from secciones.services.live_look import LiveLook
from secciones.services.sessions import Session, Sessions
from secciones.services.sign_in import Institution
from secciones.services.verify_identity import VerificationRules
from secciones.templates import page_environment
from secciones.web import boundary
from secciones.web.page import Site
from secciones.web.pages import login, reset, sections, verify
from secciones.web.routes import RouteTable
from secciones.web.session import SESSION_COOKIE, csrf_token
from tests.support.fakes import FakeProvider
from tests.support.html import check_page_once
from tests.support.world import DOMAIN, RULES, SESSION, TEACHER, VERIFICATION, World

WEB = Path(__file__).resolve().parents[2] / "web"
SECRET = "s" * 32
SALT = "salt"
TABLES = {
    name: RouteTable(module.ROUTES)
    for name, module in {"login": login, "verify": verify, "sections": sections, "reset": reset}.items()
}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    text: str


@dataclass
class Pages:
    """The four functions with pages. `verification` and `provider` may be exchanged; so may all that the world has."""

    world: World
    origin: str = "https://www.clases.edu.sv"
    verification: VerificationRules = VERIFICATION
    requires_two_step: bool = False
    provider: IdentityProvider = field(default_factory=FakeProvider)
    routes: Any = field(default_factory=read_routes)

    def get(self, path: str, cookie: str = "", **headers: str) -> Answer:
        return self.ask("GET", path, cookie, None, headers)

    def post(self, path: str, cookie: str = "", form: Any = None, **headers: str) -> Answer:
        """A form as our own page sends it, with the token of the cookie's session."""
        session = self.sessions.find(cookie)[0] if cookie else None
        token = {"csrf_token": csrf_token(session.id, SECRET, SALT)} if session else {}
        return self.ask("POST", path, cookie, token | (form or {}), {"Origin": self.origin} | headers)

    def ask(self, method: str, path: str, cookie: str, data: Any, headers: Mapping[str, str]) -> Answer:
        """Any request at all; a cookie without a name is the session's."""
        if cookie and "=" not in cookie:
            cookie = f"{SESSION_COOKIE}={cookie}"
        all_headers = {"X-Forwarded-For": "198.51.100.7, 203.0.113.1"} | dict(headers)
        all_headers |= {"Cookie": cookie} if cookie else {}
        with flask.Flask("site").test_request_context(path, method=method, data=data, headers=all_headers) as context:
            response = self.answer(context.request)
            text = response.get_data(as_text=True)
            if response.mimetype == "text/html" and text:  # a redirect has nothing
                check_page_once(text)
            once = [name for name, _ in response.headers if name not in {"Set-Cookie", "Vary"}]
            assert len(once) == len(set(once)), f"a header twice: {once}"
            return Answer(response.status_code, dict(response.headers), response.headers.getlist("Set-Cookie"), text)

    def answer(self, request: flask.Request) -> flask.Response:
        name = self.routes.backend(request.path)
        return boundary.answer(request, self._site(), TABLES[name], lambda: self._ports(name))

    @functools.cached_property
    def look(self) -> LiveLook:
        return LiveLook(self.world.documents, self.world.clock, self.world.directory, "/Estudiantes", busy=2)

    @property
    def sessions(self) -> Sessions:
        return self.world.sessions

    def signed_in(self, subject: str = SESSION.subject, address: str = SESSION.address) -> str:
        """The cookie of someone who came in with Google and has shown nothing yet."""
        return self.sessions.open(subject, address, TEACHER.name)

    def verified(self) -> str:
        """The cookie of the world's teacher, who has just shown DUI and NIP."""
        return self.sessions.open(SESSION.subject, SESSION.address, TEACHER.name, TEACHER.id, SESSION.actor)

    def session(self, cookie: str) -> Session:
        found = self.sessions.find(cookie)[0]
        assert found is not None
        return found

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """The pages and their static files on a free port, for a browser; yields their origin."""
        app = flask.Flask("site", static_folder=None)
        app.add_url_rule("/secciones/static/<path:name>", view_func=_static)
        app.add_url_rule("/<path:_>", view_func=lambda _: self.answer(flask.request), methods=["GET", "POST"])
        server = make_server("127.0.0.1", 0, app, threaded=True)
        self.origin = f"http://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self.origin
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _site(self) -> Site:
        return Site(_templates(), self.sessions, self.world.audit, self.world.clock, SECRET, self.origin)

    def _ports(self, name: str) -> Any:
        world = self.world
        match name:
            case "login":
                institution = Institution(DOMAIN, "/Docentes", self.requires_two_step)
                return login.LoginPorts(self.provider, world.directory, world.ids, institution)
            case "verify":
                return verify.VerifyPorts(world.registry, world.documents, world.clock, self.verification, 2)
            case "sections":
                return sections.SectionsPorts(
                    world.registry, world.documents, world.clock, world.ids, self.look, DOMAIN, RULES.batch_limit
                )
            case _:
                return reset.ResetPorts(
                    world.registry, world.documents, world.queue, world.sealer, world.clock, world.ids, RULES
                )


def _static(name: str) -> flask.Response:
    """Read whole: of a file that a browser does not wait for, nothing is left open."""
    path = safe_join(str(WEB / "static"), name)
    if path is None or not Path(path).is_file():
        flask.abort(404)
    return flask.Response(Path(path).read_bytes(), mimetype=mimetypes.guess_type(name)[0])


@functools.cache
def _templates() -> jinja2.Environment:
    """Compiled once for all tests of a process, as an instance of a function does it."""
    return page_environment(
        WEB / "templates", lambda name: f"/secciones/static/{name}", "Ministerio de Educación", DOMAIN
    )
