"""The page of a section without a script: what is searched, in which order, and which ticks stay."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.outcomes import Outcome
from secciones.domain.standings import EarlierReset, Standing
from secciones.services.arrange_students import Group, Order, Wish, arrange, groups_of
from secciones.services.list_sections import StudentRow
from tests.support.fakes import START as NOW

ROWS = [
    StudentRow("e-1", "Álvarez de Paz, Zoila María", "900", "900@clases.edu.sv", None),
    StudentRow("e-2", "Núñez, Blanca", "1000", "1000@clases.edu.sv", None),
    StudentRow("e-3", "Ñerio, Ana", "", "ana.nerio@clases.edu.sv", None),
]
IDS = [row.student_id for row in ROWS]


def shown(wish: Wish) -> list[str]:
    return [row.student_id for row in arrange(ROWS, wish, NOW).shown]


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
    ticked = arrange(ROWS, Wish(search="n", group=Group.ALL, ticked=["e-1"]), NOW)
    assert ticked.ticked == frozenset(IDS)
    none = arrange(ROWS, Wish(search="nunez", group=Group.NONE, ticked=IDS), NOW)
    assert none.ticked == {"e-1", "e-3"}
    assert [row.student_id for row in none.ticked_apart] == ["e-1", "e-3"]


def test_what_is_not_of_the_section_is_not_ticked() -> None:
    assert arrange(ROWS, Wish(ticked=["e-1", "somebody"]), NOW).ticked == {"e-1"}


@given(st.text(), st.sampled_from(Order), st.sampled_from([None, *Group]), st.sets(st.sampled_from([*IDS, "x"])))
def test_no_tick_is_lost_between_what_is_shown_and_what_is_hidden(
    search: str, order: Order, group: Group | None, ticked: set[str]
) -> None:
    result = arrange(ROWS, Wish(search, order, group, ticked), NOW)
    visible = {row.student_id for row in result.shown}
    assert {row.student_id for row in result.ticked_apart} == result.ticked - visible
    assert ticked & set(IDS) - visible <= result.ticked


def with_standing(number: int, last_sign_in: datetime | None, reset: EarlierReset | None = None) -> StudentRow:
    return replace(ROWS[0], student_id=f"e-{number}", standing=Standing(f"g-{number}", None, last_sign_in, reset))


def test_groups_follow_from_the_last_sign_in_and_the_last_reset() -> None:
    reset = EarlierReset("Beatriz Alas", False, NOW - timedelta(days=3))
    rows = {
        "never": with_standing(1, None),
        "today": with_standing(2, NOW),
        "long ago": with_standing(3, NOW - timedelta(days=31)),
        "before the reset": with_standing(4, NOW - timedelta(days=4), reset),
        "after the reset": with_standing(5, NOW - timedelta(days=2), reset),
        "unknown": ROWS[0],
        "suspended": replace(ROWS[0], standing=Standing("g", Outcome.SUSPENDED, None, reset)),
        "without address": replace(with_standing(6, None, reset), problem=Outcome.NO_ADDRESS),
    }
    groups = {name: set(groups_of(row, NOW)) - {Group.ALL} for name, row in rows.items()}
    assert groups == {
        "never": {Group.NEVER, Group.IDLE},
        "today": set(),
        "long ago": {Group.IDLE},
        "before the reset": {Group.SINCE_RESET},
        "after the reset": set(),
        "unknown": set(),
        "suspended": set(),
        "without address": set(),
    }


def test_by_last_sign_in_those_who_never_did_come_first_and_the_unknown_last() -> None:
    rows = [ROWS[1], with_standing(1, NOW), with_standing(2, None), with_standing(3, NOW - timedelta(days=1))]
    ordered = arrange(rows, Wish(order=Order.LAST_SIGN_IN), NOW).shown
    assert [row.student_id for row in ordered] == ["e-2", "e-3", "e-1", "e-2"]
    assert ordered[-1] is ROWS[1]
