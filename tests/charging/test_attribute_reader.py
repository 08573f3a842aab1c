"""Prices in attributes: every shape that its source documents is read, and what is not understood is said in words."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
import json
import math
from typing import Any

import pytest

from custom_components.tesla_charging.charging.attribute_reader import (
    MAX_ROWS,
    AttributePrices,
    NotUnderstood,
    Reason,
    read_attributes,
)
from custom_components.tesla_charging.charging.attribute_shapes import SOURCES, list_ids, source_of
from custom_components.tesla_charging.smart_charging.normalise import Refused, normalise
from custom_components.tesla_charging.smart_charging.series import PriceSlot

from .price_shapes import (
    AMSTERDAM,
    HOUR,
    QUARTER,
    SHAPES,
    Priced,
    Shape,
    bare_lists,
    hacs_nordpool,
    prices_of,
    pvpc,
    template_sensor,
)

WINTER, SPRING, AUTUMN = date(2026, 11, 28), date(2026, 3, 29), date(2026, 10, 25)


def read(
    attributes: Mapping[str, Any],
    *,
    state: str = "0.1",
    unit: str = "EUR/kWh",
    day: date = WINTER,
    **more: Any,
) -> AttributePrices:
    written = datetime.combine(day, time(14), AMSTERDAM)
    return read_attributes(state, attributes, unit=unit, zone=AMSTERDAM, written=written, **more)


def slots_of(found: AttributePrices) -> tuple[PriceSlot, ...]:
    rows = found.rows or found.forecast
    return normalise(
        rows, unit=found.unit, zone=AMSTERDAM, source="test", price_now=found.price_now
    )


@pytest.mark.parametrize(
    ("day", "quarters"), [(WINTER, 96), (SPRING, 92), (AUTUMN, 100)], ids=["96", "92", "100"]
)
@pytest.mark.parametrize(
    ("shape", "step"),
    [(shape, step) for shape in SHAPES for step in shape.steps],
    ids=lambda value: value.write.__name__ if isinstance(value, Shape) else str(value),
)
@pytest.mark.parametrize("published", [True, False], ids=["two days", "one day"])
def test_each_shape_gives_the_prices_that_were_written(
    shape: Shape, step: timedelta, day: date, quarters: int, published: bool
) -> None:
    today = prices_of(day, step)
    tomorrow = prices_of(day + timedelta(days=1), step) if published else []
    assert len(today) == quarters // (step // QUARTER)
    unit = shape.unit or "GBP/kWh"
    found = read(shape.write(today, tomorrow), state=shape.state, unit=unit, day=day)
    assert bool(found.forecast) is shape.expected
    slots = slots_of(found)
    if shape.by_wall_clock and day == AUTUMN:
        assert len(slots) == len(today) + len(tomorrow) - 1
        return
    assert [(s.start, s.end) for s in slots] == [(p.start, p.end) for p in (*today, *tomorrow)]
    assert [s.import_price for s in slots] == pytest.approx(
        [p.price for p in (*today, *tomorrow)], abs=1e-6
    )


def test_a_state_is_told_in_the_unit_of_the_list() -> None:
    today = prices_of(WINTER, HOUR)
    zonneplan = {
        "forecast": [
            {"datetime": p.start.isoformat(), "electricity_price": round(p.price * 1e7)}
            for p in today
        ]
    }
    assert read(zonneplan, state="0.2512", unit="€/kWh").price_now == pytest.approx(2_512_000)
    epex = {"data": [{"start_time": p.start, "price_ct_per_kwh": p.price * 100} for p in today]}
    assert read(epex, state="251.2", unit="EUR/MWh").price_now == pytest.approx(25.12)
    for state in ("unknown", "unavailable", "2026-11-28T00:00:00+00:00", "nan", ""):
        assert read(epex, state=state).price_now is None


def test_prices_in_cents_that_their_entity_calls_euros_are_in_cents() -> None:
    today = [Priced(p.start, p.step, p.price * 100) for p in prices_of(WINTER)]
    attributes = hacs_nordpool(today, []) | {"price_in_cents": True}
    slots = slots_of(read(attributes, state="10", unit="EUR/kWh"))
    assert max(s.import_price for s in slots) < 1


def test_a_unit_is_found_in_the_attributes() -> None:
    attributes = hacs_nordpool(prices_of(WINTER), [])
    assert read(attributes, unit="").unit.currency == "EUR"
    attributes = template_sensor(prices_of(WINTER), []) | {"unit_of_measurement": "SEK/kWh"}
    assert read(attributes, unit="").unit.currency == "SEK"


def test_whole_numbers_that_are_small_are_no_ten_millionths() -> None:
    rows = [
        {"datetime": p.start.isoformat(), "electricity_price": i % 7}
        for i, p in enumerate(prices_of(WINTER, HOUR))
    ]
    assert read({"forecast": rows}, unit="ct/kWh").unit.factor == 0.01


def test_a_forecast_beside_published_prices_is_a_forecast() -> None:
    later = [
        {"hour": p.start.astimezone(AMSTERDAM), "price": p.price}
        for p in prices_of(WINTER + timedelta(days=2), HOUR)
    ]
    found = read(hacs_nordpool(prices_of(WINTER), []) | {"forecast": later})
    assert len(found.rows) == 96
    assert len(found.forecast) == 24
    assert found.where == ("raw_today", "forecast")


def test_what_is_not_valid_for_tomorrow_is_left_out() -> None:
    attributes = hacs_nordpool(prices_of(WINTER), prices_of(WINTER))
    found = read(attributes | {"tomorrow_valid": False})
    assert len(found.rows) == 96


def test_a_tomorrow_that_is_today_again_is_left_out() -> None:
    today = prices_of(WINTER)
    again = [Priced(p.start + timedelta(days=1), p.step, p.price) for p in today]
    found = read(hacs_nordpool(today, again))
    assert found.copied
    assert len(found.rows) == 96
    assert found.where == ("raw_today",)


def test_a_tariff_of_a_few_rates_may_repeat_each_day() -> None:
    rates = [0.31 if 7 <= i // 4 < 23 else 0.25 for i in range(96)]
    days = [
        [Priced(p.start, p.step, rate) for p, rate in zip(prices_of(day), rates, strict=True)]
        for day in (WINTER, WINTER + timedelta(days=1))
    ]
    found = read(hacs_nordpool(*days))
    assert not found.copied
    assert len(found.rows) == 192


def test_hours_with_names_belong_to_the_day_on_which_they_were_written() -> None:
    """An entity that was last written before midnight still has yesterday's prices."""
    attributes = pvpc(prices_of(WINTER, HOUR), [])
    found = read_attributes(
        *("0.1", attributes),
        unit="€/kWh",
        zone=AMSTERDAM,
        written=datetime.combine(WINTER, time(23, 59), AMSTERDAM),
    )
    assert slots_of(found)[0].start == datetime.combine(WINTER, time(0), AMSTERDAM)


