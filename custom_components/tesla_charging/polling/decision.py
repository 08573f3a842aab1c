"""When a car is worth asking, and for what: one pure decision from what is known of it.

Data cost money, and a car that is asked for them stays awake a while longer. So a question is put when its answer is
likely to be news: after the next percent of a charge, at its end, when a car comes home, when its owner usually uses
it; and a car that does nothing is left alone for long enough to fall asleep.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
import math
from typing import Final

from ..const import STATE_INTERVAL
from ..fleet_api import Connectivity
from ..vehicle.charge_status import SILENCE
from ..vehicle.signals import SIGNALS
from ..vehicle.state import VehicleState
from ..vehicle.telemetry_status import LOCATION
from .charge_forecast import ChargeForecast
from .intervals import (
    CHARGE_END,
    CHARGE_LONGEST,
    CHARGE_SHARE,
    MINUTE,
    arrival_pause,
    awake_pause,
    came_online_pause,
    charge_due,
    drive_pause,
    idle_pause,
    plugged_in_pause,
    retry_pause,
)

ONLY_POLLED: Final = "charge_limit_soc_max"
"""A signal that every car gives when it is asked, and none pushes."""

TOLERANCE: Final = 1.0
"""Seconds by which a question may come early: timers count whole seconds."""
GRID: Final = STATE_INTERVAL.total_seconds()
MIN_CHECK_INTERVAL: Final = 10.0
"""Seconds that two free looks are apart at least."""
NOT_PUSHED_PAUSE: Final = 30 * MINUTE
"""The pause of what a car does not push, although it pushes."""
START_DELAY: Final = 30.0
"""Seconds after which a scheduled charge has begun."""
MANY_POLLS: Final = 100
"""Questions in a day from which on a car is asked no faster than one that charges slowly."""
SLOW_PAUSE: Final = CHARGE_LONGEST * CHARGE_SHARE
MAX_POLLS_A_DAY: Final = MANY_POLLS + math.ceil(86_400 / (SLOW_PAUSE - TOLERANCE)) + 1
"""Questions in a day that no car gets more of by itself, whatever it does."""


class PollTarget(Enum):
    """What to ask Tesla of a car."""

    NOTHING = auto()
    STATE = auto()
    """Whether it is awake: free, and it wakes nobody."""
    DATA = auto()
    """What it measures: billed."""


class PollReason(StrEnum):
    """Why a question comes when it comes."""

    COMMAND = "command"
    FIRST = "first"
    FAILED = "failed"
    CLOCK = "clock_set_back"
    BUDGET = "budget"
    PUSHES = "pushes"
    NOT_PUSHED = "not_told_by_pushing"
    NOT_ONLINE = "not_online"
    CAME_ONLINE = "woke"
    CHARGING = "charging"
    DRIVING = "driving"
    JUST_PARKED = "arrived"
    SCHEDULE = "schedule"
    PLUGGED_IN = "plugged"
    SENTRY = "guarded"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class PollDecision:
    """What to ask now, or when to look again (unix seconds by our clock), and why."""

    target: PollTarget
    at: float
    reason: PollReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PollContext:
    """What is known of a car; times are unix seconds by our clock."""

    connectivity: Connectivity | None = None
    """What Tesla told of its connection just now; None before it was asked."""
    came_online: bool = False
    """Whether it is online, and was not when it was looked at before."""
    charging: bool = False
    forecast: ChargeForecast | None = None
    """What its last answers make expect of the charge."""
    driving: bool = False
    """Whether it is in gear, or somebody has just sat down in it."""
    was_parked: bool = False
    """Whether it was parked when it was asked before."""
    first_drive: bool = False
    """Whether it set off from where it was plugged in last."""
    seconds_to_home: float | None = None
    """How many seconds it needs at least to be at home, if its position is known."""
    at_home: bool | None = None
    just_parked: bool = False
    """Whether it was parked since the answer before its last one, and was not plugged in yet."""
    plugged_in: bool = False
    sentry_on: bool = False
    """Whether it watches its surroundings (Sentry), for which it stays awake, as it said last."""
    idle_polls: int = 0
    """How often in a row it was left alone and did not fall asleep, although nothing happened."""
    polls_without_news: int = 0
    """How many questions in a row told nothing."""
    failures: int = 0
    """How many in a row Tesla or the network kept from the car."""
    use_probability: float = 0.1
    """How likely it is that somebody does something with it in this hour, above 0 up to 1."""
    plug_in_probability: float = 0.1
    """The same for plugging it in."""
    scheduled_start: float | None = None
    """When it is to begin to charge, as it says."""
    streaming: bool = False
    """Whether it is connected to push its data."""
    push_incomplete: bool = False
    """Whether it does not push all that asking would tell."""
    pushed_at: float | None = None
    """When it pushed something last, None for not since the start."""
    polled_at: float | None = None
    """When its data was asked for last, None for not since the start."""
    polls_in_a_day: int = 0
    """How often in the last 24 hours."""
    activity_at: float = 0.0
    """When somebody last did something with it, as far as asking has shown."""
    confirm_wanted: bool = False
    """Whether it is to be seen what came of a command."""
    stretch: float = 1.0
    """By how much a budget makes pauses longer: charging least (the root), idling most (the square). At least 1;
    infinite for no question but those that a command needs."""
    phase: float = 0.0
    """Which of many cars it is, from 0 to below 1: they are not asked all at once."""

    def pushes(self, now: float) -> bool:
        """Whether the car tells by itself what changes.

        A stream can fall silent while the car charges (fleet-telemetry issue 283): then it is asked again.
        """
        if not self.streaming or self.pushed_at is None:
            return False
        return not self.charging or 0 <= now - self.pushed_at <= SILENCE.total_seconds()

    def idle_seconds(self, asked_at: float) -> float:
        """For how many seconds nobody had done anything with it when it was asked; endless if that is not known."""
        seconds = asked_at - self.activity_at
        return seconds if seconds >= 0 else math.inf


@dataclass(frozen=True, slots=True)
class PollRule:
    """What a car can do, and when it is asked again (unix seconds) after it was asked and did that."""

    reason: PollReason
    applies: Callable[[PollContext, float], bool]
    due: Callable[[PollContext, float], float]
    """From what is known and when the car was asked."""


def _idle(known: PollContext, asked_at: float) -> float:
    return idle_pause(
        known.idle_seconds(asked_at),
        known.idle_polls,
        known.use_probability,
        known.plug_in_probability,
    )


def _charge_due(known: PollContext, asked_at: float) -> float:
    return charge_due(
        asked_at,
        known.forecast,
        charging_for=asked_at - known.activity_at,
        stretch=math.sqrt(known.stretch),
        phase=known.phase,
    )


def _rule(
    why: PollReason,
    applies: Callable[[PollContext, float], bool],
    pause: Callable[[PollContext, float], float],
    *,
    idle: bool = False,
) -> PollRule:
    """Return a row whose questions keep to the car's own grid, and are stretched, idle ones twice."""

    def due(known: PollContext, asked_at: float) -> float:
        stretch = known.stretch * (known.stretch if idle else 1.0)
        return _on_grid(asked_at + pause(known, asked_at) * stretch, known.phase)

    return PollRule(why, applies, due)


