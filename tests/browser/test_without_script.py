"""Without JavaScript everything can be done that can be done with it; the journey's main road is in test_journey."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from secciones.domain.roster import Roster
from secciones.web.session import SESSION_COOKIE
from tests.support.site import Pages
from tests.support.world import SCHOOL, SECTION, TEACHER, World, account, student


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    """A teacher with two sections of a school; one student has been seen at their account."""
    world = World.in_folder(tmp_path, students=5)
    second = replace(SECTION, id="s-2", code="3B", name="B")
    world.registry.assignments[TEACHER.id] = (replace(SCHOOL, sections=(SECTION, second)),)
    world.registry.rosters[TEACHER.id, "s-2"] = Roster(SCHOOL, second, (student(8), student(9)))
    used = account(2, last_sign_in=world.clock.now())
    accounts = (used, account(8), account(9))
    world.directory.accounts |= {found.address: found for found in accounts}
    return Pages(world)


@pytest.fixture(params=[360, 1280])
def page(request: pytest.FixtureRequest, pages: Pages, browser: Browser) -> Iterator[Page]:
    """The teacher's schools, in a browser that is signed in and runs no script."""
    size = ViewportSize(width=request.param, height=740)
    with pages.served() as origin, browser.new_context(java_script_enabled=False, viewport=size) as context:
        home = "https://localhost/"
        context.add_cookies([{"name": SESSION_COOKIE, "value": pages.verified(), "url": home, "secure": True}])
        page = context.new_page()
        page.goto(f"{origin}/secciones/centros")
        yield page


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def open_section(page: Page, name: str) -> None:
    page.get_by_role("link", name=f"Tercer Grado, sección {name}").click()


def students(page: Page) -> list[str]:
    return [box.input_value() for box in page.locator("input[name=student][type=checkbox]").all()]


def test_students_are_found_put_in_order_and_ticked_by_groups(page: Page) -> None:
    open_section(page, "A")
    page.get_by_label("Ordenar").select_option(label="Último ingreso")
    press(page, "Aplicar")
    assert students(page)[-1] == "e-2"
    page.get_by_label("Buscar").fill("ramos 003")
    press(page, "Aplicar")
    assert students(page) == ["e-3"]
    press(page, "Todos")
    page.get_by_label("Buscar").fill("")
    press(page, "Aplicar")
    expect(page.get_by_label("Ramos 003")).to_be_checked()
    expect(page.get_by_text("1 estudiante seleccionado")).to_be_visible()
    press(page, "Nunca han ingresado")
    expect(page.get_by_label("Ramos 002")).not_to_be_checked()
    expect(page.get_by_text("4 estudiantes seleccionados")).to_be_visible()


def test_students_of_two_sections_go_into_one_job_and_its_mail_is_sent_again(page: Page, pages: Pages) -> None:
    open_section(page, "A")
    page.get_by_label("Ramos 002").check()
    press(page, "Seleccionar también en otra sección")
    open_section(page, "B")
    expect(page.get_by_text("Además, 1 en otras secciones")).to_be_visible()
    page.get_by_label("Ramos 008").check()
    press(page, "Procesar")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 contraseñas")
    expect(page.get_by_text("1 estudiante ya usa su cuenta")).to_be_visible()
    page.get_by_role("button", name="Sí, restablecer").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Restableciendo")
    pages.world.work(page.url.rpartition("/")[2])
    page.reload()
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible()
    press(page, "Reenviar el correo")
    expect(page.get_by_text("se está reenviando")).to_be_visible()
    page.get_by_role("link", name="Realizar otra consulta").click()
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Mis restablecimientos").click()
    expect(page.get_by_text("2 de 2 restablecidas")).to_be_visible()


def test_cancelling_leaves_nothing_ticked_and_nothing_done(page: Page, pages: Pages) -> None:
    open_section(page, "A")
    page.get_by_label("Ramos 001").check()
    press(page, "Procesar")
    page.get_by_role("button", name="Cancelar").click()
    open_section(page, "A")
    expect(page.get_by_text("Ningún estudiante seleccionado")).to_be_visible()
    assert pages.world.directory.passwords == []
