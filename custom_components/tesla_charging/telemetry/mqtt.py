"""Cars that are heard from Tesla's own fleet-telemetry server, by way of Home Assistant's MQTT integration."""

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
from .server import CarListener

if TYPE_CHECKING:
    from homeassistant.components.mqtt import ReceiveMessage

MQTT: Final = "mqtt"
QOS: Final = 1
"""At most what the server publishes with; a message that comes twice changes nothing."""
GATHER: Final = 0.2
"""Seconds in which the messages of one record are gathered: the server sends one per field, in any order."""
SILENT_AFTER: Final = timedelta(minutes=15)
"""A server that dies says no word about its cars: so much later they are asked again."""
LINGER: Final = 5.0
"""Seconds in which values may come late that a car sent before it went."""
RETRY: Final = timedelta(minutes=1)
"""Until it is looked again whether MQTT has been set up."""
CHECK_SECONDS: Final = 5.0


@callback
def mqtt_is_set_up(hass: HomeAssistant) -> bool:
    """Return whether there is a broker to listen to; MQTT is nothing that this integration needs."""
    return MQTT in hass.config.components and bool(
        hass.config_entries.async_entries(MQTT, include_ignore=False, include_disabled=False)
    )


class MqttTelemetry:
    """What the cars of one entry have published, led to them."""

    def __init__(
        self,
        hass: HomeAssistant,
        base: str,
        cars: Mapping[str, CarListener],
        on_available: Callable[[bool], None],
    ) -> None:
        """Nothing is subscribed to yet; `on_available` is told whether MQTT is there."""
        self._hass = hass
        self._base = base
        self._cars = [_MqttCar(hass, base, vin, car) for vin, car in cars.items()]
        self._on_available = on_available
        self._cancels: list[CALLBACK_TYPE] = []
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._closed = False

    async def open(self, _: datetime | None = None) -> None:
        """Subscribe as soon as MQTT is there, which may be long after Home Assistant's start."""
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

            cancels.append(async_subscribe_connection_status(self._hass, self._on_broker))
            self._cancels = cancels
            return
        job = HassJob(self.open, "subscribe to telemetry", cancel_on_shutdown=True)
        self._cancel_retry = async_call_later(self._hass, RETRY, job)

    @property
    def subscribed(self) -> bool:
        """Whether the broker, if it is there, knows what is wanted of it."""
        return bool(self._cancels)

    @callback
    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        if self._cancel_retry is not None:
            self._cancel_retry()
        _call_all(self._cancels)
        self._cancels = []
        for car in self._cars:
            car.close()

    @callback
    def lose(self) -> None:
        """Count every car as gone: somebody else will listen from now on."""
        self._on_broker(False)

    @callback
    def _on_broker(self, connected: bool) -> None:
        """Without a broker no car is heard."""
        if not connected:
            for car in self._cars:
                car.lose()


class _MqttCar:
    """What one car published: gathered into records; and whether it streams."""

    def __init__(self, hass: HomeAssistant, base: str, vin: str, car: CarListener) -> None:
        self.vin = vin
        self._hass = hass
        self._base = base
        self._car = car
        self._gathered: dict[bool, SignalRecord] = {}
        """By whether the broker had retained it."""
        self._gathering: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._connected = False
        self._connection_id = ""
        self._left_at = -LINGER
        self._closed = False

    @callback
    def on_message(self, message: ReceiveMessage) -> None:
        """Take a message; what cannot be read is left out."""
        # a subscription that was restored when MQTT was reloaded cannot be ended by whoever made it
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
            # what was retained is no news
            self._heard()
            self._car.on_record(record)

    @callback
    def lose(self) -> None:
        """Note that nothing is heard of the car any more."""
        self._flush()
        self._set_connected(False)

    @callback
    def close(self) -> None:
        """Hear no more and stop the clocks; what was gathered still counts."""
        self._flush()
        self._closed = True
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

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
        if self._gathering is None:
            self._gathering = self._hass.loop.call_later(GATHER, self._flush)

    @callback
    def _flush(self) -> None:
        """Hand over what was gathered, the retained first: it is older."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        gathered, self._gathered = self._gathered, {}
        for retained in (True, False):
            if record := gathered.get(retained):
                if not retained:
                    self._heard()
                self._car.on_record(record)

    # -- connection ---------------------------------------------------------------------------------

    def _on_connectivity(self, record: ConnectivityRecord) -> None:
        if record.connected:
            self._connection_id = record.connection_id
            self._set_connected(True)
        # a car that changes networks connects anew before its old connection ends
        elif not (self._connection_id and record.connection_id) or (
            record.connection_id == self._connection_id
        ):
            self._left_at = self._hass.loop.time()
            self._set_connected(False)

    def _heard(self) -> None:
        """Values came live: the car is connected, whether or not the server publishes connections."""
        if self._connected or self._hass.loop.time() - self._left_at > LINGER:
            self._set_connected(True)

    def _set_connected(self, connected: bool) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if connected:
            seconds = SILENT_AFTER.total_seconds()
            self._silence = self._hass.loop.call_later(seconds, self.lose)
        if connected is not self._connected:
            self._connected = connected
            self._car.on_connection(connected)


# -- the check of the config flow ----------------------------------------------------------------------


class Arrival(StrEnum):
    """Whether messages of a car arrive; the key of the text that says so."""

    HEARD = "mqtt_heard"
    NOTHING = "mqtt_nothing_heard"
    NO_BROKER = "mqtt_no_broker"


async def messages_arrive(hass: HomeAssistant, base: str, vins: list[str]) -> Arrival:
    """Listen for a few seconds whether anything arrives that one of these cars has sent, new or retained."""
    heard = asyncio.Event()

    @callback
    def on_message(message: ReceiveMessage) -> None:
        if _read(base, message) is not None:
            heard.set()

    cancels: list[CALLBACK_TYPE] = []
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            cancels = await _subscribe(
                hass, {topic: on_message for vin in vins for topic in subscriptions(base, vin)}
            )
            if not cancels:
                return Arrival.NO_BROKER
            await heard.wait()
    except TimeoutError:
        from homeassistant.components.mqtt import is_connected

        return Arrival.NOTHING if cancels and is_connected(hass) else Arrival.NO_BROKER
    finally:
        _call_all(cancels)
    return Arrival.HEARD


# -- Home Assistant's MQTT -----------------------------------------------------------------------------


async def _subscribe(
    hass: HomeAssistant, topics: Mapping[str, Callable[[ReceiveMessage], None]]
) -> list[CALLBACK_TYPE]:
    """Subscribe when the client is there; return how to end it, nothing if MQTT is not there."""
    cancels: list[CALLBACK_TYPE] = []
    if not mqtt_is_set_up(hass):
        return cancels
    # imported only where it is set up: its own requirements are not ours
    from homeassistant.components import mqtt

    if not await mqtt.async_wait_for_mqtt_client(hass):
        return cancels
    try:
        for topic, on_message in topics.items():
            # as bytes: text that is no text is for read_message() to refuse
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