def test_quarters_that_a_source_writes_by_wall_clock_leave_the_repeated_hour_open() -> None:
    """GE-Spot's keys are 00:00 to 23:45 on every day: on the day with 25 hours one hour has no price."""
    wall = {
        local.strftime("%H:%M"): p
        for p in prices_of(AUTUMN)
        if (local := p.start.astimezone(AMSTERDAM))
    }
    today = [
        {"time": datetime.combine(AUTUMN, time.fromisoformat(at), AMSTERDAM), "value": p.price}
        for at, p in sorted(wall.items())
    ]
    slots = slots_of(read({"today_interval_prices": today}, day=AUTUMN))
    assert len(slots) == 96
    gap = next(b.start - a.end for a, b in pairwise(slots) if b.start != a.end)
    assert gap == HOUR


def test_names_of_attributes_can_be_given() -> None:
    rows = template_sensor(prices_of(WINTER), [])["prices_today"]
    attributes = {"strompreise": rows, "raw_today": [{"start": 3, "value": "x"}]}
    assert len(read(attributes, names=("strompreise",)).rows) == 96
    with pytest.raises(NotUnderstood) as caught:
        read(attributes, names=("elsewhere",))
    assert caught.value.reason is Reason.NO_LIST


ROW = {"start": "2026-11-28T00:00:00+01:00", "value": 0.1}


@pytest.mark.parametrize(
    ("attributes", "reason", "words"),
    [
        ({}, Reason.NO_LIST, "There are: -"),
        ({"friendly_name": "Price"}, Reason.NO_LIST, "friendly_name (Price)"),
        ({"slots": [1, 2, 3]}, Reason.NO_LIST, "slots (list of 3, first 1)"),
        ({"raw_today": []}, Reason.EMPTY, "raw_today has no prices"),
        ({"raw_today": None, "raw_tomorrow": None}, Reason.EMPTY, "raw_today, raw_tomorrow"),
        ({"rates": ["a"]}, Reason.NOT_ROWS, "Row 1 of rates is no set of values but a"),
        ({"data": [[1, 2]]}, Reason.NOT_ROWS, "Row 1 of data"),
        ({"data": [ROW, 7]}, Reason.NOT_ROWS, "Row 2 of data is no set of values but 7"),
        ({"data": [ROW, {"value": 1}]}, Reason.NOT_ROWS, "{value}"),
        ({"data": [{"value": 1}]}, Reason.NO_TIME, "value: 1"),
        ({"data": [{"hour": 3, "value": 1}]}, Reason.NO_TIME, "hour: 3, value: 1"),
        ({"data": [{"start": "00:00", "value": 1}]}, Reason.NO_TIME, "start: 00:00"),
        ({"data": [{"start": ROW["start"], "rank": 3}]}, Reason.NO_PRICE, "rank: 3"),
        ({"data": [{"start": ROW["start"], "price": {"a": 1}}]}, Reason.NO_PRICE, "price: object"),
        ({"data": [{"start": ROW["start"], "price": [0.1]}]}, Reason.NO_PRICE, "price: list"),
        ({"today": [0.1] * 23}, Reason.DAY_LENGTH, "today has 23 prices, and the day 24 hours"),
        ({"data": [ROW] * (MAX_ROWS + 1)}, Reason.TOO_MANY, "3001"),
        ({"today": [0.1] * 100_000}, Reason.TOO_MANY, "100000"),
        ({"data": {str(i): i for i in range(100_000)}}, Reason.TOO_MANY, "100000"),
        ({f"a{i}": i for i in range(100_000)}, Reason.TOO_MANY, "100000"),
    ],
)
def test_what_is_not_understood_is_said_with_what_was_found(
    attributes: Mapping[str, Any], reason: Reason, words: str
) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read(attributes)
    assert caught.value.reason is reason
    assert words in str(caught.value)
    assert caught.value.reason.format(**caught.value.placeholders) == str(caught.value)


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        ("", Reason.NO_UNIT),
        ("kWh", Reason.UNKNOWN_UNIT),
        ("%", Reason.UNKNOWN_UNIT),
        ("€/m³", Reason.UNKNOWN_UNIT),
    ],
)
def test_a_price_without_a_unit_of_energy_is_refused(unit: str, reason: Reason) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read({"data": [ROW]}, unit=unit)
    assert caught.value.reason is reason


