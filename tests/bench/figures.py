"""What a bench measures, printed and kept so that two runs can be laid side by side."""

import contextlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".local/bench"
_LIBRARIES = ("functions-framework", "flask", "gunicorn", "google-auth", "google-api-python-client", "requests")


@dataclass(frozen=True)
class Figure:
    """A ratio or a count within one run; `goal` is in words, and a bench does not fail for it."""

    name: str
    value: float
    goal: str = ""


def show(figure: Figure) -> None:
    """One line of the table, as soon as it is known."""
    print(f"{figure.name:78} {figure.value:9.2f}  {figure.goal}", flush=True)


def show_and_keep(figures: Iterable[Figure]) -> None:
    """A run as it goes on; what was measured is kept, however it ends."""
    measured: list[Figure] = []
    try:
        for figure in figures:
            show(figure)
            measured.append(figure)
    finally:
        if measured:
            print(f"kept in {keep(measured)}")


def keep(figures: Iterable[Figure]) -> Path:
    """Write a run with its machine and versions; returns where."""
    now = datetime.now(UTC)
    run = {"at": now.isoformat(timespec="seconds"), **machine(), "figures": [asdict(figure) for figure in figures]}
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n")
    return path


def _processor() -> str:
    """Linux alone says which model it is."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine() -> dict[str, object]:
    """What the figures depend on."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.platform()}",
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {library: version(library) for library in _LIBRARIES},
    }
