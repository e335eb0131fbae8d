"""Two runs of the bench side by side: the last two, or the last one beside the one that is named, or two that are.

python -m tests.bench.compare [A.json [B.json]]
"""

import argparse
import json
from pathlib import Path
from typing import Any

from tests.bench.figures import FOLDER


def main(names: list[str] | None = None) -> None:
    """Print what they were run on, where that differs, and every figure with its change."""
    arguments = argparse.ArgumentParser(prog="make bench-compare", usage="make bench-compare [A=RUN [B=RUN]]")
    arguments.add_argument("runs", type=Path, nargs="*")
    try:
        first, second = _chosen(arguments.parse_args(names).runs)
        a, b = _read(first), _read(second)
    except ValueError as error:
        arguments.error(str(error))
    print(f"A: {first}\nB: {second}")
    a_about, b_about = _about(a), _about(b)
    for name in a_about | b_about:
        if a_about.get(name) != b_about.get(name):
            print(f"{name}: {a_about.get(name)} | {b_about.get(name)}")
    before, after = _values(a), _values(b)
    print(f"{'':78} {'A':>9} {'B':>9} {'change':>10}")
    for name in [*before, *(name for name in after if name not in before)]:
        left, right = before.get(name), after.get(name)
        change = f"{100 * (right / left - 1):+8.0f} %" if left and right is not None else ""
        print(f"{name:78} {_shown(left)} {_shown(right)} {change}")


def _chosen(named: list[Path]) -> list[Path]:
    """Raises ValueError when there are no two."""
    others = [path for path in sorted(FOLDER.glob("*.json")) if path.resolve() not in {p.resolve() for p in named}]
    chosen = [*named, *others[len(named) - 2 :]] if len(named) < 2 else named
    if len(chosen) != 2:
        raise ValueError(f"two runs are needed, and there are {len(chosen)}: each make bench keeps one in {FOLDER}")
    return chosen


def _read(path: Path) -> dict[str, Any]:
    try:
        run: dict[str, Any] = json.loads(path.read_text())
        _values(run), _about(run)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no run of the bench") from error
    return run


def _about(run: dict[str, Any]) -> dict[str, Any]:
    """When, of what and on what, and each library's version."""
    return {name: value for name, value in run.items() if name not in {"versions", "figures"}} | {**run["versions"]}


def _values(run: dict[str, Any]) -> dict[str, float]:
    return {figure["name"]: figure["value"] for figure in run["figures"]}


def _shown(value: float | None) -> str:
    return f"{value:9.2f}" if value is not None else f"{'':>9}"


if __name__ == "__main__":
    main()
