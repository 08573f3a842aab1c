"""What asking one car has shown, and what is therefore known of it when the next question is decided on."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final
import zlib

from ..fleet_api import AccountUnpaid, Connectivity, FleetApiError
from ..vehicle.charge_status import is_charging
from ..vehicle.location import NOWHERE, HomeProximity
from ..vehicle.push import PushChannel
from ..vehicle.state import Readings, VehicleState, clock_lag, signals_of
from .charge_forecast import ChargeForecast, forecast
from .decision import PollContext, PollDecision, PollTarget, is_incomplete, next_check, next_poll
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
"""Signals that change when somebody does something with the car. Others (voltage, position, range) waver in a
parked car for ever, and asking because of them would keep it from falling asleep."""
IN_GEAR: Final = frozenset({"D", "R", "N"})
UNPLUGGED: Final = frozenset({None, "Disconnected"})
DAY: Final = 86_400.0
LEFT_ALONE: Final = 900.0
"""Seconds after which a car could have fallen asleep."""
BELIEVED: Final = 2 * HOUR
"""Seconds for which it is known well enough when something happened between two answers."""
MOST_REMEMBERED: Final = 1_000
"""Questions of a day that are counted, whatever asks them."""
MOVED: Final = 0.1
"""Miles by which an odometer does not waver."""
SHORTEST_WAIT: Final = 2.0


class PollObservations:
    """One car's answers, turned into what is known; no I/O. All times are unix seconds by our clock."""

    def __init__(
        self,
        vin: str,
        habits: UsagePattern,
        now: float,
        whereabouts: Callable[[VehicleState], HomeProximity] = lambda _: NOWHERE,
        stretch: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """Begin without a poll; the usage pattern is known from before.

        `stretch` gives by how much a budget lengthens the pauses, as in `PollContext`.
        """
        self.asked_at: float | None = None
        self.changed_at = now
        self.usage_pattern = habits.extended(now)
        self.stretch = stretch
        self.plan: PollDecision | None = None
        """The last decision, for diagnostics."""
        self._whereabouts = whereabouts
        self._phase = zlib.crc32(vin.encode()) / 2**32
        self._asked: deque[float] = deque(maxlen=MOST_REMEMBERED)
        self._answered_at: float | None = None
        self._lag: float | None = None
        self._forecast: ChargeForecast | None = None
        self._woke = self._stayed = self._arrived = self._occupied = self._set_off = False
        self._rests = self._fruitless = self._failures = 0
        self._drives: int | None = None
        """Since it was plugged in; None for not known."""

    def decide(
        self,
        state: VehicleState,
        push: PushChannel,
        now: float,
        *,
        seen: Connectivity | None = None,
        confirm_wanted: bool = False,
    ) -> PollDecision:
        """Return what to ask of a car in this state, or when next; `seen` is what Tesla told of it just now."""
        known = self._context(state, push, now)
        known = replace(known, seen=seen, confirm_wanted=confirm_wanted)
        self.plan = next_poll(known, now)
        return self.plan

    def pushes(self, state: VehicleState, push: PushChannel, now: float) -> bool:
        """Return whether the car tells by itself what changes."""
        return self._context(state, push, now).pushes(now)

    def _context(self, state: VehicleState, push: PushChannel, now: float) -> PollContext:
        at_home, home_in = self._whereabouts(state)
        return PollContext(
            woke=self._woke,
            charging=is_charging(state),
            forecast=self._forecast,
            driving=in_gear(state) or self._occupied,
            set_off=self._set_off,
            outward=self._drives == 1,
            home_in=home_in,
            at_home=at_home,
            arrived=self._arrived,
            plugged=_is_plugged(state),
            guarded=state.value("sentry_mode") is True,
            idle_polls=self._rests,
            fruitless=self._fruitless,
            failures=self._failures,
            use=self.usage_pattern.use(now),
            plug=self.usage_pattern.plug(now),
            starts_at=_starts_at(state),
            streaming=push.connected,
            incomplete=is_incomplete(state, asked=self.asked_at is not None),
            pushed_at=push.pushed_at,
            polled_at=self.asked_at,
            polled_lately=sum(0 <= now - at < DAY for at in self._asked),
            changed_at=self.changed_at,
            stretch=max(1.0, self.stretch()),
            phase=self._phase,
        )

    def wait(self, now: float) -> timedelta:
        """Return for how long nothing is to be done after the last decision."""
        look = next_check(self._phase, now)
        plan = self.plan
        # what was to be asked and failed is tried again at the next look
        at = min(look, plan.at) if plan is not None and plan.target is PollTarget.NOTHING else look
        return timedelta(seconds=max(SHORTEST_WAIT, at - now))

    def record_connectivity(self, seen: Connectivity, before: Connectivity, now: float) -> None:
        """Learn from what Tesla tells for free. A car that wakes up was woken by somebody, as a rule."""
        if seen is not Connectivity.ONLINE:
            self._woke = self._stayed = self._arrived = self._occupied = False
            self._rests = self._failures = 0
        elif before is not Connectivity.ONLINE:
            self._woke = True
            if before is Connectivity.ASLEEP:
                self.usage_pattern = self.usage_pattern.with_sample(now)

    def record_poll(self, now: float) -> None:
        """Note that the car is asked for its data now: that costs, whatever comes of it."""
        self.asked_at = now
        while self._asked and not 0 <= now - self._asked[0] < DAY:
            self._asked.popleft()
        self._asked.append(now)
        self._fruitless += 1

    def record_failure(self, err: FleetApiError) -> None:
        """Note that the car was asked, and that Tesla or the network kept it from answering."""
        if isinstance(err, AccountUnpaid):
            # so that every look fails until Tesla is asked again, rather than only each that is due
            self.asked_at = None
        else:
            self._failures += 1

    def record_answer(self, state: VehicleState, before: VehicleState, now: float) -> None:
        """Learn from the car's answer: the state after it, and before."""
        since = None if self._answered_at is None else now - self._answered_at
        charging, occupied = is_charging(state), _is_occupied(state) and not _is_occupied(before)
        drove = in_gear(before) or has_moved(state, before)
        if _is_plugged(state):
            self._drives = 0
        elif self._drives is not None and (drove or in_gear(state)):
            # a car that slept meanwhile was parked
            self._drives += not in_gear(before) or not self._stayed
        goes_on = charging and is_charging(before)
        self._forecast = forecast(state, self._forecast, now, goes_on=goes_on) or self._forecast
        if shows_activity(state, before):
            self.changed_at, self._rests, self._fruitless = now, 0, 0
            if since is not None and 0 <= since <= BELIEVED:
                plugged = _is_plugged(state) and not _is_plugged(before)
                self.usage_pattern = self.usage_pattern.with_sample(now, plugged=plugged)
        elif self._stayed and since is not None and since >= LEFT_ALONE:
            self._rests += 1
        if charging or in_gear(state):
            self._rests = self._fruitless = 0
        self._arrived = drove and not in_gear(state) and not _is_plugged(state)
        self._occupied = occupied and not self._arrived
        self._set_off = not drove
        self._woke, self._stayed = False, True
        self._failures = 0
        self._answered_at = now

    def lag(self, readings: Readings, now: float) -> float:
        """Return by how many seconds the car's clock trails ours, as an answer shows that came just now.

        It is the lesser of two looks, as one may have been at old data.
        """
        if not readings:
            return 0.0
        known, self._lag = self._lag, clock_lag(readings, now=now)
        return self._lag if known is None else min(self._lag, known)


def in_gear(state: VehicleState) -> bool:
    """Return whether a car was being driven when it answered last."""
    return state.value("Gear") in IN_GEAR


def has_moved(state: VehicleState, earlier: VehicleState) -> bool:
    """Return whether a car was driven between two states."""
    miles, before = state.number("Odometer"), earlier.number("Odometer")
    return miles is not None and before is not None and abs(miles - before) >= MOVED


def shows_activity(state: VehicleState, earlier: VehicleState) -> bool:
    """Return whether somebody did something with the car between two states."""
    return (
        bool(state.changes(earlier) & ACTIVITY)
        or in_gear(state) != in_gear(earlier)
        or has_moved(state, earlier)
        or (_is_occupied(state) and not _is_occupied(earlier))
    )


def _is_plugged(state: VehicleState) -> bool:
    return state.value("DetailedChargeState") not in UNPLUGGED


def _is_occupied(state: VehicleState) -> bool:
    return state.value("is_user_present") is True


def _starts_at(state: VehicleState) -> float | None:
    if state.value("ScheduledChargingPending") is not True:
        return None
    return state.number("ScheduledChargingStartTime")
