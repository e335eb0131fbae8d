"""Threat: another site sends a form with the teacher's cookie. Guards: the form's token, which follows from the
session;
the origin that the browser reports; SameSite cookies; and no GET that does anything.

Take the token, the origin or the sender out of `_require_own_form` (`web/boundary.py`), and a test here turns red.
"""

from collections.abc import Callable

import pytest

from secciones.web.pages import login, reset, sections, verify
from secciones.web.session import csrf_token
from tests.support.site import SALT, SECRET, Pages
from tests.support.stack import Stack
from tests.support.visitor import Visitor, open_section
from tests.support.world import DUI_AND_NIP, SCHOOL, SECTION

POSTS = [route.path for module in (login, verify, sections, reset) for route in module.ROUTES if route.method == "POST"]
FORM = {
    "dui": DUI_AND_NIP[0],
    "nip": DUI_AND_NIP[1],
    "school": SCHOOL.id,
    "section": SECTION.id,
    "student": "e-0",
    "form_nonce": "n" * 43,
    "confirmed": "yes",
}
FOREIGN = {
    "cross-site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "cross-site, an old browser": {"Origin": "https://evil.example"},
    "a sibling": {"Origin": "https://otro.clases.edu.sv", "Sec-Fetch-Site": "same-site"},
    "a look-alike": {"Origin": "https://www.clases.edu.sv.evil.example"},
    "without TLS": {"Origin": "http://www.clases.edu.sv"},
    "another port": {"Origin": "https://www.clases.edu.sv:8443"},
    "null": {"Origin": "null"},
    "null, a sandboxed frame": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "only the browser's word": {"Origin": "https://www.clases.edu.sv", "Sec-Fetch-Site": "same-site"},
}


def another_sessions(pages: Pages, cookie: str) -> str:
    return csrf_token(pages.session(pages.verified()).id, SECRET, SALT)


def the_cookies_own_value(pages: Pages, cookie: str) -> str:
    return cookie


def another_keys(pages: Pages, cookie: str) -> str:
    return csrf_token(pages.session(cookie).id, "x" * 32, SALT)


TOKENS: dict[str, Callable[[Pages, str], str]] = {
    "none": lambda pages, cookie: "",
    "another session's": another_sessions,
    "the cookie's own value": the_cookies_own_value,
    "another key's": another_keys,
}


@pytest.fixture
def cookie(pages: Pages) -> str:
    return pages.verified()


def assert_nothing_happened(pages: Pages, cookie: str) -> None:
    world = pages.world
    assert pages.session(cookie).teacher_id, "the session is still there"
    assert world.registry.asked == 0
    assert (world.batches(), world.queue.tasks) == ([], [])
    assert list(world.documents.query("throttles", {}, "attempts", 10)) == []
    assert list(world.documents.query("teachers", {}, "subject", 10)) == []


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("sender", FOREIGN)
def test_a_form_from_elsewhere_does_nothing_even_with_the_right_token(
    pages: Pages, cookie: str, path: str, sender: str
) -> None:
    assert pages.post(path, cookie, FORM, **FOREIGN[sender]).status == 403
    assert_nothing_happened(pages, cookie)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", TOKENS)
def test_a_form_without_the_sessions_own_token_does_nothing(pages: Pages, cookie: str, path: str, token: str) -> None:
    form = FORM | {"csrf_token": TOKENS[token](pages, cookie)}
    assert pages.post(path, cookie, form).status == 403
    assert_nothing_happened(pages, cookie)


@pytest.mark.parametrize("path", POSTS)
def test_a_token_in_the_address_or_in_a_header_is_none(pages: Pages, cookie: str, path: str) -> None:
    token = csrf_token(pages.session(cookie).id, SECRET, SALT)
    form = FORM | {"csrf_token": ""}
    answer = pages.post(f"{path}?csrf_token={token}", cookie, form, **{"X-CSRF-Token": token})
    assert answer.status == 403
    assert_nothing_happened(pages, cookie)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/xml", ""])
def test_a_body_that_is_no_form_does_nothing(pages: Pages, cookie: str, path: str, kind: str) -> None:
    """What another site's script may send without asking first."""
    token = csrf_token(pages.session(cookie).id, SECRET, SALT)
    body = f'{{"csrf_token": "{token}", "confirmed": "yes"}}&csrf_token={token}'
    headers = {"Origin": pages.origin, "Content-Type": kind}
    assert pages.ask("POST", path, cookie, body, headers).status == 403
    assert_nothing_happened(pages, cookie)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_does_what_a_form_does(pages: Pages, cookie: str, path: str, method: str) -> None:
    token = csrf_token(pages.session(cookie).id, SECRET, SALT)
    headers = {"Origin": pages.origin, "X-HTTP-Method-Override": "POST"}
    query = "&".join(f"{name}={value}" for name, value in (FORM | {"csrf_token": token, "_method": "POST"}).items())
    assert pages.ask(method, f"{path}?{query}", cookie, None, headers).status in {200, 303, 404, 405}
    assert pages.session(cookie)
    assert (pages.world.audit.outcomes("verification"), pages.world.batches()) == ([], [])


def test_the_form_itself_works(pages: Pages, cookie: str) -> None:
    """Else all of the above would be refused for some other reason."""
    answer = pages.post("/secciones/restablecer", cookie, FORM, **{"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 303
    assert len(pages.world.batches()) == 1


@pytest.mark.usefixtures("nothing_changes")
def test_over_http_a_form_from_another_site_is_refused(stack: Stack) -> None:
    teacher = Visitor(stack.origin)
    section = open_section(teacher, teacher.enter(stack.person("marta")))
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        fields = [
            (element.get("name", ""), element.get("value", ""))
            for element in section.form("/secciones/restablecer").iter("input")
            if element.get("name")
        ]
        answer = teacher.post("/secciones/restablecer", [*fields, ("confirmed", "yes")], **headers)
        assert answer.status == 403
