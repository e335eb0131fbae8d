"""Bundles of the standard, sound and broken: taken or refused as its rules say, and every row left out is named."""

import contextlib
import io
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.import_problems import BundleRefused, Problem, Reason
from secciones.domain.stored_roster import StoredSchool
from secciones.services.load_roster import Loader, load_flat
from secciones.services.roster_bundle import FlatBundle, ZipBundle
from secciones.services.roster_tables import RosterTables
from tests.support.oneroster import (
    FLAT_HEADER,
    READ,
    Tables,
    as_csv,
    changed,
    country,
    enrolment,
    files,
    flat_row,
    gone,
    manifest,
    person,
    section,
    zipped,
)

SECRET = "k" * 32
TODAY = date(2026, 6, 1)
Change = Callable[[Tables], Any]


class Import:
    """Tables that bundles were loaded into, one after another, and what was reported of the last."""

    def __init__(self, folder: Path) -> None:
        self.tables = RosterTables(folder / "tables")
        self.problems: list[Problem] = []

    def load(self, archive: bytes) -> "Import":
        self.problems.clear()
        Loader(self.tables, SECRET, self.problems.append).load(ZipBundle(io.BytesIO(archive), self.problems.append))
        self.tables.settle(TODAY)
        return self

    def load_flat(self, content: bytes) -> "Import":
        bundle = FlatBundle("flat.csv", io.BytesIO(content), self.problems.append)
        load_flat(bundle, self.tables, SECRET, self.problems.append)
        self.tables.settle(TODAY)
        return self

    @property
    def schools(self) -> list[StoredSchool]:
        return [self.tables.school(school_id) for school_id in self.tables.school_ids()]

    @property
    def lists(self) -> dict[str, list[str]]:
        """The ids of the students of each section."""
        sections = [section for school in self.schools for section in school.sections]
        return {taught.section.id: [student.id for student in taught.students] for taught in sections}

    @property
    def teachers(self) -> dict[str, tuple[str, ...]]:
        """The schools of each teacher."""
        return {teacher.id: teacher.schools for teacher in self.tables.teachers()}


@contextlib.contextmanager
def an_import() -> Iterator[Import]:
    with tempfile.TemporaryDirectory() as folder:
        begun = Import(Path(folder))
        yield begun
        begun.tables.close()


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[Import]:
    begun = Import(tmp_path)
    yield begun
    begun.tables.close()


def bundle(change: Change = lambda _: None) -> bytes:
    tables = country()
    change(tables)
    return zipped(files(tables))


def refusal(archive: bytes) -> Problem:
    with an_import() as begun, pytest.raises(BundleRefused) as refused:
        begun.load(archive)
    return refused.value.problem


def as_64_bit(archive: bytes, **lies: int) -> bytes:
    """The archive with the two records more that large ones have (APPNOTE 4.3.14 and 4.3.15)."""
    rest, end = archive[:-22], archive[-22:]
    _, _, _, here, entries, directory, start, _ = struct.unpack("<4sHHHHLLH", end)
    found = {"entries": entries, "directory": directory} | lies
    values = (44, 45, 45, 0, 0, here, found["entries"], found["directory"], start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(rest), 1)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return rest + struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", *values) + locator + end


ALL = {"s1": ["e1", "e2"], "s2": ["e3"], "s3": ["e4"]}


