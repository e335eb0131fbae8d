"""A nation's first days of classes in virtual time: real use cases, with stand-ins behind the ports.

    python -m tests.bench.simulate [--days 1] [--seed secciones] [--picture .local/simulation.png]

Arrivals. Of the nation's 47,000 sections a third is reset in the first ten school days, on the first day 18 % of these;
or, in the second scenario, all of them are. A section has 23 students, give or take nine; a school nine sections, half
of all being in schools of fifteen and more. One teacher in twenty has several sections in one batch, up to 200
students, which is the most. Of a day's teachers 55 % come around 7:20 (give or take 35 minutes), 25 % around 13:00, and
the rest at any time from 7 to 17; each has signed in two to six minutes before, and opened each section. Whom SIGES
fails comes back in five to fifteen minutes. All of it is drawn from the seed. With more days than one, each is a day of
its own, from one evening to the next: at night there is no queue.

What is real: the page of a section with its look at the accounts, *Procesar*, the worker, its pace and the formula of
the quota, the registry that stands in, the mirror, which begins on the evening before with a pass over all 1.3 million
accounts (of which only those are made that somebody asks for). What is not: the Directory (200 ms a call, and Google's
quota in any sixty seconds), Cloud Tasks (its concurrency and back-off), Cloud Run (an instance starts in 1.5 s, and is
gone after fifteen idle minutes or four hours), the store (30 ms a transaction), Gmail (300 ms). Of signing in only the
query is there. Each process runs until it calls out and goes on when that call's time has passed, so that one seed is
always the same day.

Each school's accounts are in an organisational unit of their own, whose list takes the place of their look-ups, so that
an account costs little more than one query; or all are in one unit, and then it costs two.

The exit status is 1 when a goal is missed on a day that has to hold it.
"""

import argparse
import logging
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.bench.simulated_cloud import MINUTE
from tests.bench.simulated_day import (
    ALL,
    DAYS,
    EXPECTED,
    NINE,
    QUOTA,
    RELEASED,
    Played,
    Scenario,
    Simulated,
    together,
)
from tests.bench.simulated_nation import HOUR
from tests.bench.simulated_picture import draw

CROWD = EXPECTED * 4
HALF = QUOTA // 2
AWAY = (NINE, NINE + HOUR)
SCENARIOS = (
    Scenario("as expected", is_fortnight=True),
    Scenario("every section of the nation in the fortnight", ALL, is_fortnight=True),
    Scenario("as expected, half the quota", quota=HALF),
    Scenario("SIGES away from nine to ten", siges_down=AWAY),
    Scenario("the same, the imported registry in place", siges_down=AWAY, imported_stands_in=True),
    Scenario("a bad release, rolled back after 20 minutes", bad_release=(RELEASED, RELEASED + 20 * MINUTE)),
    Scenario("a crowd, four times what is expected", CROWD, is_beyond=True),
    Scenario("the crowd, half the quota", CROWD, quota=HALF, is_beyond=True),
    Scenario("one unit for all accounts: as expected", is_fortnight=True, has_units=False),
    Scenario("one unit: every section of the nation", ALL, is_fortnight=True, has_units=False),
    Scenario("one unit: as expected, half the quota", quota=HALF, has_units=False),
    Scenario("one unit: the crowd", CROWD, has_units=False, is_beyond=True),
    Scenario("one unit: the crowd, half the quota", CROWD, quota=HALF, has_units=False, is_beyond=True),
)
_DESCRIBED = "\n\n".join((__doc__ or "").split("\n\n")[2:5])
Column = tuple[str, Callable[[Played], str]]
_HOW_IT_WENT: tuple[Column, ...] = (
    ("batches", lambda p: f"{len(p.batches):,}"),
    ("median", lambda p: _time(_at(p.ages, 0.5))),
    ("95 %", lambda p: _time(_at(p.ages, 0.95))),
    ("last", lambda p: _time(p.ages[-1])),
    ("late", lambda p: f"{p.late:,}"),
    ("queued", lambda p: _time(len(p.queued))),
    ("quota used", lambda p: "-" if p.used is None else f"{100 * p.used:.1f} %"),
    ("refused", lambda p: f"{100 * p.refused_share:.3f} %"),
    ("left out", lambda p: f"{p.left_out:,}"),
    ("lost", lambda p: f"{p.lost}"),
)
_WHAT_IT_TOOK: tuple[Column, ...] = (
    ("sections", lambda p: f"{p.sections:,}"),
    ("students", lambda p: f"{sum(size for _, _, size in p.batches):,}"),
    ("mails", lambda p: f"{p.mails:,}"),
    ("sign-in", lambda p: _time(p.sign_ins[-1])),
    ("turned away", lambda p: f"{p.turned_away:,}"),
    ("given back", lambda p: f"{p.brought_again:,}"),
    ("reads", lambda p: f"{p.operations['reads']:,}"),
    ("writes", lambda p: f"{p.operations['writes']:,}"),
    ("deletes", lambda p: f"{p.operations['deletes']:,}"),
)
_LEGEND = """
median, 95 %, last: from *Procesar* to the accepted mail; the last is how old the oldest batch became. late: more than
fifteen minutes, of those who came outside the peak hour. queued: for how long of the day a batch was due and no worker
free. quota used: of what there was in all those seconds, however short a queue: a sixtieth of the quota in each, or
less when less was left of what Google grants in any sixty; the goal is one from a minute of waiting on. refused: of all
calls to the Directory. left out: students whose batch ended before they were reached; their teachers are told. sign-in:
the longest look-up of one. turned away: by SIGES or a sign-in, to come back later. given back: tasks that the queue had
to bring again. reads, writes, deletes: of Firestore, for batches, the pages of sections and the passes over all
accounts, which are most of it. Several days hold the goals together. Goals in brackets are missed where nobody expects
them to be held: by one of several days, or by a crowd."""


