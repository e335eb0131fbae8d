"""What an import of a nation costs: CPU over a bare reading of the same bytes, and memory as the cloud counts it.

    python -m tests.bench.roster_import [students] [--firestore]

Each import is a process of its own. In the cloud the scratch space is memory, so that its files count with what the
process holds. The registry is kept in SQLite, or in Firestore's emulator, whose memory is not the importer's.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from secciones.adapters.sqlite import SqliteDocuments
from secciones.ports.bucket import StoredFile
from secciones.services.import_roster import INCOMING, import_next
from tests.bench.figures import Figure, show_and_keep
from tests.support.emulator import emulated_firestore, started_emulator
from tests.support.fakes import FakeClock
from tests.support.imports import ImportWorld
from tests.support.nation import Nation

MIB = 1 << 20


class FolderBucket:
    """Files in a folder, so that the bench itself holds none of them in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self, prefix: str) -> list[StoredFile]:
        paths = [self._folder / prefix] if (self._folder / prefix).is_file() else (self._folder / prefix).glob("*")
        found = sorted((path for path in paths if path.is_file()), key=lambda path: path.stat().st_mtime_ns)
        return [StoredFile(str(path.relative_to(self._folder)), "1", path.stat().st_size) for path in found]

    def open(self, file: StoredFile) -> BinaryIO:
        return (self._folder / file.name).open("rb")

    def write(self, name: str, content: BinaryIO) -> None:
        target = self._folder / name
        target.parent.mkdir(exist_ok=True)
        with target.open("wb") as output:
            while chunk := content.read(MIB):
                output.write(chunk)

    def delete(self, file: StoredFile) -> None:
        (self._folder / file.name).unlink()


class Scratch:
    """The largest size that the scratch space together with the process ever had."""

    def __init__(self, folder: Path) -> None:
        self.peak = 0
        self._folder = folder
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            files = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
            self.peak = max(self.peak, files + _resident())
            time.sleep(0.1)


def main() -> None:
    """Print the figures, and keep them."""
    parser = argparse.ArgumentParser(description="What an import of a nation costs.")
    parser.add_argument("students", type=int, nargs="?", default=Nation.students)
    parser.add_argument("--firestore", action="store_true", help="keep the registry in Firestore's emulator")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one)
        return
    show_and_keep(figures(options.students, on_firestore=options.firestore))


def figures(students: int, *, on_firestore: bool = False) -> Iterator[Figure]:
    """Three imports, one after another, of a nation with so many students and all else in proportion."""
    share = students / Nation.students
    emulation = started_emulator() if on_firestore else contextlib.nullcontext("")
    with emulation as emulator, tempfile.TemporaryDirectory(prefix="roster-import-") as name:
        folder = Path(name)
        for kind, moved in (("first", 0), ("the same again", 0), ("2 % moved", students // 50)):
            path = folder / INCOMING / "roster.zip"
            path.parent.mkdir(exist_ok=True)
            nation = Nation(students, int(50_000 * share), int(50_000 * share), max(1, int(6_000 * share)), moved)
            nation.write(path)
            bare = _bare_reading(path)
            began = time.monotonic()
            seconds, peak, touched = _in_own_process(folder, emulator)
            yield Figure(f"import, {kind}: minutes on the wall", (time.monotonic() - began) / 60)
            yield Figure(f"import, {kind}: processor time over reading the same bytes", seconds / bare)
            yield Figure(f"import, {kind}: most memory, MiB", peak, "<= 512")
            yield Figure(f"import, {kind}: students touched of {students}", touched)


def _bare_reading(path: Path) -> float:
    """What it takes to unpack the same bytes and split them into fields, in seconds of CPU."""
    began = time.process_time()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                for _ in csv.reader(io.TextIOWrapper(member, "utf-8", newline="")):
                    pass
    return time.process_time() - began


def _in_own_process(folder: Path, emulator: str) -> tuple[float, float, int]:
    command = [sys.executable, "-m", "tests.bench.roster_import", "--one", str(folder)]
    environment = os.environ | {"FIRESTORE_EMULATOR_HOST": emulator}
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    seconds, peak, touched = json.loads(ended.stdout)
    return seconds, peak, touched


def _one(folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    tempfile.tempdir = os.environ["SQLITE_TMPDIR"] = str(scratch)
    watched = Scratch(scratch)
    clock = FakeClock()
    emulator = os.environ["FIRESTORE_EMULATOR_HOST"]
    documents = (
        emulated_firestore(emulator, "roster-import", now=clock.now)
        if emulator
        else SqliteDocuments(folder / "documents" / "kept", clock.now)
    )
    world = ImportWorld(documents, clock)
    changes: dict[str, Any] = {"bucket": FolderBucket(folder), "most_percent": 100}
    began = time.process_time()
    result = import_next(world.importer(**changes))
    seconds = time.process_time() - began
    assert result is not None
    print(json.dumps([seconds, watched.peak / MIB, result.tallies["students"].touched]))


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
