"""Schools at the left, the sections of the chosen one, the students of the chosen section."""

import contextlib
from dataclasses import dataclass

import flask

from secciones.domain.people import clean_name
from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Documents
from secciones.ports.registry import Registry
from secciones.services.account_standings import with_standings
from secciones.services.arrange_students import Group, Order, Wish, arrange, groups_of
from secciones.services.list_sections import list_schools, list_sections, list_students
from secciones.services.sessions import Step
from secciones.web.page import Page
from secciones.web.routes import Route

_LONGEST_SEARCH = 100


@dataclass(frozen=True)
class SectionsPorts:
    """What these pages work with."""

    registry: Registry
    documents: Documents
    clock: Clock
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
    """The students of one section, to be ticked. The form carries a value that is good for one batch.

    Asked with GET or, by the form itself, with POST: then for a search, an order or a group, and what was ticked stays.
    """
    view = list_students(
        ports.registry,
        page.site.audit,
        page.visitor,
        ports.domain,
        page.path_values["school_id"],
        page.path_values["section_id"],
    )
    rows, whole_since = with_standings(ports.documents, page.visitor, view.rows)
    wish, now = _wish(page), ports.clock.now()
    return page.render(
        "pages/students.html",
        schools=view.schools,
        school=view.school,
        section=view.section,
        count=len(rows),
        students=arrange(rows, wish, now),
        groups={row.student_id: groups_of(row, now) for row in rows},
        whole_since=whole_since,
        now=now,
        wish=wish,
        limit=ports.batch_limit,
        form_nonce=ports.ids.token(),
    )


def _wish(page: Page) -> Wish:
    order, group = Order.SURNAMES, None
    # What no button of ours sends asks for nothing.
    with contextlib.suppress(ValueError):
        order = Order(page.field("order"))
    with contextlib.suppress(ValueError):
        group = Group(page.field("group"))
    return Wish(
        search=clean_name(page.field("search")[:_LONGEST_SEARCH]),
        order=order,
        group=group,
        ticked=frozenset(page.request.form.getlist("student")),
    )


ROUTES = (
    Route("GET", "/secciones/centros", schools, Step.VERIFIED),
    Route("GET", "/secciones/centros/<school_id>", sections, Step.VERIFIED),
    Route("GET", "/secciones/centros/<school_id>/<section_id>", students, Step.VERIFIED),
    Route("POST", "/secciones/centros/<school_id>/<section_id>", students, Step.VERIFIED),
)
