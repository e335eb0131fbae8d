"""Everything can be done with the keys alone: the focus is seen, is covered by nothing, goes in order and gets away."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from secciones.ports.sign_in import Identity
from tests.support.fakes import SendsBackAtOnce
from tests.support.sample_pages import ORIGIN, fulfill
from tests.support.site import Pages
from tests.support.world import DOMAIN, DUI_AND_NIP, SESSION, TEACHER, World, account
from tests.unit.web.samples import Words, samples

SAMPLES = {
    sample.name: sample
    for sample in samples(Words(), students=14)
    if not sample.name.endswith("-anonymous")  # the same without the menu
}
# Where the focus is; what is on top there has to be the element itself, or its label.
STOP = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const line = one.getClientRects()[0] ?? box;
    const top = document.elementFromPoint(line.x + line.width / 2, line.y + line.height / 2);
    const names = [one.getAttribute("aria-label"), one.labels?.[0]?.textContent, one.textContent];
    return {
        name: (names.find(Boolean) ?? "").trim(),
        isAway: one === document.body,
        isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        isUncovered: [one, ...(one.labels ?? [])].some((each) => each.contains(top)),
    };
}"""
TABBABLE = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })).length"""
IN_ORDER = """() => {
    const before = window.stopBefore, here = document.activeElement;
    window.stopBefore = here;
    return !before || Boolean(before.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING);
}"""


def press(page: Page, key: str) -> dict[str, Any]:
    """Where the focus is then; it is always seen and never covered."""
    page.wait_for_load_state()  # before its style is there, no focus is seen
    page.keyboard.press(key)
    stop: dict[str, Any] = page.evaluate(STOP)
    assert stop["isAway"] or (stop["isSeen"] and stop["isUncovered"]), stop
    return stop


def go_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press until the focus is on what is called so."""
    for _ in range(60):
        if re.search(name, press(page, key)["name"]):
            return
    raise AssertionError(f"{name!r} cannot be reached")


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    pages = Pages(World.in_folder(tmp_path, students=12))
    pages.world.directory.accounts[SESSION.address] = account(99, address=SESSION.address, org_unit="/Docentes")
    pages.world.registry.teachers[DUI_AND_NIP] = TEACHER
    return pages


@pytest.fixture
def home(pages: Pages) -> Iterator[str]:
    with pages.served() as origin:
        identity = Identity(SESSION.subject, SESSION.address, TEACHER.name, DOMAIN, address_is_verified=True)
        pages.provider = SendsBackAtOnce(identity, origin)
        yield f"{origin}/secciones/"


def test_a_journey_with_the_keys_alone(page: Page, pages: Pages, home: str) -> None:
    page.goto(home)
    go_to(page, "Ir al contenido")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    go_to(page, "Iniciar sesión con Google")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Estimado")

    go_to(page, "Ingresar")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    go_to(page, "Ingrese su DUI")
    page.keyboard.press("Enter")
    expect(page.get_by_label("DUI")).to_be_focused()
    page.keyboard.type(DUI_AND_NIP[0])
    go_to(page, "NIP")
    page.keyboard.type(DUI_AND_NIP[1])
    page.keyboard.press("Enter")

    expect(page.get_by_text("Seleccione una sección")).to_be_visible()
    go_to(page, "Tercer Grado")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Ramos 011")).to_be_visible()
    go_to(page, "Buscar")
    page.keyboard.type("ramos")
    go_to(page, "Ordenar por")
    page.keyboard.press("ArrowDown")
    go_to(page, "Seleccionar a todos")
    page.keyboard.press("Space")
    expect(page.get_by_text("12 estudiantes seleccionados")).to_be_visible()
    go_to(page, "Ramos 000")
    page.keyboard.press("Space")
    expect(page.get_by_text("11 estudiantes seleccionados")).to_be_visible()
    go_to(page, "^Procesar$", "Shift+Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("11 contraseñas")
    go_to(page, "Sí, restablecer 11 contraseñas")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Restableciendo contraseñas")).to_be_visible()
    (batch,) = pages.world.batches()
    pages.world.work(batch.id)
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible(timeout=20_000)
    go_to(page, TEACHER.name)
    page.keyboard.press("Enter")
    go_to(page, "Salir")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Su sesión se cerró")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800), (320, 256)])
def test_on_every_page_the_focus_goes_in_order_and_gets_away(chromium: Browser, width: int, height: int) -> None:
    with chromium.new_context(viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        page.route("**/*", lambda route: fulfill(route, SAMPLES))
        for name in SAMPLES:
            page.goto(f"{ORIGIN}/{name}")
            page.locator(".skip").focus()  # a summary of errors has it at first
            page.evaluate(IN_ORDER)
            stops = ["Ir al contenido"]
            # After the last one the focus goes to the browser's own controls, if there are any, or begins anew.
            while not (stop := press(page, "Tab"))["isAway"] and stop["name"] not in stops[:1]:
                stops.append(stop["name"])
                assert page.evaluate(IN_ORDER), (name, stops)
            assert len(stops) == page.evaluate(TABBABLE), (name, stops)
