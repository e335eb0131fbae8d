"""Threat: some input that nobody thought of makes us fail. Guard: whatever comes, a page with a status below 500 is the
answer, and nothing is changed by what no page of ours has sent."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secciones.domain.errors import InvalidNumber
from secciones.domain.people import Dui, Nie, Nip, clean_name
from secciones.web.pages import login, reset, sections, verify
from tests.support.site import Pages
from tests.support.world import SCHOOL, SECTION, World

ROUTES = [route for module in (login, verify, sections, reset) for route in module.ROUTES]
POSTS = sorted(route.path for route in ROUTES if route.method == "POST" and route.path != "/secciones/salir")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
KNOWN = st.sampled_from(
    ["", "yes", SCHOOL.id, SECTION.id, "e-0", "e-1", "n" * 43, "012345678", "0012345", "-1", "null"]
)
FIELDS = st.sampled_from(["dui", "nip", "school", "section", "student", "all", "form_nonce", "confirmed"]) | TEXT
FORMS = st.dictionaries(FIELDS, st.lists(KNOWN | TEXT, max_size=3), max_size=9)
HEADERS = st.dictionaries(
    st.sampled_from(["X-Forwarded-For", "Origin", "Referer", "Accept", "Content-Type", "Sec-Fetch-Site", "Cookie"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60),
)
one_world = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(World.in_folder(Path(tmp_path_factory.mktemp("used"))))


@one_world
@given(path=st.sampled_from(POSTS), form=FORMS)
def test_any_form_is_answered(used: Pages, path: str, form: dict[str, Any]) -> None:
    used.world.clock.advance(hours=7)
    assert used.post(path, used.verified(), form).status < 500


@one_world
@given(form=FORMS)
def test_no_form_without_its_nonce_and_a_confirmation_changes_anything(used: Pages, form: dict[str, Any]) -> None:
    before = len(used.world.batches())
    used.post("/secciones/restablecer", used.verified(), {**form, "confirmed": ["no"]})
    used.post("/secciones/restablecer", used.verified(), {**form, "form_nonce": ["x"]})
    assert len(used.world.batches()) == before


@one_world
@given(path=TEXT, query=TEXT, method=st.sampled_from(["GET", "POST", "HEAD", "PUT"]), headers=HEADERS, body=st.binary())
def test_any_request_is_answered(
    used: Pages, path: str, query: str, method: str, headers: dict[str, str], body: bytes
) -> None:
    for prefix in ("/secciones/", f"/secciones/centros/{SCHOOL.id}/", "/secciones/resultado/", "/"):
        answer = used.ask(method, prefix + path.replace("?", "").replace("#", ""), "", body or None, headers)
        assert answer.status < 500


@one_world
@given(state=TEXT, code=TEXT, cookie=TEXT.filter(str.isprintable))
def test_any_answer_to_a_sign_in_is_refused(used: Pages, state: str, code: str, cookie: str) -> None:
    value = cookie.encode().decode("latin-1").replace(";", "")
    with_attempt = f"__Host-sign-in={value}"
    with_query = {"state": state, "code": code}
    from urllib.parse import urlencode

    answer = used.ask("GET", f"/secciones/oauth2/callback?{urlencode(with_query)}", with_attempt, None, {})
    assert answer.status == 400


@given(TEXT | st.text("0123456789-– \u200b٠١０１", max_size=70))
def test_a_number_is_read_whole_or_not_at_all(text: str) -> None:
    for kind, length in ((Dui, 9), (Nip, 7)):
        try:
            number = kind.parse(text)
        except InvalidNumber:
            continue
        assert number.digits.isascii()
        assert number.digits.isdigit()
        assert len(number.digits) == length
        assert number.digits not in repr(number)
    try:
        nie = Nie.parse(text)
    except InvalidNumber:
        return
    assert nie.digits.isascii()
    assert nie.digits.isdigit()


@given(st.text(max_size=80))
def test_a_cleaned_name_is_one_printable_line(text: str) -> None:
    cleaned = clean_name(text)
    assert cleaned == clean_name(cleaned)
    assert not set("\r\n\t\x00\u2028\u2029\u202e\u200b") & set(cleaned)
