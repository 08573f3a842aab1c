"""A home that hears its cars over MQTT: Home Assistant's own MQTT integration, and a real broker."""

import asyncio
import functools
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.coordinator import BURST, VehicleCoordinator
from custom_components.tesla_charging.fleet_telemetry import subscriptions
from custom_components.tesla_charging.telemetry import mqtt as telemetry_mqtt
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from devtools.home.broker import find_broker
from tests.support.home import PEARL, Home
from tests.support.waiting import until

from .brokers import BASE, Amqtt, Broker, Mosquitto, TelemetryPublisher

MQTT_ROAD = TelemetrySettings(Transport.MQTT, topic_base=BASE)
STRANGER = "5YJ3E1EA8NF000909"
HEARD = 60.0
"""Seconds in which a published value is shown: Home Assistant subscribes after up to a second."""
NO_MQTT_5 = "MQTT 5 is not tested: there is no mosquitto (scripts/setup --broker sees to one)"

mqtt_5 = pytest.param(
    Mosquitto, id="mqtt5", marks=pytest.mark.skipif(find_broker() is None, reason=NO_MQTT_5)
)
over_both_protocols = pytest.mark.parametrize(
    "broker", [pytest.param(Amqtt, id="mqtt3"), mqtt_5], indirect=True
)
"""Home Assistant ends MQTT 3.1.1 in 2027.1."""
over_mqtt_5 = pytest.mark.parametrize("broker", [mqtt_5], indirect=True)


class Antenna:
    """A home, a broker, and somebody who publishes to it."""

    def __init__(self, home: Home, broker: Broker, publisher: TelemetryPublisher) -> None:
        self.home = home
        self.broker = broker
        self.publisher = publisher

    async def publish(self, vin: str = PEARL, **options: Any) -> None:
        await self.block(self.publisher.values, vin, **options)

    async def connectivity(self, connected: bool, connection: str = "one", **options: Any) -> None:
        await self.block(self.publisher.connectivity, PEARL, connected, connection, **options)

    async def raw(self, rest: str, payload: bytes, vin: str = PEARL) -> None:
        await self.block(self.publisher.raw, f"{BASE}/{vin}/{rest}", payload)

    async def block(self, call: Any, *args: Any, **options: Any) -> None:
        await self.home.hass.async_add_executor_job(functools.partial(call, *args, **options))

    @property
    def car(self) -> VehicleCoordinator:
        assert self.home.entry is not None
        car: VehicleCoordinator = self.home.entry.runtime_data.cars[PEARL]
        return car

    async def becomes(self, platform: str, key: str, state: str, patience: float = HEARD) -> None:
        try:
            await until(lambda: self.home.state(platform, key) == state, patience)
        except TimeoutError:
            assert self.home.state(platform, key) == state


async def set_up_mqtt(hass: HomeAssistant, broker: Broker) -> MockConfigEntry:
    """Set up Home Assistant's own MQTT integration."""
    Path(hass.config.path("configuration.yaml")).touch()  # it looks there for devices
    entry = MockConfigEntry(
        domain="mqtt",
        data={"broker": "127.0.0.1", "port": broker.port, "protocol": broker.protocol},
        options={"discovery": False, "birth_message": {}},
        version=2,
        minor_version=1,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    # it would have changed over by itself to what it believes in
    assert entry.data["protocol"] == broker.protocol
    return entry


async def unsubscribed(road: Antenna) -> None:
    """Wait until the broker passes nothing more on: what it still did would come as if it were live."""
    client = road.home.hass.data["mqtt"].client
    await until(
        lambda: not client._pending_unsubscribes and client._unsubscribe_debouncer._task is None,
        HEARD,
    )


async def subscribed(road: Antenna) -> None:
    """Wait until the broker has agreed to everything that Home Assistant wants."""
    client = road.home.hass.data["mqtt"].client
    topics = subscriptions(BASE, PEARL)
    await until(
        lambda: (
            client.connected
            and all(client.is_active_subscription(topic) for topic in topics)
            and not any(client.is_pending_subscription(topic) for topic in topics)
            # a task that ends with the broker's last answer
            and client._subscribe_debouncer._task is None
        ),
        HEARD,
    )


async def came_back(road: Antenna, field: str = "BatteryLevel") -> None:
    """Wait until the broker has handed out what it retained of a field, and it was applied."""
    client = road.home.hass.data["mqtt"].client
    topic = f"{BASE}/{PEARL}/v/{field}"
    await until(lambda: any(topic in topics for topics in client._retained_topics.values()), HEARD)
    await asyncio.sleep(telemetry_mqtt.GATHER_SECONDS + BURST + 0.1)
    await road.home.settle()
