"""Fills the planned sections with students: this year's, and last year's from those who were promoted or left."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from infra.local.sample.cases import Learner, learner, with_case
from infra.local.sample.layout import GRADES, PAST_SECTIONS, SECTIONS, YEAR, PastSection, SectionPlan
from infra.local.sample.names import Draw


@dataclass(frozen=True)
class Section:
    """A section with its place in the registry and the people in it; teachers by their place in the layout."""

    year: int
    school: str
    number: int
    grade: str
    name: str
    shift: str
    state: str
    teachers: tuple[int, ...]
    learners: tuple[Learner, ...]

    @property
    def id(self) -> str:
        return f"sec-{self.year}-{self.school}-{self.number:03d}"

    @property
    def course_id(self) -> str:
        return f"gra-{self.year}-{self.school}-{GRADES[self.grade]}"


def sections_of_both_years(draw: Draw) -> tuple[list[Section], list[Section]]:
    """This year's sections, and last year's."""
    numbers = iter(range(1, 10_000))
    present: list[Section] = []
    for plan in SECTIONS:
        present.append(_section(plan, _number_in(present, plan.school), tuple(_learners(draw, plan, numbers))))
    past: list[Section] = []
    for earlier in PAST_SECTIONS:
        past.append(_past_section(earlier, _number_in(past, earlier.school), present, draw, numbers))
    return present, past


def _number_in(sections: list[Section], school: str) -> int:
    return 1 + sum(section.school == school for section in sections)


def _section(plan: SectionPlan, number: int, learners: tuple[Learner, ...]) -> Section:
    return Section(YEAR, plan.school, number, plan.grade, plan.name, plan.shift, plan.state, plan.teachers, learners)


def _learners(draw: Draw, plan: SectionPlan, numbers: Iterator[int]) -> Iterator[Learner]:
    cases, previous, active = list(plan.cases), None, 0
    while cases or active < plan.size:
        plain = learner(draw, next(numbers), plan.school)
        previous = with_case(cases.pop(0), plain, previous) if cases else plain
        active += previous.is_active
        yield previous


def _past_section(
    plan: PastSection, number: int, present: list[Section], draw: Draw, numbers: Iterator[int]
) -> Section:
    successor = next(s for s in present if s.school == plan.school and (s.grade, s.name) == plan.successor)
    promoted = [replace(student, enrolments=("activa",)) for student in successor.learners[-plan.stayed :]]
    left = [_left(learner(draw, next(numbers), plan.school)) for _ in range(plan.left)]
    learners = tuple(promoted + left)
    # Nobody closed it when the year ended: only the year tells that it is over.
    return Section(
        YEAR - 1, plan.school, number, plan.grade, plan.name, successor.shift, "abierta", plan.teachers, learners
    )


def _left(student: Learner) -> Learner:
    assert student.account is not None
    return replace(student, account=replace(student.account, org_unit_path="/Estudiantes-retirados"))
