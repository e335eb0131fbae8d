"""A registry and accounts for as many teachers as a load needs, each with a section of their own."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.local.sample.tables import HEADERS, Row, manifest
from tests.support.google_pages import control

SCHOOL, YEAR, GRADE = "ce-1", "ano-1", "gra-1"


@dataclass(frozen=True)
class Crowd:
    """So many teachers, with so many students each; everything about them follows from their numbers."""

    teachers: int
    students: int

    def people(self) -> list[dict[str, str]]:
        """The teachers, as stack.json has people."""
        return [
            {
                "address": f"docente.{number}@clases.edu.sv",
                "password": f"clave-del-docente-{number}",
                "dui": _dui(number),
                "nip": f"{number + 1000:07}",
            }
            for number in range(self.teachers)
        ]

    def student_addresses(self) -> list[str]:
        """Every student's account."""
        return [f"{nie}@clases.edu.sv" for number in range(self.teachers) for nie in self._nies(number)]

    def write_registry(self, folder: Path) -> None:
        """The registry as OneRoster, where the stand-in for SIGES finds it."""
        bundle = folder / "oneroster"
        bundle.mkdir(parents=True)
        tables = {
            "academicSessions": [{"sourcedId": YEAR, "type": "schoolYear", "startDate": "2026-02-02",
                                  "schoolYear": "2026"}],
            "orgs": [{"sourcedId": SCHOOL, "type": "school", "name": "Centro Escolar", "identifier": "10001"}],
            "courses": [{"sourcedId": GRADE, "title": "Tercer Grado"}],
            "classes": list(self._classes()),
            "users": list(self._users()),
            "roles": list(self._roles()),
            "enrollments": list(self._enrolments()),
        }  # fmt: skip
        (bundle / "manifest.csv").write_text(_csv("propertyName,value", manifest()))
        for name, rows in tables.items():
            (bundle / f"{name}.csv").write_text(_csv(HEADERS[name], rows))

    def open_accounts(self, google: str) -> None:
        """Everybody's account at the stand-in for Google."""
        teachers = [
            {"address": person["address"], "password": person["password"], "orgUnitPath": "/Docentes"}
            for person in self.people()
        ]
        students = [{"address": address, "orgUnitPath": "/Estudiantes/10001"} for address in self.student_addresses()]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda account: control("POST", f"{google}/_control/accounts", account), teachers + students))

    def _nies(self, teacher: int) -> list[str]:
        return [f"{5_000_000 + teacher * 100 + number}" for number in range(self.students)]

    def _classes(self) -> Iterator[Row]:
        for number in range(self.teachers):
            yield {
                "sourcedId": f"sec-{number}",
                "title": "A",
                "courseSourcedId": GRADE,
                "classType": "homeroom",
                "classCode": f"10001-{number:03}",
                "schoolSourcedId": SCHOOL,
                "termSourcedIds": YEAR,
                "metadata.sv.jornada": "Matutino",
                "metadata.sv.estado": "abierta",
            }

    def _users(self) -> Iterator[Row]:
        for number, person in enumerate(self.people()):
            numbers = f"{{DUI:{person['dui']}}},{{NIP:{person['nip']}}}"
            names = {"givenName": "Docente", "familyName": f"Número {number}"}
            yield {"sourcedId": f"doc-{number}", "enabledUser": "true", "userIds": numbers, **names,
                   "email": person["address"]}  # fmt: skip
            for nie in self._nies(number):
                names = {"givenName": "Estudiante", "familyName": f"Número {nie}"}
                yield {"sourcedId": f"est-{nie}", "enabledUser": "true", "identifier": nie, **names}

    def _roles(self) -> Iterator[Row]:
        for number in range(self.teachers):
            held = {f"doc-{number}": "teacher"} | {f"est-{nie}": "student" for nie in self._nies(number)}
            for user, role in held.items():
                yield {"sourcedId": f"rol-{user}", "userSourcedId": user, "role": role, "orgSourcedId": SCHOOL}

    def _enrolments(self) -> Iterator[Row]:
        for number in range(self.teachers):
            held = {f"doc-{number}": "teacher"} | {f"est-{nie}": "student" for nie in self._nies(number)}
            for user, role in held.items():
                yield {
                    "sourcedId": f"mat-{user}",
                    "classSourcedId": f"sec-{number}",
                    "schoolSourcedId": SCHOOL,
                    "userSourcedId": user,
                    "role": role,
                    "metadata.sv.estado": "activa" if role == "student" else "",
                }


def _dui(number: int) -> str:
    digits = f"{number + 1000:08}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True))
    return f"{digits}{-total % 10}"


def _csv(header: str, rows: list[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