def test_a_list_that_is_broken_does_not_hide_another_one() -> None:
    attributes = {"raw_today": ["?"], **template_sensor(prices_of(WINTER), [])}
    assert read(attributes).where == ("prices_today",)


@pytest.mark.parametrize(
    "attributes",
    [
        {"data": [ROW | {"value": math.nan}]},
        {"data": [ROW | {"value": "NaN"}]},
        {"data": [ROW | {"value": math.inf}]},
        {"data": [ROW | {"value": "expensive"}]},
        {"data": [ROW, ROW | {"value": {"deep": [1]}}]},
        {"data": [ROW, ROW | {"start": None}]},
        {"data": [ROW, ROW | {"start": "soon"}]},
        {"data": [ROW, ROW | {"start": 10**400}]},
        {"data": [ROW | {"start": "9999-12-31T23:59:59-12:00"}]},
        {"data": [ROW | {"start": "0001-01-01T00:00:00+14:00"}]},
        {"data": [ROW | {"start": 1e300}]},
        {"data": [ROW | {"value": 10**400}]},
        {"data": [ROW | {"value": "x" * 100_000}]},
        {"data": [ROW | {"value": 1e9}]},
        {"data": [ROW | {"end": "2026-11-27T00:00:00+01:00"}]},
        {"data": "[" * 100_000},
        {"data": json.dumps([ROW] * 5_000)},
        {"data": [{f"k{i}": i for i in range(100_000)}]},
        {"data": [{"start": "x" * 100_000, "value": 1}]},
        {"x" * 100_000: [ROW]},
    ],
    ids=range(20),
)
def test_hostile_attributes_are_refused_with_a_reason_that_can_be_shown(
    attributes: Mapping[str, Any],
) -> None:
    with pytest.raises((NotUnderstood, Refused)) as caught:
        slots_of(read(attributes))
    assert 10 < len(str(caught.value)) < 1_000


def test_mixed_zones_and_naive_times_are_told_apart() -> None:
    rows = [
        {"start": "2026-11-28T00:00:00", "value": 0.1},
        {"start": "2026-11-28T00:00:00Z", "value": 0.2},
        {"start": "2026-11-28T03:00:00+02:00", "value": 0.25},
        {"start": datetime(2026, 11, 28, 2, tzinfo=UTC), "value": 0.3},
    ]
    slots = slots_of(read({"data": rows}))
    assert [s.start.hour for s in slots] == [23, 0, 1, 2]
    assert [s.import_price for s in slots] == [0.1, 0.2, 0.25, 0.3]


@pytest.mark.parametrize("step", [QUARTER, HOUR])
def test_naive_local_times_of_the_night_with_two_three_oclocks(step: timedelta) -> None:
    prices = prices_of(AUTUMN, step)
    rows = [
        {"start": p.start.astimezone(AMSTERDAM).replace(tzinfo=None).isoformat(), "value": p.price}
        for p in prices
    ]
    slots = slots_of(read({"data": rows}, day=AUTUMN))
    assert [s.start for s in slots] == [p.start for p in prices]


def test_a_day_whose_length_does_not_fit_is_not_guessed() -> None:
    """24 bare prices on a day of 25 hours: which hour is missing is not known."""
    with pytest.raises(NotUnderstood) as caught:
        read(bare_lists(prices_of(WINTER, HOUR), []), day=AUTUMN)
    assert caught.value.reason is Reason.DAY_LENGTH


def test_the_table_of_integrations() -> None:
    assert len({row.platform for row in SOURCES}) == len(SOURCES)
    octopus = source_of("octopus_energy")
    assert octopus
    assert list_ids(octopus, "octopus_energy_electricity_1_2_current_rate") == (
        "octopus_energy_electricity_1_2_current_day_rates",
        "octopus_energy_electricity_1_2_next_day_rates",
    )
    assert list_ids(octopus, "something_else") == ("something_else",)
    nordpool = source_of("nordpool")
    assert nordpool
    assert list_ids(nordpool, "nordpool_kwh") == ("nordpool_kwh",)
    assert source_of("weather") is None
