"""A broker in a process of its own, somebody who publishes to it, and a home that listens."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from custom_components.tesla_charging.const import DOMAIN
from devtools.home.broker import find_broker
from tests.support.home import PEARL, Home

from .brokers import Amqtt, Broker, Mosquitto, TelemetryPublisher
from .home import MQTT_ROAD, NO_MQTT_5, Antenna, set_up_mqtt, subscribed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud what was left out."""
    if find_broker() is None:
        terminalreporter.write_line(f"!!! {NO_MQTT_5}", red=True)


@pytest.fixture
def broker(
    request: pytest.FixtureRequest, socket_enabled: None, tmp_path: Path
) -> Iterator[Broker]:
    """A broker of the kind that the test names; else whichever is there and starts faster."""
    kind: type[Broker] = getattr(request, "param", Mosquitto if find_broker() else Amqtt)
    with kind(tmp_path) as broker:
        yield broker


@pytest.fixture
async def bare_road(home: Home, broker: Broker) -> AsyncIterator[Antenna]:
    """A home with a sleeping-capable car and a broker, before anything is set up."""
    home.tesla.wake_with_charging_scope = True
    home.witness.streams_elsewhere = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    publisher = await home.hass.async_add_executor_job(TelemetryPublisher, broker)
    yield Antenna(home, broker, publisher)
    for entry in home.hass.config_entries.async_loaded_entries(DOMAIN):
        await home.hass.config_entries.async_unload(entry.entry_id)
    for entry in home.hass.config_entries.async_loaded_entries("mqtt"):
        await home.hass.config_entries.async_unload(entry.entry_id)
    await home.hass.async_add_executor_job(publisher.close)


@pytest.fixture
async def road(bare_road: Antenna) -> Antenna:
    """The same with MQTT and the integration set up, and the car asleep for Tesla's cloud."""
    home = bare_road.home
    await set_up_mqtt(home.hass, bare_road.broker)
    await home.set_up(telemetry=MQTT_ROAD)
    assert home.state("sensor", "telemetry") == "waiting"
    await subscribed(bare_road)
    return bare_road
