"""The coordinator of one car: it polls, merges pushed records, sends commands, and updates the entities concerned."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util.hass_dict import HassKey

from . import clock
from .commands.commander import VehicleCommander
from .commands.optimistic import effect_of, with_uncertain
from .commands.rate_guard import CommandRateGuard
from .commands.rate_limit import LimitReached
from .commands.redundancy import RedundantCommandFilter
from .const import DOMAIN, LOGGER, STATE_INTERVAL
from .device import show_firmware
from .exceptions import Message, asleep, too_often, translated, update_failure
from .fleet_api import (
    AccountUnpaid,
    Connectivity,
    FleetApiError,
    LoginRequired,
    MissingScope,
    NotFound,
    OverBudget,
    RateLimited,
    Scope,
    Section,
    ServerFailure,
    Unreachable,
    VehicleAsleep,
    Vehicles,
    VehicleSummary,
)
from .fleet_telemetry import Record, SignalRecord
from .issues.kinds import Success
from .issues.registry import async_get_issues
from .polling.decision import PollDecision, PollTarget
from .polling.observations import PollObservations
from .polling.timers import ConfirmationTimer, SharedRefresh
from .request_origin import is_by_user, requested_by, user_or_nobody
from .storage.vehicle_store import CommandRecord, VehicleStorage
from .vehicle.charge_schedules import knows_schedules
from .vehicle.energy_meter import with_energy
from .vehicle.location import home_proximity
from .vehicle.push import PushChannel
from .vehicle.state import VehicleState, expected, readings_of
from .vehicle.telemetry_status import LOCATION, NO_PROBLEM, TelemetryDiagnosis, TelemetryStage
from .vehicle_command import CommandRequest, CommandResult, Outcome, VehicleCommandError, VirtualKey

BURST = 0.25
"""Seconds in which pushed records are gathered before entities are written."""

DATA_OBSERVATIONS: Final[HassKey[dict[str, PollObservations]]] = HassKey(f"{DOMAIN}_observations")
"""By VIN, since Home Assistant's start."""


