"""How much fits into the battery."""

from dataclasses import replace
import math

import pytest

from custom_components.tesla_charging.smart_charging.learning.capacity import Capacity, LevelRise
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told


def rise(capacity: float, first: float = 20.3, last: float = 60.0, step: float = 0.31) -> LevelRise:
    """Return the line of a charge whose level, in whole percent, is read at every `step` percent."""
    line = LevelRise()
    level = first
    while level < last:
        line = line.with_reading(math.floor(level), (level - first) / 100 * capacity)
        level += step
    return line


def test_whole_percent_show_the_capacity() -> None:
    measured = rise(75).measured
    assert measured is not None
    assert measured[0] == pytest.approx(75, rel=0.005)
    assert 0.02 <= measured[1] < 0.0225


def test_a_reading_counts_when_the_level_has_changed() -> None:
    line = LevelRise().with_reading(50, 1.0).with_reading(50, 1.5)
    assert (line.level, line.kwh, line.readings) == (50, 1.5, 0)
    line = line.with_reading(51, 2.0).with_reading(51, 2.2).with_reading(53, 3.5)
    assert (line.readings, line.gain, line.kwh) == (2, 2, 3.5)
    assert (line.mean_kwh, line.mean_level) == (2.75, 52)
    assert (line.spread, line.both) == pytest.approx((1.125, 1.5))


def test_three_readings_and_five_percent_are_needed() -> None:
    line = LevelRise().with_reading(20, 0).with_reading(21, 0.7).with_reading(24, 2.8)
    assert line.measured is None
    assert line.with_reading(25, 3.5).measured is None
    enough = line.with_reading(26, 4.2).measured
    assert enough is not None
    assert enough[0] == pytest.approx(70)
    # two far apart are too few
    assert line.with_reading(24, 2.8).measured is None
    two = LevelRise().with_reading(20, 0).with_reading(30, 7).with_reading(60, 28)
    assert two.measured is None


def test_the_deviation_follows_from_the_rounding_and_the_distance() -> None:
    line = LevelRise().with_reading(9, 0)
    for k in range(3):
        line = line.with_reading(10 + 10 * k, 7.0 * k)
    measured = line.measured
    assert measured is not None
    assert measured[0] == pytest.approx(70)
    # 0.29 percent on both sides of 20 percent
    assert measured[1] == pytest.approx(math.hypot(0.29 / (10 * math.sqrt(2)), 0.02))


def test_a_small_battery_has_a_capacity_as_well() -> None:
    line = LevelRise().with_reading(20, 0)
    for level, kwh in ((21, 0.05), (24, 0.2), (26.5, 0.325)):
        line = line.with_reading(level, kwh)
    assert line.measured is not None
    assert line.measured[0] == pytest.approx(5)


@pytest.mark.parametrize(("level", "kwh"), [(19, 5.0), (40, 0.5)])
def test_what_sinks_begins_another_charge(level: float, kwh: float) -> None:
    line = LevelRise().with_reading(20, 0).with_reading(30, 1.0)
    assert line.with_reading(level, kwh) == LevelRise(level, kwh)


@pytest.mark.parametrize(
    ("level", "kwh"), [(-1, 1), (101, 1), (50, -1), (50, 301), (math.nan, 1), (50, math.nan)]
)
def test_a_reading_that_cannot_be_is_left_out(level: float, kwh: float) -> None:
    assert LevelRise().with_reading(level, kwh) == LevelRise()


def test_levels_that_do_not_rise_with_the_energy_show_nothing() -> None:
    line = rise(75)
    assert replace(line, spread=0.0).measured is None
    assert replace(line, both=-1.0).measured is None


def test_before_anything_is_measured_it_is_assumed_within_a_fifth() -> None:
    kwh = Capacity(60.0).kwh
    assert (kwh.value, kwh.confidence) == (60, 0)
    assert (kwh.low, kwh.high) == pytest.approx((60 * (1 - 0.25632), 60 * (1 + 0.25632)))
    assert Capacity(60.04).told() == Told(Saying.CAPACITY_ASSUMED, {"kwh": 60.0})
    assert Capacity().prior_kwh == 75


def test_one_charge_outweighs_the_assumption() -> None:
    kwh = Capacity(60.0).with_charge(rise(75)).kwh
    assert kwh.value == pytest.approx(75, rel=0.01)
    assert kwh.confidence == pytest.approx(0.9897, abs=1e-3)
    assert kwh.high - kwh.low == pytest.approx(2 * 1.2816 * kwh.value * 0.0203, rel=0.1)


def test_a_wrong_charge_is_forgotten_among_others() -> None:
    capacity = Capacity()
    for true in (75, 74.5, 110, 75.5, 75):
        capacity = capacity.with_charge(rise(true))
    assert capacity.kwh.value == pytest.approx(75, rel=0.01)
    assert capacity.told().saying is Saying.CAPACITY_LEARNT
    assert capacity.told().numbers["sessions"] == 5
    assert capacity.told().numbers["kwh"] == pytest.approx(75, abs=0.6)
    assert capacity.told().numbers["low_kwh"] < capacity.told().numbers["kwh"]
    assert capacity.told().numbers["high_kwh"] == round(capacity.kwh.high, 1)


def test_it_says_tenths_of_kilowatt_hours() -> None:
    capacity = Capacity(75, ((74.26, 0.02), (74.32, 0.02), (74.31, 0.02)))
    kwh, told = capacity.kwh, capacity.told().numbers
    assert told == {
        "kwh": pytest.approx(74.3),
        "low_kwh": round(kwh.low, 1),
        "high_kwh": round(kwh.high, 1),
        "sessions": 3,
    }
    assert round(kwh.low) != round(kwh.low, 1)
    assert round(kwh.high) != round(kwh.high, 1)
    assert capacity.as_dict()["charges"][0] == [74.26, 0.02]
    assert Capacity(60.123, ((70.123, 0.02346),)).as_dict() == {
        "prior": 60.12,
        "charges": [[70.12, 0.0235]],
    }


def test_a_short_charge_counts_less() -> None:
    both = Capacity().with_charge(rise(70)).with_charge(rise(73, last=28.0))
    assert both.kwh.value == pytest.approx(70.5, abs=0.5)


def test_older_charges_count_less() -> None:
    old_first = Capacity(75, ((70.0, 0.02),) * 24 + ((72.0, 0.02),) * 24).kwh.value
    assert old_first == pytest.approx(71.3, abs=0.1)


def test_what_cannot_be_a_capacity_is_left_out() -> None:
    assert Capacity().with_charge(rise(4)) == Capacity()
    assert Capacity().with_charge(LevelRise()) == Capacity()


def test_it_is_stored_small_and_read_with_distrust() -> None:
    capacity = Capacity(60.0)
    for _ in range(60):
        capacity = capacity.with_charge(rise(75))
    stored = capacity.as_dict()
    assert len(stored["charges"]) == 48
    assert Capacity.from_dict(stored).kwh.value == pytest.approx(capacity.kwh.value, abs=0.01)
    assert Capacity.from_dict(stored).prior_kwh == 60
    bad = {"prior": 9999, "charges": [[75, 0.02], [4, 0.02], [75, 0.019], [75], "x", [75, 2]]}
    assert Capacity.from_dict(bad, prior_kwh=55) == Capacity(55, ((75.0, 0.02),))
    assert Capacity.from_dict(None) == Capacity()
    edge = {"charges": [[75, 1], [5, 0.02], [300, 0.02], [75, 1.01]]}
    assert Capacity.from_dict(edge).charges == ((75, 1), (5, 0.02), (300, 0.02))
