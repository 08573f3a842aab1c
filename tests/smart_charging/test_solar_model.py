"""What counts as a reading, and what is refused."""

from dataclasses import replace
import math
from typing import Any

import pytest

from custom_components.tesla_charging.smart_charging.solar_model import (
    WATT_SECONDS,
    BatteryReading,
    BatteryRule,
    BatterySettings,
    CarReading,
    CarSettings,
    CarState,
    Decision,
    ForecastSlot,
    Inputs,
    Limits,
    MeterReading,
    Others,
    Outcome,
    Prices,
    Reason,
    Wishes,
)

NONSENSE = (math.nan, math.inf, -math.inf)
METER = MeterReading(0.0, 100.0, (1.0, 2.0, 3.0), 500.0)
BATTERY = BatteryReading(0.0, 100.0, 50.0)
CAR = CarReading(0.0, CarState.CHARGING, 10, 9.5, 2000.0)
PRICES = Prices(0.3, 0.1, 0.2)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"grid_w": 1e6},
        {"grid_w": -1e6},
        {"pv_w": None},
        {"pv_w": 1e6},
        {"phase_a": ()},
        {"phase_a": (500.0, -500.0)},
        {"time": -5.0},
    ],
)
def test_readings_of_a_meter(changes: dict[str, Any]) -> None:
    assert replace(METER, **changes).is_sane


@pytest.mark.parametrize(
    "changes",
    [
        *({name: value} for name in ("time", "grid_w", "pv_w") for value in NONSENSE),
        {"grid_w": 1e6 + 0.5},
        {"grid_w": -1e6 - 0.5},
        {"pv_w": 1e6 + 0.5},
        {"phase_a": (1.0, 500.5)},
        {"phase_a": (math.nan, 1.0)},
    ],
)
def test_nonsense_of_a_meter(changes: dict[str, Any]) -> None:
    assert not replace(METER, **changes).is_sane


def test_readings_of_a_battery() -> None:
    for level in (0.0, 100.0):
        assert replace(BATTERY, level=level).is_sane
    for level in (-0.1, 100.1, *NONSENSE):
        assert not replace(BATTERY, level=level).is_sane
    for value in (*NONSENSE, 2e6):
        assert not replace(BATTERY, power_w=value).is_sane
    for value in NONSENSE:
        assert not replace(BATTERY, time=value).is_sane


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"request_a": 0},
        {"request_a": 500},
        {"drawn_a": 0.0},
        {"drawn_a": 500.0},
        {"power_w": None},
    ],
)
def test_readings_of_a_car(changes: dict[str, Any]) -> None:
    assert replace(CAR, **changes).is_sane


@pytest.mark.parametrize(
    "changes",
    [
        *({name: value} for name in ("time", "drawn_a", "power_w") for value in NONSENSE),
        {"request_a": -1},
        {"request_a": 501},
        {"drawn_a": -0.1},
        {"drawn_a": 500.1},
        {"power_w": 1.1e6},
    ],
)
def test_nonsense_of_a_car(changes: dict[str, Any]) -> None:
    assert not replace(CAR, **changes).is_sane


def test_a_request_counts_only_while_the_car_charges() -> None:
    assert CAR.told_a == 10
    for state in (CarState.STOPPED, CarState.COMPLETE, CarState.UNPLUGGED):
        assert replace(CAR, state=state).told_a == 0


def test_prices() -> None:
    assert PRICES.is_sane
    assert replace(PRICES, grid=-0.5, export=-0.1, later=-0.2).is_sane
    assert Prices(1e6, 1e6, 1e6, 0.0, 0.0, 0.0).is_sane
    for name in ("grid", "export", "later", "command", "wake", "wear"):
        for value in (*NONSENSE, 1.1e6):
            assert not replace(PRICES, **{name: value}).is_sane
    for name in ("command", "wake", "wear"):
        assert not replace(PRICES, **{name: -0.001}).is_sane


