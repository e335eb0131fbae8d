"""What can be wrong with an export of the registry, in the words of the report."""

from dataclasses import dataclass
from enum import StrEnum

from secciones.domain.errors import SeccionesError


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
