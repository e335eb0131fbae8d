"""WCAG 2.2 AA on every page in every state, as far as machines can tell it."""

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.test_journey import sign_in, verify
from tests.support.accessibility import Seen
from tests.support.sample_pages import ORIGIN, fulfill
from tests.support.stack import Stack
from tests.unit.web.samples import Words, samples

SAMPLES = {sample.name: sample for sample in samples(Words(), students=4)}


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_each_page_in_each_state_is_clean(browser: Browser, width: int, scheme: Any) -> None:
    """The fixture judges whatever is opened."""
    with browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme) as context:
        page = context.new_page()
        page.route("**/*", lambda route: fulfill(route, SAMPLES))
        for name in SAMPLES:
            if name.endswith("-anonymous"):  # the same without the menu
                continue
            page.goto(f"{ORIGIN}/{name}")


def test_a_journey_in_the_dark_scheme_is_clean(browser: Browser, stack: Stack) -> None:
    """With a form that is sent empty, a page that is not there, and the list of earlier resets."""
    context = browser.new_context(color_scheme="dark", viewport={"width": 360, "height": 740})
    page = context.new_page()
    teacher = stack.person("jose")
    for path in ("", "guia", "nada"):
        page.goto(f"{stack.url}{path}")
    sign_in(page, stack, teacher)
    page.get_by_role("button", name="Ingresar").click()
    verify(page, teacher)
    page.get_by_role("link", name=re.compile("Grado|Bachillerato|Parvularia")).nth(2).click()
    page.locator("input[name=student]").first.check()
    page.get_by_role("button", name="Procesar", exact=True).click()
    page.get_by_role("button", name=re.compile("Sí, restablecer")).click()
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible(timeout=60_000)
    page.locator("summary").click()
    page.locator(".menu").get_by_role("link", name="Mis restablecimientos").click()
    expect(page.get_by_role("heading", name="Mis restablecimientos")).to_be_visible()
    context.close()


@pytest.mark.parametrize("has_script", [True, False])
def test_what_is_wrong_with_a_page_that_a_test_opened_is_found(chromium: Browser, has_script: bool) -> None:
    seen = Seen()
    ours = '<link rel="stylesheet" href="/secciones/static/app.css">'
    page_with = '<!doctype html><html lang="es"><title>x</title>{}<main><h1>x</h1>{}</main>'.format
    with seen.watched(chromium.new_context)(java_script_enabled=has_script) as context:
        page = context.new_page()
        for name, html in (("stranger", page_with("", "<img src=x>")), ("ours", page_with(ours, "<img src=x>"))):
            page.unroute_all()
            page.route("**/*", functools.partial(Route.fulfill, body=html, content_type="text/html"))
            page.goto(f"{ORIGIN}/{name}")
    with pytest.raises(AssertionError, match="no viewport"):
        list(seen.problems(chromium.new_context))
    assert len(set(seen.sent)) == 1
    seen.sent.clear()
    (found,) = set(seen.problems(chromium.new_context))
    assert "image-alt" in found


# --- What a screen reader is told ---

CONTROLS = {"button", "checkbox", "combobox", "DisclosureTriangle", "link", "progressbar", "searchbox", "textbox"}


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A page with all samples in it, which the first test above has judged."""
    with chromium.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.route("**/*", lambda route: fulfill(route, SAMPLES))
        yield page


def test_every_control_of_every_page_has_a_name(tab: Page) -> None:
    session = tab.context.new_cdp_session(tab)
    found: set[str] = set()
    for name in SAMPLES:
        tab.goto(f"{ORIGIN}/{name}")
        for node in session.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value", "")
            if role in CONTROLS and not node["ignored"]:
                found.add(role)
                assert node["name"]["value"].strip(), f"{role} on {name}"
    assert found == CONTROLS


def test_a_section_is_read_as_landmarks_a_form_and_a_table_of_boxes(tab: Page) -> None:
    tab.goto(f"{ORIGIN}/pages-students")
    tab.get_by_label("Estefanía 1").check()
    expect(tab.locator("body")).to_match_aria_snapshot("""
        - link "Ir al contenido"
        - banner:
          - link "Secciones"
        - main:
          - heading "Séptimo Grado, sección A" [level=1]
          - searchbox "Buscar"
          - combobox "Ordenar por"
          - group "Seleccionar:":
            - button "Todos"
            - button "Ninguno"
          - status:
            - paragraph: 1 estudiante seleccionado
          - button "Procesar"
          - table "Estudiantes de la sección":
            - rowgroup:
              - row:
                - cell:
                  - checkbox "Seleccionar a todos los estudiantes que se muestran" [checked=mixed]
                - columnheader "Nombre"
            - rowgroup:
              - row:
                - cell:
                  - checkbox /Estefanía 0/
                - rowheader /Estefanía 0/
              - row:
                - cell:
                  - checkbox /Estefanía 1/ [checked]
        - contentinfo:
          - paragraph: Ministerio de Educación
    """)


def test_the_progress_is_read_with_its_name_and_how_far_it_is(tab: Page) -> None:
    session = tab.context.new_cdp_session(tab)
    tab.goto(f"{ORIGIN}/pages-progress-running")
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    (bar,) = (node for node in nodes if node.get("role", {}).get("value") == "progressbar")
    assert bar["name"]["value"] == "Cuentas procesadas"
    assert float(bar["value"]["value"]) == 2
    assert [p["value"]["value"] for p in bar["properties"] if p["name"] == "valuemax"] == [4]
    expect(tab.get_by_role("status")).to_have_text("Se están restableciendo las contraseñas.", use_inner_text=True)


def test_what_is_wrong_is_read_at_once_and_again_at_its_field(tab: Page) -> None:
    tab.goto(f"{ORIGIN}/pages-identity-invalid")
    expect(tab).to_have_title("Error: Identificación · Restablecimiento de contraseñas por sección")
    expect(tab.get_by_role("alert")).to_be_focused()
    expect(tab.get_by_role("alert")).to_match_aria_snapshot("""
        - alert:
          - list:
            - listitem:
              - link /DUI/
            - listitem:
              - link /NIP/
    """)
    for label in ("DUI", "NIP"):
        field = tab.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(f"Ingrese .*{label}"))


def test_what_colours_say_words_say_too(tab: Page) -> None:
    """Without any colour, a row that is ticked, an account that cannot be reset, and the chosen school are told."""
    tab.goto(f"{ORIGIN}/pages-students")
    for flag in tab.locator(".flag").all():
        expect(flag).not_to_have_text("")
        expect(flag.locator("svg")).to_be_visible()
    tab.goto(f"{ORIGIN}/pages-schools-chosen")
    expect(tab.locator(".chosen a")).to_have_attribute("aria-current", "true")
    for name in SAMPLES:
        tab.goto(f"{ORIGIN}/{name}")
        for notice in tab.locator(".notice:not([role=alert])").all():
            expect(notice.locator("> svg")).to_be_attached()
            assert notice.inner_text().strip()
