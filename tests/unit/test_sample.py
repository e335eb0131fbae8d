"""The committed sample is what its generator makes, is OneRoster, hangs together, and shows every case that matters."""

import atexit
import csv
import io
import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from infra.local.sample.generate import FOLDER, files
from secciones.adapters.sqlite import SqliteDocuments
from secciones.adapters.stored_registry import StoredRegistry
from secciones.domain.accounts import Account, expected_accounts, refusal
from secciones.domain.outcomes import Outcome
from secciones.domain.people import Dui
from secciones.domain.roster import Roster
from secciones.ports.registry import Registry
from tests.support.fakes import START
from tests.support.imports import REGISTRY_SECRET, import_sample

DOMAIN = "clases.edu.sv"
# As the specification of the CSV binding has them, in its order and case.
ONEROSTER_1_2 = {
    "manifest": ["propertyName", "value"],
    "academicSessions": [
        "sourcedId", "status", "dateLastModified", "title", "type", "startDate", "endDate", "parentSourcedId",
        "schoolYear",
    ],
    "orgs": ["sourcedId", "status", "dateLastModified", "name", "type", "identifier", "parentSourcedId"],
    "courses": [
        "sourcedId", "status", "dateLastModified", "schoolYearSourcedId", "title", "courseCode", "grades",
        "orgSourcedId", "subjects", "subjectCodes",
    ],
    "classes": [
        "sourcedId", "status", "dateLastModified", "title", "grades", "courseSourcedId", "classCode", "classType",
        "location", "schoolSourcedId", "termSourcedIds", "subjects", "subjectCodes", "periods",
    ],
    "users": [
        "sourcedId", "status", "dateLastModified", "enabledUser", "username", "userIds", "givenName", "familyName",
        "middleName", "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password",
        "userMasterIdentifier", "resourceSourcedIds", "preferredGivenName", "preferredMiddleName",
        "preferredFamilyName", "primaryOrgSourcedId", "pronouns",
    ],
    "roles": [
        "sourcedId", "status", "dateLastModified", "userSourcedId", "roleType", "role", "beginDate", "endDate",
        "orgSourcedId", "userProfileSourcedId",
    ],
    "enrollments": [
        "sourcedId", "status", "dateLastModified", "classSourcedId", "schoolSourcedId", "userSourcedId", "role",
        "primary", "beginDate", "endDate",
    ],
}  # fmt: skip
REFERENCES = [
    ("academicSessions", "parentSourcedId", "academicSessions"),
    ("orgs", "parentSourcedId", "orgs"),
    ("courses", "schoolYearSourcedId", "academicSessions"),
    ("courses", "orgSourcedId", "orgs"),
    ("classes", "courseSourcedId", "courses"),
    ("classes", "schoolSourcedId", "orgs"),
    ("classes", "termSourcedIds", "academicSessions"),
    ("users", "primaryOrgSourcedId", "orgs"),
    ("roles", "userSourcedId", "users"),
    ("roles", "orgSourcedId", "orgs"),
    ("enrollments", "classSourcedId", "classes"),
    ("enrollments", "schoolSourcedId", "orgs"),
    ("enrollments", "userSourcedId", "users"),
]


@cache
def rows(path: str) -> list[dict[str, str]]:
    text = (FOLDER / path).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def table(name: str) -> list[dict[str, str]]:
    return rows(f"oneroster/{name}.csv")


