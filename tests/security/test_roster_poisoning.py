"""Threat: whoever can write into the registry puts an administrator, a teacher or an alias into a class list. Guard:
the worker looks at each account in the Directory itself, changes students' accounts only, and calls an operator.

Take any line out of `refusal` in domain/accounts.py, or the slash out of `is_within`, and a test here turns red.
"""

import csv
import json
from dataclasses import replace
from typing import Any

import pytest

from infra.local.google.accounts import stable_id
from secciones.domain.outcomes import Outcome
from tests.support.google_pages import changes, wait_for
from tests.support.siges import SAMPLE
from tests.support.stack import Stack
from tests.support.visitor import Visitor
from tests.support.world import DOMAIN, World, account, student

# Of the sample's sections, those whose class lists hold what they must not.
POISONED = (
    "/secciones/centros/ce-99101/sec-2026-99101-007",
    "/secciones/centros/ce-99204/sec-2026-99204-006",
)
TARGET = f"objetivo@{DOMAIN}"
POISON: dict[str, tuple[dict[str, object], Outcome]] = {
    "an administrator": ({"is_administrator": True}, Outcome.ADMINISTRATOR),
    "an administrator outside": ({"is_administrator": True, "org_unit": "/"}, Outcome.ADMINISTRATOR),
    "a teacher": ({"org_unit": "/Docentes/10001"}, Outcome.NOT_A_STUDENT),
    "the root unit": ({"org_unit": "/"}, Outcome.NOT_A_STUDENT),
    "a look-alike unit": ({"org_unit": "/Estudiantes-x"}, Outcome.NOT_A_STUDENT),
    "a unit of the same name elsewhere": ({"org_unit": "/Docentes/Estudiantes"}, Outcome.NOT_A_STUDENT),
    "an alias of a student": ({"address": f"verdadera@{DOMAIN}"}, Outcome.ALIAS),
    "an alias of a teacher": ({"address": f"verdadera@{DOMAIN}", "org_unit": "/Docentes"}, Outcome.ALIAS),
}


def poisoned(world: World, **changes: object) -> str:
    """A class list of two children and the target; what was processed is the batch."""
    world.enrol(student(0), student(1), student(2, TARGET))
    world.directory.accounts[TARGET] = account(2, **({"address": TARGET} | changes))
    batch_id = world.submit()
    world.work(batch_id)
    return batch_id


@pytest.mark.parametrize("who", POISON)
def test_no_account_but_a_students_own_is_changed_and_an_operator_is_called(
    world: World, log_lines: list[dict[str, Any]], who: str
) -> None:
    changes, outcome = POISON[who]
    batch_id = poisoned(world, **changes)

    assert set(world.directory.held()) == {"g-0", "g-1"}
    (row,) = [row for row in world.batch(batch_id).rows if row.address == TARGET]
    assert (row.outcome, row.account_id) == (outcome, "")
    assert TARGET not in world.mailer.sent[0].text
    (alert,) = [line for line in log_lines if line["severity"] == "ERROR"]
    assert (alert["batch"], alert["student"], alert["account"], alert["outcome"]) == (
        *(batch_id, "e-2", TARGET),
        outcome.value,
    )


def test_a_suspended_account_stays_as_it_is_and_its_teacher_is_told(
    world: World, log_lines: list[dict[str, Any]]
) -> None:
    """No operator is called: a child who left is nothing that anybody has planted."""
    batch_id = poisoned(world, is_suspended=True)
    assert set(world.directory.held()) == {"g-0", "g-1"}
    (row,) = [row for row in world.batch(batch_id).rows if row.address == TARGET]
    assert row.outcome is Outcome.SUSPENDED
    assert [line for line in log_lines if line["severity"] == "ERROR"] == []


def test_the_account_is_looked_at_when_it_is_changed_not_when_the_page_was_shown(world: World) -> None:
    batch_id = world.submit()
    for number in range(3):
        promoted = replace(account(number), is_administrator=True)
        world.directory.accounts[promoted.address] = promoted
    world.work(batch_id)
    assert world.directory.passwords == []


@pytest.mark.parametrize(
    "address",
    [
        "ministra@mined.gob.sv",
        f"x@evil.example,{TARGET}",
        f"{TARGET}@evil.example",
        f"@{DOMAIN}",
        f"x@sub.{DOMAIN}",
        f"../../users/admin@{DOMAIN}",
        f"a?b=c@{DOMAIN}",
    ],
)
def test_an_address_of_another_domain_or_of_none_is_never_looked_up(world: World, address: str) -> None:
    world.enrol(student(0), student(1, address))
    world.directory.accounts[address] = account(1, address=address)
    batch_id = world.submit()
    world.work(batch_id)
    assert set(world.directory.held()) == {"g-0"}
    assert world.batch(batch_id).rows_with(Outcome.MALFORMED_ADDRESS)


def test_an_address_that_two_children_carry_changes_neither(world: World) -> None:
    world.enrol(student(0), student(1, TARGET), student(2, TARGET))
    world.directory.accounts[TARGET] = account(1, address=TARGET)
    world.work(world.submit())
    assert set(world.directory.held()) == {"g-0"}


# With the real Directory adapter, over HTTP


def test_a_class_list_of_protected_accounts_changes_none_of_them(stack: Stack) -> None:
    """The sample has such class lists: administrators, delegated ones, teachers, aliases, look-alike units, suspended.

    Fails when the adapter does not ask for isDelegatedAdmin, or takes an alias for the account.
    """
    before, lines = len(changes(stack.google)), stack.log("worker")
    visitor = Visitor(stack.origin)
    visitor.enter(stack.person("marta"))
    for section in POISONED:
        page = visitor.submit(visitor.get(section), "/secciones/restablecer")
        result = visitor.submit(page, "/secciones/restablecer")
        wait_for("the mail", lambda: visitor.session.get(f"{result.url}/estado").json()["finished"], 60)  # noqa: B023

    accounts = {stable_id(row["primaryEmail"]): row for row in sample_accounts()}
    changed = [accounts[change["userKey"]] for change in changes(stack.google)[before:]]
    assert len(changed) > 20
    assert all(row["orgUnitPath"].startswith("/Estudiantes/") for row in changed)
    assert {row[flag] for row in changed for flag in ("isAdmin", "isDelegatedAdmin", "suspended", "archived")} == {
        "false"
    }
    alerts = [json.loads(line) for line in stack.log("worker").removeprefix(lines).splitlines() if '"ERROR"' in line]
    assert {"administrator", "not_a_student", "alias"} <= {alert.get("outcome") for alert in alerts}


def sample_accounts() -> list[dict[str, str]]:
    with (SAMPLE / "accounts.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
