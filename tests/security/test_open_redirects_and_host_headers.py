"""Threat: an address of ours sends people elsewhere, or a header makes us believe that we are someone else. Guard:
every redirect of our own is a fixed path, and no header but the few that we name is believed.

Fails when a page redirects to anything that a request carries, or `site.origin` is taken from its Host.
"""

import re
from urllib.parse import urlsplit

import pytest
import requests

from secciones.web.pages import login, reset, sections, verify
from tests.support.site import Pages
from tests.support.stack import Stack
from tests.support.world import SCHOOL

EVIL = "evil.example"
TARGETS = [f"https://{EVIL}/", f"//{EVIL}/", f"/\\{EVIL}", f"/%2f%2f{EVIL}", f"javascript:alert(1)//{EVIL}"]
NAMES = ["next", "continue", "url", "redirect", "redirect_uri", "return_to", "aviso", "state", "code", "hd", "error"]
PATHS = sorted(
    re.sub("<.*?>", SCHOOL.id, route.path)
    for module in (login, verify, sections, reset)
    for route in module.ROUTES
    if route.method == "GET"
)
FORGED_HEADERS = [
    {"Host": EVIL},
    {"X-Forwarded-Host": EVIL},
    {"Forwarded": f"host={EVIL};proto=http"},
    {"X-Original-URL": "/secciones/centros"},
    {"X-Rewrite-URL": "/secciones/centros"},
    {"X-HTTP-Method-Override": "POST"},
    {"X-Forwarded-Prefix": f"//{EVIL}"},
    {"X-Script-Name": f"//{EVIL}"},
    {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "1"},
    {"Referer": f"https://{EVIL}/"},
    {"X-Goog-Authenticated-User-Email": "accounts.google.com:ministra@clases.edu.sv"},
    {"X-Cloud-Trace-Context": f"<script>{EVIL}</script>"},
    {"traceparent": f"00-{EVIL}-00-01"},
]


def leads_away(location: str) -> bool:
    """Whether a browser that is sent here leaves our own paths."""
    return bool(location) and (not re.match(r"/secciones/", location) or EVIL in location)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_in_an_address_or_header_decides_where_a_page_leads(pages: Pages, path: str) -> None:
    for cookie in ("", pages.signed_in(), pages.verified()):
        usual = pages.get(path, cookie)
        for target in TARGETS:
            query = "&".join(f"{name}={target}" for name in NAMES)
            answer = pages.get(f"{path}?{query}", cookie)
            assert answer.status in {200, 303, 400, 401, 404}
            if path != "/secciones/entrar":
                assert not leads_away(answer.headers.get("Location", ""))
            assert EVIL not in answer.text + repr(answer.headers)
        for headers in FORGED_HEADERS:
            answer = pages.get(path, cookie, **headers)
            assert answer.status == usual.status
            assert EVIL not in answer.text + repr(answer.headers)


def test_google_sends_people_back_to_the_address_in_the_settings_alone(stack: Stack) -> None:
    for headers in FORGED_HEADERS:
        answer = requests.get(
            f"{stack.origin}/secciones/entrar?redirect_uri=https://{EVIL}/&hd={EVIL}",
            headers=headers,
            allow_redirects=False,
            timeout=30,
        )
        assert answer.status_code == 303
        location = urlsplit(answer.headers["Location"])
        assert f"{location.scheme}://{location.netloc}" == stack.google
        assert EVIL not in answer.headers["Location"]


@pytest.mark.parametrize(
    "path",
    [
        f"//{EVIL}/secciones/",
        f"///{EVIL}",
        f"/{EVIL}",
        f"/secciones//{EVIL}",
        "/secciones/../../etc/passwd",
        "/secciones/%2e%2e/%2e%2e/etc/passwd",
        "/secciones/centros/",
        f"/secciones/\\{EVIL}",
        "/secciones/static/../main.py",
        "/secciones/static/..%2f..%2fmain.py",
        "/secciones/static/%2e%2e/main.py",
    ],
)
def test_an_odd_path_is_not_found_and_leads_nowhere(stack: Stack, path: str) -> None:
    request = requests.Request("GET", stack.origin).prepare()
    request.url = stack.origin + path
    with requests.Session() as session:
        answer = session.send(request, allow_redirects=False, timeout=30)
    assert answer.status_code in {400, 404}
    assert "Location" not in answer.headers


def test_a_forged_sender_in_a_header_does_not_make_a_form_ours(pages: Pages) -> None:
    """The origin is held against the settings, not against what the request says that we are called."""
    forged = {"Origin": f"https://{EVIL}", "Host": EVIL, "X-Forwarded-Host": EVIL}
    cookie = pages.verified()
    assert pages.post("/secciones/salir", cookie, **forged).status == 403
    assert pages.session(cookie)