def main() -> None:
    """Print the tables, and draw the first day."""
    parser = argparse.ArgumentParser(description="A nation's first days of classes, in virtual time.")
    parser.add_argument("--days", type=int, default=1, choices=range(1, len(DAYS) + 1))
    parser.add_argument("--seed", default="secciones")
    parser.add_argument("--picture", type=Path, default=Path(".local/simulation.png"))
    options = parser.parse_args()
    days = [(one, day) for one in SCENARIOS for day in range(options.days if one.is_fortnight else 1)]
    rows: list[Row] = []
    print(f"seed {options.seed!r}\n\n{_DESCRIBED}\n")
    print(_line("", [*(name for name, _ in _HOW_IT_WENT), "goals missed"]))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for future in [pool.submit(_play, one, day, options.seed) for one, day in days]:
            for row in rows_of(future.result(), rows, options.days):
                rows.append(row)
                print(_line(row.name, [*(tell(row.played) for _, tell in _HOW_IT_WENT), row.missed]), flush=True)
    print("\n" + _line("", [name for name, _ in _WHAT_IT_TOOK]))
    for row in rows:
        print(_line(row.name, [tell(row.played) for _, tell in _WHAT_IT_TOOK]))
    print(_LEGEND)
    draw([row.played for row in rows if row.played.day == 0], options.picture)
    print(f"the first day: {options.picture}")
    sys.exit(any(row.is_judged and row.played.missed() for row in rows))


def _play(scenario: Scenario, day: int, seed: str) -> Played:
    logging.getLogger("secciones").setLevel(logging.CRITICAL)
    return Simulated(scenario, day, seed).run()


class Row(NamedTuple):
    """A day, or all days of a scenario together; whoever is judged has to meet the goals."""

    name: str
    played: Played
    is_judged: bool

    @property
    def missed(self) -> str:
        missed = ", ".join(self.played.missed())
        return missed or "none" if self.is_judged or not missed else f"({missed})"


def rows_of(last: Played, before: Sequence[Row], days: int) -> list[Row]:
    """The row of the day that was played last, and behind the last of several days that of all."""
    scenario = last.scenario
    is_one_of_several = scenario.is_fortnight and days > 1
    name = scenario.name if last.day == 0 else f"  day {last.day + 1}"
    rows = [Row(name, last, not scenario.is_beyond and not is_one_of_several)]
    if is_one_of_several and last.day == days - 1:
        played = [row.played for row in before if row.played.scenario == scenario]
        rows.append(Row(f"  these {days} days", together([*played, last]), not scenario.is_beyond))
    return rows


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:46}" + "".join(f" {cell:>11}" for cell in cells)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} min"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))]


if __name__ == "__main__":
    main()
