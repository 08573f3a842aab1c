"""Reviews the cars' telemetry configurations at intervals, and reports the outcome to the cars and as repair issues."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import DOMAIN, LOGGER
from ..coordinator import VehicleCoordinator
from ..fleet_api import Connectivity, FleetApiError, FleetStatus
from ..issues.kinds import ACCOUNT_UNPAID, KEY_NOT_PAIRED, Success
from ..issues.registry import async_get_issues
from ..storage.config_record import DAY, HOUR, ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.signals import SignalValue
from ..vehicle.telemetry_status import TelemetryProblem, TelemetryStage, problem_of
from .config_issues import EntitySignals, async_update_location, async_update_refusal
from .config_sync import ConfigSync

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


REVIEW_INTERVAL: Final = timedelta(hours=1)
"""How often it is decided whether a request is due; deciding costs nothing."""
ABSENT_INTERVAL: Final = 6 * HOUR
"""Seconds between two checks of the configuration of a car that is online and not connected."""
SILENT_FOR: Final = HOUR
"""Seconds without a push before that is a reason: before it sleeps, a car is online for a while after its connection ended."""


DATA_OFFERED: Final[HassKey[set[tuple[str, str]]]] = HassKey(f"{DOMAIN}_offered_configs")
"""By entry id and VIN: the refused configurations that were offered again since Home Assistant's start."""


