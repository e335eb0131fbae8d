"""Firestore as Terraform makes it is Firestore as the code uses it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.terraform import ROOT, Resource

LIBRARY = ROOT / "functions/secciones"
OF_THE_AUDIT = {"audit", "audit_chain"}
# What operators have set lasts until they take it back, and says nothing of a person.
LASTING = {"switches"}


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(LIBRARY.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def _collections() -> set[str]:
    """Every collection that the library names: a constant called COLLECTION or like one, such as BATCHES."""
    found = set()
    for path, tree in _modules():
        if path.parent.name not in {"services", "adapters"}:
            continue
        for node in tree.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.targets[0], ast.Name)
            ):
                name, value = node.targets[0].id, node.value.value
                if name == "COLLECTION" or (isinstance(value, str) and name.lower() == value):
                    found.add(str(value))
    return found


def _databases(resources: list[Resource]) -> dict[str, Resource]:
    return {found.values["name"]: found for found in resources if found.type == "google_firestore_database"}


def test_every_collection_loses_what_has_expired(production: list[Resource]) -> None:
    expiring = {
        (found.values["database"], found.values["collection"])
        for found in production
        if found.type == "google_firestore_field"
        and found.values["field"] == "expires_at"
        and found.values["ttl_config"]
    }

    assert _collections() >= LASTING
    assert expiring == {("audit" if name in OF_THE_AUDIT else "(default)", name) for name in _collections() - LASTING}


def test_the_collections_are_the_ones_that_the_design_names() -> None:
    assert _collections() >= {"audit", "batches", "outbox", "seals", "sessions", "teachers", "throttles"}


def test_no_query_needs_an_index_that_is_not_made() -> None:
    """Firestore indexes each field by itself; equality on one and order by another needs an index for both."""
    queries = [
        node
        for _, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "query"
    ]

    assert queries, "the sweeper asks for batches"
    for call in queries:
        where = call.args[1]
        assert isinstance(where, ast.Dict), f"line {call.lineno}: a query whose conditions this test cannot read"
        assert not where.keys, f"line {call.lineno}: this query needs a google_firestore_index"


def test_no_query_is_by_the_field_that_has_no_index() -> None:
    for _, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "query":
                assert ast.unparse(node.args[2]) != "'expires_at'"


@pytest.mark.parametrize("name", ["(default)", "audit"])
def test_a_database_can_be_brought_back(name: str, production: list[Resource]) -> None:
    database = _databases(production)[name].values
    backups = [
        found.values
        for found in production
        if found.type == "google_firestore_backup_schedule" and found.values["database"] == name
    ]

    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert database["type"] == "FIRESTORE_NATIVE"
    assert [bool(backup["daily_recurrence"]) for backup in backups] == [True]


def test_clients_may_neither_read_nor_write(production: list[Resource]) -> None:
    ruleset = next(found.values for found in production if found.type == "google_firebaserules_ruleset")
    released = {found.values["name"] for found in production if found.type == "google_firebaserules_release"}
    rules = ruleset["source"][0]["files"][0]["content"]

    assert [line.strip() for line in rules.splitlines() if "allow" in line] == ["allow read, write: if false;"]
    assert released == {"cloud.firestore", "cloud.firestore/audit"}
