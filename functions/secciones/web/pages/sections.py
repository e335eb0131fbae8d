"""Schools at the left, the sections of the chosen one, the students of the chosen section."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import flask

from secciones.domain.people import clean_name
from secciones.domain.roster import School, Section
from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Documents
from secciones.ports.registry import Registry
from secciones.services.arrange_students import Group, Order, Wish, arrange, groups_of
from secciones.services.list_sections import StudentRow, list_schools, list_sections
from secciones.services.open_section import OpenSection, open_section
from secciones.services.selections import Choice, forget_choices, keep_choice, kept_choices
from secciones.services.sessions import Step
from secciones.web.page import ID, Page, matching
from secciones.web.routes import Route

_LONGEST_SEARCH = 100


@dataclass(frozen=True)
class SectionsPorts:
    """What these pages work with; `look` is LiveLook, made when it is first needed."""

    registry: Registry
    documents: Documents
    clock: Clock
    ids: Ids
    look: Callable[[Sequence[StudentRow]], tuple[Sequence[StudentRow], bool]]
    domain: str
    batch_limit: int


def schools(page: Page, ports: SectionsPorts) -> flask.Response:
    """The teacher's schools; whoever has one only goes on to its sections."""
    all_schools = list_schools(ports.registry, page.site.audit, page.visitor)
    if len(all_schools) == 1:
        return page.redirect(f"/secciones/centros/{all_schools[0].id}")
    return _render_schools(page, ports, all_schools, None, ())


def sections(page: Page, ports: SectionsPorts) -> flask.Response:
    """The open sections of one school."""
    found = list_sections(ports.registry, page.site.audit, page.visitor, page.path_values["school_id"])
    return _render_schools(page, ports, *found)


def students(page: Page, ports: SectionsPorts) -> flask.Response:
    """The students of one section, to be ticked. The form carries a value that is good for one batch."""
    seen = _look_now(page, ports)
    here = [choice for choice in seen.known.kept if choice.section_id == seen.section.id]
    return _render_students(page, ports, seen, seen.known.kept, Wish(ticked=here[0].student_ids if here else ()))


def arrange_students(page: Page, ports: SectionsPorts) -> flask.Response:
    """The form of a section comes back to be searched, put in order or ticked by a group; its ticks are kept.

    With `then` it asks for something else: to keep the ticks and no more, which a script does while one ticks and the
    registry is not asked for, and to show next who one is; to go to another section; to forget all ticks.
    """
    match page.field("then"):
        case "cancel":
            forget_choices(ports.documents, page.visitor)
            return page.redirect("/secciones/centros")
        case "nothing":
            keep_choice(ports.documents, ports.clock, page.visitor, _choice(page))
            return flask.Response(status=204)
        case "identity":
            keep_choice(ports.documents, ports.clock, page.visitor, _choice(page))
            return page.redirect("/secciones/identidad")
    seen, wish = _look(page, ports), _wish(page)
    ticked = arrange(seen.known.rows, wish, ports.clock.now()).ticked
    choice = Choice(seen.school.id, seen.section.id, ticked)
    kept = keep_choice(ports.documents, ports.clock, page.visitor, choice)
    if page.field("then") == "another":
        return page.redirect("/secciones/centros")
    return _render_students(page, ports, seen, kept, wish)


def _look(page: Page, ports: SectionsPorts) -> OpenSection:
    school_id, section_id = page.path_values["school_id"], page.path_values["section_id"]
    return open_section(
        ports.registry, ports.documents, page.site.audit, page.visitor, ports.domain, school_id, section_id
    )


def _look_now(page: Page, ports: SectionsPorts) -> OpenSection:
    seen = _look(page, ports)
    rows, is_all = ports.look(seen.known.rows)
    whole_since = ports.clock.now() if is_all else seen.known.whole_since
    return replace(seen, known=seen.known._replace(rows=rows, whole_since=whole_since))


def _choice(page: Page) -> Choice:
    """As the form has it; what is not the teacher's is left out when it is to be processed."""
    school_id, section_id = (matching(ID, page.path_values[name]) for name in ("school_id", "section_id"))
    students = frozenset(matching(ID, value) for value in page.request.form.getlist("student"))
    return Choice(school_id, section_id, students)


def _render_schools(
    page: Page,
    ports: SectionsPorts,
    all_schools: Sequence[School],
    school: School | None,
    its_sections: Sequence[Section],
) -> flask.Response:
    return page.render(
        "pages/schools.html",
        schools=all_schools,
        school=school,
        sections=its_sections,
        ticked=_ticked(kept_choices(ports.documents, page.visitor)),
        form_nonce=ports.ids.token(),
    )


def _render_students(
    page: Page, ports: SectionsPorts, seen: OpenSection, kept: Sequence[Choice], wish: Wish
) -> flask.Response:
    now, ticked = ports.clock.now(), _ticked(kept)
    ticked.pop(seen.section.id, None)
    return page.render(
        "pages/students.html",
        schools=seen.schools,
        school=seen.school,
        section=seen.section,
        count=len(seen.known.rows),
        students=arrange(seen.known.rows, wish, now),
        elsewhere=sum(ticked.values()),
        groups={row.student_id: groups_of(row, now) for row in seen.known.rows},
        whole_since=seen.known.whole_since,
        now=now,
        wish=wish,
        limit=ports.batch_limit,
        form_nonce=ports.ids.token(),
    )


def _ticked(choices: Sequence[Choice]) -> dict[str, int]:
    """How many are ticked, by section."""
    return {choice.section_id: len(choice.student_ids) for choice in choices}


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
    Route("POST", "/secciones/centros/<school_id>/<section_id>", arrange_students, Step.VERIFIED),
)
