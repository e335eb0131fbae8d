"""Entry points: a plain function each, as functions-framework demands, wired once an instance."""

import functools
import re
import threading
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import flask

from secciones import logs, wiring
from secciones.settings import CallerSettings, CommonSettings, PageSettings, SettingsError, load
from secciones.tasks import answers
from secciones.tasks.callers import Caller
from secciones.web import boundary
from secciones.web.routes import Routes, RouteTable

S = TypeVar("S", bound=CommonSettings)
T = TypeVar("T")
Handle = Callable[[flask.Request], flask.Response]

_TRACE = re.compile(r"[0-9a-fA-F]{32}")


def http_function(settings_type: type[PageSettings], routes: Routes) -> Handle:
    """The entry point of a function with pages."""
    table = RouteTable(routes)

    def build() -> tuple[Any, Any]:
        settings = _settings(settings_type)
        return wiring.site(settings), wiring.ports(settings)

    wired = _once(build)

    def handle(request: flask.Request) -> flask.Response:
        logs.request_id.set(_request_id(request))
        site, ports = wired()
        return boundary.answer(request, site, table, ports)

    return handle


def task_function(settings_type: type[CallerSettings], work: Callable[[flask.Request, Caller, Any], None]) -> Handle:
    """The entry point of a background function."""

    def build() -> tuple[Caller, Any]:
        settings = _settings(settings_type)
        return wiring.caller(settings), wiring.ports(settings)

    wired = _once(build)

    def handle(request: flask.Request) -> flask.Response:
        logs.request_id.set(_request_id(request))
        caller, ports = wired()
        return answers.answer(lambda: work(request, caller, ports))

    return handle


def _settings(settings_type: type[S]) -> S:
    try:
        return load(settings_type)
    except SettingsError as error:
        logs.write("CRITICAL", "the function cannot work: correct its settings", problems=str(error).splitlines())
        raise


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """Build at the first request, once for all threads; a build that failed is tried again by the next request."""
    lock = threading.Lock()

    @functools.cache
    def built() -> T:
        logs.configure()
        return build()

    def wired() -> T:
        with lock:
            return built()

    return wired


def _request_id(request: flask.Request) -> str:
    """The trace that the load balancer began, so that one search finds all lines of a request."""
    found = _TRACE.search(request.headers.get("X-Cloud-Trace-Context", "") or request.headers.get("traceparent", ""))
    return found.group().lower() if found else uuid.uuid4().hex
