"""Rules of the house that import-linter cannot see."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.every_setting import EVERY_SETTING

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
LIBRARY = FUNCTIONS / "secciones"
MODULES = sorted(LIBRARY.rglob("*.py"))
NAMES = sorted(path.parent.name for path in FUNCTIONS.glob("*/main.py"))
HEAVY = ["google.auth", "google.cloud.firestore", "google.cloud.tasks", "googleapiclient", "reportlab", "grpc"]
SPANISH_LETTER = re.compile("[áéíóúñü¿¡]", re.IGNORECASE)
SPANISH_WORD = re.compile(r"\b(?:el|la|los|las|de|del|que|para|con|sin|su|sus|una|usted|correo)\b", re.IGNORECASE)
# Of these one is enough, where it does not stand alone, as a path or a key does.
SPANISH_PHRASE = re.compile(
    r"(?<!/)\b(?:usted|cuentas?|claves?|estudiantes?|docentes?|centros?|grados?|correos?|nuev[oa]s?|servicio|proceso|existe|"
    r"encontrad[oa]s?|restablecid[oa]s?|suspendid[oa]s?|(?:ingres|intent|revis|esper|seleccion|presion)e|solicite)\b",
    re.IGNORECASE,
)
TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "Makefile",
    "cloudbuild.yaml",
    "functions",
    "web",
    "infra",
    "tests",
    "build",
}


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether it does so when it is itself imported."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in tree.body) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node in tree.body


def calls(path: Path) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("path", [*MODULES, *sorted(FUNCTIONS.glob("*/main.py"))], ids=str)
def test_nothing_that_is_deployed_knows_the_stand_ins_the_tests_or_another_function(path: Path) -> None:
    roots = {name.partition(".")[0] for name, _ in imported(path)}
    assert not roots & {"infra", "tests", "pytest", "unittest", *NAMES}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_the_environment_is_read_by_settings_alone(path: Path) -> None:
    if path.name != "settings.py":
        assert "os" not in {name for name, _ in imported(path)}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_time_and_chance_come_from_one_module(path: Path) -> None:
    if path != LIBRARY / "adapters/system.py":
        assert not {name for name, _ in imported(path)} & {"random", "secrets"}
        assert not {call for call in calls(path) if call.endswith((".now", ".utcnow", ".today")) and "datetime" in call}
        assert not calls(path) & {"time.time", "os.urandom"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_googles_libraries_are_imported_where_they_are_used_by_adapters_alone(path: Path) -> None:
    vendors = {(name, at_import) for name, at_import in imported(path) if name.startswith(("google", "reportlab"))}
    if path.parent.name not in {"adapters", "mail"}:
        assert not vendors
    assert not {name for name, at_import in vendors if at_import}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_starts_without_any_vendors_library(name: str) -> None:
    """A cold start pays for every import; the heavy ones wait for the request that needs them."""
    program = f"import sys, main; print([name for name in {HEAVY} if name in sys.modules])"
    environment = EVERY_SETTING | {"PATH": os.environ["PATH"], "PYTHONPATH": f"{FUNCTIONS / name}:{FUNCTIONS}"}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_a_main_is_about_ten_lines_and_a_plain_function(name: str) -> None:
    source = (FUNCTIONS / name / "main.py").read_text()
    assert len(source.splitlines()) <= 12
    assert f"\n{name} = " in source


def spanish_in(source: str) -> list[str]:
    """Texts, docstrings apart, that have a letter, two little words or one telling word of Spanish."""
    tree = ast.parse(source)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    return [text for text in texts if _is_spanish(text)]


def _is_spanish(text: str) -> bool:
    if len(text) == 1:
        return False
    is_phrase = " " in text.strip() and SPANISH_PHRASE.search(text)
    return bool(SPANISH_LETTER.search(text) or len(SPANISH_WORD.findall(text)) > 1 or is_phrase)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_whatever_a_reader_is_told_stands_in_a_template(path: Path) -> None:
    if path == LIBRARY / "domain/words.py":
        return  # what passwords are made of
    assert set(spanish_in(path.read_text())) <= {"Ministerio de Educación"}, "only a setting's default is no sentence"


def test_spanish_is_found() -> None:
    source = (
        '"""Es un texto para la prueba."""\nA = "Su sesión"\nB = f"{A} de la cuenta"\nC = "a session of the teacher"\n'
        'D = "Intente de nuevo"\nE = "Cuenta suspendida"\nF = "/secciones/centros"\nG = "estudiantes"\n'
    )
    assert set(spanish_in(source)) == {"Su sesión", " de la cuenta", "Intente de nuevo", "Cuenta suspendida"}


def test_the_top_level_holds_what_was_agreed_and_dotfiles() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found <= TOP_LEVEL


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_module_is_a_drawer_for_anything(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}
    assert ast.get_docstring(ast.parse(path.read_text())), "a module says why it exists"
    assert len(path.read_text().splitlines()) <= 330
