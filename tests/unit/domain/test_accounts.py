"""Which account is a student's, and which may be changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.accounts import expected_accounts, is_within, refusal
from secciones.domain.outcomes import Outcome
from tests.support.world import DOMAIN, account, student


@pytest.mark.parametrize(
    ("path", "is_inside"),
    [
        ("/Estudiantes", True),
        ("/Estudiantes/10001", True),
        ("/estudiantes/10001/3A", True),
        ("/Estudiantes-x", False),
        ("/EstudiantesX/1", False),
        ("/Docentes/Estudiantes", False),
        ("/", False),
        ("", False),
    ],
)
def test_a_unit_holds_itself_and_what_is_below_it(path: str, is_inside: bool) -> None:
    assert is_within(path, "/Estudiantes") is is_inside


@given(st.text(max_size=30), st.booleans(), st.booleans())
def test_no_account_outside_the_students_unit_is_ever_accepted(unit: str, administrator: bool, suspended: bool) -> None:
    its_account = account(1, org_unit=unit, is_administrator=administrator, is_suspended=suspended)
    accepted = refusal(its_account, its_account.address, "/Estudiantes") is None
    assert accepted == (is_within(unit, "/Estudiantes") and not administrator and not suspended)


def test_an_administrator_is_reported_as_one_before_anything_else() -> None:
    its_account = account(1, is_administrator=True, is_suspended=True, org_unit="/")
    assert refusal(its_account, "alias@x", "/Estudiantes") is Outcome.ADMINISTRATOR


@pytest.mark.parametrize(
    "email",
    [
        "luis",
        "luis@",
        f"@{DOMAIN}",
        f"luis@x.{DOMAIN}",
        f"a b@{DOMAIN}",
        f"luís@{DOMAIN}",
        f"a@b@{DOMAIN}",
        "x" * 65 + f"@{DOMAIN}",
    ],
)
def test_a_malformed_or_foreign_address_is_not_looked_up(email: str) -> None:
    assert expected_accounts([student(1, email)], DOMAIN)["e-1"].problem is Outcome.MALFORMED_ADDRESS


def test_an_address_that_follows_from_one_students_number_and_is_stored_for_another_is_shared() -> None:
    accounts = expected_accounts([student(1), student(2, f"1000001@{DOMAIN}"), student(3)], DOMAIN)
    assert [accounts[f"e-{n}"].problem for n in (1, 2, 3)] == [Outcome.SHARED_ADDRESS, Outcome.SHARED_ADDRESS, None]
