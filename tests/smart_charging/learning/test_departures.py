"""When the car is needed next, and how much of its battery."""

from datetime import UTC, date, datetime, time, timedelta
import math
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.smart_charging.learning.departures import Departures
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told
from custom_components.tesla_charging.smart_charging.learning.usable_weeks import Day

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 2, 2)
SPREAD = (0, 10, -10, 5, -5, 12, -8, 3, 15, -15, 7, -3)


def moment(day: date, minute: float) -> datetime:
    wall = datetime.combine(day, time(), BERLIN) + timedelta(minutes=minute)
    return wall.astimezone(UTC)


def lived(
    weeks: int,
    minutes: dict[int, float] | None = None,
    *,
    known: Departures | None = None,
    first: int = 0,
    used: float = 20,
) -> Departures:
    """Return what is known after weeks with departures by weekday, spread a bit."""
    learnt = known or Departures(BERLIN)
    minutes = minutes or dict.fromkeys(range(5), 450.0)
    for week in range(first, first + weeks):
        for weekday, minute in minutes.items():
            day = MONDAY + timedelta(days=7 * week + weekday)
            left = moment(day, minute + SPREAD[(week + weekday) % len(SPREAD)])
            learnt = learnt.with_trip(left, used, now=left + timedelta(hours=9))
    return learnt


def after(weeks: int) -> datetime:
    """Return the Sunday evening after so many weeks."""
    return moment(MONDAY + timedelta(days=7 * weeks - 1), 22 * 60)


def test_before_any_trip_seven_o_clock_is_assumed() -> None:
    habit = Departures(BERLIN).habit(2, now=after(1))
    assert (habit.early, habit.usual, habit.need, habit.weeks) == (420, 420, 40, 0)
    departure = Departures(BERLIN).next_departure(after(1))
    assert departure is not None
    assert departure.at == moment(MONDAY + timedelta(days=7), 420)
    assert departure.confidence == 0
    assert departure.told == Told(
        Saying.DEPARTURE_ASSUMED, {"weekday": 0, "minute": 420, "need": 40}
    )


def test_early_quartile_and_sixtieth_percentile_of_the_same_weekday() -> None:
    learnt = Departures(BERLIN)
    for week, (minute, used) in enumerate(
        ((410, 18), (420, 20), (425, 22), (430, 24), (435, 26), (450, 40))
    ):
        left = moment(MONDAY + timedelta(weeks=week), minute)
        learnt = learnt.with_trip(left, used, now=left + timedelta(hours=9))
    habit = learnt.habit(0, now=after(6))
    assert habit.early == pytest.approx(420)
    assert habit.usual == pytest.approx(427.5)
    assert habit.need == pytest.approx(24.2 + 5)
    assert (habit.weeks, habit.changed) == (6, False)
    departure = learnt.next_departure(after(6))
    assert departure is not None
    assert departure.at == moment(MONDAY + timedelta(weeks=6), 420)
    assert departure.usual == moment(MONDAY + timedelta(weeks=6), 427)
    assert departure.need == habit.need
    assert departure.confidence == pytest.approx(6 / 8)
    assert departure.told == Told(
        Saying.DEPARTURE_LEARNT,
        {"weekday": 0, "minute": 420, "usual_minute": 427, "need": 29, "weeks": 6},
    )


def test_each_weekday_is_its_own() -> None:
    learnt = lived(8, {0: 420, 1: 480, 2: 540, 5: 660})
    for weekday, minute in {0: 420, 1: 480, 2: 540, 5: 660}.items():
        habit = learnt.habit(weekday, now=after(8))
        assert habit.usual == pytest.approx(minute, abs=6)
        assert habit.early == pytest.approx(minute - 7, abs=7)


def test_the_clock_on_the_wall_counts() -> None:
    learnt = lived(10)
    # summer time began after eight weeks
    assert learnt.habit(0, now=after(10)).usual == pytest.approx(450, abs=6)
    departure = learnt.next_departure(after(10))
    assert departure is not None
    assert departure.usual.hour == 5


