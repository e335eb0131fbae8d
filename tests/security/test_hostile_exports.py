"""Threat: whoever can put a file into the registry's bucket sends bombs, paths, formulas and lies.

Take `_check_entry`, the comparison with `_NAMES` or `_check_directory` (services/roster_bundle.py) out, `_FORMULA`
(domain/import_problems.py), `are_the_id` (services/load_roster.py), or the look at `percent`
(services/import_roster.py), and one of these turns red.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.import_problems import Reason
from secciones.domain.people import Dui, Nip
from secciones.services.import_roster import State
from tests.support.fakes import FakeClock
from tests.support.imports import ImportWorld
from tests.support.oneroster import FLAT_HEADER, Tables, as_csv, country, enrolment, files, person, role, zipped

VICTIM = ("01234567-8", "0012345")


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    """What an honest export has left, with so many people that one more is no great change."""
    clock = FakeClock()
    world = ImportWorld(SqliteDocuments(tmp_path / "documents", clock.now), clock)
    world.imported(zipped(files(crowded())))
    return world


def crowded() -> Tables:
    tables = country()
    tables["users"] += [person(f"x{n}", f"Nombre {n}") for n in range(60)]
    tables["enrollments"] += [enrolment("s1", f"x{n}") for n in range(60)]
    return tables


def state(world: ImportWorld) -> object:
    teacher = world.registry.verify_teacher(Dui.parse(VICTIM[0]), Nip.parse(VICTIM[1]))
    return teacher, [world.registry.roster("d1", section) for section in ("s1", "s3")]


def _huge_directory() -> bytes:
    content = bytearray(zipped(files(country())))
    place = content.rfind(b"PK\x05\x06")
    content[place + 12 : place + 16] = b"\xff\xff\xff\x7f"
    return bytes(content)


@pytest.mark.parametrize(
    ("export", "reason"),
    [
        pytest.param(
            lambda: zipped(files(country()) | {"users.csv": b"a" * (40 << 20)}), "suspicious_compression", id="bomb"
        ),
        pytest.param(lambda: zipped(files(country()) | {"../../etc/cron.d/x": b"x"}), "unknown_file", id="path"),
        pytest.param(lambda: zipped({f"{n}.csv": b"" for n in range(5000)}), "too_large", id="many files"),
        pytest.param(_huge_directory, "too_large", id="huge directory"),
        pytest.param(
            lambda: zipped({"inner.zip": zipped(files(country()))}), "unknown_file", id="archive in an archive"
        ),
        pytest.param(lambda: zipped(files(country()), compression=zipfile.ZIP_BZIP2), "wrong_compression", id="bzip2"),
    ],
)
def test_an_archive_made_to_do_damage_is_refused_and_changes_nothing(
    world: ImportWorld, export: Callable[[], bytes], reason: str
) -> None:
    before = state(world)
    result = world.imported(export(), is_confirmed=False)
    assert result.state is State.REFUSED
    assert result.refused_because is not None
    assert result.refused_because.reason is Reason(reason)
    assert state(world) == before


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("https://evil.example")', "+1", "@SUM(A1)", "-1+1", "Ana\r\nBcc: x", "a\0b"]
)
def test_a_name_that_a_spreadsheet_or_a_mail_would_act_on_is_left_out(world: ImportWorld, name: str) -> None:
    tables = crowded()
    tables["users"][10]["givenName"] = name
    result = world.imported(zipped(files(tables)), is_confirmed=False)
    assert result.problems == 2, "the person, and the enrolment"
    listed = world.registry.roster("d1", "s1").students
    assert not [student for student in listed if name[0] in student.given_names[:1] and name[0] in "=+@-"]


def test_the_report_holds_no_formula_of_a_files_name(world: ImportWorld) -> None:
    result = world.imported(b"x", '=HYPERLINK("https:evil.example").csv', is_confirmed=False)
    assert b'\r\n"HYPERLINK' in world.bucket.contents[result.report][1]


def test_a_second_teacher_with_the_numbers_of_another_proves_to_be_neither(world: ImportWorld) -> None:
    tables = crowded()
    tables["users"].append(person("evil", "Mala", userIds=tables["users"][0]["userIds"], email="mala@clases.edu.sv"))
    tables["roles"].append(role("evil", "teacher"))
    world.imported(zipped(files(tables)))
    assert world.registry.verify_teacher(Dui.parse(VICTIM[0]), Nip.parse(VICTIM[1])) is None


def test_nobody_takes_over_a_nation_unseen(world: ImportWorld) -> None:
    tables = crowded()
    for row in tables["enrollments"]:
        if row["role"] == "teacher":
            row["userSourcedId"] = "d2"
    before = state(world)
    assert world.imported(zipped(files(tables)), is_confirmed=False).state is State.UNCONFIRMED
    assert state(world) == before


def test_an_id_that_is_a_number_of_somebody_is_not_kept(world: ImportWorld, tmp_path: Path) -> None:
    tables = crowded()
    tables["users"].append(person("09999999-9", "Eva", userIds="{DUI:099999999},{NIP:0777777}"))
    assert world.imported(zipped(files(tables)), is_confirmed=False).problems == 1
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    kept += b"".join(content for _, content in world.bucket.contents.values())
    assert not [number for number in (b"09999999-9", b"099999999", b"0777777") if number in kept]


def test_a_flat_file_beyond_its_limit_is_refused(world: ImportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secciones.services.roster_bundle._LARGEST", 10_000)
    before = state(world)
    rows = as_csv(FLAT_HEADER, [["2026"]] * 2000)
    result = world.imported(rows, "flat.csv", is_confirmed=False)
    assert result.refused_because is not None
    assert result.refused_because.reason is Reason.TOO_LARGE
    assert state(world) == before
