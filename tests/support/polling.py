"""Time that passes for a home whose cars are polled, and how often it polled them."""

import asyncio
from collections.abc import Callable

from custom_components.tesla_charging.const import STATE_INTERVAL
from custom_components.tesla_charging.coordinator import VehicleCoordinator
from tests.support.home import PEARL, Home

MINUTE, HOUR = 60.0, 3600.0
STEP = STATE_INTERVAL.total_seconds()


def coordinator(home: Home, vin: str = PEARL) -> VehicleCoordinator:
    assert home.entry is not None
    car: VehicleCoordinator = home.entry.runtime_data.cars[vin]
    return car


async def live(home: Home, seconds: float, each: Callable[[], None] = lambda: None) -> None:
    """Let time pass, with every look at the car that it asks for itself."""
    end = home.tesla.clock.now() + seconds
    while (left := end - home.tesla.clock.now()) > 0:
        wait = coordinator(home).update_interval
        assert wait is not None
        home.tesla.clock.advance(min(left, wait.total_seconds()))
        each()
        await coordinator(home).async_refresh()


async def pass_time(home: Home, seconds: float, step: float = MINUTE) -> None:
    """Let time pass in steps, with what the car pushes meanwhile and every look at it that is due."""
    for _ in range(round(seconds / step)):
        home.tesla.clock.advance(step)
        await asyncio.sleep(0.08)
        await home.poll()


def data_requests(home: Home) -> int:
    return home.tesla.billing.count("data")
