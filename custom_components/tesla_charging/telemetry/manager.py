"""The push channel of one entry: opens the receiver for its cars, keeps them configured, takes both back."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later

from ..billing.budget import Streaming
from ..billing.meter import Meter
from ..client import active_endpoints
from ..const import DOMAIN, LOGGER
from ..coordinator import VehicleCoordinator
from ..fleet_api import TelemetryConfigs
from ..fleet_telemetry import Record, billed_signals
from ..storage.config_record import ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.telemetry_status import (
    NO_PROBLEM,
    TelemetryDiagnosis,
    TelemetryProblem,
    TelemetryStage,
)
from ..vehicle_command import VirtualKey
from .config_issues import clear_refusals
from .config_review import ConfigReview, shown_signals
from .config_sync import ConfigSync, remove_config
from .mqtt import MqttTelemetry
from .server import SIGNAL_NEW_CA, CarListener, TelemetryServerError, async_get_telemetry_server
from .settings import TelemetrySettings, Transport
from .silence import SilenceMonitor, clear_silence


class MeteredListener:
    """A car between the road and its coordinator.

    Every arrival counts. A record that comes twice because its acknowledgement was lost was sent twice, and Tesla bills
    what is sent [community]. What nobody here can see: a sending that was lost on its way, and what a car sends to
    somebody else's server for another application.

    Over MQTT a message is a value, but not every value is a message that comes here: those from a time when nobody
    listened are missing, retained ones are not new, and a broker may deliver one twice. Whether that server's
    application is the entry's own is not known either; it is taken for it.

    If several entries have the same car and the same application, the car sends once, and one of them counts. With two
    applications each pays for a stream of its own; as a record does not say for which of them it is, both count both.
    """

    def __init__(self, vin: str, car: CarListener, meter: Meter, entry_id: str) -> None:
        """Stand before a car of an entry."""
        self._vin = vin
        self._car = car
        self._meter = meter
        self._entry_id = entry_id

    @callback
    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Count it, and lead it on."""
        if self._meter.start_receiving(self._vin, self._entry_id):
            self._meter.add_signals(self._vin, billed_signals(record))
        return self._car.on_record(record)

    @callback
    def on_connection(self, connected: bool) -> None:
        """Lead it on."""
        self._car.on_connection(connected)


REOPEN_INTERVAL: Final = timedelta(minutes=5)
"""How often a receiver that could not be opened is tried again: a certificate may be there by then."""


def issue_id(entry_id: str) -> str:
    """Return the id of the repair issue about an entry's push channel."""
    return f"telemetry_{entry_id}"


