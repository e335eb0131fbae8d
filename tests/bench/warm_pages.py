"""How many pages one core answers, over Flask's hello world: Firestore is its emulator, and SIGES answers at once."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench import served_pages
from tests.bench.figures import Figure
from tests.support.first_answers import SECTION, Question

SECONDS = 5


def figures(build: Path, settings: Mapping[str, str], questions: Mapping[str, Question]) -> Iterator[Figure]:
    """The landing page, which asks nobody; the schools, which ask the store twice and SIGES once, and tell the audit;
    a section of 40 students, which asks SIGES twice and the store for what is known of their accounts.

    Within one process, where nothing stands between, and as browsers have it, behind the functions' server.
    """
    landing, schools = questions["login"], questions["sections"]
    section = Question("GET", SECTION, 200, schools.headers)
    for name, page, question in (
        ("login", "landing", landing),
        ("sections", "schools", schools),
        ("sections", "section", section),
    ):
        within = _within(build / name, question, settings)
        yield Figure(f"warm: {page}, requests a second of one core over hello world", within, "≥ 0.4")
        served = served_pages.over_hello(build / name, question, settings)
        yield Figure(f"warm: {page}, the same behind gunicorn", served)


def _within(folder: Path, question: Question, settings: Mapping[str, str]) -> float:
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
    return answered["page"] / answered["hello"]
