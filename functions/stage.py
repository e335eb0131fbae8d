"""Build one self-contained folder a function, the folder that is deployed and that tests run.

A function's source is ten lines, its own lock, the shared library and its templates, which live in
four places; Cloud Functions takes one folder. The same input gives the same output, byte for byte,
so that a build can be compared and a folder that did not change is not deployed again.

    python functions/stage.py [--output build] [name ...]

Layout: `<output>/<name>/{main.py,requirements.txt,secciones/,templates/,static.json}`, the templates
as the Python that Jinja makes of them, and beside them `<output>/static/` with the content's hash in every file's name.
"""

import argparse
import compileall
import hashlib
import json
import os
import py_compile
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from jinja2 import TemplateSyntaxError

from secciones.templates import compile_templates

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "secciones"

# What a function renders from. A web function has the pages, and the names of their static files;
# the mail shares words with the pages.
PAGES = ("web/templates",)
BACKGROUND: Mapping[str, tuple[str, ...]] = {
    "worker": (*PAGES, "web/mail"),
    "sweeper": (),
    "mirror": (),
    "auditor": (),
    "operate": (),
    "importer": (),
}

# The earliest time that a zip archive can carry: folders do not differ by when they were built.
EPOCH = 315_532_800
LINK_IN_CSS = re.compile(r"""url\((['"]?)(?!data:|https?:|/|#)([^'")?#]+)""")


class StagingError(Exception):
    """The source is not complete or does not compile; the message says where."""


def stage(output: Path, names: Iterable[str] = (), root: Path = ROOT) -> list[Path]:
    """Build the named functions (all when none is named) and return their folders, by name.

    A folder that exists is replaced. Raises StagingError.
    """
    chosen = sorted(set(names)) or function_names(root)
    output.mkdir(parents=True, exist_ok=True)
    static = stage_static(root / "web/static", output / "static")
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch)
        _copy_tree(root / "functions" / LIBRARY, library / LIBRARY)
        _compile(library, f"functions/{LIBRARY}")
        return [_stage_function(name, root, output / name, library, static) for name in chosen]


def function_names(root: Path = ROOT) -> list[str]:
    """Every function there is: a folder with a main.py."""
    return sorted(path.parent.name for path in (root / "functions").glob("*/main.py"))


def stage_static(source: Path, target: Path) -> dict[str, str]:
    """Copy the static files under names that change with their content.

    Returns each file's own name with its staged one, as written to static.json. A link from a
    style sheet to another static file is moved along.
    """
    _start_anew(target)
    staged: dict[str, str] = {}
    # Style sheets last: their content, and so their name, depends on the names of the others.
    for path in sorted(_files(source), key=lambda path: (path.suffix == ".css", path)):
        name = path.relative_to(source).as_posix()
        content = path.read_bytes()
        if path.suffix == ".css":
            content = _move_links(content.decode(), name, staged).encode()
        staged[name] = _hashed(name, content)
        _write(target / staged[name], content)
    return dict(sorted(staged.items()))


def _stage_function(name: str, root: Path, target: Path, library: Path, static: Mapping[str, str]) -> Path:
    source = root / "functions" / name
    _start_anew(target)
    for file in ("main.py", "requirements.txt"):
        if not (source / file).is_file():
            raise StagingError(f"functions/{name}/{file} is missing")
        _write(target / file, (source / file).read_bytes())
    _compile(target, f"functions/{name}")
    shutil.copytree(library / LIBRARY, target / LIBRARY)
    if folders := BACKGROUND.get(name, PAGES):
        _stage_templates([root / folder for folder in folders], target / "templates")
    if name not in BACKGROUND:
        _write(target / "static.json", (json.dumps(static, indent=2) + "\n").encode())
    return target


def _stage_templates(sources: Sequence[Path], target: Path) -> None:
    for source in sources:
        _require_files(source)
    try:
        compile_templates(target, *sources)
    except TemplateSyntaxError as error:
        raise StagingError(f"{error.name}, line {error.lineno}: {error.message}") from error
    for path in _files(target):
        os.utime(path, (EPOCH, EPOCH))
    _compile(target, "web")


def _compile(folder: Path, source: str) -> None:
    """Compile with hashes that are never checked: no start compares or writes anything."""
    done = compileall.compile_dir(
        folder,
        quiet=1,
        force=True,
        stripdir=folder,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise StagingError(f"{source} does not compile")
    for path in folder.rglob("*.pyc"):
        os.utime(path, (EPOCH, EPOCH))


def _move_links(css: str, name: str, staged: Mapping[str, str]) -> str:
    def moved(link: re.Match[str]) -> str:
        quote, target = link.groups()
        linked = os.path.normpath(PurePosixPath(name).parent / target)
        if linked not in staged:
            raise StagingError(f"web/static/{name} links to {target}, which is not there")
        return f"url({quote}{PurePosixPath(target).with_name(Path(staged[linked]).name)}"

    return LINK_IN_CSS.sub(moved, css)


def _hashed(name: str, content: bytes) -> str:
    path = PurePosixPath(name)
    digest = hashlib.sha256(content).hexdigest()[:8]
    return str(path.with_name(f"{path.stem}.{digest}{path.suffix}"))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")


def _copy_tree(source: Path, target: Path) -> None:
    for path in _require_files(source):
        _write(target / path.relative_to(source), path.read_bytes())


def _require_files(folder: Path) -> list[Path]:
    files = _files(folder)
    if not files:
        raise StagingError(f"{folder} is missing or empty")
    return files


def _start_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (EPOCH, EPOCH))


def main() -> None:
    """Stage what the command line names."""
    arguments = argparse.ArgumentParser(description="Build one self-contained folder a function.")
    arguments.add_argument("--output", type=Path, default=ROOT / "build")
    arguments.add_argument("names", nargs="*", metavar="name", help="a function; default: all")
    given = arguments.parse_args()
    try:
        for folder in stage(given.output, given.names):
            print(folder)
    except StagingError as error:
        sys.exit(f"stage: {error}")


if __name__ == "__main__":
    main()
