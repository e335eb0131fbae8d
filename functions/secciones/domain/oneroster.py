"""OneRoster 1.2 as CSV (1EdTech, "OneRoster: CSV Binding 1.2.1"): its files, columns, words, and what a row may hold.

Section numbers in this module are the standard's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from secciones.domain.import_problems import (
    LINE_END,
    BundleRefused,
    Check,
    Reason,
    calendar_date,
    guid,
    guids,
    identifier,
    moment,
    text,
    typed_identifiers,
    words,
    year,
)

Row = Mapping[str, str]


class Mode(StrEnum):
    """How a file is to be read (2.4): as all there is, or as what has changed."""

    BULK = "bulk"
    DELTA = "delta"


@dataclass(frozen=True)
class Column:
    """A column of the standard; `refers` names the file whose `sourcedId` stands here, perhaps several with commas."""

    name: str
    is_needed: bool
    check: Check | None
    refers: str = ""


@dataclass(frozen=True)
class File:
    """A file that is read, and the columns that it has in this order; behind them there may be `metadata` ones."""

    name: str
    columns: tuple[Column, ...]
    lifecycle: tuple[str, ...] = ()  # those that are filled in a delta and empty in bulk

    @cached_property
    def references(self) -> tuple[Column, ...]:
        """The columns that refer to another file."""
        return tuple(column for column in self.columns if column.refers not in {"", self.name})


_EXTENSION = "metadata."
_OURS = "metadata.sv."  # of other extensions nothing is kept, so that they may hold anything
_TRUTH = words("true false")
_STATUS = words("active tobedeleted")
_SESSION_TYPES = words("gradingPeriod semester schoolYear term", may_be_extended=True)
_ORG_TYPES = words("department school district local state national", may_be_extended=True)
_CLASS_TYPES = words("homeroom scheduled", may_be_extended=True)
_ROLE_TYPES = words("primary secondary")
_ROLES = words(
    "aide counselor districtAdministrator guardian parent principal proctor relative siteAdministrator student "
    "systemAdministrator teacher",
    may_be_extended=True,
)
_ENROLMENT_ROLES = words("administrator proctor student teacher", may_be_extended=True)


def _file(name: str, *columns: Column, sourced_id: Check = guid) -> File:
    common = (_needed("sourcedId", sourced_id), _may("status", _STATUS), _may("dateLastModified", moment))
    return File(name, (*common, *columns), ("status", "dateLastModified"))


def _needed(name: str, check: Check | None = None, refers: str = "") -> Column:
    return Column(name, is_needed=True, check=check, refers=refers)


def _may(name: str, check: Check | None = None, refers: str = "") -> Column:
    return Column(name, is_needed=False, check=check, refers=refers)


# The files that a registry is made of, each behind those that it refers to. Columns without a check are never kept, so
# that nothing need be known of them.
FILES = {
    file.name: file
    for file in (
        _file(
            "academicSessions",
            _needed("title", text),
            _needed("type", _SESSION_TYPES),
            _needed("startDate", calendar_date),
            _needed("endDate", calendar_date),
            _may("parentSourcedId", guid, "academicSessions"),
            _needed("schoolYear", year),
        ),
        _file(
            "orgs",
            _needed("name", text),
            _needed("type", _ORG_TYPES),
            _may("identifier", text),
            _may("parentSourcedId", identifier, "orgs"),
            sourced_id=identifier,
        ),
        _file(
            "courses",
            _may("schoolYearSourcedId", guid, "academicSessions"),
            _needed("title", text),
            *map(_may, ("courseCode", "grades")),
            _needed("orgSourcedId", identifier, "orgs"),
            *map(_may, ("subjects", "subjectCodes")),
        ),
        _file(
            "classes",
            _needed("title", text),
            _may("grades"),
            _needed("courseSourcedId", guid, "courses"),
            _may("classCode", text),
            _needed("classType", _CLASS_TYPES),
            _may("location"),
            _needed("schoolSourcedId", identifier, "orgs"),
            _needed("termSourcedIds", guids, "academicSessions"),
            *map(_may, ("subjects", "subjectCodes", "periods")),
            sourced_id=identifier,
        ),
        _file(
            "users",
            _needed("enabledUser", _TRUTH),
            _needed("username"),
            _may("userIds", typed_identifiers),
            _needed("givenName", text),
            _needed("familyName", text),
            _may("middleName", text),
            _may("identifier", text),
            _may("email", text),
            *map(_may, ("sms", "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier")),
            *map(_may, ("resourceSourcedIds", "preferredGivenName", "preferredMiddleName", "preferredFamilyName")),
            _may("primaryOrgSourcedId", identifier, "orgs"),
            _may("pronouns"),
            sourced_id=identifier,
        ),
        _file(
            "roles",
            _needed("userSourcedId", identifier, "users"),
            _needed("roleType", _ROLE_TYPES),
            _needed("role", _ROLES),
            _may("beginDate", calendar_date),
            _may("endDate", calendar_date),
            _needed("orgSourcedId", identifier, "orgs"),
            _may("userProfileSourcedId", guid),
        ),
        _file(
            "enrollments",
            _needed("classSourcedId", identifier, "classes"),
            _needed("schoolSourcedId", identifier, "orgs"),
            _needed("userSourcedId", identifier, "users"),
            _needed("role", _ENROLMENT_ROLES),
            _may("primary", _TRUTH),
            _may("beginDate", calendar_date),
            _may("endDate", calendar_date),
        ),
    )
}
# One file instead of a bundle: a row for each person in a section, its teachers among them.
FLAT = File(
    "flat",
    (
        _needed("schoolYear", year),
        _needed("schoolId", identifier),
        _may("schoolCode", text),
        _needed("schoolName", text),
        _may("department", text),
        _may("municipality", text),
        _needed("sectionId", identifier),
        _may("sectionCode", text),
        _needed("sectionName", text),
        _may("grade", text),
        _may("shift", text),
        _may("sectionState", words("abierta cerrada")),
        _needed("role", words("student teacher")),
        _needed("userId", identifier),
        _needed("givenName", text),
        _needed("familyName", text),
        _may("identifier", text),
        _may("email", text),
        *map(_may, ("dui", "nip")),
        _may("enrolment", text),
    ),
)
# Files of the standard that a bundle may have and that are not looked into.
UNREAD = frozenset(
    (  # noqa: SIM905  # as a list it would fill a page
        "categories classResources courseResources demographics lineItemLearningObjectiveIds lineItems "
        "lineItemScoreScales resources resultLearningObjectiveIds results resultScoreScales scoreScales userProfiles "
        "userResources"
    ).split()
)
# What must come in bulk with a file in bulk, for the set to be complete (appendix A, table A1).
NEEDED_WITH = {
    "academicSessions": (),
    "orgs": (),
    "courses": ("orgs",),
    "classes": ("academicSessions", "courses", "orgs"),
    "users": ("orgs", "roles"),
    "roles": ("orgs", "users"),
    "enrollments": ("academicSessions", "classes", "courses", "orgs", "roles", "users"),
}
VERSIONS = frozenset({"1.2", "1.2.1"})


def modes_of(manifest: Mapping[str, str]) -> dict[str, Mode]:
    """Which files a manifest promises (table 3.1), those that are not looked into among them; raises BundleRefused."""
    if manifest.get("oneroster.version") not in VERSIONS:
        raise BundleRefused(Reason.WRONG_VERSION, "manifest.csv", column="oneroster.version")
    if manifest.get("manifest.version") != "1.0":
        raise BundleRefused(Reason.WRONG_MANIFEST, "manifest.csv", column="manifest.version")
    modes = {}
    for name in sorted({*FILES, *UNREAD}):
        word = manifest.get(f"file.{name}", "")
        if word not in {"absent", *Mode}:
            raise BundleRefused(Reason.WRONG_MANIFEST, "manifest.csv", column=f"file.{name}")
        if word != "absent":
            modes[name] = Mode(word)
    return modes


def check_complete(modes: Mapping[str, Mode]) -> None:
    """Raises BundleRefused unless all that a file in bulk refers to comes in bulk as well (2.1)."""
    for name, needed in NEEDED_WITH.items():
        if modes.get(name) is Mode.BULK and any(modes.get(other) is not Mode.BULK for other in needed):
            raise BundleRefused(Reason.INCOMPLETE_BULK, f"{name}.csv")


def check_header(file: File, header: list[str], name: str) -> None:
    """Raises BundleRefused unless the columns are the file's, in its order, and then extensions (3)."""
    if len(set(header)) < len(header):
        raise BundleRefused(Reason.DUPLICATE_HEADER, name, 1)
    columns = [column.name for column in file.columns]
    for place, column in enumerate(columns):
        if place >= len(header) or header[place] != column:
            raise BundleRefused(Reason.WRONG_HEADER, name, 1, column)
    if any(not column.startswith(_EXTENSION) for column in header[len(columns) :]):
        raise BundleRefused(Reason.WRONG_HEADER, name, 1)


