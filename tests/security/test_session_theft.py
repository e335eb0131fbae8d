"""Threat: a session is planted, doubled, stolen or left open. Guards: every step has a new cookie, the cookie is the
host's alone, the store knows only its hash, and sessions end: idle, at last, and for *Procesar* soon.

Take the rotation, either end, the closing at sign-in or sign-out (`services/sessions.py`, `web/pages/login.py`), the
count of cookies (`web/session.py`) or the step (`web/boundary.py`) out, and a test here turns red.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest

from secciones.ports.documents import Transaction
from secciones.ports.sign_in import Identity
from tests.support.fakes import FakeProvider
from tests.support.site import Pages
from tests.support.stack import Stack
from tests.support.visitor import Visitor
from tests.support.world import DOMAIN, DUI_AND_NIP, SCHOOL, SECTION, SESSION, account

NUMBERS = {"dui": DUI_AND_NIP[0], "nip": DUI_AND_NIP[1]}
FORM = {
    "school": SCHOOL.id,
    "section": SECTION.id,
    "student": "e-0",
    "form_nonce": "n" * 43,
    "confirmed": "yes",
}


@pytest.fixture
def pages(pages: Pages) -> Pages:
    """Google knows the teacher, who has an account among the teachers'."""
    identity = Identity(SESSION.subject, SESSION.address, "Ana", DOMAIN, address_is_verified=True)
    pages.provider = FakeProvider(identity)
    pages.world.directory.accounts[SESSION.address] = account(99, address=SESSION.address, org_unit="/Docentes")
    return pages


def given(answer_cookies: list[str], name: str) -> str:
    (value,) = [value for cookie in answer_cookies if (value := SimpleCookie(cookie)) and name in value]
    return str(value[name].value)


def come_back_from_google(pages: Pages, cookie: str = "") -> str:
    """Sign in with a browser that already has a cookie; the value of the session's cookie afterwards."""
    begun = pages.get("/secciones/entrar", cookie)
    state = re.search("state=(.*)", begun.headers["Location"])
    assert state
    attempt = f"__Host-sign-in={given(begun.cookies, '__Host-sign-in')}"
    planted = f"; __Host-session={cookie}" if cookie else ""
    back = pages.get(f"/secciones/oauth2/callback?code=good-code&state={state[1]}", attempt + planted)
    assert back.status == 303
    return given(back.cookies, "__Host-session")


def is_in(pages: Pages, cookie: str) -> bool:
    answer = pages.get("/secciones/identidad", cookie)
    assert answer.status in {200, 303, 401}
    return answer.status != 401


@pytest.mark.parametrize("planted", ["a" * 43, "attacker", "token-0"])
def test_a_planted_value_never_becomes_a_session(pages: Pages, planted: str) -> None:
    new = come_back_from_google(pages, planted)
    assert new != planted
    assert is_in(pages, new)
    assert not is_in(pages, planted)


def test_a_planted_session_of_the_attackers_own_ends_when_the_victim_signs_in(pages: Pages) -> None:
    attackers = pages.signed_in("google-9", f"attacker@{DOMAIN}")
    victims = come_back_from_google(pages, attackers)
    assert pages.session(victims).subject == SESSION.subject
    assert not is_in(pages, attackers)


def test_the_cookie_of_before_dui_and_nip_is_worth_nothing_after(pages: Pages) -> None:
    before = come_back_from_google(pages)
    raised = pages.post("/secciones/identidad", before, NUMBERS)
    after = given(raised.cookies, "__Host-session")
    assert before != after
    assert pages.get("/secciones/centros", after).status in {200, 303}
    assert not is_in(pages, before)


def test_a_cookie_is_worth_nothing_after_leaving(pages: Pages) -> None:
    cookie = pages.verified()
    left = pages.post("/secciones/salir", cookie)
    assert left.status == 303
    assert "Max-Age=0" in next(one for one in left.cookies if one.startswith("__Host-session="))
    assert not is_in(pages, cookie)


