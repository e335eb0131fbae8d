"""How long a staged function takes from process start to its first answer, over functions-framework's hello world.

Each round starts every function once, hello world among them; medians are compared. Staged functions are compiled, as
the cloud's build compiles them; hello world is as well. The store is Firestore's emulator, whose answers take no time
to speak of, as those of SIGES and of the caller's issuer: what is measured is the functions' own work.
"""

import compileall
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests

from stage import stage
from tests.support.emulator import emulated_firestore, end_process_group, free_port, started_emulator
from tests.support.every_setting import EVERY_SETTING
from tests.support.first_answers import Question, first_questions

HELLO = 'def hello(request):\n    return "hello"\n'


def main(rounds: int) -> None:
    """Print the table."""
    with started_emulator() as emulator, tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        documents = emulated_firestore(emulator, EVERY_SETTING["GOOGLE_CLOUD_PROJECT"])
        with first_questions(documents) as (settings, questions):
            settings["FIRESTORE_EMULATOR_HOST"] = emulator
            medians = dict(cold_starts(Path(folder), settings, questions, rounds))
    print(f"{'function':10} {'median ms':>9} {'over hello world':>17}")
    for name, seconds in medians.items():
        print(f"{name:10} {seconds * 1000:9.0f} {seconds / medians['hello']:17.2f}")


def cold_starts(
    folder: Path, settings: Mapping[str, str], questions: Mapping[str, Question], rounds: int
) -> Iterator[tuple[str, float]]:
    """The name of each function, hello world first, and the median of its seconds."""
    stage(folder)
    (folder / "hello").mkdir()
    (folder / "hello/main.py").write_text(HELLO)
    compileall.compile_dir(folder / "hello", quiet=1)
    asked = {"hello": Question("GET", "/", 200), **questions}
    times: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, question in asked.items():
            times[name].append(_first_answer(folder / name, question, settings))
    return ((name, statistics.median(seconds)) for name, seconds in times.items())


def _first_answer(folder: Path, question: Question, settings: Mapping[str, str]) -> float:
    """Seconds from the start of the process to the end of its first answer."""
    port = free_port()
    command = [sys.executable, "-m", "functions_framework", "--source", "main.py", "--target", folder.name]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            with contextlib.suppress(requests.ConnectionError):
                answer = requests.request(
                    question.method,
                    f"http://127.0.0.1:{port}{question.path}",
                    headers=question.headers,
                    data=question.body,
                    timeout=30,
                    allow_redirects=False,
                )
                seconds = time.perf_counter() - started
                if answer.status_code != question.status:
                    raise RuntimeError(f"{folder.name} answers {answer.status_code}: {answer.text[:500]}")
                return seconds
            time.sleep(0.005)
    finally:
        end_process_group(process)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
