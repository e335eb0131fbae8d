"""A teacher opens a section of theirs, and a foreign id is like one that does not exist."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from secciones.domain.errors import DocumentsUnavailable, NotAssigned, SectionClosed
from secciones.domain.outcomes import Outcome
from secciones.domain.roster import Roster
from secciones.ports.audit import AuditEvent
from secciones.services.open_section import OpenSection, open_section
from tests.support.fakes import FakeAudit
from tests.support.world import DOMAIN, SCHOOL, SECTION, SESSION, TEACHER, World, student


def opened(world: World, school_id: str = SCHOOL.id, section_id: str = SECTION.id) -> OpenSection:
    return open_section(world.registry, world.documents, world.audit, SESSION, DOMAIN, school_id, section_id)


@dataclass
class SlowAudit(FakeAudit):
    """Does something before each event."""

    before: Callable[[], object] = lambda: None

    def record(self, event: AuditEvent) -> None:
        self.before()
        super().record(event)


def test_students_come_with_the_account_that_each_should_have(world: World) -> None:
    world.enrol(student(1), student(2, f"luis@{DOMAIN}"), student(3, "luis@otra"), replace(student(4), nie=None))
    section = opened(world)

    assert [(row.address, row.problem) for row in section.known.rows] == [
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

    assert opened(world).section == SECTION


@pytest.mark.parametrize(("school_id", "section_id"), [("c-9", "s-1"), ("c-1", "s-9"), ("s-1", "c-1")])
def test_foreign_and_unknown_ids_are_not_assigned(world: World, school_id: str, section_id: str) -> None:
    with pytest.raises(NotAssigned):
        opened(world, school_id, section_id)


def test_a_closed_section_is_said_to_be_closed(world: World) -> None:
    closed = replace(SECTION, is_open=False)
    world.registry.rosters[TEACHER.id, SECTION.id] = Roster(SCHOOL, closed, ())
    with pytest.raises(SectionClosed):
        opened(world)


def test_the_store_and_the_audit_are_asked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=5)
    transact = world.documents.transact

    def meets_the_other(work: Callable[..., Any]) -> Any:
        both.wait()
        return transact(work)

    monkeypatch.setattr(world.documents, "transact", meets_the_other)
    world.audit = SlowAudit(before=both.wait)

    assert len(opened(world).known.rows) == 3


def test_who_opens_a_section_is_in_the_audit(world: World) -> None:
    opened(world)
    (event,) = world.audit.events
    assert (event.kind, event.outcome, event.actor) == ("listing", "students", SESSION.actor)
    assert (event.school, event.section, event.details) == (SCHOOL.code, SECTION.id, {"students": 3})


def test_nobody_sees_a_section_that_the_audit_does_not_know_of(world: World) -> None:
    def does_not_answer() -> None:
        raise DocumentsUnavailable

    world.audit = SlowAudit(before=does_not_answer)
    with pytest.raises(DocumentsUnavailable):
        opened(world)
