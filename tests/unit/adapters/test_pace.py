"""A pace is what keeps the worker inside its share of the Directory's quota."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from secciones.adapters.pace import Pace


class Timeline:
    """A clock that only moves when someone sleeps or pauses on it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def moments(pace: Pace, timeline: Timeline, pauses: Sequence[float]) -> list[float]:
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
    burst=st.integers(1, 100),
    pauses=st.lists(st.floats(0, 90, allow_nan=False), min_size=1, max_size=60),
    refused=st.sets(st.integers(0, 59)),
)
def test_no_minute_ever_has_more_than_its_queries_whatever_burst_and_refusals(
    per_minute: int, burst: int, pauses: list[float], refused: set[int]
) -> None:
    timeline = Timeline()
    pace = Pace(per_minute, burst, monotonic=timeline.monotonic, sleep=timeline.sleep)

    turns = []
    for number, pause in enumerate(pauses):
        turns += moments(pace, timeline, [pause])
        if number in refused:
            pace.slow_down()

    # A hair less than a minute: the sum of many intervals is not exact to the last bit.
    assert all(bisect_left(turns, turn + 59.9999) - index <= per_minute for index, turn in enumerate(turns))


def test_under_constant_demand_the_whole_share_is_used_in_spite_of_the_bursts() -> None:
    timeline = Timeline()
    pace = Pace(540, burst=80, monotonic=timeline.monotonic, sleep=timeline.sleep)

    turns = moments(pace, timeline, [0] * 540 * 5)

    assert turns[79] == 0
    assert turns[-1] <= 5 * 60


def test_a_minute_that_begins_behind_a_burst_is_used_whole_too() -> None:
    timeline = Timeline()
    pace = Pace(540, burst=80, monotonic=timeline.monotonic, sleep=timeline.sleep)

    turns = moments(pace, timeline, [0] * 540 * 5)

    in_minute = [sum(60 * n + 5 <= turn < 60 * n + 65 for turn in turns) for n in range(4)]
    assert all(number >= 539 for number in in_minute), "a turn may be a hair beyond the edge"


def after_a_refusal(granted: int, minutes: int) -> tuple[list[float], float]:
    """A pace of 600 under constant demand that is refused once, a minute after it let through as many: the turns of the
    next minutes, and when it was refused."""
    timeline = Timeline()
    pace = Pace(600, burst=10, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [60 / granted] * granted)
    pace.slow_down()
    refused_at, turns = timeline.now, []
    while timeline.now < refused_at + 60 * minutes:
        turns += moments(pace, timeline, [0])
    return turns, refused_at


def test_after_a_refusal_it_is_slower_than_what_was_let_through_in_the_minute_before() -> None:
    turns, refused_at = after_a_refusal(granted=450, minutes=1)

    assert len(turns) == pytest.approx(0.94 * 450, rel=0.02)
    assert turns[0] > refused_at


def test_it_is_near_the_limit_again_within_minutes_and_beyond_it_only_later() -> None:
    turns, refused_at = after_a_refusal(granted=450, minutes=45)

    in_minute = [sum(60 * n <= turn - refused_at < 60 * (n + 1) for turn in turns) for n in range(45)]
    assert all(earlier <= later + 1 for earlier, later in pairwise(in_minute))
    assert in_minute[5] > 0.98 * 450
    assert in_minute[6] <= 450
    assert in_minute[30] == 600


def test_of_few_calls_one_refusal_takes_half_at_most() -> None:
    turns, _ = after_a_refusal(granted=30, minutes=2)

    assert len(turns) / 2 == pytest.approx(0.94 * 300, rel=0.02)


def test_one_that_does_not_give_way_leaves_it_to_the_others() -> None:
    timeline = Timeline()
    pace = Pace(600, burst=10, gives_way=False, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [0] * 20)
    pace.slow_down()
    timeline.now += 2

    assert moments(pace, timeline, [0] * 10) == [pytest.approx(3)] * 10


def test_what_is_refused_together_slows_down_once() -> None:
    timeline = Timeline()
    pace = Pace(600, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [0])
    for _ in range(20):
        pace.slow_down()

    start = timeline.now
    assert moments(pace, timeline, [0])[0] - start == pytest.approx(7)


def test_whose_calls_of_a_minute_ago_make_room_rests_for_a_second_only() -> None:
    timeline = Timeline()
    pace = Pace(600, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [0] * 610)
    pace.slow_down()

    start = timeline.now
    assert moments(pace, timeline, [0])[0] - start == pytest.approx(1)


