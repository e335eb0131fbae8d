"""The students of a section as the teacher wants to see them: found, put in order, ticked by groups.

web/static/app.js does the same while one types; this is how it works without a script.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from secciones.domain.people import collated, folded
from secciones.services.list_sections import StudentRow


class Order(StrEnum):
    """What students are put in order by; the first is the order of a class list."""

    SURNAMES = "surnames"
    GIVEN_NAMES = "given_names"
    NIE = "nie"


class Group(StrEnum):
    """Students that are ticked together, all others being unticked."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True)
class Wish:
    """What is searched for, in which order, which group is to be ticked now, and who is ticked by hand."""

    search: str = ""
    order: Order = Order.SURNAMES
    group: Group | None = None
    ticked: Collection[str] = ()


@dataclass(frozen=True)
class ClassList:
    """The students to show, the ticked ones among all of the section, and those of them that the search hides."""

    shown: tuple[StudentRow, ...]
    ticked: frozenset[str]
    ticked_apart: tuple[StudentRow, ...]


def arrange(rows: Sequence[StudentRow], wish: Wish) -> ClassList:
    """A group is ticked among the students that are shown; a tick that the search hides stays as it is."""
    shown = sorted((row for row in rows if _is_found(row, wish.search)), key=_PLACES[wish.order])
    visible = {row.student_id for row in shown}
    ticked = {row.student_id for row in rows} & set(wish.ticked)
    if wish.group is not None:
        ticked = ticked - visible | {row.student_id for row in shown if _GROUPS[wish.group](row)}
    apart = tuple(row for row in rows if row.student_id in ticked - visible)
    return ClassList(tuple(shown), frozenset(ticked), apart)


def _is_found(row: StudentRow, search: str) -> bool:
    """Every word that was typed stands somewhere in the row."""
    text = folded(f"{row.name} {row.nie} {row.address}")
    return all(word in text for word in folded(search).split())


def _by_given_names(row: StudentRow) -> str:
    surnames, _, given_names = row.name.partition(", ")
    return collated(f"{given_names} {surnames}")


# Rows come in the order of a class list, and sorting keeps it among equals.
_PLACES: dict[Order, Callable[[StudentRow], Any]] = {
    Order.SURNAMES: lambda _: "",
    Order.GIVEN_NAMES: _by_given_names,
    Order.NIE: lambda row: (row.nie == "", row.nie.zfill(10)),
}
_GROUPS: dict[Group, Callable[[StudentRow], bool]] = {
    Group.ALL: lambda _: True,
    Group.NONE: lambda _: False,
}