class VehicleCoordinator(DataUpdateCoordinator[VehicleState]):
    """The state of one car, and the way to it."""

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        summary: VehicleSummary,
        vehicles: Vehicles,
        key: VirtualKey,
        storage: VehicleStorage,
        *,
        with_location: bool,
        stretch: Callable[[], float],
        on_not_found: Callable[[], None],
    ) -> None:
        """Begin with what was known before the restart, without a request.

        `stretch` gives by how much the budget lengthens the pauses between polls. `on_not_found` is called when Tesla
        does not find the car: it may have left the account.
        """
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {summary.vin[-6:]}",
            update_interval=STATE_INTERVAL,
            # Home Assistant's own comparison would miss what was pushed during a poll
            always_update=True,
        )
        self.vin = summary.vin
        self.vehicle_name = summary.name
        self._issues = async_get_issues(hass, entry)
        self._issues.set_car_name(summary.vin, summary.name)
        self._vehicles = vehicles
        self._storage = storage
        self.key_fingerprint = key.fingerprint
        self._sections = [
            Section.CHARGE_STATE,
            Section.DRIVE_STATE,
            Section.VEHICLE_STATE,
            *([Section.LOCATION_DATA] if with_location else []),
        ]
        record = storage.command_record(summary.vin, key.fingerprint)
        self._rate_guard = CommandRateGuard(hass, self._issues, summary.vin, clock.now)
        self.commander = VehicleCommander(
            summary.vin,
            vehicles,
            key,
            now=clock.now,
            signed=record.signed,
            sessions=record.sessions,
            on_change=storage.save_sessions,
            on_connectivity=self._set_connectivity,
            before_wake=self._rate_guard.count_wake,
            before_read=self._rate_guard.count_data,
        )
        storage.attach(
            summary.vin,
            self._command_record,
            lambda: self.data,
            lambda: self.observations.usage_pattern,
        )
        state = storage.state(summary.vin).with_connectivity(summary.state)
        self.observations = self._observations(state, stretch)
        self.data = state if with_location else state.without(LOCATION)
        self._on_not_found = on_not_found
        self._published, self._published_success = self.data, True
        self._changed: frozenset[str] | None = None
        self.confirmation = ConfirmationTimer(hass, self.name, self._confirm)
        self.push = PushChannel()
        self._redundancy = RedundantCommandFilter(self.push, lambda: self.data, clock.now)
        self._burst_timer: asyncio.TimerHandle | None = None
        self._shared_refresh = SharedRefresh(
            self._refresh,
            # in the background: it ends when the entry is unloaded, and the unloading does not wait for Tesla
            lambda refreshing: entry.async_create_background_task(
                hass, refreshing, f"{self.name} refresh"
            ),
        )

    def _observations(self, state: VehicleState, stretch: Callable[[], float]) -> PollObservations:
        """Return what was observed of the car since Home Assistant's start, before a reload or by another entry."""
        known = self.hass.data.setdefault(DATA_OBSERVATIONS, {})
        if (observations := known.get(self.vin)) is None:
            observations = known[self.vin] = PollObservations(
                self.vin,
                self._storage.usage_pattern(self.vin),
                clock.now(),
                partial(home_proximity, self.hass),
            )
        observations.resume(stretch, (*self._sections,), has_data=bool(state.readings))
        return observations

    def _command_record(self) -> CommandRecord:
        return CommandRecord(
            self.commander.signed, self.commander.sender.sessions(), self.key_fingerprint
        )

    # -- polling ------------------------------------------------------------------------------------

    @override
    async def _async_update_data(self) -> VehicleState:
        """Request whether the car is awake, which is free, and its data only when they are due.

        While the car pushes its data, nothing is requested.
        """
        try:
            if self._decide().target is PollTarget.NOTHING:
                return self.data
            summary = await self._vehicles.summary(self.vin)
            self.commander.record_connectivity(summary.state)
            self.observations.record_connectivity(
                summary.state, self.data.connectivity, clock.now()
            )
            state = self.data.with_connectivity(summary.state)
            if self._decide(summary.state).target is not PollTarget.DATA:
                return state
            state = await self._poll_data(state)
            self._decide(state.connectivity, state)
        except FleetApiError as err:
            if isinstance(err, NotFound):
                self._on_not_found()
            raise update_failure(err) from err
        else:
            return state
        finally:
            self.update_interval = self.observations.wait(clock.now())

    def _decide(
        self, seen: Connectivity | None = None, state: VehicleState | None = None
    ) -> PollDecision:
        return self.observations.decide(
            state or self.data,
            self.push,
            clock.now(),
            connectivity=seen,
            confirm_wanted=self.confirmation.wanted,
        )

    async def _poll_data(self, state: VehicleState, *, insist: bool = False) -> VehicleState:
        """Request the car's data and return the state with them; `insist` when a user or an action wants them."""
        if not insist:
            self._vehicles.check_bill()
        polled_before = self.observations.polled_at
        self.observations.record_poll(clock.now())
        by_user = self.confirmation.record_poll()
        sections = [*self._sections]
        if knows_schedules(self.data.value("Version")) is not False:
            sections.append(Section.CHARGE_SCHEDULES)
        try:
            with requested_by(user_or_nobody(by_user=is_by_user() if insist else by_user)):
                data = await self._vehicles.data(self.vin, sections, insist=insist)
        except asyncio.CancelledError:
            self.observations.record_interrupted(polled_before)
            raise
        except VehicleAsleep:
            self.observations.record_connectivity(
                Connectivity.ASLEEP, state.connectivity, clock.now()
            )
            return self.data.with_connectivity(Connectivity.ASLEEP)
        except (AccountUnpaid, RateLimited, ServerFailure, Unreachable) as err:
            self.observations.record_failure(err)
            raise
        except OverBudget:
            if insist:
                raise
            return state
        except MissingScope as err:
            if (
                Scope.VEHICLE_LOCATION not in err.scopes
                or Section.LOCATION_DATA not in self._sections
            ):
                raise
            # the permission was withdrawn: go on without the location
            self._sections.remove(Section.LOCATION_DATA)
            self.data = self.data.without(LOCATION)
            return await self._poll_data(state, insist=insist)
        now = clock.now()
        # commands may have changed the state during the request: merge into the present one
        readings = readings_of(data, now=now)
        lag = self.observations.lag(readings, now)
        merged = self.data.with_connectivity(state.connectivity).merge(readings, now=now, lag=lag)
        merged = with_energy(self.hass, merged, self.data)
        self.observations.record_answer(merged, self.data, now)
        self._storage.keep(self.vin, merged.part(readings))
        return merged

    async def refresh(self) -> bool:
        """Request the car's data now; return whether this call's request was billed, or one of the same moment was shared.

        Raises HomeAssistantError with a translation, also when the car is asleep: it is not woken for this.
        """
        return await self._shared_refresh.refresh()

    async def _refresh(self) -> None:
        with self.explaining():
            await self._read()

    async def _read(self) -> None:
        if not await self.commander.is_awake():
            raise asleep(Message.ASLEEP_NOT_ASKED, self.vehicle_name)
        self._rate_guard.count_data()
        state = await self._poll_data(self.data, insist=True)
        if state.connectivity is not Connectivity.ONLINE:  # fell asleep meanwhile
            self._set_connectivity(state.connectivity)
            raise asleep(Message.ASLEEP_NOT_ASKED, self.vehicle_name)
        self._decide(state.connectivity, state)
        self.update_interval = self.observations.wait(clock.now())
        self.async_set_updated_data(state)

    # -- commands -----------------------------------------------------------------------------------

    async def send(self, request: CommandRequest, *, force: bool = False) -> CommandResult:
        """Send a command and return its result; a redundant one costs nothing, unless `force`.

        What the command changes is shown at once; the car's own data confirm or correct it a few seconds later.
        Raises HomeAssistantError with a translation when the command certainly did not execute, or was not sent because
        of a rate limit.
        """
        if not force and await self._redundancy.is_redundant(request):
            return CommandResult(Outcome.ALREADY)
        believed_awake = self.data.connectivity is Connectivity.ONLINE
        with self.explaining():
            self._rate_guard.count_command(request)
            result = await self._redundancy.in_flight(
                self.commander.send(request, believed_awake=believed_awake)
            )
        if result.outcome is not Outcome.UNKNOWN:
            self._issues.record_success(Success.COMMANDED, self.vin)
        if effect := effect_of(request, result):
            now = clock.now()
            readings = expected(effect, now=now)
            self._publish(self.data.merge(readings, now=now))
            self._storage.keep(self.vin, self.data.part(readings))
        self.data = with_uncertain(self.data, request)
        self.confirmation.schedule()
        return result

    async def wake_up(self) -> bool:
        """Wake the car and request its data; return whether a wake-up was needed, which is billed.

        Raises HomeAssistantError with a translation.
        """
        with self.explaining():
            woken = await self.commander.wake_up()
        self.confirmation.schedule(timedelta(seconds=1))
        return woken

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn a failure into HomeAssistantError with a translation, and report it to the repair issues."""
        try:
            yield
        except LimitReached as err:
            self._rate_guard.record_refusal(err)
            raise too_often(err, self.vehicle_name) from None
        except (FleetApiError, VehicleCommandError) as err:
            if isinstance(err, LoginRequired):
                self.config_entry.async_start_reauth_if_available(self.hass)
            if isinstance(err, NotFound):
                self._on_not_found()
            if isinstance(err, VehicleCommandError):
                self._issues.record_failure(err, self.vin)
            raise translated(err) from err

    async def _confirm(self) -> None:
        if self.observations.pushes(self.data, self.push, clock.now()) and not self.data.assumed:
            # the car has pushed what the command changed; it stays silent only if nothing changed
            self.confirmation.record_poll()
            return
        await self.async_refresh()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling."""
        self._rate_guard.stop()
        self.confirmation.close()
        if self._burst_timer is not None:
            self._burst_timer.cancel()
            self._burst_timer = None
        await super().async_shutdown()

    # -- receiving ----------------------------------------------------------------------------------

    @property
    def pushed_at(self) -> float | None:
        """When the car last pushed a record, unix seconds by our clock."""
        return self.push.pushed_at

    @callback
    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Apply a pushed record. The returned future says when it is stored and may be acknowledged (None: now)."""
        received = self.push.receive(self.data, record, clock.now())
        self.data = with_energy(self.hass, received, self.data)
        if self._burst_timer is None:
            self._burst_timer = self.hass.loop.call_later(BURST, self._publish_burst)
        pushed = self.data.part(record.values if isinstance(record, SignalRecord) else ())
        return self._storage.keep(self.vin, pushed) if pushed.readings else None

    @callback
    def on_connection(self, connected: bool) -> None:
        """Note that the car connected or disconnected; then it is most likely asleep, which a free request tells."""
        self._publish(self.push.set_connected(self.data, connected))
        if not connected:
            self.confirmation.schedule_check()

    @callback
    def set_telemetry_stage(
        self, stage: TelemetryStage, trouble: TelemetryDiagnosis = NO_PROBLEM
    ) -> None:
        """Show the stage of the push channel, and why it is not further."""
        self._publish(self.push.set_stage(self.data, stage, trouble))

    @callback
    def report_error(self, error: str) -> None:
        """Show an error that the car reported to Tesla."""
        self._publish(self.push.report_error(self.data, error))

    # -- publishing ---------------------------------------------------------------------------------

    @callback
    def _set_connectivity(self, connection: Connectivity) -> None:
        self._publish(self.data.with_connectivity(connection))

    @callback
    def forget_signals(self, names: Iterable[str]) -> None:
        """Show these signals as unknown: the car does not send them any more."""
        state = self.data
        for name in names:
            if name in state.readings:
                state = state.without(name)
        if state is not self.data:
            self._publish(state)

    @callback
    def _publish(self, state: VehicleState) -> None:
        """Show a state that did not come from a poll, and leave the timer of the polls alone."""
        self.data = state
        self.async_update_listeners()

    @callback
    def _publish_burst(self) -> None:
        """Update the listeners once for a burst of pushed records."""
        self._burst_timer = None
        self.async_update_listeners()

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Notify the listeners whose signals changed; all of them when the connection to Tesla was lost or is back."""
        changed = self.data.changes(self._published)
        concerns_everybody = self.last_update_success != self._published_success
        self._changed = None if concerns_everybody else changed
        self._published, self._published_success = self.data, self.last_update_success
        if "Version" in changed:
            show_firmware(self.hass, self.config_entry, self.vin, self.data.value("Version"))
        super().async_update_listeners()

    @callback
    @override
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: object = None
    ) -> CALLBACK_TYPE:
        """Call whenever there is an update; with a set of signals as context only when one of them changed."""
        if not isinstance(context, frozenset):
            return super().async_add_listener(update_callback, context)
        signals: frozenset[str] = context

        @callback
        def update() -> None:
            if self._changed is None or not signals.isdisjoint(self._changed):
                update_callback()

        return super().async_add_listener(update, context)
