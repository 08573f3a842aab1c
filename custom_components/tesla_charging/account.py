"""The cars of one config entry: they join, leave and change names without a restart. Follows the budget for them.

A car leaves only when complete lists lack it for long enough and Tesla does not find it: a glitch deletes no device.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_call_later

from . import clock
from .billing.budget import Stage, Streaming
from .billing.budget_manager import BudgetManager
from .const import DOMAIN, LOGGER
from .coordinator import VehicleCoordinator
from .device import vins_of
from .fleet_api import (
    FleetApiError,
    LoginRequired,
    NotFound,
    RateLimited,
    VehicleList,
    Vehicles,
    VehicleSummary,
)
from .issues.kinds import BUDGET_BY_USER, BUDGET_NO_REFRESH, BUDGET_SPENT, IssueType
from .issues.registry import async_get_issues
from .listeners import Listeners
from .shared_cars import async_get_shared_cars, async_remove_entities
from .storage.vehicle_store import CarRecords, VehicleStorage

if TYPE_CHECKING:
    from .data import TeslaChargingConfigEntry


CHECK_INTERVAL: Final = timedelta(hours=6)
"""How often the list of cars is read; it is free, and cars rarely change hands."""
RECHECK_INTERVAL: Final = timedelta(minutes=15)
"""The same while a car is missing or the list could not be read; also the shortest time between two lists."""
MISSING_FOR: Final = timedelta(minutes=10)
"""How long complete lists must lack a car before it can leave."""
EMPTY_FOR: Final = timedelta(hours=24)
"""The same if the last list names no car at all: a glitch of the whole account looks like that."""

STAGE_ISSUES: Final[dict[Stage, IssueType]] = {
    Stage.NO_REFRESH: BUDGET_NO_REFRESH,
    Stage.BY_USER: BUDGET_BY_USER,
    Stage.SPENT: BUDGET_SPENT,
}
"""The repair issues of the stages in which the user has to decide: something is not sent any more."""


class Account:
    """The cars of one config entry."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        vehicles: Vehicles,
        storage: VehicleStorage,
        budget: BudgetManager,
        make: Callable[[VehicleSummary], VehicleCoordinator],
    ) -> None:
        """Begin without a request; `make` returns the coordinator of a car that joins."""
        self.cars: dict[str, VehicleCoordinator] = {}
        """By VIN. All who need every car share this dictionary."""
        self._hass = hass
        self._entry = entry
        self._vehicles = vehicles
        self._storage = storage
        self._budget = budget
        self._reported: tuple[Stage, str, str] | None = None
        """What was reported last: the stage of the budget, its amount, and the end of the month."""
        self._make = make
        self._listed: frozenset[str] = frozenset()
        self._shared = async_get_shared_cars(hass)
        self._elsewhere: dict[str, VehicleSummary] = {}
        """By VIN, the listed cars that another entry has."""
        entry.async_on_unload(lambda: self._shared.withdraw(entry.entry_id))
        self._missing: dict[str, float] = {}
        """By VIN, since when complete lists lack the car; seconds of `clock.monotonic`."""
        self.joined = Listeners[VehicleCoordinator]()
        """Notified of every car that joins."""
        self.left = Listeners[str]()
        """Notified of every car that has left, by its VIN."""
        self._read_at = 0.0
        self._first_delay = CHECK_INTERVAL
        self._due_at = float("inf")
        self._cancel: CALLBACK_TYPE | None = None
        self._reading = self._started = self._closed = False

    @callback
    def for_each(self, join: Callable[[VehicleCoordinator], None]) -> None:
        """Call for every car of now, and for every car that joins until the entry is unloaded."""
        for car in self.cars.values():
            join(car)
        self.joined.subscribe(join)

    async def load(self) -> None:
        """Read the list for the first time. Raises FleetApiError."""
        listed = await self._vehicles.listed()
        self._read_at = clock.monotonic()
        self._update(listed)
        if self._missing or not listed.is_complete:
            self._first_delay = RECHECK_INTERVAL

    @callback
    def start(self) -> None:
        """Poll every car, and read the list regularly."""
        self._started = True
        for car in self.cars.values():
            self._refresh(car)
        self._schedule(self._first_delay)

    @callback
    def stop(self) -> None:
        """Read no list and add no car any more: the entry is being unloaded."""
        self._closed = True
        self._unschedule()

    async def close(self) -> None:
        """Shut down the coordinator of every car."""
        for car in self.cars.values():
            await car.async_shutdown()

    def is_listed(self, vin: str) -> bool:
        """Return whether the last list named this car."""
        return vin in self._listed

    async def forget(self, vin: str, *, device_too: bool = True) -> None:
        """Remove a car and what is stored of it, or hand it over to another entry that lists it.

        Its device is removed or handed over, too, unless Home Assistant itself removes it when this returns.
        """
        self._missing.pop(vin, None)
        self._listed -= {vin}
        records = self._storage.records_of(vin)
        if (car := self.cars.pop(vin, None)) is not None:
            await car.async_shutdown()
            await async_remove_entities(self._hass, car)
        async_get_issues(self._hass, self._entry).forget(vin)
        self.left.notify(vin)
        await self._storage.remove_car(vin)
        release = partial(self._shared.release, vin, self._entry.entry_id, records)
        if not device_too:
            self._hass.loop.call_soon(release)
            return
        release()
        if (device := self._devices().get(vin)) is not None:
            dr.async_get(self._hass).async_remove_device(device.id)

    @callback
    def hand_over(self) -> None:
        """Let all cars go to other entries that list them: this entry is disabled."""
        for vin in self.cars:
            self._shared.release(vin, self._entry.entry_id, self._storage.records_of(vin))

    # -- reading the list ----------------------------------------------------------------------------------

    @callback
    def check_soon(self) -> None:
        """Read the list now, because a car was not found; at most once in RECHECK_INTERVAL."""
        wait = self._read_at + RECHECK_INTERVAL.total_seconds() - clock.monotonic()
        if self._started and not self._reading and clock.monotonic() + wait < self._due_at:
            self._schedule(timedelta(seconds=max(0.0, wait)))

    def _schedule(self, delay: timedelta) -> None:
        self._unschedule()
        if not self._closed:
            self._due_at = clock.monotonic() + delay.total_seconds()
            job = HassJob(self._check, f"{DOMAIN} cars of an account", cancel_on_shutdown=True)
            self._cancel = async_call_later(self._hass, delay, job)

    def _unschedule(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    async def _check(self, _: datetime) -> None:
        """Read the list, add and remove cars. A failure is retried."""
        self._cancel, self._reading = None, True
        delay = RECHECK_INTERVAL
        try:
            listed = await self._vehicles.listed()
            self._read_at = clock.monotonic()
            if self._closed:
                return
            self._update(listed)
            if listed.is_complete:
                await self._remove_missing(every_car=not listed.cars)
                if not self._missing:
                    delay = CHECK_INTERVAL
        except FleetApiError as err:
            LOGGER.debug("The cars of the account could not be listed: %s", err)
            if isinstance(err, LoginRequired):
                self._entry.async_start_reauth_if_available(self._hass)
            if isinstance(err, RateLimited):
                delay = max(delay, timedelta(seconds=err.retry_after))
        finally:
            self._reading = False
        self._schedule(delay)

    def _update(self, listed: VehicleList) -> None:
        """Add new cars, update names, and note which cars are missing."""
        named = {summary.vin: summary for summary in listed.cars}
        for vin, summary in named.items():
            self._missing.pop(vin, None)
            if (car := self.cars.get(vin)) is None:
                self._join_or_wait(summary)
            elif summary.has_name and summary.name != car.vehicle_name:
                self._rename(car, summary.name)
        self._listed = frozenset(named) | (frozenset() if listed.is_complete else self._listed)
        if listed.is_complete:
            for vin in self._elsewhere.keys() - named.keys():
                del self._elsewhere[vin]
                self._shared.withdraw(self._entry.entry_id, vin)
            for vin in (self.cars.keys() | self._devices().keys()) - named.keys():
                self._missing.setdefault(vin, clock.monotonic())

    async def _remove_missing(self, *, every_car: bool) -> None:
        """Remove the cars that are missing for long enough and that Tesla does not find."""
        wait = EMPTY_FOR if every_car else MISSING_FOR
        for vin, since in [*self._missing.items()]:
            if clock.monotonic() - since < wait.total_seconds():
                continue
            try:
                await self._vehicles.summary(vin)
            except NotFound:
                if self._closed:
                    return
                LOGGER.info("A car has left the Tesla account")
                await self.forget(vin)
            else:
                # the lists were wrong: the time starts again
                self._missing[vin] = clock.monotonic()

    # -- budget -------------------------------------------------------------------------------------

    @callback
    def follow_budget(self, set_streaming: Callable[[Streaming], None]) -> None:
        """Report the stage of the budget and set what cars may push, until the entry is unloaded."""

        @callback
        def follow() -> None:
            self._report_budget()
            set_streaming(self._budget.decision.streaming)

        self._entry.async_on_unload(self._budget.subscribe(follow))
        follow()

    @callback
    def _report_budget(self) -> None:
        """Raise the issue of the present stage of the budget, and clear those of the others."""
        stage, amount = self._budget.decision.stage, self._budget.amount
        report = (stage, amount, self._budget.until.isoformat())
        if report == self._reported:
            return
        self._reported = report
        issues = async_get_issues(self._hass, self._entry)
        for issue_type in STAGE_ISSUES.values():
            issues.clear(issue_type)
        if stage in STAGE_ISSUES:
            issues.raise_issue(STAGE_ISSUES[stage], None, amount)

    # -- joining ------------------------------------------------------------------------------------

    def _join_or_wait(self, summary: VehicleSummary) -> None:
        """Add a car, unless another entry has it."""

        @callback
        def take_over(records: CarRecords) -> None:
            if self._closed or (latest := self._elsewhere.get(summary.vin)) is None:
                return
            self._storage.take_over(summary.vin, records)
            self._join_or_wait(latest)

        if self._shared.claim(summary.vin, self._entry.entry_id, take_over):
            self._elsewhere.pop(summary.vin, None)
            if (left := self._shared.take_left(summary.vin)) is not None:
                self._storage.take_over(summary.vin, left)
            self._join(summary)
            return
        if summary.vin not in self._elsewhere:
            LOGGER.info("A car of %s is in another entry already", self._entry.title)
        self._elsewhere[summary.vin] = summary
        if (device := self._devices().get(summary.vin)) is not None:
            dr.async_get(self._hass).async_remove_device(device.id)

    def _join(self, summary: VehicleSummary) -> None:
        device = self._devices().get(summary.vin)
        if not summary.has_name and device is not None and device.name:
            summary = replace(summary, name=device.name)
        car = self.cars[summary.vin] = self._make(summary)
        self.joined.notify(car)
        if self._started:
            self._refresh(car)

    def _refresh(self, car: VehicleCoordinator) -> None:
        # a car may take half a minute to answer: the set-up does not wait for it
        self._entry.async_create_background_task(
            self._hass, car.async_refresh(), f"{DOMAIN} first data of {car.name}"
        )

    def _rename(self, car: VehicleCoordinator, name: str) -> None:
        """Set the name that the car has at Tesla; a name that the user gave in Home Assistant still wins."""
        car.vehicle_name = name
        async_get_issues(self._hass, self._entry).set_car_name(car.vin, name)
        if (device := self._devices().get(car.vin)) is not None:
            dr.async_get(self._hass).async_update_device(device.id, name=name)

    def _devices(self) -> dict[str, dr.DeviceEntry]:
        """Return the devices of the cars by VIN."""
        return devices_of(self._hass, self._entry.entry_id)


@callback
def devices_of(hass: HomeAssistant, entry_id: str) -> dict[str, dr.DeviceEntry]:
    """Return the devices of an entry's cars by VIN."""
    return {
        vin: device
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
        for vin in vins_of(device)
    }
