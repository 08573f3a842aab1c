"""What comes of what a forecast of the sun promises."""

from datetime import UTC, date, datetime, timedelta
import math

import pytest

from custom_components.tesla_charging.smart_charging.learning.solar_bias import SolarBias
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told
from custom_components.tesla_charging.smart_charging.series import PowerForecast, PowerSlot

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def shone(
    days: int, shares: dict[int, float], *, known: SolarBias | None = None, first: int = 0
) -> SolarBias:
    """Return what is known after days with 2 kWh promised in some hours, of which a share came."""
    bias = known or SolarBias()
    for day in range(first, first + days):
        for hour, share in shares.items():
            start = NOON.replace(hour=hour) + day * DAY
            bias = bias.with_hour(start, 2.0, 2.0 * share, now=start + HOUR)
    return bias


def test_before_any_day_the_forecast_is_right() -> None:
    share = SolarBias().share(12, now=NOON)
    assert (share.low, share.value, share.high, share.confidence) == (0.5, 1.0, 1.3, 0.0)
    assert SolarBias().told(now=NOON) == Told(Saying.SOLAR_ASSUMED, {})


def test_days_teach_hour_by_hour() -> None:
    bias = shone(14, {8: 0.4, 10: 0.8, 12: 0.8, 14: 0.8})
    now = NOON + 14 * DAY
    assert bias.share(8, now=now).value == pytest.approx(0.4)
    assert bias.share(12, now=now).value == pytest.approx(0.8)
    assert 0.7 < bias.share(12, now=now).confidence < 0.95
    # an hour of which nothing is known is like all
    assert bias.share(17, now=now).value == pytest.approx(0.8)
    # and one beside a known one partly like that
    assert bias.share(9, now=now).low == pytest.approx(0.4)
    assert bias.share(13, now=now).low > 0.5
    assert bias.told(now=now) == Told(Saying.SOLAR_LEARNT, {"percent": 70, "days": 14})


def test_one_hour_counts_by_what_was_promised() -> None:
    bias = SolarBias().with_hour(NOON, 4.0, 2.0, now=NOON + HOUR)
    bias = bias.with_hour(NOON - HOUR, 1.0, 1.0, now=NOON + HOUR)
    share = bias.share(12, now=NOON)
    # 0.5 weighs 1; 1.0 weighs 0.25 * 0.5; the assumptions 0.7 each
    assert share.confidence == pytest.approx(1.125 / 3.225)
    assert share.value == pytest.approx(0.8, abs=0.1)


def test_newer_days_count_more() -> None:
    bias = shone(12, {12: 0.9}, known=shone(12, {12: 0.5}), first=12)
    assert bias.share(12, now=NOON + 24 * DAY).value == pytest.approx(0.9)


def test_the_spread_of_the_days_is_low_and_high() -> None:
    bias = SolarBias()
    for day in range(30):
        share = (0.2, 0.6, 0.8, 0.9, 1.1)[day % 5]
        bias = shone(1, {12: share}, known=bias, first=day)
    found = bias.share(12, now=NOON + 30 * DAY)
    assert found.low == pytest.approx(0.3, abs=0.15)
    assert found.value == pytest.approx(0.8, abs=0.05)
    assert found.high == pytest.approx(1.1, abs=0.1)


def test_a_forecast_is_corrected() -> None:
    bias = shone(20, {12: 0.5})
    now = NOON + 20 * DAY
    share = bias.share(12, now=now)
    plain = PowerSlot(now, now + HOUR, 1000.0)
    wide = PowerSlot(now + HOUR, now + 2 * HOUR, 1000.0, 400.0, 1500.0)
    first, second = bias.corrected(PowerForecast((plain, wide)), now=now).slots
    assert (first.start, first.end) == (plain.start, plain.end)
    assert first.median == pytest.approx(1000 * share.value)
    assert (first.low, first.high) == pytest.approx((1000 * share.low, 1000 * share.high))
    other = bias.share(13, now=now).value
    assert (second.low, second.median, second.high) == pytest.approx(
        (400 * other, 1000 * other, 1500 * other)
    )


@pytest.mark.parametrize(
    ("promised", "came"),
    [(0.049, 0.04), (200.1, 1), (1, 200.1), (1, -0.1), (math.nan, 1), (1, math.nan)],
)
def test_an_hour_that_cannot_be_is_left_out(promised: float, came: float) -> None:
    assert SolarBias().with_hour(NOON, promised, came, now=NOON + HOUR) == SolarBias()


def test_hours_at_the_edge_count() -> None:
    for promised, came in ((0.05, 0.0), (200.0, 200.0)):
        bias = SolarBias().with_hour(NOON, promised, came, now=NOON + HOUR)
        assert bias.days == {NOON.date(): {12: (promised, came)}}


def test_more_than_four_times_the_promise_counts_as_four_times() -> None:
    assert shone(30, {12: 40.0}).share(12, now=NOON + 30 * DAY).value == 4.0


def test_an_hour_that_is_not_over_is_left_out_and_no_whole_hour_refused() -> None:
    early = NOON + HOUR - timedelta(seconds=1)
    assert SolarBias().with_hour(NOON, 1, 1, now=early) == SolarBias()
    for off in (timedelta(minutes=30), timedelta(seconds=1)):
        with pytest.raises(ValueError, match="hour"):
            SolarBias().with_hour(NOON + off, 1, 1, now=NOON + DAY)
    with pytest.raises(ValueError, match=r"^start is not in UTC"):
        SolarBias().with_hour(NOON.replace(tzinfo=None), 1, 1, now=NOON + DAY)


def test_clocks_that_are_wrong() -> None:
    bias = shone(14, {12: 0.8})
    past = datetime(2001, 1, 1, 12, tzinfo=UTC)
    assert bias.with_hour(past, 1, 0, now=past + HOUR) == bias
    ahead = NOON + 50 * DAY
    wrong = bias
    for hour in range(8, 16):
        wrong = wrong.with_hour(ahead.replace(hour=hour), 9, 0, now=ahead + DAY)
    now = NOON + 14 * DAY
    assert wrong.share(12, now=now) == bias.share(12, now=now)
    assert ahead.date() not in shone(4, {12: 0.8}, known=wrong, first=14).days


def test_it_is_stored_small_and_read_with_distrust() -> None:
    bias = shone(40, {11: 0.51234, 12: 0.8})
    assert len(bias.days) == 30
    read = SolarBias.from_dict(bias.as_dict())
    assert read.share(12, now=NOON + 40 * DAY).value == pytest.approx(0.8)
    assert bias.as_dict()["2026-06-12"] == [[11, 2.0, 1.025], [12, 2.0, 1.6]]
    exact = SolarBias().with_hour(NOON, 1.23456, 0.98765, now=NOON + HOUR)
    assert exact.as_dict() == {"2026-05-04": [[12, 1.235, 0.988]]}
    bad = {
        "2026-05-04": [[12, 2.0, 1.0], [24, 2, 1], [11, 0.01, 1], [10, 2], "x", [23, 0.05, 0]],
        "2026-05-05": [[24, 2, 1]],
        "x": [[12, 2, 1]],
    }
    assert SolarBias.from_dict(bad).days == {date(2026, 5, 4): {12: (2.0, 1.0), 23: (0.05, 0.0)}}
    assert SolarBias.from_dict([1]) == SolarBias()
