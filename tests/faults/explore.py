"""Plays schedules by the hundred and says which broke a promise."""

import os
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import chain
from multiprocessing import get_context

from tests.faults.checker import violations
from tests.faults.journey import Ending, run
from tests.faults.schedule import faults_of, schedule_of, with_faults
from tests.faults.simulation import Call

_AT_ONCE = 16


@cache
def calls_of(name: str) -> tuple[Call, ...]:
    """Every call of a schedule, in order."""
    return tuple(run(schedule_of(name)).calls)


def singles() -> list[str]:
    """Every fault at every call of the undisturbed journey."""
    return [with_faults({call.number: fault}).name for call in calls_of("calm") for fault in faults_of(call.port)]


def pairs_after(single: str) -> list[str]:
    """A fault and every other that can follow it, at any later call of the journey that the first has disturbed."""
    first = int(single.partition(":")[0])
    return [
        f"{single}+{call.number}:{fault}"
        for call in calls_of(single)
        if call.number > first
        for fault in faults_of(call.port)
    ]


def some_pairs(number: int) -> list[str]:
    """The same sample every time."""
    chance = random.Random(number)
    firsts = [chance.choice(singles()) for _ in range(number)]
    return [chance.choice(pairs) for pairs in map(pairs_after, firsts) if pairs]


def storms(number: int) -> list[str]:
    return [f"storm-{seed}" for seed in range(number)]


def broken(name: str) -> str:
    """What a schedule breaks, with all of its calls; empty when it breaks nothing."""
    ending = run(schedule_of(name))
    found = violations(ending.story)
    return _report(ending, found) if found else ""


def first_broken(names: Iterable[str]) -> str:
    """The report of the first schedule that breaks anything; on all processors."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for report in pool.map(broken, names, chunksize=_AT_ONCE):
            if report:
                pool.shutdown(cancel_futures=True)
                return report
    return ""


def first_broken_pair() -> str:
    """Of all pairs there are."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for report in pool.map(_broken_pair_after, singles()):
            if report:
                pool.shutdown(cancel_futures=True)
                return report
    return ""


def _broken_pair_after(single: str) -> str:
    return next(_reports(pairs_after(single)), "")


def _reports(names: Iterable[str]) -> Iterator[str]:
    return (report for name in names if (report := broken(name)))


def small_suite() -> str:
    """What finds every mutant: the report of the first schedule that breaks anything."""
    return next(_reports(chain(["calm"], storms(100), singles(), storms(300)[100:])), "")


def _report(ending: Ending, found: list[str]) -> str:
    calls = "\n".join(str(call) for call in ending.calls)
    promises = "\n".join(found)
    return f"make fault SEED={ending.schedule}\n{calls}\n{promises}\n{ending.story.batches}"
