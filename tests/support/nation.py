"""A made-up nation's export, of any size, always the same for the same seed; nobody in it is anybody."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.sample.layout import GRADES
from infra.local.sample.names import Draw, given_names, surnames
from infra.local.sample.tables import HEADERS
from tests.support.oneroster import READ, manifest

_GRADES = tuple(GRADES)


@dataclass(frozen=True)
class Nation:
    """El Salvador's own size by default. `moved` students are in another section than they would be with 0."""

    students: int = 1_300_000
    teachers: int = 50_000
    sections: int = 50_000
    schools: int = 6_000
    moved: int = 0
    seed: str = "nation"

    def write(self, path: Path) -> None:
        """The export as a bundle in bulk."""
        tables = {
            "academicSessions": [self._row("academicSessions", sourcedId="y26", title="2026", type="schoolYear",
                                           startDate="2026-02-02", endDate="2026-11-13", schoolYear="2026")],
            "orgs": self._orgs(),
            "courses": (self._row("courses", sourcedId=f"g{n}", title=grade, orgSourcedId="mined")
                        for n, grade in enumerate(_GRADES)),
            "classes": map(self._class, range(self.sections)),
            "users": self._users(),
            "roles": self._roles(),
            "enrollments": self._enrolments(),
        }  # fmt: skip
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("manifest.csv", manifest(dict.fromkeys(READ, "bulk")))
            for name, rows in tables.items():
                self._write_table(archive, name, rows)

    def school_of(self, section: int) -> int:
        return section * self.schools // self.sections

    def section_of(self, student: int) -> int:
        shifted = student + 7 * (student < self.moved)
        return shifted * 7919 % self.sections  # a prime, so that a section's students are spread over the file

    def _orgs(self) -> Iterator[list[str]]:
        yield self._row("orgs", sourcedId="mined", name="Ministerio", type="national")
        for n in range(self.schools):
            yield self._row(
                "orgs", sourcedId=f"ce-{n:05d}", name=f"Centro Escolar {n}", type="school", identifier=f"{n:05d}"
            )

    def _class(self, n: int) -> list[str]:
        return self._row(
            "classes",
            sourcedId=f"sec-{n:06d}",
            title="ABCD"[n % 4],
            courseSourcedId=f"g{n % len(_GRADES)}",
            classCode=f"{n:06d}",
            classType="homeroom",
            schoolSourcedId=f"ce-{self.school_of(n):05d}",
            termSourcedIds="y26",
        )

    def _users(self) -> Iterator[list[str]]:
        draw = Draw(self.seed)
        for n in range(self.teachers):
            numbers = f"{{DUI:{n + 10_000_000:08d}{n % 10}}},{{NIP:{n + 100_000:07d}}}"
            yield self._user(draw, f"doc-{n:06d}", email=f"d{n}@clases.edu.sv", userIds=numbers)
        for n in range(self.students):
            nie = str(1_000_000 + n)
            yield self._user(draw, f"est-{n:07d}", email=f"{nie}@clases.edu.sv", identifier=nie)

    def _user(self, draw: Draw, sourced_id: str, **values: str) -> list[str]:
        names = {"givenName": given_names(draw), "familyName": surnames(draw)}
        return self._row("users", sourcedId=sourced_id, enabledUser="true", username=sourced_id, **names, **values)

    def _roles(self) -> Iterator[list[str]]:
        for n in range(self.teachers):
            yield self._role(n, f"doc-{n:06d}", "teacher")
        for n in range(self.students):
            yield self._role(n + self.teachers, f"est-{n:07d}", "student")

    def _role(self, n: int, user: str, role: str) -> list[str]:
        return self._row("roles", sourcedId=f"rol-{n:07d}", userSourcedId=user, roleType="primary", role=role,
                         orgSourcedId="mined")  # fmt: skip

    def _enrolments(self) -> Iterator[list[str]]:
        for n in range(self.sections):
            yield self._enrolment(n, n, f"doc-{n % self.teachers:06d}", "teacher")
        for n in range(self.students):
            yield self._enrolment(n + self.sections, self.section_of(n), f"est-{n:07d}", "student")

    def _enrolment(self, n: int, section: int, user: str, role: str) -> list[str]:
        school = f"ce-{self.school_of(section):05d}"
        return self._row("enrollments", sourcedId=f"mat-{n:07d}", classSourcedId=f"sec-{section:06d}",
                         schoolSourcedId=school, userSourcedId=user, role=role)  # fmt: skip

    def _row(self, table: str, **values: str) -> list[str]:
        return [values.get(column, "") for column in _COLUMNS[table]]

    def _write_table(self, archive: zipfile.ZipFile, name: str, rows: Iterable[list[str]]) -> None:
        with archive.open(f"{name}.csv", "w") as member, io.TextIOWrapper(member, "utf-8", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(_COLUMNS[name])
            writer.writerows(rows)


_COLUMNS = {
    name: [column for column in header.split(",") if "metadata" not in column] for name, header in HEADERS.items()
}
