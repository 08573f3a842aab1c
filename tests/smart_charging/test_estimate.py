"""Prices that are not published yet are estimated from like days, and no gap is left."""

from datetime import UTC, date, datetime, timedelta
import math
import random
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.smart_charging.estimate import DayType, day_type, estimate
from custom_components.tesla_charging.smart_charging.series import Certainty, PriceSlot

ZONE = ZoneInfo("Europe/Amsterdam")
TODAY = datetime(2026, 11, 25, tzinfo=ZONE)
"""A Wednesday."""
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)


def shape(local: datetime, noise: random.Random | None = None) -> float:
    """Return a price: cheap at night, dear in the evening, cheap at noon on Sundays."""
    price = 0.2 + 0.1 * math.sin((local.hour - 13) / 24 * 2 * math.pi)
    if local.weekday() == 6 and 11 <= local.hour < 15:
        price -= 0.15
    return price + (noise.gauss(0, 0.01) if noise else 0.0)


def days(
    count: int, *, noise: random.Random | None = None, level: float = 0.0, step: timedelta = QUARTER
) -> list[PriceSlot]:
    """Return the prices of some days before today, and of today."""
    start = (TODAY - timedelta(days=count)).astimezone(UTC)
    end = (TODAY + timedelta(days=1)).astimezone(UTC)
    slots = []
    while start < end:
        local = start.astimezone(ZONE)
        price = shape(local, noise) + (level if local.date() == TODAY.date() else 0.0)
        slots.append(PriceSlot(start, start + step, price, price / 2))
        start += step
    return slots


def span(from_hour: float, to_hour: float) -> tuple[datetime, datetime]:
    first = TODAY.astimezone(UTC)
    return first + from_hour * HOUR, first + to_hour * HOUR


def test_what_is_known_stays_and_the_rest_is_as_on_like_days() -> None:
    start, end = span(18, 24 * 5)
    series = estimate(days(35), start, end, zone=ZONE, currency="EUR")
    assert series.slots[0].start == start
    assert series.slots[-1].end == end
    for slot in series.slots:
        local = slot.start.astimezone(ZONE)
        expected = Certainty.KNOWN if local.date() == TODAY.date() else Certainty.ESTIMATED
        assert slot.certainty is expected
        assert slot.import_price == pytest.approx(shape(local), abs=1e-9)
        assert slot.export_price == pytest.approx(shape(local) / 2, abs=1e-9)


def test_a_margin_makes_what_is_uncertain_dear_and_what_it_earns_less() -> None:
    start, end = span(24, 48)
    series = estimate(days(35, noise=random.Random(1)), start, end, zone=ZONE)
    above = [s.import_price - shape(s.start.astimezone(ZONE)) for s in series.slots]
    below = [(s.export_price or 0.0) - shape(s.start.astimezone(ZONE)) / 2 for s in series.slots]
    assert 0.001 < sum(above) / len(above) < 0.008
    assert -0.004 < sum(below) / len(below) < -0.0005


def test_dear_days_make_the_next_ones_dearer_for_ever_less() -> None:
    start, end = span(24, 24 * 4)
    slots = estimate(days(35, level=0.1), start, end, zone=ZONE).slots
    above = [slots[i].import_price - shape(slots[i].start.astimezone(ZONE)) for i in (0, 96, 192)]
    assert above == pytest.approx([0.07, 0.049, 0.0343])


def test_a_gap_within_what_is_known_is_filled() -> None:
    known = [s for s in days(20) if not span(20, 21)[0] <= s.start < span(20, 21)[1]]
    series = estimate(known, *span(19, 22), zone=ZONE)
    assert [s.certainty for s in series.slots] == (
        [Certainty.KNOWN] * 4 + [Certainty.ESTIMATED] * 4 + [Certainty.KNOWN] * 4
    )


def test_now_and_the_end_may_be_any_second() -> None:
    start, end = span(18.123, 30.4567)
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    series = estimate(days(20), start, end, zone=ZONE)
    assert (series.slots[0].start, series.slots[-1].end) == (start, end)


def test_estimates_teach_nothing() -> None:
    known = days(20)
    start, end = span(24, 48)
    first = estimate(known, start, end, zone=ZONE)
    wrong = [PriceSlot(s.start, s.end, 9.0, None, Certainty.ESTIMATED) for s in first.slots]
    again = estimate(known, end, end + HOUR, zone=ZONE)
    assert estimate([*known, *wrong], end, end + HOUR, zone=ZONE) == again


def test_with_two_days_of_the_past_all_days_count() -> None:
    series = estimate(days(1), *span(24 * 4, 24 * 5), zone=ZONE)  # a Sunday
    assert len(series.slots) == 96
    assert all(0.0 < s.import_price < 0.4 for s in series.slots)


def test_a_single_known_price_is_the_estimate() -> None:
    now = TODAY.astimezone(UTC)
    series = estimate([PriceSlot(now, now + HOUR, 0.3)], now, now + 24 * HOUR, zone=ZONE)
    assert {s.import_price for s in series.slots} == {0.3}
    assert series.slots[-1].export_price is None


def test_without_any_price_the_fallback_counts_or_it_is_said() -> None:
    assert {s.import_price for s in estimate([], *span(0, 4), zone=ZONE, fallback=0.25).slots} == {
        0.25
    }
    with pytest.raises(ValueError, match="No price is known"):
        estimate([], *span(0, 4), zone=ZONE)


@pytest.mark.parametrize(("month", "on", "count"), [(3, 28, 92), (10, 31, 100)])
def test_days_of_a_clock_change(month: int, on: int, count: int) -> None:
    start = datetime(2027, month, on, tzinfo=ZONE)
    series = estimate(
        days(20),
        start.astimezone(UTC),
        (start + timedelta(days=1)).replace(tzinfo=ZONE).astimezone(UTC),
        zone=ZONE,
        fallback=0.2,
    )
    assert len(series.slots) == count


def test_types_of_days() -> None:
    assert day_type(date(2026, 11, 27)) is DayType.WORKDAY
    assert day_type(date(2026, 11, 28)) is DayType.SATURDAY
    assert day_type(date(2026, 11, 29)) is DayType.SUNDAY
    assert day_type(date(2026, 11, 27), frozenset({date(2026, 11, 27)})) is DayType.SUNDAY
