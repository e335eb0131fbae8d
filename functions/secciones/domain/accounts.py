"""Workspace accounts: which address a student's should have, and which accounts may be changed at all."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from secciones.domain.outcomes import Outcome
from secciones.domain.roster import Student

# Google's own limit is 64 characters before the @; anything else that a form or a mail header could trip over is out.
_LOCAL_PART = re.compile(r"[a-z0-9][a-z0-9._'+-]{0,63}")


@dataclass(frozen=True)
class Account:
    """An account as the Directory knows it; `id` is Google's immutable one, `has_two_step` whether the person has
    enrolled in 2-step verification."""

    id: str
    address: str
    org_unit: str
    is_administrator: bool
    is_suspended: bool
    last_sign_in: datetime | None
    has_two_step: bool = False


@dataclass(frozen=True)
class ExpectedAccount:
    """Where a student's account should be: an address, or the outcome that says why there is none to look up."""

    address: str
    problem: Outcome | None = None


def is_within(org_unit: str, unit: str) -> bool:
    """Whether a path is the unit or below it; `/Estudiantes-x` is not below `/Estudiantes`."""
    path, top = org_unit.casefold().rstrip("/"), unit.casefold().rstrip("/")
    return path == top or path.startswith(top + "/")


def expected_accounts(students: Iterable[Student], domain: str) -> dict[str, ExpectedAccount]:
    """The account of each student of a section, by student id.

    The registry's address wins; without one it is the NIE in the domain, as the ministry creates them. An address
    that two students of the section carry says nothing about either of them.
    """
    expected = {student.id: _expected_account(student, domain) for student in students}
    holders = Counter(account.address for account in expected.values() if account.problem is None)
    return {
        student_id: ExpectedAccount(account.address, Outcome.SHARED_ADDRESS)
        if holders[account.address] > 1
        else account
        for student_id, account in expected.items()
    }


def is_address_of(address: str, domain: str) -> bool:
    """Whether an address (lower case) is well-formed and of the institution's domain."""
    local_part, _, its_domain = address.rpartition("@")
    return its_domain == domain and _LOCAL_PART.fullmatch(local_part) is not None


def refusal(account: Account, address: str, students_org_unit: str) -> Outcome | None:
    """Why this account may not be changed for a student whose address is `address`; None when it may.

    The order matters: whoever is an administrator is reported as one wherever the account sits.
    """
    if account.is_administrator:
        return Outcome.ADMINISTRATOR
    if account.address.casefold() != address.casefold():
        return Outcome.ALIAS
    if not is_within(account.org_unit, students_org_unit):
        return Outcome.NOT_A_STUDENT
    if account.is_suspended:
        return Outcome.SUSPENDED
    return None


def _expected_account(student: Student, domain: str) -> ExpectedAccount:
    if student.email is None:
        if student.nie is None:
            return ExpectedAccount("", Outcome.NO_ADDRESS)
        return ExpectedAccount(f"{student.nie}@{domain}")
    if is_address_of(student.email, domain):
        return ExpectedAccount(student.email)
    return ExpectedAccount(student.email, Outcome.MALFORMED_ADDRESS)
