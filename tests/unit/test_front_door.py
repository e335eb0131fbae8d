"""The front door behaves like the load balancer that stands before the functions in the cloud."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from infra.local.configuration import FUNCTIONS
from infra.local.front_door.proxy import BODY_LIMIT, HEADER_LIMIT, front_door
from infra.local.front_door.routes import read_routes
from tests.support.emulator import free_port

Answer = aiohttp.ClientResponse
Exchange = Callable[[aiohttp.ClientSession, URL], Awaitable[Any]]


async def _echo(request: web.Request) -> web.StreamResponse:
    """A function that tells what reached it, or does what the path says."""
    path = request.rel_url.raw_path
    if path.endswith("/lento"):
        await asyncio.sleep(30)
    if path.endswith("/cortado"):
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"part")
        assert request.transport is not None
        request.transport.abort()
        return response
    if path.endswith("/fuera"):
        raise web.HTTPSeeOther("/secciones/otro")
    seen = {
        "method": request.method,
        "target": request.rel_url.raw_path_qs,
        "headers": [[name.lower(), value] for name, value in request.headers.items()],
        "body": (await request.read()).decode(),
    }
    answer = web.json_response(seen, headers={"Connection": "X-Hop", "X-Hop": "1"})
    answer.headers.add("Set-Cookie", "a=1")
    answer.headers.add("Set-Cookie", "b=2")
    return answer


def _through_the_door(static: Path, exchange: Exchange, functions: dict[str, str] | None = None) -> Any:
    """The result of an exchange with a front door before an echoing function."""

    async def run() -> Any:
        function = web.Application(client_max_size=2 * BODY_LIMIT)
        function.router.add_route("*", "/{path:.*}", _echo)
        limits: dict[str, Any] = {"max_line_size": HEADER_LIMIT, "max_field_size": HEADER_LIMIT}
        echo = TestServer(function)
        await echo.start_server(**limits)
        origins = functions or dict.fromkeys(FUNCTIONS, str(echo.make_url("")))
        door = TestServer(front_door(read_routes(), origins, static, timeout=1.0))
        await door.start_server(**limits)
        async with echo, door, aiohttp.ClientSession(auto_decompress=False) as session:
            return await exchange(session, door.make_url(""))

    return asyncio.run(run())


def _ask(
    static: Path, method: str, path: str, functions: dict[str, str] | None = None, **options: Any
) -> tuple[Answer, str]:
    async def exchange(session: aiohttp.ClientSession, door: URL) -> tuple[Answer, str]:
        target = URL(str(door).rstrip("/") + path, encoded=True)
        async with session.request(method, target, allow_redirects=False, **options) as answer:
            return answer, await answer.text()

    result: tuple[Answer, str] = _through_the_door(static, exchange, functions)
    return result


def _headers(body: str) -> dict[str, str]:
    return dict(json.loads(body)["headers"])


@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/secciones/", "login"),
        ("/secciones/salir", "login"),
        ("/secciones/identidad", "verify"),
        ("/secciones/centros", "sections"),
        ("/secciones/centros/99101/7a", "sections"),
        ("/secciones/restablecer", "reset"),
        ("/secciones/resultado/abc/estado", "reset"),
        ("/secciones/static/app.css", "static"),
        ("/secciones/centrosx", "login"),
        ("/nada", "login"),
    ],
)
def test_a_path_leads_to_its_function_and_an_unknown_one_to_the_default(path: str, backend: str) -> None:
    assert read_routes().backend(path) == backend


def test_method_path_query_body_and_host_arrive_as_they_were_sent(tmp_path: Path) -> None:
    _, body = _ask(
        tmp_path,
        "PUT",
        "/secciones/centros/%C3%B1%2Fa?q=1%202&q=",
        data="uno=dos",
        headers={"Host": "ejemplo.sv", "Cookie": "s=1"},
    )

    seen = json.loads(body)
    assert (seen["method"], seen["body"]) == ("PUT", "uno=dos")
    assert seen["target"] == "/secciones/centros/%C3%B1%2Fa?q=1%202&q="
    assert _headers(body)["host"] == "ejemplo.sv"
    assert _headers(body)["cookie"] == "s=1"


def test_the_clients_address_is_the_second_last_whatever_the_client_claims(tmp_path: Path) -> None:
    _, body = _ask(tmp_path, "GET", "/secciones/", headers={"X-Forwarded-For": "8.8.8.8"})

    assert _headers(body)["x-forwarded-for"] == "8.8.8.8,127.0.0.1,127.0.0.1"
    assert _headers(body)["x-forwarded-proto"] == "http"


def test_a_request_without_a_trace_gets_one_and_one_with_a_trace_keeps_it(tmp_path: Path) -> None:
    _, fresh = _ask(tmp_path, "GET", "/secciones/")
    _, given = _ask(tmp_path, "GET", "/secciones/", headers={"X-Cloud-Trace-Context": "abc/1"})
    parent = "00-0af7651916cd43dd8448eb211c80319c-00000000000000ff-01"
    _, followed = _ask(tmp_path, "GET", "/secciones/", headers={"traceparent": parent})

    trace = _headers(fresh)["x-cloud-trace-context"].split("/")[0]
    assert _headers(fresh)["traceparent"].split("-")[1] == trace
    assert _headers(given)["x-cloud-trace-context"] == "abc/1"
    assert _headers(followed)["x-cloud-trace-context"] == "0af7651916cd43dd8448eb211c80319c/255;o=1"


def test_an_answer_keeps_every_cookie_and_loses_what_is_about_the_connection(
    tmp_path: Path,
) -> None:
    answer, _ = _ask(tmp_path, "GET", "/secciones/")

    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert "X-Hop" not in answer.headers


def test_a_functions_redirect_is_handed_on_not_followed(tmp_path: Path) -> None:
    answer, _ = _ask(tmp_path, "POST", "/secciones/fuera")

    assert (answer.status, answer.headers["Location"]) == (303, "/secciones/otro")


def test_head_is_answered_without_a_body_and_with_its_length(tmp_path: Path) -> None:
    answer, body = _ask(tmp_path, "HEAD", "/secciones/")

    assert (answer.status, body) == (200, "")
    assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("path", "status", "target"),
    [
        ("/", 302, "/secciones/"),
        ("/secciones?a=1", 301, "/secciones/?a=1"),
        ("/favicon.ico", 301, "/secciones/favicon.ico"),
        ("/robots.txt", 301, "/secciones/robots.txt"),
    ],
)
def test_an_address_that_people_and_programs_guess_leads_to_ours(
    tmp_path: Path, path: str, status: int, target: str
) -> None:
    answer, _ = _ask(tmp_path, "GET", path)

    assert (answer.status, answer.headers["Location"]) == (status, target)


def test_a_function_that_is_down_gives_the_balancers_own_502(tmp_path: Path) -> None:
    nobody = dict.fromkeys(FUNCTIONS, f"http://127.0.0.1:{free_port()}")

    answer, body = _ask(tmp_path, "POST", "/secciones/restablecer", nobody)

    assert answer.status == 502
    assert "Please try again in 30 seconds" in body


def test_a_function_that_takes_too_long_gives_504(tmp_path: Path) -> None:
    answer, body = _ask(tmp_path, "GET", "/secciones/lento")

    assert (answer.status, body) == (504, "upstream request timeout")


def test_an_answer_that_is_cut_is_not_passed_off_as_whole(tmp_path: Path) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        _ask(tmp_path, "GET", "/secciones/cortado")


def test_a_body_above_the_platforms_limit_is_refused(tmp_path: Path) -> None:
    answer, _ = _ask(tmp_path, "POST", "/secciones/salir", data=io.BytesIO(bytes(BODY_LIMIT + 1)))

    assert answer.status == 413


def test_a_very_long_query_reaches_the_function(tmp_path: Path) -> None:
    _, body = _ask(tmp_path, "GET", "/secciones/?q=" + "a" * 10_000)

    assert len(json.loads(body)["target"]) > 10_000


def test_a_static_file_is_served_for_ever_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "app.0123abcd.css").write_text("a {}")

    answer, body = _ask(tmp_path, "GET", "/secciones/static/app.0123abcd.css")

    assert (answer.status, body) == (200, "a {}")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("path", ["no.css", "../secret", "%2e%2e/secret", "..%2fsecret", "", "folder"])
def test_nothing_but_a_static_file_is_served_as_one(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "static/folder").mkdir(parents=True)

    answer, body = _ask(tmp_path / "static", "GET", f"/secciones/static/{path}")

    assert (answer.status, body) == (404, ""), "no words in a language that a visitor may not read"


def test_a_static_file_cannot_be_posted_to(tmp_path: Path) -> None:
    answer, body = _ask(tmp_path, "POST", "/secciones/static/app.css")

    assert (answer.status, answer.headers["Allow"], body) == (405, "GET, HEAD", "")