class TestBulk:
    def test_is_all_there_is(self, loaded: Import) -> None:
        loaded.load(bundle())
        assert loaded.problems == []
        assert loaded.lists == ALL
        assert loaded.teachers == {"d1": ("ce1", "ce2"), "d2": ("ce1",)}
        assert [school.school.code for school in loaded.schools] == ["10001", "10002"]

    def test_replaces_what_was_there(self, loaded: Import) -> None:
        loaded.load(bundle()).load(bundle(lambda tables: tables["enrollments"].pop(3)))
        assert loaded.lists == ALL | {"s1": ["e2"]}

    @pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
    def test_may_have_a_byte_order_mark_and_either_line_end(
        self, loaded: Import, start: bytes, line_end: bytes
    ) -> None:
        contents = {name: start + content.replace(b"\r\n", line_end) for name, content in files(country()).items()}
        assert loaded.load(zipped(contents)).lists == ALL

    def test_may_have_files_of_the_standard_that_are_not_read(self, loaded: Import) -> None:
        contents = files(country(), **{"file.demographics": "bulk"}) | {"demographics.csv": b"\xff\xfe whatever"}
        assert loaded.load(zipped(contents)).lists == ALL

    def test_may_be_an_archive_of_the_64_bit_kind(self, loaded: Import) -> None:
        assert loaded.load(as_64_bit(bundle())).lists == ALL

    def test_may_be_only_a_manifest_which_changes_nothing(self, loaded: Import) -> None:
        loaded.load(bundle()).load(zipped({"manifest.csv": manifest({})}))
        assert loaded.lists == ALL

    def test_may_extend_the_vocabularies_that_may_be_extended(self, loaded: Import) -> None:
        loaded.load(bundle(lambda tables: tables["orgs"][0].update(type="ext:zona")))
        assert loaded.problems == []

    def test_may_have_anything_in_extensions_that_are_not_ours(self, loaded: Import) -> None:
        contents = files(country())
        header, *rows = contents["users.csv"].decode().splitlines()
        values = ["+503 2222-2222", "=1+1", "x" * 300, "a@b", "-1", "", "@x"]
        lines = [f"{header},metadata.note", *(f"{row},{value}" for row, value in zip(rows, values, strict=True))]
        assert loaded.load(zipped(contents | {"users.csv": "\n".join(lines).encode()})).problems == []

    @pytest.mark.parametrize("nip", ["0000001", "0000012", "0012345"])
    def test_may_count_its_teachers(self, loaded: Import, nip: str) -> None:
        def change(tables: Tables) -> None:
            tables["users"][0] |= {"sourcedId": f"d{int(nip)}", "userIds": f"{{DUI:012345678}},{{NIP:{nip}}}"}
            tables["roles"][0]["userSourcedId"] = f"d{int(nip)}"
            for row in tables["enrollments"][:2]:
                row["userSourcedId"] = f"d{int(nip)}"

        assert loaded.load(bundle(change)).problems == []

    def test_is_cleaned_of_stray_blanks_around_values(self, loaded: Import) -> None:
        loaded.load(
            bundle(lambda tables: tables["enrollments"][3].update(classSourcedId=" s1 ", userSourcedId="e1\xa0"))
        )
        assert loaded.lists == ALL

    def test_counts_a_person_once_however_often_enrolled(self, loaded: Import) -> None:
        loaded.load(bundle(lambda tables: tables["enrollments"].append(enrolment("s1", "e1", sourcedId="again"))))
        assert loaded.lists == ALL

    def test_of_another_year_makes_that_the_year_in_force(self, loaded: Import) -> None:
        loaded.load(bundle(lambda tables: tables["academicSessions"][1].update(startDate="2027-02-01")))
        assert loaded.lists == {"old": []}

    def test_may_name_a_year_that_has_no_sections_yet(self, loaded: Import) -> None:
        loaded.load(
            bundle(
                lambda tables: tables["academicSessions"].append(
                    tables["academicSessions"][0] | {"sourcedId": "y27", "startDate": "2027-02-01"}
                )
            )
        )
        assert loaded.lists == ALL

    @pytest.mark.parametrize(
        ("ends", "is_listed"),
        [("2026-05-31", False), ("2026-06-01", False), ("2026-06-02", True), ("2026-11-13", True), ("", True)],
    )
    def test_tells_when_an_enrolment_has_ended(self, loaded: Import, ends: str, is_listed: bool) -> None:
        """A day on which it has, since the standard's ends are exclusive."""
        loaded.load(bundle(lambda tables: [tables["enrollments"][n].update(endDate=ends) for n in (0, 3)]))
        assert (loaded.problems, "e1" in loaded.lists["s1"]) == ([], is_listed)
        assert ("d1" in loaded.schools[0].sections[0].teachers) is is_listed
        assert loaded.teachers["d1"] == (("ce1", "ce2") if is_listed else ("ce2",))

    def test_tells_when_a_role_has_ended(self, loaded: Import) -> None:
        loaded.load(bundle(lambda tables: tables["roles"][0].update(endDate="2026-05-31")))
        assert set(loaded.teachers) == {"d2"}

    @pytest.mark.parametrize("ends", ["2026-11-13", "2026-12-01"])
    def test_of_a_year_that_is_over_is_as_it_was_at_its_end(self, loaded: Import, ends: str) -> None:
        loaded.load(bundle(lambda tables: tables["enrollments"][3].update(endDate=ends)))
        loaded.tables.settle(date(2027, 1, 10))
        assert loaded.lists == ALL

    def test_may_have_middle_names(self, loaded: Import) -> None:
        loaded.load(bundle(lambda tables: tables["users"][2].update(givenName="María", middleName="de los Ángeles")))
        names = [student.given_names for student in loaded.schools[0].sections[0].students]
        assert sorted(names) == ["Alumno 2", "María de los Ángeles"]

    def test_may_have_a_slash_in_ids_that_are_never_part_of_an_address(self, loaded: Import) -> None:
        def change(tables: Tables) -> None:
            tables["academicSessions"][0]["sourcedId"] = tables["academicSessions"][2]["parentSourcedId"] = "y/26"
            tables["courses"][0]["sourcedId"] = "g/1"
            tables["classes"][0] |= {"courseSourcedId": "g/1", "termSourcedIds": "y/26"}
            for row in tables["classes"]:
                row |= {"courseSourcedId": "g/1", "termSourcedIds": row["termSourcedIds"].replace("y26", "y/26")}
            for row in tables["roles"] + tables["enrollments"]:
                row["sourcedId"] = f"sv/{row['sourcedId']}"

        assert (loaded.load(bundle(change)).problems, loaded.lists) == ([], ALL)

    def test_without_a_school_year_is_refused(self) -> None:
        def change(tables: Tables) -> None:
            for row in tables["academicSessions"]:
                row["type"] = "term"

        assert refusal(bundle(change)).reason is Reason.NO_SCHOOL_YEAR

    def test_with_a_section_that_no_document_could_hold_is_refused(self) -> None:
        def change(tables: Tables) -> None:
            tables["users"] += [person(f"x{n}", "Uno") for n in range(600)]
            tables["enrollments"] += [enrolment("s1", f"x{n}") for n in range(600)]

        assert refusal(bundle(change)).reason is Reason.SECTION_TOO_LARGE


