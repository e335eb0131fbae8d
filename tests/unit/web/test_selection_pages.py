"""Ticking through the pages of several sections, as a browser without a script does it."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from secciones.domain.roster import Roster
from tests.support.html import check_page, text_of
from tests.support.site import Pages
from tests.support.world import SCHOOL, SECTION, TEACHER, World, account, student

ONE, TWO = "/secciones/centros/c-1/s-1", "/secciones/centros/c-1/s-2"
NONCE = {"form_nonce": "n" * 43}


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    world = World.in_folder(tmp_path)
    second = replace(SECTION, id="s-2", name="B")
    school = replace(SCHOOL, sections=(SECTION, second))
    world.registry.assignments[TEACHER.id] = (school,)
    world.registry.rosters[TEACHER.id, "s-2"] = Roster(SCHOOL, second, (student(8), student(9)))
    world.directory.accounts |= {account(number).address: account(number) for number in (8, 9)}
    return Pages(world)


def ticked(html: str) -> list[str]:
    boxes = [box for box in check_page(html).iter("input") if box.get("type") == "checkbox" and "checked" in box.attrib]
    return [box.get("value", "") for box in boxes]


def shown(html: str) -> str:
    return text_of(check_page(html))


def test_ticks_of_two_sections_are_processed_together_and_then_forgotten(pages: Pages) -> None:
    cookie = pages.verified()
    there = pages.post(ONE, cookie, {"student": ["e-0", "e-2"], "then": "another"})
    assert (there.status, there.headers["Location"]) == (303, "/secciones/centros")
    assert "2 estudiantes seleccionados en 1 sección" in shown(pages.get("/secciones/centros/c-1", cookie).text)
    assert ticked(pages.get(ONE, cookie).text) == ["e-0", "e-2"]
    assert "Además, 2 en otras secciones" in shown(pages.get(TWO, cookie).text)

    confirm = pages.post(
        "/secciones/restablecer", cookie, NONCE | {"school": "c-1", "section": "s-2", "student": "e-9"}
    )
    assert "¿Desea restablecer 3 contraseñas?" in shown(confirm.text)
    assert ticked(pages.get(TWO, cookie).text) == ["e-9"], "going back, nothing is lost"

    fields = [(field.get("name", ""), field.get("value", "")) for field in check_page(confirm.text).iter("input")]
    form = {name: [value for each, value in fields if each == name] for name, _ in fields if name != "csrf_token"}
    sent = pages.post("/secciones/restablecer", cookie, form)
    again = pages.post("/secciones/restablecer", cookie, form)
    assert sent.status == again.status == 303
    assert sent.headers["Location"] == again.headers["Location"]
    (batch,) = pages.world.batches()
    assert {(row.section_id, row.student_id) for row in batch.rows} == {("s-1", "e-0"), ("s-1", "e-2"), ("s-2", "e-9")}
    assert ticked(pages.get(ONE, cookie).text) == []

    pages.world.work(batch.id)
    result = pages.get(sent.headers["Location"], cookie)
    assert "Tercer Grado, sección B" in shown(result.text)


def test_ids_may_be_all_that_oneroster_lets_them_be(tmp_path: Path) -> None:
    world = World.in_folder(tmp_path)
    school, one, two = "sv.ce-99101@mined", "Sec_2026.99101@1" + "x" * 239, "sec.2"
    taught = [replace(SECTION, id=section_id) for section_id in (one, two)]
    known = replace(SCHOOL, id=school, sections=tuple(taught))
    world.registry.assignments[TEACHER.id] = (known,)
    for number, section in enumerate(taught):
        enrolled = replace(student(number), id=f"e.{number}@x")
        world.registry.rosters[TEACHER.id, section.id] = Roster(known, section, (enrolled,))
    pages = Pages(world)
    cookie = pages.verified()
    assert urlencode({"": one})[1:] in pages.get(f"/secciones/centros/{school}", cookie).text
    pages.post(f"/secciones/centros/{school}/{one}", cookie, {"student": "e.0@x", "then": "another"})
    confirm = pages.post(
        "/secciones/restablecer", cookie, NONCE | {"school": school, "section": two, "student": "e.1@x"}
    )
    fields = [(field.get("name", ""), field.get("value", "")) for field in check_page(confirm.text).iter("input")]
    form = {name: [value for each, value in fields if each == name] for name, _ in fields if name != "csrf_token"}
    assert pages.post("/secciones/restablecer", cookie, form).status == 303
    (batch,) = world.batches()
    assert {(row.section_id, row.student_id) for row in batch.rows} == {(one, "e.0@x"), (two, "e.1@x")}


def test_all_that_is_ticked_can_be_processed_from_the_list_of_sections(pages: Pages) -> None:
    cookie = pages.verified()
    pages.post(TWO, cookie, {"student": "e-8", "then": "another"})
    confirm = pages.post("/secciones/restablecer", cookie, NONCE)
    assert "¿Desea restablecer 1 contraseña?" in shown(confirm.text)
    assert pages.post("/secciones/restablecer", pages.verified(), NONCE).status == 200


def test_cancelling_forgets_all_ticks(pages: Pages) -> None:
    cookie = pages.verified()
    pages.post(ONE, cookie, {"student": "e-0", "then": "nothing"})
    cancelled = pages.post(TWO, cookie, {"student": "e-8", "then": "cancel"})
    assert (cancelled.status, cancelled.headers["Location"]) == (303, "/secciones/centros")
    assert ticked(pages.get(ONE, cookie).text) == ticked(pages.get(TWO, cookie).text) == []
    assert pages.post("/secciones/restablecer", cookie, NONCE).status == 422


def test_a_script_keeps_ticks_without_asking_the_registry(pages: Pages) -> None:
    cookie = pages.verified()
    asked = pages.world.registry.asked
    kept = pages.post(ONE, cookie, {"student": ["e-0", "foreign"], "then": "nothing"})
    assert (kept.status, kept.text, pages.world.registry.asked) == (204, "", asked)
    assert ticked(pages.get(ONE, cookie).text) == ["e-0"], "what is not of the section is not shown"
    assert pages.post(ONE, cookie, {"student": "no/id", "then": "nothing"}).status == 400


def test_ticks_outlast_an_expired_session(pages: Pages) -> None:
    cookie = pages.verified()
    pages.post(ONE, cookie, {"student": "e-1", "then": "nothing"})
    pages.world.clock.advance(minutes=16)
    assert pages.get(ONE, cookie).status == 401
    assert ticked(pages.get(ONE, pages.verified()).text) == ["e-1"]


def test_ticks_outlast_an_identity_that_is_too_old_also_without_a_script(pages: Pages) -> None:
    cookie = pages.verified()
    pages.world.clock.advance(minutes=14)
    pages.get(ONE, cookie)
    pages.world.clock.advance(minutes=7)
    form = {"school": "c-1", "section": "s-1", "student": ["e-1", "e-2"]}
    refused = pages.post("/secciones/restablecer", cookie, NONCE | form)
    assert (refused.status, "Confirme de nuevo su identidad" in refused.text) == (403, True)
    (carried,) = (form for form in check_page(refused.text).iter("form") if form.get("action") == ONE)
    fields = [field.get("value") for field in carried.iter("input") if field.get("name") == "student"]
    kept = pages.post(ONE, cookie, {"student": fields, "then": "identity"})
    assert (kept.status, kept.headers["Location"]) == (303, "/secciones/identidad")
    assert ticked(pages.get(ONE, cookie).text) == ["e-1", "e-2"]


def test_a_form_of_another_site_gets_nothing_carried_along(pages: Pages) -> None:
    cookie = pages.verified()
    pages.world.clock.advance(minutes=14)
    pages.get(ONE, cookie)
    pages.world.clock.advance(minutes=7)
    form = {"school": "c-1", "section": "s-1", "student": "e-1"}
    refused = pages.post("/secciones/restablecer", cookie, NONCE | form, Origin="https://elsewhere.example")
    assert (refused.status, "e-1" in refused.text) == (403, False)


@pytest.mark.parametrize("other", ["s-1/e-0", "c-1/s-1/e-0/x", "c-1//e-0", "../s-1/e-0", "c-1/s-1/e 0"])
def test_what_no_form_of_ours_sends_is_a_bad_request(pages: Pages, other: str) -> None:
    answer = pages.post("/secciones/restablecer", pages.verified(), NONCE | {"confirmed": "yes", "other": other})
    assert (answer.status, pages.world.batches()) == (400, [])