def test_a_day_on_which_the_car_stays() -> None:
    learnt = lived(6)
    assert learnt.habit(5, now=after(6)).early is None
    assert learnt.habit(5, now=after(6)).weeks == 6
    friday = moment(MONDAY + timedelta(days=39), 12 * 60)
    departure = learnt.next_departure(friday)
    assert departure is not None
    assert departure.at.astimezone(BERLIN).weekday() == 0
    # two weeks are too few to say so
    assert learnt.habit(5, now=after(2)).early is not None
    assert lived(3).habit(5, now=after(3)).early is None
    sometimes = lived(6, {5: 600})
    assert (
        Departures(BERLIN, {**learnt.days, **dict(list(sometimes.days.items())[:2])})
        .habit(5, now=after(6))
        .early
        is None
    )
    assert Departures(BERLIN, {**learnt.days, **dict(list(sometimes.days.items())[:3])}).habit(
        5, now=after(6)
    ).early == pytest.approx(595, abs=12)


def test_a_car_that_never_leaves_has_no_departure() -> None:
    learnt = lived(4, {6: 600})
    found = learnt.next_departure(after(4))
    assert found is not None
    assert found.at.astimezone(BERLIN).weekday() == 6
    none = Departures(BERLIN, {day: d for day, d in learnt.days.items() if day.weekday() != 6})
    assert none.habit(6, now=after(4)).weeks == 0


def test_after_the_time_of_today_the_next_day_counts() -> None:
    learnt = lived(6)
    monday = MONDAY + timedelta(weeks=6)
    before = learnt.next_departure(moment(monday, 430))
    later = learnt.next_departure(moment(monday, 460))
    assert before is not None
    assert later is not None
    assert before.at.astimezone(BERLIN).date() == monday
    assert later.at.astimezone(BERLIN).date() == monday + timedelta(days=1)


def test_a_holiday_teaches_nothing_and_is_like_a_sunday() -> None:
    learnt = lived(6)
    monday = MONDAY + timedelta(weeks=6)
    free = frozenset({monday})
    left = moment(monday, 700)
    assert learnt.with_trip(left, 30, now=left, holidays=free) == learnt
    departure = learnt.next_departure(after(6), holidays=free)
    assert departure is not None
    assert departure.at.astimezone(BERLIN).date() == monday + timedelta(days=1)


def test_the_first_departure_of_a_day_and_all_that_it_used() -> None:
    learnt = Departures(BERLIN)
    for minute, used in ((900, 5), (440, 12), (1100, 3)):
        learnt = learnt.with_trip(moment(MONDAY, minute), used, now=after(1))
    assert learnt.days == {MONDAY: Day(440, 20)}


def test_a_trip_after_midnight_belongs_to_the_day_before() -> None:
    learnt = Departures(BERLIN).with_trip(moment(MONDAY, 24 * 60 + 179), 9, now=after(1))
    assert learnt.days == {MONDAY: Day(1619, 9)}
    later = Departures(BERLIN).with_trip(moment(MONDAY, 24 * 60 + 180), 9, now=after(1))
    assert list(later.days) == [MONDAY + timedelta(days=1)]
    habits = lived(6, {0: 24 * 60 + 60})
    departure = habits.next_departure(moment(MONDAY + timedelta(weeks=6), 1200))
    assert departure is not None
    local = departure.at.astimezone(BERLIN)
    assert (local.date(), local.hour) == (MONDAY + timedelta(days=43), 0)


@pytest.mark.parametrize("used", [0.9, 1001, math.nan])
def test_a_trip_that_cannot_be_or_is_none_teaches_nothing(used: float) -> None:
    left = moment(MONDAY, 450)
    assert Departures(BERLIN).with_trip(left, used, now=left) == Departures(BERLIN)


