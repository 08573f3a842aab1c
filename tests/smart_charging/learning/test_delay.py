"""From a command until the current has changed."""

import math

import pytest

from custom_components.tesla_charging.smart_charging.learning.delay import Delay
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told


def learnt(*seconds: float, asleep: bool = False) -> Delay:
    delay = Delay()
    for value in seconds:
        delay = delay.with_command(value, asleep=asleep)
    return delay


def test_before_any_command_a_delay_is_assumed() -> None:
    awake, asleep = Delay().seconds(), Delay().seconds(asleep=True)
    assert (awake.value, awake.confidence) == (10, 0)
    # the tenth percentile lies within the weight of the least one
    assert (awake.low, awake.high) == (5, 25)
    assert (asleep.low, asleep.value, asleep.high) == (25, 45, 90)
    assert Delay().told() == Told(Saying.DELAY_ASSUMED, {"seconds": 10, "asleep_seconds": 45})


def test_commands_teach_and_newer_ones_more() -> None:
    assert learnt(*[20.0] * 10).seconds().value == 20
    changed = learnt(*[5.0] * 12, *[20.0] * 12)
    assert changed.seconds().value == 20
    assert learnt(*[20.0] * 12, *[5.0] * 12).seconds().value == 5
    one = learnt(20.0).seconds()
    assert one.confidence == pytest.approx(1 / 2.5)
    assert one.value == pytest.approx(15, abs=3)


def test_awake_and_asleep_are_apart() -> None:
    delay = learnt(3.0, 3.0).with_command(100.0, asleep=True)
    assert (delay.awake, delay.asleep) == ((3.0, 3.0), (100.0,))
    assert delay.told().saying is Saying.DELAY_LEARNT
    assert delay.told().numbers["commands"] == 3
    assert delay.told().numbers["asleep_seconds"] > 50 > 5 > delay.told().numbers["seconds"]


def test_one_delay_in_ten_is_longer_than_high() -> None:
    delay = learnt(*[10.0, 11.0, 12.0, 13.0] * 5, 60.0)
    assert delay.seconds().high < 30
    assert learnt(*[10.0, 60.0] * 10).seconds().high == 60


@pytest.mark.parametrize("bad", [-1.0, 600.5, math.nan, math.inf])
def test_what_cannot_be_its_delay_is_left_out(bad: float) -> None:
    assert learnt(bad) == Delay()
    assert learnt(bad, asleep=True) == Delay()


def test_it_is_stored_small_and_read_with_distrust() -> None:
    delay = learnt(*range(40)).with_command(77.26, asleep=True)
    assert len(delay.awake) == 24
    assert delay.as_dict()["asleep"] == [77.3]
    assert learnt(3.14).as_dict() == {"awake": [3.1], "asleep": []}
    assert Delay.from_dict(delay.as_dict()).awake == delay.awake
    assert Delay.from_dict({"awake": [1, "x", -2, 700], "asleep": 5}) == Delay((1.0,), ())
    assert Delay.from_dict("x") == Delay()
    long = {"awake": [1.0] * 50, "asleep": [2.0] * 50}
    assert [len(part) for part in (Delay.from_dict(long).awake, Delay.from_dict(long).asleep)] == [
        24,
        24,
    ]
