"""How many pages one core answers, over Flask's hello world: Firestore is its emulator, and SIGES answers at once."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.first_answers import Question

SECONDS = 5


def figures(build: Path, settings: Mapping[str, str], questions: Mapping[str, Question]) -> Iterator[Figure]:
    """The landing page, which asks nobody, and the schools, which ask the store for the session and SIGES for them, and
    tell the audit."""
    for name, page in (("login", "landing"), ("sections", "schools")):
        answered = _run(build / name, questions[name], settings)
        ratio = answered["page"] / answered["hello"]
        yield Figure(f"warm: {page}, requests a second of one core over hello world", ratio, "≥ 0.4")


def _run(folder: Path, question: Question, settings: Mapping[str, str]) -> dict[str, float]:
    program = Path(__file__).with_name("one_page.py")
    headers = json.dumps(dict(question.headers))
    ran = subprocess.run(
        [sys.executable, str(program), folder.name, question.method, question.path, headers, str(SECONDS)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr[-3000:])
    answered: dict[str, float] = json.loads(ran.stderr.splitlines()[-1])
    return answered
