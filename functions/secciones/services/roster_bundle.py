"""Reads what a registry exports, a row at a time: a bundle of OneRoster 1.2, or one flat file.

Nothing is unpacked to a disk and no file is ever held as a whole, so that neither a large country nor a hostile archive
needs memory.
"""

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO

from secciones.domain.import_problems import BundleRefused, Problem, Reason
from secciones.domain.oneroster import (
    FILES,
    FLAT,
    UNREAD,
    File,
    Mode,
    Row,
    check_complete,
    check_header,
    mode_of,
    modes_of,
    problem_of,
)

Report = Callable[[Problem], None]
Lines = Iterator[tuple[int, list[str]]]

_MANIFEST = "manifest.csv"
_NAMES = frozenset({_MANIFEST, *(f"{name}.csv" for name in (*FILES, *UNREAD))})
# A nation's files have less than 500 MB together, and compress to about a tenth.
_LARGEST = 1 << 30
_HIGHEST_RATIO = 100
_SMALL = 1 << 20  # whatever its ratio, so much does no harm
_LONGEST_LINE = 1 << 16
_MOST_PROPERTIES = 1000
_BLANKS = " \t\xa0"
_QUOTED = re.compile(r'(?:^|(?<=,))"(?:[^"]|"")*"(?=,|\r?\n?\Z)')
_BUFFER = 1 << 18
# The end of an archive's directory (PKWARE's APPNOTE, 4.3.16), from the number of its entries to the comment's length.
_END = struct.Struct("<4s6xHLLH")
# The same in archives of the 64-bit kind (4.3.14), and what then stands between the two (4.3.15).
_END64 = struct.Struct("<4s28xQQ8x")
_LOCATOR = struct.Struct("<4sLQL")
_LONGEST_COMMENT = 0xFFFF
_LARGEST_DIRECTORY = 1 << 16
# What the library raises for archives that are damaged, or made to do damage.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


class ZipBundle:
    """A bundle whose manifest, files and headers are in order; `modes` has the files that are read.

    Raises BundleRefused, and so does reading.
    """

    def __init__(self, file: BinaryIO, report: Report) -> None:
        self._archive = _archive(file)
        self._report = report
        promised = modes_of(self._manifest())
        self._check_promise(promised)
        self.modes: Mapping[str, Mode] = {
            name: self._mode(FILES[name], promised[name]) for name in FILES if name in promised
        }
        check_complete(self.modes)

    def rows(self, name: str) -> Iterator[tuple[int, Row]]:
        """The line and the values of each row of a file that is as the standard has it; others are reported."""
        with self._lines(f"{name}.csv") as lines:
            yield from _sound_rows(FILES[name], self.modes[name], lines, f"{name}.csv", self._report)

    def _manifest(self) -> dict[str, str]:
        if _MANIFEST not in self._archive.namelist():
            raise BundleRefused(Reason.MISSING_FILE, _MANIFEST)
        with self._lines(_MANIFEST) as lines:
            (_, header), *rows = [*islice(lines, _MOST_PROPERTIES)] or [(1, [])]
        if header != ["propertyName", "value"]:
            raise BundleRefused(Reason.WRONG_HEADER, _MANIFEST, 1)
        properties: dict[str, str] = {}
        for line, cells in rows:
            if len(cells) != 2 or cells[0] in properties:
                raise BundleRefused(Reason.WRONG_MANIFEST, _MANIFEST, line)
            properties[cells[0]] = cells[1]
        return properties

    def _check_promise(self, promised: Mapping[str, Mode]) -> None:
        expected, present = {f"{name}.csv" for name in promised}, {*self._archive.namelist()} - {_MANIFEST}
        if missing := expected - present:
            raise BundleRefused(Reason.MISSING_FILE, min(missing))
        if surplus := present - expected:
            raise BundleRefused(Reason.FILE_NOT_IN_MANIFEST, min(surplus))

    def _mode(self, file: File, promised: Mode) -> Mode:
        """What the first row says; on the way, the header is looked at."""
        name = f"{file.name}.csv"
        with self._lines(name) as lines:
            header = _header(file, lines, name)
            line, cells = next(lines, (0, []))
        if not line:
            raise BundleRefused(Reason.NO_ROWS, name)
        if len(cells) != len(header):
            return promised
        mode = mode_of(dict(zip(header, cells, strict=True)))
        if mode is not promised:
            self._report(Problem(name, line, "status", Reason.MODE_DIFFERS))
        return mode

    @contextmanager
    def _lines(self, name: str) -> Iterator[Lines]:
        try:
            with self._archive.open(name) as member:
                yield _csv_rows(name, member)
        except _BROKEN as error:
            raise BundleRefused(Reason.NO_ZIP, name) from error