class TestDelta:
    def test_changes_adds_and_takes_away(self, loaded: Import) -> None:
        before = country()
        loaded.load(bundle())
        delta = {
            "users": [changed(before["users"][2], givenName="Otra"), changed(person("e9", "Nueva"))],
            "enrollments": [changed(enrolment("s1", "e9")), gone(before["enrollments"][5])],
        }
        loaded.load(zipped(files(delta, "delta")))
        assert loaded.problems == []
        assert {name: sorted(students) for name, students in loaded.lists.items()} == ALL | {
            "s1": ["e1", "e2", "e9"],
            "s2": [],
        }
        assert {student.given_names for student in loaded.schools[0].sections[0].students} == {
            "Otra",
            "Nueva",
            "Alumno 2",
        }

    def test_said_twice_changes_nothing_more(self, loaded: Import) -> None:
        delta = zipped(files({"enrollments": [gone(country()["enrollments"][3])]}, "delta"))
        loaded.load(bundle()).load(delta).load(delta)
        assert (loaded.problems, loaded.lists) == ([], ALL | {"s1": ["e2"]})

    def test_takes_away_more_than_it_names_when_others_refer_to_it(self, loaded: Import) -> None:
        loaded.load(bundle()).load(zipped(files({"users": [gone(country()["users"][2])]}, "delta")))
        assert loaded.lists == ALL | {"s1": ["e2"]}

    def test_ends_a_teachers_service(self, loaded: Import) -> None:
        loaded.load(bundle()).load(zipped(files({"roles": [gone(country()["roles"][0])]}, "delta")))
        assert loaded.teachers == {"d2": ("ce1",)}
        assert loaded.schools[0].sections[0].teachers == ()

    def test_that_comes_late_does_not_undo_a_newer_one(self, loaded: Import) -> None:
        user = country()["users"][2]
        loaded.load(bundle()).load(zipped(files({"users": [changed(user, givenName="Nueva")]}, "delta")))
        late = changed(user, givenName="Vieja", dateLastModified="2026-02-28T23:59:59.999Z")
        loaded.load(zipped(files({"users": [late]}, "delta")))
        assert loaded.problems == [Problem("users.csv", 2, "dateLastModified", Reason.OLDER_THAN_KNOWN)]
        assert "Nueva" in {student.given_names for student in loaded.schools[0].sections[0].students}

    @pytest.mark.parametrize(
        "change", [{"status": "tobedeleted"}, {"metadata.sv.estado": "retirada"}, {"role": "aide"}]
    )
    def test_that_comes_late_brings_nobody_back(self, loaded: Import, change: dict[str, str]) -> None:
        table = "roles" if "role" in change else "enrollments"
        row = country()[table][0]
        late = changed(row, dateLastModified="2026-02-28T23:59:59.999Z")
        loaded.load(bundle()).load(zipped(files({table: [changed(row, **change)]}, "delta")))
        loaded.load(zipped(files({table: [late]}, "delta")))
        assert loaded.problems == [Problem(f"{table}.csv", 2, "dateLastModified", Reason.OLDER_THAN_KNOWN)]
        assert not loaded.schools[0].sections[0].teachers
        loaded.load(zipped(files({table: [changed(row)]}, "delta")))
        assert "d1" in loaded.schools[0].sections[0].teachers, "whoever is brought back later is there"
        loaded.load(bundle()).load(zipped(files({table: [late]}, "delta")))
        assert loaded.problems == [], "a bulk is all there is"

    @pytest.mark.parametrize(
        ("column", "value", "reason"),
        [
            ("status", "", Reason.NEEDED_IN_DELTA),
            ("dateLastModified", "", Reason.NEEDED_IN_DELTA),
            ("status", "deleted", Reason.WRONG_WORD),
            ("status", "Active", Reason.WRONG_WORD),
            ("dateLastModified", "2026-03-01", Reason.WRONG_DATE),
            ("dateLastModified", "2026-03-01T08:00:00-06:00", Reason.WRONG_DATE),
            ("dateLastModified", "2026-02-30T08:00:00Z", Reason.WRONG_DATE),
            ("dateLastModified", "2026-02-03T25:00:00Z", Reason.WRONG_DATE),
            ("dateLastModified", "2026-02-03T08:61:00Z", Reason.WRONG_DATE),
        ],
    )
    def test_says_of_each_row_when_and_what(self, loaded: Import, column: str, value: str, reason: Reason) -> None:
        first, second = (changed(person(user, "Nueva")) for user in ("e8", "e9"))
        loaded.load(bundle()).load(zipped(files({"users": [first, second | {column: value}]}, "delta")))
        assert loaded.problems == [Problem("users.csv", 3, column, reason)]

    def test_is_what_its_rows_are_whatever_the_manifest_says(self, loaded: Import) -> None:
        loaded.load(bundle())
        contents = files({"users": [changed(person("e9", "Nueva"))]}, "delta")
        loaded.load(zipped(contents | {"manifest.csv": manifest({"users": "bulk"})}))
        assert loaded.problems == [Problem("users.csv", 2, "status", Reason.MODE_DIFFERS)]
        assert loaded.lists == ALL


