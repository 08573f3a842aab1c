"""What the home uses without the car."""

from datetime import UTC, date, datetime, timedelta
import math
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.smart_charging.learning.base_load import BaseLoad
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told
from custom_components.tesla_charging.smart_charging.series import PowerSlot

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


def lived(
    days: int, watts: float = 400.0, *, first: datetime = MONDAY, zone: object = UTC
) -> BaseLoad:
    """Return what is known after days with the same power, but 2 kW from 18:00 to 19:00 UTC on Mondays."""
    load = BaseLoad(zone)  # type: ignore[arg-type]
    for hour in range(days * 24):
        start = first + timedelta(hours=hour)
        evening = start.hour == 18 and start.weekday() == 0
        kwh = 2.0 if evening else watts / 1000
        load = load.with_reading(start, kwh, now=start + timedelta(hours=1), minutes=60)
    return load


def at(load: BaseLoad, moment: datetime, **more: frozenset[date]) -> PowerSlot:
    (slot,) = load.forecast(moment, moment + QUARTER, now=moment, **more).slots
    return slot


def test_before_any_reading_it_is_assumed() -> None:
    slot = at(BaseLoad(UTC), MONDAY)
    assert (slot.median, slot.low, slot.high) == (300, 150, 900)
    assert BaseLoad(UTC).confidence(MONDAY) == 0
    assert BaseLoad(UTC).told() == Told(Saying.BASE_LOAD_ASSUMED, {"watts": 300})


def test_a_day_teaches() -> None:
    load = BaseLoad(UTC).with_reading(MONDAY, 0.2, now=MONDAY + QUARTER)
    assert load.days == {MONDAY.date(): (80, *[None] * 95)}
    slot = at(load, MONDAY + QUARTER)
    # 800 W of a quarter hour before count 0.5, the assumed 150, 300 and 900 W 0.1 each; the middle is at 0.4
    assert slot.median == pytest.approx(300 + (0.4 - 0.15) / 0.3 * 500)
    minute = MONDAY + timedelta(minutes=14)
    first = load.forecast(minute, minute + QUARTER, now=minute).slots[0]
    assert first.median == at(load, MONDAY).median
    assert load.told() == Told(Saying.BASE_LOAD_LEARNT, {"kwh_a_day": 19.2, "days": 1})
    assert lived(2).told().numbers == {"kwh_a_day": pytest.approx(10.4), "days": 2}


def test_weekday_and_quarter_hour_count() -> None:
    load = lived(21)
    monday = MONDAY + timedelta(days=21, hours=18, minutes=30)
    assert at(load, monday).median == 2000
    assert at(load, monday + DAY).median == 400
    assert at(load, monday - timedelta(hours=2)).median == 400
    minute = monday - timedelta(minutes=31)
    (last, _) = load.forecast(minute, minute + timedelta(minutes=2), now=minute).slots
    assert last.median == 400
    # the quarter hour before is near
    before = at(load, monday - timedelta(minutes=45))
    assert before.median == 400
    assert before.high == 2000


def test_a_holiday_is_like_a_sunday() -> None:
    load = lived(21)
    monday = MONDAY + timedelta(days=21, hours=18, minutes=30)
    assert at(load, monday, holidays=frozenset({monday.date()})).median == 400


def test_weekdays_and_hours_are_those_of_the_home() -> None:
    zone = ZoneInfo("Asia/Tokyo")
    load = lived(21, zone=zone)
    # 18:00 UTC on Monday is 03:00 on Tuesday there
    row = load.days[date(2026, 2, 3)]
    assert row[12:16] == (200,) * 4
    assert row[11] == row[16] == 40


def test_newer_days_count_more() -> None:
    load = lived(14, 400)
    for day in range(14, 28):
        for hour in range(24):
            start = MONDAY + timedelta(days=day, hours=hour)
            load = load.with_reading(start, 1.0, now=start + timedelta(hours=1), minutes=60)
    assert at(load, MONDAY + timedelta(days=28, hours=12)).median == 1000


def test_summer_time_leaves_a_gap_and_winter_time_says_an_hour_twice() -> None:
    spring = lived(1, first=datetime(2026, 3, 28, 23, tzinfo=UTC), zone=BERLIN)
    row = spring.days[date(2026, 3, 29)]
    assert row[8:12] == (None,) * 4
    assert row[7] == row[12] == 40
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    load = BaseLoad(BERLIN)
    for hour, kwh in enumerate((0.4, 0.8)):
        start = first + timedelta(hours=hour)
        load = load.with_reading(start, kwh, now=start + timedelta(hours=1), minutes=60)
    assert load.days[date(2026, 10, 25)][8:12] == (80,) * 4
    night = load.forecast(first, first + timedelta(hours=3), now=first + timedelta(days=1))
    assert len(night.slots) == 12


def test_a_forecast_is_cut_at_its_ends() -> None:
    start = MONDAY + timedelta(minutes=7)
    slots = BaseLoad(UTC).forecast(start, start + timedelta(minutes=30), now=start).slots
    assert [(s.start.minute, s.end.minute) for s in slots] == [(7, 15), (15, 30), (30, 37)]


