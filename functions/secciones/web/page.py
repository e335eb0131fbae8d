"""What a handler is given: the request, the session, and how to answer."""

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any

import flask
import jinja2

from secciones.ports.audit import AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Key
from secciones.services.sessions import Session, Sessions
from secciones.web.errors import BadRequest
from secciones.web.session import csrf_token

# Of a school, a section, a student: what SIGES or OneRoster may call them, and no step to another folder.
ID = re.compile(r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._@-]{1,255}")


@dataclass(frozen=True)
class User:
    """The signed-in person, as the menu at the top right shows them."""

    name: str
    address: str

    @property
    def initial(self) -> str:
        """The letter in the circle."""
        return self.name[:1].upper()


@dataclass(frozen=True)
class Site:
    """What all pages of a function share."""

    templates: jinja2.Environment
    sessions: Sessions
    audit: AuditLog
    clock: Clock
    session_secret: str = field(repr=False)
    origin: str


@dataclass
class Page:
    """One request on its way to an answer; the boundary adds what it finds out. `read` are the documents that came
    together with the session."""

    site: Site
    request: flask.Request
    request_id: str
    session: Session | None = None
    path_values: dict[str, str] = field(default_factory=dict)
    read: dict[Key, Document | None] = field(default_factory=dict)

    @property
    def visitor(self) -> Session:
        """The session, on the pages whose route demands one."""
        if self.session is None:
            raise LookupError("a route that needs a session must say so in its table")
        return self.session

    @property
    def csrf_token(self) -> str:
        """The token for the forms of this page, another text in every answer; empty without a session."""
        return csrf_token(self.session.id, self.site.session_secret, self.request_id) if self.session else ""

    def field(self, name: str) -> str:
        """A field of the submitted form; empty when it is not there."""
        return self.request.form.get(name, "")

    def render(self, template: str, status: int = 200, **context: Any) -> flask.Response:
        """A page from a template."""
        html = self.site.templates.get_template(template).render(
            user=User(self.session.name, self.session.address) if self.session else None,
            csrf_token=self.csrf_token,
            request_id=self.request_id,
            status=status,
            **context,
        )
        return flask.Response(html, status, mimetype="text/html")

    def render_for_anybody(self, template: str, **context: str) -> flask.Response:
        """A page that says the same to everybody who is not signed in, in few variants: each is made once."""
        if self.session:
            return self.render(template, 200, **context)
        html = _for_anybody(self.site.templates, template, tuple(context.items()))
        return flask.Response(html, mimetype="text/html")

    def redirect(self, path: str) -> flask.Response:
        """See the other page, with GET."""
        return flask.Response(status=303, headers={"Location": path})

    def json(self, value: Any) -> flask.Response:
        """An answer for a script."""
        return flask.Response(json.dumps(value), mimetype="application/json")


@functools.lru_cache(maxsize=8)
def _for_anybody(templates: jinja2.Environment, template: str, context: tuple[tuple[str, str], ...]) -> bytes:
    return templates.get_template(template).render(user=None, csrf_token="", **dict(context)).encode()


def matching(pattern: re.Pattern[str], value: str) -> str:
    """The value, when all of it is as the pattern says. Raises BadRequest."""
    if not pattern.fullmatch(value):
        raise BadRequest
    return value