@pytest.mark.parametrize(
    ("table", "row", "values", "column", "reason"),
    [
        ("users", 2, {"status": "active"}, "status", Reason.MUST_BE_EMPTY_IN_BULK),
        ("users", 2, {"dateLastModified": "2026-03-01T08:00:00Z"}, "dateLastModified", Reason.MUST_BE_EMPTY_IN_BULK),
        ("users", 2, {"givenName": ""}, "givenName", Reason.MISSING_VALUE),
        ("users", 2, {"givenName": "  "}, "givenName", Reason.MISSING_VALUE),
        ("users", 2, {"sourcedId": ""}, "sourcedId", Reason.MISSING_VALUE),
        ("users", 2, {"sourcedId": "a/b"}, "sourcedId", Reason.WRONG_IDENTIFIER),
        ("users", 2, {"sourcedId": ".."}, "sourcedId", Reason.WRONG_IDENTIFIER),
        ("users", 2, {"sourcedId": "ñ"}, "sourcedId", Reason.WRONG_IDENTIFIER),
        ("users", 2, {"sourcedId": "x" * 256}, "sourcedId", Reason.WRONG_IDENTIFIER),
        ("users", 2, {"sourcedId": "d1"}, "sourcedId", Reason.DUPLICATE_IDENTIFIER),
        ("users", 0, {"sourcedId": "doc-01234567-8"}, "sourcedId", Reason.NUMBER_IN_IDENTIFIER),
        ("users", 0, {"sourcedId": "12345"}, "sourcedId", Reason.NUMBER_IN_IDENTIFIER),
        ("users", 0, {"sourcedId": "doc-0012345"}, "sourcedId", Reason.NUMBER_IN_IDENTIFIER),
        ("users", 0, {"sourcedId": "0012345", "userIds": "{NIP:12345}"}, "sourcedId", Reason.NUMBER_IN_IDENTIFIER),
        ("users", 2, {"enabledUser": "True"}, "enabledUser", Reason.WRONG_WORD),
        ("users", 2, {"familyName": "=1+1"}, "familyName", Reason.FORMULA),
        ("users", 2, {"email": "@SUM(A1)"}, "email", Reason.FORMULA),
        ("users", 2, {"givenName": "Ana\nLuz"}, "givenName", Reason.CONTROL_CHARACTER),
        ("users", 2, {"givenName": "Ana\rLuz"}, "givenName", Reason.CONTROL_CHARACTER),
        ("users", 2, {"givenName": "Ana\0"}, "givenName", Reason.CONTROL_CHARACTER),
        ("users", 2, {"givenName": "A" * 256}, "givenName", Reason.TOO_LONG),
        ("users", 2, {"primaryOrgSourcedId": "nowhere"}, "primaryOrgSourcedId", Reason.UNKNOWN_REFERENCE),
        ("users", 0, {"userIds": "DUI:012345678"}, "userIds", Reason.WRONG_LIST),
        ("users", 0, {"userIds": "{DUI:012345678},{NIP"}, "userIds", Reason.WRONG_LIST),
        ("users", 0, {"userIds": "{DUI:01234567A},{NIP:0012345}"}, "userIds", Reason.UNREADABLE_NUMBER),
        ("users", 0, {"userIds": "{NIP:12345678}"}, "userIds", Reason.UNREADABLE_NUMBER),
        ("users", 2, {"pronouns": "ella\r\nsu"}, "pronouns", Reason.CONTROL_CHARACTER),
        ("classes", 0, {"subjects": "a,b", "subjectCodes": "1"}, "subjectCodes", Reason.WRONG_LIST),
        ("orgs", 1, {"type": "School"}, "type", Reason.WRONG_WORD),
        ("orgs", 2, {"parentSourcedId": "nowhere"}, "parentSourcedId", Reason.UNKNOWN_REFERENCE),
        ("orgs", 1, {"metadata.sv.departamento": "+1"}, "metadata.sv.departamento", Reason.FORMULA),
        ("academicSessions", 2, {"startDate": "02/02/2026"}, "startDate", Reason.WRONG_DATE),
        ("academicSessions", 2, {"endDate": "2026-02-30"}, "endDate", Reason.WRONG_DATE),
        ("academicSessions", 2, {"schoolYear": "26"}, "schoolYear", Reason.WRONG_DATE),
        ("classes", 0, {"schoolSourcedId": "min"}, "schoolSourcedId", Reason.NOT_A_SCHOOL),
        ("classes", 0, {"termSourcedIds": "y26,nowhere"}, "termSourcedIds", Reason.UNKNOWN_REFERENCE),
        ("classes", 0, {"classType": "lecture"}, "classType", Reason.WRONG_WORD),
        ("classes", 0, {"courseSourcedId": ""}, "courseSourcedId", Reason.MISSING_VALUE),
        ("roles", 0, {"roleType": "first"}, "roleType", Reason.WRONG_WORD),
        ("roles", 0, {"role": "docente"}, "role", Reason.WRONG_WORD),
        ("enrollments", 3, {"userSourcedId": "nobody"}, "userSourcedId", Reason.UNKNOWN_REFERENCE),
        ("enrollments", 3, {"classSourcedId": "none"}, "classSourcedId", Reason.UNKNOWN_REFERENCE),
        ("enrollments", 3, {"schoolSourcedId": "min"}, "schoolSourcedId", Reason.NOT_A_SCHOOL),
        ("enrollments", 3, {"primary": "yes"}, "primary", Reason.WRONG_WORD),
        ("enrollments", 3, {"endDate": "soon"}, "endDate", Reason.WRONG_DATE),
    ],
)
def test_a_row_that_breaks_a_rule_is_left_out_and_named(
    loaded: Import, table: str, row: int, values: dict[str, str], column: str, reason: Reason
) -> None:
    loaded.load(bundle(lambda tables: tables[table][row].update(values)))
    assert Problem(f"{table}.csv", row + 2, column, reason) in loaded.problems
    assert {problem.file for problem in loaded.problems} <= {
        f"{table}.csv",
        "classes.csv",
        "roles.csv",
        "enrollments.csv",
    }
    assert all(problem.reason in {reason, Reason.UNKNOWN_REFERENCE, Reason.NOT_A_SCHOOL} for problem in loaded.problems)


