"""Writes the sample from its plan and one seed, always the same bytes: `python -m infra.local.sample.generate`.

Line ends and the byte order mark differ between the files on purpose, as they do between real systems.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from infra.local.sample.cases import Account, Learner
from infra.local.sample.layout import ADMINISTRATOR, DELEGATED_ADMINISTRATOR, MAIL_SENDER, TEACHERS, TeacherPlan
from infra.local.sample.names import Draw
from infra.local.sample.rosters import Section, sections_of_both_years
from infra.local.sample.tables import HEADERS, manifest, tables

FOLDER = Path(__file__).parent
SEED = "secciones 2026"
CRLF_TABLES = ("users", "enrollments")
BOM_TABLES = ("users",)
LAST_SEEN = "2026-10-30T14:05:00.000Z"
ACCOUNTS_HEADER = (
    "primaryEmail,givenName,familyName,password,orgUnitPath,suspended,archived,isAdmin,isDelegatedAdmin,"
    "lastLoginTime,agreedToTerms,changePasswordAtNextLogin,aliases"
)
PEOPLE_HEADER = "address,password,dui,nip,name,role,note"


def files() -> dict[str, bytes]:
    """Every file of the sample by its path below this folder."""
    present, past = sections_of_both_years(Draw(SEED))
    return {
        "oneroster/manifest.csv": _csv("propertyName,value", manifest()),
        **{f"oneroster/{name}.csv": _table(name, rows) for name, rows in tables([*present, *past]).items()},
        "accounts.csv": _csv(ACCOUNTS_HEADER, [_account_row(account) for account in _accounts([*present, *past])]),
        "people.csv": _csv(PEOPLE_HEADER, _people(present[0])),
    }


def main() -> None:
    """Write all files in place."""
    for path, content in files().items():
        target = FOLDER / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def _table(name: str, rows: Iterable[Mapping[str, str]]) -> bytes:
    text = _csv(HEADERS[name], rows, "\r\n" if name in CRLF_TABLES else "\n")
    return (b"\xef\xbb\xbf" if name in BOM_TABLES else b"") + text


def _csv(header: str, rows: Iterable[Mapping[str, str]], line_end: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header.split(","), restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _account_row(account: Account) -> dict[str, str]:
    values = (str(value).lower() if isinstance(value, bool) else value for value in asdict(account).values())
    return dict(zip(ACCOUNTS_HEADER.split(","), values, strict=True))


def _accounts(sections: Iterable[Section]) -> list[Account]:
    students = {learner.number: learner for section in sections for learner in section.learners}
    return [
        *_service_accounts(),
        *(_in_use(Account(plan.address, plan.given_names, plan.surnames, plan.password, plan.org_unit))
          for plan in TEACHERS),
        *(student.account for _, student in sorted(students.items()) if student.account),
    ]  # fmt: skip


def _service_accounts() -> list[Account]:
    return [
        _in_use(Account(ADMINISTRATOR, "Administración", "Workspace", "llave-maestra-26", "/", is_admin=True)),
        _in_use(Account(DELEGATED_ADMINISTRATOR, "Restablecimiento", "de contraseñas", "restablece-todo-26",
                        "/Servicios", is_delegated_admin=True)),
        _in_use(Account(MAIL_SENDER, "Secciones", "Ministerio de Educación", "correo-saliente-26", "/Servicios")),
        # Of no organisation: a person's own account, with which somebody will try to sign in.
        _in_use(Account("marta.guardado.sv@gmail.com", "Marta", "Guardado", "cuenta-personal-26", "")),
    ]  # fmt: skip


def _in_use(account: Account) -> Account:
    return replace(account, last_login_time=LAST_SEEN, agreed_to_terms=True)


def _people(section: Section) -> list[dict[str, str]]:
    """All teachers, then two students who use their accounts and one who never did."""
    where = f"{section.grade} {section.name}"
    ordinary = [student for student in section.learners if _can_sign_in(student)]
    signed_in = [student for student in ordinary if student.account and student.account.last_login_time]
    never = [student for student in ordinary if student not in signed_in]
    return [
        *(_teacher_person(plan) for plan in TEACHERS),
        *(_student_person(student, f"{where}, ya usa su cuenta") for student in signed_in[-2:]),
        *(_student_person(student, f"{where}, nunca ha ingresado") for student in never[-1:]),
    ]


def _can_sign_in(student: Learner) -> bool:
    return student.is_active and student.account is not None and not student.account.suspended


def _teacher_person(plan: TeacherPlan) -> dict[str, str]:
    return {
        "address": plan.address,
        "password": plan.password,
        "dui": f"{plan.dui[:8]}-{plan.dui[8]}",
        "nip": plan.nip,
        "name": f"{plan.given_names} {plan.surnames}",
        "role": "docente",
        "note": plan.note,
    }


def _student_person(student: Learner, note: str) -> dict[str, str]:
    assert student.account is not None
    return {
        "address": student.account.primary_email,
        "password": student.account.password,
        "name": f"{student.given_names} {student.surnames}",
        "role": "estudiante",
        "note": note,
    }


if __name__ == "__main__":
    main()
