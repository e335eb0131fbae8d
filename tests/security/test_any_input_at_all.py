"""Threat: some input that nobody thought of makes us fail. Guard: whatever comes, a page with a status below 500 is
the answer, and nothing is changed by what no page of ours has sent.

In the long form 100,000 inputs are tried on the pages alone. Fails when a handler takes a field as it comes: leave
`_matching` out of `_choice` (`web/pages/reset.py`), or a check out of a parser in domain/people.py.
"""

import contextlib
import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.errors import InvalidNumber
from secciones.domain.people import Dui, Nie, Nip, clean_name
from secciones.settings import (
    LoginSettings,
    ResetSettings,
    SectionsSettings,
    SettingsError,
    VerifySettings,
    WorkerSettings,
    load,
)
from secciones.tasks import answers
from secciones.tasks.audit_task import Auditor, audit_once
from secciones.tasks.batch_task import work_on_batch
from secciones.web.client_address import client_address
from secciones.web.pages import login, reset, sections, verify
from tests.security.conftest import IS_LONG
from tests.support.every_setting import EVERY_SETTING
from tests.support.site import Pages
from tests.support.world import SCHOOL, SECTION, World
from tests.unit.tasks.test_answers import CALLER

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


def tries(in_the_long_form: int) -> settings:
    """So many examples in the long form, and in the short one as many as of any other test."""
    return settings(
        max_examples=in_the_long_form if IS_LONG else settings().max_examples,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(World.in_folder(Path(tmp_path_factory.mktemp("used"))))


@tries(20_000)
@given(path=st.sampled_from(POSTS), form=FORMS)
def test_any_form_is_answered(used: Pages, path: str, form: dict[str, Any]) -> None:
    used.world.clock.advance(hours=7)
    assert used.post(path, used.verified(), form).status < 500


@tries(10_000)
@given(form=FORMS)
def test_no_form_without_its_nonce_and_a_confirmation_changes_anything(used: Pages, form: dict[str, Any]) -> None:
    before = len(used.world.batches())
    used.post("/secciones/restablecer", used.verified(), {**form, "confirmed": ["no"]})
    used.post("/secciones/restablecer", used.verified(), {**form, "form_nonce": ["x"]})
    assert len(used.world.batches()) == before


@tries(12_500)
@given(path=TEXT, query=TEXT, method=st.sampled_from(["GET", "POST", "HEAD", "PUT"]), headers=HEADERS, body=st.binary())
def test_any_request_is_answered(
    used: Pages, path: str, query: str, method: str, headers: dict[str, str], body: bytes
) -> None:
    for prefix in ("/secciones/", f"/secciones/centros/{SCHOOL.id}/", "/secciones/resultado/", "/x"):
        answer = used.ask(method, f"{prefix}{quote(path)}?{quote(query)}", "", body or None, headers)
        assert answer.status < 500


@tries(10_000)
@given(state=TEXT, code=TEXT, cookie=TEXT.filter(str.isprintable))
def test_any_answer_to_a_sign_in_is_refused(used: Pages, state: str, code: str, cookie: str) -> None:
    value = cookie.encode().decode("latin-1").replace(";", "")
    with_attempt = f"__Host-sign-in={value}"
    query = urlencode({"state": state, "code": code})
    answer = used.ask("GET", f"/secciones/oauth2/callback?{query}", with_attempt, None, {})
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


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.binary(max_size=2000) | st.one_of(
    JSON,
    st.fixed_dictionaries({"batch": JSON}),
    st.fixed_dictionaries({}, optional={"days": JSON, "head": st.dictionaries(TEXT, JSON) | JSON}),
    st.fixed_dictionaries({"head": st.fixed_dictionaries({"number": JSON, "hash": JSON})}),
).map(lambda value: json.dumps(value).encode())


@tries(2000)
@given(body=BODIES)
def test_any_body_of_a_task_is_answered_and_starts_nothing(used: Pages, body: bytes) -> None:
    world = used.world
    sealed = SqliteDocuments(world.documents._path.with_name("audit.sqlite"), world.clock.now)  # type: ignore[attr-defined]
    before = (world.batches(), world.directory.passwords[:])
    for work in (
        lambda request: work_on_batch(request, CALLER, world.worker),
        lambda request: audit_once(request, CALLER, Auditor(sealed, world.clock, 7)),
    ):
        headers = {"Authorization": "Bearer good"}
        with flask.Flask("task").test_request_context("/", method="POST", data=body, headers=headers) as context:
            assert answers.answer(lambda: work(context.request)).status_code == 200  # noqa: B023
    assert (world.batches(), world.directory.passwords) == before


@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80), position=st.integers(1, 3))
def test_any_forwarded_address_is_an_address_or_unknown(header: str, position: int) -> None:
    with flask.Flask("page").test_request_context("/", headers={"X-Forwarded-For": header}) as context:
        found = client_address(context.request, position)
    assert found == "unknown" or ip_network(found)


@given(text=st.text(max_size=60))
def test_any_setting_is_read_or_its_name_is_told(text: str) -> None:
    """Never another error, which could carry a secret into the log."""
    for name in EVERY_SETTING:
        for kind in (LoginSettings, VerifySettings, SectionsSettings, ResetSettings, WorkerSettings):
            with contextlib.suppress(SettingsError):
                load(kind, EVERY_SETTING | {name: text})
