"""A tick waits on the server a moment after it was made, and at once when one leaves, whatever becomes of the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from secciones.services.selections import kept_choices
from secciones.web.session import SESSION_COOKIE
from tests.support.google_pages import wait_for
from tests.support.site import Pages
from tests.support.world import SCHOOL, SECTION, SESSION, World

PATH = f"/secciones/centros/{SCHOOL.id}/{SECTION.id}"


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return Pages(World.in_folder(tmp_path, students=5))


@pytest.fixture
def section(pages: Pages, browser: Browser) -> Iterator[Page]:
    """The page of the section, in a browser that is signed in."""
    with pages.served() as origin, browser.new_context(viewport={"width": 360, "height": 740}) as context:
        # A browser takes it over a secure connection alone, and brings it to this machine without.
        home = "https://localhost/"
        context.add_cookies([{"name": SESSION_COOKIE, "value": pages.verified(), "url": home, "secure": True}])
        page = context.new_page()
        page.goto(f"{origin}{PATH}")
        yield page


def kept(pages: Pages) -> list[str]:
    return sorted(student for choice in kept_choices(pages.world.documents, SESSION) for student in choice.student_ids)


def test_ticks_are_kept_a_moment_after_the_last(pages: Pages, section: Page) -> None:
    section.get_by_label("Ramos 001").check()
    section.get_by_label("Ramos 003").check()
    wait_for("the ticks", lambda: kept(pages) == ["e-1", "e-3"])
    section.get_by_role("button", name="Ninguno").click()
    wait_for("no ticks", lambda: kept(pages) == [])


def test_whoever_leaves_at_once_finds_the_tick_again(pages: Pages, section: Page) -> None:
    section.get_by_label("Ramos 002").check()
    section.get_by_role("link", name="Secciones de este centro educativo").click()
    wait_for("the tick", lambda: kept(pages) == ["e-2"])
    section.goto(section.url)
    expect(section.get_by_text("1 estudiante seleccionado en 1 sección")).to_be_visible()
    section.get_by_role("link", name="Tercer Grado").click()
    expect(section.get_by_label("Ramos 002")).to_be_checked()


def test_a_session_that_ends_takes_no_tick_along(pages: Pages, section: Page) -> None:
    section.get_by_label("Ramos 004").check()
    wait_for("the tick", lambda: kept(pages) == ["e-4"])
    pages.world.clock.advance(minutes=16)
    section.get_by_role("button", name="Procesar", exact=True).click()
    expect(section.get_by_role("heading", name="Su sesión venció")).to_be_visible()
    expect(section.get_by_text("se conservan durante 8 horas")).to_be_visible()
    assert kept(pages) == ["e-4"]
