"""The simulation of a nation's first day: small ones, whose outcome is known."""

import pytest

from tests.bench.simulate import HOUR, NINE, Scenario, Simulated, told

CROWD = 0.01


def simulated(scenario: Scenario) -> Simulated:
    return Simulated(scenario, days=1, seed="test").run()


def test_one_seed_is_always_the_same_day() -> None:
    assert told(simulated(Scenario("a day", crowd=CROWD))) == told(simulated(Scenario("a day", crowd=CROWD)))


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario("a day", crowd=CROWD),
        Scenario("a fiftieth of the quota", crowd=CROWD, quota=48),
        Scenario("a bad release", crowd=CROWD, bad_release=(6 * HOUR, 8 * HOUR)),
    ],
    ids=lambda scenario: scenario.name,
)
def test_nothing_is_lost_whatever_happens(scenario: Scenario) -> None:
    assert simulated(scenario).lost == 0


def test_a_bad_release_is_seen_and_what_it_left_is_brought_again() -> None:
    assert simulated(Scenario("a bad release", crowd=CROWD, bad_release=(6 * HOUR, 8 * HOUR))).failed_deliveries > 0


def test_nobody_is_turned_away_while_the_imported_registry_stands_in() -> None:
    away = (NINE - 2 * HOUR, NINE)
    assert simulated(Scenario("SIGES away", crowd=CROWD, siges_down=away)).turned_away > 0
    assert simulated(Scenario("in place", crowd=CROWD, siges_down=away, imported_stands_in=True)).turned_away == 0
