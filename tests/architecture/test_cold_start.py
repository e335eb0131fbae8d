"""What a function imports before its first answer. Every cold start pays for it, and an import is easily added."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage import function_names, stage
from tests.support.emulator import clear, emulated_firestore
from tests.support.first_answers import Question, first_questions

PROJECT = "secciones-cold-start"
HTTP = {"certifi", "urllib3"}
CALLERS = {"charset_normalizer", "cryptography", "cython_runtime", "google.auth", "idna", "requests"}
# How many of our own modules a function may import, and which libraries besides those of functions-framework's hello
# world (Flask, Jinja2, cloudevents and theirs). A library that is not in its row makes every start slower; one in it
# that is not imported any more is to be taken out. The landing page needs nothing, pages the store and SIGES by HTTP,
# background functions besides what verifies their callers' tokens; nobody Google's clients (googleapiclient,
# google.cloud.tasks, grpc) or reportlab.
BUDGET: dict[str, tuple[int, set[str]]] = {
    "login": (55, set()),
    "verify": (55, HTTP),
    "sections": (60, HTTP),
    "reset": (70, HTTP),
    "worker": (70, HTTP | CALLERS),
    "sweeper": (50, HTTP | CALLERS),
    "operate": (55, HTTP | CALLERS),
    "mirror": (50, HTTP | CALLERS),
    "auditor": (40, HTTP | CALLERS),
    "importer": (55, HTTP | CALLERS | {"google.oauth2"}),
}
PROGRAM = """
import json, sys
import functions_framework

name, hello, method, path, headers, body = sys.argv[1:]
functions_framework.create_app("hello", hello)
framework = set(sys.modules)
client = functions_framework.create_app(name, "main.py").test_client(use_cookies=False)
answer = client.open(path, method=method, headers=json.loads(headers), data=body)
print(json.dumps([answer.status_code, sorted(framework), sorted(set(sys.modules) - framework)]), file=sys.stderr)
"""
TOKEN_PROGRAM = """
import json, sys
from secciones import settings, stores

print(stores.own_token(settings.load(settings.VerifySettings), "scope")(), json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def asked(firestore_emulator: str) -> Iterator[tuple[dict[str, str], dict[str, Question]]]:
    documents = emulated_firestore(firestore_emulator, PROJECT)
    with first_questions(documents) as (settings, questions):
        yield (
            settings | {"FIRESTORE_EMULATOR_HOST": firestore_emulator, "GOOGLE_CLOUD_PROJECT": PROJECT},
            questions,
        )
    clear(firestore_emulator, PROJECT)


def test_every_function_has_a_budget() -> None:
    assert sorted(BUDGET) == function_names()


@pytest.mark.parametrize("name", BUDGET)
def test_a_function_imports_what_its_budget_allows_before_its_first_answer(
    name: str, asked: tuple[dict[str, str], dict[str, Question]], tmp_path: Path
) -> None:
    settings, questions = asked
    status, framework, modules = _first_answer(name, questions[name], settings, tmp_path)
    own = {module for module in modules if module.split(".")[0] == "secciones"}
    most_own, libraries = BUDGET[name]

    assert status == questions[name].status
    assert _libraries(modules - own) - _libraries(framework) == libraries
    assert len(own) <= most_own


def test_in_the_cloud_a_token_needs_no_library_but_what_the_store_is_called_with(
    asked: tuple[dict[str, str], dict[str, Question]], tmp_path: Path
) -> None:
    """The emulator takes a fixed word for one, so the starts above do without."""
    (staged,) = stage(tmp_path / "build", ["verify"])
    environment = asked[0] | {"PATH": os.environ["PATH"], "GOOGLE_APPLICATION_CREDENTIALS": ""}
    program = [sys.executable, "-c", TOKEN_PROGRAM]
    ran = subprocess.run(program, cwd=staged, env=environment, capture_output=True, text=True, check=True)
    token, modules = ran.stdout.split(maxsplit=1)

    assert token == "ya29.token"
    assert _libraries(set(json.loads(modules))) - {"secciones"} <= HTTP


def _libraries(modules: set[str]) -> set[str]:
    """What people know the modules by, those of the standard library left out; Google's libraries share one name."""
    found = set()
    for parts in (module.split(".") for module in modules):
        if parts[0] not in sys.stdlib_module_names and parts[0] != "main" and not parts[0].startswith("_"):
            found.add(".".join(parts[: 3 if parts[:2] == ["google", "cloud"] else 2 if parts[0] == "google" else 1]))
    return found - {"google", "google.cloud"}


def _first_answer(
    name: str, question: Question, settings: dict[str, str], folder: Path
) -> tuple[int, set[str], set[str]]:
    (staged,) = stage(folder / "build", [name])
    (folder / "hello.py").write_text("def hello(request):\n    return 'hello'\n")
    hello, headers = str(folder / "hello.py"), json.dumps(dict(question.headers))
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, hello, question.method, question.path, headers, question.body],
        cwd=staged,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    status, framework, modules = json.loads(ran.stderr.splitlines()[-1])
    return status, set(framework), set(modules)