RULES: Final = (
    _rule(PollReason.NOT_PUSHED, PollContext.pushes, lambda *_: NOT_PUSHED_PAUSE, idle=True),
    PollRule(PollReason.CHARGING, lambda known, _: known.charging, _charge_due),
    _rule(
        PollReason.DRIVING,
        lambda known, _: known.driving,
        lambda known, _: drive_pause(
            known.plug_in_probability,
            known.seconds_to_home,
            was_parked=known.was_parked,
            first_drive=known.first_drive,
        ),
    ),
    _rule(
        PollReason.JUST_PARKED,
        lambda known, _: known.just_parked,
        lambda known, _: arrival_pause(
            known.plug_in_probability, at_home=known.at_home, first_drive=known.first_drive
        ),
    ),
    _rule(
        PollReason.PLUGGED_IN,
        lambda known, _: known.plugged_in,
        lambda known, asked_at: plugged_in_pause(
            known.idle_seconds(asked_at), known.idle_polls, known.use_probability
        ),
        idle=True,
    ),
    _rule(
        PollReason.SENTRY,
        lambda known, _: known.sentry_on,
        lambda known, asked_at: awake_pause(known.idle_seconds(asked_at), known.use_probability),
        idle=True,
    ),
    _rule(PollReason.IDLE, lambda *_: True, _idle, idle=True),
)
"""The first one that applies counts."""


