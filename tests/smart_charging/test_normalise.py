"""Prices as sources give them become slots in UTC and currency per kWh; nonsense is refused with a reason."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
import math
import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.smart_charging.normalise import (
    Fee,
    Formula,
    RawPrice,
    Refused,
    combine,
    normalise,
    overlay,
)
from custom_components.tesla_charging.smart_charging.series import PriceSlot
from custom_components.tesla_charging.smart_charging.units import UnknownUnit, price_unit

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MIDNIGHT = datetime(2026, 11, 28, tzinfo=AMSTERDAM)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)


def slots(rows: Iterable[RawPrice], unit: str = "EUR/kWh", **more: Any) -> tuple[PriceSlot, ...]:
    return normalise(rows, unit=unit, zone=AMSTERDAM, source="test", **more)


def day(count: int, step: timedelta = HOUR, start: datetime = MIDNIGHT) -> list[RawPrice]:
    """Rows that begin at every step from a moment on, priced 0, 0.01, 0.02, ..."""
    first = start.astimezone(UTC)
    return [RawPrice(first + i * step, i / 100) for i in range(count)]


def local_list(first: datetime, count: int, step: timedelta) -> list[RawPrice]:
    """The same with local times without a zone, as a wall clock shows them."""
    utc = first.astimezone(UTC)
    return [
        RawPrice((utc + i * step).astimezone(AMSTERDAM).strftime("%Y-%m-%d %H:%M:%S"), i / 100)
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("unit", "factor", "currency"),
    [
        ("EUR/kWh", 1, "EUR"),
        ("€/kWh", 1, "EUR"),
        ("EUR/MWh", 0.001, "EUR"),
        ("ct/kWh", 0.01, ""),
        ("c/kWh", 0.01, ""),
        ("¢/kWh", 0.01, ""),
        ("öre/kWh", 0.01, "SEK"),
        ("Øre/kWh", 0.01, ""),
        ("p/kWh", 0.01, "GBP"),
        ("snt/kWh", 0.01, "EUR"),
        ("gr/kWh", 0.01, "PLN"),
        ("GBP/kWh", 1, "GBP"),
        ("£/kWh", 1, "GBP"),
        ("$/kWh", 1, ""),
        ("kr/kWh", 1, ""),
        ("SEK/kWh", 1, "SEK"),
        (" nok / kWh ", 1, "NOK"),
        ("€/Wh", 1000, "EUR"),
        ("AUD/kWh", 1, "AUD"),
    ],
)
def test_a_unit_says_factor_and_currency(unit: str, factor: float, currency: str) -> None:
    read = price_unit(unit)
    assert read.factor == pytest.approx(factor)
    assert read.currency == currency


@pytest.mark.parametrize(
    "unit", ["", "kWh", "EUR", "EUR/h", "W", "bananas/kWh", "EUR/", "/kWh", "%"]
)
def test_what_is_no_price_of_energy_is_refused(unit: str) -> None:
    with pytest.raises(UnknownUnit):
        price_unit(unit)
    with pytest.raises(Refused, match=r"not known|no price of energy"):
        slots(day(24), unit)


def test_hours_without_ends_last_until_the_next_and_the_last_one_as_long() -> None:
    read = slots(day(24))
    assert len(read) == 24
    assert {s.end - s.start for s in read} == {HOUR}
    assert read[0].start == MIDNIGHT
    assert [s.import_price for s in read] == [i / 100 for i in range(24)]


def test_prices_per_mwh_and_in_cents_are_per_kwh() -> None:
    rows = [RawPrice(MIDNIGHT + i * HOUR, 51.2) for i in range(3)]
    assert slots(rows, "EUR/MWh")[0].import_price == pytest.approx(0.0512)
    assert slots(rows, "ct/kWh")[0].import_price == pytest.approx(0.512)


@pytest.mark.parametrize("value", [0.25, "0.25", "0,25", Decimal("0.25"), " 0.25 "])
def test_a_price_may_be_a_text(value: object) -> None:
    assert slots([RawPrice(MIDNIGHT, value)])[0].import_price == 0.25


@pytest.mark.parametrize(
    "start",
    [
        MIDNIGHT,
        MIDNIGHT.isoformat(),
        "2026-11-27T23:00:00Z",
        "2026-11-27 23:00:00+00:00",
        "2026-11-28T00:00",
        datetime(2026, 11, 28),  # noqa: DTZ001
        MIDNIGHT.timestamp(),
        MIDNIGHT.timestamp() * 1000,
        "2026-11-27T23:00:01.000Z",
        "2026-11-27T22:59:59Z",
    ],
)
def test_a_time_may_be_written_in_many_ways(start: object) -> None:
    assert slots([RawPrice(start, 0.2)])[0].start == MIDNIGHT


@pytest.mark.parametrize(("count", "month", "on"), [(92, 3, 28), (100, 10, 31), (96, 11, 28)])
@pytest.mark.parametrize("written", ["utc", "offset", "local"])
def test_days_of_a_clock_change_have_92_and_100_quarters(
    count: int, month: int, on: int, written: str
) -> None:
    start = datetime(2027, month, on, tzinfo=AMSTERDAM)
    rows = day(count, QUARTER, start)
    if written == "offset":
        rows = [
            RawPrice(r.start.astimezone(AMSTERDAM).isoformat(), r.value)  # type: ignore[attr-defined]
            for r in rows
        ]
    elif written == "local":
        rows = local_list(start, count, QUARTER)
    read = slots(rows)
    assert [s.import_price for s in read] == [i / 100 for i in range(count)]
    assert {s.end - s.start for s in read} == {QUARTER}
    end = (start + timedelta(days=1)).replace(tzinfo=AMSTERDAM)
    assert read[-1].end == end


def test_a_local_time_that_a_clock_change_leaves_out_is_left_out() -> None:
    # a source that writes 24 hours also on the day that has 23
    rows = [RawPrice(f"2027-03-28 {hour:02}:00", hour / 100) for hour in range(24)]
    read = slots(rows)
    assert len(read) == 23
    assert 0.02 not in [s.import_price for s in read]
    assert {s.end - s.start for s in read} == {HOUR}


def test_local_ends_in_the_hour_that_comes_twice() -> None:
    rows = [
        RawPrice("2027-10-31 01:00", 1, "2027-10-31 02:00"),
        RawPrice("2027-10-31 02:00", 2, "2027-10-31 03:00"),
        RawPrice("2027-10-31 02:00", 3, "2027-10-31 03:00"),
        RawPrice("2027-10-31 03:00", 4, "2027-10-31 04:00"),
    ]
    read = slots(rows)
    assert [(s.import_price, s.end - s.start) for s in read] == [(n, HOUR) for n in (1, 2, 3, 4)]


def test_a_gap_stays_a_gap() -> None:
    rows = day(24)
    del rows[5:8]
    read = slots(rows)
    assert read[4].end == MIDNIGHT + 5 * HOUR
    assert read[5].start == MIDNIGHT + 8 * HOUR


def test_what_is_not_published_yet_is_a_gap() -> None:
    rows = [*day(24), *(RawPrice(MIDNIGHT + (24 + i) * HOUR, None) for i in range(24))]
    assert slots(rows)[-1].end == MIDNIGHT + 24 * HOUR


def test_a_table_of_rates_without_ends_has_no_gaps() -> None:
    rows = [RawPrice(MIDNIGHT + h * HOUR, p) for h, p in ((0, 0.2), (7, 0.3), (23, 0.2), (31, 0.3))]
    read = slots(rows)
    assert [s.end for s in read[:-1]] == [s.start for s in read[1:]]


def test_of_rows_with_the_same_start_the_last_counts() -> None:
    rows = [*day(24), RawPrice(MIDNIGHT + 3 * HOUR, 0.99)]
    read = slots(rows)
    assert len(read) == 24
    assert read[3].import_price == 0.99


def test_rows_in_any_order_are_put_in_order() -> None:
    rows = day(24)
    random.Random(3).shuffle(rows)
    assert slots(rows) == slots(day(24))


def test_prices_may_be_negative() -> None:
    read = slots([RawPrice(MIDNIGHT, -0.05)], formula=Formula(addition=0.02, vat_percent=21))
    assert read[0].import_price == pytest.approx(-0.0363)


def test_rows_that_overlap_end_where_the_next_one_starts() -> None:
    rows = [RawPrice(MIDNIGHT + i * QUARTER, i, MIDNIGHT + i * QUARTER + HOUR) for i in range(4)]
    read = slots(rows)
    assert [s.end for s in read[:-1]] == [s.start for s in read[1:]]


def test_fees_by_the_time_of_day_cut_the_slots() -> None:
    """Day rate from 07:30 to 23:00 on weekdays, night rate else; midnight between Friday and Saturday."""
    workdays = frozenset(range(5))
    formula = Formula(
        factor=1.1,
        addition=0.05,
        vat_percent=25,
        fees=(Fee(0.04, time(7, 30), time(23), workdays), Fee(0.01, time(23), time(7, 30))),
    )
    friday = datetime(2026, 11, 27, tzinfo=AMSTERDAM)
    rows = [RawPrice(friday + h * HOUR, 0.1) for h in range(36)]
    read = slots(rows, formula=formula)
    at = {s.start.astimezone(AMSTERDAM).strftime("%a %H:%M"): s.import_price for s in read}
    base = 0.11 + 0.05
    assert at["Fri 07:00"] == pytest.approx((base + 0.01) * 1.25)
    assert at["Fri 07:30"] == pytest.approx((base + 0.04) * 1.25)
    assert at["Fri 22:00"] == pytest.approx((base + 0.04) * 1.25)
    assert at["Fri 23:00"] == at["Sat 01:00"] == pytest.approx((base + 0.01) * 1.25)
    assert at["Sat 08:00"] == pytest.approx(base * 1.25)
    assert sum((s.end - s.start for s in read), timedelta()) == 36 * HOUR


def test_fees_hold_by_the_wall_clock_on_the_night_of_a_clock_change() -> None:
    start = datetime(2027, 10, 31, tzinfo=AMSTERDAM)
    formula = Formula(fees=(Fee(1, time(2), time(3)),))
    read = slots(day(25, HOUR, start), formula=formula)
    assert sum(s.import_price >= 1 for s in read) == 2


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no price"),
        ([RawPrice(MIDNIGHT, None)], "no price"),
        ([RawPrice(MIDNIGHT, "cheap")], "Row 1 has no price but 'cheap'"),
        ([RawPrice(MIDNIGHT, math.nan)], "no price"),
        ([RawPrice(MIDNIGHT, math.inf)], "no price"),
        ([RawPrice(MIDNIGHT, True)], "no price"),
        ([RawPrice(MIDNIGHT, [0.2])], "no price"),
        ([RawPrice(MIDNIGHT, "1.234,5")], "no price"),
        ([RawPrice("soon", 0.2)], "no time"),
        ([RawPrice(13, 0.2)], "no time"),
        ([RawPrice(True, 0.2)], "no time"),
        ([RawPrice(None, 0.2)], "no time"),
        ([RawPrice(math.nan, 0.2)], "no time"),
        ([RawPrice(MIDNIGHT, 0.2, MIDNIGHT - 2 * HOUR)], "ends before"),
        ([RawPrice(MIDNIGHT, 0.2, MIDNIGHT + 300 * HOUR)], "over a week"),
        ([RawPrice(MIDNIGHT + i * HOUR, 51.2) for i in range(24)], "another one"),
        ([RawPrice(i, 0.1) for i in range(24)], "no time"),
        ((RawPrice(MIDNIGHT + i * QUARTER, 0.1) for i in range(30_000)), "More than"),
    ],
)
def test_nonsense_is_refused_with_a_reason(rows: Iterable[RawPrice], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        slots(rows)


def test_another_currency_is_refused() -> None:
    with pytest.raises(Refused, match="in SEK, not in EUR"):
        slots(day(3), "öre/kWh", currency="EUR")


def test_a_list_in_another_unit_than_the_present_price_is_refused() -> None:
    rows = [RawPrice(MIDNIGHT + i * HOUR, 28 + i) for i in range(24)]
    with pytest.raises(Refused, match="not in the same unit"):
        slots(rows, "ct/kWh", price_now=0.31)
    assert slots(rows, "ct/kWh", price_now=31)


def test_a_present_price_near_nothing_is_no_slip() -> None:
    rows = [RawPrice(MIDNIGHT + i * HOUR, 0.001 if i == 13 else 0.3) for i in range(24)]
    assert slots(rows, price_now=0.001)


@pytest.mark.parametrize("vat", [-1, 120, math.nan])
def test_a_formula_of_nonsense_is_refused(vat: float) -> None:
    with pytest.raises(Refused):
        Formula(vat_percent=vat)


def test_export_prices_join_import_prices_at_all_borders() -> None:
    imports, exports = slots(day(4)), slots(day(8, QUARTER))
    both = combine(imports, exports)
    assert [s.export_price for s in both] == [*(i / 100 for i in range(8)), None, None]
    assert sum((s.end - s.start for s in both), timedelta()) == 4 * HOUR


def test_a_correction_lies_over_what_was_known() -> None:
    known = slots(day(4))
    correction = slots([RawPrice(MIDNIGHT + HOUR + QUARTER, 0.5, MIDNIGHT + HOUR + 2 * QUARTER)])
    read = overlay(known, correction)
    assert [(s.import_price, (s.end - s.start) / QUARTER) for s in read] == [
        (0.0, 4),
        (0.01, 1),
        (0.5, 1),
        (0.01, 2),
        (0.02, 4),
        (0.03, 4),
    ]


def _random_rows(seed: int) -> tuple[list[RawPrice], dict[str, Any]]:
    rng = random.Random(seed)
    step = rng.choice([QUARTER, 2 * QUARTER, HOUR])
    values: list[Callable[[], Any]] = [
        lambda: round(rng.uniform(-0.2, 0.6), 4),
        lambda: f"{rng.uniform(0, 0.5):.3f}".replace(".", ","),
        lambda: None,
    ]
    rows = []
    for i in range(rng.randint(1, 250)):
        start = MIDNIGHT + i * step
        if rng.random() < 0.1:
            continue
        end = start + step if rng.random() < 0.5 else None
        rows += [RawPrice(start.isoformat(), rng.choice(values)(), end)] * rng.choice([1, 1, 1, 2])
    return rows, {
        "formula": Formula(addition=rng.uniform(0, 0.2), fees=(Fee(0.1, time(6), time(22)),))
    }


def test_slots_are_always_in_order_and_apart() -> None:
    for seed in range(150):
        rows, more = _random_rows(seed)
        if all(row.value is None for row in rows):
            continue
        read = slots(rows, **more)
        assert all(a.end <= b.start for a, b in pairwise(read))
        assert all(a.start < a.end for a in read)


@pytest.mark.parametrize(
    ("rows", "unit", "now"),
    [
        # cents from a cheap day, with an hour for nothing
        ([0, 0.5, 3, 12, 15, 18, 35], "EUR/kWh", 0.35),
        ([-2, 3, 12, 15, 18, 90], "DKK/kWh", 0.9),
        ([0.0, 0.12, 0.15, 0.35], "ct/kWh", 35),
        ([40, 80, 90, 120, 350], "ct/kWh", 0.35),
        # a day around 12 cents that its entity calls euros, without a present price
        ([9, 11, 12, 13, 14], "EUR/kWh", None),
        # one price that is none
        ([0.1, 0.2, 0.3, 900], "EUR/kWh", None),
    ],
)
def test_prices_in_another_unit_are_refused(
    rows: list[float], unit: str, now: float | None
) -> None:
    listed = [RawPrice(MIDNIGHT + i * HOUR, value) for i, value in enumerate(rows)]
    with pytest.raises(Refused, match="unit"):
        slots(listed, unit, price_now=now)


@pytest.mark.parametrize(
    ("rows", "now"),
    [
        # the present price is rounded, or one of a sunny day's few high ones
        ([0.0, 0.001, 0.002, 0.003, 0.25], 0.25),
        ([0.0, 0.001, 0.002, 0.003, 0.2512], 0.25),
        # with taxes, over market prices that hold a slip of it by chance
        ([0.0035, 0.05, 0.08, 0.1, 0.12], 0.35),
        ([-0.3, -0.1, -0.05, 0.02], -0.3),
        ([0.1, 0.2], 0.0),
        ([0.0, 0.0, 0.0], 0.2),
    ],
)
def test_unusual_prices_in_the_same_unit_are_taken(rows: list[float], now: float) -> None:
    listed = [RawPrice(MIDNIGHT + i * HOUR, value) for i, value in enumerate(rows)]
    assert len(slots(listed, price_now=now)) == len(rows)


def test_ends_a_minute_before_the_next_start_leave_no_gaps() -> None:
    rows = [
        RawPrice(MIDNIGHT + i * HOUR, 0.1, MIDNIGHT + i * HOUR + timedelta(minutes=59))
        for i in range(24)
    ]
    made = slots(rows)
    assert all(a.end == b.start for a, b in pairwise(made))


@pytest.mark.parametrize(
    "value",
    [10**5000, "x" * 10**6, 1e300, -1e300, 10**400, [1] * 10**5],
    ids=["digits", "text", "large", "negative", "whole", "list"],
)
def test_whatever_is_no_time_or_price_is_refused_in_a_short_text(value: object) -> None:
    for row in (RawPrice(value, 0.1), RawPrice(MIDNIGHT, value), RawPrice(MIDNIGHT, 0.1, value)):
        with pytest.raises(Refused) as caught:
            slots([row])
        assert len(str(caught.value)) < 250
