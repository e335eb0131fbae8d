"""Takes the rows of an export into the tables: what contradicts what is there is reported and left out."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from secciones.domain.errors import InvalidNumber
from secciones.domain.import_problems import BundleRefused, Problem, Reason
from secciones.domain.oneroster import FILES, File, Mode, Row
from secciones.domain.people import Dui, Nip
from secciones.domain.stored_roster import numbers_hash
from secciones.services.roster_bundle import FlatBundle, Report, ZipBundle
from secciones.services.roster_tables import Keys, RosterTables, key

Values = tuple[Any, ...]
N = TypeVar("N", Dui, Nip)

_USER_ID = re.compile(r"\{\s*(\w+)\s*:\s*([^}]*)\}")
_ACTIVE = frozenset({"", "activa"})  # a word that nobody knows means that nobody may act on the enrolment
_SECONDS = len("2026-02-02T08:00:00")
# An id such as docente-12 is no NIP that has lost its zeros.
_LIKE_A_NUMBER = re.compile(r"(?:\D*\d){7}.*|[\d._-]{5,}")
_SELF_REFERENCES = frozenset({"academicSessions", "orgs"})
_SCHOOL_REFERENCES = {("classes", "schoolSourcedId"), ("enrollments", "schoolSourcedId")}


class Loader:
    """Takes bundles of the standard. `secret` is the key under which DUI and NIP are hashed."""

    def __init__(self, tables: RosterTables, secret: str, report: Report) -> None:
        self._tables = tables
        self._secret = secret
        self._report = report
        self._known: dict[str, Keys] = {}
        self._schools = self._sections = Keys(())
        self._makers: Mapping[str, Callable[[Row], Values | None]] = {
            "academicSessions": _session,
            "orgs": _org,
            "courses": lambda row: (row["title"],),
            "classes": _class,
            "users": self._user,
            "roles": lambda row: (key(row["userSourcedId"]), row["endDate"]) if row["role"] == "teacher" else None,
            "enrollments": self._enrolment,
        }

    def load(self, bundle: ZipBundle) -> None:
        """All files of a bundle. Raises BundleRefused."""
        for name, file in FILES.items():
            if mode := bundle.modes.get(name):
                self._load_file(file, mode, bundle.rows(name))
            if name == "classes":
                self._sections = self._tables.keys("classes", "is_section")
            if name == "orgs":
                self._schools = self._tables.keys("orgs", "is_school")
            self._known[name] = self._tables.keys(name)

    def _load_file(self, file: File, mode: Mode, rows: Iterator[tuple[int, Row]]) -> None:
        parents = []
        self._tables.begin(file.name, anew=mode is Mode.BULK)
        for line, row in rows:
            row_key = key(row["sourcedId"])
            if problem := self._problem(file, mode, row, row_key):
                self._report(Problem(f"{file.name}.csv", line, *problem))
                continue
            self._keep(file.name, mode, row, row_key)
            if file.name == "users" and _numbers(row["userIds"]).unreadable:
                self._report(Problem("users.csv", line, "userIds", Reason.UNREADABLE_NUMBER))
            if file.name in _SELF_REFERENCES and row["parentSourcedId"] and row["status"] != "tobedeleted":
                parents.append((line, row_key, key(row["parentSourcedId"])))
        self._tables.end(file.name)
        self._check_parents(file, parents)

    def _problem(self, file: File, mode: Mode, row: Row, row_key: int) -> tuple[str, Reason] | None:
        if not self._tables.is_new(row_key):
            return "sourcedId", Reason.DUPLICATE_IDENTIFIER
        if mode is Mode.DELTA:
            if row["dateLastModified"][:_SECONDS] < self._tables.modified(file.name, row_key)[:_SECONDS]:
                return "dateLastModified", Reason.OLDER_THAN_KNOWN
            if row["status"] == "tobedeleted":
                return None
        if problem := self._reference_problem(file, row):
            return problem
        if file.name == "users" and _numbers(row["userIds"]).are_the_id(row["sourcedId"]):
            return "sourcedId", Reason.NUMBER_IN_IDENTIFIER
        return None

    def _reference_problem(self, file: File, row: Row) -> tuple[str, Reason] | None:
        for column in file.references:
            value = row[column.name]
            if not value:
                continue
            known = self._known[column.refers]
            if not all(key(part.strip()) in known for part in value.split(",")):
                return column.name, Reason.UNKNOWN_REFERENCE
            if (file.name, column.name) in _SCHOOL_REFERENCES and key(value) not in self._schools:
                return column.name, Reason.NOT_A_SCHOOL
        return None

    def _keep(self, table: str, mode: Mode, row: Row, row_key: int) -> None:
        values = None if row["status"] == "tobedeleted" else self._makers[table](row)
        if mode is Mode.DELTA:
            self._tables.remove(table, row_key)
        if values is not None:
            self._tables.add(table, row_key, row["dateLastModified"], values)
        elif mode is Mode.DELTA:
            self._tables.remember_gone(table, row_key, row["dateLastModified"])

    def _check_parents(self, file: File, parents: list[tuple[int, int, int]]) -> None:
        known = self._tables.keys(file.name)
        for line, row_key, parent in parents:
            if parent not in known:
                self._report(Problem(f"{file.name}.csv", line, "parentSourcedId", Reason.UNKNOWN_REFERENCE))
                self._tables.remove(file.name, row_key)

    def _user(self, row: Row) -> Values:
        return _person(row["sourcedId"], row["enabledUser"] == "true", row, _numbers(row["userIds"]), self._secret)

    def _enrolment(self, row: Row) -> Values | None:
        section, role = key(row["classSourcedId"]), row["role"]
        is_active = row.get("metadata.sv.estado", "").casefold() in _ACTIVE
        if section not in self._sections or role not in {"student", "teacher"} or not is_active:
            return None
        return section, key(row["userSourcedId"]), role == "teacher", row["endDate"]


def load_flat(bundle: FlatBundle, tables: RosterTables, secret: str, report: Report) -> None:
    """The one file in place of all that the tables have; of each school, section and person the first row counts.

    Raises BundleRefused.
    """
    for name in FILES:
        tables.begin(name, anew=True)
        tables.end(name)
    tables.begin("enrollments", anew=False)
    has_rows = False
    for line, row in bundle.rows():
        has_rows = True
        numbers = _parsed(row["dui"], row["nip"])
        if numbers.are_the_id(row["userId"]):
            report(Problem(bundle.name, line, "userId", Reason.NUMBER_IN_IDENTIFIER))
            continue
        if numbers.unreadable:
            report(Problem(bundle.name, line, numbers.unreadable, Reason.UNREADABLE_NUMBER))
        person = _person(row["userId"], True, row, numbers, secret)
        for column, table, row_key, values in _flat_values(row, person):
            stored = tables.stored(table, row_key)
            if stored is None:
                tables.add(table, row_key, "", values)
            elif stored != values:
                report(Problem(bundle.name, line, column, Reason.CONTRADICTION))
                break
    tables.end("enrollments")
    tables.close_to_deltas()
    if not has_rows:
        raise BundleRefused(Reason.NO_ROWS, bundle.name)


def _flat_values(row: Row, about_person: Values) -> Iterator[tuple[str, str, int, Values]]:
    """What a flat row says, each thing behind those that it refers to: the column of its id, and table, key, values."""
    year, school, grade = row["schoolYear"], row["schoolId"], f"grade {row['grade']}"
    section, person, is_teacher = row["sectionId"], row["userId"], row["role"] == "teacher"
    place = (row["schoolCode"], row["department"], row["municipality"])
    is_open = row["sectionState"] != "cerrada"
    yield "schoolYear", "academicSessions", key(year), (year, "schoolYear", year, "", "", year)
    yield "schoolId", "orgs", key(school), (school, row["schoolName"], True, *place)
    yield "grade", "courses", key(grade), (row["grade"],)
    about = (row["sectionName"], key(grade), row["sectionCode"], True, key(school), year, row["shift"], is_open)
    yield "sectionId", "classes", key(section), (section, *about)
    yield "userId", "users", key(person), about_person
    if is_teacher:
        yield "role", "roles", key(person), (key(person), "")
    if row["enrolment"].casefold() in _ACTIVE:
        enrolment = key(f"{row['role']} {person} {section}")
        yield "sectionId", "enrollments", enrolment, (key(section), key(person), is_teacher, "")


def _session(row: Row) -> Values:
    about = (row["startDate"], row["endDate"], row["parentSourcedId"], row["schoolYear"])
    return row["sourcedId"], row["type"], *about


def _org(row: Row) -> Values:
    department, municipality = row.get("metadata.sv.departamento", ""), row.get("metadata.sv.municipio", "")
    return row["sourcedId"], row["name"], row["type"] == "school", row["identifier"], department, municipality


def _class(row: Row) -> Values:
    return (
        row["sourcedId"],
        row["title"],
        key(row["courseSourcedId"]),
        row["classCode"],
        row["classType"] == "homeroom",
        key(row["schoolSourcedId"]),
        ",".join(part.strip() for part in row["termSourcedIds"].split(",")),
        row.get("metadata.sv.jornada", ""),
        row.get("metadata.sv.estado", "").casefold() != "cerrada",
    )


class _Numbers(NamedTuple):
    """What a person's row has as DUI and NIP, lost zeros restored; None for what is none."""

    dui: Dui | None = None
    nip: Nip | None = None
    unreadable: str = ""  # which of them is something else

    def hashed(self, secret: str) -> str:
        """What is kept of them, which takes both."""
        return numbers_hash(self.dui, self.nip, secret) if self.dui and self.nip else ""

    def are_told_by(self, text: str) -> bool:
        """Whether a text is made of one of them, with or without zeros at the beginning."""
        if self == _NO_NUMBERS:
            return False
        digits = "".join(filter(str.isdigit, text)).lstrip("0")
        return digits != "" and digits in {number.digits.lstrip("0") for number in (self.dui, self.nip) if number}

    def are_the_id(self, sourced_id: str) -> bool:
        """Whether an id, which is kept and shown in addresses, is one of them."""
        return self.are_told_by(sourced_id) and _LIKE_A_NUMBER.fullmatch(sourced_id) is not None


_NO_NUMBERS = _Numbers()


def _person(person_id: str, is_enabled: bool, row: Row, numbers: _Numbers, secret: str) -> Values:
    identifier = "" if numbers.are_told_by(row["identifier"]) else row["identifier"]
    given_names = f"{row['givenName']} {row.get('middleName', '')}".rstrip()
    return person_id, is_enabled, numbers.hashed(secret), given_names, row["familyName"], identifier, row["email"]


def _numbers(user_ids: str) -> _Numbers:
    if not user_ids:
        return _NO_NUMBERS
    stored = {kind.upper(): value for kind, value in _USER_ID.findall(user_ids)}
    return _parsed(stored.get("DUI", ""), stored.get("NIP", ""))


def _parsed(dui: str, nip: str) -> _Numbers:
    if not dui and not nip:
        return _NO_NUMBERS
    read_dui, read_nip = _read(Dui, dui), _read(Nip, nip)
    if dui.strip() and not read_dui:
        return _Numbers(nip=read_nip, unreadable="dui")
    return _Numbers(read_dui, read_nip, "nip" if nip.strip() and not read_nip else "")


def _read(kind: type[N], text: str) -> N | None:
    try:
        return kind.parse(text)
    except InvalidNumber:
        return None