def mode_of(row: Row) -> Mode:
    """What the values of a row say, which counts more than what the manifest says (3.1)."""
    return Mode.DELTA if row["status"] or row["dateLastModified"] else Mode.BULK


def problem_of(file: File, mode: Mode, row: Row) -> tuple[str, Reason] | None:
    """The first column that breaks a rule, and which; None for a row that is as it must be."""
    if LINE_END.search("".join(row.values())):
        return next(name for name, value in row.items() if LINE_END.search(value)), Reason.CONTROL_CHARACTER
    for name in file.lifecycle:
        if mode is Mode.BULK and row[name]:
            return name, Reason.MUST_BE_EMPTY_IN_BULK
        if mode is Mode.DELTA and not row[name]:
            return name, Reason.NEEDED_IN_DELTA
    for column in file.columns:
        value = row[column.name]
        if not value:
            if column.is_needed:
                return column.name, Reason.MISSING_VALUE
        elif column.check is not None and (reason := column.check(value)):
            return column.name, reason
    if row.get("subjects") and row.get("subjectCodes") and row["subjects"].count(",") != row["subjectCodes"].count(","):
        return "subjectCodes", Reason.WRONG_LIST
    if len(row) == len(file.columns):
        return None
    ours = (name for name in row if name.startswith(_OURS))
    return next(((name, reason) for name in ours if (reason := text(row[name]))), None)