@pytest.mark.parametrize("kwh", [-0.06, 10.1, math.nan, math.inf])
def test_a_reading_that_cannot_be_is_left_out(kwh: float) -> None:
    load = BaseLoad(UTC)
    assert load.with_reading(MONDAY, kwh, now=MONDAY + QUARTER) == load


def test_readings_at_the_edge_count() -> None:
    most = BaseLoad(UTC).with_reading(MONDAY, 10.0, now=MONDAY + QUARTER)
    assert most.days[MONDAY.date()][0] == 4000
    least = BaseLoad(UTC).with_reading(MONDAY, -0.05, now=MONDAY + QUARTER)
    assert least.days[MONDAY.date()][0] == 0


def test_a_reading_that_is_not_over_is_left_out_and_one_off_the_quarter_is_refused() -> None:
    load = BaseLoad(UTC)
    early = MONDAY + QUARTER - timedelta(seconds=1)
    assert load.with_reading(MONDAY, 0.1, now=early) == load
    assert load.with_reading(MONDAY, 0.1, now=MONDAY + QUARTER, minutes=60) == load
    for start, minutes in (
        (MONDAY, 20),
        (MONDAY + timedelta(minutes=5), 15),
        (MONDAY + timedelta(seconds=5), 15),
    ):
        with pytest.raises(ValueError, match="quarter"):
            load.with_reading(start, 0.1, now=MONDAY + DAY, minutes=minutes)
    for name, window in (
        ("start", (MONDAY.replace(tzinfo=None), MONDAY)),
        ("end", (MONDAY, MONDAY.replace(tzinfo=None))),
    ):
        with pytest.raises(ValueError, match=f"^{name} is not in UTC"):
            load.forecast(*window, now=MONDAY)
    with pytest.raises(ValueError, match=r"^start is not in UTC"):
        load.with_reading(MONDAY.replace(tzinfo=None), 0.1, now=MONDAY + DAY)
    half = load.with_reading(MONDAY, 0.2, now=MONDAY + DAY, minutes=30)
    assert half.days[MONDAY.date()][:3] == (40, 40, None)


def test_a_clock_that_was_not_set_teaches_nothing() -> None:
    load, past = lived(3), datetime(1970, 1, 1, tzinfo=UTC)
    assert load.with_reading(past, 0.5, now=past + DAY) == load
    earliest = datetime(2026, 1, 1, tzinfo=UTC)
    assert BaseLoad(UTC).with_reading(earliest - QUARTER, 0.1, now=earliest).days
    second = timedelta(seconds=1)
    assert not BaseLoad(UTC).with_reading(earliest - 2 * QUARTER, 0.1, now=earliest - second).days


def test_days_of_a_clock_that_ran_ahead_are_not_used_and_go() -> None:
    load = lived(14)
    ahead = MONDAY + timedelta(days=40, hours=12)
    load = load.with_reading(ahead, 5.0, now=ahead + timedelta(hours=1), minutes=60)
    assert at(load, MONDAY + timedelta(days=14, hours=12)).high == 400
    # whenever it was recorded
    first = BaseLoad(UTC, {ahead.date(): (500,) * 96, **lived(14).days})
    assert at(first, MONDAY + timedelta(days=14, hours=12)) == at(
        lived(14), MONDAY + timedelta(days=14, hours=12)
    )
    assert load.confidence(MONDAY + timedelta(days=14)) == lived(14).confidence(
        MONDAY + timedelta(days=14)
    )
    for day in range(14, 18):
        start = MONDAY + timedelta(days=day)
        load = load.with_reading(start, 0.1, now=start + QUARTER)
    assert ahead.date() not in load.days


def test_confidence_grows_with_the_weeks() -> None:
    found = [lived(days).confidence(MONDAY + timedelta(days=days)) for days in (1, 7, 28)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(0.933 / 7 / (0.933 / 7 + 0.3), abs=0.01)
    assert found[2] > 0.8


def test_it_is_stored_small_and_read_with_distrust() -> None:
    load = lived(70)
    assert len(load.days) == 56
    stored = load.as_dict()
    assert {len(row) for row in stored["days"].values()} == {192}
    assert BaseLoad.from_dict(stored, UTC) == load
    gap = BaseLoad(UTC, {date(2026, 2, 2): (None, 4000, 0, 63, 64, *[None] * 91)})
    assert gap.as_dict()["days"]["2026-02-02"].startswith("--" + "+w" + "00" + "0/" + "10--")
    assert BaseLoad.from_dict(gap.as_dict(), UTC) == gap
    row = stored["days"]["2026-03-30"]
    bad = {
        "2026-03-30": "++" + "!0" + "0!" + row[6:],
        "x": row,
        "2026-03-29": row[:-1],
        "2026-03-28": 5,
    }
    read = BaseLoad.from_dict({"days": bad}, UTC)
    assert list(read.days) == [date(2026, 3, 30)]
    assert read.days[date(2026, 3, 30)][:4] == (None, None, None, 40)
    assert BaseLoad.from_dict("x", UTC) == BaseLoad(UTC)
