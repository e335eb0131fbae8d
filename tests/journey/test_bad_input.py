"""Whatever is sent, a Spanish page says what to do, the status is right, and nothing is changed."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.google_pages import changes, control, mails
from tests.support.stack import Stack
from tests.support.visitor import Visit, Visitor, open_section

HOSTILE = [
    "",
    " ",
    "a" * 10_000,
    "\x00",
    "\u202e\u2066",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "' OR 1=1",
    "ñ",
    "%00",
    "🎓",
]


def shown(text: str) -> str:
    """A name for a test that a terminal survives."""
    return ascii(text[:20])


@pytest.fixture(scope="module")
def teacher(stack: Stack) -> Visitor:
    """A teacher who is in, with several sections."""
    visitor = Visitor(stack.origin)
    visitor.enter(stack.teachers[1])
    return visitor


@pytest.fixture(scope="module")
def section(teacher: Visitor) -> Visit:
    opened = open_section(teacher, teacher.get("/secciones/centros"))
    # What this teacher has ticked elsewhere would be a choice for a form that names none.
    teacher.post(opened.path, fields_of(opened) | {"then": "cancel"})
    return teacher.get(opened.path)


@pytest.fixture(autouse=True)
def nothing_is_changed(stack: Stack) -> Iterator[None]:
    before = changes(stack.google), mails(stack.google)
    yield
    assert (changes(stack.google), mails(stack.google)) == before


def fields_of(section: Visit) -> dict[str, str]:
    inputs = section.form("/secciones/restablecer").iter("input")
    return {element.get("name", ""): element.get("value", "") for element in inputs if element.get("name")}


@pytest.mark.parametrize("text", [*HOSTILE, "123456789012", "12a", "000000000", "１２３４５６７８"], ids=shown)
def test_what_cannot_be_a_dui_or_nip_is_said_beside_its_field(stack: Stack, text: str) -> None:
    person = stack.teachers[2]
    visitor = Visitor(stack.origin)
    identity = visitor.sign_in(person["address"], person["password"])
    for dui, nip in ((text, "0012345"), ("01234567-8", text)):
        answer = visitor.submit(identity, "/secciones/identidad", dui=dui, nip=nip)
        assert answer.status == 422
        assert answer.page.find(".//*[@aria-invalid='true']") is not None
    assert visitor.get("/secciones/centros").path == "/secciones/identidad"


def test_wrong_numbers_of_every_kind_get_the_same_page(stack: Stack) -> None:
    person, colleague = stack.teachers[2], stack.teachers[0]
    visitor = Visitor(stack.origin)
    identity = visitor.sign_in(person["address"], person["password"])
    tries = [("10000001-9", "0000001"), (person["dui"], "7777777"), (colleague["dui"], colleague["nip"])]
    answers = [visitor.submit(identity, "/secciones/identidad", dui=dui, nip=nip) for dui, nip in tries]
    assert {answer.status for answer in answers} == {403}
    unlike = re.compile("|".join([*(re.escape(dui) for dui, _ in tries), r"[0-9a-f]{32,64}"]))
    assert len({unlike.sub("", answer.html) for answer in answers}) == 1


@pytest.mark.parametrize(
    "path",
    ["/secciones/centros/{}", "/secciones/centros/{}/x", "/secciones/resultado/{}", "/secciones/resultado/{}/estado"],
)
@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()], ids=shown)
def test_an_id_that_cannot_exist_is_not_found(teacher: Visitor, path: str, text: str) -> None:
    answer = teacher.get(path.format(quote(text, safe="")))
    assert answer.status in {400, 404, 414}


def test_a_foreign_school_and_section_answer_exactly_as_unknown_ones(stack: Stack, teacher: Visitor) -> None:
    other = Visitor(stack.origin)
    foreign = open_section(other, other.enter(stack.teachers[3]))
    school, section = foreign.path.split("/")[3:5]
    pages = [
        [teacher.get(f"/secciones/centros/{school}"), teacher.get("/secciones/centros/no-such")],
        [teacher.get(foreign.path), teacher.get("/secciones/centros/no-such/nothing")],
        [teacher.get(f"/secciones/centros/{school}/{section}"), teacher.get(f"/secciones/centros/{school}/nothing")],
    ]
    for pair in pages:
        assert {page.status for page in pair} == {404}
        bodies = {re.sub(r"[0-9a-f]{32}", "", page.html) for page in pair}
        assert len(bodies) == 1


@pytest.mark.parametrize("field", ["school", "section", "student", "form_nonce"])
@pytest.mark.parametrize("text", HOSTILE, ids=shown)
def test_a_form_with_hostile_ids_changes_nothing(teacher: Visitor, section: Visit, field: str, text: str) -> None:
    for confirmed in ({}, {"confirmed": "yes"}):
        answer = teacher.post("/secciones/restablecer", fields_of(section) | {field: text} | confirmed)
        assert answer.status in {400, 404, 422}
        assert answer.heading


def test_another_teachers_students_cannot_be_reset(stack: Stack, teacher: Visitor, section: Visit) -> None:
    other = Visitor(stack.origin)
    foreign = fields_of(open_section(other, other.enter(stack.teachers[3])))
    own = fields_of(section)
    for fields in (
        own | {"student": foreign["student"]},
        foreign | {"csrf_token": own["csrf_token"], "form_nonce": own["form_nonce"]},
    ):
        answer = teacher.post("/secciones/restablecer", fields | {"confirmed": "yes"})
        assert answer.status == 404


def test_no_student_at_all_and_more_than_the_limit_are_said(teacher: Visitor, section: Visit) -> None:
    assert teacher.submit(section, "/secciones/restablecer", ticked=set()).status == 422
    fields = [(name, value) for name, value in fields_of(section).items() if name != "student"]
    many = [("student", f"x-{number}") for number in range(201)]
    answer = teacher.post("/secciones/restablecer", [*fields, *many, ("confirmed", "yes")])
    assert answer.status == 422
    assert "200" in answer.text


def test_a_section_that_closed_meanwhile_says_so(stack: Stack, teacher: Visitor, section: Visit) -> None:
    section_id = section.path.rsplit("/", 1)[1]
    control("PUT", f"{stack.siges}/_control/sections/{section_id}", {"state": "closed"})
    try:
        answer = teacher.submit(section, "/secciones/restablecer")
        assert answer.status == 409
        assert teacher.get(section.path).status == 409
    finally:
        control("DELETE", f"{stack.siges}/_control/changes")


def test_siges_down_is_said_on_every_page_that_needs_it(stack: Stack, teacher: Visitor, section: Visit) -> None:
    control("PUT", f"{stack.siges}/_control/fault", {"status": 503})
    try:
        for answer in (teacher.get("/secciones/centros"), teacher.submit(section, "/secciones/restablecer")):
            assert answer.status == 503
            assert "SIGES" in answer.text
    finally:
        control("DELETE", f"{stack.siges}/_control/fault")


@pytest.mark.parametrize(("api", "method"), [("token", ""), ("directory", "users.get")])
def test_google_down_is_said_and_nobody_is_let_in(stack: Stack, api: str, method: str) -> None:
    person = stack.teachers[2]
    control("POST", f"{stack.google}/_control/faults", {"api": api, "method": method, "status": 503, "times": 20})
    try:
        visitor = Visitor(stack.origin)
        answer = visitor.sign_in(person["address"], person["password"])
        assert answer.status == 503
        assert "Google" in answer.text
        assert not visitor.cookie()
    finally:
        control("DELETE", f"{stack.google}/_control/faults")


def test_an_expired_session_and_a_foreign_form_are_refused(stack: Stack, teacher: Visitor, section: Visit) -> None:
    stranger = Visitor(stack.origin)
    assert stranger.post("/secciones/restablecer", fields_of(section)).status == 401
    assert teacher.post("/secciones/restablecer", fields_of(section) | {"csrf_token": "x"}).status == 403
    assert teacher.post("/secciones/restablecer", fields_of(section), Origin="https://evil.example").status == 403


def test_a_method_that_a_page_does_not_have_and_a_body_that_is_too_large(teacher: Visitor) -> None:
    assert teacher.post("/secciones/centros").status == 405
    assert teacher.post("/secciones/restablecer", {"x": "y" * 300_000}).status == 413


def test_a_callback_that_answers_no_attempt_signs_nobody_in(stack: Stack) -> None:
    visitor = Visitor(stack.origin)
    for query in ("", "?state=x&code=y", "?error=access_denied&state=x", "?code=" + "a" * 5000):
        answer = visitor.get(f"/secciones/oauth2/callback{query}")
        assert answer.status == 400
    assert not visitor.cookie()


def test_another_account_is_told_which_one_to_use_and_a_student_never_sees_the_form(stack: Stack) -> None:
    student = next(person for person in stack.people if person["role"] == "estudiante")
    visitor = Visitor(stack.origin)
    refused = visitor.sign_in(student["address"], student["password"])
    assert refused.status == 403
    assert visitor.get("/secciones/identidad").status == 401
