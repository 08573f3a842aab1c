"""The push channel of one entry: opens the receiver for its cars, has them configured, and ends both."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later

from ..billing.budget import Streaming
from ..billing.meter import Meter
from ..client import active_endpoints
from ..const import DOMAIN, LOGGER
from ..coordinator import VehicleCoordinator
from ..fleet_api import FleetStatus, TelemetryConfigs
from ..fleet_telemetry import Record, billed_signals
from ..issues.kinds import RECEIVER_ISSUES, TELEMETRY_NO_MQTT, IssueType, Success
from ..issues.registry import async_clear_issues, async_raise_issue
from ..shared_cars import async_get_shared_cars
from ..storage.config_record import ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.telemetry_status import (
    NO_PROBLEM,
    TelemetryDiagnosis,
    TelemetryProblem,
    TelemetryStage,
)
from ..vehicle_command import VirtualKey
from .config_issues import EntitySignals, async_clear_config_issues
from .config_review import ConfigReview, shown_signals
from .config_sync import ConfigSync, is_of_another_entry, remove_config
from .mqtt import MqttTelemetry
from .server import SIGNAL_NEW_CA, CarListener, TelemetryServerError, async_get_telemetry_server
from .settings import TelemetrySettings, Transport
from .silence import SilenceMonitor, async_clear_silence

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


class MeteredListener:
    """Counts what a car pushes, between the transport and the car's coordinator.

    Every received record counts. A record that is received twice because its acknowledgement was lost was sent twice,
    and Tesla bills what is sent [community]. Two things cannot be counted: records that were lost on the way, and what a
    car sends to another server for another application.

    Over MQTT a message is a value, but not every billed value is received as a message: values from a time without a
    subscription are missing, retained ones are not new, and a broker may deliver one twice. Whether the server uses the
    entry's own application is not known either; it is assumed.

    If several entries have the same car and the same application, the car sends once, and one of them counts. With two
    applications each pays for a stream of its own; as a record does not name its application, both count both.
    """

    def __init__(self, vin: str, car: CarListener, meter: Meter, entry_id: str) -> None:
        self._vin = vin
        self._car = car
        self._meter = meter
        self._entry_id = entry_id

    @callback
    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Count the record, and pass it on."""
        if self._meter.start_receiving(self._vin, self._entry_id):
            self._meter.add_signals(self._vin, billed_signals(record))
        return self._car.on_record(record)

    @callback
    def on_connection(self, connected: bool) -> None:
        """Pass it on."""
        self._car.on_connection(connected)


REOPEN_INTERVAL: Final = timedelta(minutes=5)
"""How often opening the receiver is tried again after it failed: a certificate may exist by then."""
START_PATIENCE: Final = 3.0
"""Seconds for which the set-up of the entry waits for the transport: a list that has to be downloaded may not come."""
FIRST_DOWNLOAD_RETRY: Final = timedelta(seconds=30)
"""After which time the list of the cars' CAs is downloaded again; doubled with every failure."""
LAST_DOWNLOAD_RETRY: Final = timedelta(hours=6)
MAX_DOUBLINGS: Final = 10


