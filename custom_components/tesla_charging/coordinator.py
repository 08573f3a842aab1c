"""The coordinator of one car: it polls, merges pushed records, sends commands, and updates the entities concerned."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, cast, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util.hass_dict import HassKey

from . import clock
from .commands.commander import VehicleCommander, WakePolicy
from .commands.optimistic import effect_of, with_uncertain
from .commands.queue import DATA_QUEUES, CommandQueue, Order
from .commands.rate_guard import CommandRateGuard
from .commands.rate_limit import LimitReached
from .commands.redundancy import RedundantCommandFilter
from .commands.under_way import CommandsUnderWay
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
    Scope,
    Section,
    VehicleAsleep,
    VehicleData,
    Vehicles,
    VehicleSummary,
)
from .fleet_telemetry import ConnectivityRecord, Record, SignalRecord
from .issues.kinds import Success
from .issues.registry import async_get_issues
from .polling.decision import PollDecision, PollTarget
from .polling.doubts import Doubts
from .polling.observations import PollObservations
from .polling.timers import ConfirmationTimer, SharedRefresh
from .request_origin import is_by_user, requested_by, user_or_nobody
from .storage.vehicle_store import CommandRecord, VehicleStorage
from .vehicle.charge_schedules import knows_schedules
from .vehicle.energy_meter import with_energy
from .vehicle.location import HomeSource, expired, home_proximity, home_source_of, with_place
from .vehicle.push import PushChannel
from .vehicle.signals import CHARGING
from .vehicle.state import VehicleState, expected, readings_of
from .vehicle.telemetry_status import LOCATION, NO_PROBLEM, TelemetryDiagnosis, TelemetryStage
from .vehicle_command import CommandRequest, CommandResult, Outcome, VehicleCommandError, VirtualKey

if TYPE_CHECKING:
    from .data import TeslaChargingConfigEntry


BURST = 0.25
"""Seconds in which pushed records are gathered before entities are written."""

DATA_OBSERVATIONS: Final[HassKey[dict[str, PollObservations]]] = HassKey(f"{DOMAIN}_observations")
"""By VIN, since Home Assistant's start."""