def test_what_refers_to_a_row_that_was_left_out_is_left_out_as_well(loaded: Import) -> None:
    loaded.load(bundle(lambda tables: tables["classes"][0].update(classType="lecture")))
    assert [(problem.file, problem.line) for problem in loaded.problems] == [
        ("classes.csv", 2), ("enrollments.csv", 2), ("enrollments.csv", 5), ("enrollments.csv", 6),
    ]  # fmt: skip
    assert set(loaded.lists) == {"s2", "s3"}


@pytest.mark.parametrize("cells", [["e9"], [*"abcdefghijklmnopqrstuvwxyz"]])
def test_a_row_with_too_few_or_too_many_fields_is_named(loaded: Import, cells: list[str]) -> None:
    contents = files(country())
    contents["users.csv"] += ",".join(cells).encode() + b"\n\n"
    loaded.load(zipped(contents))
    assert loaded.problems == [Problem("users.csv", 9, "", Reason.WRONG_NUMBER_OF_FIELDS)]


def test_who_has_an_unreadable_number_is_named_and_kept_without_it(loaded: Import) -> None:
    loaded.load(bundle(lambda tables: tables["users"][0].update(userIds="{DUI:01234567A},{NIP:0012345}")))
    assert loaded.problems == [Problem("users.csv", 2, "userIds", Reason.UNREADABLE_NUMBER)]
    assert next((teacher.id, teacher.numbers) for teacher in loaded.tables.teachers()) == ("d1", "")


