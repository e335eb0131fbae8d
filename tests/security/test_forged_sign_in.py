"""Threat: someone comes in with another's answer from Google, or makes another come in as them. Guards: state, nonce
and PKCE in a signed cookie, a verified ID token, the domain in `hd`, and the teachers' unit.

Take the comparison of the state (`web/pages/login.py`), a claim (`adapters/google_oidc.py`), `hd`, the verified
address or the unit (`services/sign_in.py`) out, and a test here turns red.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from secciones.adapters.google_oidc import GoogleIdentityProvider
from tests.support.issuer import TOKEN, Issuer
from tests.support.scripted_http import scripted_server
from tests.support.site import Answer, Pages
from tests.support.stack import Stack
from tests.support.visitor import Visit, Visitor
from tests.support.world import DOMAIN, SESSION, account

CLIENT = "secciones.apps.example"
CALLBACK = "/secciones/oauth2/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with scripted_server() as server:
        yield Issuer(server)


@pytest.fixture
def pages(pages: Pages, issuer: Issuer) -> Pages:
    """With the real client of an identity provider that says what a test wants."""
    pages.provider = GoogleIdentityProvider(issuer.server.url, CLIENT, "secret", f"{pages.origin}{CALLBACK}", DOMAIN)
    pages.world.directory.accounts[SESSION.address] = account(99, address=SESSION.address, org_unit="/Docentes/10001")
    return pages


def begin(pages: Pages) -> tuple[str, dict[str, str]]:
    """The cookie of an attempt, and what Google was asked."""
    answer = pages.get("/secciones/entrar")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    (cookie,) = (re.match("__Host-sign-in=[^;]+", one) for one in answer.cookies)
    assert cookie
    return cookie[0], asked


def come_back(pages: Pages, issuer: Issuer, key: str = "first", /, **claims: Any) -> Answer:
    """An attempt that Google answers with these claims."""
    cookie, asked = begin(pages)
    good = {
        "aud": CLIENT,
        "sub": "117",
        "email": SESSION.address,
        "hd": DOMAIN,
        "name": "Ana",
        "nonce": asked["nonce"],
    }
    issuer.exchanges_codes_for(issuer.token(key, **good | claims))
    return pages.get(f"{CALLBACK}?code=c&state={asked['state']}", cookie)


def nobody_came_in(pages: Pages, answer: Answer) -> bool:
    sessions = list(pages.world.documents.query("sessions", {}, "opened_at", 10))
    return not sessions and not any(cookie.startswith("__Host-session") for cookie in answer.cookies)


def test_the_teacher_comes_in(pages: Pages, issuer: Issuer) -> None:
    """Else all of the following would be refused for some other reason."""
    answer = come_back(pages, issuer)
    assert (answer.status, answer.headers["Location"]) == (303, "/secciones/identidad")
    assert not nobody_came_in(pages, answer)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"hd": None}, 403),
        ({"hd": "otra.edu.sv"}, 403),
        ({"hd": ""}, 403),
        ({"hd": [DOMAIN]}, 403),
        ({"hd": DOMAIN.upper()}, 403),
        ({"email": "ana@otra.edu.sv"}, 403),
        ({"email": f"ana@evil.{DOMAIN}"}, 403),
        ({"email": f"ana@evil{DOMAIN}"}, 403),
        ({"email_verified": False}, 400),
        ({"email_verified": None}, 400),
        ({"email_verified": "true"}, 400),
        ({"nonce": "another"}, 400),
        ({"nonce": None}, 400),
        ({"nonce": ""}, 400),
        ({"aud": "another.apps.example"}, 400),
        ({"aud": None}, 400),
        ({"iss": "https://accounts.evil.example"}, 400),
        ({"iss": "accounts.google.com"}, 400),
        ({"exp": 1_000_000_000}, 400),
        ({"sub": None}, 400),
        ({"email": None}, 400),
    ],
    ids=str,
)
def test_a_token_that_proves_something_else_lets_nobody_in(
    pages: Pages, issuer: Issuer, claims: dict[str, Any], status: int
) -> None:
    answer = come_back(pages, issuer, **claims)
    assert answer.status == status
    assert nobody_came_in(pages, answer)


def test_a_token_signed_by_another_lets_nobody_in(pages: Pages, issuer: Issuer) -> None:
    answer = come_back(pages, issuer, "stolen")
    assert answer.status == 400
    assert nobody_came_in(pages, answer)


@pytest.mark.parametrize(
    "unit", ["/Estudiantes/10001", "/", "/Docentes-x", "/Estudiantes/Docentes", "/docente", None], ids=str
)
def test_an_account_that_is_no_teachers_is_turned_away(pages: Pages, issuer: Issuer, unit: str | None) -> None:
    pages.world.directory.accounts.clear()
    if unit:
        pages.world.directory.accounts[SESSION.address] = account(99, address=SESSION.address, org_unit=unit)
    answer = come_back(pages, issuer)
    assert answer.status == 403
    assert nobody_came_in(pages, answer)


# State and code


@pytest.mark.parametrize("state", ["", "x", "another's", "ñ" * 43, "%00"])
def test_an_answer_with_another_state_is_not_even_exchanged(pages: Pages, issuer: Issuer, state: str) -> None:
    cookie, _ = begin(pages)
    _, another = begin(pages)
    exchanged = len(issuer.server.asked_for(TOKEN))
    answer = pages.get(f"{CALLBACK}?code=c&state={another['state'] if state.startswith('another') else state}", cookie)
    assert answer.status == 400
    assert nobody_came_in(pages, answer)
    assert len(issuer.server.asked_for(TOKEN)) == exchanged


def test_an_attempt_is_good_for_ten_minutes_and_only_as_we_signed_it(pages: Pages, issuer: Issuer) -> None:
    exchanged = len(issuer.server.asked_for(TOKEN))
    cookie, asked = begin(pages)
    name, value = cookie.split("=", 1)
    body, stamp, signature = value.rsplit(".", 2)
    for forged in ("", body, f"{body}.{stamp}.", f"{body}.{stamp}.{signature[:-2]}xx", f"x{value}", "é", "x" * 5000):
        answer = pages.get(f"{CALLBACK}?code=c&state={asked['state']}", f"{name}={forged}")
        assert answer.status == 400
        assert nobody_came_in(pages, answer)
    assert len(issuer.server.asked_for(TOKEN)) == exchanged


def test_the_attempts_verifier_travels_to_google_in_the_exchange_alone(pages: Pages, issuer: Issuer) -> None:
    assert come_back(pages, issuer).status == 303
    form = issuer.server.asked_for(TOKEN)[-1].form
    assert len(form["code_verifier"]) >= 43
    _, asked = begin(pages)
    assert (asked["code_challenge_method"], "code_verifier" in asked) == ("S256", False)


# Over HTTP, with Google's stand-in, which enforces PKCE and codes that are good once


def answer_of_google(stack: Stack, person: dict[str, str]) -> tuple[Visitor, str]:
    """A browser that has signed in with Google and not yet come back, and the address that brings it back."""
    visitor = Visitor(stack.origin)
    follow = visitor.session.get_redirect_target
    visitor.session.get_redirect_target = (  # type: ignore[method-assign, assignment, unused-ignore]
        lambda resp: None if CALLBACK in resp.headers.get("Location", "") else follow(resp)
    )
    stopped: Visit = visitor.sign_in(person["address"], person["password"])
    visitor.session.get_redirect_target = follow  # type: ignore[method-assign]
    return visitor, stopped.headers["Location"]


@pytest.mark.usefixtures("nothing_changes")
def test_nobody_is_made_to_come_in_as_the_attacker(stack: Stack) -> None:
    """Login CSRF: the victim's browser is sent to the attacker's answer."""
    _, attackers = answer_of_google(stack, stack.person("karla"))
    for victim in (Visitor(stack.origin), answer_of_google(stack, stack.person("oscar"))[0]):
        assert victim.get(attackers).status == 400
        assert not victim.cookie()


@pytest.mark.usefixtures("nothing_changes")
def test_a_stolen_code_is_worth_nothing_in_another_browser(stack: Stack) -> None:
    """Code injection: the attacker's own state, the victim's code."""
    _, victims = answer_of_google(stack, stack.person("oscar"))
    thief, thiefs = answer_of_google(stack, stack.person("karla"))
    code, state = (parse_qs(urlsplit(url).query)[name][0] for url, name in ((victims, "code"), (thiefs, "state")))
    assert thief.get(f"{CALLBACK}?code={code}&state={state}").status == 400
    assert not thief.cookie()


@pytest.mark.usefixtures("nothing_changes")
def test_an_answer_is_good_once(stack: Stack) -> None:
    visitor, back = answer_of_google(stack, stack.person("oscar"))
    attempt = visitor.session.cookies.get("__Host-sign-in")
    assert visitor.get(back).path == "/secciones/identidad"
    assert visitor.session.cookies.get("__Host-sign-in") is None
    assert visitor.get(back).status == 400, "the attempt is gone from the browser"

    thief = Visitor(stack.origin)
    thief.session.headers["Cookie"] = f"__Host-sign-in={attempt}"
    assert thief.get(back).status == 400, "and the code is spent at Google"
    assert not thief.cookie()
