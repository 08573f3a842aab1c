"""What the answers of a charging car make expect: narrowed down by each of them, and never believed blindly."""

from typing import Any

import pytest

from custom_components.tesla_charging.polling.charge_forecast import ChargeForecast, forecast
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState

NOW = 1_790_000_000.0
RATE = 13.5 / 3600
"""Percent per second of a car that charges with 11 kW."""
MILES = 3.0
"""The range of a percent."""


def told(now: float, exact: float, **more: Any) -> VehicleState:
    """Return what a car says whose level is this."""
    values = {
        "BatteryLevel": int(exact),
        "RatedRange": round(exact * MILES, 2),
        "ChargeRateMilePerHour": round(RATE * 3600 * MILES, 1),
        "EstimatedHoursToChargeTermination": round((80 - exact) / RATE / 60) / 60,
        "ChargeLimitSoc": 80,
        **more,
    }
    return VehicleState({name: Reading(value, now) for name, value in values.items()})


def test_every_answer_narrows_down_when_the_level_becomes_another() -> None:
    expected: ChargeForecast | None = None
    errors, doubts = [], []
    now, exact = NOW, 40.4
    for _ in range(10):
        expected = forecast(told(now, exact), expected, now, charged_meanwhile=expected is not None)
        assert expected is not None
        assert expected.low <= exact <= expected.high
        doubts.append(expected.high - expected.low)
        moment = expected.step_in(now + 300, now + 600)
        assert moment is not None
        seconds = moment - now
        now, exact = moment, exact + RATE * seconds
        since = exact % 1 / RATE
        errors.append(min(since, 1 / RATE - since))
    assert doubts[0] == 1
    assert doubts[-1] < 0.3
    assert max(errors[-3:]) < 60, "of four and a half minutes that a percent takes"


def test_a_step_is_looked_for_within_bounds_and_never_in_the_past() -> None:
    charge = ChargeForecast(NOW, 50.0, 50.0, rate=1 / 100)
    assert charge.step_in(NOW, NOW + 350) == NOW + 300
    assert charge.step_in(NOW + 301, NOW + 399) is None
    assert charge.step_in(NOW - 500, NOW + 99) is None
    assert ChargeForecast(NOW, 50.0, 51.0).step_in(NOW, NOW + 999) is None


def test_a_car_that_shows_another_range_than_expected_is_a_new_beginning() -> None:
    before = ChargeForecast(NOW, 50.0, 50.1, range_miles=150.0, rate=RATE)
    after = forecast(
        told(NOW + 600, 52.5, RatedRange=140.0), before, NOW + 600, charged_meanwhile=True
    )
    assert after is not None
    assert (after.low, after.high) == (52.0, 53.0)


def test_another_power_is_noticed_with_the_next_answer() -> None:
    before = ChargeForecast(NOW, 50.0, 50.1, range_miles=150.0, rate=RATE)
    after = forecast(told(NOW + 600, 57.5), before, NOW + 600, charged_meanwhile=True)
    assert after is not None
    assert after.rate == pytest.approx(7.5 / 600, rel=0.02)
    # what it lost or won while it did not charge tells nothing of how fast it does
    later = forecast(told(NOW + 600, 57.5), before, NOW + 600, charged_meanwhile=False)
    assert later is not None
    assert later.rate == pytest.approx(RATE, rel=0.02)


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ({}, RATE),
        # without its speed: by the time that it needs
        ({"ChargeRateMilePerHour": None}, RATE),
        ({"ChargeRateMilePerHour": 0, "RatedRange": None}, RATE),
        ({"ChargeRateMilePerHour": None, "EstimatedHoursToChargeTermination": None}, None),
        ({"ChargeRateMilePerHour": None, "EstimatedHoursToChargeTermination": 0}, None),
        ({"ChargeRateMilePerHour": None, "ChargeLimitSoc": None}, None),
        ({"ChargeRateMilePerHour": None, "ChargeLimitSoc": 50}, None),
        # nobody charges like that
        (
            {"ChargeRateMilePerHour": 5_000, "RatedRange": 1, "ChargeLimitSoc": None},
            None,
        ),
        ({"ChargeRateMilePerHour": -10, "ChargeLimitSoc": None}, None),
    ],
)
def test_how_fast_it_goes_is_known_from_the_first_answer_if_a_car_says_so(
    said: dict[str, Any], rate: float | None
) -> None:
    expected = forecast(told(NOW, 60.2, **said), None, NOW, charged_meanwhile=False)
    assert expected is not None
    assert expected.rate == (rate if rate is None else pytest.approx(rate, rel=0.03))


def test_its_end_is_what_the_car_says() -> None:
    expected = forecast(
        told(NOW, 60.0, EstimatedHoursToChargeTermination=1.5), None, NOW, charged_meanwhile=False
    )
    assert expected is not None
    assert expected.ends_at == NOW + 5400 + 30
    silent = forecast(
        told(NOW, 60.0, EstimatedHoursToChargeTermination=None), None, NOW, charged_meanwhile=False
    )
    assert silent is not None
    assert silent.ends_at is None
    assert forecast(told(NOW, 60.0, BatteryLevel=None), None, NOW, charged_meanwhile=False) is None
