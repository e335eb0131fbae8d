"""The students of a section as the teacher wants to see them: found, put in order, ticked by groups.

web/static/app.js does the same while one types; this is how it works without a script.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from secciones.domain.people import collated, folded
from secciones.services.list_sections import StudentRow

_IDLE_AFTER = timedelta(days=30)
# Before anybody can have signed in.
_DAWN = datetime.min.replace(tzinfo=UTC)


class Order(StrEnum):
    """What students are put in order by; the first is the order of a class list."""

    SURNAMES = "surnames"
    GIVEN_NAMES = "given_names"
    NIE = "nie"
    LAST_SIGN_IN = "last_sign_in"


class Group(StrEnum):
    """Students that are ticked together, all others being unticked."""

    ALL = "all"
    NONE = "none"
    NEVER = "never"  # those who never signed in
    IDLE = "idle"  # those who have not signed in for long
    SINCE_RESET = "since_reset"  # those who have not signed in since their last reset


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


def arrange(rows: Sequence[StudentRow], wish: Wish, now: datetime) -> ClassList:
    """A group is ticked among the students that are shown; a tick that the search hides stays as it is."""
    words = folded(wish.search).split()
    shown = sorted((row for row in rows if _is_found(row, words)), key=_PLACES[wish.order])
    visible = {row.student_id for row in shown}
    ticked = {row.student_id for row in rows} & set(wish.ticked)
    if wish.group is not None:
        ticked = ticked - visible | {row.student_id for row in shown if _GROUPS[wish.group](row, now)}
    apart = tuple(row for row in rows if row.student_id in ticked - visible)
    return ClassList(tuple(shown), frozenset(ticked), apart)


def groups_of(row: StudentRow, now: datetime) -> list[Group]:
    """The groups that a student is in."""
    return [group for group, is_member in _GROUPS.items() if is_member(row, now)]


def _is_found(row: StudentRow, words: Collection[str]) -> bool:
    """Every word that was typed stands somewhere in the row."""
    if not words:
        return True
    text = folded(f"{row.name} {row.nie} {row.address}")
    return all(word in text for word in words)


def _by_given_names(row: StudentRow) -> str:
    surnames, _, given_names = row.name.partition(", ")
    return collated(f"{given_names} {surnames}")


def _by_last_sign_in(row: StudentRow) -> tuple[bool, datetime]:
    """Those who never did come first, those of whom nothing is known last."""
    if row.standing is None or row.refusal is not None:
        return True, _DAWN
    return False, row.standing.last_sign_in or _DAWN


def _is_idle(row: StudentRow, since: datetime) -> bool:
    return row.problem is None and row.standing is not None and row.standing.is_unused_since(since)


def _is_unused_since_reset(row: StudentRow) -> bool:
    reset = row.standing.reset if row.standing else None
    return reset is not None and _is_idle(row, reset.at)


# Rows come in the order of a class list, and sorting keeps it among equals.
_PLACES: dict[Order, Callable[[StudentRow], Any]] = {
    Order.SURNAMES: lambda _: "",
    Order.GIVEN_NAMES: _by_given_names,
    Order.NIE: lambda row: (row.nie == "", row.nie.zfill(10)),
    Order.LAST_SIGN_IN: _by_last_sign_in,
}
_GROUPS: dict[Group, Callable[[StudentRow, datetime], bool]] = {
    Group.ALL: lambda _, __: True,
    Group.NONE: lambda _, __: False,
    Group.NEVER: lambda row, _: _is_idle(row, _DAWN),
    Group.IDLE: lambda row, now: _is_idle(row, now - _IDLE_AFTER),
    Group.SINCE_RESET: lambda row, _: _is_unused_since_reset(row),
}
