"""From which level on a car takes less."""

import math

import pytest

from custom_components.tesla_charging.smart_charging.learning.taper import Taper
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told
from custom_components.tesla_charging.smart_charging.model import TaperStep

FULL = 11040.0


def charged(taper: Taper, limits: dict[int, float], allowed: float = FULL) -> Taper:
    for level, limit in limits.items():
        taper = taper.with_reading(level + 0.4, min(limit, allowed), allowed)
    return taper


LIMITS = dict.fromkeys(range(80, 92), FULL) | {
    level: FULL - 1000.0 * (level - 91) for level in range(92, 100)
}


def test_nothing_is_assumed() -> None:
    assert Taper().steps(690, 16) == ()
    assert Taper().confidence() == 0
    assert Taper().told() == Told(Saying.TAPER_NONE, {"level": 50})


def test_a_charge_shows_from_where_on_the_car_takes_less() -> None:
    taper = charged(Taper(), LIMITS)
    steps = taper.steps(690, 16)
    assert steps[0] == TaperStep(92.0, 15)
    assert steps[-1] == TaperStep(99.0, 5)
    assert [step.amps for step in steps] == [15, 13, 12, 10, 9, 7, 6, 5]
    assert taper.confidence() == pytest.approx(20 / 50)
    assert taper.told() == Told(Saying.TAPER_LEARNT, {"level": 92.0, "amps": 5, "end_level": 99.0})


def test_a_weaker_charger_has_a_later_taper() -> None:
    taper = charged(Taper(), LIMITS)
    # 7.4 kW on one phase
    assert taper.steps(230, 32)[0] == TaperStep(95.0, 31)


def test_the_least_current_is_the_least_step() -> None:
    assert charged(Taper(), {95: 600.0}).steps(690, 16) == (TaperStep(95.0, 5),)


def test_the_median_of_the_last_charges_counts() -> None:
    taper = Taper()
    for limit in (3000.0, 9000.0, 9000.0, 9100.0):
        taper = charged(taper, {90: limit})
    assert taper.limits()[90] == pytest.approx(9000, abs=50)
    for _ in range(5):
        taper = charged(taper, {90: 6000.0})
    assert taper.limits() == {90: 6000.0}
    assert len(taper.seen[90]) == 5


def test_less_at_a_lower_level_than_at_a_higher_one_is_no_taper() -> None:
    taper = charged(Taper(), {80: 6000.0, 81: 9000.0, 82: 9600.0, 90: 5000.0})
    assert taper.limits() == {80: 8200.0, 81: 8200.0, 82: 8200.0, 90: 5000.0}


def test_a_weak_charger_does_not_deny_a_taper() -> None:
    taper = charged(Taper(), {95: 7000.0})
    assert charged(taper, {95: 3000.0}, allowed=3000.0) == taper
    assert charged(taper, {95: 6700.0}, allowed=6700.0).seen[95] == (7000.0, 25000.0)
    assert charged(Taper(), {95: 3000.0}, allowed=3000.0).seen[95] == (25000.0,)
    # at 95 % of what the battery took it shows that it takes this
    assert charged(taper, {95: 6650.0}, allowed=6650.0).seen[95] == (7000.0, 25000.0)
    assert charged(taper, {95: 6649.0}, allowed=6649.0) == taper


def test_a_car_that_takes_a_bit_less_is_not_limited() -> None:
    assert charged(Taper(), {95: 0.951 * FULL}).steps(690, 16) == ()
    assert charged(Taper(), {95: 0.949 * FULL}).limits()[95] == pytest.approx(0.949 * FULL)


def test_a_car_without_a_taper_says_up_to_where() -> None:
    assert charged(Taper(), {80: FULL, 93: FULL}).told() == Told(Saying.TAPER_NONE, {"level": 93})


@pytest.mark.parametrize(
    ("level", "watts", "allowed"),
    [
        (49.9, 5000, 11000),
        (100, 5000, 11000),
        (math.nan, 5000, 11000),
        (90, 0, 11000),
        (90, 25001, 11000),
        (90, 5000, 0),
        (90, 5000, 25001),
        (90, math.nan, 11000),
    ],
)
def test_a_reading_that_cannot_be_is_left_out(level: float, watts: float, allowed: float) -> None:
    assert Taper().with_reading(level, watts, allowed) == Taper()


def test_the_levels_at_the_ends_count() -> None:
    taper = Taper().with_reading(50, 25000, 25000).with_reading(99.99, 5000, 25000)
    assert taper.seen == {50: (25000.0,), 99: (5000,)}


def test_it_is_stored_small_and_read_with_distrust() -> None:
    taper = charged(Taper(), LIMITS)
    assert Taper.from_dict(taper.as_dict()).steps(690, 16) == taper.steps(690, 16)
    bad = {
        "90": [5000, "x", 0, 26000, 1],
        "49": [5000],
        "100": [5000],
        "95": [],
        "99": [9] * 9,
        5: [1],
    }
    assert Taper.from_dict(bad).seen == {90: (5000.0, 1.0), 99: (9.0,) * 5}
    assert Taper.from_dict({"50": [4000]}).seen == {50: (4000.0,)}
    assert Taper.from_dict(7) == Taper()
