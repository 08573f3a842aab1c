"""The money by which the solar controller decides: against brute force, and by numbers calculated by hand."""

from dataclasses import replace
import math
import random

import pytest

from custom_components.tesla_charging.smart_charging.solar_model import ForecastSlot, Prices
from custom_components.tesla_charging.smart_charging.solar_money import (
    Thresholds,
    best_amps,
    pays_from,
    rate,
    seconds_left,
    seconds_until,
    start_price,
    thresholds,
)
from tests.smart_charging.solar_rig import PRICES

HOUR = 3600.0


@pytest.mark.parametrize(
    ("surplus_w", "watts", "hourly"),
    [
        (0, 0, 0.0),
        (2000, 1000, 0.22),
        (2000, 2000, 0.44),
        (2000, 3000, 0.44 - 0.08),
        (-500, 1000, -0.08),
        (0, 1000, -0.08),
    ],
)
def test_the_sun_earns_and_the_grid_costs(surplus_w: float, watts: float, hourly: float) -> None:
    assert rate(PRICES, surplus_w, watts) * HOUR == pytest.approx(hourly)


def test_the_best_current_is_that_of_brute_force() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        prices = Prices(*(rng.uniform(-0.3, 0.5) for _ in range(3)))
        unit, low, high = rng.choice([230.0, 690.0]), rng.randint(5, 12), rng.randint(3, 32)
        surplus = rng.uniform(-3000, 15000)
        best = best_amps(prices, surplus, unit, low, high)
        everything = [0, *range(low, high + 1)]
        assert best in everything
        most = max(rate(prices, surplus, amps * unit) for amps in everything)
        assert rate(prices, surplus, best * unit) == pytest.approx(most, abs=1e-15)


@pytest.mark.parametrize(
    ("surplus_a", "best"),
    [
        (10.26, 10),
        (10.28, 11),
        (10.0, 10),
        (1.32, 0),
        (1.34, 5),
        (31.9, 16),
        (-3.0, 0),
        (15.9, 16),
    ],
)
def test_an_ampere_is_worth_it_from_its_share_of_sun_on(surplus_a: float, best: int) -> None:
    # (import - later) / (import - export) = 0.08 / 0.30
    assert best_amps(PRICES, surplus_a * 690, 690, 5, 16) == best


def test_nothing_is_best_where_nothing_earns() -> None:
    assert best_amps(replace(PRICES, export=0.5), 9000, 690, 5, 16) == 0
    assert best_amps(replace(PRICES, export=0.30), 9000, 690, 5, 16) == 0
    assert best_amps(PRICES, 9000, 690, 5, 4) == 0
    assert best_amps(PRICES, 9000, 690, 5, 5) == 5


def test_all_is_best_where_the_grid_pays() -> None:
    assert best_amps(replace(PRICES, grid=-0.1), 0, 690, 5, 16) == 16


def test_the_surplus_from_which_the_least_current_pays() -> None:
    assert pays_from(PRICES, 3450) == pytest.approx(3450 * 0.08 / 0.30)
    assert rate(PRICES, pays_from(PRICES, 3450), 3450) == pytest.approx(0)
    assert pays_from(replace(PRICES, export=0.30), 3450) == math.inf
    assert pays_from(replace(PRICES, export=0.29), 3450) == pytest.approx(3450 * 0.08 / 0.09)
    assert pays_from(replace(PRICES, grid=0.30), 3450) == 0
    assert pays_from(Prices(grid=0.1, export=0.1, later=0.2), 3450) == math.inf
    # the grid is so cheap that nothing has to come from the sun, and so little that more would be lost
    assert pays_from(Prices(grid=0.0, export=0.15, later=0.2), 3450) == math.inf


FORECAST = (
    ForecastSlot(7200, 9000, 3000),
    ForecastSlot(0, 1800, 500),
    ForecastSlot(1800, 3600, 2000),
    ForecastSlot(3600, 7200, 2500),
    ForecastSlot(9000, 10800, 100),
    ForecastSlot(12000, 14000, 4000),
)


@pytest.mark.parametrize(
    ("now", "watts", "seconds"),
    [
        (100, 400, 0),
        (100, 500, 0),
        (100, 501, 1700),
        (1800, 501, 0),
        (1799, 2000, 1),
        (100, 2600, 7100),
        (100, 5000, math.inf),
        (9500, 3500, 2500),
        (-1, 100, None),
        (0, 100, 0),
        (14000, 100, None),
        (13999, 100, 0),
        (11000, 100, None),
    ],
)
def test_when_the_sun_is_expected(now: float, watts: float, seconds: float | None) -> None:
    assert seconds_until(FORECAST, now, watts) == seconds


