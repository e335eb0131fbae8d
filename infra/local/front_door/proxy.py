"""Forward a request to its function as Google's load balancer would.

What the functions may rely on in the cloud they get here too: the caller's Host, the client's
address second to last in X-Forwarded-For, a trace id, and no cookie or header of the balancer's
own. What users may meet they meet here too: its bare 502 and 504.
"""

import io
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict
from yarl import URL

from infra.local.front_door.routes import STATIC, Redirect, Routes
from infra.local.front_door.static import static_file
from secciones.web.headers import HEADERS

log = logging.getLogger("front_door")

BODY_LIMIT = 32 * 2**20  # Cloud Run's own
HEADER_LIMIT = 64 * 2**10  # the load balancer's, for the address and the headers
HOP_BY_HOP = {
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# The client library's habits, which are not the browser's.
NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

UNAVAILABLE = """
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>502 Server Error</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: Server Error</h1>
<h2>The server encountered a temporary error and could not complete your request.<p>\
Please try again in 30 seconds.</h2>
<h2></h2>
</body></html>
"""


def front_door(
    routes: Routes,
    functions: Mapping[str, str],
    static: Path,
    timeout: float = 300.0,
) -> web.Application:
    """The balancer before `functions` (name → origin) and the folder of static files.

    `timeout` is how long, in seconds, a function may take to answer.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if redirect := routes.redirects.get(path):
            return _redirect(redirect, request.rel_url.raw_query_string)
        backend = routes.backend(path)
        if backend == STATIC:
            return static_file(request, static)
        return await _forward(request, URL(functions[backend]), application[SESSION], timeout)

    application = web.Application(client_max_size=BODY_LIMIT, middlewares=[_logged])
    application.on_response_prepare.append(_secure)
    application.cleanup_ctx.append(_client_session)
    application.router.add_route("*", "/{path:.*}", answer)
    return application


SESSION = web.AppKey("session", aiohttp.ClientSession)


async def _client_session(application: web.Application) -> AsyncIterator[None]:
    # A connection a request: a function closes an idle one at a moment that nobody can know.
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        application[SESSION] = session
        yield


@web.middleware
async def _logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request, without the query: a sign-in's code travels there."""
    start = time.monotonic()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        took = (time.monotonic() - start) * 1000
        log.info("%s %s %d %.0f ms", request.method, request.rel_url.raw_path, status, took)


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    """The pages' headers on whatever is not a page, as the balancer's custom headers put them there."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


async def _forward(
    request: web.Request, origin: URL, session: aiohttp.ClientSession, timeout: float
) -> web.StreamResponse:
    body = await request.read()
    target = URL(f"{origin}".rstrip("/") + request.rel_url.raw_path_qs, encoded=True)
    try:
        async with session.request(
            request.method,
            target,
            headers=_request_headers(request),
            data=io.BytesIO(body) if body else None,
            allow_redirects=False,
            skip_auto_headers=NOT_ADDED,
            timeout=aiohttp.ClientTimeout(total=timeout, connect=5),
        ) as upstream:
            return await _relay(request, upstream)
    except aiohttp.ConnectionTimeoutError:
        return _unavailable()
    except TimeoutError:
        return web.Response(status=504, text="upstream request timeout")
    except aiohttp.ClientError as error:
        log.warning("%s is not there: %s", origin, type(error).__name__)
        return _unavailable()


def _redirect(redirect: Redirect, query: str) -> web.Response:
    location = f"{redirect.to}?{query}" if query else redirect.to
    return web.Response(status=redirect.status, headers={"Location": location})


def _unavailable() -> web.Response:
    return web.Response(status=502, text=UNAVAILABLE, content_type="text/html", charset="utf-8")


async def _relay(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=_end_to_end(upstream.headers))
    response.headers["Via"] = "1.1 google"
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
    except (aiohttp.ClientError, TimeoutError):
        # The status is out already: only a cut connection still says that the body is not whole.
        if request.transport:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _request_headers(request: web.Request) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    headers.popall("Content-Length", None)  # the client library counts the body that it sends
    client, own = request.remote or "127.0.0.1", _own_address(request)
    supplied = [*headers.popall("X-Forwarded-For", []), client, own]
    headers["X-Forwarded-For"] = ",".join(supplied)
    headers["X-Forwarded-Proto"] = request.scheme
    headers.add("Via", "1.1 google")
    _trace(headers)
    return headers


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers that are not about one connection."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP and name.lower() not in named
    )


def _own_address(request: web.Request) -> str:
    socket = request.transport.get_extra_info("sockname") if request.transport else None
    return str(socket[0]) if socket else "127.0.0.1"


def _trace(headers: CIMultiDict[str]) -> None:
    """Give the request a trace, in both of the forms that Google sends, unless it has one."""
    if "X-Cloud-Trace-Context" in headers:
        return
    given = headers.get("traceparent", "").split("-")
    if len(given) == 4:
        trace, span = given[1], given[2]
    else:
        trace, span = secrets.token_hex(16), secrets.token_hex(8)
        headers["traceparent"] = f"00-{trace}-{span}-01"
    number = int(span, 16) if span.isalnum() and _is_hex(span) else 0
    headers["X-Cloud-Trace-Context"] = f"{trace}/{number};o=1"


def _is_hex(text: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in text)
