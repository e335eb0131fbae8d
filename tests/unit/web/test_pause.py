"""While operators have paused all resets, every page says so, and leaving still works."""

from typing import Any

import pytest

from secciones.services.pause import pause_resets, resume_resets
from secciones.services.sessions import Step
from secciones.web.pages import login, reset, sections, verify
from secciones.web.routes import Route
from tests.support.html import check_page
from tests.support.site import Pages
from tests.support.world import SCHOOL, SECTION, World

ROUTES: list[Route[Any]] = [*login.ROUTES, *verify.ROUTES, *sections.ROUTES, *reset.ROUTES]
CLOSED = [route for route in ROUTES if route.step > Step.NOBODY and not route.always_open]


@pytest.fixture
def pages(world: World) -> Pages:
    return Pages(world)


def ask(pages: Pages, route: Any, cookie: str) -> Any:
    values = {"<school_id>": SCHOOL.id, "<section_id>": SECTION.id, "<batch_id>": "a" * 26}
    path = route.path
    for name, value in values.items():
        path = path.replace(name, value)
    return pages.post(path, cookie) if route.method == "POST" else pages.get(path, cookie)


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
def test_a_page_says_that_the_service_is_paused_and_asks_nobody_else(
    world: World, pages: Pages, log_lines: list[dict[str, Any]], route: Any
) -> None:
    pause_resets(world.documents, world.clock, "Vuelva a las 14:00 & <gracias>.")
    answer = ask(pages, route, pages.verified())
    assert answer.status == 503
    tree = check_page(answer.text)
    assert "Servicio en pausa" in answer.text
    assert "Vuelva a las 14:00 &amp; &lt;gracias&gt;." in answer.text
    assert tree is not None
    assert world.registry.asked == 0
    assert not [line for line in log_lines if line["severity"] != "INFO"], "no alert of what operators did themselves"


def test_of_what_needs_a_session_leaving_alone_stays_open() -> None:
    assert [route.path for route in ROUTES if route.always_open] == ["/secciones/salir"]


def test_leaving_still_works(world: World, pages: Pages) -> None:
    pause_resets(world.documents, world.clock, "")
    cookie = pages.verified()
    assert pages.post("/secciones/salir", cookie).status == 303
    assert pages.sessions.find(cookie)[0] is None


def test_a_visitor_without_a_session_is_asked_to_sign_in_as_ever(world: World, pages: Pages) -> None:
    pause_resets(world.documents, world.clock, "")
    assert pages.get("/secciones/").status == 200
    assert pages.get("/secciones/centros").status == 401


def test_a_pause_and_its_end_hold_for_the_very_next_page(world: World, pages: Pages) -> None:
    cookie = pages.verified()
    assert pages.get("/secciones/centros", cookie).status == 303
    pause_resets(world.documents, world.clock, "")
    assert pages.get("/secciones/centros", cookie).status == 503
    resume_resets(world.documents)
    assert pages.get("/secciones/centros", cookie).status == 303


def test_a_submit_is_refused_although_this_instance_has_not_heard_of_the_pause_yet(world: World, pages: Pages) -> None:
    cookie = pages.verified()
    assert pages.get("/secciones/centros", cookie).status == 303
    pause_resets(world.documents, world.clock, "")
    form = {
        "school": SCHOOL.id,
        "section": SECTION.id,
        "student": "e-0",
        "form_nonce": "n" * 43,
        "confirmed": "yes",
    }
    answer = pages.post("/secciones/restablecer", cookie, form)
    assert (answer.status, "Servicio en pausa" in answer.text) == (503, True)
    assert world.batches() == []