def test_one_refusal_of_a_whole_share_is_somebody_elses_doing_and_a_second_is_not() -> None:
    timeline = Timeline()
    pace = Pace(600, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [0] * 610)
    pace.slow_down()
    turns = moments(pace, timeline, [0] * 100)
    assert turns[-1] - turns[0] == pytest.approx(9.9)
    pace.slow_down()
    turns = moments(pace, timeline, [0] * 100)
    assert turns[-1] - turns[0] > 9.9 / 0.97


def test_in_one_shortage_the_last_sign_counts_and_not_the_lowest() -> None:
    """A worker that was idle when the minute began had the less of it."""
    timeline = Timeline()
    pace = Pace(600, monotonic=timeline.monotonic, sleep=timeline.sleep)
    moments(pace, timeline, [0] * 350)
    pace.slow_down()
    moments(pace, timeline, [0] * 80)
    pace.slow_down()

    turns = moments(pace, timeline, [0] * 60)
    assert 60 * 59 / (turns[-1] - turns[0]) == pytest.approx(0.95 * 430, rel=0.02)


def test_who_waits_for_a_turn_when_a_call_is_refused_waits_once_more_but_not_for_ever() -> None:
    timeline = Timeline()
    refused_until = 0.0

    def sleep(seconds: float) -> None:
        timeline.now += seconds
        if timeline.now < refused_until:
            pace.slow_down()

    pace = Pace(60, monotonic=timeline.monotonic, sleep=sleep)
    pace.wait()
    pace.wait()
    before = timeline.now
    refused_until = before + 1.5
    assert pace.wait()
    assert timeline.now - before > 1.5

    before, refused_until = timeline.now, float("inf")
    assert not pace.wait(), "nobody has been let through for so long that Google need not be asked"
    assert 5 <= timeline.now - before < 5 + 7 + 60 / 60 * 3


def test_who_waits_while_more_calls_are_asked_for_than_a_minute_has_is_forgotten_without_harm() -> None:
    timeline = Timeline()
    others = iter(range(60))

    def sleep(seconds: float) -> None:
        if next(others, None) == 0:
            for _ in others:
                pace.wait()  # as other threads would, meanwhile
            pace.slow_down()
            timeline.now += seconds

    pace = Pace(15, monotonic=timeline.monotonic, sleep=sleep)
    pace.wait()
    asked = timeline.now
    pace.wait()

    assert timeline.now > asked


class PaceUnderRefusals(RuleBasedStateMachine):
    """Whatever is asked and refused: an order is kept, no minute is overdrawn, and nobody waits for ever."""

    PER_MINUTE = 120

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline()
        self.pace = Pace(self.PER_MINUTE, 20, monotonic=self.timeline.monotonic, sleep=self.timeline.sleep)
        self.turns: list[float] = []

    @rule()
    def call(self) -> None:
        asked = self.timeline.now
        self.pace.wait()
        self.turns.append(self.timeline.now)
        # The slowest is a third of the pace; and after a burst the rest of a minute may have to pass.
        assert self.timeline.now - asked <= 60 + 3 * 60 / self.PER_MINUTE

    @rule()
    def refusal(self) -> None:
        self.pace.slow_down()

    @rule(seconds=st.floats(0, 120))
    def time_passes(self, seconds: float) -> None:
        self.timeline.now += seconds

    @invariant()
    def no_minute_is_overdrawn(self) -> None:
        recent = [turn for turn in self.turns if turn > self.timeline.now - 59.9999]
        assert len(recent) <= self.PER_MINUTE

    @rule()
    def an_hour_of_peace_brings_all_back(self) -> None:
        self.timeline.now += 3600
        start = self.timeline.now
        for _ in range(20):
            self.call()
        assert self.timeline.now == start


TestPaceUnderRefusals = PaceUnderRefusals.TestCase


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


def test_who_takes_a_turn_has_it_at_once_or_not_at_all() -> None:
    timeline = Timeline()
    pace = Pace(60, burst=2, monotonic=timeline.monotonic, sleep=timeline.sleep)

    assert [pace.take() for _ in range(4)] == [True, True, False, False]
    timeline.now += 1
    assert [pace.take() for _ in range(2)] == [True, False], "a turn that was not had is nobody's"
    assert timeline.now == 1, "nobody has slept"


def test_taken_turns_stay_within_the_minute() -> None:
    timeline = Timeline()
    pace = Pace(3, burst=3, monotonic=timeline.monotonic, sleep=timeline.sleep)

    assert [pace.take() for _ in range(4)] == [True, True, True, False]
    timeline.now = 59
    assert not pace.take()
    timeline.now = 60
    assert pace.take()


def test_after_a_refusal_turns_are_taken_more_slowly() -> None:
    timeline = Timeline()
    pace = Pace(60, burst=5, monotonic=timeline.monotonic, sleep=timeline.sleep)
    assert pace.take()
    pace.slow_down()
    timeline.now += 1
    assert not pace.take()
