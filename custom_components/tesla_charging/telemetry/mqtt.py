"""Receives what Tesla's own fleet-telemetry server publishes, through Home Assistant's MQTT integration."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later

from .. import clock
from ..const import LOGGER
from ..fleet_telemetry import (
    ConnectivityRecord,
    Record,
    RecordError,
    SignalRecord,
    read_message,
    subscriptions,
)
from ..listeners import Isolation
from .server import CarListener

if TYPE_CHECKING:
    from homeassistant.components.mqtt import ReceiveMessage

MQTT: Final = "mqtt"
QOS: Final = 1
"""Not more than the server publishes with; a message that is delivered twice changes nothing."""
GATHER_SECONDS: Final = 0.2
"""Seconds in which the messages of one record are gathered: the server sends one per field, in any order."""
SILENT_AFTER: Final = timedelta(minutes=15)
"""A server that fails does not publish that its cars are disconnected: after this time without values they count as
disconnected, and are polled again."""
LATE_SECONDS: Final = 5.0
"""Seconds in which values may still be delivered that a car sent before it disconnected."""
RETRY_INTERVAL: Final = timedelta(minutes=1)
"""Until it is checked again whether MQTT has been set up."""
CHECK_SECONDS: Final = 5.0


@callback
def mqtt_is_set_up(hass: HomeAssistant) -> bool:
    """Return whether Home Assistant's MQTT integration is set up; this integration does not depend on it."""
    return MQTT in hass.config.components and bool(
        hass.config_entries.async_entries(MQTT, include_ignore=False, include_disabled=False)
    )


class MqttTelemetry:
    """Subscribes to what the cars of one entry publish, and passes it to their listeners."""

    def __init__(
        self,
        hass: HomeAssistant,
        base: str,
        cars: Mapping[str, CarListener],
        on_available: Callable[[bool], None],
    ) -> None:
        """Prepare; `on_available` is called with whether MQTT is available."""
        self._hass = hass
        self._base = base
        self._cars = [_MqttCar(hass, base, vin, car) for vin, car in cars.items()]
        self._on_available = on_available
        self._cancels: list[CALLBACK_TYPE] = []
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._closed = False

    async def open(self, _: datetime | None = None) -> None:
        """Subscribe as soon as MQTT is available, which may be long after Home Assistant's start."""
        self._cancel_retry = None
        cancels = await _subscribe(
            self._hass,
            {
                topic: car.on_message
                for car in self._cars
                for topic in subscriptions(self._base, car.vin)
            },
        )
        if self._closed:
            _call_all(cancels)
            return
        self._on_available(bool(cancels))
        if cancels:
            from homeassistant.components.mqtt import async_subscribe_connection_status

            cancels.append(
                async_subscribe_connection_status(self._hass, self._on_broker_connection)
            )
            self._cancels = cancels
            return
        job = HassJob(self.open, "subscribe to telemetry", cancel_on_shutdown=True)
        self._cancel_retry = async_call_later(self._hass, RETRY_INTERVAL, job)

    @property
    def subscribed(self) -> bool:
        """Whether the topics are subscribed to; MQTT repeats it whenever the broker is connected again."""
        return bool(self._cancels)

    @callback
    def close(self) -> None:
        """Unsubscribe."""
        self._closed = True
        if self._cancel_retry is not None:
            self._cancel_retry()
        _call_all(self._cancels)
        self._cancels = []
        for car in self._cars:
            car.close()

    @callback
    def disconnect(self) -> None:
        """Count every car as disconnected: another subscription replaces this one."""
        self._on_broker_connection(False)

    @callback
    def _on_broker_connection(self, connected: bool) -> None:
        """Count every car as disconnected while the broker is."""
        if not connected:
            for car in self._cars:
                car.disconnect()


