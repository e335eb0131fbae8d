"""Run by a test in a process of its own: does a staged function live on what its lock installs?

    python -m tests.support.under_lock FOLDER SETTINGS_CLASS [UNREACHED ...]

Imports the function, wires it, and then imports whatever the library's loaded modules import
anywhere, late imports included, while every package that the lock does not name is out of reach.
UNREACHED names what a shared module imports late for other functions alone.
"""

import ast
import importlib
import importlib.metadata
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class OnlyLocked(MetaPathFinder):
    """Finds the staged folder, the standard library and the files of locked distributions."""

    def __init__(self, lock: Path) -> None:
        names = [line.split("==")[0] for line in lock.read_text().splitlines() if "==" in line]
        self._allowed = {str(file) for name in names for file in _files(name)}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        origin = spec.origin if spec else None
        if origin and "site-packages" in origin and origin not in self._allowed:
            raise ModuleNotFoundError(f"{fullname} is not in the lock", name=fullname)
        return spec


def _files(distribution: str) -> Iterator[Path]:
    try:
        files = importlib.metadata.files(distribution)
    except importlib.metadata.PackageNotFoundError:
        return  # for another platform
    for file in files or ():
        yield Path(str(file.locate()))


def imported_anywhere(module: ModuleType) -> set[str]:
    """Every module that a module's source imports at run time, at its top or inside functions."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(name)):
                found.add(name)
        waiting.extend(ast.iter_child_nodes(node))
    return found


def main() -> None:
    """Exits with a traceback that names the first import that the lock does not cover."""
    folder, settings_class, *unreached = sys.argv[1:]
    sys.path = [folder, *(entry for entry in sys.path if "packages" in entry or "lib" in entry)]
    sys.meta_path.insert(0, OnlyLocked(Path(folder) / "requirements.txt"))
    importlib.import_module("main")
    settings = importlib.import_module("secciones.settings")
    wiring = importlib.import_module("secciones.wiring")
    wiring.ports(settings.load(getattr(settings, settings_class)))
    importlib.import_module("functions_framework")
    for module in [loaded for name, loaded in sys.modules.items() if name.startswith("secciones.")]:
        for name in sorted(imported_anywhere(module)):
            if not name.startswith("secciones") and name not in unreached:
                importlib.import_module(name)


if __name__ == "__main__":
    main()