@pytest.mark.parametrize(
    ("given_name", "is_sound"),
    [
        (b'Ana "Chepa"', False),
        (b'"Ana ""Chepa"""', True),
        (b' "Ana"', False),
        (b'"Ana, la ""Chepa"""', True),
    ],
)
def test_quotes_stand_around_a_value_or_doubled_in_it(loaded: Import, given_name: bytes, is_sound: bool) -> None:
    contents = files(country())
    contents["users.csv"] += b"e8,,,true,e8,," + given_name + b",Rivas" + b"," * 15 + b"\ne9,,,true,e9,,Eva,Rivas"
    loaded.load(zipped(contents))
    assert loaded.problems[:-1] == ([] if is_sound else [Problem("users.csv", 9, "", Reason.MALFORMED_CSV)])
    assert loaded.problems[-1] == Problem("users.csv", 10, "", Reason.WRONG_NUMBER_OF_FIELDS)


def test_lines_are_those_of_an_editor_however_many_a_row_takes(loaded: Import) -> None:
    contents = files(country())
    contents["users.csv"] += b'e8,,,true,e8,,"A\nna","Ri\r\nvas"' + b"," * 15 + b"\n\ne9,x\n"
    loaded.load(zipped(contents))
    assert loaded.problems == [
        Problem("users.csv", 9, "givenName", Reason.CONTROL_CHARACTER),
        Problem("users.csv", 13, "", Reason.WRONG_NUMBER_OF_FIELDS),
    ]


@pytest.mark.parametrize(
    "value", ["-", "D'Ávila-López", "María  de\u200b los Ángeles", "Ñ" * 255, "a=b", "1204048@clases.edu.sv"]
)
def test_a_name_that_is_only_unusual_is_kept(loaded: Import, value: str) -> None:
    loaded.load(bundle(lambda tables: tables["users"][2].update(givenName=value)))
    assert loaded.problems == []


