"""What app.js adds to pages that work without it, tried in a real Chromium that is given the pages as they are."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from secciones.services.list_sections import StudentRow
from tests.support.sample_pages import ORIGIN, fulfill
from tests.unit.web.samples import Words, class_list, samples
from tests.unit.web.test_templates import render

SAMPLES = {sample.name: sample for sample in samples(Words(), students=6)}
CLASS = [
    StudentRow(f"e-{number}", name, f"{number}", f"{number}@clases.edu.sv", None)
    for number, name in enumerate(("Álvarez, Zoila", "Núñez, Blanca", "Ñerio, Ana"))
]
SAMPLES["students"] = replace(
    SAMPLES["pages-students"], context={**SAMPLES["pages-students"].context, **class_list(CLASS)}
)


@pytest.fixture
def answers() -> dict[str, Callable[[], str]]:
    """What the server answers besides pages and files, by path."""
    return {}


@pytest.fixture
def tab(browser: Browser, answers: dict[str, Callable[[], str]]) -> Iterator[Page]:
    """A tab that finds every sample under its name, with the headers of the real pages. An error fails the test."""
    complaints: list[str] = []

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path in answers:
            route.fulfill(body=answers[path](), content_type="application/json")
        else:
            fulfill(route, SAMPLES)

    with browser.new_context() as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.route("**/*", answer)
        yield page
    assert complaints == []


def show(tab: Page, name: str) -> None:
    tab.goto(f"{ORIGIN}/{name}")


def count(tab: Page) -> str:
    return tab.locator("[data-count]").inner_text()


def test_the_hyphen_of_the_dui_comes_by_itself_and_can_be_deleted(tab: Page) -> None:
    show(tab, "pages-identity")
    dui = tab.get_by_label("DUI")
    dui.press_sequentially("045612397")
    expect(dui).to_have_value("04561239-7")
    for _ in range(3):
        dui.press("Backspace")
    expect(dui).to_have_value("0456123")


def test_a_pasted_dui_is_read_whatever_stands_between_its_digits(tab: Page) -> None:
    show(tab, "pages-identity")
    dui = tab.get_by_label("DUI")
    dui.fill(" 04561239 7")
    expect(dui).to_have_value("04561239-7")


@pytest.mark.parametrize(("typed", "hinted"), [("04561239-7", False), ("04561239-1", True), ("12345678", False)])
def test_a_wrong_check_digit_is_said_at_once_and_stops_nobody(tab: Page, typed: str, hinted: bool) -> None:
    show(tab, "pages-identity")
    tab.get_by_label("DUI").press_sequentially(typed)
    tab.get_by_label("NIP").press_sequentially("0012345")
    hint = tab.locator("#dui-warning")
    expect(hint).to_have_text(re.compile("revise su DUI") if hinted else "")
    tab.get_by_role("button", name="Ingresar").click()
    expect(tab).to_have_title("/secciones/identidad")


def test_the_box_beside_the_name_ticks_all_and_shows_what_is_in_between(tab: Page) -> None:
    show(tab, "pages-students")
    all_of_them = tab.get_by_label("Seleccionar a todos los estudiantes que se muestran")
    assert count(tab) == "Ningún estudiante seleccionado"
    all_of_them.check()
    assert count(tab) == "6 estudiantes seleccionados"
    assert tab.locator("[name=student]:checked").count() == 6
    tab.locator("[name=student]").first.uncheck()
    assert count(tab) == "5 estudiantes seleccionados"
    assert all_of_them.evaluate("box => box.indeterminate")
    all_of_them.check()
    all_of_them.uncheck()
    tab.locator("[name=student]").last.check()
    assert count(tab) == "1 estudiante seleccionado"


def test_a_whole_row_is_the_label_of_its_box_on_a_phone(tab: Page) -> None:
    tab.set_viewport_size({"width": 360, "height": 740})
    show(tab, "pages-students")
    tab.locator("tbody tr").nth(1).click(position={"x": 300, "y": 40})
    assert tab.locator("[name=student]").nth(1).is_checked()


def visible_names(tab: Page) -> list[str]:
    return tab.locator("tbody tr:visible label").all_inner_texts()


def test_students_are_found_while_one_types_whatever_case_and_accents(tab: Page) -> None:
    show(tab, "pages-students")
    everyone = visible_names(tab)
    search = tab.get_by_label("Buscar")
    search.fill("MARIA angeles 20410744")
    assert visible_names(tab) == [name for name in everyone if name.endswith(" 2")]
    expect(tab.locator("[data-found]")).to_have_text("1 estudiante coincide con la búsqueda.")
    search.fill("20419999")
    expect(tab.locator("[data-found]")).to_have_text("Ningún estudiante coincide con la búsqueda.")
    search.fill("")
    expect(tab.locator("[data-found]")).to_have_text("")
    assert visible_names(tab) == everyone


def test_a_tick_survives_search_and_order_and_groups_touch_what_is_shown(tab: Page) -> None:
    show(tab, "pages-students")
    tab.locator("[name=student]").nth(4).check()
    tab.get_by_label("Buscar").fill("estefania 20410743")
    tab.get_by_label("Ordenar por").select_option("NIE")
    assert count(tab) == "1 estudiante seleccionado"
    expect(tab.locator("[data-apart]")).to_have_text("1 no aparece en la búsqueda")
    tab.get_by_role("button", name="Todos").click()
    assert count(tab) == "2 estudiantes seleccionados"
    tab.get_by_role("button", name="Ninguno").click()
    assert count(tab) == "1 estudiante seleccionado"
    tab.get_by_label("Buscar").fill("")
    expect(tab.locator("[data-apart]")).to_have_text("")
    expect(tab.get_by_label("Estefanía 4")).to_be_checked()


def test_students_are_put_in_order_by_given_names_and_back(tab: Page) -> None:
    show(tab, "students")
    by_surnames = ["Álvarez, Zoila", "Núñez, Blanca", "Ñerio, Ana"]
    assert visible_names(tab) == by_surnames
    tab.get_by_label("Ordenar por").select_option("Nombres")
    assert visible_names(tab) == ["Ñerio, Ana", "Núñez, Blanca", "Álvarez, Zoila"]
    tab.get_by_label("Ordenar por").select_option("Apellidos")
    assert visible_names(tab) == by_surnames
    tab.get_by_label("Buscar").fill("nunez")
    assert visible_names(tab) == ["Núñez, Blanca"]


def test_groups_tick_those_whose_account_is_not_in_use(tab: Page) -> None:
    show(tab, "pages-students")
    tab.get_by_role("button", name="Nunca han ingresado").click()
    assert count(tab) == "1 estudiante seleccionado"
    expect(tab.get_by_label("Estefanía 1")).to_be_checked()
    tab.get_by_label("Ordenar por").select_option("Último ingreso")
    assert [name[-1] for name in visible_names(tab)] == ["1", "2", "0", "3", "4", "5"]


def test_a_click_with_shift_ticks_all_in_between(tab: Page) -> None:
    show(tab, "pages-students")
    boxes = tab.locator("[name=student]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    assert count(tab) == "4 estudiantes seleccionados"
    tab.get_by_label("Estefanía 2").press("Shift+Space")
    assert count(tab) == "1 estudiante seleccionado", "from the last one, the other way round"


def test_enter_in_the_search_sends_nothing(tab: Page) -> None:
    show(tab, "pages-students")
    tab.get_by_label("Buscar").press("Enter")
    tab.get_by_label("Buscar").press_sequentially("x")
    expect(tab).not_to_have_title(re.compile("^/secciones/"))


def test_what_a_script_does_at_once_has_a_button_without_one(browser: Browser, tab: Page) -> None:
    show(tab, "pages-students")
    expect(tab.get_by_role("button", name="Aplicar")).to_be_hidden()
    expect(tab.locator("#all")).to_be_visible()
    with browser.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        plain.set_content(render(SAMPLES["pages-students"]))
        expect(plain.get_by_role("button", name="Aplicar")).to_be_visible()
        expect(plain.get_by_role("button", name="Todos")).to_be_visible()
        expect(plain.locator("#all")).to_be_hidden()


def test_the_bar_stays_in_view_on_a_phone(tab: Page) -> None:
    tab.set_viewport_size({"width": 360, "height": 400})
    show(tab, "pages-students")
    tab.locator("[name=student]").last.check()
    expect(tab.get_by_role("button", name="Procesar", exact=True)).to_be_in_viewport()


def test_the_progress_follows_the_batch_and_gives_way_to_the_result(
    tab: Page, answers: dict[str, Callable[[], str]]
) -> None:
    told = iter([("running", 3, False), ("updated", 6, False), ("mailed", 6, True)])

    def status() -> str:
        state, done, finished = next(told)
        outcomes = ["not_found"] + ["changed"] * (done - 1) + ["pending"] * (6 - done)
        return json.dumps({"state": state, "done": done, "total": 6, "finished": finished, "outcomes": outcomes})

    answers["/secciones/resultado/abcdefghijklmnopqrstuvwxyz/estado"] = status
    tab.clock.install()
    show(tab, "pages-progress-queued")
    for state, done in (("running", "3"), ("updated", "6")):
        tab.clock.run_for(1500)
        expect(tab.locator("[data-done]")).to_have_text(done)
        expect(tab.locator("[data-phase]:visible")).to_have_attribute("data-phase", state)
        expect(tab.locator("[data-outcome=changed]")).to_have_count(int(done) - 1)
        expect(tab.locator("[data-outcome]").first).to_contain_text("Cuenta no encontrada. Verifique en SIGES")
    with tab.expect_navigation():
        tab.clock.run_for(1500)


def test_the_progress_asks_less_and_less_often_while_the_service_fails(
    tab: Page, answers: dict[str, Callable[[], str]]
) -> None:
    answers["/secciones/resultado/abcdefghijklmnopqrstuvwxyz/estado"] = lambda: "<html>"
    tab.add_init_script("""
        const wait = setTimeout, waits = [];
        window.sixWaits = new Promise((done) => {
            window.setTimeout = (then, time) => {
                if (waits.push(time) === 6) done(waits);
                return wait(then, 0);
            };
        });
    """)
    show(tab, "pages-progress-running")
    assert tab.evaluate("window.sixWaits") == [1500, 3000, 6000, 12000, 15000, 15000]
    expect(tab.locator("[data-done]")).to_have_text("3")


def test_the_focus_goes_to_what_is_wrong(tab: Page) -> None:
    show(tab, "pages-identity-missing")
    expect(tab.get_by_role("alert")).to_be_focused()
    tab.get_by_role("link", name="Ingrese su NIP.").click()
    expect(tab.get_by_label("NIP")).to_be_focused()


def test_the_menu_closes_with_escape_and_with_a_click_elsewhere(tab: Page) -> None:
    show(tab, "pages-schools-list")
    summary, leave = tab.locator("summary"), tab.get_by_role("button", name="Salir")
    summary.press("Enter")
    expect(leave).to_be_visible()
    leave.press("Escape")
    expect(leave).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    tab.get_by_role("heading", level=1).click()
    expect(leave).to_be_hidden()


def test_a_double_click_sends_once(tab: Page) -> None:
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    show(tab, "pages-confirm-6")
    tab.get_by_role("button", name="Sí, restablecer 3 contraseñas").dblclick()
    expect(tab).to_have_title("/secciones/restablecer")
    assert sent == [f"{ORIGIN}/secciones/restablecer"]


@pytest.mark.parametrize("name", ["pages-landing", "pages-identity-invalid", "pages-students", "pages-result-mailed"])
def test_nothing_is_wider_than_the_screen(tab: Page, name: str) -> None:
    show(tab, name)
    for width in (320, 360, 768, 1280):
        tab.set_viewport_size({"width": width, "height": 740})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_to_press_is_large_enough(tab: Page) -> None:
    tab.set_viewport_size({"width": 360, "height": 740})
    for name in ("pages-landing", "pages-identity", "pages-students", "pages-confirm-6", "pages-result-mailed"):
        show(tab, name)
        for target in tab.locator("main :is(button, input, summary, .button, .card, .back a):visible").all():
            box = target.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 24, target.evaluate("element => element.outerHTML")
