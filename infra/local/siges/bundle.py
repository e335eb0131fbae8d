"""The rows of the sample as they are stored, flaws included, which the stand-in hands on as a registry does."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from secciones.domain.errors import InvalidNumber, RegistryUnavailable
from secciones.domain.people import Dui, Nip
from secciones.domain.roster import Enrolment

Row = Mapping[str, str]

# The columns that are read, file by file in the order of Bundle's fields; a file may have more.
_COLUMNS = {
    "academicSessions": ("type", "startDate", "parentSourcedId", "schoolYear"),
    "orgs": ("name", "type", "identifier"),
    "courses": ("title",),
    "classes": ("title", "courseSourcedId", "classCode", "classType", "schoolSourcedId", "termSourcedIds"),
    "users": ("enabledUser", "userIds", "givenName", "familyName", "identifier", "email"),
    "roles": ("userSourcedId", "role"),
    "enrollments": ("classSourcedId", "userSourcedId", "role"),
}
_USER_ID = re.compile(r"\{\s*(\w+)\s*:\s*([^}]*)\}")
_ENROLMENTS = {
    "": Enrolment.ACTIVE,
    "activa": Enrolment.ACTIVE,
    "retirada": Enrolment.WITHDRAWN,
    "anulada": Enrolment.ANNULLED,
}


@dataclass(frozen=True)
class Bundle:
    """The rows of each file, as stored, without those that are to be deleted."""

    academic_sessions: tuple[Row, ...]
    orgs: tuple[Row, ...]
    courses: tuple[Row, ...]
    classes: tuple[Row, ...]
    users: tuple[Row, ...]
    roles: tuple[Row, ...]
    enrollments: tuple[Row, ...]

    @cached_property
    def school_year(self) -> str:
        """The year in force, which is the latest that the registry has and not what a calendar says."""
        return self._year["schoolYear"].strip()

    def teacher(self, teacher_id: str) -> Row | None:
        """A person who is a teacher and still in service."""
        return self._teachers.get(teacher_id)

    def teacher_with(self, dui: Dui, nip: Nip) -> Row | None:
        """The teacher whom both numbers belong to; None also when the registry gives them to several."""
        found = [row for row in self._teachers.values() if _numbers(row) == (dui, nip)]
        return found[0] if len(found) == 1 else None

    def classes_of(self, teacher_id: str) -> tuple[Row, ...]:
        """The teacher's sections of the year in force, by the codes of school and section."""
        taught = self._class_ids_by_teacher.get(teacher_id, set())
        found = [self._classes_by_id[class_id] for class_id in taught if class_id in self._classes_by_id]
        return tuple(sorted(found, key=lambda row: (self.school_of(row)["identifier"], row["classCode"])))

    def school_of(self, section: Row) -> Row:
        """The school of a section."""
        return self._schools_by_id[section["schoolSourcedId"]]

    def grade_of(self, section: Row) -> str:
        """The name of a section's grade as stored; empty when the section has no course."""
        return self._grades_by_course.get(section["courseSourcedId"], "")

    def enrolments_in(self, section: Row) -> tuple[tuple[Row, Enrolment], ...]:
        """The students ever enrolled in a section, with where the enrolment stands, in the registry's order."""
        rows = self._student_rows_by_class.get(section["sourcedId"], [])
        users = self._users_by_id
        return tuple((users[row["userSourcedId"]], _enrolment(row)) for row in rows if row["userSourcedId"] in users)

    def student_count(self, section: Row) -> int:
        """How many students have an active enrolment."""
        enrolled = self.enrolments_in(section)
        return len({student["sourcedId"] for student, state in enrolled if state is Enrolment.ACTIVE})

    @cached_property
    def _year(self) -> Row:
        years = [row for row in self.academic_sessions if row["type"].strip() == "schoolYear"]
        if not years:
            raise RegistryUnavailable("academicSessions.csv: no school year")
        return max(years, key=lambda row: row["startDate"].strip())

    @cached_property
    def _terms(self) -> set[str]:
        """The year in force and the terms within it."""
        terms = {self._year["sourcedId"]}
        while more := {row["sourcedId"] for row in self.academic_sessions if row["parentSourcedId"] in terms} - terms:
            terms |= more
        return terms

    @cached_property
    def _classes_by_id(self) -> dict[str, Row]:
        return {row["sourcedId"]: row for row in self.classes if self._is_section_in_force(row)}

    def _is_section_in_force(self, row: Row) -> bool:
        terms = {term.strip() for term in row["termSourcedIds"].split(",")}
        is_homeroom = row["classType"].strip() == "homeroom"
        return is_homeroom and row["schoolSourcedId"] in self._schools_by_id and not terms.isdisjoint(self._terms)

    @cached_property
    def _schools_by_id(self) -> dict[str, Row]:
        return {row["sourcedId"]: row for row in self.orgs if row["type"].strip() == "school"}

    @cached_property
    def _grades_by_course(self) -> dict[str, str]:
        return {row["sourcedId"]: row["title"] for row in self.courses}

    @cached_property
    def _users_by_id(self) -> dict[str, Row]:
        return {row["sourcedId"]: row for row in self.users}

    @cached_property
    def _teachers(self) -> dict[str, Row]:
        ids = {row["userSourcedId"] for row in self.roles if row["role"].strip() == "teacher"}
        return {
            user_id: row
            for user_id, row in self._users_by_id.items()
            if user_id in ids and row["enabledUser"].strip().lower() != "false"
        }

    @cached_property
    def _class_ids_by_teacher(self) -> dict[str, set[str]]:
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for row in self.enrollments:
            if row["role"].strip() == "teacher":
                ids[row["userSourcedId"]].add(row["classSourcedId"])
        return dict(ids)

    @cached_property
    def _student_rows_by_class(self) -> dict[str, list[Row]]:
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.enrollments:
            if row["role"].strip() == "student":
                rows[row["classSourcedId"]].append(row)
        return dict(rows)


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle whose manifest says that each needed file is there in bulk.

    Raises RegistryUnavailable, naming file and column, when something is missing or is no CSV.
    """
    properties = _rows(folder, "manifest", ("propertyName", "value"))
    manifest = {row["propertyName"].strip(): row["value"].strip() for row in properties}
    if manifest.get("oneroster.version") not in {"1.2", "1.2.1"}:
        raise RegistryUnavailable("manifest.csv: not OneRoster 1.2")
    for name in _COLUMNS:
        if manifest.get(f"file.{name}") != "bulk":
            raise RegistryUnavailable(f"manifest.csv: {name} is not there in bulk")
    tables = [_stored_rows(folder, name, columns) for name, columns in _COLUMNS.items()]
    return Bundle(*tables)


def is_open(section: Row) -> bool:
    """Whether a section is open; one that says nothing about it is."""
    return section.get("metadata.sv.estado", "").strip().casefold() != "cerrada"


def _stored_rows(folder: Path, name: str, columns: tuple[str, ...]) -> tuple[Row, ...]:
    rows = _rows(folder, name, ("sourcedId", "status", *columns))
    # A stray blank in a reference would silently tear two rows apart.
    return tuple(
        {column: value.strip() if column.lower().endswith("sourcedid") else value for column, value in row.items()}
        for row in rows
        if row["status"].strip() != "tobedeleted"
    )


def _rows(folder: Path, name: str, columns: Iterable[str]) -> list[dict[str, str]]:
    try:
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="", strict=True)
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise RegistryUnavailable(f"{name}.csv: no column {', '.join(missing)}")
            return [{column: value for column, value in row.items() if column} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegistryUnavailable(f"{name}.csv: {type(error).__name__}") from error


def _numbers(user: Row) -> tuple[Dui, Nip] | None:
    """What a person's row stores as DUI and NIP, lost zeros restored."""
    stored = {kind.upper(): value for kind, value in _USER_ID.findall(user["userIds"])}
    try:
        return Dui.parse(stored.get("DUI", "")), Nip.parse(stored.get("NIP", ""))
    except InvalidNumber:
        return None


def _enrolment(row: Row) -> Enrolment:
    """Where an enrolment stands; a word that nobody knows means that nobody may act on it."""
    return _ENROLMENTS.get(row.get("metadata.sv.estado", "").strip().casefold(), Enrolment.ANNULLED)
