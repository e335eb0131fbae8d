"""What can be wrong with an export of the registry, in the words of the report, and what a single value may be.

Section numbers are those of 1EdTech's "OneRoster: CSV Binding 1.2.1". Where it leaves room, the narrower reading is
taken: ids of orgs, classes and users may not contain a slash, since they are pieces of addresses here, and a text may
not be longer than the 255 characters that every implementation must support.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from secciones.domain.errors import SeccionesError

_GUID = re.compile(r"[0-9A-Za-z._/@-]{1,255}")
_IDENTIFIER = re.compile(r"(?!\.{1,2}\Z)[0-9A-Za-z._@-]{1,255}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]00:00)", re.ASCII)
_TYPED_IDENTIFIER = r"\s*\{[^{}:]+:[^{}]*\}\s*"
_TYPED_IDENTIFIERS = re.compile(f"{_TYPED_IDENTIFIER}(?:,{_TYPED_IDENTIFIER})*")
LINE_END = re.compile(r"[\r\n]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# What a spreadsheet would calculate; a lone dash stands for a name that is not known.
_FORMULA = re.compile(r"[=+@-]\s*\S")
_LONGEST_TEXT = 255


class Reason(StrEnum):
    """Why a bundle was refused or a row left out; the words of the report."""

    # the bundle
    NO_ZIP = "no_zip"
    TOO_LARGE = "too_large"
    SUSPICIOUS_COMPRESSION = "suspicious_compression"
    WRONG_COMPRESSION = "wrong_compression"
    ENCRYPTED = "encrypted"
    UNKNOWN_FILE = "unknown_file"
    DUPLICATE_FILE = "duplicate_file"
    MISSING_FILE = "missing_file"
    FILE_NOT_IN_MANIFEST = "file_not_in_manifest"
    WRONG_MANIFEST = "wrong_manifest"
    WRONG_VERSION = "wrong_version"
    INCOMPLETE_BULK = "incomplete_bulk"
    DELTA_WITHOUT_BULK = "delta_without_bulk"
    # a file
    NOT_UTF8 = "not_utf8"
    MALFORMED_CSV = "malformed_csv"
    WRONG_HEADER = "wrong_header"
    DUPLICATE_HEADER = "duplicate_header"
    NO_ROWS = "no_rows"
    NO_SCHOOL_YEAR = "no_school_year"
    SECTION_TOO_LARGE = "section_too_large"
    MODE_DIFFERS = "mode_differs_from_manifest"  # said, and the rows decide
    # a row
    WRONG_NUMBER_OF_FIELDS = "wrong_number_of_fields"
    MISSING_VALUE = "missing_value"
    MUST_BE_EMPTY_IN_BULK = "must_be_empty_in_bulk"
    NEEDED_IN_DELTA = "needed_in_delta"
    WRONG_IDENTIFIER = "wrong_identifier"
    NUMBER_IN_IDENTIFIER = "number_in_identifier"
    UNREADABLE_NUMBER = "unreadable_number"  # said, and the person is kept without it
    WRONG_WORD = "wrong_word"
    WRONG_LIST = "wrong_list"
    WRONG_DATE = "wrong_date"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    FORMULA = "formula"
    DUPLICATE_IDENTIFIER = "duplicate_identifier"
    UNKNOWN_REFERENCE = "unknown_reference"
    NOT_A_SCHOOL = "not_a_school"
    OLDER_THAN_KNOWN = "older_than_known"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Problem:
    """One line of the report: where and why, and never what stood there. `line` 0 is the file as a whole, an empty
    `file` the bundle."""

    file: str
    line: int
    column: str
    reason: Reason


class BundleRefused(SeccionesError):
    """Nothing of this bundle is taken."""

    def __init__(self, reason: Reason, file: str = "", line: int = 0, column: str = "") -> None:
        super().__init__(f"{file or 'bundle'}: {reason}")
        self.problem = Problem(file, line, column, reason)


Check = Callable[[str], Reason | None]


def guid(value: str) -> Reason | None:
    """The characters of a GUID (3.1)."""
    return None if _GUID.fullmatch(value) else Reason.WRONG_IDENTIFIER


def guids(value: str) -> Reason | None:
    """A list of GUID references."""
    return next((reason for part in value.split(",") if (reason := guid(part.strip()))), None)


def identifier(value: str) -> Reason | None:
    """A GUID that can be a piece of an address."""
    return None if _IDENTIFIER.fullmatch(value) else Reason.WRONG_IDENTIFIER


def typed_identifiers(value: str) -> Reason | None:
    """A list of identifiers with their types, such as {DUI:012345678},{NIP:0012345}."""
    return None if _TYPED_IDENTIFIERS.fullmatch(value) else Reason.WRONG_LIST


def text(value: str) -> Reason | None:
    """A text that goes on to people and spreadsheets. Line ends, which the standard forbids, are control characters."""
    if len(value) > _LONGEST_TEXT:
        return Reason.TOO_LONG
    if not value.isprintable() and _CONTROL.search(value):
        return Reason.CONTROL_CHARACTER
    return Reason.FORMULA if _FORMULA.match(value) else None


def calendar_date(value: str) -> Reason | None:
    """A day in ISO 8601."""
    return None if _DATE.fullmatch(value) and _exists(value) else Reason.WRONG_DATE


def year(value: str) -> Reason | None:
    """A year in four digits."""
    return None if _YEAR.fullmatch(value) else Reason.WRONG_DATE


def moment(value: str) -> Reason | None:
    """A DateTime, which must be in UTC."""
    return None if _MOMENT.fullmatch(value) and _exists(value[:10]) else Reason.WRONG_DATE


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def words(known_words: str, *, may_be_extended: bool = False) -> Check:
    """One of these; a vocabulary that may be extended takes others with a prefix."""
    known = frozenset(known_words.split())

    def check(value: str) -> Reason | None:
        is_known = value in known or (may_be_extended and value.startswith("ext:"))
        return None if is_known else Reason.WRONG_WORD

    return check
