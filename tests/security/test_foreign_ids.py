"""Threat: a teacher writes another teacher's ids into addresses and forms. Guard: the registry and the store are
asked for what is this teacher's, and what is another's answers exactly as what does not exist.

Fails when `own_batch` (`services/request_reset.py`) does not look at whose batch it is, or the registry is asked for
a section without the teacher.
"""

import re
from collections.abc import Iterator

import pytest

from secciones.web.pages import login, reset, sections, verify
from tests.security.conftest import recorded
from tests.security.test_double_submit import form_of
from tests.support.google_pages import wait_for
from tests.support.stack import Stack
from tests.support.visitor import Visit, Visitor, open_section

WITH_IDS = {
    method: sorted(
        route.path
        for module in (login, verify, sections, reset)
        for route in module.ROUTES
        if "<" in route.path and route.method == method
    )
    for method in ("GET", "POST")
}


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Visitor:
    visitor = Visitor(stack.origin)
    visitor.enter(stack.person("maria"))
    return visitor


@pytest.fixture(scope="module")
def foreign(owner: Visitor) -> dict[str, str]:
    """The owner's ids, among them of a batch that has come to its end."""
    section = open_section(owner, owner.get("/secciones/centros"))
    confirmation = owner.submit(section, "/secciones/restablecer", ticked=set(boxes(section)[:1]))
    result = owner.submit(confirmation, "/secciones/restablecer")
    wait_for("the batch to end", lambda: owner.session.get(f"{owner.origin}{result.path}/estado").json()["finished"])
    _, _, _, school_id, section_id = section.path.split("/")
    batch_id = result.path.rpartition("/")[2]
    return {"school_id": school_id, "section_id": section_id, "batch_id": batch_id, "student": boxes(section)[1]}


@pytest.fixture(scope="module")
def thief(stack: Stack) -> Visitor:
    visitor = Visitor(stack.origin)
    visitor.enter(stack.person("jose"))
    return visitor


@pytest.fixture(autouse=True)
def nothing_is_changed(stack: Stack, foreign: dict[str, str]) -> Iterator[None]:
    before = recorded(stack)
    yield
    assert recorded(stack) == before


def boxes(section: Visit) -> list[str]:
    return [box.get("value", "") for box in section.page.iterfind(".//input[@name='student']")]


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub("<(.*?)>", lambda name: ids[name[1]], path)


def body(visit: Visit) -> str:
    return re.sub(r"[0-9a-f]{32,64}", "", visit.html)


@pytest.mark.parametrize("path", WITH_IDS["GET"])
def test_what_is_anothers_answers_as_what_does_not_exist(
    thief: Visitor, owner: Visitor, foreign: dict[str, str], path: str
) -> None:
    none = {"school_id": "no-such", "section_id": "no-such", "batch_id": "a" * 26}
    assert owner.get(filled(path, foreign)).status == 200
    theirs, nobodys = thief.get(filled(path, foreign)), thief.get(filled(path, none))
    assert (theirs.status, nobodys.status) == (404, 404)
    assert body(theirs) == body(nobodys)


@pytest.mark.parametrize("path", WITH_IDS["POST"])
def test_nothing_is_done_to_what_is_anothers(thief: Visitor, foreign: dict[str, str], path: str) -> None:
    own = open_section(thief, thief.get("/secciones/centros"))
    fields = [("csrf_token", dict(form_of(own))["csrf_token"]), ("number", "1")]
    theirs, nobodys = (
        thief.post(filled(path, ids), fields)
        for ids in (foreign, {"school_id": "x", "section_id": "x", "batch_id": "a" * 26})
    )
    assert (theirs.status, nobodys.status) == (404, 404)
    assert body(theirs) == body(nobodys)


def test_a_foreign_section_below_ones_own_school_is_not_found(thief: Visitor, foreign: dict[str, str]) -> None:
    own = open_section(thief, thief.get("/secciones/centros"))
    school_id = own.path.split("/")[3]
    assert thief.get(f"/secciones/centros/{school_id}/{foreign['section_id']}").status == 404
    assert thief.get(f"/secciones/centros/{foreign['school_id']}/{own.path.split('/')[4]}").status == 404


def test_no_mixture_of_own_and_foreign_ids_is_processed(thief: Visitor, foreign: dict[str, str]) -> None:
    own = open_section(thief, thief.get("/secciones/centros"))
    fields = [pair for pair in form_of(own) if pair[0] not in {"student", "school", "section", "all"}]
    school_id, section_id = own.path.split("/")[3:5]
    mixtures = [
        (school_id, section_id, [foreign["student"]]),
        (school_id, section_id, [*boxes(own), foreign["student"]]),
        (foreign["school_id"], foreign["section_id"], [foreign["student"]]),
        (school_id, foreign["section_id"], [foreign["student"]]),
        (foreign["school_id"], section_id, [boxes(own)[0]]),
        (school_id, foreign["section_id"], [boxes(own)[0]]),
    ]
    for school, section, students in mixtures:
        ids = [("school", school), ("section", section), *(("student", one) for one in students)]
        for extra in ([], [("confirmed", "yes")], [("all", "yes")]):
            answer = thief.post("/secciones/restablecer", [*fields, *ids, *extra])
            expected = (
                {200, 404} if extra == [("all", "yes")] and (school, section) == (school_id, section_id) else {404}
            )
            assert answer.status in expected, (school, section, extra)


def test_the_owners_form_is_nothing_to_another(thief: Visitor, owner: Visitor) -> None:
    """Nor is its nonce: the batch that it would repeat is the owner's."""
    section = open_section(owner, owner.get("/secciones/centros"))
    fields = [*form_of(section), ("confirmed", "yes")]
    assert thief.post("/secciones/restablecer", fields).status == 403
    own_token = dict(form_of(open_section(thief, thief.get("/secciones/centros"))))["csrf_token"]
    stolen = [("csrf_token", own_token), *(pair for pair in fields if pair[0] != "csrf_token")]
    assert thief.post("/secciones/restablecer", stolen).status == 404