class VehicleCoordinator(DataUpdateCoordinator[VehicleState]):
    """The state of one car, and the way to it.

    Rule: no coroutine holds a state across an `await`. What an answer says is merged into `data` as it is then, because
    commands and pushes change it meanwhile (held by tests/lifecycle/test_coordinator.py).

    A car is unavailable when the free request for its state fails. If only its data cannot be polled, the last values
    stay; the log has one line when that begins and one when it ends, and polls become rarer.
    """

    config_entry: TeslaChargingConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
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
        self.is_known_paired = False
        """Whether Tesla said since the start that the car needs no pairing any more."""
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
            on_reported=self._set_reported,
            on_waking=self._set_waking,
            before_wake=self._rate_guard.count_wake,
            before_read=self._rate_guard.count_data,
        )
        storage.attach(
            summary.vin,
            self._command_record,
            lambda: self.data,
            lambda: self.observations.usage_pattern,
        )
        state = storage.state(summary.vin).as_reported(summary.state)
        state = state.with_service(summary.in_service)
        self.observations = self._observations(state, stretch)
        self.observations.record_service(reported=summary.in_service)
        self.data = state if with_location else state.without(LOCATION)
        self._on_not_found = on_not_found
        self._published, self._published_success = self.data, True
        self._changed: frozenset[str] | None = None
        self.confirmation = ConfirmationTimer(hass, self.name, self._confirm)
        self.push = PushChannel()
        self.under_way = CommandsUnderWay(hass)
        self._doubts = Doubts()
        self._redundancy = RedundantCommandFilter(self.push, lambda: self.data, clock.now)
        self._queue = hass.data.setdefault(DATA_QUEUES, {}).setdefault(self.vin, CommandQueue())
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
                lambda state: home_proximity(self.hass, state, self.home_source),
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
        self.data = self._doubts.review(
            self.data, self.push, frozenset().union(*self.async_contexts()), clock.now()
        )
        try:
            if self._decide().target is PollTarget.NOTHING:
                return self.data
            pushed_at = self.push.pushed_at
            summary = await self._vehicles.summary(self.vin)
            self._apply_summary(summary, pushed_meanwhile=self.push.pushed_at != pushed_at)
            if self._decide(self.data.connectivity).target is PollTarget.DATA:
                await self._poll_when_due()
                self._decide(self.data.connectivity)
            if self.observations.outage is not None and self._has_nothing_to_show():
                raise self.observations.outage.with_traceback(None)
        except FleetApiError as err:
            if isinstance(err, NotFound):
                self._on_not_found()
            raise update_failure(err) from err
        else:
            return self.data
        finally:
            self.update_interval = self.observations.wait(clock.now())

    def _decide(self, seen: Connectivity | None = None) -> PollDecision:
        return self.observations.decide(
            self.data,
            self.push,
            clock.now(),
            connectivity=seen,
            confirm_wanted=self.confirmation.wanted,
            in_doubt=self._doubts.is_request_due(clock.now()),
        )

    @callback
    def _apply_summary(self, summary: VehicleSummary, *, pushed_meanwhile: bool) -> None:
        """Merge the answer of the free request; a car that pushed after it was sent is online, whatever it says."""
        connectivity = Connectivity.ONLINE if pushed_meanwhile else summary.state
        self.commander.record_connectivity(connectivity)
        self.observations.record_connectivity(connectivity, self.data.connectivity, clock.now())
        self.observations.record_service(reported=summary.in_service)
        self.data = self.data.as_reported(connectivity)
        self._show_service()

    @callback
    def _show_service(self) -> None:
        self.data = self.data.with_service(self.observations.is_in_service)

    async def _poll_when_due(self) -> None:
        """Request the car's data. A failure that says nothing about the connection to Tesla is recorded, not raised."""
        try:
            await self._poll_data()
        except OverBudget:
            return
        except VehicleAsleep as err:
            if self.observations.record_asleep(self.data.connectivity, clock.now()):
                self.data = self.data.with_connectivity(Connectivity.ASLEEP)
            else:
                self._begin_outage(err)
        except AccountUnpaid:
            raise
        except FleetApiError as err:
            if isinstance(err, LoginRequired):
                self.config_entry.async_start_reauth_if_available(self.hass)
            if isinstance(err, NotFound):
                self._on_not_found()
            self._begin_outage(err)

    @callback
    def _begin_outage(self, err: FleetApiError) -> None:
        if self.observations.outage is None and not self._has_nothing_to_show():
            LOGGER.warning(
                "%s: Tesla does not give the data of the car, its last values stay: %s",
                self.name,
                translated(err),
            )
        self.observations.outage = err

    def _has_nothing_to_show(self) -> bool:
        """Whether an online car without data has no last value that could stay, nor a reason that is shown."""
        return (
            not self.data.readings
            and not self.data.in_service
            and self.data.connectivity is Connectivity.ONLINE
        )

    @callback
    def _end_outage(self) -> None:
        if self.observations.outage is not None and not self._has_nothing_to_show():
            LOGGER.info("%s: Tesla gives the data of the car again", self.name)

    async def _poll_data(self, *, insist: bool = False) -> None:
        """Request the car's data and merge them; `insist` when a user or an action wants them."""
        if not insist:
            self._vehicles.check_bill()
        polled_before = self.observations.polled_at
        asked_at = clock.now()
        self.observations.record_poll(asked_at)
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
        except VehicleAsleep, OverBudget:
            raise
        except MissingScope as err:
            if (
                Scope.VEHICLE_LOCATION not in err.scopes
                or Section.LOCATION_DATA not in self._sections
            ):
                raise
            # the permission was withdrawn: go on without the location
            self._sections.remove(Section.LOCATION_DATA)
            self.data = self.data.without(LOCATION)
            await self._poll_data(insist=insist)
        except FleetApiError as err:
            self.observations.record_failure(err)
            self._show_service()
            raise
        else:
            self._apply_data(data, asked_at)

    @callback
    def _apply_data(self, data: VehicleData, asked_at: float) -> None:
        """Merge an answer with the car's data, which only a car that is online gives.

        It counts as measured when it was requested: a command that was executed meanwhile is newer.
        """
        now, before = clock.now(), self.data
        readings = readings_of(data, now=now)
        lag = self.observations.lag(readings, asked_at)
        merged = before.with_connectivity(Connectivity.ONLINE).merge(readings, now=now, lag=lag)
        merged = self._doubts.record_answer(merged, readings, now)
        merged = with_place(merged, before)
        merged = with_energy(self.hass, merged, before, self.home_source)
        self._end_outage()
        self.observations.record_answer(merged, before, now)
        self.data = merged
        self._show_service()
        self._storage.keep(self.vin, merged.part({*readings, *expired(merged, before)}))

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
        try:
            await self._poll_data(insist=True)
        except VehicleAsleep:
            if self.observations.record_asleep(self.data.connectivity, clock.now()):
                self._set_connectivity(Connectivity.ASLEEP)
            raise asleep(Message.ASLEEP_NOT_ASKED, self.vehicle_name) from None
        self._decide(self.data.connectivity)
        self.update_interval = self.observations.wait(clock.now())
        self.async_set_updated_data(self.data)

    # -- commands -----------------------------------------------------------------------------------

    async def send(
        self, request: CommandRequest, *, force: bool = False, may_wake: bool = True
    ) -> CommandResult:
        """Send a command in its turn and return its result; a redundant one costs nothing, unless `force`.

        Controls show what it wants while it is under way, and from then on if the car has accepted it; the car's own data
        confirm or correct it a few seconds later.
        Raises HomeAssistantError with a translation when the command certainly did not execute, or was not sent because
        of a rate limit. `may_wake`: whether the car is woken for it; else the error for a sleeping car has the cause NotWoken.
        """
        with self.explaining():
            return await self.under_way.during(
                request,
                self._queue.run(
                    request,
                    partial(
                        self._execute,
                        force=force,
                        may_wake=may_wake,
                        failures=self.commander.waker.failures,
                    ),
                    # not if this one may not be sent at all
                    supersedes=(may_wake or self.data.connectivity is Connectivity.ONLINE)
                    and self._rate_guard.has_room(request)
                    and self._is_paid_for(request),
                ),
            )

    async def change(
        self,
        request: CommandRequest,
        section: Section,
        complete: Callable[[VehicleData], CommandRequest | None],
    ) -> CommandResult:
        """Read a section of the car's data and send what `complete` makes of it, both in the command's turn.

        Until then `request` stands for the command. If `complete` returns None, nothing has to be changed. Earlier
        commands for the same thing are executed too: this one depends on them. Raises as send() does.
        """
        with self.explaining():
            return await self._queue.run(
                request,
                partial(
                    self._execute_change,
                    section=section,
                    complete=complete,
                    failures=self.commander.waker.failures,
                ),
                supersedes=False,
            )

    def _is_paid_for(self, request: CommandRequest) -> bool:
        """Return whether the budget pays for a command, for those that are sent before it, and for opening a session."""
        asleep = self.data.connectivity is not Connectivity.ONLINE and not self.push.connected
        return self._vehicles.is_permitted(
            self.vin,
            commands=1
            + (self.commander.signed is not False)
            + request.command.sent_twice(request.parameters)
            + self._queue.unsent_before(request),
            wake=asleep and not self.commander.waker.is_waking,
        )

    async def _execute_change(
        self,
        order: Order,
        *,
        section: Section,
        complete: Callable[[VehicleData], CommandRequest | None],
        failures: int,
    ) -> CommandResult:
        policy = WakePolicy(insist=self._insists(failures))
        data = await self.commander.read_for(order, [section], policy)
        if (request := complete(data)) is None:
            return CommandResult(Outcome.ALREADY)
        order.request = request
        return await self._execute(order, force=False, may_wake=True, failures=failures)

    def _insists(self, failures: int) -> bool:
        """Return whether the car is woken also in the pause after wake-ups that failed."""
        # a wake-up that failed while the command waited was its own attempt too
        return is_by_user() and self.commander.waker.failures == failures

    async def _execute(
        self, order: Order, *, force: bool, may_wake: bool, failures: int
    ) -> CommandResult:
        """Execute the command whose turn it is; `failures` is how many wake-ups had failed when it arrived."""
        request = order.request
        if not force and await self._redundancy.is_redundant(order, self._queue.others_wait):
            return CommandResult(Outcome.ALREADY)
        self._rate_guard.check_command(request)
        policy = WakePolicy(
            allowed=may_wake,
            insist=self._insists(failures),
            already=not force and self._redundancy.is_redundant_asleep(request),
        )
        result = await self._redundancy.watch(
            self.commander.send(
                request,
                believed_awake=self._is_believed_awake(policy),
                order=order,
                policy=policy,
                before_send=partial(self._rate_guard.count_command, request),
            )
        )
        if order.was_sent:
            self._present().apply_result(request, result)
        return result

    def _present(self) -> VehicleCoordinator:
        """Return what shows the car now: since the command came its entry may have been reloaded, or handed it over."""
        for entry in self.hass.config_entries.async_loaded_entries(DOMAIN):
            if (present := entry.runtime_data.cars.get(self.vin)) is not None:
                return cast(VehicleCoordinator, present)
        return self

    def _is_believed_awake(self, policy: WakePolicy) -> bool:
        """Return whether a free request, by which to know that the car is awake, can be spared."""
        if self.data.connectivity is not Connectivity.ONLINE:
            return False
        charges = self.data.value("DetailedChargeState") in CHARGING
        return self.push.connected or not policy.checks_first or (policy.allowed and charges)

    @callback
    def apply_result(self, request: CommandRequest, result: CommandResult) -> None:
        """Show what a command that was sent has changed, and have it confirmed."""
        if result.outcome is not Outcome.UNKNOWN:
            self._issues.record_success(Success.COMMANDED, self.vin)
        if effect := effect_of(request, result):
            now = clock.now()
            readings = expected(effect, now=now)
            self._publish(self.data.merge(readings, now=now))
            self._storage.keep(self.vin, self.data.part(readings))
        self.data = with_uncertain(self.data, request)
        self.confirmation.schedule()

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
        self.under_way.close()
        if self._burst_timer is not None:
            self._burst_timer.cancel()
            self._burst_timer = None
        await super().async_shutdown()

    @property
    def home_source(self) -> HomeSource:
        """What decides whether the car is at home."""
        return home_source_of(self.config_entry.options)

    # -- receiving ----------------------------------------------------------------------------------

    @property
    def pushed_at(self) -> float | None:
        """When the car last pushed a record, unix seconds by our clock."""
        return self.push.pushed_at

    @callback
    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Apply a pushed record. The returned future says when it is stored and may be acknowledged (None: now)."""
        retained = isinstance(record, SignalRecord) and record.retained
        if not retained and not isinstance(record, ConnectivityRecord):
            self.commander.record_connectivity(Connectivity.ONLINE)
        received = self.push.receive(self.data, record, clock.now())
        before = self.data
        if isinstance(record, SignalRecord) and not record.retained:
            received = received.with_connectivity(Connectivity.ONLINE)
        received = with_place(received, before)
        self.data = with_energy(self.hass, received, before, self.home_source)
        if self._burst_timer is None:
            self._burst_timer = self.hass.loop.call_later(BURST, self._publish_burst)
        names = record.values if isinstance(record, SignalRecord) else ()
        pushed = self.data.part({*names, *expired(self.data, before)})
        return self._storage.keep(self.vin, pushed) if pushed.readings else None

    @callback
    def on_connection(self, connected: bool) -> None:
        """Note that the car connected or disconnected; then it is most likely asleep, which a free request tells."""
        self._publish(self.push.set_connected(self.data, connected))
        if connected:
            self.commander.record_connectivity(Connectivity.ONLINE)
        else:
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
    def _set_reported(self, connection: Connectivity) -> None:
        """Apply a free request that a command has made; what a car is connected to push has not ended."""
        if self.push.connected:
            self._set_connectivity(connection)
        else:
            self._publish(self.data.as_reported(connection))

    @callback
    def _set_waking(self, waking: bool) -> None:
        self._publish(self.data.with_waking(waking))

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
