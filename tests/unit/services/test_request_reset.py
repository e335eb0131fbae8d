"""*Procesar* makes one batch, of the teacher's own students, and none is lost."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from secciones.domain.batches import BatchState, is_batch_id
from secciones.domain.errors import (
    BatchNotFound,
    FormAlreadyUsed,
    NotAssigned,
    NothingSelected,
    RegistryUnavailable,
    SealerUnavailable,
    SectionClosed,
    TooManySelected,
)
from secciones.domain.roster import Roster
from secciones.services.batches import BATCHES, OUTBOX, SEALS
from secciones.services.request_reset import own_batch, repeated_submit, select_students
from secciones.services.selections import Choice
from tests.support.world import COLLEAGUE, RULES, SCHOOL, SECTION, SESSION, TEACHER, World, student


def test_a_submit_is_recorded_sealed_and_queued(world: World) -> None:
    batch_id = world.submit()

    assert is_batch_id(batch_id)
    assert world.batch(batch_id).state is BatchState.QUEUED
    assert world.queue.tasks == [(batch_id, 1)]
    assert world.documents.get(SEALS, batch_id) is not None
    assert world.documents.get(OUTBOX, batch_id) is None
    assert world.audit.outcomes("submit") == ["accepted"]


def test_only_the_students_that_were_ticked_are_in_the_batch(world: World) -> None:
    batch_id = world.submit("e-2", "e-0")
    assert [row.student_id for row in world.batch(batch_id).rows] == ["e-0", "e-2"]


def test_fifty_submits_of_one_form_at_once_make_one_batch_and_one_seed(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: world.submit(), range(50)))
    assert len(ids) == 1
    assert len(world.batches()) == 1
    assert world.queue.tasks == [(ids.pop(), 1)]
    assert world.audit.outcomes("submit") == ["accepted"]


def test_the_same_form_with_other_students_is_refused_and_the_first_batch_stays(world: World) -> None:
    batch_id = world.submit("e-0")
    with pytest.raises(FormAlreadyUsed) as refused:
        world.submit("e-1")
    assert refused.value.batch_id == batch_id
    assert [row.student_id for row in world.batch(batch_id).rows] == ["e-0"]


def test_a_repeated_submit_finds_its_batch_without_asking_the_registry(world: World) -> None:
    batch_id = world.submit("e-0")
    world.registry.is_down = True
    assert repeated_submit(world.documents, SESSION, "n" * 43, ["e-0"]) == batch_id
    assert repeated_submit(world.documents, SESSION, "m" * 43, ["e-0"]) is None
    with pytest.raises(FormAlreadyUsed):
        repeated_submit(world.documents, SESSION, "n" * 43, ["e-1"])


def test_the_same_nonce_of_another_teacher_is_another_batch(world: World) -> None:
    world.registry.rosters["d-2", SECTION.id] = world.registry.rosters[TEACHER.id, SECTION.id]
    assert world.submit() != world.submit(session=COLLEAGUE)


def test_another_teachers_batch_does_not_exist(world: World) -> None:
    batch_id = world.submit()
    document = world.documents.get(BATCHES, batch_id)
    assert own_batch(document, SESSION).id == batch_id
    with pytest.raises(BatchNotFound):
        own_batch(document, COLLEAGUE)
    with pytest.raises(BatchNotFound):
        own_batch(None, SESSION)


def test_a_queue_that_is_down_leaves_the_batch_in_the_outbox_for_the_sweeper(world: World) -> None:
    world.queue.is_down = True
    batch_id = world.submit()
    assert world.batch(batch_id).state is BatchState.ACCEPTED
    assert world.documents.get(OUTBOX, batch_id) is not None

    world.queue.is_down = False
    world.clock.advance(seconds=20)
    assert world.sweep().dispatched == 1
    assert world.queue.tasks == [(batch_id, 1)]
    assert world.documents.get(OUTBOX, batch_id) is None


def test_without_a_seal_there_is_no_batch(world: World) -> None:
    world.sealer.is_down = True
    with pytest.raises(SealerUnavailable):
        world.submit()
    assert not world.batches()


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        (Choice(SCHOOL.id, SECTION.id, ()), NothingSelected),
        (Choice(SCHOOL.id, SECTION.id, {"e-0", "e-99"}), NotAssigned),
        (Choice(SCHOOL.id, "s-99", {"e-0"}), NotAssigned),
        (Choice("c-99", SECTION.id, {"e-0"}), NotAssigned),
    ],
)
def test_a_choice_that_is_not_the_teachers_is_refused(world: World, choice: Choice, error: type[Exception]) -> None:
    with pytest.raises(error):
        select_students(world.registry, world.documents, SESSION, RULES, choice)


def test_a_colleague_who_does_not_teach_the_section_cannot_choose_from_it(world: World) -> None:
    with pytest.raises(NotAssigned):
        select_students(world.registry, world.documents, COLLEAGUE, RULES, Choice(SCHOOL.id, SECTION.id, {"e-0"}))


def test_more_students_than_the_limit_are_refused_with_the_limit(world: World) -> None:
    world.enrol(*(student(number) for number in range(201)))
    with pytest.raises(TooManySelected) as refused:
        world.submit()
    assert refused.value.limit == 200


def test_a_section_that_closed_meanwhile_is_refused(world: World) -> None:
    closed = replace(SECTION, is_open=False)
    world.registry.rosters[TEACHER.id, SECTION.id] = Roster(SCHOOL, closed, (student(0),))
    with pytest.raises(SectionClosed):
        select_students(world.registry, world.documents, SESSION, RULES, Choice(SCHOOL.id, SECTION.id, {"e-0"}))


def test_a_registry_that_is_down_makes_no_batch(world: World) -> None:
    world.registry.is_down = True
    with pytest.raises(RegistryUnavailable):
        world.submit("e-0")
    assert not world.batches()
