"""Optional entities: the carbon of the grid's power and the grid operator's limit, in whatever unit they are."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from homeassistant.core import State
import pytest

from custom_components.tesla_charging.charging.limits import (
    Co2Reading,
    GridLimit,
    read_co2,
    read_grid_limit,
)
from custom_components.tesla_charging.smart_charging.model import AmpsWindow

from .price_shapes import AMSTERDAM, HOUR, prices_of

START = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
END = START + timedelta(hours=6)


def state(value: str, unit: str | None = "gCO2eq/kWh", **attributes: Any) -> State:
    given = {} if unit is None else {"unit_of_measurement": unit}
    return State("sensor.grid", value, {**given, **attributes}, last_reported=START)


def co2(given: State | None) -> Co2Reading:
    return read_co2(given, START, END, AMSTERDAM)


@pytest.mark.parametrize(
    ("value", "unit", "kg"),
    [
        ("230", "gCO2eq/kWh", 0.23),
        ("230", "g/kWh", 0.23),
        ("230", "gCO2/kWh", 0.23),
        ("230", "g CO₂ eq/kWh", 0.23),
        ("0.23", "kg/kWh", 0.23),
        ("230", "kg/MWh", 0.23),
        ("0", "g/kWh", 0.0),
    ],
)
def test_carbon_of_now_holds_until_the_end(value: str, unit: str, kg: float) -> None:
    reading = co2(state(value, unit))
    assert reading.series
    (slot,) = reading.series.slots
    assert (slot.start, slot.end) == (START, END)
    assert slot.kg_per_kwh == pytest.approx(kg)
    assert reading.reason == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "does not exist"),
        (state("unavailable"), "'unavailable'"),
        (state("unknown"), "'unknown'"),
        (state("nan"), "'nan'"),
        (state("230", None), "'' is no carbon"),
        (state("42", "%"), "'%' is no carbon"),
        (state("230", "kg/kWh"), "230 kg/kWh cannot be"),
        (state("-5"), "-5 gCO2eq/kWh cannot be"),
        (state("x" * 1000), "xxx"),
    ],
)
def test_without_a_value_there_is_no_carbon_and_why_is_said(
    given: State | None, words: str
) -> None:
    reading = co2(given)
    assert reading.series is None
    assert words in reading.reason
    assert len(reading.reason) < 120


def test_gaps_of_a_forecast_are_as_now() -> None:
    """A slot without a value would count as clean."""
    rows = [
        {"from": "2026-11-28T10:00Z", "to": "2026-11-28T11:00Z", "intensity": {"forecast": 100}},
        {"from": "2026-11-28T11:00Z", "to": "2026-11-28T12:00Z", "intensity": {"forecast": 50}},
        {"from": "2026-11-28T13:00Z", "to": "2026-11-28T18:00Z", "intensity": {"forecast": 400}},
    ]
    reading = co2(state("230", forecast=rows))
    assert reading.series
    assert [
        ((s.start - START) / timedelta(minutes=1), round(s.kg_per_kwh, 3))
        for s in reading.series.slots
    ] == [(0, 0.23), (30, 0.1), (90, 0.05), (150, 0.23), (210, 0.4)]
    assert reading.series.slots[-1].end == END


def test_carbon_by_the_times_of_today() -> None:
    """As Energi Data Service has it, by the home's clock."""
    emissions = {f"{h:02}:{m:02}": 10 * h for h in range(24) for m in range(0, 60, 5)}
    reading = co2(state("100", "g/kWh", emissions=emissions))
    assert reading.series
    assert len(reading.series.slots) == 72
    assert reading.series.slots[0].kg_per_kwh == pytest.approx(0.1)
    assert reading.series.slots[-1].kg_per_kwh == pytest.approx(0.16)


@pytest.mark.parametrize(
    "attributes",
    [
        {"forecast": [{"datetime": "2026-11-28T10:00Z", "value": -3}]},
        {"forecast": [{"datetime": "soon", "value": 3}]},
        {"forecast": [{"datetime": "2026-11-28T10:00Z", "value": "NaN"}]},
        {"forecast": [{"datetime": "2026-11-28T10:00Z", "value": 1e9}]},
        {"emissions": {"10:00": "much"}},
    ],
)
def test_a_forecast_that_makes_no_sense_is_said_and_left_out(attributes: Any) -> None:
    reading = co2(state("230", **attributes))
    assert reading.series
    assert len(reading.series.slots) == 1
    assert reading.reason


@pytest.mark.parametrize(
    "attributes",
    [
        {"forecast": [1, 2]},
        {"forecast": "sunny"},
        {"forecast": [{"temperature": 3}]},
        {
            "data": [
                {"start": p.start, "price": p.price} for p in prices_of(date(2026, 11, 28), HOUR)
            ]
        },
        {"emissions": {str(i): i for i in range(100_000)}},
        {"emissions": {7: 1, "25:00": 3}},
    ],
    ids=range(6),
)
def test_other_attributes_are_no_forecast(attributes: Any) -> None:
    reading = co2(state("230", **attributes))
    assert reading.series
    assert len(reading.series.slots) == 1
    assert reading.reason == ""


def limit(given: State | None, phases: int = 3) -> GridLimit:
    return read_grid_limit(given, START, END, volts=230, phases=phases)


@pytest.mark.parametrize(
    ("value", "unit", "phases", "amps"),
    [
        ("4200", "W", 3, 6.087),
        ("4.2", "kW", 3, 6.087),
        ("4.2", "kW", 1, 18.261),
        ("10", "A", 3, 10),
        ("10000", "mA", 1, 10),
        ("0", "W", 3, 0),
    ],
)
def test_a_limit_is_in_amps_of_the_car(value: str, unit: str, phases: int, amps: float) -> None:
    assert limit(state(value, unit), phases).ceilings == (AmpsWindow(START, END, amps),)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "does not exist"),
        (state("unavailable", "W"), "'unavailable'"),
        (state("4200", None), "None is no limit"),
        (state("50", "%"), "'%' is no limit"),
        (state("-4200", "W"), "-4200 W cannot be"),
        (state("inf", "W"), "'inf'"),
    ],
)
def test_without_a_value_there_is_no_limit_and_why_is_said(given: State | None, words: str) -> None:
    assert limit(given).ceilings == ()
    assert words in limit(given).reason


def test_a_very_large_number_is_no_limit() -> None:
    assert limit(state("1e9", "W")) == GridLimit()