def test_times_are_in_utc() -> None:
    with pytest.raises(ValueError, match=r"^now is not in UTC"):
        Departures(BERLIN).next_departure(datetime(2026, 3, 1, tzinfo=BERLIN))
    with pytest.raises(ValueError, match=r"^left is not in UTC"):
        Departures(BERLIN).with_trip(datetime(2026, 3, 1, tzinfo=BERLIN), 20, now=after(9))


def test_clocks_that_are_wrong() -> None:
    learnt = lived(6)
    past = datetime(2020, 1, 1, 6, tzinfo=UTC)
    assert learnt.with_trip(past, 20, now=past) == learnt
    left = moment(MONDAY + timedelta(weeks=6), 450)
    assert learnt.with_trip(left, 20, now=left - timedelta(seconds=1)) == learnt
    assert len(learnt.with_trip(left, 20, now=left).days) == len(learnt.days) + 1
    ahead = moment(MONDAY + timedelta(weeks=12), 900)
    wrong = learnt.with_trip(ahead, 20, now=ahead)
    assert wrong.habit(0, now=after(6)) == learnt.habit(0, now=after(6))
    again = lived(1, known=wrong, first=6)
    assert len(again.days) == len(learnt.days) + 5


def test_times_of_no_habit_do_not_count() -> None:
    learnt = lived(6)
    day = MONDAY + timedelta(weeks=3)
    wrong = Departures(BERLIN, {**learnt.days, day: Day(600, 20)})
    expected = learnt.habit(0, now=after(6))
    found = wrong.habit(0, now=after(6))
    assert found.early == pytest.approx(expected.early, abs=6)
    assert found.usual == pytest.approx(expected.usual, abs=4)


def test_three_deviations_are_still_of_the_habit() -> None:
    # all vary by ten minutes, so a deviation is about fifteen
    days = {
        MONDAY + timedelta(days=7 * week + weekday): Day(
            450.0 + (0, 10, -10)[(week + weekday) % 3], 20
        )
        for week in range(6)
        for weekday in range(5)
    }
    early, far = MONDAY, MONDAY + timedelta(days=7)
    minutes = {early: 450 - 40.0, far: 450 - 41.0}
    near = Departures(BERLIN, days | {day: Day(m, 20) for day, m in minutes.items()})
    beyond = Departures(BERLIN, days | {day: Day(m - 90, 20) for day, m in minutes.items()})
    assert near.habit(0, now=after(6)).early == pytest.approx(409.5, abs=16)
    assert (near.habit(0, now=after(6)).early or 0) < 435
    assert (beyond.habit(0, now=after(6)).early or 0) > 435


def test_only_eight_usable_weeks_teach() -> None:
    learnt = lived(14)
    assert learnt.habit(0, now=after(14)).weeks == 8
    missing = {day: d for day, d in learnt.days.items() if not 60 <= (day - MONDAY).days < 74}
    assert Departures(BERLIN, missing).habit(0, now=after(14)).weeks == 8
    old = lived(8).habit(0, now=after(33))
    assert old.weeks == 2
    assert lived(8).habit(0, now=after(36)).weeks == 0


def test_a_change_of_habit_drops_the_weeks_before() -> None:
    earlier = lived(3, dict.fromkeys(range(5), 390.0), known=lived(8), first=8)
    habit = earlier.habit(1, now=after(11))
    assert (habit.weeks, habit.changed) == (3, True)
    assert habit.usual == pytest.approx(390, abs=9)
    assert earlier.next_departure(after(11)).told.saying is Saying.DEPARTURE_CHANGED  # type: ignore[union-attr]
    later = lived(5, dict.fromkeys(range(5), 510.0), known=lived(8), first=8)
    assert later.habit(1, now=after(13)).usual == pytest.approx(510, abs=9)
    assert later.habit(1, now=after(13)).weeks == 5


def test_one_weekday_may_change_alone() -> None:
    before = lived(8)
    moved = lived(3, {0: 450, 1: 450, 2: 360, 3: 450, 4: 450}, known=before, first=8)
    assert moved.habit(2, now=after(11)).usual == pytest.approx(360, abs=9)
    assert moved.habit(2, now=after(11)).weeks == 3
    assert moved.habit(1, now=after(11)).weeks == 8


