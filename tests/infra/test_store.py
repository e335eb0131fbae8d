"""Firestore as Terraform makes it is Firestore as the code uses it."""

import ast
import importlib
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infra.mutants import altered, without
from tests.infra.terraform import ROOT, Resource

LIBRARY = ROOT / "functions/secciones"
OF_THE_AUDIT = {"audit", "audit_chain"}
# What operators have set lasts until they take it back, and says nothing of a person.
LASTING = {"switches"}
_OF_DOCUMENTS = {"create", "delete", "get", "get_many", "query", "set"}


@dataclass(frozen=True)
class Query:
    """A query that the code makes: equality on `where`, in the order of one field."""

    collection: str
    where: frozenset[str]
    order_by: str
    descending: bool
    place: str

    @property
    def needs_an_index(self) -> bool:
        """Firestore indexes each field by itself; equality on one in the order of another needs an index of both."""
        return bool(self.where - {self.order_by})


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """The module and each call in it of a method of the port `Documents`."""
    for path in sorted(LIBRARY.rglob("*.py")):
        if path.parent.name in {"services", "adapters", "tasks", "web", "pages"}:
            module = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
            yield from ((module, call) for call in _calls_in(path.read_text()))


def _calls_in(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _OF_DOCUMENTS:
            of = ast.unparse(node.func.value)
            if of.endswith(("documents", "transaction", "source")):
                yield node


def _named(module: str, node: ast.expr) -> str | None:
    """The value of a constant, or the collection of a key; None for a name that only its function knows."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    name = ast.unparse(node).lstrip("*")
    if not name.isupper():
        return None
    value = getattr(importlib.import_module(module), name)
    return str(value[0] if isinstance(node, ast.Starred) else value)


def _collections() -> set[str]:
    found = {_named(module, call.args[0]) for module, call in _calls()}
    return {name for name in found if name}


def _queries() -> list[Query]:
    queries = [_query(module, call) for module, call in _calls() if ast.unparse(call.func).endswith(".query")]
    return [query for query in queries if query]


def _query(module: str, call: ast.Call) -> Query | None:
    collection, where, order_by = call.args[:3]
    place = f"{module}, line {call.lineno}"
    assert isinstance(where, ast.Dict), f"{place}: a query whose conditions no test can read"
    fields = {_named(module, key) if key else None for key in where.keys}
    assert None not in fields, f"{place}: a query whose conditions no test can read"
    name, order = _named(module, collection), _named(module, order_by)
    descending = any(keyword.arg == "descending" and ast.unparse(keyword.value) != "False" for keyword in call.keywords)
    if name is None or order is None:
        assert not fields, f"{place}: a query with conditions must name its collection and order"
        return None
    return Query(name, frozenset(str(field) for field in fields), order, descending, place)


def _indexes(resources: Sequence[Resource]) -> set[tuple[str, frozenset[str], str, bool]]:
    """Collection, fields of equality, field of the order and whether it is from the end."""
    found = set()
    for index in (found.values for found in resources if found.type == "google_firestore_index"):
        *equal, order = [field for field in index["fields"] if field["field_path"] != "__name__"]
        fields = frozenset(field["field_path"] for field in equal)
        found.add((index["collection"], fields, order["field_path"], order["order"] == "DESCENDING"))
    return found


def _databases(resources: Sequence[Resource]) -> dict[str, Resource]:
    return {found.values["name"]: found for found in resources if found.type == "google_firestore_database"}


def test_the_collections_are_the_ones_that_the_design_names() -> None:
    assert _collections() >= {"audit", "batches", "outbox", "seals", "sessions", "teachers", "throttles", *LASTING}


def test_every_collection_loses_what_has_expired(production: list[Resource]) -> None:
    expiring = {
        (found.values["database"], found.values["collection"])
        for found in production
        if found.type == "google_firestore_field"
        and found.values["field"] == "expires_at"
        and found.values["ttl_config"]
    }

    assert expiring == {("audit" if name in OF_THE_AUDIT else "(default)", name) for name in _collections() - LASTING}


def test_queries_and_indexes_agree(production: list[Resource]) -> None:
    needed = {
        (query.collection, query.where - {query.order_by}, query.order_by, query.descending)
        for query in _queries()
        if query.needs_an_index
    }

    assert _indexes(production) == needed, "a google_firestore_index in store.tf for each query that needs one"


def test_no_query_is_by_the_field_that_has_no_index() -> None:
    queries = _queries()

    assert {"batches", "outbox", "audit_chain"} <= {query.collection for query in queries}
    assert not [query for query in queries if "expires_at" in {query.order_by, *query.where}]


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


# Each of these rules broken on purpose.


def test_a_collection_without_a_ttl_is_found(production: list[Resource]) -> None:
    with pytest.raises(AssertionError):
        test_every_collection_loses_what_has_expired(without(production, 'google_firestore_field.expiry["sessions"]'))


def test_a_query_without_its_index_and_an_index_without_a_query_are_found(
    production: list[Resource], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
    def board(documents, teacher):
        return documents.query("batches", {"teacher_id": teacher}, "created_at", 30, descending=True)
    """
    index = Resource(
        "google_firestore_index.made",
        "google_firestore_index",
        {
            "collection": "batches",
            "fields": [
                {"field_path": "teacher_id", "order": "ASCENDING"},
                {"field_path": "created_at", "order": "DESCENDING"},
            ],
        },
    )
    asked = [query for call in _calls_in(textwrap.dedent(code)) if (query := _query("secciones", call))]
    rest = [query for query in _queries() if not query.needs_an_index]
    bare = [found for found in production if found.type != "google_firestore_index"]

    monkeypatch.setattr(f"{__name__}._queries", lambda: [*rest, *asked])
    with pytest.raises(AssertionError, match="google_firestore_index"):
        test_queries_and_indexes_agree(bare)
    test_queries_and_indexes_agree([*bare, index])

    monkeypatch.setattr(f"{__name__}._queries", lambda: rest)
    with pytest.raises(AssertionError, match="google_firestore_index"):
        test_queries_and_indexes_agree([*bare, index])


def test_a_database_that_cannot_be_brought_back_is_found(production: list[Resource]) -> None:
    def forgets(values: dict[str, Any]) -> None:
        values["point_in_time_recovery_enablement"] = "POINT_IN_TIME_RECOVERY_DISABLED"

    with pytest.raises(AssertionError):
        test_a_database_can_be_brought_back("audit", altered(production, "google_firestore_database.audit", forgets))
    with pytest.raises(AssertionError):
        test_a_database_can_be_brought_back("audit", without(production, "google_firestore_backup_schedule"))


def test_rules_that_let_clients_in_are_found(production: list[Resource]) -> None:
    def opens(values: dict[str, Any]) -> None:
        values["source"][0]["files"][0]["content"] = "allow read: if true;"

    with pytest.raises(AssertionError):
        test_clients_may_neither_read_nor_write(altered(production, "google_firebaserules_ruleset.deny_all", opens))
    with pytest.raises(AssertionError):
        test_clients_may_neither_read_nor_write(without(production, "google_firebaserules_release.deny_all"))
