"""Charges one car by plan: decides, keeps the decision on disk, hands it to the car, verifies it, and gives way to the person.

Rule: a decision is on disk before it is told to the car, and told before it is shown as agreed. A step that fails is taken
again at the next review, from what the disk says.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from .. import clock
from ..const import LOGGER
from ..coordinator import VehicleCoordinator
from ..fleet_api import Connectivity
from ..listeners import Listeners
from ..request_origin import RequestOrigin, requested_by
from ..smart_charging.result import Now, Plan
from ..smart_charging.series import Window
from ..smart_charging.stability import replan
from ..vehicle.charge_schedules import (
    FORMATS,
    Schedule,
    ScheduleKind,
    knows_schedules,
    schedules_in,
)
from ..vehicle.charge_status import is_charging
from ..vehicle.location import home_proximity
from ..vehicle_command import COMMANDS, CommandRequest
from .car_record import CarRecord, ChargeNow, Mode, UntilKind
from .car_view import Charger, charge_view, charger_of, planner_car
from .departures import Departure
from .hand_over import (
    BACKDATED,
    NOTHING,
    OWN_IDS,
    STEP,
    Wanted,
    anchored,
    hand_over,
    is_ours,
    lets_charge,
    minute_of_week,
    wanted_schedules,
    windows_of,
)
from .outlook import HomeSources
from .override import LEVEL_SLACK, OwnCommand
from .override_watch import ODOMETER, SLACK_MINUTES, OverrideWatch
from .presence import Presence, presence_of
from .problem import Setting, horizon, problem_of
from .sending import Refused, Sender
from .store import ChargingStore
from .verification import Do, Step, Verification, due_at, next_step, of_block

REVIEW: Final = timedelta(minutes=5)
"""A plan is reviewed at least so often; the planner keeps the running one unless another is enough better."""
BURST: Final = 1.0
"""Seconds in which changes of the car are gathered before a review."""
OBEYS_WITHIN: Final = 45.0
"""Seconds in which a charging car may stop by itself when it was given a start to come; then it is stopped."""
ACTS: Final = frozenset({Presence.HOME_PLUGGED, Presence.COMING})
MOST_STARTS: Final = 3
"""So often a car is told to start for a person: each may wake it."""
HELD_FOR: Final = timedelta(days=3)
"""For so long what a car was given is taken to be still in it: a schedule knows a weekday, no date."""
SEEN_AGAIN: Final = timedelta(days=1)
"""So often it is noted that it still is."""


class Status(StrEnum):
    """What smart charging does with the car now, beside the planner's own reason."""

    OFF = "off"
    AWAY = "away"
    UNKNOWN_PLACE = "unknown_place"
    UNPLUGGED = "unplugged"
    OVERRIDE = "override"
    PAUSED = "paused"
    CHARGE_NOW = "charge_now"
    NO_LEVEL = "no_level"
    HANDING_OVER = "handing_over"
    """The plan is decided, and the car does not hold it yet."""
    AGREED = "agreed"
    """The car holds the plan."""
    START_FAILED = "start_failed"
    """The car did not begin, and the person was told."""


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a car's smart charging."""

    status: Status
    plan: Plan | None = None
    departures: tuple[Departure, ...] = ()

    @property
    def now(self) -> Now | None:
        """The planner's reason for what happens now."""
        return None if self.plan is None else self.plan.reason


