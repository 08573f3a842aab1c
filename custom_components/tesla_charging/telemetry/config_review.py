"""Keeping the cars of one entry configured: now and then it is seen to, and the owner sees what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from .. import clock
from ..const import DOMAIN, LOGGER
from ..coordinator import VehicleCoordinator
from ..fleet_api import Connectivity, FleetApiError
from ..issues.kinds import ACCOUNT_UNPAID, KEY_NOT_PAIRED
from ..issues.registry import async_get_issues
from ..storage.config_record import DAY, HOUR, ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.telemetry_status import TelemetryProblem, TelemetryStage, problem_of
from .config_issues import show_left_out, show_refusal
from .config_sync import ConfigSync

REVIEW_INTERVAL: Final = timedelta(hours=1)
"""How often it is considered whether something has to be asked; that by itself costs nothing."""
ABSENT_INTERVAL: Final = 6 * HOUR
"""Seconds between two looks at the configuration of a car that is online and not connected."""


class ConfigReview:
    """Has the configurator look after every car, and leads the outcome to the car, the disk and the owner."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        configurator: ConfigSync | None,
        storage: VehicleStorage,
        cars: dict[str, VehicleCoordinator],
        place: str,
        take_back: Callable[[], Awaitable[None]],
    ) -> None:
        """Nothing is asked yet; `place` is where the cars are told to connect, `take_back` ends that."""
        self._hass = hass
        self._entry = entry
        self.configurator = configurator
        """Replaced when cars have to be told something else; None while they are not to push."""
        self._storage = storage
        self._cars = cars
        self._place = place
        self._take_back = take_back
        self._taken_back_at: float | None = None
        """Since when the cars are not to push, or when that was tried again; unix seconds."""
        self._in_a_hurry: set[str] = set()
        """Cars for which something may just have been put right."""
        self._issues = async_get_issues(hass, entry)
        self._lock = asyncio.Lock()

    @callback
    def start(self) -> None:
        """Show what is remembered, and look after it from now on until the entry is unloaded."""
        for vin in self._cars:
            self.show(vin)
        self._entry.async_on_unload(
            async_track_time_interval(self._hass, self.review, REVIEW_INTERVAL)
        )
        self._entry.async_on_unload(self._issues.telemetry_doubtful.subscribe(self._review_soon))

    @callback
    def _review_soon(self) -> None:
        """Put back what Tesla took away with the bill, the sign-in, a permission or the key."""
        self._entry.async_create_background_task(
            self._hass, self.review(), f"{DOMAIN} telemetry of {self._entry.title}"
        )

    @callback
    def show(self, vin: str) -> None:
        """Show what is remembered of a car."""
        car, memory = self._cars[vin], self._storage.config_record(vin)
        car.set_telemetry_stage(memory.stage, memory.diagnosis)
        show_refusal(self._hass, car, memory)
        if memory.stage is TelemetryStage.REFUSED:
            self._in_a_hurry.add(vin)

    async def review(self, _: datetime | None = None) -> None:
        """Have every car configured as wanted."""
        async with self._lock:
            if self._issues.take_telemetry_doubt():
                self._in_a_hurry.update(self._cars)
            if (configurator := self.configurator) is None:
                await self._rest()
                return
            self._taken_back_at = None
            # while the bill is unpaid every answer is a refusal
            unpaid = self._issues.is_open(ACCOUNT_UNPAID)
            for vin, car in [*self._cars.items()]:
                if unpaid:
                    before = self._storage.config_record(vin)
                    self._show_passing(vin, car, before, TelemetryProblem.ACCOUNT_UNPAID, "")
                else:
                    await self._review_car(configurator, vin, car, clock.now())

    async def _rest(self) -> None:
        """Have no car configured, because money is short; what Tesla does not take back is tried once a day."""
        self._show_rest()
        now, since = clock.now(), self._taken_back_at
        if since is None or not 0 <= now - since < DAY:
            self._taken_back_at = now
            await self._take_back()
            self._show_rest()

    def _show_rest(self) -> None:
        for vin, car in [*self._cars.items()]:
            memory = self._storage.config_record(vin)
            self._show_passing(vin, car, memory, TelemetryProblem.BUDGET, "")

    async def _review_car(
        self, configurator: ConfigSync, vin: str, car: VehicleCoordinator, now: float
    ) -> None:
        before = self._storage.config_record(vin)
        failed = None if car.last_update_success else car.last_exception
        polled = problem_of(failed.__cause__ if failed else None)
        try:
            memory = await configurator.sync(vin, before, now, self._patience(vin, car, before))
        except FleetApiError as err:
            LOGGER.debug("The telemetry of %s could not be checked: %s", car.name, err)
            self._show_passing(vin, car, before, problem_of(err), err.detail)
            return
        if self._cars.get(vin) is not car:
            return  # it left the account meanwhile
        if memory != before:
            memory = replace(memory, place=self._place)
            show_left_out(self._hass, car, before.refused_fields, memory.refused_fields)
            await self._storage.save_config_record(vin, memory)
            if memory.stage is TelemetryStage.REFUSED:
                LOGGER.info("Tesla did not let %s stream: %s", car.name, memory.reason)
        show_refusal(self._hass, car, memory)
        if memory.problem is TelemetryProblem.MISSING_KEY:
            self._issues.raise_issue(KEY_NOT_PAIRED, vin)
        if polled is TelemetryProblem.ACCOUNT_UNPAID and memory == before:
            # Tesla takes the configurations of an unpaid account away
            self._show_passing(vin, car, memory, polled, "")
            return
        self._in_a_hurry.discard(vin)
        if car.push.connected:
            car.forget_signals(configurator.given_up)
        car.set_telemetry_stage(memory.stage, memory.diagnosis)

    def _show_passing(
        self,
        vin: str,
        car: VehicleCoordinator,
        memory: ConfigRecord,
        problem: TelemetryProblem,
        detail: str,
    ) -> None:
        """Show a problem of the account; when it is over, what Tesla holds has to be looked at again."""
        if problem is TelemetryProblem.NONE:
            return
        if problem is TelemetryProblem.ACCOUNT_UNPAID:
            self._in_a_hurry.add(vin)
        car.set_telemetry_stage(
            memory.stage, replace(memory.diagnosis, problem=problem, detail=detail)
        )

    def _patience(self, vin: str, car: VehicleCoordinator, memory: ConfigRecord) -> float:
        """Return how many seconds old the last look at what Tesla holds for a car may be."""
        if vin in self._in_a_hurry:
            return 0.0
        online = car.last_update_success and car.data.connectivity is Connectivity.ONLINE
        expected = memory.stage is not TelemetryStage.REFUSED
        if expected and online and car.data.telemetry is not TelemetryStage.CONNECTED:
            return ABSENT_INTERVAL
        return memory.validity


@callback
def shown_signals(cars: Iterable[VehicleCoordinator]) -> frozenset[str]:
    """Return the signals that any entity of these cars shows.

    An entity that is switched off is not there and listens to nothing; Home Assistant loads the entry anew when one is
    switched on, so that a look at every start is enough.
    """
    return frozenset(
        name
        for car in cars
        for signals in car.async_contexts()
        if isinstance(signals, frozenset)
        for name in signals
    )
