"""Since when a habit is another one."""

import pytest

from custom_components.tesla_charging.smart_charging.learning.habit_change import (
    changed_alone,
    changed_together,
)

STEADY = (0, 12, -9, 5, -12, 3, 8, -4)


def times(*minutes: float, first: int = 100) -> dict[int, float]:
    return {first + place: 420 + minute for place, minute in enumerate(minutes)}


def test_a_steady_habit_has_not_changed() -> None:
    assert changed_alone(times(*STEADY), 10) is None
    assert changed_together([times(*STEADY), times(*reversed(STEADY))]) is None
    assert changed_alone({}, 10) is None
    assert changed_together([{}, {}]) is None


def test_three_weeks_that_are_earlier_are_a_change() -> None:
    found = changed_alone(times(0, 12, -9, 5, -12, -61, -55, -66), 10)
    assert found is not None
    assert (found.week, found.minutes) == (105, -61)
    assert changed_alone(times(0, 5, -61, -55), 10) is None


def test_four_weeks_that_are_later_are_a_change() -> None:
    assert changed_alone(times(0, 12, -9, 5, 61, 55, 66), 10) is None
    found = changed_alone(times(0, 12, -9, 5, 61, 55, 66, 62), 10)
    assert found is not None
    assert (found.week, found.minutes) == (104, 59)


def test_two_weeks_before_are_needed() -> None:
    assert changed_alone(times(0, -61, -55, -66), 10) is None
    found = changed_alone(times(0, 5, -61, -55, -66), 10)
    assert found is not None
    assert found.week == 102


@pytest.mark.parametrize(("shift", "noticed"), [(-19, False), (-21, True)])
def test_less_than_twenty_minutes_are_no_change(shift: float, *, noticed: bool) -> None:
    # departures to the minute: they count as if they varied by eight minutes
    week = times(*[0] * 5, *[shift] * 3)
    assert (changed_together([week] * 4) is not None) is noticed


def test_what_varies_more_must_change_more() -> None:
    changed = times(0, 9, -9, 3, -3, -45, -40, -50)
    assert changed_alone(changed, 15) is not None
    assert changed_alone(changed, 25) is None
    wild = times(0, 60, -60, 45, -45, -55, -95, -15)
    assert changed_together([wild, wild]) is None


def test_weekdays_together_show_a_smaller_change() -> None:
    alone = times(0, 12, -15, 5, -12, -35, -20, -40)
    assert changed_alone(alone, 15.5) is None
    other = times(5, -12, 0, 14, -15, -36, -28, -44)
    third = times(-10, 10, 3, -5, 12, -30, -20, -33)
    found = changed_together([alone, other, third])
    assert found is not None
    assert found.week == 105
    assert found.minutes == pytest.approx(-36, abs=2)


def test_one_weekday_alone_does_not_change_the_others() -> None:
    moved = times(0, 12, -9, 5, -12, -61, -55, -66)
    still = [times(*STEADY), times(*reversed(STEADY)), times(*STEADY[3:], *STEADY[:3])]
    assert changed_together([moved, *still]) is None


def test_weekdays_that_are_too_short_are_not_compared() -> None:
    moved = times(0, 12, -9, 5, -12, -61, -55, -66)
    short = times(0, 300, first=104)
    found = changed_together([moved, short])
    assert found is not None
    assert found.minutes == -61


def test_of_several_weeks_the_clearest_begins_the_change() -> None:
    found = changed_alone(times(0, 3, -2, 1, -60, -62, -61, -60), 10)
    assert found is not None
    assert found.week == 104
    # as a median of four and four varies
    assert found.deviations == pytest.approx(61 / (1.2533 * 10 * 0.5**0.5), rel=0.02)


def test_how_many_deviations_a_change_is() -> None:
    week = times(0, 10, -10, 0, -60, -50, -70)
    found = changed_together([week, week])
    assert found is not None
    assert (found.week, found.minutes) == (104, -60)
    # eight of fourteen times are ten minutes from their middle, of which there are four
    spread = 14.826 * (14 / 10) ** 0.5
    assert found.deviations == pytest.approx(60 / (1.2533 * spread * (1 / 8 + 1 / 6) ** 0.5))
