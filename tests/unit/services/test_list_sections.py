"""A teacher sees the schools and sections that the registry gives to them."""

from dataclasses import replace

from secciones.services.list_sections import list_schools, list_sections
from tests.support.world import SCHOOL, SECTION, SESSION, TEACHER, World


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


def test_every_listing_is_audited(world: World) -> None:
    list_schools(world.registry, world.audit, SESSION)
    list_sections(world.registry, world.audit, SESSION, SCHOOL.id)
    assert world.audit.outcomes("listing") == ["schools", "sections"]
    assert {event.actor for event in world.audit.events} == {SESSION.actor}
