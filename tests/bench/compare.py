"""Two runs of the bench side by side.

python -m tests.bench.compare A.json B.json
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(first: str, second: str) -> None:
    """Print what they were run on, where that differs, and every figure with its change."""
    a, b = _read(first), _read(second)
    for name in ("at", "commit", "machine", "load", "python", "versions"):
        if a[name] != b[name]:
            print(f"{name}: {a[name]} | {b[name]}")
    before, after = _values(a), _values(b)
    for name in [*before, *(name for name in after if name not in before)]:
        left, right = before.get(name), after.get(name)
        change = f"{100 * (right / left - 1):+8.0f} %" if left and right is not None else ""
        print(f"{name:78} {_shown(left)} {_shown(right)} {change}")


def _read(path: str) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(Path(path).read_text())
    return run


def _values(run: dict[str, Any]) -> dict[str, float]:
    return {figure["name"]: figure["value"] for figure in run["figures"]}


def _shown(value: float | None) -> str:
    return f"{value:9.2f}" if value is not None else f"{'':>9}"


if __name__ == "__main__":
    main(*sys.argv[1:3])
