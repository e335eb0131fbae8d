"""Plays schedules by the hundred and says which broke a promise."""

import os
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

from tests.faults.checker import violations
from tests.faults.journey import Ending, run
from tests.faults.schedule import faults_of, schedule_of
from tests.faults.simulation import Call

_AT_ONCE = 16


@cache
def calls_of(name: str) -> tuple[Call, ...]:
    """Every call of a schedule, in order."""
    return tuple(run(schedule_of(name)).calls)


def singles(plot: str) -> list[str]:
    """Every fault at every call of the undisturbed journey."""
    return [f"{plot}/{call.number}:{fault}" for call in calls_of(f"{plot}/calm") for fault in faults_of(call.port)]


def pairs_after(single: str) -> list[str]:
    """A fault and every other that can follow it, at any later call of the journey that the first has disturbed."""
    first = int(single.partition("/")[2].partition(":")[0])
    return [
        f"{single}+{call.number}:{fault}"
        for call in calls_of(single)
        if call.number > first
        for fault in faults_of(call.port)
    ]


def some_pairs(plot: str, number: int) -> list[str]:
    """The same sample every time."""
    chance = random.Random(number)
    firsts = [chance.choice(singles(plot)) for _ in range(number)]
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


def first_broken_pair(plot: str) -> str:
    """Of all pairs there are."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for report in pool.map(_broken_pair_after, singles(plot)):
            if report:
                pool.shutdown(cancel_futures=True)
                return report
    return ""


def _broken_pair_after(single: str) -> str:
    return next(_reports(pairs_after(single)), "")


def _reports(names: Iterable[str]) -> Iterator[str]:
    return (report for name in names if (report := broken(name)))


def expanded(names: Iterable[str]) -> Iterator[str]:
    """Schedules by name; `storms:60` is the first sixty storms, and `alone/directory.set:killed_after` that fault at
    each call of that port in the undisturbed journey."""
    for name in names:
        before, _, after = name.partition(":")
        plot, _, port = before.partition("/")
        if before == "storms":
            yield from storms(int(after))
        elif "." in port and "#" not in port:
            calls = sum(call.port == port for call in calls_of(f"{plot}/calm"))
            yield from (f"{plot}/{port}#{number}:{after}" for number in range(1, calls + 1))
        else:
            yield name


def first_that_breaks(promise: str, names: Iterable[str]) -> tuple[str, list[str]]:
    """The first schedule that breaks this promise (`I` is any), with all that it breaks; both empty when none does."""
    for name in expanded(names):
        found = sorted({sentence.partition(".")[0] for sentence in violations(run(schedule_of(name)).story)})
        if any(broken_promise.startswith(promise) for broken_promise in found):
            return name, found
    return "", []


def _report(ending: Ending, found: list[str]) -> str:
    calls = "\n".join(str(call) for call in ending.calls)
    promises = "\n".join(found)
    return f"make fault SEED={ending.schedule}\n{calls}\n{promises}\n{ending.story.batches}"