class ConfigReview:
    """Has a ConfigSync update every car's configuration; stores the outcome, and reports it."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        sync: ConfigSync | None,
        storage: VehicleStorage,
        cars: dict[str, VehicleCoordinator],
        place: str,
        remove_configs: Callable[[], Awaitable[None]],
        fleet_status: Callable[[str], Awaitable[FleetStatus]],
        entity_signals: EntitySignals,
    ) -> None:
        """Prepare; `sync` is None while the cars must not push.

        `place` is the host and port to which cars are configured to connect, `remove_configs` removes all
        configurations, `fleet_status` requests that of a car, which is billed, `entity_signals` returns the names of a car's
        entities.
        """
        self._hass = hass
        self._entry = entry
        self._sync = sync

        self._storage = storage
        self._cars = cars
        self._place = place
        self._remove_configs = remove_configs
        self._fleet_status = fleet_status
        self._entity_signals = entity_signals
        self._removed_at: float | None = None
        """When the configurations were removed, or that was tried last; unix seconds, None while cars may push."""
        self._check_now: set[str] = set()
        """Cars of which Tesla's last answer may be outdated."""
        self._firmwares: dict[str, SignalValue | None] = {}
        """Of each car, when it was updated last."""
        self._asked: set[str] = set()
        """Cars of which Tesla was asked for the firmware since the start."""
        self._unpolled: set[str] = set()
        """Cars that have not been updated since the start: their first poll will tell the firmware, if they are online."""
        self._issues = async_get_issues(hass, entry)
        self._lock = asyncio.Lock()

    @callback
    def start(self) -> None:
        """Report what is stored, and review regularly until the entry is unloaded."""
        for vin in self._cars:
            self.watch(vin)
        self._entry.async_on_unload(
            async_track_time_interval(self._hass, self.review, REVIEW_INTERVAL)
        )
        self._entry.async_on_unload(self._issues.telemetry_doubtful.subscribe(self._review_soon))

    @callback
    def watch(self, vin: str) -> None:
        """Report what is stored of a car, and review when its firmware changes: another one understands more."""
        self.report(vin)
        car = self._cars[vin]
        self._unpolled.add(vin)
        self._firmwares[vin] = car.data.value("Version")
        self._entry.async_on_unload(car.async_add_listener(partial(self._on_update, vin)))

    @callback
    def _on_update(self, vin: str) -> None:
        if (car := self._cars.get(vin)) is None:
            return
        before, firmware = self._firmwares.get(vin), car.data.value("Version")
        self._firmwares[vin] = firmware
        if vin in self._unpolled or firmware != before:
            self._unpolled.discard(vin)
            self._review_soon()

    @callback
    def _review_soon(self) -> None:
        """Restore configurations that Tesla removed because of the bill, the sign-in, a permission or the key."""
        self._entry.async_create_background_task(
            self._hass, self.review(), f"{DOMAIN} telemetry of {self._entry.title}"
        )

    @callback
    def set_sync(self, sync: ConfigSync | None) -> None:
        """Configure the cars with this from the next review on; None removes their configurations."""
        self._sync = sync

    @callback
    def report(self, vin: str) -> None:
        """Report what is stored of a car."""
        car, record = self._cars[vin], self._storage.config_record(vin)
        car.set_telemetry_stage(record.stage, record.diagnosis)
        async_update_refusal(self._hass, car, record)
        offered = self._hass.data.setdefault(DATA_OFFERED, set())
        # once since Home Assistant's start: a reload repeats no request
        if record.stage is TelemetryStage.REFUSED and (self._entry.entry_id, vin) not in offered:
            offered.add((self._entry.entry_id, vin))
            self._check_now.add(vin)

    async def review(self, _: datetime | None = None) -> None:
        """Configure every car as wanted."""
        async with self._lock:
            if self._issues.take_telemetry_doubt():
                self._check_now.update(self._cars)
            if (sync := self._sync) is None:
                await self._remove_once_a_day()
                return
            self._removed_at = None
            # while the bill is unpaid every answer is a refusal
            unpaid = self._issues.is_open(ACCOUNT_UNPAID)
            for vin, car in [*self._cars.items()]:
                if unpaid:
                    before = self._storage.config_record(vin)
                    self._report_account_problem(
                        vin, car, before, TelemetryProblem.ACCOUNT_UNPAID, ""
                    )
                else:
                    await self._review_car(sync, vin, car, clock.now())

    async def _remove_once_a_day(self) -> None:
        """Remove all configurations, because the budget is short; what Tesla does not remove is tried once a day."""
        self._report_budget()
        now, since = clock.now(), self._removed_at
        if since is None or not 0 <= now - since < DAY:
            self._removed_at = now
            await self._remove_configs()
            self._report_budget()

    def _report_budget(self) -> None:
        for vin, car in [*self._cars.items()]:
            record = self._storage.config_record(vin)
            self._report_account_problem(vin, car, record, TelemetryProblem.BUDGET, "")

    async def _review_car(
        self, sync: ConfigSync, vin: str, car: VehicleCoordinator, now: float
    ) -> None:
        before = self._storage.config_record(vin)
        firmware = car.data.value("Version")
        online = car.data.connectivity is Connectivity.ONLINE
        if firmware is None and online and not before.fingerprint and vin in self._unpolled:
            return  # what the car understands is known in a moment; each sending is billed
        if firmware is None and not online:
            before = await self._with_firmware(vin, car, before)
        firmware = firmware or before.firmware or None
        failed = None if car.last_update_success else car.last_exception
        polled = problem_of(failed.__cause__ if failed else None)
        try:
            record = await sync.update(
                vin, before, now, self._max_age(vin, car, before, now), firmware
            )
        except FleetApiError as err:
            LOGGER.debug("The telemetry of %s could not be checked: %s", car.name, err)
            self._report_account_problem(vin, car, before, problem_of(err), err.detail)
            return
        if self._cars.get(vin) is not car:
            return  # it left the account meanwhile
        if record != before:
            record = replace(record, place=self._place)
            async_update_location(
                self._hass,
                car,
                before.refused_fields,
                record.refused_fields,
                self._entity_signals,
            )
            await self._storage.save_config_record(vin, record)
            if record.stage is TelemetryStage.REFUSED:
                LOGGER.info("Tesla did not let %s stream: %s", car.name, record.reason)
        async_update_refusal(self._hass, car, record)
        if record.problem is TelemetryProblem.MISSING_KEY:
            self._issues.raise_issue(KEY_NOT_PAIRED, vin)
        if polled is TelemetryProblem.ACCOUNT_UNPAID and record == before:
            # Tesla removes the configurations of an unpaid account
            self._report_account_problem(vin, car, record, polled, "")
            return
        self._check_now.discard(vin)
        if car.push.connected:
            car.forget_signals(sync.dropped_signals)
        car.set_telemetry_stage(record.stage, record.diagnosis)

    async def _with_firmware(
        self, vin: str, car: VehicleCoordinator, record: ConfigRecord
    ) -> ConfigRecord:
        """Return the record of a car that sleeps and has not told its firmware, with what Tesla knows of that.

        The request costs less than a configuration that has to be replaced when the car wakes up.
        """
        if record.firmware or vin in self._asked:
            return record
        self._asked.add(vin)
        try:
            status = await self._fleet_status(vin)
        except FleetApiError as err:
            LOGGER.debug("Tesla did not tell the firmware of %s: %s", car.name, err)
            return record
        if status.needs_pairing:
            self._issues.raise_issue(KEY_NOT_PAIRED, vin)
        else:
            self._issues.record_success(Success.PAIRED, vin)
            car.is_known_paired = True
        record = replace(record, firmware=status.firmware or "")
        await self._storage.save_config_record(vin, record)
        return record

    def _report_account_problem(
        self,
        vin: str,
        car: VehicleCoordinator,
        record: ConfigRecord,
        problem: TelemetryProblem,
        detail: str,
    ) -> None:
        """Report a problem of the account; when it is over, what Tesla holds has to be checked again."""
        if problem is TelemetryProblem.NONE:
            return
        if problem is TelemetryProblem.ACCOUNT_UNPAID:
            self._check_now.add(vin)
        car.set_telemetry_stage(
            record.stage, replace(record.diagnosis, problem=problem, detail=detail)
        )

    def _max_age(
        self, vin: str, car: VehicleCoordinator, record: ConfigRecord, now: float
    ) -> float:
        """Return how many seconds old Tesla's last answer about a car may be.

        Each check is billed, and what a car pushes shows without a cost that its configuration stands. So it is checked
        often only when in doubt: after trouble with the account, while it is refused, and while the car is online and
        pushes nothing.
        """
        if vin in self._check_now:
            return 0.0
        pushed_at = max(car.pushed_at or 0.0, car.data.received_at or 0.0)
        online = car.last_update_success and car.data.connectivity is Connectivity.ONLINE
        silent = not 0 <= now - pushed_at < SILENT_FOR
        expected = record.stage is not TelemetryStage.REFUSED
        if expected and online and silent and car.data.telemetry is not TelemetryStage.CONNECTED:
            return ABSENT_INTERVAL
        return record.validity_after(pushed_at)


@callback
def shown_signals(cars: Iterable[VehicleCoordinator]) -> frozenset[str]:
    """Return the signals that any entity of these cars shows.

    A disabled entity does not exist and listens to nothing; Home Assistant reloads the entry when one is enabled, so
    that it is enough to read this at every start.
    """
    return frozenset(
        name
        for car in cars
        for signals in car.async_contexts()
        if isinstance(signals, frozenset)
        for name in signals
    )
