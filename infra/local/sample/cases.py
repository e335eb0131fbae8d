"""The students of the sample, and the flaws of real exports and real accounts that some of them carry."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from infra.local.sample.layout import ADMINISTRATOR, DOMAIN, TEACHERS
from infra.local.sample.names import Draw, given_names, surnames, unaccented

FIRST_NIE = 1204011


@dataclass(frozen=True)
class Account:
    """A Workspace account; the fields are the columns of accounts.csv, there in camel case."""

    primary_email: str
    given_name: str
    family_name: str
    password: str
    org_unit_path: str
    suspended: bool = False
    archived: bool = False
    is_admin: bool = False
    is_delegated_admin: bool = False
    last_login_time: str = ""
    agreed_to_terms: bool = False
    change_password_at_next_login: bool = False
    aliases: str = ""


@dataclass(frozen=True)
class Learner:
    """A student: what is true (`nie`, the account) and what the registry stores (all else)."""

    number: int
    nie: str
    stored_nie: str
    given_names: str
    surnames: str
    email: str
    account: Account | None
    enrolments: tuple[str, ...] = ("activa",)

    @property
    def is_active(self) -> bool:
        return "activa" in self.enrolments


def learner(draw: Draw, number: int, school: str) -> Learner:
    """A student without flaws; the older half have seven digits in their NIE, the others eight."""
    nie = str(FIRST_NIE + 37 * number if number % 2 else 20_410_300 + 13 * number)
    given, family = given_names(draw), surnames(draw)
    return Learner(number, nie, nie, given, family, f"{nie}@{DOMAIN}", _account(draw, nie, given, family, school))


def with_case(case: str, plain: Learner, previous: Learner | None) -> Learner:
    """The student with one flaw; some flaws repeat something of the student before."""
    return CASES[case](plain, previous or plain)


def _account(draw: Draw, nie: str, given: str, family: str, school: str) -> Account:
    account = Account(f"{nie}@{DOMAIN}", given, family, f"clase-{nie}", f"/Estudiantes/{school}")
    if draw.chance(0.3):
        return _never_signed_in(account)
    last_login = f"2026-{2 + draw.below(9):02d}-{1 + draw.below(28):02d}T{12 + draw.below(11):02d}:{draw.below(60):02d}"
    return replace(account, last_login_time=f"{last_login}:00.000Z", agreed_to_terms=True)


def _never_signed_in(account: Account) -> Account:
    return replace(account, last_login_time="", agreed_to_terms=False, change_password_at_next_login=True)


def _same_name(plain: Learner, previous: Learner) -> Learner:
    same = replace(plain, given_names=previous.given_names, surnames=previous.surnames)
    return _account_with(same, given_name=previous.given_names, family_name=previous.surnames)


def _upper_case(plain: Learner, _previous: Learner) -> Learner:
    stored = replace(plain, given_names="José Ángel", surnames="Núñez Muñoz")
    stored = _account_with(stored, given_name=stored.given_names, family_name=stored.surnames)
    return replace(
        stored, given_names=unaccented(stored.given_names).upper(), surnames=unaccented(stored.surnames).upper()
    )


def _lost_zero(plain: Learner, _previous: Learner) -> Learner:
    nie = "0804512"
    account = _account_with(plain, primary_email=f"{nie}@{DOMAIN}", password=f"clase-{nie}")
    return replace(account, nie=nie, stored_nie=nie.lstrip("0"), email=f"{nie}@{DOMAIN}")


def _stray_blanks(plain: Learner, _previous: Learner) -> Learner:
    return replace(
        plain,
        stored_nie=f" {plain.nie} ",
        given_names=f" {plain.given_names.replace(' ', '  ')}",
        surnames=f"{plain.surnames}\t",
        email=f" {plain.nie}@CLASES.edu.sv ",
    )


def _alias(plain: Learner, _previous: Learner) -> Learner:
    first, last = unaccented(plain.given_names).lower().split()[0], unaccented(plain.surnames).lower().split()[0]
    return _account_with(plain, primary_email=f"{first}.{last}.{plain.nie}@{DOMAIN}", aliases=plain.email)


def _long_name(plain: Learner, _previous: Learner) -> Learner:
    named = replace(plain, given_names="María de los Ángeles Guadalupe", surnames="Hernández de la O Quintanilla Núñez")
    return _account_with(named, given_name=named.given_names, family_name=named.surnames)


def _account_with(plain: Learner, **changes: str | bool) -> Learner:
    assert plain.account is not None
    return replace(plain, account=replace(plain.account, **changes))  # type: ignore[arg-type]  # names are checked at run time


def _with_unit(unit: str) -> Callable[[Learner, Learner], Learner]:
    return lambda plain, _: _account_with(plain, org_unit_path=unit)


CASES: dict[str, Callable[[Learner, Learner], Learner]] = {
    "same_name": lambda plain, _: plain,
    "same_name_again": _same_name,
    "upper_case": _upper_case,
    "no_address": lambda plain, _: replace(plain, email=""),
    "no_address_no_account": lambda plain, _: replace(plain, email="", account=None),
    "malformed_address": lambda plain, _: replace(plain, email=f"{plain.nie}@@clases,edu.sv"),
    "foreign_address": lambda plain, _: replace(plain, email=f"familia.{plain.nie}@gmail.com"),
    "shares_address": lambda plain, _: plain,
    "shares_address_too": lambda plain, previous: replace(plain, email=previous.email),
    "administrators_address": lambda plain, _: replace(plain, email=ADMINISTRATOR),
    "teachers_address": lambda plain, _: replace(plain, email=TEACHERS[7].address),
    "lost_zero": _lost_zero,
    "no_number": lambda plain, _: replace(plain, stored_nie="N/D"),
    "no_number_no_address": lambda plain, _: replace(plain, stored_nie="", email=""),
    "stray_blanks": _stray_blanks,
    "long_name": _long_name,
    "no_account": lambda plain, _: replace(plain, account=None),
    "suspended": lambda plain, _: _account_with(plain, suspended=True),
    "archived": lambda plain, _: _account_with(plain, archived=True),
    "student_administrator": lambda plain, _: _account_with(plain, is_delegated_admin=True),
    "outside_unit": _with_unit("/Bibliotecas"),
    "retired_unit": _with_unit("/Estudiantes-retirados"),
    "lookalike_unit": _with_unit("/Estudiantes2025/99204"),
    "alias": _alias,
    "never_signed_in": lambda plain, _: replace(plain, account=plain.account and _never_signed_in(plain.account)),
    "withdrawn": lambda plain, _: replace(plain, enrolments=("retirada",)),
    "annulled": lambda plain, _: replace(plain, enrolments=("anulada",)),
    "re_enrolled": lambda plain, _: replace(plain, enrolments=("retirada", "activa")),
}
