"""The README's table of threats is the tests' own: none is missing, none is invented, and each guard is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Security\n")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in SECTION.splitlines()
    if line.startswith("|") and "test_" in line
]


def test_every_threat_that_is_tried_is_in_the_table_once() -> None:
    named = sorted(row[2].strip("`") for row in ROWS)
    assert named == sorted(path.name for path in (ROOT / "tests/security").glob("test_*.py"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2].strip("`"))
def test_a_row_has_a_guard_that_exists_and_requirements_as_the_standard_counts_them(row: list[str]) -> None:
    guards = re.findall(r"`([\w/.]+\.py|Makefile)`", row[1])
    assert guards
    for guard in guards:
        assert (ROOT / guard).is_file() or (ROOT / "functions/secciones" / guard).is_file(), guard
    assert all(re.fullmatch(r"([1-9]|1[0-7])\.\d+\.\d+", number) for number in row[3].split(", "))


@pytest.mark.parametrize("file", sorted((ROOT / "tests/security").glob("test_*.py")), ids=lambda path: path.name)
def test_every_file_names_its_threat_and_how_it_is_seen_to_fail(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith('"""Threat: ')
    assert re.search(r"Take .* out|[Ff]ails when|turns? red", text, re.DOTALL)