class ChargingController:
    """Smart charging of one car."""

    def __init__(
        self,
        hass: HomeAssistant,
        car: VehicleCoordinator,
        store: ChargingStore,
        sources: HomeSources | None,
        *,
        create_task: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        """Begin with what is on disk, without a request. Without `sources` the car is only freed of its schedules."""
        self._hass = hass
        self._car = car
        self._store = store
        self._sources = sources
        self._create_task = create_task
        self.record = store.record(car.vin)
        self.view = View(Status.OFF)
        self.changed = Listeners[View]()
        self.told = Listeners[Verification]()
        """Notified when a planned start failed for good."""
        self._charger = charger_of(car.data, Charger())
        self._saved = self.record
        self._watch = OverrideWatch(car.data)
        self._lock = asyncio.Lock()
        self._again: CALLBACK_TYPE | None = None
        self._due_at = 0.0
        """When the next review comes; seconds of `clock.monotonic`."""
        self._ends: list[CALLBACK_TYPE] = []
        self._given_at = float("-inf")
        """When the car was last given schedules; seconds of `clock.monotonic`."""
        self._stopped_at = float("-inf")
        """When it was last told to stop: what it tells of itself may be older."""
        self._has_read = False
        """Whether it was tried to read what the car holds."""
        self._sender = Sender(car, self.review_soon)
        self._closed = False

    @callback
    def start(self) -> None:
        """Review now, at every change of the car, and regularly."""
        self._ends.append(self._car.async_add_listener(self._on_change))
        if self._sources is not None:
            self._ends.append(self._sources.changed.subscribe(self.review_soon))
        self._ends.append(
            async_track_time_interval(
                self._hass, lambda _: self.review_soon(0), REVIEW, cancel_on_shutdown=True
            )
        )
        self.review_soon(0)

    @callback
    def stop(self) -> None:
        """Review no more. What the car holds stays: it charges by its schedules also without Home Assistant."""
        self._closed = True
        for end in self._ends:
            end()
        self._ends.clear()
        if self._again is not None:
            self._again()
            self._again = None

    # -- wishes -------------------------------------------------------------------------------------

    async def change(self, **wishes: Any) -> None:
        """Change wishes of the record, save them, and review the plan. Returns when the car was told, if it could be."""
        async with self._lock:
            if wishes:  # another wish is worth another plan, and another try
                wishes = {"blocks": (), **wishes}
                self._sender.try_again()
            await self._save(replace(self.record, **wishes))
            await self._review()

    async def charge_now(self, until: UntilKind, value: float) -> None:
        """Charge now; it ends by itself."""
        if until is UntilKind.ENERGY:
            until, value = UntilKind.LEVEL, self._level_with(value)
        await self.change(charge_now=ChargeNow(until, value), paused=False, override=None)

    async def resume(self) -> None:
        """Go on with the plan, whatever a person wanted of this charge."""
        await self.change(charge_now=None, paused=False, override=None, skipped=None)

    async def skip(self) -> Departure | None:
        """Leave the next departure out; return it."""
        departures = self._departures()
        if not departures:
            return None
        await self.change(skipped=departures[0].at)
        return departures[0]

    def _level_with(self, kwh: float) -> float:
        car = planner_car(self._car.data, self._charger)
        return 100.0 if car is None else min(100.0, car.level + kwh / car.capacity_kwh * 100)

    @property
    def can_charge(self) -> bool:
        """Whether the car is plugged in at home, on AC."""
        return self._presence() is Presence.HOME_PLUGGED

    # -- reviews ------------------------------------------------------------------------------------

    @callback
    def review_soon(self, delay: float = BURST) -> None:
        """Review in so many seconds, or earlier if that is due already."""
        due = clock.monotonic() + delay
        if self._closed or (self._again is not None and self._due_at <= due):
            return
        if self._again is not None:
            self._again()
        self._due_at = due

        @callback
        def review(_: datetime) -> None:
            self._again = None
            if not self._closed:
                self._create_task(self._review_locked(), "smart charging review")

        self._again = async_call_later(
            self._hass, delay, HassJob(review, "smart charging", cancel_on_shutdown=True)
        )

    @callback
    def _on_change(self) -> None:
        self._note_change()
        self.review_soon()

    async def _review_locked(self) -> None:
        async with self._lock:
            if not self._closed:
                await self._review()

    async def _review(self) -> None:
        """Decide what the car is to do now, and do it."""
        with requested_by(RequestOrigin.AUTOMATION):
            try:
                await self._act()
            except HomeAssistantError as err:
                LOGGER.info("%s: smart charging waits: %s", self._car.name, err)

    async def _act(self) -> None:
        state, now = self._car.data, dt_util.utcnow()
        self._charger = charger_of(state, self._charger)
        self._note_change()
        if self.record != self._saved:
            await self._save(self.record)
        presence = self._presence()
        if self.record.mode is Mode.OFF or self._sources is None:
            await self._give_back()
            self._show(View(Status.OFF))
        elif presence not in ACTS:
            self._show(View(_ELSEWHERE[presence], None, tuple(self._departures())))
        elif self.record.override is not None:
            await self._hold()
            self._show(View(Status.OVERRIDE, None, tuple(self._departures())))
        elif self.record.charge_now is not None:
            await self._charge_now(self.record.charge_now, now)
        elif self.record.paused:
            await self._follow((), now)
            self._show(View(Status.PAUSED, None, tuple(self._departures())))
        else:
            await self._follow_plan(now)

    # -- the plan -----------------------------------------------------------------------------------

    async def _follow_plan(self, now: datetime) -> None:
        assert self._sources is not None
        now = now.replace(microsecond=0)
        setting = self._setting()
        departures = tuple(setting.departures)
        outlook = await self._sources.outlook(now, horizon(departures, now), self._charger)
        if (problem := problem_of(setting, outlook, now)) is None:
            self._show(View(Status.NO_LEVEL, None, departures))
            return
        plan = await self._hass.async_add_executor_job(replan, problem, self.record)
        blocks = anchored(windows_of(plan.blocks), self.record.blocks, problem.now, STEP)
        target = max((one.level for one in departures), default=self.record.minimum_level)
        if blocks != self.record.blocks or target != self.record.target:
            await self._save(replace(self.record, blocks=blocks, target=target))
        self._show(View(Status.HANDING_OVER, plan, departures))
        status = Status.AGREED if await self._follow(blocks, now) else Status.HANDING_OVER
        if self._presence() is Presence.HOME_PLUGGED:
            await self._verify(blocks)
        if (known_start := self.record.verification) and known_start.step is Step.FAILED:
            status = Status.START_FAILED
        self._show(View(status, plan, departures))
        edges = (edge for block in blocks for edge in (block.start, block.end) if edge > now)
        if (edge := min(edges, default=None)) is not None:
            self.review_soon((edge - now).total_seconds() + BURST)

    async def _follow(self, blocks: tuple[Window, ...], now: datetime) -> bool:
        """Have the car hold the blocks, and do by command what it cannot hold; return whether it holds them."""
        state = self._car.data
        wanted = wanted_schedules(
            blocks,
            now,
            self._zone,
            self._place,
            STEP,
            self._room(),
        )
        running = next((block for block in blocks if block.start <= now < block.end), None)
        refused = False
        try:
            holds = await self._hold(wanted, running=running)
        except Refused as err:
            LOGGER.info("%s: the car is charged by commands: %s", self._car.name, err)
            holds, refused = False, True
        if self._presence() is not Presence.HOME_PLUGGED or not self._awake():
            return holds
        by_command = (
            refused
            or self._room() == 0
            or any(block.start <= now < block.end for block in wanted.by_command)
        )
        if is_charging(state) and running is None:
            waits = max(self._given_at, self._stopped_at) + OBEYS_WITHIN - clock.monotonic()
            if holds and self._begins_or_ends(now):
                self.review_soon(OBEYS_WITHIN)
            elif waits > 0:
                self.review_soon(waits)
            else:
                await self._command("charge_stop")
                self._stopped_at = clock.monotonic()
        elif running and by_command and state.value("DetailedChargeState") == "Stopped":
            await self._command("charge_start")
        return holds

    def _begins_or_ends(self, now: datetime) -> bool:
        """Return whether the car charges by a schedule that it holds; its clock is not ours."""
        minute = minute_of_week(now.astimezone(self._zone))
        return any(lets_charge(one, minute, SLACK_MINUTES) for one in self.record.held)

    async def _hold(self, wanted: Wanted = NOTHING, *, running: Window | None = None) -> bool:
        """Have the car hold these schedules of ours, and no others; return whether it does.

        A sleeping car is not woken for it. `running`: the block that is on.
        """
        charging, now = is_charging(self._car.data), clock.now()
        if (wanted.schedules or self.record.held) and not self._held_within(HELD_FOR, now):
            await self._read_back(now)
        handed = hand_over(
            wanted.schedules,
            self.record.held,
            tolerance=STEP,
            goes_on=charging and running is not None,
            blocked=not charging and self._presence() is Presence.HOME_PLUGGED,
            trusted=self._held_within(HELD_FOR, now),
            dated_back=wanted.dated_back,
            taken=self.record.taken,
        )
        if handed.requests:
            if not self._awake():
                return False
            begun = -1.0 if running is None else now - running.start.timestamp()
            if charging and 0 <= begun < BACKDATED.total_seconds():
                # a start that is only just over does not count any more when schedules change
                self.review_soon(BACKDATED.total_seconds() - begun)
                return False
        for request in handed.requests:
            await self._save(
                replace(
                    self.record, held=_after(self.record.held, request, handed.held, sent=False)
                )
            )
            await self._sender.send(request)
            await self._save(
                replace(self.record, held=_after(self.record.held, request, handed.held, sent=True))
            )
        if handed.requests:
            self._given_at = clock.monotonic()
        if handed.requests or (self.record.held and not self._held_within(SEEN_AGAIN, now)):
            await self._save(replace(self.record, held_at=now))
        return True

    async def _read_back(self, now: float) -> None:
        """Read once what the car holds under our ids: our record may be damaged, and somebody else may use them."""
        if self._has_read or self._room() == 0 or not self._awake():
            return
        self._has_read = True
        form = FORMATS[ScheduleKind.CHARGE]
        with suppress(HomeAssistantError), self._car.explaining():  # then it is given all anew
            found = schedules_in(
                await self._car.commander.read([form.section]), ScheduleKind.CHARGE
            )
            if found is not None:
                ours = [one for one in found if one.id in OWN_IDS]
                held = tuple(one for one in ours if is_ours(one))
                taken = tuple(one.id for one in ours if not is_ours(one))
                await self._save(replace(self.record, held=held, taken=taken, held_at=now))

    def _held_within(self, time: timedelta, now: float) -> bool:
        held_at = self.record.held_at
        return held_at is not None and 0 <= now - held_at < time.total_seconds()

    async def _give_back(self) -> None:
        """Remove what the car holds of ours, as soon as it is awake."""
        if self.record.held and self._presence() in {*ACTS, Presence.HOME}:
            await self._hold()

    async def _verify(self, blocks: tuple[Window, ...]) -> None:
        now = clock.now()
        block = next(
            (one for one in blocks if one.start.timestamp() <= now < one.end.timestamp()), None
        )
        if block is None:
            return
        known = of_block(self.record.verification, block.start.timestamp(), now)
        state = self._car.data
        known, do = next_step(
            known,
            now=now,
            end=block.end.timestamp(),
            charging=is_charging(state),
            known_at=self._known_at(),
            asleep=not self._awake(),
            woken_at=self.record.woken_at,
        )
        if known != self.record.verification:
            woken = now if do is Do.WAKE_AND_REPAIR else self.record.woken_at
            await self._save(replace(self.record, verification=known, woken_at=woken))
        match do:
            case Do.ASK:
                with suppress(HomeAssistantError):  # asleep: that says enough
                    await self._car.refresh()
            case Do.REPAIR | Do.WAKE_AND_REPAIR:
                with suppress(HomeAssistantError):  # refused: the next step tells the person
                    await self._command("charge_start", may_wake=do is Do.WAKE_AND_REPAIR)
            case Do.TELL:
                self.told.notify(known)
        if (due := due_at(known)) is not None:
            self.review_soon(max(BURST, due - clock.now()))

    # -- a person's wishes --------------------------------------------------------------------------

    async def _charge_now(self, wish: ChargeNow, now: datetime) -> None:
        departures = tuple(self._departures())
        if self._is_reached(wish, now):
            await self._save(replace(self.record, charge_now=None))
            self.review_soon()
            return
        self._show(View(Status.CHARGE_NOW, None, departures))
        if not wish.started:
            if not is_charging(self._car.data):
                await self._start_now()
            await self._save(replace(self.record, charge_now=replace(wish, started=True)))
        await self._hold()
        if wish.until is UntilKind.TIME:
            self.review_soon(max(BURST, wish.value - now.timestamp()))

    async def _start_now(self) -> None:
        """Start the car for a person; one that refuses, or cannot be reached, goes on with its plan."""
        try:
            await self._command("charge_start", may_wake=True)
        except HomeAssistantError as err:
            if isinstance(err, Refused) or self._sender.failures("charge_start") >= MOST_STARTS:
                await self._save(replace(self.record, charge_now=None))
                self.review_soon()
            raise

    def _is_reached(self, wish: ChargeNow, now: datetime) -> bool:
        state = self._car.data
        view = charge_view(state)
        limit = state.number("ChargeLimitSoc")
        if view.complete and (limit is None or view.level >= limit - LEVEL_SLACK):
            return True
        match wish.until:
            case UntilKind.LEVEL:
                return view.level >= wish.value
            case UntilKind.TIME:
                return now.timestamp() >= wish.value
        return False

    @callback
    def _note_change(self) -> None:
        """Note what a person did, and what of it is over. The next review saves it."""
        self.record = self._watch.noted(
            self._car.data, self.record, dt_util.utcnow(), at_home=self.can_charge
        )

    # -- helpers ------------------------------------------------------------------------------------

    async def _command(self, name: str, *, may_wake: bool = False) -> None:
        command = OwnCommand(name == "charge_start", clock.now())
        await self._save(replace(self.record, command=command))
        await self._sender.send(COMMANDS[name](), may_wake=may_wake)

    async def _save(self, record: CarRecord) -> None:
        if (odometer := self._car.data.number(ODOMETER)) is not None:
            record = replace(record, odometer=odometer)
        self.record = self._saved = record
        await self._store.save(self._car.vin, record)

    @callback
    def _show(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self.changed.notify(view)

    def _presence(self) -> Presence:
        near = home_proximity(self._hass, self._car.data, self._car.home_source)
        return presence_of(self._car.data, near.at_home, near.seconds_to_home)

    def _awake(self) -> bool:
        return self._car.data.connectivity is Connectivity.ONLINE or self._car.push.connected

    def _room(self) -> int:
        """Return how many schedules the car can hold: none with an old firmware."""
        return 0 if knows_schedules(self._car.data.value("Version")) is False else 6

    def _known_at(self) -> float | None:
        return self._car.data.measured_at("DetailedChargeState")

    def _departures(self) -> list[Departure]:
        return self.record.timetable().departures(dt_util.utcnow(), self._zone)

    def _setting(self) -> Setting:
        return Setting(self.record, self._car.data, self._charger, self._departures())

    @property
    def _zone(self) -> tzinfo:
        return dt_util.get_default_time_zone()

    @property
    def _place(self) -> tuple[float, float]:
        return self._hass.config.latitude, self._hass.config.longitude


_ELSEWHERE: Final = {
    Presence.AWAY: Status.AWAY,
    Presence.UNKNOWN: Status.UNKNOWN_PLACE,
    Presence.HOME: Status.UNPLUGGED,
}


def _after(
    held: tuple[Schedule, ...],
    request: CommandRequest,
    goal: tuple[Schedule, ...],
    *,
    sent: bool,
) -> tuple[Schedule, ...]:
    """Return what a car holds after one command of a hand-over; before it is `sent`, what it may hold then."""
    number = request.parameters["id"]
    if "add" not in request.command.name:
        return tuple(one for one in held if one.id != number or not sent)
    others = [one for one in held if one.id != number]
    added = [replace(one, enabled=sent) for one in goal if one.id == number]
    return tuple(sorted([*others, *added], key=lambda one: one.id))
