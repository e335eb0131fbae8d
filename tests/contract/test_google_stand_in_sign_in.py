"""The stand-in's sign-in: OpenID Connect as a client sees it, and the pages as a person does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.auth import jwt as google_jwt
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from infra.local.google.crypt_hash import crypt_matches
from tests.support.google_stand_in import (
    ARCHIVED,
    CLIENT_ID,
    CLIENT_SECRET,
    DOMAIN,
    NEWCOMER,
    OTHER_TEACHER,
    OUTSIDER,
    PASSWORD,
    REDIRECT,
    STUDENT,
    SUSPENDED,
    TEACHER,
    Browser,
    StandIn,
    code_of,
    directory,
    exchange,
    redirected,
    running_stand_in,
)
from tests.support.html import problems_of

TEMPORARY = "gato-nube-483726"
OWN = "mi-clave-propia-9"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running_stand_in(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture
def google(server: StandIn) -> StandIn:
    server.clear()
    server.control("accounts", {"address": STUDENT, "password": PASSWORD, "changePasswordAtNextLogin": False})
    return server


@pytest.fixture
def browser(google: StandIn) -> Iterator[Browser]:
    made = Browser(google)
    yield made
    made.close()


def claims_of(google: StandIn, token: str) -> dict[str, Any]:
    """What google-auth makes of an ID token with the stand-in's JWK set."""
    with requests.Session() as session:
        verified = id_token.verify_token(
            token,
            Request(session),
            audience=CLIENT_ID,
            certs_url=f"{google.url}/oauth2/v3/certs",
        )
    return dict(verified)


def test_a_client_gets_an_id_token_that_google_auth_verifies(google: StandIn, browser: Browser) -> None:
    back = redirected(browser.sign_in(TEACHER))
    answer = exchange(google, back["code"])
    claims = claims_of(google, answer.json()["id_token"])

    assert (back["state"], back["hd"]) == ("the state", DOMAIN)
    assert answer.json()["token_type"] == "Bearer"
    assert {name: claims[name] for name in ("iss", "aud", "azp", "email", "hd", "nonce", "name")} == {
        "iss": google.url,
        "aud": CLIENT_ID,
        "azp": CLIENT_ID,
        "email": TEACHER,
        "hd": DOMAIN,
        "nonce": "the nonce",
        "name": "Ana María Muñoz de Peña",
    }
    assert claims["email_verified"] is True
    assert re.fullmatch(r"\d{21}", claims["sub"])
    assert claims["exp"] - claims["iat"] == 3600


def test_the_subject_is_the_directory_s_id(google: StandIn, browser: Browser) -> None:
    token = exchange(google, code_of(browser.sign_in(TEACHER))).json()["id_token"]

    with directory(google) as service:
        assert claims_of(google, token)["sub"] == service.users().get(userKey=TEACHER).execute()["id"]


def test_the_older_form_of_the_keys_verifies_the_same_token(google: StandIn, browser: Browser) -> None:
    token = exchange(google, code_of(browser.sign_in(TEACHER))).json()["id_token"]
    certificates = requests.get(f"{google.url}/oauth2/v1/certs", timeout=10).json()

    assert google_jwt.decode(token, certs=certificates, audience=CLIENT_ID)["email"] == TEACHER


def test_a_person_of_another_domain_signs_in_without_hd(google: StandIn, browser: Browser) -> None:
    back = redirected(browser.sign_in(OUTSIDER))
    claims = claims_of(google, exchange(google, back["code"]).json()["id_token"])

    assert claims["email"] == OUTSIDER
    assert "hd" not in claims
    assert "hd" not in back


def test_an_alias_signs_in_as_the_primary_address(google: StandIn, browser: Browser) -> None:
    token = exchange(google, code_of(browser.sign_in(f"ana@{DOMAIN}"))).json()["id_token"]

    assert claims_of(google, token)["email"] == TEACHER


