"""All figures of one run, printed as they come and kept as JSON in .local/bench.

python -m tests.bench [--rounds 7] [--teachers 200] [--seconds 180] [--import-students 130000]

No teachers: no load. No students: no import.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stage import stage
from tests.bench import cold_start, load, roster_import, slow_line, warm_pages, worker
from tests.bench.figures import Figure, machine, show_and_keep
from tests.support.emulator import emulated_firestore, started_emulator
from tests.support.every_setting import EVERY_SETTING
from tests.support.first_answers import first_questions


def main() -> None:
    """Print and keep."""
    arguments = argparse.ArgumentParser(prog="tests.bench")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--teachers", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=180.0)
    arguments.add_argument("--import-students", type=int, default=130_000)
    given = arguments.parse_args()
    if missing := [tool for tool in ("gcloud", "java") if not shutil.which(tool)]:
        arguments.error(f"{' and '.join(missing)} must be installed, for Firestore's emulator")
    for name, value in machine().items():
        print(f"{name}: {value}")
    show_and_keep(_figures(given.rounds, given.teachers, given.seconds, given.import_students))


def _figures(rounds: int, teachers: int, seconds: float, students: int) -> Iterator[Figure]:
    with started_emulator() as emulator, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        build = Path(folder)
        stage(build)
        documents = emulated_firestore(emulator, EVERY_SETTING["GOOGLE_CLOUD_PROJECT"])
        with first_questions(documents) as (settings, questions):
            settings["FIRESTORE_EMULATOR_HOST"] = emulator
            yield from cold_start.figures(build, settings, questions, rounds)
            yield from warm_pages.figures(build, settings, questions)
        yield from worker.figures(emulator)
    yield from slow_line.figures()
    if teachers:
        yield from load.figures(teachers, seconds)
    if students:
        yield from roster_import.figures(students)


if __name__ == "__main__":
    main()
