"""The page of a section without a script: what is searched, in which order, and which ticks stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.services.arrange_students import Group, Order, Wish, arrange
from secciones.services.list_sections import StudentRow

ROWS = [
    StudentRow("e-1", "Álvarez de Paz, Zoila María", "900", "900@clases.edu.sv", None),
    StudentRow("e-2", "Núñez, Blanca", "1000", "1000@clases.edu.sv", None),
    StudentRow("e-3", "Ñerio, Ana", "", "ana.nerio@clases.edu.sv", None),
]
IDS = [row.student_id for row in ROWS]


def shown(wish: Wish) -> list[str]:
    return [row.student_id for row in arrange(ROWS, wish).shown]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", IDS),
        ("  ", IDS),
        ("NUNEZ", ["e-2"]),
        ("ñerio", ["e-3"]),
        ("maria alvarez", ["e-1"]),
        ("maria nunez", []),
        ("ana.nerio@", ["e-3"]),
        ("900", ["e-1"]),
    ],
)
def test_every_word_is_found_without_case_and_accents(search: str, found: list[str]) -> None:
    assert shown(Wish(search=search)) == found


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        (Order.SURNAMES, ["e-1", "e-2", "e-3"]),
        (Order.GIVEN_NAMES, ["e-3", "e-2", "e-1"]),
        (Order.NIE, ["e-1", "e-2", "e-3"]),
    ],
)
def test_orders(order: Order, ids: list[str]) -> None:
    assert shown(Wish(order=order)) == ids


def test_a_group_is_ticked_among_those_shown_and_the_other_ticks_stay() -> None:
    ticked = arrange(ROWS, Wish(search="n", group=Group.ALL, ticked=["e-1"]))
    assert ticked.ticked == frozenset(IDS)
    none = arrange(ROWS, Wish(search="nunez", group=Group.NONE, ticked=IDS))
    assert none.ticked == {"e-1", "e-3"}
    assert [row.student_id for row in none.ticked_apart] == ["e-1", "e-3"]


def test_what_is_not_of_the_section_is_not_ticked() -> None:
    assert arrange(ROWS, Wish(ticked=["e-1", "somebody"])).ticked == {"e-1"}


@given(st.text(), st.sampled_from(Order), st.sampled_from([None, *Group]), st.sets(st.sampled_from([*IDS, "x"])))
def test_no_tick_is_lost_between_what_is_shown_and_what_is_hidden(
    search: str, order: Order, group: Group | None, ticked: set[str]
) -> None:
    result = arrange(ROWS, Wish(search, order, group, ticked))
    visible = {row.student_id for row in result.shown}
    assert {row.student_id for row in result.ticked_apart} == result.ticked - visible
    assert ticked & set(IDS) - visible <= result.ticked
