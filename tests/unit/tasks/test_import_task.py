"""Who may call the importer, and what it tells operators."""

from pathlib import Path
from typing import Any

import flask
import pytest

from secciones.adapters.sqlite import SqliteDocuments
from secciones.services.apply_roster import ImportLease
from secciones.services.confirm_import import confirm_import
from secciones.tasks.answers import answer
from secciones.tasks.import_task import import_once
from tests.support.fakes import FakeClock
from tests.support.imports import KEPT_FOR, ImportWorld
from tests.support.oneroster import Tables, country, files, zipped
from tests.unit.tasks.test_answers import CALLER, post


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    clock = FakeClock()
    return ImportWorld(SqliteDocuments(tmp_path / "documents", clock.now), clock)


def asked(world: ImportWorld, token: str = "good") -> flask.Response:
    return answer(lambda: import_once(post(b"", token), CALLER, world.importer()))


def bundle(without_row: int | None = None) -> bytes:
    tables: Tables = country()
    if without_row is not None:
        tables["enrollments"].pop(without_row)
    return zipped(files(tables))


def test_there_may_be_nothing_to_import(world: ImportWorld, log_lines: list[dict[str, Any]]) -> None:
    assert asked(world).get_json() == {"state": "nothing to import"}
    assert log_lines == []


def test_exports_that_no_longer_come_are_an_error_before_the_last_is_forgotten(
    world: ImportWorld, log_lines: list[dict[str, Any]]
) -> None:
    world.imported(bundle())
    first = world.clock.now()
    world.clock.advance(seconds=KEPT_FOR.total_seconds() / 4)
    asked(world)
    assert log_lines == []
    world.clock.advance(seconds=1)
    asked(world)
    assert [(line["severity"], line["last"]) for line in log_lines] == [("ERROR", first.isoformat())]
    world.imported(bundle())
    asked(world)
    assert len(log_lines) == 1


def test_an_import_is_told_in_numbers(world: ImportWorld, log_lines: list[dict[str, Any]]) -> None:
    world.deliver(bundle())
    summary = asked(world).get_json()
    assert (summary["state"], summary["counts"]["students"]) == ("imported", {"before": 0, "touched": 4})
    assert [(line["severity"], line["export"]) for line in log_lines] == [("INFO", "roster.zip#1")]


def test_rows_that_were_left_out_are_a_warning_that_names_the_report(
    world: ImportWorld, log_lines: list[dict[str, Any]]
) -> None:
    tables = country()
    tables["users"][4]["givenName"] = "=1+1"
    world.deliver(zipped(files(tables)))
    summary = asked(world).get_json()
    assert [(line["severity"], line["report"]) for line in log_lines] == [("WARNING", summary["report"])]


def test_a_refusal_is_an_error_that_says_why(world: ImportWorld, log_lines: list[dict[str, Any]]) -> None:
    world.deliver(b"no archive")
    assert asked(world).get_json()["refused_because"]["reason"] == "no_zip"
    assert [line["severity"] for line in log_lines] == ["ERROR"]


def test_a_large_change_is_an_error_until_an_operator_confirms_it(
    world: ImportWorld, log_lines: list[dict[str, Any]]
) -> None:
    world.imported(bundle())
    world.deliver(bundle(without_row=3))
    waiting = asked(world).get_json()
    assert (waiting["state"], asked(world).get_json()["state"]) == ("unconfirmed", "unconfirmed")
    assert [line["severity"] for line in log_lines] == ["ERROR", "ERROR"]
    assert confirm_import(world.documents, waiting["export"])
    assert asked(world).get_json()["state"] == "imported"


def test_only_the_platform_may_ask(world: ImportWorld) -> None:
    world.deliver(bundle())
    assert asked(world, token="forged").status_code == 401
    assert len(world.bucket.files("incoming/")) == 1


def test_a_second_import_at_once_is_brought_again(world: ImportWorld) -> None:
    world.deliver(bundle())
    ImportLease(world.documents, world.clock)
    assert asked(world).status_code == 409


def test_a_bucket_that_does_not_answer_is_tried_again(world: ImportWorld) -> None:
    world.bucket.is_down = True
    assert asked(world).status_code == 500
