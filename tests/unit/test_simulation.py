"""The simulation of a nation's first day: small ones, whose outcome is known; and the pace when a quota is short."""

from collections import Counter
from random import Random

import pytest

from secciones.domain import quota
from secciones.domain.errors import DirectoryUnavailable
from tests.bench.simulate import rows_of
from tests.bench.simulated_cloud import MINUTE, Directory, Google, Hub
from tests.bench.simulated_day import NINE, QUOTA, Played, Scenario, Simulated
from tests.bench.simulated_nation import HOUR, Nation

SECTIONS = 470
A_DAY = Scenario("a day")
BAD_RELEASE = Scenario("a bad release", bad_release=(6 * HOUR, 8 * HOUR))


def played(scenario: Scenario) -> Played:
    return Simulated(scenario, seed="test", sections=SECTIONS).run()


def test_one_seed_is_always_the_same_day() -> None:
    assert played(A_DAY) == played(A_DAY)


def test_an_expected_day_holds_every_goal() -> None:
    assert played(A_DAY).missed() == []


@pytest.mark.parametrize(
    "scenario", [A_DAY, Scenario("a fiftieth of the quota", quota=48), BAD_RELEASE], ids=lambda scenario: scenario.name
)
def test_nothing_is_lost_whatever_happens(scenario: Scenario) -> None:
    assert played(scenario).lost == 0


@pytest.mark.parametrize(("has_units", "least", "most"), [(True, 1.0, 1.2), (False, 2.0, 2.0)])
def test_an_account_costs_one_query_where_a_list_of_its_unit_tells_it_and_else_two(
    has_units: bool, least: float, most: float
) -> None:
    day = played(Scenario("units", has_units=has_units))
    students = sum(size for _, _, size in day.batches)
    assert least <= day.granted["workers"].total() / students <= most


def test_several_days_hold_the_goals_together() -> None:
    fortnight = Scenario("a fortnight", quota=240, is_fortnight=True)
    first, second = (Simulated(fortnight, day, "test", SECTIONS).run() for day in range(2))
    (alone,) = rows_of(first, [], 1)
    (day,) = rows_of(first, [], 2)
    last, both = rows_of(second, [day], 2)
    assert [row.is_judged for row in (alone, day, last, both)] == [True, False, False, True]
    assert len(both.played.batches) == len(first.batches) + len(second.batches)
    (crowd,) = rows_of(played(Scenario("a crowd", is_beyond=True)), [], 2)
    assert not crowd.is_judged


def test_a_bad_release_is_seen_and_what_it_left_is_brought_again() -> None:
    assert played(BAD_RELEASE).brought_again > 0


def test_nobody_is_turned_away_while_the_imported_registry_stands_in() -> None:
    away = (NINE - 2 * HOUR, NINE)
    assert played(Scenario("SIGES away", siges_down=away)).turned_away > 0
    assert played(Scenario("in place", siges_down=away, imported_stands_in=True)).turned_away == 0


@pytest.mark.parametrize("granted", [QUOTA // 2, QUOTA], ids=["half the quota", "all of it"])
def test_workers_without_a_rest_use_the_quota_and_are_hardly_refused(granted: int) -> None:
    """Four instances that know nothing of one another, and teachers who sign in; the first ten minutes are theirs to
    find out what is granted."""
    learned, ends = 10, 50
    hub = Hub()
    google = Google(hub, granted, Random("test"), Nation(Random("test"), sections=0))
    pace = quota.worker_pace(QUOTA, quota.workers(QUOTA))
    workers = [Directory(google, "workers", pace, quota.WORKER_BURST) for _ in range(quota.workers(QUOTA))]
    sign_ins = Directory(google, "sign-ins", QUOTA * quota.SIGN_IN_SHARE, quota.SIGN_IN_BURST)

    def without_rest(directory: Directory) -> None:
        while hub.time < ends * MINUTE:
            try:
                directory.find("somebody")
            except DirectoryUnavailable:
                assert hub.time < learned * MINUTE

    def signs_in() -> None:
        try:
            sign_ins.find("a teacher")
        except DirectoryUnavailable:
            assert hub.time < learned * MINUTE

    for directory in workers:
        for _ in range(20):
            hub.at(0.0, lambda directory=directory: without_rest(directory))  # type: ignore[misc]
    for second in range(0, ends * 60, 2):
        hub.at(float(second), signs_in)
    hub.run()

    let_through, refused = (_between(learned * 60, ends * 60, counts) for counts in (google.granted, google.refused))
    assert let_through >= 0.95 * granted * (ends - learned)
    assert refused < 0.001 * let_through


def _between(first: int, last: int, counts: dict[str, Counter[int]]) -> int:
    return sum(number for found in counts.values() for second, number in found.items() if first <= second < last)


def test_small_batches_wait_for_one_large_one_and_then_for_their_turn() -> None:
    """Six of 200 students come first and hold every share."""
    day = Simulated(A_DAY, seed="test", sections=0)
    day.teachers = [(HOUR + number / 10, [day.nation.section(40) for _ in range(5)]) for number in range(6)]
    day.teachers += [(HOUR + 5 + number, [day.nation.section(20)]) for number in range(30)]

    small = [mailed - asked for asked, mailed, size in day.run().batches if size == 20]

    pace = quota.worker_pace(QUOTA, quota.workers(QUOTA)) / MINUTE
    assert len(small) == 30
    assert small[0] <= 2 * 200 / pace
    assert max(small) <= 2 * (6 * 200 + 30 * 20) / (pace * quota.workers(QUOTA))