def test_a_weekday_that_was_missed_moves_with_the_others() -> None:
    before = lived(8, {0: 450, 1: 450, 2: 480, 3: 450, 4: 450})
    moved = lived(4, {0: 390, 1: 390, 3: 390, 4: 390}, known=before, first=8)
    habit = moved.habit(2, now=after(12))
    assert habit.usual == pytest.approx(420, abs=12)


def test_two_times_that_disagree_are_settled_by_the_other_weekdays() -> None:
    learnt = lived(2, {0: 450, 1: 450, 2: 450, 3: 450})
    days = {
        **learnt.days,
        MONDAY + timedelta(days=4): Day(455, 20),
        MONDAY + timedelta(days=11): Day(900, 20),
    }
    assert Departures(BERLIN, days).habit(4, now=after(2)).usual == 455


def test_with_one_departure_of_a_weekday_those_of_all_workdays_count() -> None:
    learnt = lived(1)
    habit = learnt.habit(0, now=after(1))
    assert habit.usual == pytest.approx(450, abs=6)
    assert habit.weeks == 1
    one = lived(1, {0: 450})
    assert one.habit(0, now=after(1)).weeks == 0
    # the weekend is not like a workday
    assert learnt.habit(5, now=after(1)).weeks == 0


def test_the_longest_and_the_shortest_trip_count() -> None:
    left = moment(MONDAY, 450)
    for used in (1, 1000):
        assert Departures(BERLIN).with_trip(left, used, now=left).days == {MONDAY: Day(450, used)}


def test_the_quartile_of_few_times_is_as_far_from_their_middle_as_on_other_weekdays() -> None:
    def weeks(count: int, *minutes: float) -> Departures:
        days = {
            MONDAY + timedelta(days=7 * week + weekday): Day(minutes[week], 20)
            for week in range(count)
            for weekday in range(5)
        }
        return Departures(BERLIN, days)

    habit = weeks(3, 440, 450, 460).habit(0, now=after(3))
    # ten minutes of three times stand for more among all that will be
    assert habit.early == pytest.approx(450 - 10 * 1.5**0.5)
    assert habit.usual == 450
    four = weeks(4, 440, 450, 460, 450).habit(0, now=after(4))
    assert four.early == pytest.approx(450 - 10 * (4 / 3) ** 0.5 / 2, abs=3)
    # five are enough by themselves
    five = weeks(5, 430, 440, 450, 460, 470).habit(0, now=after(5))
    assert five.early == pytest.approx(437.5)
    same = weeks(3, 450, 450, 450).habit(0, now=after(3))
    assert same.early == 450


def test_the_need_has_a_margin_and_an_end() -> None:
    assert lived(6, used=97).habit(0, now=after(6)).need == 100
    assert lived(6, used=90).habit(0, now=after(6)).need == 95


def test_it_is_stored_small_and_read_with_distrust() -> None:
    learnt = lived(40)
    assert len(learnt.days) == 112
    read = Departures.from_dict(learnt.as_dict(), BERLIN)
    assert read.habit(0, now=after(40)) == learnt.habit(0, now=after(40))
    bad = {
        "2026-02-02": [450, 20],
        "2026-02-03": [179, 20],
        "2026-02-04": [450, 0.5],
        "2026-02-05": [1621, 20],
        "2026-02-06": [450],
        "x": [450, 20],
        "2026-02-07": [180, 1],
        "2026-02-08": [1620, 20],
    }
    assert Departures.from_dict({"days": bad}, BERLIN).days == {
        MONDAY: Day(450, 20),
        MONDAY + timedelta(days=5): Day(180, 1),
        MONDAY + timedelta(days=6): Day(1620, 20),
    }
    assert Departures.from_dict(None, BERLIN) == Departures(BERLIN)
    odd = Departures(BERLIN, {MONDAY: Day(450.4, 20.06)})
    assert odd.as_dict() == {"days": {"2026-02-02": [450, 20.1]}}