def test_leaving_wins_over_a_request_that_renews_the_session_at_the_same_moment(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = pages.verified()
    documents, session = pages.world.documents, pages.session(cookie)
    pages.world.clock.advance(minutes=10)
    transact = documents.transact

    def read_then_leave(work: Callable[[Transaction], object]) -> object:
        found = transact(work)
        patch.undo()
        documents.delete("sessions", session.id)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(documents, "transact", read_then_leave)
        assert pages.sessions.find(cookie)[0]
    assert documents.get("sessions", session.id) is None
    assert not is_in(pages, cookie)


@pytest.mark.parametrize("order", [1, -1])
def test_two_cookies_of_the_name_are_no_session(pages: Pages, order: int) -> None:
    """One of them was planted, and whoever planted it must not choose which is taken."""
    both = [pages.verified(), pages.signed_in("google-9", f"attacker@{DOMAIN}")][::order]
    header = "; ".join(f"__Host-session={value}" for value in both)
    assert pages.get("/secciones/identidad", header).status == 401
    assert pages.post("/secciones/salir", header).status == 401
    assert all(is_in(pages, value) for value in both)


@pytest.mark.parametrize("name", ["session", "__Secure-session", "__host-session", "__Host-sessions"])
def test_a_cookie_without_the_prefix_is_none(pages: Pages, name: str) -> None:
    """`__Host-` is what keeps a sibling domain from planting one."""
    assert pages.get("/secciones/identidad", f"{name}={pages.verified()}").status == 401


def test_a_session_ends_after_a_quarter_of_an_hour_without_a_request(pages: Pages) -> None:
    cookie = pages.verified()
    for _ in range(4):
        pages.world.clock.advance(minutes=14)
        assert is_in(pages, cookie)
    pages.world.clock.advance(minutes=15)
    assert not is_in(pages, cookie)
    assert pages.get("/secciones/centros", cookie).status == 401


def test_a_session_ends_eight_hours_after_the_sign_in_however_busy(pages: Pages) -> None:
    cookie = pages.signed_in()
    began = pages.world.clock.now()
    while pages.world.clock.now() - began < timedelta(hours=4):
        pages.world.clock.advance(minutes=10)
        assert is_in(pages, cookie)
    raised = pages.post("/secciones/identidad", cookie, NUMBERS)
    cookie = given(raised.cookies, "__Host-session")
    while pages.world.clock.now() - began < timedelta(hours=8) - timedelta(minutes=10):
        pages.world.clock.advance(minutes=10)
        assert is_in(pages, cookie)
    pages.world.clock.advance(minutes=10)
    assert not is_in(pages, cookie), "DUI and NIP again do not make it longer"


@pytest.mark.parametrize("confirmed", ["yes", ""])
def test_nothing_is_processed_on_dui_and_nip_older_than_twenty_minutes(pages: Pages, confirmed: str) -> None:
    cookie = pages.verified()
    for _ in range(2):
        pages.world.clock.advance(minutes=10, seconds=1)
        assert pages.get(f"/secciones/centros/{SCHOOL.id}/{SECTION.id}", cookie).status == 200
    asked = pages.world.registry.asked
    refused = pages.post("/secciones/restablecer", cookie, FORM | {"confirmed": confirmed})
    assert refused.status == 403
    assert "Confirme de nuevo su identidad" in refused.text
    assert (pages.world.batches(), pages.world.registry.asked) == ([], asked)

    assert pages.get("/secciones/identidad", cookie).status == 200, "the form is shown again"
    raised = pages.post("/secciones/identidad", cookie, NUMBERS)
    fresh = given(raised.cookies, "__Host-session")
    assert pages.post("/secciones/restablecer", fresh, FORM).status == 303
    assert len(pages.world.batches()) == 1


def test_until_then_it_is_processed(pages: Pages) -> None:
    cookie = pages.verified()
    for _ in range(2):
        pages.world.clock.advance(minutes=10)
        assert is_in(pages, cookie)
    assert pages.post("/secciones/restablecer", cookie, FORM).status == 303


def test_the_store_holds_no_cookie_that_could_be_used(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> None:
    cookie = pages.verified()
    stored = list(pages.world.documents.query("sessions", {}, "opened_at", 10))
    assert stored
    assert cookie not in repr(stored)
    assert not is_in(pages, pages.session(cookie).id), "nor is what the store calls it a cookie"
    other = Pages(replace(pages.world))
    assert other.session(cookie)


def test_cookies_are_the_hosts_alone_secure_and_out_of_reach_of_scripts(stack: Stack) -> None:
    visitor = Visitor(stack.origin)
    landing = visitor.get("/secciones/")
    begun = visitor.session.get(landing.links()["Iniciar sesión con Google"], allow_redirects=False, timeout=30)
    visitor.enter(stack.person("karla"))
    identity = visitor.get("/secciones/identidad")
    assert "__Host-session" not in identity.headers.get("Set-Cookie", "")
    left = visitor.session.post(
        f"{stack.origin}/secciones/salir",
        {"csrf_token": identity.form("/secciones/salir").find(".//input[@name='csrf_token']").get("value")},  # type: ignore[union-attr]
        headers={"Origin": stack.origin},
        allow_redirects=False,
        timeout=30,
    )
    for answer in (begun, left):
        ((name, cookie),) = SimpleCookie(answer.headers["Set-Cookie"]).items()
        assert name.startswith("__Host-")
        assert (cookie["path"], cookie["domain"]) == ("/", "")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
