"""A picture of the first day: what every scenario asked of Google, and how long teachers waited."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.simulated_cloud import MINUTE
from tests.bench.simulated_day import PATIENCE, PEAK, Played

_FROM, _TO = 5, 18  # o'clock
_GRANTED, _REFUSED, _LIMIT, _WAIT, _SHADE = "#4c86a8", "#c0392b", "#444444", "#b86b00", "#f1efe9"


def draw(days: Sequence[Played], path: Path) -> None:
    """A row a scenario: calls by the minute under the quota on the left, the batch that waits longest on the right."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    size = (12, 1.0 + 1.3 * len(days))
    figure, panels = pyplot.subplots(len(days), 2, figsize=size, sharex=True, squeeze=False)
    minutes = range(_FROM * 60, _TO * 60)
    waits = [_longest_waits(one, minutes) for one in days]
    for (calls, wait), one, longest in zip(panels, days, waits, strict=True):
        _draw_calls(calls, one, minutes)
        _draw_waits(wait, minutes, longest)
        calls.set_title(one.scenario.name, loc="left", fontsize=10, fontweight="bold")
        for panel in (calls, wait):
            panel.axvspan(PEAK[0] / 3600, PEAK[1] / 3600, color=_SHADE, zorder=0)
            panel.spines[["top", "right"]].set_visible(False)
            panel.tick_params(labelsize=8)
    panels[0, 0].text(_TO, days[0].scenario.quota, "quota ", va="bottom", ha="right", fontsize=8, color=_LIMIT)
    panels[0, 1].text(_TO, PATIENCE / MINUTE, "15 minutes ", va="bottom", ha="right", fontsize=8, color=_LIMIT)
    panels[0, 1].set_title("age of the oldest batch that waits, minutes", loc="left", fontsize=10)
    for panel in panels[-1]:
        panel.set_xlim(_FROM, _TO)
        panel.set_xticks(range(_FROM, _TO + 1))
        panel.set_xlabel("hour of the first day; the peak hour is shaded", fontsize=9)
    title = "Calls to the Directory by the minute (red: minutes in which some were refused), and how long mails take"
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    figure.tight_layout(rect=(0, 0, 1, 0.985))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _draw_calls(panel: Any, day: Played, minutes: range) -> None:
    hours = [minute / 60 for minute in minutes]
    by_minute = _by_minute(day.granted)
    granted = [by_minute[minute] for minute in minutes]
    refused = [minute / 60 for minute in sorted(_by_minute(day.refused))]
    panel.fill_between(hours, granted, color=_GRANTED, lw=0)
    panel.plot(refused, [1.06 * day.scenario.quota] * len(refused), "|", color=_REFUSED, ms=5, mew=0.7)
    panel.axhline(day.scenario.quota, color=_LIMIT, lw=0.8, ls="--")
    panel.set_ylim(0, 2700)
    panel.set_yticks((0, 1200, 2400))


def _by_minute(calls: Mapping[str, Counter[int]]) -> Counter[int]:
    found: Counter[int] = Counter()
    for counts in calls.values():
        for second, number in counts.items():
            found[second // 60] += number
    return found


def _draw_waits(panel: Any, minutes: range, longest: Sequence[float]) -> None:
    panel.fill_between([minute / 60 for minute in minutes], longest, color=_WAIT, lw=0)
    panel.axhline(PATIENCE / MINUTE, color=_LIMIT, lw=0.8, ls="--")
    panel.set_ylim(0, max(20.0, 1.1 * max(longest)))


def _longest_waits(day: Played, minutes: range) -> list[float]:
    """For each minute how long the batch that has waited longest has waited then, in minutes."""
    oldest = dict.fromkeys(minutes, 0.0)
    for asked, mailed, _ in day.batches:
        for minute in range(int(asked // MINUTE) + 1, int(mailed // MINUTE) + 1):
            if minute in oldest:
                oldest[minute] = max(oldest[minute], minute - asked / MINUTE)
    return list(oldest.values())