@cache
def registry() -> Registry:
    """The sample as it is imported."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    documents = SqliteDocuments(Path(folder) / "documents", lambda: START)
    assert import_sample(documents).problems == 0
    return StoredRegistry(documents, REGISTRY_SECRET)


@cache
def rosters() -> dict[str, Roster]:
    """Every section of this year by its id."""
    teachers = {row["userSourcedId"] for row in table("roles") if row["role"] == "teacher"}
    return {
        section.id: registry().roster(teacher, section.id)
        for teacher in teachers
        for school in registry().schools(teacher)
        for section in school.sections
    }


@cache
def accounts() -> dict[str, Account]:
    """What the Directory would find under each address."""
    found: dict[str, Account] = {}
    for row in rows("accounts.csv"):
        account = Account(
            id=row["primaryEmail"],
            address=row["primaryEmail"],
            org_unit=row["orgUnitPath"],
            is_administrator="true" in (row["isAdmin"], row["isDelegatedAdmin"]),
            is_suspended="true" in (row["suspended"], row["archived"]),
            last_sign_in=None,
        )
        found |= dict.fromkeys([row["primaryEmail"], *row["aliases"].split()], account)
    return found


def outcomes(roster: Roster) -> Counter[Outcome]:
    """What a reset of the whole section would come to; READY is a password that would be set."""
    found: Counter[Outcome] = Counter()
    for expected in expected_accounts(roster.students, DOMAIN).values():
        account = accounts().get(expected.address)
        if expected.problem:
            found[expected.problem] += 1
        elif account is None:
            found[Outcome.NOT_FOUND] += 1
        else:
            found[refusal(account, expected.address, "/Estudiantes") or Outcome.READY] += 1
    return found


class TestFiles:
    @pytest.mark.parametrize("path", sorted(files()))
    def test_are_what_the_generator_makes(self, path: str) -> None:
        assert (FOLDER / path).read_bytes() == files()[path]

    def test_are_all_made_by_the_generator(self) -> None:
        assert {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.csv")} == set(files())

    @pytest.mark.parametrize("name", ONEROSTER_1_2)
    def test_have_the_columns_of_oneroster_and_extensions_rightmost(self, name: str) -> None:
        columns, official = list(table(name)[0]), ONEROSTER_1_2[name]
        assert columns[: len(official)] == official
        assert all(column.startswith("metadata.sv.") for column in columns[len(official) :])

    def test_are_the_ones_that_the_manifest_promises(self) -> None:
        manifest = {row["propertyName"]: row["value"] for row in table("manifest")}
        assert (manifest["manifest.version"], manifest["oneroster.version"]) == ("1.0", "1.2")
        promised = {name.removeprefix("file.") for name, value in manifest.items() if value == "bulk"}
        assert promised == ONEROSTER_1_2.keys() - {"manifest"}

    def test_differ_in_byte_order_mark_and_line_ends(self) -> None:
        contents = [content for path, content in files().items() if path.startswith("oneroster/")]
        assert {content.startswith(b"\xef\xbb\xbf") for content in contents} == {True, False}
        assert {b"\r\n" in content for content in contents} == {True, False}


class TestRegistry:
    @pytest.mark.parametrize(("name", "column", "target"), REFERENCES)
    def test_hangs_together(self, name: str, column: str, target: str) -> None:
        ids = {row["sourcedId"] for row in table(target)}
        assert {row[column] for row in table(name)} - {""} <= ids

    @pytest.mark.parametrize("name", sorted(ONEROSTER_1_2.keys() - {"manifest"}))
    def test_has_unique_ids_and_the_empty_columns_of_a_bulk_export(self, name: str) -> None:
        ids = [row["sourcedId"] for row in table(name)]
        assert len(ids) == len(set(ids))
        assert {row["status"] + row["dateLastModified"] + row.get("password", "") for row in table(name)} == {""}

    def test_keeps_dui_and_nip_out_of_ids_and_names_of_accounts(self) -> None:
        numbers = [row[kind].replace("-", "").lstrip("0") for row in rows("people.csv") for kind in ("dui", "nip")]
        public = " ".join(row["sourcedId"] + " " + row["username"] for row in table("users"))
        assert not [number for number in numbers if number and number in public]

    def test_has_the_size_that_was_agreed(self) -> None:
        sections = [roster.section for roster in rosters().values()]
        assert sum(row["type"] == "school" for row in table("orgs")) == 3
        assert len({row["userSourcedId"] for row in table("roles") if row["role"] == "teacher"}) == 8
        assert Counter(section.is_open for section in sections) == {True: 25, False: 1}
        assert 580 <= sum(section.student_count for section in sections) <= 640

    def test_has_last_years_sections_which_nobody_closed(self) -> None:
        past = [row for row in table("classes") if row["termSourcedIds"] == "ano-2025"]
        assert {row["metadata.sv.estado"] for row in past} == {"abierta"}
        assert not {row["sourcedId"] for row in past} & rosters().keys()

    def test_gives_every_section_a_teacher_and_some_several(self) -> None:
        teachers = Counter(row["classSourcedId"] for row in table("enrollments") if row["role"] == "teacher")
        assert teachers.keys() == {row["sourcedId"] for row in table("classes")}
        assert max(teachers.values()) > 1

    def test_has_exactly_one_teacher_with_a_wrong_check_digit(self) -> None:
        duis = [Dui.parse(row["dui"]) for row in rows("people.csv") if row["dui"]]
        assert [dui.check_digit_fits for dui in duis].count(False) == 1

    def test_has_names_of_every_kind(self) -> None:
        students = [student for roster in rosters().values() for student in roster.students]
        assert {len(student.given_names.split()) for student in students} >= {1, 2, 3}
        assert {len(student.surnames.split()) for student in students} >= {1, 2, 3}
        assert any("de los Ángeles" in student.given_names for student in students)
        assert any("ñ" in student.surnames for student in students)
        assert {len(str(student.nie)) for student in students if student.nie} == {6, 7, 8}


class TestAccounts:
    def test_have_one_holder_an_address(self) -> None:
        held = Counter(
            address for row in rows("accounts.csv") for address in (row["primaryEmail"], *row["aliases"].split())
        )
        assert max(held.values()) == 1

    def test_have_passwords_that_google_takes_and_people_can_type(self) -> None:
        passwords = [row["password"] for row in rows("accounts.csv")]
        assert all(10 <= len(password) <= 40 and password.isascii() for password in passwords)
        assert len(set(passwords)) == len(passwords)

    def test_belong_to_the_people_who_are_shown(self) -> None:
        passwords = {row["primaryEmail"]: row["password"] for row in rows("accounts.csv")}
        assert all(passwords[row["address"]] == row["password"] for row in rows("people.csv"))

    def test_of_teachers_sit_in_the_teachers_unit(self) -> None:
        teachers = [row["address"] for row in rows("people.csv") if row["role"] == "docente"]
        assert len(teachers) == 8
        assert all(accounts()[address].org_unit.startswith("/Docentes") for address in teachers)

    @pytest.mark.parametrize(
        ("address", "unit", "is_administrator"),
        [
            (f"administracion@{DOMAIN}", "/", True),
            (f"restablecimiento@{DOMAIN}", "/Servicios", True),
            (f"secciones@{DOMAIN}", "/Servicios", False),
            ("marta.guardado.sv@gmail.com", "", False),
        ],
    )
    def test_of_services_and_strangers_are_there(self, address: str, unit: str, is_administrator: bool) -> None:
        account = accounts()[address]
        assert (account.org_unit, account.is_administrator) == (unit, is_administrator)

    def test_were_used_by_some_students_and_never_by_others(self) -> None:
        students = [row for row in rows("accounts.csv") if row["orgUnitPath"].startswith("/Estudiantes/")]
        assert {bool(row["lastLoginTime"]) for row in students} == {True, False}
        assert all(bool(row["lastLoginTime"]) == (row["agreedToTerms"] == "true") for row in students)

    def test_are_suspended_archived_and_administrators_among_students(self) -> None:
        students = [row for row in rows("accounts.csv") if row["orgUnitPath"].startswith("/Estudiantes/")]
        for column in ("suspended", "archived", "isDelegatedAdmin"):
            assert {row[column] for row in students} == {"true", "false"}

    def test_sit_in_units_that_only_look_like_the_students(self) -> None:
        units = {row["orgUnitPath"] for row in rows("accounts.csv")}
        assert {"/Estudiantes-retirados", "/Estudiantes2025/99204"} <= units


class TestResets:
    def test_of_the_first_teachers_sections_show_every_reason(self) -> None:
        mine = [section for school in registry().schools("doc-0001") for section in school.sections]
        found: Counter[Outcome] = Counter()
        for section in mine:
            found += outcomes(rosters()[section.id])
        assert found.keys() == {
            Outcome.READY, Outcome.NO_ADDRESS, Outcome.MALFORMED_ADDRESS, Outcome.SHARED_ADDRESS, Outcome.NOT_FOUND,
            Outcome.SUSPENDED, Outcome.ADMINISTRATOR, Outcome.NOT_A_STUDENT, Outcome.ALIAS,
        }  # fmt: skip

    def test_of_the_first_section_mostly_succeed(self) -> None:
        found = outcomes(rosters()["sec-2026-99101-001"])
        assert found == {Outcome.READY: 32, Outcome.NOT_FOUND: 1, Outcome.SUSPENDED: 1}

    def test_meet_other_peoples_accounts_only_to_refuse_them(self) -> None:
        found = outcomes(rosters()["sec-2026-99204-006"])
        assert found == {Outcome.READY: 18, Outcome.ADMINISTRATOR: 1, Outcome.NOT_A_STUDENT: 4}
