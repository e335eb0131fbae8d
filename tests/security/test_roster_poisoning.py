"""Threat: whoever can write into the registry puts an administrator, a teacher or an alias into a class list.
Guard: the
worker looks at each account in the Directory itself, changes students' accounts only, and calls an operator."""

from dataclasses import replace
from typing import Any

import pytest

from secciones.domain.outcomes import Outcome
from tests.support.world import DOMAIN, World, account, student

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
