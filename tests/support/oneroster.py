"""A small country as a OneRoster bundle, which tests may change down to the bytes, so that any rule can be broken."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.sample.tables import ALL_FILES, HEADERS
from secciones.domain.oneroster import FLAT

Tables = dict[str, list[dict[str, str]]]
READ = tuple(HEADERS)
FLAT_HEADER = [column.name for column in FLAT.columns]
MODIFIED = "2026-03-01T08:00:00Z"


def country() -> Tables:
    """Two schools; three sections of this year and one of the last; two teachers; five students, one of them gone."""
    return {
        "academicSessions": [
            _year("y26", 2026),
            _year("y25", 2025),
            _year("t1", 2026, type="term", parentSourcedId="y26"),
        ],
        "orgs": [
            {"sourcedId": "min", "name": "Ministerio", "type": "national"},
            _school("ce1", "10001", "Centro Uno"),
            _school("ce2", "10002", "Centro Dos"),
        ],
        "courses": [{"sourcedId": "g1", "title": "Primer Grado", "orgSourcedId": "min"}],
        "classes": [
            section("s1", "ce1"),
            section("s2", "ce1", termSourcedIds="t1"),
            section("s3", "ce2"),
            section("old", "ce2", termSourcedIds="y25"),
        ],
        "users": [
            person("d1", "Ana", userIds="{DUI:012345678},{NIP:0012345}", email="ana@clases.edu.sv"),
            person("d2", "Luis", userIds="{DUI:045612397},{NIP:0023187}", email="luis@clases.edu.sv"),
            *(person(f"e{n}", f"Alumno {n}", identifier=f"120404{n}") for n in range(1, 6)),
        ],
        "roles": [*(role(user, "teacher") for user in ("d1", "d2")), *(role(f"e{n}", "student") for n in range(1, 6))],
        "enrollments": [
            enrolment("s1", "d1", "teacher"),
            enrolment("s3", "d1", "teacher", schoolSourcedId="ce2"),
            enrolment("s2", "d2", "teacher"),
            *(enrolment("s1", f"e{n}") for n in (1, 2)),
            enrolment("s2", "e3"),
            enrolment("s3", "e4", schoolSourcedId="ce2"),
            enrolment("s3", "e5", schoolSourcedId="ce2", **{"metadata.sv.estado": "retirada"}),
        ],
    }


def section(sourced_id: str, school: str, **values: str) -> dict[str, str]:
    return {"sourcedId": sourced_id, "title": "A", "courseSourcedId": "g1", "classCode": f"c-{sourced_id}",
            "classType": "homeroom", "schoolSourcedId": school, "termSourcedIds": "y26"} | values  # fmt: skip


def person(sourced_id: str, given_name: str, **values: str) -> dict[str, str]:
    return {"sourcedId": sourced_id, "enabledUser": "true", "username": sourced_id, "givenName": given_name,
            "familyName": "Rivas"} | values  # fmt: skip


def role(user: str, word: str) -> dict[str, str]:
    return {"sourcedId": f"r-{user}", "userSourcedId": user, "roleType": "primary", "role": word, "orgSourcedId": "min"}


def enrolment(section_id: str, user: str, word: str = "student", **values: str) -> dict[str, str]:
    return {"sourcedId": f"m-{section_id}-{user}", "classSourcedId": section_id, "schoolSourcedId": "ce1",
            "userSourcedId": user, "role": word} | values  # fmt: skip


def flat_row(section_id: str, user: str, role: str = "student", **values: str) -> list[str]:
    """A row of the one file that may stand for a bundle."""
    row = {"schoolYear": "2026", "schoolId": "ce1", "schoolCode": "10001", "schoolName": "Uno", "sectionId": section_id,
           "sectionName": "A", "grade": "Primer Grado", "role": role, "userId": user, "givenName": "Ana",
           "familyName": "Rivas"}  # fmt: skip
    return [(row | values).get(column, "") for column in FLAT_HEADER]


def changed(row: Mapping[str, str], **values: str) -> dict[str, str]:
    """A row as a delta has it."""
    return {**row, "status": "active", "dateLastModified": MODIFIED, **values}


def gone(row: Mapping[str, str]) -> dict[str, str]:
    """A row that a delta takes away."""
    return changed(row, status="tobedeleted")


def manifest(modes: Mapping[str, str], **properties: str) -> bytes:
    """The table of contents; `properties` by name, of which an empty one is left out."""
    rows = {"manifest.version": "1.0", "oneroster.version": "1.2"}
    rows |= {f"file.{name}": modes.get(name, "absent") for name in ALL_FILES} | properties
    return as_csv(["propertyName", "value"], ([name, value] for name, value in rows.items() if value))


def files(tables: Mapping[str, Iterable[Mapping[str, str]]], mode: str = "bulk", **properties: str) -> dict[str, bytes]:
    """The files of a bundle that holds these tables."""
    contents = {f"{name}.csv": table(name, rows) for name, rows in tables.items()}
    return {"manifest.csv": manifest(dict.fromkeys(tables, mode), **properties), **contents}


def table(name: str, rows: Iterable[Mapping[str, str]]) -> bytes:
    columns = HEADERS[name].split(",")
    return as_csv(columns, ([row.get(column, "") for column in columns] for row in rows))


def as_csv(header: list[str], rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def zipped(contents: Mapping[str, bytes] | Iterable[tuple[str, bytes]], **options: Any) -> bytes:
    """An archive of these files, in this order."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", **{"compression": zipfile.ZIP_DEFLATED, **options}) as opened:
        for name, content in contents.items() if isinstance(contents, Mapping) else contents:
            opened.writestr(name, content)
    return archive.getvalue()


def _year(sourced_id: str, year: int, **values: str) -> dict[str, str]:
    return {"sourcedId": sourced_id, "title": f"{year}", "type": "schoolYear", "startDate": f"{year}-02-02",
            "endDate": f"{year}-11-13", "schoolYear": f"{year}"} | values  # fmt: skip


def _school(sourced_id: str, code: str, name: str) -> dict[str, str]:
    return {"sourcedId": sourced_id, "name": name, "type": "school", "identifier": code, "parentSourcedId": "min"}
