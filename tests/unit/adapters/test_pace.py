"""A pace is what keeps the worker inside its share of the Directory's quota."""

import threading
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.adapters.pace import Pace


class Timeline:
    """A clock that only moves when someone sleeps or pauses on it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def moments(pace: Pace, timeline: Timeline, pauses: list[float]) -> list[float]:
    """When each of some calls got its turn, each made a pause after the last."""
    turns = []
    for pause in pauses:
        timeline.now += pause
        pace.wait()
        turns.append(timeline.now)
    return turns


def test_calls_in_a_row_are_evenly_spaced() -> None:
    timeline = Timeline()
    pace = Pace(120, monotonic=timeline.monotonic, sleep=timeline.sleep)

    assert moments(pace, timeline, [0, 0, 0, 0]) == [0, 0.5, 1, 1.5]


def test_after_a_pause_the_first_calls_go_at_once_up_to_the_burst() -> None:
    timeline = Timeline()
    pace = Pace(60, burst=3, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [0] * 10)

    turns = moments(pace, timeline, [100, 0, 0, 0, 0])

    assert [turn - turns[0] for turn in turns] == [0, 0, 0, 1, 2]


def test_a_call_later_than_its_turn_does_not_wait() -> None:
    timeline = Timeline()
    pace = Pace(60, monotonic=timeline.monotonic, sleep=timeline.sleep)

    assert moments(pace, timeline, [0, 5, 5]) == [0, 5, 10]


@given(
    per_minute=st.integers(1, 3000),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=60),
)
def test_no_minute_ever_has_more_than_its_queries_and_one_burst(
    per_minute: int, burst: int, pauses: list[float]
) -> None:
    timeline = Timeline()
    pace = Pace(per_minute, burst, monotonic=timeline.monotonic, sleep=timeline.sleep)

    turns = moments(pace, timeline, pauses)

    # A hair less than a minute: the sum of many intervals is not exact to the last bit.
    assert all(bisect_left(turns, turn + 59.9999) - index <= per_minute + burst for index, turn in enumerate(turns))


def test_threads_that_ask_at_once_get_turns_one_after_the_other() -> None:
    waits: list[float] = []
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(seconds)

    pace = Pace(60, monotonic=lambda: 7.0, sleep=sleep)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            threads.submit(pace.wait)

    assert sorted(waits) == list(range(1, 50))


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (60, 0)])
def test_a_pace_that_lets_nothing_through_is_none(per_minute: int, burst: int) -> None:
    with pytest.raises(ValueError, match="lets at least something through"):
        Pace(per_minute, burst)
