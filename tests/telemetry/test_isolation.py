"""What raises while a car's data are passed on costs its own part, and nothing of the others."""

import asyncio
import logging
from typing import Never

import pytest

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.fleet_telemetry import Record
from custom_components.tesla_charging.listeners import Listeners
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from tests.support.home import PEARL, Home
from tests.support.waiting import until


class Failing:
    """A car of another entry, whose part of this home is broken."""

    records = 0

    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        self.records += 1
        raise LookupError("another entry is broken")

    def on_connection(self, connected: bool) -> None:
        raise LookupError("another entry is broken")


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_an_entry_that_raises_costs_no_other_entry_a_record(
    streaming_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = streaming_home
    assert home.entry is not None
    server = async_get_telemetry_server(home.hass, active_endpoints())
    settings = TelemetrySettings.from_options(home.entry.options)
    broken = Failing()
    # it is notified first
    await server.open("broken", settings, {PEARL: broken})
    server._cars = dict(reversed(server._cars.items()))
    home.car.unplug()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "off")
    home.car.plug_in()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "on")
    assert broken.records > 1
    status = server.status(PEARL)
    assert status is not None
    assert status.connected
    assert len(errors(caplog)) == 1
    caplog.clear()
    await server.close("broken")


class Storing:
    """A car of another entry, whose part of this home is to store the records."""

    def __init__(self, outcome: bool | LookupError) -> None:
        self.records = 0
        self._outcome = outcome

    def on_record(self, record: Record) -> asyncio.Future[bool]:
        self.records += 1
        stored = asyncio.get_running_loop().create_future()
        if isinstance(self._outcome, LookupError):
            stored.set_exception(self._outcome)
        else:
            stored.set_result(self._outcome)
        return stored

    def on_connection(self, connected: bool) -> None:
        """Take no notice."""


async def test_an_entry_that_fails_to_store_does_not_have_what_others_did_not_store_acknowledged(
    streaming_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = streaming_home
    assert home.entry is not None
    server = async_get_telemetry_server(home.hass, active_endpoints())
    settings = TelemetrySettings.from_options(home.entry.options)
    # they are notified in this order
    others = {"broken": Storing(LookupError("broken")), "full": Storing(False)}
    for entry_id, car in others.items():
        await server.open(entry_id, settings, {PEARL: car})
    home.car.unplug()
    await until(lambda: others["full"].records > 0)
    status = server.status(PEARL)
    assert status is not None
    await until(lambda: status.counters.unsettled > 0)
    assert len(errors(caplog)) == 1
    caplog.clear()
    for entry_id in others:
        await server.close(entry_id)


def test_a_listener_that_raises_costs_no_other_listener_a_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    called: list[int] = []

    def fail(number: int) -> Never:
        raise LookupError(number)

    listeners = Listeners[int]()
    listeners.subscribe(called.append)
    listeners.subscribe(fail)
    listeners.subscribe(called.append)
    for number in range(3):
        listeners.notify(number)
    assert called == [0, 0, 1, 1, 2, 2]
    (line,) = errors(caplog)
    assert "fail" in line.getMessage()
    caplog.clear()