class TestRefusedArchives:
    @pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all" * 100, b"PK\x05\x06" + b"\0" * 17])
    def test_no_archive(self, content: bytes) -> None:
        assert refusal(content).reason is Reason.NO_ZIP

    @pytest.mark.parametrize(
        "name", ["../users.csv", "/etc/passwd", "oneroster/users.csv", "C:\\users.csv", "Users.csv", "a/"]
    )
    def test_a_name_that_the_standard_has_not(self, name: str) -> None:
        assert refusal(zipped(files(country()) | {name: b"x"})).reason is Reason.UNKNOWN_FILE

    def test_two_files_of_one_name(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile's own word on this
            archive = zipped([*files(country()).items(), ("users.csv", b"x")])
        assert refusal(archive) == Problem("users.csv", 0, "", Reason.DUPLICATE_FILE)

    def test_more_files_than_there_are(self) -> None:
        assert refusal(zipped({f"{n}.csv": b"" for n in range(30)})).reason is Reason.TOO_LARGE

    def test_more_files_than_there_are_in_an_archive_of_the_64_bit_kind(self) -> None:
        assert refusal(as_64_bit(bundle(), entries=30)).reason is Reason.TOO_LARGE
        assert refusal(as_64_bit(bundle(), directory=1 << 40)).reason is Reason.TOO_LARGE

    def test_an_end_of_the_64_bit_kind_that_is_none(self) -> None:
        assert refusal(as_64_bit(bundle()).replace(b"PK\x06\x06", b"PK\x06\x05")).reason is Reason.NO_ZIP
        assert refusal(as_64_bit(bundle())[-60:]).reason is Reason.NO_ZIP

    def test_a_file_that_swells(self) -> None:
        archive = zipped(files(country()) | {"users.csv": b"a" * (8 << 20)})
        assert refusal(archive) == Problem("users.csv", 0, "", Reason.SUSPICIOUS_COMPRESSION)

    def test_another_compression(self) -> None:
        assert refusal(zipped(files(country()), compression=zipfile.ZIP_LZMA)).reason is Reason.WRONG_COMPRESSION

    def test_an_encrypted_file(self) -> None:
        archive = bytearray(bundle())
        place = archive.rfind(b"PK\x01\x02")
        archive[place + 8] |= 1
        assert refusal(bytes(archive)).reason is Reason.ENCRYPTED

    def test_a_file_that_is_damaged(self) -> None:
        archive = bytearray(zipped(files(country()), compression=zipfile.ZIP_STORED))
        archive[archive.rfind(b"Alumno 3")] ^= 1
        assert refusal(bytes(archive)) == Problem("users.csv", 0, "", Reason.NO_ZIP)

    @pytest.mark.parametrize("name", ["manifest", *READ])
    def test_a_file_that_is_missing(self, name: str) -> None:
        contents = files(country())
        del contents[f"{name}.csv"]
        assert refusal(zipped(contents)) == Problem(f"{name}.csv", 0, "", Reason.MISSING_FILE)

    def test_a_file_that_the_manifest_calls_absent(self) -> None:
        contents = files(country(), **{"file.users": "absent"})
        assert refusal(zipped(contents)) == Problem("users.csv", 0, "", Reason.FILE_NOT_IN_MANIFEST)

    @pytest.mark.parametrize("name", ["orgs", "academicSessions", "courses", "classes", "users", "roles"])
    def test_a_bulk_that_is_not_complete(self, name: str) -> None:
        tables = country()
        del tables[name]
        assert refusal(zipped(files(tables))).reason is Reason.INCOMPLETE_BULK

    @pytest.mark.parametrize(
        ("properties", "reason"),
        [
            ({"oneroster.version": "1.1"}, Reason.WRONG_VERSION),
            ({"oneroster.version": ""}, Reason.WRONG_VERSION),
            ({"manifest.version": "2.0"}, Reason.WRONG_MANIFEST),
            ({"file.users": "Bulk"}, Reason.WRONG_MANIFEST),
            ({"file.results": ""}, Reason.WRONG_MANIFEST),
        ],
    )
    def test_a_manifest_that_is_not_the_standards(self, properties: dict[str, str], reason: Reason) -> None:
        assert refusal(zipped(files(country(), **properties))).reason is reason

    def test_a_manifest_that_says_two_things(self) -> None:
        contents = files(country())
        contents["manifest.csv"] += b"file.users,delta\n"
        assert refusal(zipped(contents)).reason is Reason.WRONG_MANIFEST


class TestRefusedFiles:
    @pytest.mark.parametrize(
        ("content", "line", "reason"),
        [
            (b"", 1, Reason.WRONG_HEADER),
            (b"one,two\n1,2\n", 1, Reason.WRONG_HEADER),
            (b"sourcedId,status,dateLastModified,name,type,identifier\n", 1, Reason.WRONG_HEADER),
            (b"status,sourcedId,dateLastModified,name,type,identifier,parentSourcedId\n", 1, Reason.WRONG_HEADER),
            (b"SOURCEDID,status,dateLastModified,name,type,identifier,parentSourcedId\n", 1, Reason.WRONG_HEADER),
            (b"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId,note\n", 1, Reason.WRONG_HEADER),
            (b"sourcedId,status,dateLastModified,name,type,identifier,name\n", 1, Reason.DUPLICATE_HEADER),
            (b"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n", 0, Reason.NO_ROWS),
            (b"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n\n", 0, Reason.NO_ROWS),
            ("sourcedId".encode("utf-16"), 1, Reason.NOT_UTF8),
            (b"x" * 70_000, 1, Reason.MALFORMED_CSV),
        ],
    )
    def test_before_its_first_row(self, content: bytes, line: int, reason: Reason) -> None:
        found = refusal(zipped(files(country()) | {"orgs.csv": content}))
        assert (found.file, found.line, found.reason) == ("orgs.csv", line, reason)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("e9,,,true,e9,,Núñez,Peña".encode("cp1252"), Reason.NOT_UTF8),
            (b'e9,,,true,e9,,"Ana,Rivas', Reason.MALFORMED_CSV),
            (b'e9,,,true,e9,,"Ana"x,Rivas', Reason.MALFORMED_CSV),
            (b"e9,,,true\re9", Reason.MALFORMED_CSV),
        ],
    )
    def test_at_the_line_where_it_breaks(self, row: bytes, reason: Reason) -> None:
        contents = files(country())
        contents["users.csv"] += row + b"\n"
        found = refusal(zipped(contents))
        assert (found.file, found.line, found.reason) == ("users.csv", 9, reason)

    def test_at_the_line_where_a_quote_begins_that_never_ends(self) -> None:
        contents = files(country())
        first, second, rest = contents["users.csv"].split(b"\r\n", 2)
        contents["users.csv"] = first + b'\r\n"' + second + b"\r\n" + rest
        assert refusal(zipped(contents)) == Problem("users.csv", 2, "", Reason.MALFORMED_CSV)