@pytest.mark.parametrize("name", ["import_w", "phase_a", "car_a"])
def test_a_limit_is_a_number_that_is_not_negative(name: str) -> None:
    possible: tuple[Any, ...] = (None, 0, 16, math.inf)
    for value in possible:
        assert getattr(Limits(**{name: value}), name) == value
    impossible: tuple[Any, ...] = (-1, math.nan)
    for value in impossible:
        with pytest.raises(ValueError, match=f"a limit of {value}"):
            Limits(**{name: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"min_a": 0},
        {"min_a": 17},
        {"max_a": 4},
        {"max_a": 501},
        {"phases": 0},
        {"phases": 4},
        {"volts": 79.0},
        {"volts": 301.0},
        {"volts": math.nan},
    ],
)
def test_settings_that_no_car_can_have(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        CarSettings(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"min_a": 1},
        {"min_a": 16},
        {"max_a": 500},
        {"phases": 1},
        {"phases": 2},
        {"volts": 80.0},
        {"volts": 300.0},
    ],
)
def test_settings_that_a_car_can_have(changes: dict[str, Any]) -> None:
    assert CarSettings(**changes)


@pytest.mark.parametrize(
    ("share", "watts", "is_possible"),
    [
        (0.0, 0.0, True),
        (1.0, 1e6, True),
        (-0.1, 5000.0, False),
        (1.1, 5000.0, False),
        (math.nan, 5000.0, False),
        (0.5, -1.0, False),
        (0.5, 1.1e6, False),
    ],
)
def test_settings_of_a_home_battery(share: float, watts: float, *, is_possible: bool) -> None:
    if is_possible:
        assert BatterySettings(BatteryRule.SHARE, watts, share=share)
    else:
        with pytest.raises(ValueError):
            BatterySettings(BatteryRule.SHARE, watts, share=share)


def test_what_holds_where_nothing_is_said() -> None:
    assert CarSettings() == CarSettings(5, 16, 3, 230.0, 60.0, 900.0)
    assert BatterySettings(BatteryRule.AFTER, 1.0) == BatterySettings(
        BatteryRule.AFTER, 1.0, 0.0, 0.5, 98.0
    )
    assert Prices(0.3, 0.1, 0.2, 0.001, 0.02, 0.0) == PRICES
    assert Limits() == Limits(None, None, None)
    assert Wishes() == Wishes(0, 0.0, follow_sun=True)
    assert Others() == Others(0.0, 0.0, 0.0, 0.0)
    reading = CarReading(0.0, CarState.STOPPED, 0, 0.0)
    assert reading == CarReading(0.0, CarState.STOPPED, 0, 0.0, None, 0, 0.0, None, asleep=False)
    assert MeterReading(0.0, 0.0) == MeterReading(0.0, 0.0, (), None)
    inputs = Inputs(PRICES, None, None)
    assert inputs == Inputs(PRICES, None, None, None, Wishes(), Limits(), (), Others())
    decision = Decision(reason=Reason.NO_SUN)
    assert (decision.command, decision.best_a, decision.surplus_w, decision.until) == (None,) * 4
    numbers = (
        "told_a",
        "floor_a",
        "limit_a",
        "lost",
        "threshold",
        "takes_w",
        "planned_w",
        "claim_w",
    )
    assert {getattr(decision, name) for name in numbers} == {0}


def test_a_kwh_is_so_many_watt_seconds() -> None:
    assert WATT_SECONDS == 1000 * 3600


def test_the_words_are_keys_of_translations() -> None:
    for words in (Reason, Outcome, CarState, BatteryRule):
        assert all(word.value == word.name.lower() for word in words)


def test_everything_that_comes_in_or_goes_out_is_frozen() -> None:
    for thing in (METER, BATTERY, CAR, PRICES, Wishes(), Limits(), Others(), ForecastSlot(0, 1, 2)):
        with pytest.raises(AttributeError):
            thing.time = 1.0  # type: ignore[misc, union-attr]
        assert not hasattr(thing, "__dict__")
