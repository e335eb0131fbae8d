"""A teacher sees what the registry gives to them, and a foreign id is like one that does not exist."""

import threading
from dataclasses import replace

import pytest

from secciones.domain.errors import NotAssigned, SectionClosed
from secciones.domain.outcomes import Outcome
from secciones.domain.roster import Roster
from secciones.services.list_sections import list_schools, list_sections, list_students
from tests.support.world import DOMAIN, SCHOOL, SECTION, SESSION, TEACHER, World, student


def test_the_schools_of_a_teacher_and_the_open_sections_of_one(world: World) -> None:
    closed = replace(SECTION, id="s-2", is_open=False)
    school = replace(SCHOOL, sections=(SECTION, closed))
    world.registry.assignments[TEACHER.id] = (school,)

    assert list_schools(world.registry, world.audit, SESSION) == (school,)
    assert list_sections(world.registry, world.audit, SESSION, SCHOOL.id) == ((school,), school, (SECTION,))


def test_a_teacher_without_schools_and_one_whom_the_registry_forgot_see_none(world: World) -> None:
    world.registry.assignments[TEACHER.id] = ()
    assert list_schools(world.registry, world.audit, SESSION) == ()
    world.registry.assignments.clear()
    assert list_schools(world.registry, world.audit, SESSION) == ()


def test_students_come_with_the_account_that_each_should_have(world: World) -> None:
    world.enrol(student(1), student(2, f"luis@{DOMAIN}"), student(3, "luis@otra"), replace(student(4), nie=None))
    view = list_students(world.registry, world.audit, SESSION, DOMAIN, SCHOOL.id, SECTION.id)

    assert [(row.address, row.problem) for row in view.rows] == [
        (f"1000001@{DOMAIN}", None),
        (f"luis@{DOMAIN}", None),
        ("luis@otra", Outcome.MALFORMED_ADDRESS),
        ("", Outcome.NO_ADDRESS),
    ]


def test_a_section_takes_one_round_trip_to_the_registry(world: World) -> None:
    both = threading.Barrier(2, timeout=5)

    def meets_the_other() -> None:
        both.wait()

    world.registry.delay = meets_the_other

    view = list_students(world.registry, world.audit, SESSION, DOMAIN, SCHOOL.id, SECTION.id)

    assert view.section == SECTION


@pytest.mark.parametrize(("school_id", "section_id"), [("c-9", "s-1"), ("c-1", "s-9"), ("s-1", "c-1")])
def test_foreign_and_unknown_ids_are_not_assigned(world: World, school_id: str, section_id: str) -> None:
    with pytest.raises(NotAssigned):
        list_students(world.registry, world.audit, SESSION, DOMAIN, school_id, section_id)


def test_a_closed_section_is_said_to_be_closed(world: World) -> None:
    closed = replace(SECTION, is_open=False)
    world.registry.rosters[TEACHER.id, SECTION.id] = Roster(SCHOOL, closed, ())
    with pytest.raises(SectionClosed):
        list_students(world.registry, world.audit, SESSION, DOMAIN, SCHOOL.id, SECTION.id)


def test_every_listing_is_audited(world: World) -> None:
    list_schools(world.registry, world.audit, SESSION)
    list_sections(world.registry, world.audit, SESSION, SCHOOL.id)
    list_students(world.registry, world.audit, SESSION, DOMAIN, SCHOOL.id, SECTION.id)
    assert world.audit.outcomes("listing") == ["schools", "sections", "students"]
    assert {event.actor for event in world.audit.events} == {SESSION.actor}