def test_userinfo_tells_what_the_scopes_allow(google: StandIn, browser: Browser) -> None:
    token = exchange(google, code_of(browser.sign_in(TEACHER, scope="openid email"))).json()["access_token"]
    answer = requests.get(f"{google.url}/v1/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=10)

    assert answer.json()["email"] == TEACHER
    assert "name" not in answer.json()
    assert requests.get(f"{google.url}/v1/userinfo", timeout=10).status_code == 401


def test_a_revoked_token_is_good_for_nothing(google: StandIn, browser: Browser) -> None:
    token = exchange(google, code_of(browser.sign_in(TEACHER))).json()["access_token"]

    assert requests.post(f"{google.url}/revoke", data={"token": token}, timeout=10).status_code == 200

    again = requests.post(f"{google.url}/revoke", data={"token": token}, timeout=10)
    used = requests.get(f"{google.url}/v1/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert (again.status_code, used.status_code) == (400, 401)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "otro.apps.googleusercontent.com"}, 401, "invalid_client"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT}/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://example.com/"}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "email profile"}, 400, "invalid_scope"),
        ({"scope": "openid https://www.googleapis.com/auth/drive"}, 400, "invalid_scope"),
        ({"state": None}, 400, "invalid_request"),
        ({"nonce": None}, 400, "invalid_request"),
        ({"code_challenge": None}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"code_challenge_method": None}, 400, "invalid_request"),
        ({"code_challenge": "corto"}, 400, "invalid_request"),
        ({"prompt": "insist"}, 400, "invalid_request"),
    ],
)
def test_a_request_that_is_wrong_is_shown_and_never_redirected(
    browser: Browser, changes: dict[str, str | None], status: int, error: str
) -> None:
    page = browser.authorize(**changes)

    assert page.status_code == status
    assert f"<code>{error}</code>" in page.text


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "adivinado"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"client_id": "otro"}, 401, "invalid_client"),
        ({"redirect_uri": "http://localhost:9999/otra"}, 400, "redirect_uri_mismatch"),
        ({"code_verifier": "w" * 64}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"code": "4/0Ainventado"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_an_exchange_that_is_wrong_gets_google_s_error(
    google: StandIn, browser: Browser, changes: dict[str, str], status: int, error: str
) -> None:
    answer = exchange(google, **{"code": code_of(browser.sign_in(TEACHER))} | changes)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_a_client_may_authenticate_by_header(google: StandIn, browser: Browser) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": code_of(browser.sign_in(TEACHER)),
        "redirect_uri": REDIRECT,
        "code_verifier": browser.verifier,
    }
    answer = requests.post(f"{google.url}/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)

    assert answer.status_code == 200


def test_a_code_works_once(google: StandIn, browser: Browser) -> None:
    code = code_of(browser.sign_in(TEACHER))

    assert exchange(google, code).status_code == 200
    assert exchange(google, code).json()["error"] == "invalid_grant"


def test_a_code_that_was_tried_with_a_wrong_verifier_is_spent(google: StandIn, browser: Browser) -> None:
    code = code_of(browser.sign_in(TEACHER))

    assert exchange(google, code, verifier="w" * 64).status_code == 400
    assert exchange(google, code).json()["error"] == "invalid_grant"


def test_the_chooser_offers_the_sample_people_with_a_note_in_the_hinted_domain(browser: Browser) -> None:
    in_domain = re.findall(r'name="account" value="([^"]+)"', browser.authorize().text)
    all_of_them = re.findall(r'name="account" value="([^"]+)"', browser.authorize(hd=None).text)

    assert in_domain == [TEACHER]
    assert all_of_them == [TEACHER, OUTSIDER]


def test_a_person_is_chosen_from_the_list(browser: Browser) -> None:
    page = browser.submit(browser.authorize(), "/v3/signin/identifier", account=TEACHER)

    assert 'name="password"' in page.text
    assert TEACHER in page.text


def test_an_unknown_address_is_told_so_in_google_s_words(browser: Browser) -> None:
    for address in (f"nadie@{DOMAIN}", "1000001", "<script>alert(1)</script>"):
        page = browser.choose(browser.authorize(), address)

        assert "No pudimos encontrar su Cuenta de Google." in page.text
        assert "<script>" not in page.text


def test_a_wrong_password_is_told_so(browser: Browser) -> None:
    page = browser.sign_in(TEACHER, "no-es-esta")

    assert page.status_code == 200
    assert "Contraseña incorrecta" in page.text


@pytest.mark.parametrize("address", [SUSPENDED, ARCHIVED])
def test_a_suspended_account_is_told_so_after_its_password(browser: Browser, address: str) -> None:
    assert "Contraseña incorrecta" in browser.sign_in(address, "no-es-esta").text
    assert "Su cuenta está suspendida" in browser.sign_in(address).text


def test_a_hint_leads_straight_to_the_password(browser: Browser) -> None:
    assert 'name="password"' in browser.authorize(prompt=None, login_hint=TEACHER).text
    assert "Elija una cuenta" in browser.authorize(login_hint=TEACHER).text
    assert "Elija una cuenta" in browser.authorize(prompt=None, login_hint=f"nadie@{DOMAIN}").text


def test_a_slip_s_code_leads_straight_to_the_password_also_beside_another_account(
    google: StandIn, browser: Browser
) -> None:
    browser.sign_in(TEACHER)
    pages = {
        address: browser.session.get(f"{google.url}/AddSession", params={"Email": address}, timeout=10).text
        for address in (STUDENT, f"nadie@{DOMAIN}", "")
    }
    assert 'name="password"' in pages[STUDENT]
    assert STUDENT in pages[STUDENT]
    assert all("Elija una cuenta" in pages[address] for address in (f"nadie@{DOMAIN}", ""))


def test_who_cancels_is_sent_back_with_access_denied(browser: Browser) -> None:
    back = redirected(browser.submit(browser.authorize(), "/v3/signin/cancel"))

    assert back == {"error": "access_denied", "state": "the state"}


def test_without_a_prompt_only_who_has_signed_in_gets_a_code(google: StandIn, browser: Browser) -> None:
    assert redirected(browser.authorize(prompt="none"))["error"] == "login_required"

    browser.sign_in(TEACHER)

    token = exchange(google, code_of(browser.authorize(prompt="none"))).json()["id_token"]
    assert claims_of(google, token)["email"] == TEACHER
    browser.session.post(f"{google.url}/Logout", timeout=10)
    assert redirected(browser.authorize(prompt="none"))["error"] == "login_required"


def test_the_chooser_is_shown_to_a_person_who_has_signed_in(browser: Browser) -> None:
    browser.sign_in(TEACHER)

    assert "Elija una cuenta" in browser.authorize().text
    assert browser.sign_in(OTHER_TEACHER).status_code == 302


def test_a_page_that_was_never_given_out_has_expired(browser: Browser, google: StandIn) -> None:
    for path in ("/v3/signin/identifier", "/v3/signin/challenge/pwd", "/v3/signin/changepassword"):
        page = browser.session.post(f"{google.url}{path}", data={"flow": "inventado"}, timeout=10)

        assert page.status_code == 400
        assert "Esta página caducó" in page.text


def test_the_new_password_page_cannot_be_skipped_to(browser: Browser) -> None:
    page = browser.choose(browser.authorize(), STUDENT)

    answer = browser.renew(page, OWN)

    assert answer.status_code == 400
    assert browser.sign_in(STUDENT, OWN).status_code == 200


def test_a_temporary_password_works_once_and_has_to_be_changed(google: StandIn, browser: Browser) -> None:
    with directory(google) as service:
        change = {"password": TEMPORARY, "changePasswordAtNextLogin": True}
        service.users().patch(userKey=STUDENT, body=change).execute()

    assert "Contraseña incorrecta" in browser.own_page(STUDENT, PASSWORD).text
    page = browser.own_page(STUDENT, TEMPORARY)
    assert "Cambie su contraseña" in page.text
    for refused, again, why in (
        (TEMPORARY, TEMPORARY, "que no haya usado antes"),
        ("corta", "corta", "8 caracteres o más"),
        (OWN, "otra-distinta", "no coinciden"),
        ("contraseña-con-ñ", "contraseña-con-ñ", "sin tilde"),
        ("", "", "Ingrese una contraseña"),
    ):
        page = browser.renew(page, refused, again)
        assert why in page.text
    assert browser.renew(page, OWN).headers["Location"] == "/signin"

    assert "Ha ingresado como Zoila Ávalos" in browser.session.get(f"{google.url}/signin", timeout=10).text
    assert "Contraseña incorrecta" in browser.own_page(STUDENT, TEMPORARY).text
    assert browser.own_page(STUDENT, OWN).status_code == 302
    with directory(google) as service:
        assert service.users().get(userKey=STUDENT).execute()["changePasswordAtNextLogin"] is False


def test_a_password_changed_on_the_way_to_a_client_ends_at_the_client(google: StandIn, browser: Browser) -> None:
    google.control("accounts", {"address": STUDENT, "password": TEMPORARY, "changePasswordAtNextLogin": True})

    code = code_of(browser.renew(browser.sign_in(STUDENT, TEMPORARY), OWN))

    assert claims_of(google, exchange(google, code).json()["id_token"])["email"] == STUDENT


def test_a_change_page_works_once(google: StandIn, browser: Browser) -> None:
    google.control("accounts", {"address": STUDENT, "password": TEMPORARY, "changePasswordAtNextLogin": True})
    page = browser.own_page(STUDENT, TEMPORARY)

    assert browser.renew(page, OWN).status_code == 302
    assert browser.renew(page, "una-tercera-clave").status_code == 400


def test_signing_in_is_seen_by_the_directory(google: StandIn, browser: Browser) -> None:
    with directory(google) as service:
        before = service.users().get(userKey=NEWCOMER).execute()
        browser.own_page(NEWCOMER, PASSWORD)
        after = service.users().get(userKey=NEWCOMER).execute()

    assert (before["lastLoginTime"][:4], before["agreedToTerms"]) == ("1970", False)
    assert after["lastLoginTime"] > "2026"
    assert after["agreedToTerms"] is True


def test_a_person_suspended_meanwhile_gets_no_token(google: StandIn, browser: Browser) -> None:
    code = code_of(browser.sign_in(OTHER_TEACHER))
    google.control("accounts", {"address": OTHER_TEACHER, "suspended": True})

    answer = exchange(google, code)

    google.control("accounts", {"address": OTHER_TEACHER, "suspended": False})
    assert answer.json()["error"] == "invalid_grant"


def test_sign_in_keys_codes_and_sessions_survive_a_kill(google: StandIn, browser: Browser) -> None:
    code = code_of(browser.sign_in(TEACHER))
    keys = requests.get(f"{google.url}/oauth2/v3/certs", timeout=10).json()

    google.restart()

    assert requests.get(f"{google.url}/oauth2/v3/certs", timeout=10).json() == keys
    assert claims_of(google, exchange(google, code).json()["id_token"])["email"] == TEACHER
    assert "Ha ingresado como" in browser.session.get(f"{google.url}/signin", timeout=10).text


def test_the_discovery_document_leads_to_what_is_served(google: StandIn) -> None:
    document = requests.get(f"{google.url}/.well-known/openid-configuration", timeout=10).json()

    assert document["issuer"] == google.url
    assert document["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri"):
        assert requests.get(document[name], timeout=10).status_code != 404


def test_every_page_is_valid_html(google: StandIn, browser: Browser) -> None:
    google.control("accounts", {"address": STUDENT, "changePasswordAtNextLogin": True})
    chooser = browser.authorize()
    pages = [
        chooser,
        browser.choose(chooser, "nadie@example.com"),
        browser.choose(chooser, TEACHER),
        browser.enter(chooser, TEACHER, "no"),
        browser.enter(chooser, STUDENT, PASSWORD),
        browser.enter(chooser, SUSPENDED, PASSWORD),
        browser.authorize(state=None),
        browser.session.get(f"{google.url}/mail/", timeout=10),
    ]
    browser.sign_in(TEACHER)
    pages.append(browser.session.get(f"{google.url}/signin", timeout=10))

    for page in pages:
        # Its forms carry a secret of their own in place of the service's csrf_token.
        assert [problem for problem in problems_of(page.text) if "csrf_token" not in problem] == []
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("kept", "password"),
    [
        ("$5$rounds=2000$abc$1m.esuwGsWQUGcyFnXqyvIoUiDRgQeKyZHnlZHW2XP2", "Hello world!"),
        (
            "$6$rounds=1500$saltstringsaltst$vmOcZML2A6GkXtOdRl2GBB1V/V581GFnTVokhooBudw/"
            "DSyONzb7ZT5IJaBTCKguQzurjQUAaI8Gcay8suPnD/",
            "Hello world!",
        ),
        ("$1$abcdefgh$RAACyPJgyZkwwCU2vKY6X0", "a" * 70),
    ],
)
def test_crypt_hashes_are_those_of_the_c_library(kept: str, password: str) -> None:
    assert crypt_matches(kept, password)
    assert not crypt_matches(kept, password + "x")
