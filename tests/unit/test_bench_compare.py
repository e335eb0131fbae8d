"""Two runs of the bench side by side, whichever are named."""

from pathlib import Path

import pytest

from tests.bench import compare, figures
from tests.bench.figures import Figure, keep


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    for module in (figures, compare):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    kept = []
    for number, value in enumerate((2.0, 3.0, 6.0)):
        path = keep([Figure("landing over hello world", value), Figure(f"only in {number}", 1)])
        kept.append(path.rename(tmp_path / f"2026100{number}-080000.json"))
    return kept


@pytest.mark.parametrize(
    ("named", "change"), [([], "2.00 3.00 +50"), ([0], "2.00 6.00 +200"), ([2, 0], "6.00 2.00 -67"), ([2], "6.00 3.00")]
)
def test_the_last_two_or_those_that_are_named(
    runs: list[Path], capsys: pytest.CaptureFixture[str], named: list[int], change: str
) -> None:
    if not named:
        runs.pop().unlink()
    compare.main([str(runs[number]) for number in named])
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("landing")]
    assert change in " ".join(line.split())


def test_a_figure_of_one_run_alone_is_shown(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    compare.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("only in")] == [
        ["only", "in", "1"],
        ["only", "in", "2"],
    ]


@pytest.mark.parametrize("content", ["", "{}", '{"figures": 1}', '{"figures": [{}]}'])
def test_what_is_no_run_is_named(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / "other.txt").write_text(content)
    with pytest.raises(SystemExit):
        compare.main([str(tmp_path / "other.txt"), str(runs[0])])
    assert "other.txt is no run of the bench" in capsys.readouterr().err


def test_one_run_is_not_enough(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    for path in runs[1:]:
        path.unlink()
    with pytest.raises(SystemExit):
        compare.main([])
    assert "two runs are needed, and there are 1" in capsys.readouterr().err
