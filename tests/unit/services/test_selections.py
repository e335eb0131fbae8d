"""What was ticked waits on the server, and becomes one batch with what is ticked in other sections."""

from dataclasses import replace

import pytest

from secciones.domain.errors import NotAssigned, NothingSelected, SectionClosed, TooManySelected
from secciones.domain.outcomes import Outcome
from secciones.domain.roster import Roster, School, Section, Student
from secciones.services.request_reset import request_reset, select_students
from secciones.services.selections import Choice, forget_choices, keep_choice, kept_choices
from tests.support.world import COLLEAGUE, RULES, SCHOOL, SECTION, SESSION, TEACHER, World, student

OTHER = replace(SECTION, id="s-2", name="B")
OTHER_SCHOOL = replace(SCHOOL, id="c-2", code="10002", sections=(OTHER,))


def assign(world: World, *students: Student, section: Section = OTHER, school: School = OTHER_SCHOOL) -> None:
    world.registry.rosters[TEACHER.id, OTHER.id] = Roster(school, section, students)


def keep(world: World, section_id: str, *students: str) -> tuple[Choice, ...]:
    return keep_choice(world.documents, world.clock, SESSION, Choice("c-1", section_id, students))


def test_the_ticks_of_each_section_are_kept_until_they_are_changed_or_forgotten(world: World) -> None:
    keep(world, "s-1", "e-1", "e-2")
    keep(world, "s-2", "e-9")
    keep(world, "s-1", "e-3")
    assert [(one.section_id, set(one.student_ids)) for one in kept_choices(world.documents, SESSION)] == [
        ("s-1", {"e-3"}),
        ("s-2", {"e-9"}),
    ]
    assert [one.section_id for one in keep(world, "s-1")] == ["s-2"]
    forget_choices(world.documents, SESSION)
    assert kept_choices(world.documents, SESSION) == ()


def test_ticks_are_the_teachers_own_outlast_the_session_and_not_the_day(world: World) -> None:
    keep(world, "s-1", "e-1")
    assert kept_choices(world.documents, COLLEAGUE) == ()
    world.clock.advance(hours=7)
    assert kept_choices(world.documents, replace(SESSION, id="another session"))
    world.clock.advance(hours=2)
    assert kept_choices(world.documents, SESSION) == ()


def test_whoever_ticks_without_end_loses_the_first_section(world: World) -> None:
    for number in range(21):
        kept = keep(world, f"s-{number}", "e-1")
    assert [one.section_id for one in kept] == [f"s-{number}" for number in range(1, 21)]


def test_students_of_two_schools_become_one_batch_in_the_order_of_the_sections(world: World) -> None:
    assign(world, student(7), student(8))
    choices = Choice(SCHOOL.id, SECTION.id, {"e-2", "e-0"}), Choice("c-2", "s-2", {"e-8"})
    selection = select_students(world.registry, world.documents, SESSION, RULES, *choices)
    batch_id = request_reset(
        world.documents,
        world.queue,
        world.sealer,
        world.audit,
        world.clock,
        world.ids,
        RULES,
        SESSION,
        selection,
        "n" * 43,
    )
    batch = world.batch(batch_id)
    assert [(section.id, section.school_code) for section in batch.sections] == [("s-1", "10001"), ("s-2", "10002")]
    assert [(row.section_id, row.student_id) for row in batch.rows] == [("s-1", "e-0"), ("s-1", "e-2"), ("s-2", "e-8")]
    assert world.audit.events[-1].school == "10001,10002"


def test_the_limit_is_over_all_sections(world: World) -> None:
    choices = Choice("c-1", "s-1", range(150)), Choice("c-2", "s-2", range(51))  # type: ignore[arg-type]
    with pytest.raises(TooManySelected):
        select_students(world.registry, world.documents, SESSION, RULES, *choices)
    assert world.registry.asked == 0


def test_a_student_of_two_sections_counts_once_and_an_address_of_two_students_for_neither(world: World) -> None:
    assign(world, student(0), student(8, "1000001@clases.edu.sv"))
    choices = Choice("c-1", "s-1", {"e-0", "e-1"}), Choice("c-2", "s-2", {"e-0", "e-8"})
    rows = select_students(world.registry, world.documents, SESSION, RULES, *choices).rows
    assert [(row.student_id, row.problem) for row in rows] == [
        ("e-0", None),
        ("e-1", Outcome.SHARED_ADDRESS),
        ("e-8", Outcome.SHARED_ADDRESS),
    ]


@pytest.mark.parametrize(
    ("school", "section", "error"),
    [(OTHER_SCHOOL, replace(OTHER, is_open=False), SectionClosed), (SCHOOL, OTHER, NotAssigned)],
)
def test_what_was_ticked_before_and_is_the_teachers_no_more_is_left_out(
    world: World, school: School, section: Section, error: type[Exception]
) -> None:
    assign(world, student(8), section=section, school=school)
    own, other = Choice("c-1", "s-1", {"e-0"}), Choice("c-2", "s-2", {"e-8"})
    with pytest.raises(error):
        select_students(world.registry, world.documents, SESSION, RULES, own, other)
    kept = replace(other, is_kept=True), Choice("c-1", "s-1", {"e-1", "gone"}, is_kept=True)
    rows = select_students(world.registry, world.documents, SESSION, RULES, *kept).rows
    assert [row.student_id for row in rows] == ["e-1"]
    with pytest.raises(NothingSelected):
        select_students(world.registry, world.documents, SESSION, RULES, kept[0])


def test_what_was_processed_is_ticked_no_more_even_when_nothing_after_the_record_is_done(world: World) -> None:
    """Else the next batch would reset the same students once more."""
    world.enrol(student(0), student(1))
    keep_choice(world.documents, world.clock, SESSION, Choice(SCHOOL.id, SECTION.id, ("e-0",)))
    world.queue.is_down = True
    world.submit("e-0")
    assert kept_choices(world.documents, SESSION) == ()
