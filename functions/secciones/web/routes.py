"""The route table of a function: method, path, handler, and the step of identity that the path demands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from secciones.ports.documents import Key
from secciones.services.sessions import Step
from secciones.web.page import Page

P = TypeVar("P")


@dataclass(frozen=True)
class Route(Generic[P]):
    """`step` has no default: a path without a decision about who may see it must not exist. `path` is werkzeug's. While
    operators have paused all resets, of the paths that need a session only those that are `always_open` work. `reads`
    says which document the path names, to be read together with the session; None for a name that is none."""

    method: str
    path: str
    handler: Callable[[Page, P], flask.Response]
    step: Step
    always_open: bool = False
    reads: Callable[[dict[str, str]], Key | None] | None = None


Routes = Sequence[Route[Any]]


class RouteTable:
    """Finds the route for a request. Every POST demands the form's token (CSRF); there is no way to say otherwise."""

    def __init__(self, routes: Routes) -> None:
        rules = [Rule(route.path, methods=[route.method], endpoint=route) for route in routes]
        self._rules = Map(rules, strict_slashes=True, merge_slashes=False).bind("")

    def match(self, request: flask.Request) -> tuple[Route[Any], dict[str, str]]:
        """The route and the values in its path; raises werkzeug's NotFound or MethodNotAllowed."""
        try:
            route, values = self._rules.match(request.path, method=request.method)
        except RequestRedirect as redirect:
            raise NotFound from redirect
        return route, dict(values)