class TestFlatFile:
    def test_says_the_same_in_one_table(self, loaded: Import) -> None:
        rows = [
            flat_row("s1", "d1", "teacher", dui="01234567-8", nip="12345"),
            flat_row("s2", "d1", "teacher", dui="01234567-8", nip="12345"),
            flat_row("s1", "e1", enrolment="activa"),
            flat_row("s1", "e2", enrolment="Retirada"),
        ]
        loaded.load_flat(as_csv(FLAT_HEADER, rows))
        assert (loaded.problems, loaded.lists) == ([], {"s1": ["e1"], "s2": []})
        [teacher] = loaded.tables.teachers()
        with an_import() as with_bundle:
            assert teacher.numbers == next(with_bundle.load(bundle()).tables.teachers()).numbers

    def test_may_not_contradict_itself(self, loaded: Import) -> None:
        rows = [flat_row("s1", "e1"), flat_row("s1", "e2", shift="Nocturno"), flat_row("s2", "e1", givenName="Eva")]
        loaded.load_flat(as_csv(FLAT_HEADER, rows))
        assert [(problem.line, problem.column, problem.reason) for problem in loaded.problems] == [
            (3, "sectionId", Reason.CONTRADICTION), (4, "userId", Reason.CONTRADICTION),
        ]  # fmt: skip

    @pytest.mark.parametrize("column", ["dui", "nip"])
    def test_names_numbers_that_nobody_can_read(self, loaded: Import, column: str) -> None:
        numbers = {"dui": "01234567-8", "nip": "12345"} | {column: "x"}
        loaded.load_flat(as_csv(FLAT_HEADER, [flat_row("s1", "d1", "teacher", **numbers)]))
        assert loaded.problems == [Problem("flat.csv", 2, column, Reason.UNREADABLE_NUMBER)]
        assert [teacher.numbers for teacher in loaded.tables.teachers()] == [""]

    def test_keeps_no_number_as_an_identifier(self, loaded: Import) -> None:
        row = flat_row("s1", "d1", "teacher", dui="01234567-8", nip="12345", identifier="0012345")
        loaded.load_flat(as_csv(FLAT_HEADER, [row]))
        assert b"0012345" not in loaded.tables.path.read_bytes()

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (as_csv(FLAT_HEADER, []), Reason.NO_ROWS),
            (as_csv(FLAT_HEADER[1:], []), Reason.WRONG_HEADER),
            (b"", Reason.WRONG_HEADER),
        ],
    )
    def test_is_refused_when_it_is_something_else(self, loaded: Import, content: bytes, reason: Reason) -> None:
        with pytest.raises(BundleRefused) as refused:
            loaded.load_flat(content)
        assert refused.value.problem.reason is reason


def test_numbers_are_kept_as_keyed_hashes_only(tmp_path: Path) -> None:
    loaded = Import(tmp_path).load(bundle())
    stored = {teacher.id: teacher.numbers for teacher in loaded.tables.teachers()}
    loaded.tables.close()
    content = (tmp_path / "tables").read_bytes()
    assert all(len(numbers) == 64 for numbers in stored.values())
    assert len(set(stored.values())) == 2
    for number in (b"012345678", b"12345678", b"0012345", b"045612397", b"0023187"):
        assert number not in content


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_every_student_is_read_as_written_or_reported(people: list[tuple[str, str]]) -> None:
    with an_import() as begun:
        students = [person(f"x{n}", given_name, familyName=family) for n, (given_name, family) in enumerate(people)]
        tables = country() | {
            "classes": [section("s1", "ce1")],
            "enrollments": [enrolment("s1", s["sourcedId"]) for s in students],
        }
        tables["users"] += students
        begun.load(zipped(files(tables)))
        lines = {problem.line for problem in begun.problems if problem.file == "users.csv"}
        listed = {student.id: student for student in begun.schools[0].sections[0].students}
    for number, (given_name, family) in enumerate(people):
        assert (f"x{number}" in listed) is (number + 9 not in lines)
        if student := listed.get(f"x{number}"):
            spoken = f"{given_name} {family}"
            if spoken.isascii():
                assert f"{student.given_names} {student.surnames}".split() == spoken.split()


@given(st.data())
def test_any_damage_is_refused_or_reported_and_never_a_crash(data: st.DataObject) -> None:
    content = bytearray(
        data.draw(st.sampled_from([bundle(), zipped(files(country()), compression=zipfile.ZIP_STORED)]))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :: data.draw(st.sampled_from([len(content) + 1, 7, 1]))]
    with an_import() as begun, contextlib.suppress(BundleRefused):
        begun.load(bytes(content))


@given(st.sampled_from(["manifest", *READ]), st.binary(max_size=60), st.integers(0, 400), st.integers(0, 60))
def test_any_damage_to_a_file_is_refused_or_reported(name: str, junk: bytes, start: int, length: int) -> None:
    contents = files(country())
    content = contents[f"{name}.csv"]
    contents[f"{name}.csv"] = content[:start] + junk + content[start + length :]
    with an_import() as begun, contextlib.suppress(BundleRefused):
        begun.load(zipped(contents))


@given(st.binary(max_size=400))
def test_any_flat_file_at_all_is_read_or_refused(content: bytes) -> None:
    with an_import() as begun, contextlib.suppress(BundleRefused):
        begun.load_flat(as_csv(FLAT_HEADER, [flat_row("s1", "e1")]) + content)
