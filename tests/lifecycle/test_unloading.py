"""What a failed set-up, a retry, an unloading and a reload leave behind, and what they cost."""

import asyncio
import time
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.monitors import domain
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from tests.support.home import PEARL, Home
from tests.support.streaming import embedded, free_port

SECOND = 1.5
"""Seconds that an unloading may take on a busy machine."""


async def test_a_failure_after_the_platforms_unloads_them_and_closes_the_port(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_car(PEARL, "Pearl")
    port = free_port()
    entry = await home.set_up(telemetry=embedded(port))
    assert await home.hass.config_entries.async_unload(entry.entry_id)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("something nobody thought of")

    with monkeypatch.context() as patch:
        patch.setattr(domain, "async_track_time_interval", fail)
        assert not await home.hass.config_entries.async_setup(entry.entry_id)
        await home.settle()
        assert entry.state is ConfigEntryState.SETUP_ERROR
        server = async_get_telemetry_server(home.hass, active_endpoints())
        assert server.port == 0
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", port)
        assert home.state("sensor", "battery_level") == "unavailable"
    assert await home.hass.config_entries.async_reload(entry.entry_id)
    await home.settle()
    assert home.state("sensor", "telemetry") != "unavailable"
    assert server.port == port
    assert await home.hass.config_entries.async_unload(entry.entry_id)


def listeners(hass: HomeAssistant) -> int:
    return sum(hass.bus.async_listeners().values()) + sum(
        len(targets) for targets in hass.data["dispatcher"].values()
    )


async def test_retries_leave_no_callback_behind(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    entry = await home.set_up(telemetry=embedded(free_port()))
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    home.tesla.faults.status(500, "products", times=None)
    assert not await home.hass.config_entries.async_setup(entry.entry_id)
    before = listeners(home.hass)
    for _ in range(5):
        await home.hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
    assert listeners(home.hass) <= before
    assert not entry._on_unload


async def test_unloading_does_not_wait_for_tesla(charging_home: Home) -> None:
    home = charging_home
    assert home.entry is not None
    home.tesla.faults.delay_answer(3.0, "vehicle_data", times=1)
    car = home.entry.runtime_data.cars[PEARL]
    refresh = asyncio.create_task(car.refresh())
    await asyncio.sleep(0.2)
    began = time.monotonic()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert time.monotonic() - began < SECOND
    with pytest.raises(asyncio.CancelledError):
        await refresh
    await asyncio.sleep(3.0)  # the simulated Tesla finishes what it was asked


async def test_unloading_a_connected_car_takes_less_than_a_second(streaming_home: Home) -> None:
    home = streaming_home
    assert home.entry is not None
    began = time.monotonic()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert time.monotonic() - began < SECOND
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)


async def test_reloads_repeat_nothing_that_is_paid(charging_home: Home) -> None:
    home = charging_home
    assert home.entry is not None
    await home.settle()
    home.tesla.billing.reset()
    home.witness.vins_are_forgotten = True
    for _ in range(5):
        assert await home.hass.config_entries.async_reload(home.entry.entry_id)
        await home.settle()
    assert home.tesla.billing.cost() == 0
    assert home.state("sensor", "battery_level") == "62"