def next_poll(known: PollContext, now: float) -> PollDecision:
    """Return what to ask now, or when next: whether the car is awake first, then its data if that is worth its price.

    While the car pushes its data, nothing is asked at all, or rarely if that is not all of it.
    """
    look = next_check(known.phase, now)
    if known.connectivity is None:
        if known.pushes(now) and not known.confirm_wanted:
            due = _due(known, now).at if known.push_incomplete else math.inf
            if now < due - TOLERANCE:
                return PollDecision(PollTarget.NOTHING, min(due, look), PollReason.PUSHES)
        return PollDecision(PollTarget.STATE, now, PollReason.FIRST)
    if known.connectivity is not Connectivity.ONLINE:
        return PollDecision(PollTarget.NOTHING, look, PollReason.NOT_ONLINE)
    plan = _due(known, now)
    return (
        PollDecision(PollTarget.NOTHING, plan.at, plan.reason)
        if now < plan.at - TOLERANCE
        else plan
    )


def next_check(phase: float, now: float) -> float:
    """Return when (unix seconds) to look next whether a car is awake."""
    return _on_grid(now + MIN_CHECK_INTERVAL, phase)


def is_push_incomplete(state: VehicleState, *, was_polled: bool) -> bool:
    """Return whether asking would tell something that a car does not push.

    That is what Tesla leaves out of its stream, but for the position: if it is left out, the permission for it is
    missing. And once in its life, unless it was just `asked`, what no car pushes: its own bounds, say.
    """
    left_out = state.diagnosis.left_out
    if any(SIGNALS[name].section and name != LOCATION for name in left_out if name in SIGNALS):
        return True
    return not was_polled and ONLY_POLLED not in state.readings


def _due(known: PollContext, now: float) -> PollDecision:
    """Return when the car's data are worth their price again."""
    asked_at, stretch = known.polled_at, known.stretch
    if known.confirm_wanted:
        return PollDecision(PollTarget.DATA, now, PollReason.COMMAND)
    if stretch == math.inf:
        return PollDecision(PollTarget.DATA, math.inf, PollReason.BUDGET)
    if asked_at is None:
        return PollDecision(PollTarget.DATA, now, PollReason.FIRST)
    if now < asked_at:
        return PollDecision(PollTarget.DATA, now, PollReason.CLOCK)
    row = next(row for row in RULES if row.applies(known, now))
    due, why = row.due(known, asked_at), row.reason
    if known.came_online and row.reason is not PollReason.NOT_PUSHED:
        soon = _on_grid(
            asked_at + came_online_pause(known.polls_without_news) * stretch, known.phase
        )
        due, why = min((due, why), (soon, PollReason.CAME_ONLINE))
    if (
        known.scheduled_start is not None
        and not known.charging
        and known.scheduled_start > asked_at
    ):
        start = max(known.scheduled_start + START_DELAY, asked_at + CHARGE_END * stretch)
        due, why = min((due, why), (start, PollReason.SCHEDULE))
    if known.failures:
        again = asked_at + retry_pause(known.failures) * stretch - MIN_CHECK_INTERVAL
        due, why = min((due, why), (_on_grid(again, known.phase), PollReason.FAILED))
    if known.polls_in_a_day >= MANY_POLLS:
        due = max(due, asked_at + SLOW_PAUSE * stretch)
    return PollDecision(PollTarget.DATA, due, why)


def _on_grid(moment: float, phase: float) -> float:
    """Return the first moment from then on at which this car is looked at."""
    if not math.isfinite(moment):
        return moment
    return moment + (phase * GRID - moment) % GRID
