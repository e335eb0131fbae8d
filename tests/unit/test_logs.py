"""A line of the log is read by machines, as Cloud Logging and every tool reads them: moments are in ISO form, and one
search finds all lines of a request."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from secciones import logs
from secciones.adapters.audit import DocumentsAuditLog
from secciones.domain.errors import Unavailable
from secciones.ports.audit import AuditEvent
from tests.support.world import World


def test_a_moment_is_written_in_iso_form(log_lines: list[dict[str, Any]]) -> None:
    logs.write("INFO", "x", at=datetime(2026, 2, 3, 14, 0, 0, 123456, tzinfo=UTC))
    assert log_lines[0]["at"] == "2026-02-03T14:00:00.123456+00:00"


def test_so_is_the_moment_of_an_event_of_the_audit(world: World, log_lines: list[dict[str, Any]]) -> None:
    audit = DocumentsAuditLog(world.documents, world.clock, world.ids, timedelta(days=1))
    audit.record(AuditEvent("verification", "verified"))
    entry = log_lines[0]["audit"]
    assert entry["at"] == "2026-02-03T14:00:00+00:00"
    assert datetime.fromisoformat(entry["at"]) == world.clock.now()


def test_an_account_that_is_not_reached_is_told_with_the_request_that_wanted_it(
    world: World, log_lines: list[dict[str, Any]]
) -> None:
    world.directory.is_down = True
    before = logs.request_id.set("a-request")
    with pytest.raises(Unavailable):
        world.work(world.submit())
    logs.request_id.reset(before)
    told = [line["request"] for line in log_lines if "account" in line]
    assert told == ["a-request"] * 3
