"""The imported registry speaks only while SIGES does not."""

from collections.abc import Callable
from typing import Any

import pytest

from secciones.adapters.registry_in_place import REST, RegistryInPlace
from secciones.domain.errors import NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nip, Teacher
from secciones.ports.registry import Registry
from tests.support.fakes import FakeClock, FakeRegistry
from tests.support.world import SCHOOL

NUMBERS = ("012345678", "0012345")
BY_SIGES = Teacher("d-1", "Ana", "Rivas", None)
AS_IMPORTED = Teacher("d-1", "Ana", "Rivas de Paz", None)


@pytest.fixture
def siges() -> FakeRegistry:
    return FakeRegistry({NUMBERS: BY_SIGES}, {"d-1": ()})


@pytest.fixture
def imported() -> FakeRegistry:
    return FakeRegistry({NUMBERS: AS_IMPORTED}, {"d-1": (SCHOOL,), "d-2": (SCHOOL,)})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(siges: FakeRegistry, imported: FakeRegistry, clock: FakeClock) -> Registry:
    return RegistryInPlace(siges, imported, clock.now)


def verified(registry: Registry) -> Teacher | None:
    return registry.verify_teacher(Dui(NUMBERS[0]), Nip(NUMBERS[1]))


def test_siges_is_asked_as_long_as_it_answers(registry: Registry, imported: FakeRegistry) -> None:
    assert verified(registry) == BY_SIGES
    assert registry.schools("d-1") == ()
    assert imported.asked == 0


def test_a_refusal_of_siges_is_an_answer(registry: Registry, siges: FakeRegistry, imported: FakeRegistry) -> None:
    siges.teachers.clear()
    assert verified(registry) is None
    with pytest.raises(NotAssigned):
        registry.schools("d-2")
    assert imported.asked == 0


def test_the_imported_one_stands_in_and_an_operator_is_told(
    registry: Registry, siges: FakeRegistry, log_lines: list[dict[str, Any]]
) -> None:
    siges.is_down = True
    assert verified(registry) == AS_IMPORTED
    assert registry.schools("d-1") == (SCHOOL,)
    assert [line["severity"] for line in log_lines] == ["WARNING"]


def test_siges_is_spared_for_a_while_and_then_asked_again(
    registry: Registry, siges: FakeRegistry, clock: FakeClock
) -> None:
    siges.is_down = True
    verified(registry)
    siges.is_down = False
    assert verified(registry) == AS_IMPORTED
    assert siges.asked == 1
    clock.advance(seconds=REST.total_seconds())
    assert verified(registry) == BY_SIGES


@pytest.mark.parametrize(
    "question",
    [verified, lambda registry: registry.schools("d-1"), lambda registry: registry.roster("d-1", "s-1")],
)
def test_nobody_is_guessed_at_when_neither_answers(
    registry: Registry, siges: FakeRegistry, imported: FakeRegistry, question: Callable[[Registry], object]
) -> None:
    siges.is_down = imported.is_down = True
    with pytest.raises(RegistryUnavailable):
        question(registry)
