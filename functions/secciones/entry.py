"""Entry points: a plain function each, as functions-framework demands, wired once an instance.

Settings are read when the function is loaded, so that a deployment with a wrong one fails at once and says what is
wrong; clients are built by the first request. A function with pages imports nothing of tasks, and the other way round.
"""

import functools
import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import flask

from secciones import logs, wiring
from secciones.settings import CallerSettings, CommonSettings, PageSettings, SettingsError, load

if TYPE_CHECKING:
    from secciones.tasks.callers import Caller
    from secciones.web.routes import Routes

S = TypeVar("S", bound=CommonSettings)
T = TypeVar("T")
Handle = Callable[[flask.Request], flask.Response]

_TRACE = re.compile(r"[0-9a-fA-F]{32}")


def http_function(settings_type: type[PageSettings], routes: "Routes") -> Handle:
    """The entry point of a function with pages."""
    from secciones.web import boundary
    from secciones.web.routes import RouteTable

    table = RouteTable(routes)
    settings = _settings(settings_type)
    site, ports = _once(lambda: wiring.site(settings)), _once(lambda: wiring.ports(settings))

    def handle(request: flask.Request) -> flask.Response:
        logs.request_id.set(_request_id(request))
        return boundary.answer(request, site(), table, ports)

    return handle


def task_function(
    settings_type: type[CallerSettings], work: "Callable[[flask.Request, Caller, Any], Mapping[str, Any] | None]"
) -> Handle:
    """The entry point of a background function."""
    from secciones.tasks import answers

    settings = _settings(settings_type)
    caller, ports = _once(lambda: wiring.caller(settings)), _once(lambda: wiring.ports(settings))

    def handle(request: flask.Request) -> flask.Response:
        logs.request_id.set(_request_id(request))
        return answers.answer(lambda: work(request, caller(), ports()))

    return handle


def _settings(settings_type: type[S]) -> S:
    logs.configure()
    try:
        return load(settings_type)
    except SettingsError as error:
        logs.write("CRITICAL", "the function cannot work: correct its settings", problems=str(error).splitlines())
        raise


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """Build at the first request, once for all threads; a build that failed is tried again by the next request."""
    lock = threading.Lock()
    built = functools.cache(build)

    def wired() -> T:
        with lock:
            return built()

    return wired


def _request_id(request: flask.Request) -> str:
    """The trace that the load balancer began, so that one search finds all lines of a request."""
    found = _TRACE.search(request.headers.get("X-Cloud-Trace-Context", "") or request.headers.get("traceparent", ""))
    return found.group().lower() if found else wiring.IDS.token()