class EntryTelemetry:
    """Receives what the cars of one entry push, over the transport that the user chose."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        configs: TelemetryConfigs,
        key: VirtualKey,
        storage: VehicleStorage,
        cars: dict[str, VehicleCoordinator],
        meter: Meter,
        fleet_status: Callable[[str], Awaitable[FleetStatus]],
        entity_signals: EntitySignals,
        *,
        with_location: bool,
    ) -> None:
        """Prepare; `fleet_status` requests that of a car; `entity_signals` returns the signals that a car's entities show, by their names."""
        self._hass = hass
        self._entry = entry
        self._configs = configs
        self._key = key
        self._storage = storage
        self._cars = cars
        self._meter = meter
        self._fleet_status = fleet_status
        self._entity_signals = entity_signals
        self._with_location = with_location
        self.server = async_get_telemetry_server(hass, active_endpoints())
        self._mqtt: MqttTelemetry | None = None
        self._review: ConfigReview | None = None
        self._stopped = False
        self._cancel_reopen: CALLBACK_TYPE | None = None
        self._opening: asyncio.Task[None] | None = None
        self._downloads = 0
        """How often the list of the cars' CAs could not be downloaded."""
        self._logged_error = ""
        """The error that was logged last, so that it is logged once."""
        self._diagnosis = NO_PROBLEM
        """Why the receiver is not open."""
        self._silence: SilenceMonitor | None = None
        self._streaming = Streaming.FULL
        self._ca = ""
        self.settings = TelemetrySettings.from_options(entry.options)

    @callback
    def prepare(self) -> None:
        """Show from the first state on that cars are waited for: it would look as if they had been polled meanwhile."""
        if self.settings.transport is not Transport.POLLING:
            for car in self._cars.values():
                car.set_telemetry_stage(TelemetryStage.WAITING)

    async def start(self) -> None:
        """Open the transport. If that fails, the cars are polled, and a repair issue says why.

        What takes longer than START_PATIENCE goes on by itself: who reloads or removes the entry would wait for it.
        """
        self._opening = self._background(_START[self.settings.transport](self))
        done, _ = await asyncio.wait({self._opening}, timeout=START_PATIENCE)
        for opened in done:
            opened.result()

    async def start_polling(self) -> None:
        """Receive nothing."""
        self._clear_issue()
        self._clear_config_issues()
        self._background(self.remove_configs())

    async def start_mqtt(self) -> None:
        """Receive what another telemetry server publishes; its operator configures the cars."""
        self._clear_config_issues()
        self._open_mqtt()
        self._monitor_silence(lambda: self._mqtt is not None and self._mqtt.subscribed)
        self._background(self.remove_configs())

    @callback
    def _open_mqtt(self) -> None:
        """Subscribe for the current cars."""
        if self._mqtt is not None:
            self._mqtt.disconnect()
            self._mqtt.close()
        self._mqtt = MqttTelemetry(
            self._hass, self.settings.topic_base, self._listeners(), self._on_mqtt_available
        )
        self._background(self._mqtt.open())

    async def start_embedded(self) -> None:
        """Open the receiver, and have the cars configured to connect to it."""
        self._background(self.leave_shared_cars())
        try:
            self._ca = await self.server.open(self._entry.entry_id, self.settings, {})
        except TelemetryServerError as err:
            if str(err) != self._logged_error:
                self._logged_error = str(err)
                LOGGER.error("Cars cannot connect to this Home Assistant: %s", err)
            self._raise_issue(
                RECEIVER_ISSUES[err.key],
                {
                    "detail": err.detail,
                    "port": str(self.settings.listen_port),
                    "url": active_endpoints().vehicle_ca_url,
                },
            )
            self._diagnosis = TelemetryDiagnosis(TelemetryProblem.CANNOT_LISTEN, err.detail)
            for car in self._cars.values():
                car.set_telemetry_stage(TelemetryStage.WAITING, self._diagnosis)
            self._reopen_later(err)
            return
        if self._stopped:
            await self.server.close(self._entry.entry_id)
            return
        self._accept_cars()
        self._diagnosis = NO_PROBLEM
        self._clear_issue()
        self._entry.async_on_unload(
            async_dispatcher_connect(self._hass, SIGNAL_NEW_CA, self._on_new_ca)
        )
        self._review = review = ConfigReview(
            self._hass,
            self._entry,
            self._make_sync(),
            self._storage,
            self._cars,
            self.settings.public_place,
            self.remove_configs,
            self._fleet_status,
            self._entity_signals,
        )
        review.start()
        self._monitor_silence(lambda: self._streaming is not Streaming.OFF)
        self._background(review.review())

    def _make_sync(self) -> ConfigSync | None:
        """Return what configures the cars with the current choice of signals, None if they must not push."""
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
        """Have the cars push everything, less or nothing from now on, depending on the budget.

        Cars that must not push are disconnected at once, and their configurations are removed. What another server
        publishes over MQTT cannot be changed from here.
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
        """Let the receiver accept the current cars, if they may push."""
        if self._streaming is not Streaming.OFF:
            for vin, listener in self._listeners().items():
                self.server.join(self._entry.entry_id, vin, listener)

    def _configure(self) -> None:
        """Have the cars configured for the current CA and choice of signals."""
        if self._review is not None:
            self._review.set_sync(self._make_sync())
            self._background(self._review.review())

    @callback
    def _on_new_ca(self, ca: str) -> None:
        """Configure the cars at once: otherwise those that connect again do not trust the certificate."""
        self._ca = ca
        self._configure()

    @callback
    def _reopen_later(self, err: TelemetryServerError) -> None:
        """Open the receiver again later; a list that could not be downloaded is tried soon, and then less and less often."""
        delay = REOPEN_INTERVAL
        if err.key == "telemetry_no_vehicle_ca":
            delay = min(FIRST_DOWNLOAD_RETRY * 2**self._downloads, LAST_DOWNLOAD_RETRY)
            self._downloads = min(self._downloads + 1, MAX_DOUBLINGS)
        if not self._stopped:
            job = HassJob(self._reopen, cancel_on_shutdown=True)
            self._cancel_reopen = async_call_later(self._hass, delay, job)

    @callback
    def _reopen(self, now: datetime) -> None:
        self._cancel_reopen = None
        self._opening = self._background(self.start_embedded())

    async def stop(self) -> None:
        """Stop receiving. The cars stay configured: they connect again when the entry is loaded again."""
        self._stopped = True
        if self._cancel_reopen is not None:
            self._cancel_reopen()
            self._cancel_reopen = None
        if self._opening is not None:  # it may wait for a download, and the server for it
            self._opening.cancel()
        await self.server.close(self._entry.entry_id)
        for vin in self._cars:
            async_clear_silence(self._hass, vin)
        if self._mqtt is not None:
            self._mqtt.close()
        self._meter.stop_receiving(self._entry.entry_id)

    def _listeners(self) -> dict[str, CarListener]:
        """Return the listeners of the current cars, by VIN."""
        entry_id = self._entry.entry_id
        return {
            vin: MeteredListener(vin, car, self._meter, entry_id) for vin, car in self._cars.items()
        }

    def _monitor_silence(self, listening: Callable[[], bool] = lambda: True) -> None:
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
        """Receive also what a car pushes that has joined the account."""
        if self.settings.transport is not Transport.POLLING:
            car.set_telemetry_stage(TelemetryStage.WAITING, self._diagnosis)
        if self._mqtt is not None:
            self._open_mqtt()
        if self._review is not None:
            self._accept_cars()
            self._review.watch(car.vin)
            self._background(self._review.review())
        if self._silence is not None:
            self._silence.watch(car.vin)

    @callback
    def car_left(self, vin: str) -> None:
        """Receive nothing more of a car that has left; this account cannot remove its configuration."""
        self.server.leave(self._entry.entry_id, vin)
        async_clear_silence(self._hass, vin)
        async_clear_config_issues(self._hass, vin)
        if self._mqtt is not None:
            self._open_mqtt()
        self._meter.stop_receiving(self._entry.entry_id, vin)

    async def remove_configs(self) -> None:
        """Remove the configurations of a time when the cars were to connect here."""
        await self._remove_configs(self._storage.configured)

    async def leave_shared_cars(self) -> None:
        """Remove the configurations of cars that another entry has now: a car streams for each application, billed twice."""
        shared, entry_id = async_get_shared_cars(self._hass), self._entry.entry_id
        await self._remove_configs(
            [v for v in self._storage.configured if shared.other_entry(v, entry_id) is not None]
        )

    async def _remove_configs(self, vins: Iterable[str]) -> None:
        for vin in vins:
            place = self._storage.config_record(vin).place
            if is_of_another_entry(self._hass, self._entry, vin) or (
                await remove_config(self._configs, vin, place)
            ):
                await self._storage.save_config_record(vin, ConfigRecord())

    def _background(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._entry.async_create_background_task(
            self._hass, coroutine, f"{DOMAIN} telemetry of {self._entry.title}"
        )

    @callback
    def _on_mqtt_available(self, available: bool) -> None:
        if available:
            self._clear_issue()
        else:
            self._raise_issue(TELEMETRY_NO_MQTT, {})

    def _raise_issue(self, issue_type: IssueType, placeholders: dict[str, str]) -> None:
        async_raise_issue(self._hass, issue_type, placeholders, entry=self._entry)

    def _clear_config_issues(self) -> None:
        for vin in self._cars:
            async_clear_config_issues(self._hass, vin)

    def _clear_issue(self) -> None:
        async_clear_issues(self._hass, Success.LISTENING, entry=self._entry)


_START: Final[dict[Transport, Callable[[EntryTelemetry], Coroutine[Any, Any, None]]]] = {
    Transport.EMBEDDED: EntryTelemetry.start_embedded,
    Transport.MQTT: EntryTelemetry.start_mqtt,
    Transport.POLLING: EntryTelemetry.start_polling,
}