class EntryTelemetry:
    """Telemetry as one entry wants it."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        configs: TelemetryConfigs,
        key: VirtualKey,
        storage: VehicleStorage,
        cars: dict[str, VehicleCoordinator],
        meter: Meter,
        *,
        with_location: bool,
    ) -> None:
        """Nothing is opened or sent yet."""
        self._hass = hass
        self._entry = entry
        self._configs = configs
        self._key = key
        self._storage = storage
        self._cars = cars
        self._meter = meter
        self._with_location = with_location
        self.server = async_get_telemetry_server(hass, active_endpoints())
        self._mqtt: MqttTelemetry | None = None
        self._review: ConfigReview | None = None
        self._stopped = False
        self._closed_because = ""
        """What was logged last, so that it is logged once."""
        self._trouble = NO_PROBLEM
        """Why the receiver is not open."""
        self._silence: SilenceMonitor | None = None
        self._streaming = Streaming.FULL
        self._ca = ""
        self.settings = TelemetrySettings.from_options(entry.options)

    async def start(self) -> None:
        """Open what is wanted. What cannot be opened leaves the cars to polling, and says so."""
        await _START[self.settings.transport](self)

    async def start_polling(self) -> None:
        """Hear nothing."""
        self._clear_issue()
        self._clear_refusals()
        self._background(self.remove_configs())

    async def start_mqtt(self) -> None:
        """Hear what somebody else's server publishes; the cars' configuration is its operator's business."""
        self._clear_refusals()
        for car in self._cars.values():
            car.set_telemetry_stage(TelemetryStage.WAITING)
        self._open_mqtt()
        self._watch_silence(lambda: self._mqtt is not None and self._mqtt.subscribed)
        self._background(self.remove_configs())

    @callback
    def _open_mqtt(self) -> None:
        """Subscribe for the cars of now."""
        if self._mqtt is not None:
            self._mqtt.lose()
            self._mqtt.close()
        self._mqtt = MqttTelemetry(
            self._hass, self.settings.topic_base, self._metered(), self._on_mqtt_available
        )
        self._background(self._mqtt.open())

    async def start_embedded(self) -> None:
        """Let the cars connect, and have them told to."""
        try:
            self._ca = await self.server.open(self._entry.entry_id, self.settings, {})
        except TelemetryServerError as err:
            if str(err) != self._closed_because:
                self._closed_because = str(err)
                LOGGER.error("Cars cannot connect to this Home Assistant: %s", err)
            self._create_issue(
                err.key, {"detail": err.detail, "port": str(self.settings.listen_port)}
            )
            self._trouble = TelemetryDiagnosis(TelemetryProblem.CANNOT_LISTEN, err.detail)
            for car in self._cars.values():
                car.set_telemetry_stage(TelemetryStage.WAITING, self._trouble)
            job = HassJob(self._reopen, cancel_on_shutdown=True)
            self._entry.async_on_unload(async_call_later(self._hass, REOPEN_INTERVAL, job))
            return
        if self._stopped:
            await self.server.close(self._entry.entry_id)
            return
        self._accept_cars()
        self._trouble = NO_PROBLEM
        self._clear_issue()
        self._entry.async_on_unload(
            async_dispatcher_connect(self._hass, SIGNAL_NEW_CA, self._on_new_ca)
        )
        self._review = review = ConfigReview(
            self._hass,
            self._entry,
            self._configurator(),
            self._storage,
            self._cars,
            self.settings.public_place,
            self.remove_configs,
        )
        review.start()
        self._watch_silence(lambda: self._streaming is not Streaming.OFF)
        self._background(review.review())

    def _configurator(self) -> ConfigSync | None:
        """Return who configures the cars now; nobody if they are not to push."""
        if self._streaming is Streaming.OFF:
            return None
        return ConfigSync(
            self._configs,
            self._key,
            self.settings,
            self._ca,
            with_location=self._with_location,
            shown=shown_signals(self._cars.values()),
            essential=self._streaming is Streaming.ESSENTIAL,
        )

    @callback
    def set_streaming(self, streaming: Streaming) -> None:
        """Have the cars push all, less or nothing from now on: because of the budget, or again.

        Who may not push is turned away at once, and has its configuration taken back. What somebody else's server
        publishes over MQTT is not in our hands.
        """
        before, self._streaming = self._streaming, streaming
        if streaming is before or self._review is None:
            return
        if streaming is Streaming.OFF:
            for vin, car in self._cars.items():
                self.server.leave(self._entry.entry_id, vin)
                if car.push.connected:
                    car.on_connection(False)
        self._accept_cars()
        self._configure()

    def _accept_cars(self) -> None:
        """Have the cars of now heard, if they may push."""
        if self._streaming is not Streaming.OFF:
            for vin, listener in self._metered().items():
                self.server.join(self._entry.entry_id, vin, listener)

    def _configure(self) -> None:
        """Have the cars told what they are to do now."""
        if self._review is not None:
            self._review.configurator = self._configurator()
            self._background(self._review.review())

    @callback
    def _on_new_ca(self, ca: str) -> None:
        """Have the cars told at once: those that connect anew do not trust the certificate otherwise."""
        self._ca = ca
        self._configure()

    @callback
    def _reopen(self, now: datetime) -> None:
        self._background(self.start_embedded())

    async def stop(self) -> None:
        """Listen no more. The cars stay configured: they come back when the entry does."""
        self._stopped = True
        await self.server.close(self._entry.entry_id)
        for vin in self._cars:
            clear_silence(self._hass, vin)
        if self._mqtt is not None:
            self._mqtt.close()
        self._meter.stop_receiving(self._entry.entry_id)

    def _metered(self) -> dict[str, CarListener]:
        """Return who hears the cars of now."""
        entry_id = self._entry.entry_id
        return {
            vin: MeteredListener(vin, car, self._meter, entry_id) for vin, car in self._cars.items()
        }

    def _watch_silence(self, listening: Callable[[], bool] = lambda: True) -> None:
        self._silence = SilenceMonitor(
            self._hass,
            self._entry,
            self._configs,
            self._cars,
            self.settings,
            self._storage,
            listening,
        )
        self._silence.start()

    @callback
    def car_joined(self, car: VehicleCoordinator) -> None:
        """Hear a car that has joined the account."""
        if self.settings.transport is not Transport.POLLING:
            car.set_telemetry_stage(TelemetryStage.WAITING, self._trouble)
        if self._mqtt is not None:
            self._open_mqtt()
        if self._review is not None:
            self._accept_cars()
            self._review.show(car.vin)
            self._background(self._review.review())
        if self._silence is not None:
            self._silence.watch(car.vin)

    @callback
    def car_left(self, vin: str) -> None:
        """Expect nothing more of a car that has left; its configuration is out of this account's reach."""
        self.server.leave(self._entry.entry_id, vin)
        clear_silence(self._hass, vin)
        clear_refusals(self._hass, vin)
        if self._mqtt is not None:
            self._open_mqtt()
        self._meter.stop_receiving(self._entry.entry_id, vin)

    async def remove_configs(self) -> None:
        """Take back the configurations of a time when telemetry was wanted."""
        for vin in self._storage.configured:
            if await remove_config(self._configs, vin, self._storage.config_record(vin).place):
                await self._storage.save_config_record(vin, ConfigRecord())

    def _background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._entry.async_create_background_task(
            self._hass, coroutine, f"{DOMAIN} telemetry of {self._entry.title}"
        )

    @property
    def _issue_id(self) -> str:
        return issue_id(self._entry.entry_id)

    @callback
    def _on_mqtt_available(self, available: bool) -> None:
        if available:
            self._clear_issue()
        else:
            self._create_issue("telemetry_no_mqtt", {})

    def _create_issue(self, key: str, placeholders: dict[str, str]) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key=key,
            translation_placeholders=placeholders,
        )

    def _clear_refusals(self) -> None:
        for vin in self._cars:
            clear_refusals(self._hass, vin)

    def _clear_issue(self) -> None:
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)


_START: Final[dict[Transport, Callable[[EntryTelemetry], Coroutine[Any, Any, None]]]] = {
    Transport.EMBEDDED: EntryTelemetry.start_embedded,
    Transport.MQTT: EntryTelemetry.start_mqtt,
    Transport.POLLING: EntryTelemetry.start_polling,
}
