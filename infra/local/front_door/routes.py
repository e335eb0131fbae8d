"""The one list of paths, read the way a Google load balancer's URL map reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATIC = "static"
ROUTES = Path(__file__).resolve().parents[2] / "routes.json"


@dataclass(frozen=True)
class Redirect:
    """Where a path leads instead of to a backend."""

    to: str
    status: int


@dataclass(frozen=True)
class Routes:
    """Exact paths, path prefixes that ended in `/*`, redirects, and where all else goes."""

    exact: Mapping[str, str]
    prefixes: Mapping[str, str]
    redirects: Mapping[str, Redirect]
    default: str

    def backend(self, path: str) -> str:
        """The backend of a path: an exact entry, else the longest prefix, else the default."""
        if path in self.exact:
            return self.exact[path]
        matching = [prefix for prefix in self.prefixes if path.startswith(prefix)]
        return self.prefixes[max(matching, key=len)] if matching else self.default

    def functions(self) -> set[str]:
        """Every function that some path leads to."""
        return {self.default, *self.exact.values(), *self.prefixes.values()} - {STATIC}


def read_routes(file: Path = ROUTES) -> Routes:
    """Read routes.json."""
    content = json.loads(file.read_text())
    backends = {route["path"]: route["backend"] for route in content["routes"]}
    return Routes(
        exact={path: name for path, name in backends.items() if not path.endswith("/*")},
        prefixes={path[:-1]: name for path, name in backends.items() if path.endswith("/*")},
        redirects={entry["path"]: Redirect(entry["to"], entry["status"]) for entry in content["redirects"]},
        default=content["default"],
    )
