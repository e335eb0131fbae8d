"""Bundles as other systems write them: other bytes, other columns, other words, and broken ones."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from secciones.adapters.oneroster import OneRosterRegistry, read_bundle
from secciones.domain.errors import NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nip
from secciones.domain.roster import School

DUI, NIP = Dui.parse("01234567-8"), Nip.parse("0012345")
NAMES = ("academicSessions", "orgs", "courses", "classes", "users", "roles", "enrollments")


def session(session_id: str, kind: str, year: int, parent: str = "") -> dict[str, str]:
    return {"sourcedId": session_id, "type": kind, "startDate": f"{year}-02-02", "parentSourcedId": parent,
            "schoolYear": str(year)}  # fmt: skip


TABLES: dict[str, list[dict[str, str]]] = {
    "academicSessions": [session("y26", "schoolYear", 2026), session("y25", "schoolYear", 2025),
                         session("t1", "term", 2026, parent="y26")],
    "orgs": [{"sourcedId": "ce", "name": "Centro", "type": "school", "identifier": "00012"}],
    "courses": [{"sourcedId": "g9", "title": "Noveno Grado"}],
    "classes": [
        {"sourcedId": "s", "title": "A", "courseSourcedId": "g9", "classCode": "1", "classType": "homeroom",
         "schoolSourcedId": "ce", "termSourcedIds": "y26"},
    ],
    "users": [
        {"sourcedId": "t", "enabledUser": "true", "userIds": "{DUI:012345678},{NIP:0012345}", "givenName": "Ana",
         "familyName": "Rivas", "identifier": "", "email": "ana@clases.edu.sv"},
        {"sourcedId": "a", "enabledUser": "true", "userIds": "", "givenName": "Luis", "familyName": "Paz",
         "identifier": "1204048", "email": "1204048@clases.edu.sv"},
    ],
    "roles": [{"userSourcedId": "t", "role": "teacher"}, {"userSourcedId": "a", "role": "student"}],
    "enrollments": [
        {"classSourcedId": "s", "userSourcedId": "t", "role": "teacher"},
        {"classSourcedId": "s", "userSourcedId": "a", "role": "student"},
    ],
}  # fmt: skip
Change = Callable[[dict[str, list[dict[str, str]]]], None]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small bundle above, changed by a test, and gives its folder."""

    def write(change: Change = lambda _: None, encoding: str = "utf-8", line_end: str = "\n") -> Path:
        tables = {name: [dict(row) for row in rows] for name, rows in TABLES.items()}
        change(tables)
        manifest = [{"propertyName": "oneroster.version", "value": "1.2"}]
        manifest += [{"propertyName": f"file.{name}", "value": "bulk"} for name in NAMES]
        for name, rows in {"manifest": manifest, **tables}.items():
            columns = ["sourcedId", "status", *rows[0]] if name != "manifest" else list(rows[0])
            with (tmp_path / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
                writer = csv.DictWriter(file, list(dict.fromkeys(columns)), restval="", lineterminator=line_end)
                writer.writeheader()
                writer.writerows(rows)
        return tmp_path

    return write


def schools(folder: Path) -> tuple[School, ...]:
    return OneRosterRegistry(read_bundle(folder)).schools("t")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_reads_every_kind_of_file_that_systems_write(
    written: Callable[..., Path], encoding: str, line_end: str
) -> None:
    [school] = schools(written(encoding=encoding, line_end=line_end))
    assert (school.code, [section.grade for section in school.sections]) == ("00012", ["Noveno Grado"])


def test_needs_no_extension(written: Callable[..., Path]) -> None:
    [school] = schools(written())
    assert (school.department, school.municipality) == ("", "")
    assert (school.sections[0].shift, school.sections[0].is_open, school.sections[0].student_count) == ("", True, 1)


def test_counts_a_term_of_the_year_as_the_year(written: Callable[..., Path]) -> None:
    assert schools(written(lambda tables: tables["classes"][0].update(termSourcedIds="x, t1")))


def test_leaves_out_a_section_of_another_year(written: Callable[..., Path]) -> None:
    assert schools(written(lambda tables: tables["classes"][0].update(termSourcedIds="y25"))) == ()


def test_leaves_out_a_class_that_is_no_section(written: Callable[..., Path]) -> None:
    assert schools(written(lambda tables: tables["classes"][0].update(classType="scheduled"))) == ()


def test_leaves_out_rows_that_are_to_be_deleted(written: Callable[..., Path]) -> None:
    folder = written(lambda tables: tables["enrollments"][1].update(status="tobedeleted"))
    assert OneRosterRegistry(read_bundle(folder)).roster("t", "s").students == ()


def test_joins_rows_across_stray_blanks(written: Callable[..., Path]) -> None:
    [school] = schools(written(lambda tables: tables["enrollments"][0].update(classSourcedId=" s ", role="teacher ")))
    assert [section.id for section in school.sections] == ["s"]


@pytest.mark.parametrize(
    ("state", "is_listed"),
    [("", True), (" ACTIVA ", True), ("retirada", False), ("Anulada", False), ("trasladada", False)],
)
def test_lists_only_an_enrolment_that_is_surely_active(
    written: Callable[..., Path], state: str, is_listed: bool
) -> None:
    def change(tables: dict[str, list[dict[str, str]]]) -> None:
        for row in tables["enrollments"]:
            row["metadata.sv.estado"] = state

    roster = OneRosterRegistry(read_bundle(written(change))).roster("t", "s")
    assert bool(roster.students) is is_listed
    assert roster.section.student_count == len(roster.students)


def _disabled(tables: dict[str, list[dict[str, str]]]) -> None:
    tables["users"][0]["enabledUser"] = "False"


def _not_a_teacher(tables: dict[str, list[dict[str, str]]]) -> None:
    tables["roles"][0]["role"] = "student"


def _two_of_them(tables: dict[str, list[dict[str, str]]]) -> None:
    tables["users"].append({**tables["users"][0], "sourcedId": "t2"})
    tables["roles"].append({"userSourcedId": "t2", "role": "teacher"})


def _unreadable(tables: dict[str, list[dict[str, str]]]) -> None:
    tables["users"][0]["userIds"] = "{DUI:01234567A},{NIP:0012345}"


@pytest.mark.parametrize("change", [_disabled, _not_a_teacher, _two_of_them, _unreadable])
def test_verifies_nobody_whom_it_is_not_sure_of(written: Callable[..., Path], change: Change) -> None:
    assert OneRosterRegistry(read_bundle(written(change))).verify_teacher(DUI, NIP) is None


@pytest.mark.parametrize("change", [_disabled, _not_a_teacher])
def test_gives_nothing_to_who_is_no_teacher_any_more(written: Callable[..., Path], change: Change) -> None:
    registry = OneRosterRegistry(read_bundle(written(change)))
    with pytest.raises(NotAssigned):
        registry.schools("t")
    with pytest.raises(NotAssigned):
        registry.roster("t", "s")


@pytest.mark.parametrize(
    "user_ids",
    ["{DUI:12345678},{NIP:12345}", "{ NIP : 0012345 }, { dui : 01234567-8 }", "{x:1},{DUI: 012345678 },{NIP:12345 }"],
)
def test_reads_numbers_however_they_were_stored(written: Callable[..., Path], user_ids: str) -> None:
    folder = written(lambda tables: tables["users"][0].update(userIds=user_ids))
    assert OneRosterRegistry(read_bundle(folder)).verify_teacher(DUI, NIP) is not None


class TestBrokenBundles:
    @pytest.mark.parametrize("name", ["manifest", *NAMES])
    def test_a_missing_file_is_named(self, written: Callable[..., Path], name: str) -> None:
        folder = written()
        (folder / f"{name}.csv").unlink()
        with pytest.raises(RegistryUnavailable, match=name):
            read_bundle(folder)

    @pytest.mark.parametrize(
        "content", [b"", b"one,two\n1,2\n", b"\xff\xfe\x00", b'sourcedId,status\n"a', b"SOURCEDID,STATUS\n"]
    )
    def test_a_file_that_is_something_else_is_named(self, written: Callable[..., Path], content: bytes) -> None:
        folder = written()
        (folder / "users.csv").write_bytes(content)
        with pytest.raises(RegistryUnavailable, match="users"):
            read_bundle(folder)

    def test_a_file_that_the_manifest_does_not_promise_is_named(self, written: Callable[..., Path]) -> None:
        folder = written()
        manifest = folder / "manifest.csv"
        manifest.write_text(manifest.read_text().replace("file.users,bulk", "file.users,delta"))
        with pytest.raises(RegistryUnavailable, match="users"):
            read_bundle(folder)

    def test_another_version_is_refused(self, written: Callable[..., Path]) -> None:
        folder = written()
        manifest = folder / "manifest.csv"
        manifest.write_text(manifest.read_text().replace("oneroster.version,1.2", "oneroster.version,1.1"))
        with pytest.raises(RegistryUnavailable, match=r"1\.2"):
            read_bundle(folder)

    def test_a_registry_without_a_year_says_so(self, written: Callable[..., Path]) -> None:
        folder = written(lambda tables: [row.update(type="term") for row in tables["academicSessions"]] and None)
        with pytest.raises(RegistryUnavailable, match="year"):
            schools(folder)

    def test_a_short_row_is_read_as_far_as_it_goes(self, written: Callable[..., Path]) -> None:
        folder = written()
        with (folder / "enrollments.csv").open("a", encoding="utf-8") as file:
            file.write("e3,,s\n\n,,,,,,,\n")
        assert len(OneRosterRegistry(read_bundle(folder)).roster("t", "s").students) == 1
