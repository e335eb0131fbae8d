"""Threat: whoever answers in SIGES's place, or its next release, answers what nobody thought of. Guard: an answer is
held against the contract field by field (`adapters/siges.py`), what breaks it is no answer, and the page says that
SIGES does not work; what the contract allows is shown, however odd.

Fails when `_text`, `_count` or `_objects` of the adapter takes what it is given.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from secciones.adapters.siges import SigesRegistry
from tests.support.scripted_http import Answer, ScriptedServer, scripted_server
from tests.support.siges import ROOT
from tests.support.site import Pages
from tests.support.world import DUI_AND_NIP, SCHOOL, SECTION, TEACHER, World

CONTRACT = yaml.safe_load((ROOT / "infra/siges-openapi.yaml").read_text(encoding="utf-8"))
BASE = f"/v1/teachers/{TEACHER.id}"
PATHS = {
    "Teacher": "/v1/teachers/verification",
    "Assignments": f"{BASE}/schools",
    "Enrolments": f"{BASE}/sections/{SECTION.id}/students",
}
one_world = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
YEARS = st.from_regex(r"[0-9]{4}", fullmatch=True)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def section(ids: st.SearchStrategy[str] = IDS) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": ids,
            **dict.fromkeys(["code", "name", "grade"], TEXT),
            "shift": st.sampled_from(["Matutino", "Vespertino", "Nocturno"]),
            "state": st.sampled_from(["open", "closed"]),
            "studentCount": st.integers(0, 10**6),
        }
    )


def school(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    texts = dict.fromkeys(["name", "department", "municipality"], TEXT)
    return st.fixed_dictionaries({"id": IDS, "code": st.text(max_size=15), **texts, **more})


STUDENT = st.fixed_dictionaries(
    {
        "id": IDS,
        **dict.fromkeys(["nie", "givenNames", "surnames"], TEXT),
        "email": st.none() | TEXT,
        "enrolment": st.sampled_from(["active", "withdrawn", "annulled"]),
    }
)
ALLOWED: dict[str, st.SearchStrategy[Any]] = {
    "Teacher": st.fixed_dictionaries(
        {"id": IDS, "givenNames": TEXT, "surnames": TEXT, "email": st.none() | TEXT | st.just(TEACHER.address)}
    ),
    "Assignments": st.fixed_dictionaries(
        {"schoolYear": YEARS, "schools": st.lists(school(sections=st.lists(section(), max_size=3)), max_size=3)}
    ),
    "Enrolments": st.fixed_dictionaries(
        {
            "schoolYear": YEARS,
            "school": school() | school().map(lambda drawn: drawn | {"id": SCHOOL.id}),
            "section": section(st.just(SECTION.id)),
            "students": st.lists(STUDENT, max_size=5),
        }
    ),
}


@st.composite
def broken(draw: st.DrawFn, kind: str) -> Any:
    """An allowed answer with one part of it taken out or exchanged, or something else altogether."""
    answer = draw(ALLOWED[kind])
    places = list(_places(answer))
    if not places or draw(st.integers(0, 3)) == 0:
        return draw(JUNK)
    holder, key = draw(st.sampled_from(places))
    if isinstance(holder, dict) and draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = draw(JUNK)
    return answer


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


@pytest.fixture(scope="module")
def siges() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def pages(siges: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """The real client of the registry behind the real pages."""
    world = World.in_folder(tmp_path_factory.mktemp("world"))
    world.registry = SigesRegistry(siges.url, "t" * 40, random=lambda: 0.0, sleep=lambda _: None)  # type: ignore[assignment]
    return Pages(world)


def seen(pages: Pages, siges: ScriptedServer, answers: Mapping[str, Answer]) -> list[int]:
    """Every page that asks SIGES, while it answers this; whatever comes is a page of ours."""
    for kind, path in PATHS.items():
        siges.on(path, answers.get(kind, Answer(404, b"{}")))
    siges.asked.clear()
    pages.world.clock.advance(hours=25)
    before = pages.world.queue.tasks[:]
    form = {"school": SCHOOL.id, "section": SECTION.id, "all": "yes", "form_nonce": "n" * 43}
    found = [
        pages.post("/secciones/identidad", pages.signed_in(), {"dui": DUI_AND_NIP[0], "nip": DUI_AND_NIP[1]}),
        pages.get("/secciones/centros", pages.verified()),
        pages.get(f"/secciones/centros/{SCHOOL.id}", pages.verified()),
        pages.get(f"/secciones/centros/{SCHOOL.id}/{SECTION.id}", pages.verified()),
        pages.post("/secciones/restablecer", pages.verified(), form),
    ]
    for answer in found:
        assert answer.status < 500 or answer.status == 503
        assert answer.status == 303 or "<h1>" in answer.text
        assert answer.status != 503 or "SIGES" in answer.text
    assert pages.world.queue.tasks == before, "nothing is processed by looking"
    return [answer.status for answer in found]


@pytest.mark.parametrize("kind", ALLOWED)
@given(data=st.data())
@one_world
def test_what_is_tried_as_allowed_is_allowed(kind: str, data: st.DataObject) -> None:
    """Else the next test would try nothing but broken answers."""
    schema = {"$ref": f"#/components/schemas/{kind}", "components": CONTRACT["components"]}
    Draft202012Validator(schema).validate(data.draw(ALLOWED[kind]))


@one_world
@given(answers=st.fixed_dictionaries(ALLOWED))
def test_an_answer_that_the_contract_allows_is_never_a_failure(
    pages: Pages, siges: ScriptedServer, answers: dict[str, Any]
) -> None:
    statuses = seen(pages, siges, {kind: Answer(body=answer) for kind, answer in answers.items()})
    assert not {500, 503} & set(statuses)


@one_world
@given(answers=st.fixed_dictionaries({kind: broken(kind) for kind in ALLOWED}))
def test_an_answer_that_breaks_the_contract_is_a_page_that_says_so_and_processes_nothing(
    pages: Pages, siges: ScriptedServer, answers: dict[str, Any]
) -> None:
    seen(pages, siges, {kind: Answer(body=answer) for kind, answer in answers.items()})


@one_world
@given(
    status=st.integers(200, 599).filter(lambda status: status not in {204, 304}),
    body=st.binary(max_size=200) | JUNK.map(lambda junk: json.dumps(junk).encode()) | st.just(b"[" * 100_000),
    content_type=st.sampled_from(["application/json", "application/problem+json", "text/html", ""]),
)
def test_any_status_and_any_bytes_are_a_page(
    pages: Pages, siges: ScriptedServer, status: int, body: bytes, content_type: str
) -> None:
    seen(pages, siges, dict.fromkeys(PATHS, Answer(status, body, content_type)))