class _MqttCar:
    """Gathers what one car published into records, and tracks whether the car is connected."""

    def __init__(self, hass: HomeAssistant, base: str, vin: str, car: CarListener) -> None:
        self.vin = vin
        self._hass = hass
        self._base = base
        self._car = car
        self._gathered: dict[bool, SignalRecord] = {}
        """By whether the broker had retained the message."""
        self._flush_timer: asyncio.TimerHandle | None = None
        self._silence_timer: asyncio.TimerHandle | None = None
        self._isolation = Isolation()
        self._connected = False
        self._connection_id = ""
        self._disconnected_at = -LATE_SECONDS
        self._closed = False

    @callback
    def on_message(self, message: ReceiveMessage) -> None:
        """Handle a message; one that cannot be read is ignored."""
        # a subscription that MQTT restored when it was reloaded cannot be cancelled
        if self._closed:
            return
        record = _read(self._base, message)
        if isinstance(record, ConnectivityRecord):
            if not message.retain:
                self._flush()
                self._on_connectivity(record)
        elif isinstance(record, SignalRecord):
            self._gather(record)
        elif record is not None and not message.retain:
            # a retained message is not new
            self._on_live_values()
            self._isolation.call(self._car.on_record, record)

    @callback
    def disconnect(self) -> None:
        """Count the car as disconnected."""
        self._flush()
        self._set_connected(False)

    @callback
    def close(self) -> None:
        """Stop the timers, and ignore later messages; what was gathered is passed on."""
        self._flush()
        self._closed = True
        if self._silence_timer is not None:
            self._silence_timer.cancel()
            self._silence_timer = None

    # -- values -------------------------------------------------------------------------------------

    def _gather(self, record: SignalRecord) -> None:
        earlier = self._gathered.get(record.retained)
        self._gathered[record.retained] = SignalRecord(
            self.vin,
            record.created_at,
            record.received_at,
            {**earlier.values, **record.values} if earlier else record.values,
            retained=record.retained,
            ignored=record.ignored + (earlier.ignored if earlier else 0),
            brokered=True,
            repeated=earlier.repeated + len(earlier.values.keys() & record.values.keys())
            if earlier
            else 0,
        )
        if self._flush_timer is None:
            self._flush_timer = self._hass.loop.call_later(GATHER_SECONDS, self._flush)

    @callback
    def _flush(self) -> None:
        """Pass on what was gathered, the retained values first: they are older."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        gathered, self._gathered = self._gathered, {}
        for retained in (True, False):
            if record := gathered.get(retained):
                if not retained:
                    self._on_live_values()
                self._isolation.call(self._car.on_record, record)

    # -- connection ---------------------------------------------------------------------------------

    def _on_connectivity(self, record: ConnectivityRecord) -> None:
        if record.connected:
            self._connection_id = record.connection_id
            self._set_connected(True)
        # a car that changes networks connects again before its old connection ends
        elif not (self._connection_id and record.connection_id) or (
            record.connection_id == self._connection_id
        ):
            self._disconnected_at = self._hass.loop.time()
            self._set_connected(False)

    def _on_live_values(self) -> None:
        """Live values were received: the car is connected, whether or not the server publishes connections."""
        if self._connected or self._hass.loop.time() - self._disconnected_at > LATE_SECONDS:
            self._set_connected(True)

    def _set_connected(self, connected: bool) -> None:
        if self._silence_timer is not None:
            self._silence_timer.cancel()
            self._silence_timer = None
        if connected:
            seconds = SILENT_AFTER.total_seconds()
            self._silence_timer = self._hass.loop.call_later(seconds, self.disconnect)
        if connected is not self._connected:
            self._connected = connected
            self._isolation.call(self._car.on_connection, connected)


# -- the check of the config flow ----------------------------------------------------------------------


class Arrival(StrEnum):
    """Whether messages of a car arrive; the values are keys of texts."""

    RECEIVED = "mqtt_heard"
    NOTHING = "mqtt_nothing_heard"
    NO_BROKER = "mqtt_no_broker"


async def messages_arrive(hass: HomeAssistant, base: str, vins: list[str]) -> Arrival:
    """Subscribe for a few seconds; return whether anything arrives that one of these cars has sent, new or retained."""
    received = asyncio.Event()

    @callback
    def on_message(message: ReceiveMessage) -> None:
        if _read(base, message) is not None:
            received.set()

    cancels: list[CALLBACK_TYPE] = []
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            cancels = await _subscribe(
                hass, {topic: on_message for vin in vins for topic in subscriptions(base, vin)}
            )
            if not cancels:
                return Arrival.NO_BROKER
            await received.wait()
    except TimeoutError:
        from homeassistant.components.mqtt import is_connected

        return Arrival.NOTHING if cancels and is_connected(hass) else Arrival.NO_BROKER
    finally:
        _call_all(cancels)
    return Arrival.RECEIVED


# -- Home Assistant's MQTT -----------------------------------------------------------------------------


async def _subscribe(
    hass: HomeAssistant, topics: Mapping[str, Callable[[ReceiveMessage], None]]
) -> list[CALLBACK_TYPE]:
    """Subscribe when the client is ready; return how to unsubscribe, nothing if MQTT is not set up."""
    cancels: list[CALLBACK_TYPE] = []
    if not mqtt_is_set_up(hass):
        return cancels
    # imported only where it is set up: its own requirements are not ours
    from homeassistant.components import mqtt

    if not await mqtt.async_wait_for_mqtt_client(hass):
        return cancels
    try:
        for topic, on_message in topics.items():
            # as bytes: read_message() refuses what is not valid UTF-8
            cancels.append(await mqtt.async_subscribe(hass, topic, on_message, QOS, None))
    except HomeAssistantError as err:
        LOGGER.debug("MQTT went away while telemetry was being subscribed to: %s", err)
        _call_all(cancels)
        return []
    return cancels


def _read(base: str, message: ReceiveMessage) -> Record | None:
    payload = message.payload
    if isinstance(payload, bytearray):
        payload = bytes(payload)
    now = clock.now()
    try:
        return read_message(base, message.topic, payload, now, retained=message.retain)
    except RecordError as err:
        LOGGER.debug("A message on %.120s is left out: %s", message.topic, err)
        return None


def _call_all(cancels: list[CALLBACK_TYPE]) -> None:
    for cancel in cancels:
        cancel()
