"""Schools at the left, the sections of the chosen one, the students of the chosen section."""

from dataclasses import dataclass

import flask

from secciones.ports.clock import Ids
from secciones.ports.registry import Registry
from secciones.services.list_sections import list_schools, list_sections, list_students
from secciones.services.sessions import Step
from secciones.web.page import Page
from secciones.web.routes import Route


@dataclass(frozen=True)
class SectionsPorts:
    """What these pages work with."""

    registry: Registry
    ids: Ids
    domain: str
    batch_limit: int


def schools(page: Page, ports: SectionsPorts) -> flask.Response:
    """The teacher's schools; whoever has one only goes on to its sections."""
    all_schools = list_schools(ports.registry, page.site.audit, page.visitor)
    if len(all_schools) == 1:
        return page.redirect(f"/secciones/centros/{all_schools[0].id}")
    return page.render("pages/schools.html", schools=all_schools, school=None, sections=())


def sections(page: Page, ports: SectionsPorts) -> flask.Response:
    """The open sections of one school."""
    all_schools, school, its_sections = list_sections(
        ports.registry, page.site.audit, page.visitor, page.path_values["school_id"]
    )
    return page.render("pages/schools.html", schools=all_schools, school=school, sections=its_sections)


def students(page: Page, ports: SectionsPorts) -> flask.Response:
    """The students of one section, to be ticked. The form carries a value that is good for one batch."""
    view = list_students(
        ports.registry,
        page.site.audit,
        page.visitor,
        ports.domain,
        page.path_values["school_id"],
        page.path_values["section_id"],
    )
    return page.render(
        "pages/students.html",
        schools=view.schools,
        school=view.school,
        section=view.section,
        rows=view.rows,
        limit=ports.batch_limit,
        form_nonce=ports.ids.token(),
    )


ROUTES = (
    Route("GET", "/secciones/centros", schools, Step.VERIFIED),
    Route("GET", "/secciones/centros/<school_id>", sections, Step.VERIFIED),
    Route("GET", "/secciones/centros/<school_id>/<section_id>", students, Step.VERIFIED),
)
