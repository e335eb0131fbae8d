"""The staged folder is what runs: it must be whole, the same every time, and refuse bad input."""

import contextlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound

from secciones.templates import template_environment
from stage import ROOT, StagingError, function_names, stage, stage_static

UNCHECKED_HASH = 0b01


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small tree with one function with pages and the two without."""
    root = tmp_path / "source"
    for name in ("login", "worker", "sweeper"):
        _write(root / f"functions/{name}/main.py", "import secciones\n\nWORD = secciones.WORD\n")
        _write(root / f"functions/{name}/requirements.txt", "flask==3.1.3\n")
    _write(root / "functions/secciones/__init__.py", "WORD = 'own'\n")
    _write(root / "functions/secciones/words.txt", "gato\n")
    _write(root / "web/templates/base.html", "<h1>base</h1>")
    _write(root / "web/mail/batch.txt", "mail")
    _write(root / "web/static/icons/check.svg", "<svg/>")
    _write(root / "web/static/style.css", "a { background: url(icons/check.svg) }")
    return root


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _templates(function: Path) -> dict[str, str]:
    """What the staged templates say, by name."""
    environment = template_environment(function / "templates")
    found = {}
    for name in ("base.html", "page.html", "batch.txt"):
        with contextlib.suppress(TemplateNotFound):
            found[name] = environment.get_template(name).render()
    return found


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_function_with_pages_gets_templates_and_a_background_function_only_what_it_renders(
    source: Path, tmp_path: Path
) -> None:
    login, sweeper, worker = stage(tmp_path / "build", root=source)

    assert {path.name for path in login.iterdir()} == {
        *("main.py", "requirements.txt", "secciones", "templates", "static.json", "__pycache__")
    }
    assert {path.name for path in worker.iterdir()} == {
        *("main.py", "requirements.txt", "secciones", "templates", "__pycache__")
    }
    assert {path.name for path in sweeper.iterdir()} == {*("main.py", "requirements.txt", "secciones", "__pycache__")}
    assert _templates(login) == {"base.html": "<h1>base</h1>"}
    assert _templates(worker) == {"base.html": "<h1>base</h1>", "batch.txt": "mail"}
    assert (worker / "secciones/words.txt").read_text() == "gato\n"


def test_only_the_named_function_is_built(source: Path, tmp_path: Path) -> None:
    assert [path.name for path in stage(tmp_path / "build", ["worker"], source)] == ["worker"]
    assert not (tmp_path / "build/login").exists()


def test_the_same_source_gives_the_same_bytes_in_another_process_and_folder(source: Path, tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from stage import stage; "
    program += "stage(Path(sys.argv[1]), root=Path(sys.argv[2]))"
    built = [tmp_path / "one", tmp_path / "elsewhere" / "two"]
    for seed, output in enumerate(built):
        subprocess.run(
            [sys.executable, "-c", program, str(output), str(source)],
            env={"PYTHONPATH": str(ROOT / "functions"), "PYTHONHASHSEED": str(seed)},
            check=True,
        )

    assert _bytes(built[0]) == _bytes(built[1])


def test_a_staged_function_runs_with_nothing_else_on_the_path(source: Path, tmp_path: Path) -> None:
    (login,) = stage(tmp_path / "build", ["login"], source)

    seen = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.append({str(login)!r}); import main;"
         "print(main.WORD, main.secciones.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip

    assert seen.stdout.split() == ["own", str(login / "secciones/__init__.py")]


def test_everything_is_compiled_so_that_no_start_compares_or_writes_it(source: Path, tmp_path: Path) -> None:
    (login,) = stage(tmp_path / "build", ["login"], source)

    for path in login.rglob("*.py"):
        compiled = Path(importlib.util.cache_from_source(str(path))).read_bytes()
        assert int.from_bytes(compiled[4:8], "little") == UNCHECKED_HASH


def test_nothing_of_an_earlier_build_stays(source: Path, tmp_path: Path) -> None:
    stage(tmp_path / "build", root=source)
    (source / "web/templates/base.html").rename(source / "web/templates/page.html")

    (login,) = stage(tmp_path / "build", ["login"], source)

    assert _templates(login) == {"page.html": "<h1>base</h1>"}


def test_a_start_makes_no_python_of_templates_since_none_is_left(source: Path, tmp_path: Path) -> None:
    (worker,) = stage(tmp_path / "build", ["worker"], source)

    assert {path.suffix for path in (worker / "templates").rglob("*") if path.is_file()} == {".py", ".pyc"}


def test_a_static_files_name_changes_with_its_content_and_with_what_it_links_to(source: Path, tmp_path: Path) -> None:
    before = stage_static(source / "web/static", tmp_path / "before")
    _write(source / "web/static/icons/check.svg", "<svg><path/></svg>")
    after = stage_static(source / "web/static", tmp_path / "after")

    assert before.keys() == after.keys() == {"icons/check.svg", "style.css"}
    assert all(before[name] != after[name] for name in before)
    assert f"url({after['icons/check.svg']})" in (tmp_path / "after" / after["style.css"]).read_text()


def test_a_page_finds_the_staged_name_of_a_static_file(source: Path, tmp_path: Path) -> None:
    (login,) = stage(tmp_path / "build", ["login"], source)

    names = json.loads((login / "static.json").read_text())

    assert (tmp_path / "build/static" / names["icons/check.svg"]).read_text() == "<svg/>"


@pytest.mark.parametrize(
    ("broken", "content", "complaint"),
    [
        ("functions/login/main.py", None, "functions/login/main.py is missing"),
        ("functions/login/requirements.txt", None, "functions/login/requirements.txt is missing"),
        ("functions/secciones/words.py", "def (", "functions/secciones does not compile"),
        ("functions/login/main.py", "import", "functions/login does not compile"),
        ("web/templates/base.html", None, "web/templates is missing or empty"),
        ("web/templates/base.html", "a\n{% if %}", "base.html, line 2: "),
        ("web/static/style.css", "a { background: url('no.svg') }", "links to no.svg"),
    ],
)
def test_a_source_that_is_not_whole_is_refused_by_name(
    source: Path, tmp_path: Path, broken: str, content: str | None, complaint: str
) -> None:
    if content is None:
        (source / broken).unlink()
    else:
        _write(source / broken, content)

    with pytest.raises(StagingError, match=complaint):
        stage(tmp_path / "build", ["login"], source)


def test_every_function_of_this_repository_can_be_staged(tmp_path: Path) -> None:
    staged = stage(tmp_path / "build")

    assert [path.name for path in staged] == function_names()
    background = {"worker", "sweeper", "mirror", "auditor", "operate", "importer"}
    assert {"login", "verify", "sections", "reset"} | background <= set(function_names())