@pytest.mark.parametrize(
    ("now", "watts", "seconds"),
    [
        (2000, 2000, 7000),
        (1800, 2000, 7200),
        (2000, 2500, 0),
        (2000, 100, 8800),
        (100, 501, 0),
        (9000, 101, 0),
        (8999, 101, 1),
        (12500, 100, 1500),
    ],
)
def test_how_long_the_sun_is_expected_to_stay(now: float, watts: float, seconds: float) -> None:
    assert seconds_left(FORECAST, now, watts) == seconds


def test_a_start_costs_two_commands_and_a_sleeping_car_a_wake_up() -> None:
    prices = replace(PRICES, wear=0.05)
    assert start_price(prices, asleep=False) == pytest.approx(0.052)
    assert start_price(prices, asleep=True) == pytest.approx(0.072)


def limits(
    forecast: tuple[ForecastSlot, ...],
    now: float = 0.0,
    surplus_w: float = 0.0,
    *,
    asleep: bool = False,
    wear: float = 0.0,
) -> Thresholds:
    return thresholds(
        replace(PRICES, wear=wear), forecast, now, 3450, surplus_w, 900, asleep=asleep
    )


def is_close(found: Thresholds, change: float, start: float, stop: float) -> bool:
    return (found.change, found.start, found.stop) == pytest.approx((change, start, stop))


def test_thresholds_without_a_forecast_are_the_prices_of_acting() -> None:
    assert is_close(limits(()), 0.0015, 0.0005, 0.006)
    assert is_close(limits((), asleep=True), 0.0015, 0.0055, 0.006)
    assert is_close(limits((), wear=0.05), 0.0015, 0.013, 0.106)


def test_a_cloud_under_a_sun_that_stays_is_waited_out() -> None:
    sun = (ForecastSlot(0, 3600, 5000),)
    assert is_close(limits(sun, surplus_w=5000), 0.0015, 0.00025, 0.009)
    assert is_close(limits(sun, surplus_w=5000, asleep=True), 0.0015, 0.00275, 0.009)
    assert limits(sun).stop == pytest.approx(0.009)


def test_a_sun_that_is_expected_to_end_is_not_worth_a_start() -> None:
    # 3.45 kW for so long earn 3.45 * 0.22 an hour: the start and the stop are 0.003, or 0.023
    for asleep, price, start in ((False, 0.003, 0.0005), (True, 0.023, 0.0055)):
        seconds = price / (3.45 * 0.22) * 3600
        for longer, factor in ((1, 0.5), (-1, 3.0)):
            sun = (ForecastSlot(0, seconds + longer, 5000), ForecastSlot(3000, 9000, 0))
            found = limits(sun, surplus_w=5000, asleep=asleep)
            assert is_close(found, 0.0015, start * factor, 0.009)


def test_a_sun_that_is_away_for_long_is_not_waited_for() -> None:
    # the least current costs 0.276 an hour: 0.003 are over after 39 s, 0.023 after 300 s
    def away(seconds: float, **changes: bool) -> Thresholds:
        slots = (ForecastSlot(0, seconds, 0), ForecastSlot(seconds, 9000, 5000))
        return limits(slots, **changes)

    assert is_close(away(39), 0.0015, 0.0015, 0.006)
    assert is_close(away(40), 0.0015, 0.0015, 0.0015)
    assert is_close(away(950), 0.0015, 0.0015, 0.0015)
    assert is_close(away(40, asleep=True), 0.0015, 0.0165, 0.0015)


def test_a_car_that_would_fall_asleep_is_worth_a_longer_wait() -> None:
    wanted = 3450 * 0.08 / 0.30
    surplus = wanted - 100

    def away(seconds: float) -> float:
        slots = (ForecastSlot(0, seconds, 0), ForecastSlot(seconds, 90000, 5000))
        return limits(slots, surplus_w=surplus).stop

    # 100 W short of what just pays costs 0.03 an hour: 0.003 are over after 360 s, 0.023 after 2,760 s
    assert away(350) == pytest.approx(0.006)
    assert away(370) == pytest.approx(0.0015)
    assert away(900) == pytest.approx(0.0015)
    assert away(901) == pytest.approx(0.006)
    assert away(2750) == pytest.approx(0.006)
    assert away(2770) == pytest.approx(0.0015)
