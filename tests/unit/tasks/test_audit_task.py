"""What the auditor is asked, what it answers, and what it tells operators."""

import json
from pathlib import Path
from typing import Any

import flask
import pytest

from secciones.adapters.sqlite import SqliteDocuments
from secciones.services.audit_chain import AUDIT, AUDIT_CHAIN
from secciones.tasks.answers import answer
from secciones.tasks.audit_task import Auditor, audit_once
from secciones.tasks.callers import Caller
from tests.support.audited import Audited
from tests.support.fakes import FakeClock
from tests.unit.tasks.test_answers import CALLER, post


@pytest.fixture
def audited(tmp_path: Path) -> Audited:
    clock = FakeClock()
    audited = Audited(SqliteDocuments(tmp_path / "audit.sqlite", clock.now), clock)
    for _ in range(3):
        audited.happen(4)
        audited.seal_all()
    return audited


def asked(audited: Audited, body: object = b"", caller: Caller = CALLER, token: str = "good") -> flask.Response:
    auditor = Auditor(audited.store, audited.clock, days=7)
    return answer(lambda: audit_once(post(body, token), caller, auditor))


def test_a_sound_audit_is_told_with_the_head_of_its_chain(audited: Audited, log_lines: list[dict[str, Any]]) -> None:
    summary = asked(audited).get_json()
    assert (summary["blocks"], summary["events"], summary["findings"]) == (3, 12, 0)
    assert summary["head"] == audited.blocks()[-1].head._asdict()
    assert [(line["severity"], line["head"]) for line in log_lines] == [("INFO", summary["head"])]


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (lambda audited: audited.delete(AUDIT, audited.sealed()[2]), "deleted"),
        (lambda audited: audited.edit(AUDIT, audited.sealed()[2], outcome="other"), "edited"),
        (lambda audited: audited.swap(AUDIT, *audited.sealed()[1:3]), "reordered"),
    ],
    ids=["deleted", "edited", "reordered"],
)
def test_what_was_done_to_the_audit_is_a_line_that_says_what_to_do(
    audited: Audited, log_lines: list[dict[str, Any]], tamper: Any, kind: str
) -> None:
    tamper(audited)
    assert kind in asked(audited).get_json()["kinds"]
    critical = [line for line in log_lines if line["severity"] == "CRITICAL"]
    assert critical[0]["finding"] == kind
    assert "keep a copy" in critical[0]["message"]


def test_a_chain_that_was_cut_off_is_found_by_the_head_that_the_operator_brings(audited: Audited) -> None:
    head = audited.heads[-1]
    audited.delete(AUDIT_CHAIN, audited.blocks()[-1].id)
    assert asked(audited, {"head": head._asdict()}).get_json()["kinds"] == ["truncated"]


def test_days_are_as_far_back_as_it_looks(audited: Audited) -> None:
    audited.clock.advance(days=2)
    audited.delete(AUDIT, audited.sealed()[0])
    assert asked(audited, {"days": 1}).get_json()["findings"] == 0
    assert asked(audited, {"days": 3}).get_json()["kinds"] == ["deleted"]


@pytest.mark.parametrize(
    "body",
    [
        [1],
        {"days": 0},
        {"days": True},
        {"days": "7"},
        {"days": 10**9},
        {"head": {"number": 1}},
        {"head": {"number": 1, "hash": "x" * 64}},
        {"other": 1},
        b"[" * 900,
        b"{}" + b" " * 2000,
    ],
    ids=str,
)
def test_what_no_operator_can_have_meant_is_said_and_nothing_is_looked_at(
    audited: Audited, log_lines: list[dict[str, Any]], body: object
) -> None:
    shown = json.loads(asked(audited, body).get_data())
    assert shown.keys() == {"error"}
    assert [line["severity"] for line in log_lines] == ["ERROR"]


def test_only_the_platform_may_ask(audited: Audited) -> None:
    assert asked(audited, token="forged").status_code == 401