class FlatBundle:
    """One CSV file with a row for each person in a section, the sections' teachers among them; always in bulk."""

    def __init__(self, name: str, file: BinaryIO, report: Report) -> None:
        self.name = name
        self._file = file
        self._report = report

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The line and the values of each sound row; others are reported. Raises BundleRefused."""
        yield from _sound_rows(FLAT, Mode.BULK, _csv_rows(self.name, self._file), self.name, self._report)


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    """Raises BundleRefused for what no honest bundle is: its directory is measured before anything reads it."""
    try:
        _check_directory(file)
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise BundleRefused(Reason.NO_ZIP) from error
    names = archive.namelist()
    if not _NAMES.issuperset(names):
        raise BundleRefused(Reason.UNKNOWN_FILE)  # its name is a stranger's text, perhaps a path: it is not repeated
    if len(set(names)) < len(names):
        raise BundleRefused(Reason.DUPLICATE_FILE, next(name for name in names if names.count(name) > 1))
    for entry in archive.infolist():
        _check_entry(entry)
    if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
        raise BundleRefused(Reason.TOO_LARGE)
    return archive


def _check_directory(file: BinaryIO) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END64.size - _LOCATOR.size - _END.size - _LONGEST_COMMENT))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0:
        raise zipfile.BadZipFile
    _, entries, directory, _, _ = _END.unpack_from(tail, place)
    locator = max(0, place - _LOCATOR.size)
    if tail[locator:place].startswith(b"PK\x06\x07"):
        signature, entries, directory = _END64.unpack_from(tail[:locator], locator - _END64.size)
        if signature != b"PK\x06\x06":
            raise zipfile.BadZipFile
    if entries > len(_NAMES) or directory > _LARGEST_DIRECTORY:
        raise BundleRefused(Reason.TOO_LARGE)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise BundleRefused(Reason.ENCRYPTED, entry.filename)
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BundleRefused(Reason.WRONG_COMPRESSION, entry.filename)
    if entry.file_size > max(_SMALL, _HIGHEST_RATIO * entry.compress_size):
        raise BundleRefused(Reason.SUSPICIOUS_COMPRESSION, entry.filename)


def _sound_rows(file: File, mode: Mode, lines: Lines, name: str, report: Report) -> Iterator[tuple[int, Row]]:
    header = _header(file, lines, name)
    for line, cells in lines:
        if len(cells) != len(header):
            report(Problem(name, line, "", Reason.WRONG_NUMBER_OF_FIELDS if cells else Reason.MALFORMED_CSV))
            continue
        row = dict(zip(header, cells, strict=True))
        if problem := problem_of(file, mode, row):
            report(Problem(name, line, *problem))
        else:
            yield line, row


def _header(file: File, lines: Lines, name: str) -> list[str]:
    _, header = next(lines, (1, []))
    check_header(file, header, name)
    return header


def _csv_rows(name: str, file: Any) -> Lines:
    """The rows as RFC 4180 has them, blanks around values gone, each with the line that it begins on; without a cell
    when quotes stand in a value that has none around it."""
    text: list[str] = []  # of the row that is read
    reader = csv.reader(_kept(_text_lines(name, io.BufferedReader(file, _BUFFER)), text), strict=True)
    line = 1
    try:
        for cells in reader:
            if '"' in "".join(cells) and '"' in _QUOTED.sub("", "".join(text)):
                yield line, []
            elif cells:
                yield line, [cell.strip(_BLANKS) for cell in cells]
            text.clear()
            line = reader.line_num + 1
    except csv.Error as error:
        raise BundleRefused(Reason.MALFORMED_CSV, name, line) from error


def _kept(lines: Iterator[str], text: list[str]) -> Iterator[str]:
    for line in lines:
        text.append(line)
        yield line


def _text_lines(name: str, file: io.BufferedReader) -> Iterator[str]:
    size = 0
    for number in range(1, _LARGEST):
        line = file.readline(_LONGEST_LINE)
        size += len(line)
        if not line:
            return
        if size > _LARGEST:
            raise BundleRefused(Reason.TOO_LARGE, name, number)
        if len(line) == _LONGEST_LINE:
            raise BundleRefused(Reason.MALFORMED_CSV, name, number)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BundleRefused(Reason.NOT_UTF8, name, number) from error
        yield text
