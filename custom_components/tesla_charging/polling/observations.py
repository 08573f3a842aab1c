"""What the polls of one car have shown, as the context in which the next poll is decided."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final
import zlib

from ..fleet_api import (
    AccountUnpaid,
    Connectivity,
    FleetApiError,
    RateLimited,
    VehicleAsleep,
    VehicleInService,
)
from ..vehicle.charge_status import is_charging
from ..vehicle.location import UNKNOWN_PROXIMITY, HomeProximity
from ..vehicle.push import PushChannel
from ..vehicle.signals import IN_GEAR
from ..vehicle.state import Readings, VehicleState, clock_lag, signals_of
from .charge_forecast import ChargeForecast, forecast
from .decision import (
    PollContext,
    PollDecision,
    PollTarget,
    is_push_incomplete,
    next_check,
    next_poll,
)
from .usage_pattern import HOUR, UsagePattern

ACTIVITY: Final = signals_of(
    (
        "DetailedChargeState",
        "ChargeLimitSoc",
        "ChargeCurrentRequest",
        "ChargePortDoorOpen",
        "ChargePortLatch",
        "ChargingCableType",
        "sentry_mode",
    )
)
"""Signals that change when a car is used. Others (voltage, position, range) fluctuate in a parked car all the time;
polls because of them would keep it from falling asleep."""
UNPLUGGED: Final = frozenset({None, "Disconnected"})
DAY: Final = 86_400.0
SLEEP_POSSIBLE_AFTER: Final = 900.0
"""Seconds after which a car could have fallen asleep."""
MAX_ANSWER_GAP: Final = 2 * HOUR
"""Activity between two answers that are at most so many seconds apart has a time that is exact enough to learn from."""
MAX_COUNTED_POLLS: Final = 1_000
"""Upper bound of the polls of a day that are counted, whatever requests them."""
MIN_MILES: Final = 0.1
"""An odometer that differs by less (miles) has not moved."""
MIN_WAIT: Final = 2.0


class PollObservations:
    """Turns one car's answers into a poll context; no I/O. All times are unix seconds by our clock.

    There is one object for each car as long as Home Assistant runs (see `resume`): a reload of the entry neither resets
    the polls of a day nor repeats a poll that is paid already.
    """

    def __init__(
        self,
        vin: str,
        usage_pattern: UsagePattern,
        now: float,
        proximity: Callable[[VehicleState], HomeProximity] = lambda _: UNKNOWN_PROXIMITY,
        stretch: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """Start without a poll, with the stored usage pattern.

        `proximity` returns how near to home a state is; `stretch` returns the factor of the budget, as in
        `PollContext`.
        """
        self.polled_at: float | None = None
        self.activity_at = now
        self.usage_pattern = usage_pattern.started(now)
        self.stretch = stretch
        self.decision: PollDecision | None = None
        """The last decision, for diagnostics."""
        self._home_proximity = proximity
        self._phase = zlib.crc32(vin.encode()) / 2**32
        self._polls: deque[float] = deque(maxlen=MAX_COUNTED_POLLS)
        self._answered_at: float | None = None
        self._lag: float | None = None
        self._forecast: ChargeForecast | None = None
        self._came_online = self._stayed_online = self._just_parked = self._occupied = (
            self._was_parked
        ) = False
        self._idle_polls = self._polls_without_news = self._failures = 0
        self.in_service = False
        """Whether Tesla refused the last poll because the car is in service."""
        self.outage: FleetApiError | None = None
        """Why polls fail while Tesla's free state request succeeds; None after a poll that succeeded."""
        self._reported_in_service = False
        self._blocked_for = 0.0
        self._asleep_answers = 0
        """How many polls in a row were answered with "asleep" while the state request said online."""
        self._drives_since_plugged_in: int | None = None
        """None: not known."""
        self._wanted: object = None
        """The data that are polled."""

    def resume(
        self,
        stretch: Callable[[], float],
        wanted: object,
        *,
        has_data: bool,
    ) -> None:
        """Go on after a reload; the car is polled at once only if other data are wanted than before, or none are stored."""
        self.stretch = stretch
        if self._wanted != wanted or not has_data:
            self.polled_at = None
        self._wanted = wanted

    def record_interrupted(self, before: float | None) -> None:
        """Note that the answer of a poll is lost because the entry is unloaded; `before` is when the car was polled before."""
        self.polled_at = before

    def decide(
        self,
        state: VehicleState,
        push: PushChannel,
        now: float,
        *,
        connectivity: Connectivity | None = None,
        confirm_wanted: bool = False,
        in_doubt: bool = False,
    ) -> PollDecision:
        """Return what to poll of a car in this state, or when to poll next.

        `connectivity` is what Tesla has just reported, None if it was not requested yet; `in_doubt` is as in
        `PollContext`.
        """
        context = replace(
            self._context(state, push, now),
            connectivity=connectivity,
            confirm_wanted=confirm_wanted,
            in_doubt=in_doubt,
        )
        self.decision = next_poll(context, now)
        return self.decision

    def pushes(self, state: VehicleState, push: PushChannel, now: float) -> bool:
        """Return whether the car pushes what changes."""
        return self._context(state, push, now).pushes(now)

    def _is_unconfirmed(self, state: VehicleState) -> bool:
        """Return whether the poll failed that was to confirm what a command has set."""
        return self._failures > 0 and any(
            reading.assumed and reading.measured_at <= (self.polled_at or 0.0)
            for reading in state.readings.values()
        )

    def _context(self, state: VehicleState, push: PushChannel, now: float) -> PollContext:
        at_home, seconds_to_home = self._home_proximity(state)
        return PollContext(
            came_online=self._came_online,
            charging=is_charging(state),
            forecast=self._forecast,
            driving=in_gear(state) or self._occupied,
            was_parked=self._was_parked,
            first_drive=self._drives_since_plugged_in == 1,
            seconds_to_home=seconds_to_home,
            at_home=at_home,
            just_parked=self._just_parked,
            plugged_in=_is_plugged_in(state),
            sentry_on=state.value("sentry_mode") is True,
            idle_polls=self._idle_polls,
            polls_without_news=self._polls_without_news,
            failures=self._failures,
            blocked_for=self._blocked_for,
            in_service=self.in_service,
            reported_in_service=self._reported_in_service,
            unconfirmed=self._is_unconfirmed(state),
            use_probability=self.usage_pattern.use_probability(now),
            plug_in_probability=self.usage_pattern.plug_in_probability(now),
            scheduled_start=_scheduled_start(state),
            streaming=push.connected,
            push_incomplete=is_push_incomplete(state, was_polled=self.polled_at is not None),
            pushed_at=push.pushed_at,
            polled_at=self.polled_at,
            polls_in_a_day=sum(0 <= now - at < DAY for at in self._polls),
            activity_at=self.activity_at,
            stretch=max(1.0, self.stretch()),
            phase=self._phase,
        )

    def wait(self, now: float) -> timedelta:
        """Return the time from the last decision until the next one."""
        at = next_check(self._phase, now)
        decision = self.decision
        # a poll that was due and failed is tried again at the next check
        if decision is not None and decision.target is PollTarget.NOTHING:
            at = min(at, decision.at)
        return timedelta(seconds=max(MIN_WAIT, at - now))

    def record_connectivity(
        self, connectivity: Connectivity, before: Connectivity, now: float
    ) -> None:
        """Learn from a free request. A car that wakes up is usually woken because it is used."""
        if connectivity is not Connectivity.ONLINE:
            self._asleep_answers = 0
            self._came_online = self._stayed_online = self._just_parked = self._occupied = False
            self._idle_polls = self._failures = 0
        elif before is not Connectivity.ONLINE:
            self._came_online = True
            if before is Connectivity.ASLEEP:
                self.usage_pattern = self.usage_pattern.with_sample(now)

    def record_service(self, *, reported: bool) -> None:
        """Note whether the free state request reports a car in service. One that is back is polled soon."""
        if self._reported_in_service and not reported and self.in_service:
            self.in_service, self._failures = False, 0
            self._came_online, self._polls_without_news = True, 0
        self._reported_in_service = reported

    @property
    def is_in_service(self) -> bool:
        """Whether the state request reports a car in service, or Tesla refused the last poll because of that."""
        return self._reported_in_service or self.in_service

    def record_poll(self, now: float) -> None:
        """Note that the car's data are polled now. The poll is billed also if it fails."""
        self.polled_at = now
        while self._polls and not 0 <= now - self._polls[0] < DAY:
            self._polls.popleft()
        self._polls.append(now)
        self._polls_without_news += 1
        self._blocked_for = 0.0

    def record_failure(self, err: FleetApiError) -> None:
        """Note that a poll failed. From the second failure in a row on, the next polls are rarer and rarer."""
        if isinstance(err, AccountUnpaid):
            # then every check polls, and fails, until the account is paid; not only the polls that are due
            self.polled_at = None
            return
        self._failures += 1
        # another failure does not say that the car is back
        self.in_service |= isinstance(err, VehicleInService)
        if isinstance(err, RateLimited):
            self._blocked_for = err.retry_after

    def record_asleep(self, before: Connectivity, now: float) -> bool:
        """Note that a poll of an online car was answered with "asleep"; return whether that is to be believed.

        A car may fall asleep between two requests. If the state request says online again, and a poll is answered like
        that again, the answers contradict each other: that is a failure of Tesla's, which may last for hours.
        """
        answers = self._asleep_answers = self._asleep_answers + 1
        if answers > 1:
            self.record_failure(VehicleAsleep())
            return False
        self.record_connectivity(Connectivity.ASLEEP, before, now)
        self._asleep_answers = answers
        return True

    def record_answer(self, state: VehicleState, before: VehicleState, now: float) -> None:
        """Learn from the car's answer: from the state with it, and the state before."""
        since = None if self._answered_at is None else now - self._answered_at
        charging, occupied = is_charging(state), _is_occupied(state) and not _is_occupied(before)
        drove = in_gear(before) or has_moved(state, before)
        if _is_plugged_in(state):
            self._drives_since_plugged_in = 0
        elif self._drives_since_plugged_in is not None and (drove or in_gear(state)):
            # a car that was not online all the time was parked meanwhile
            self._drives_since_plugged_in += not in_gear(before) or not self._stayed_online
        charged_meanwhile = charging and is_charging(before)
        self._forecast = (
            forecast(state, self._forecast, now, charged_meanwhile=charged_meanwhile)
            or self._forecast
        )
        if shows_activity(state, before):
            self.activity_at, self._idle_polls, self._polls_without_news = now, 0, 0
            if since is not None and 0 <= since <= MAX_ANSWER_GAP:
                plugged_in = _is_plugged_in(state) and not _is_plugged_in(before)
                self.usage_pattern = self.usage_pattern.with_sample(now, plugged_in=plugged_in)
        elif self._stayed_online and since is not None and since >= SLEEP_POSSIBLE_AFTER:
            self._idle_polls += 1
        if charging or in_gear(state):
            self._idle_polls = self._polls_without_news = 0
        self._just_parked = drove and not in_gear(state) and not _is_plugged_in(state)
        self._occupied = occupied and not self._just_parked
        self._was_parked = not drove
        self._came_online, self._stayed_online = False, True
        self._failures = self._asleep_answers = 0
        self.in_service, self.outage = False, None
        self._answered_at = now

    def lag(self, readings: Readings, requested_at: float) -> float:
        """Return by how many seconds the car's clock trails ours, from an answer, as if it was measured when requested.

        It is the minimum of the last two answers, because one of them may hold old data.
        """
        if not readings:
            return 0.0
        previous, self._lag = self._lag, clock_lag(readings, now=requested_at)
        return self._lag if previous is None else min(self._lag, previous)


def in_gear(state: VehicleState) -> bool:
    """Return whether a car was driven when it answered last."""
    return state.value("Gear") in IN_GEAR


def has_moved(state: VehicleState, earlier: VehicleState) -> bool:
    """Return whether a car has moved between two states."""
    miles, before = state.number("Odometer"), earlier.number("Odometer")
    return miles is not None and before is not None and abs(miles - before) >= MIN_MILES


def shows_activity(state: VehicleState, earlier: VehicleState) -> bool:
    """Return whether a car was used between two states."""
    return (
        bool(state.changes(earlier) & ACTIVITY)
        or in_gear(state) != in_gear(earlier)
        or has_moved(state, earlier)
        or (_is_occupied(state) and not _is_occupied(earlier))
    )


def _is_plugged_in(state: VehicleState) -> bool:
    return state.value("DetailedChargeState") not in UNPLUGGED


def _is_occupied(state: VehicleState) -> bool:
    return state.value("is_user_present") is True


def _scheduled_start(state: VehicleState) -> float | None:
    if state.value("ScheduledChargingPending") is not True:
        return None
    return state.number("ScheduledChargingStartTime")
