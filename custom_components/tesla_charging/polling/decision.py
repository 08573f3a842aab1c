"""Decide when to poll a car, and for what: one pure decision from what is known of it.

A poll of data costs money and keeps the car awake. So a car is polled when an answer is likely to be news, and an idle
car is left alone until it falls asleep.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
import math
from typing import Final

from ..const import STATE_INTERVAL
from ..fleet_api import Connectivity
from ..vehicle.car_status import INSTALLING
from ..vehicle.charge_status import SILENCE
from ..vehicle.signals import SIGNALS
from ..vehicle.state import VehicleState
from ..vehicle.telemetry_status import LOCATION
from .charge_forecast import ChargeForecast
from .intervals import (
    CHARGE_END,
    CHARGE_LONGEST,
    CHARGE_SHARE,
    IN_SERVICE,
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
"""A signal that every car gives when it is polled, and none pushes."""

TOLERANCE: Final = 1.0
"""Seconds by which a poll may come early: timers count whole seconds."""
GRID: Final = STATE_INTERVAL.total_seconds()
MIN_CHECK_INTERVAL: Final = 10.0
"""Least seconds between two free checks of the connectivity."""
NOT_PUSHED_PAUSE: Final = 30 * MINUTE
"""Between two polls for the data that a pushing car does not push."""
START_DELAY: Final = 30.0
"""Seconds after which a scheduled charge has begun."""
MANY_POLLS: Final = 100
"""After so many polls in a day, a car is polled no faster than one that charges slowly."""
SLOW_PAUSE: Final = CHARGE_LONGEST * CHARGE_SHARE
"""The pause of a car that charges slowly, seconds."""
MAX_POLLS_A_DAY: Final = MANY_POLLS + math.ceil(86_400 / (SLOW_PAUSE - TOLERANCE)) + 1
"""Upper bound of a car's polls in a day, whatever it does; polls that users and automations request come on top."""


class PollTarget(Enum):
    """What to request from Tesla about a car."""

    NOTHING = auto()
    STATE = auto()
    """Its connectivity: free, and does not keep the car awake."""
    DATA = auto()
    """Its `vehicle_data`: billed."""


class PollReason(StrEnum):
    """Why a poll comes when it comes; the values are shown in diagnostics."""

    COMMAND = "command"
    FIRST = "first"
    FAILED = "failed"
    IN_SERVICE = "in_service"
    CLOCK = "clock_set_back"
    DOUBT = "doubt"
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
    """What to poll now, or when to decide again (unix seconds by our clock), and why."""

    target: PollTarget
    at: float
    reason: PollReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PollContext:
    """What is known of a car when a poll is decided; times are unix seconds by our clock."""

    connectivity: Connectivity | None = None
    """What Tesla has just reported; None if it was not requested yet."""
    came_online: bool = False
    """Whether it is online and was not at the previous check."""
    charging: bool = False
    forecast: ChargeForecast | None = None
    driving: bool = False
    """Whether it is in gear, or a person has just got in."""
    was_parked: bool = False
    """Whether it was parked at the answer before the last one, and had not moved until the last one."""
    first_drive: bool = False
    """Whether this is its first drive since it was plugged in last: it left from there."""
    seconds_to_home: float | None = None
    """Least seconds that it needs to be at home; None if its position is not known."""
    at_home: bool | None = None
    just_parked: bool = False
    """Whether it was parked between its last two answers, and was not plugged in yet."""
    plugged_in: bool = False
    sentry_on: bool = False
    """Whether Sentry, for which a car stays awake, was on at its last answer."""
    idle_polls: int = 0
    """How many times in a row it was left alone, was not used, and did not fall asleep."""
    polls_without_news: int = 0
    """How many polls in a row showed no activity."""
    failures: int = 0
    """How many polls in a row failed."""
    blocked_for: float = 0.0
    """Seconds after the last poll for which Tesla demands that none follows."""
    in_service: bool = False
    """Whether Tesla refused the last poll because the car is in service."""
    reported_in_service: bool = False
    """Whether Tesla's state request says so. A car that pushes has to be asked whether that is over."""
    use_probability: float = 0.1
    """Probability that it is used in this hour, above 0 up to 1."""
    plug_in_probability: float = 0.1
    """The same for plugging it in."""
    scheduled_start: float | None = None
    """When it begins to charge by its schedule."""
    streaming: bool = False
    """Whether it is connected to push its data."""
    push_incomplete: bool = False
    """Whether a poll would give something that it does not push."""
    pushed_at: float | None = None
    """When it pushed something last; None: not since the start."""
    polled_at: float | None = None
    """When its data was polled last; None: not since the start."""
    polls_in_a_day: int = 0
    """How many polls of data in the last 24 hours."""
    activity_at: float = 0.0
    """When it was used last, as far as polls have shown."""
    confirm_wanted: bool = False
    """Whether a poll is needed to confirm a command."""
    unconfirmed: bool = False
    """Whether the poll that had to confirm a command failed, and nothing has confirmed it since."""
    in_doubt: bool = False
    """Whether a value cannot be right any more, and was not requested yet."""
    stretch: float = 1.0
    """Factor by which a budget makes pauses longer: its root for charging, its square for idle cars. At least 1;
    infinite: only polls that confirm a command."""
    phase: float = 0.0
    """Place of this car in the grid of polls, from 0 to below 1: cars are not polled all at once."""

    def pushes(self, now: float) -> bool:
        """Whether the car pushes what changes.

        A stream can fall silent while the car charges (fleet-telemetry issue 283): then it is polled again.
        """
        if not self.streaming or self.pushed_at is None:
            return False
        return not self.charging or 0 <= now - self.pushed_at <= SILENCE.total_seconds()

    def idle_seconds(self, polled_at: float) -> float:
        """For how many seconds the car had not been used when it was polled; infinite if that is not known."""
        seconds = polled_at - self.activity_at
        return seconds if seconds >= 0 else math.inf


@dataclass(frozen=True, slots=True)
class PollRule:
    """One thing that a car can do, and when a car that does it is polled again (unix seconds)."""

    reason: PollReason
    applies: Callable[[PollContext, float], bool]
    due: Callable[[PollContext, float], float]
    """From the context and the time of the last poll."""


def _idle(context: PollContext, polled_at: float) -> float:
    return idle_pause(
        context.idle_seconds(polled_at),
        context.idle_polls,
        context.use_probability,
        context.plug_in_probability,
    )


def _charge_due(context: PollContext, polled_at: float) -> float:
    return charge_due(
        polled_at,
        context.forecast,
        charging_for=polled_at - context.activity_at,
        stretch=math.sqrt(context.stretch),
        phase=context.phase,
    )


def _rule(
    reason: PollReason,
    applies: Callable[[PollContext, float], bool],
    pause: Callable[[PollContext, float], float],
    *,
    idle: bool = False,
) -> PollRule:
    """Return a rule whose polls are on the car's grid, after a pause that is stretched: twice if the car is idle."""

    def due(context: PollContext, polled_at: float) -> float:
        stretch = context.stretch * (context.stretch if idle else 1.0)
        return _on_grid(polled_at + pause(context, polled_at) * stretch, context.phase)

    return PollRule(reason, applies, due)


RULES: Final = (
    _rule(PollReason.NOT_PUSHED, PollContext.pushes, lambda *_: NOT_PUSHED_PAUSE, idle=True),
    PollRule(PollReason.CHARGING, lambda context, _: context.charging, _charge_due),
    _rule(
        PollReason.DRIVING,
        lambda context, _: context.driving,
        lambda context, _: drive_pause(
            context.plug_in_probability,
            context.seconds_to_home,
            was_parked=context.was_parked,
            first_drive=context.first_drive,
        ),
    ),
    _rule(
        PollReason.JUST_PARKED,
        lambda context, _: context.just_parked,
        lambda context, _: arrival_pause(
            context.plug_in_probability, at_home=context.at_home, first_drive=context.first_drive
        ),
    ),
    _rule(
        PollReason.PLUGGED_IN,
        lambda context, _: context.plugged_in,
        lambda context, polled_at: plugged_in_pause(
            context.idle_seconds(polled_at), context.idle_polls, context.use_probability
        ),
        idle=True,
    ),
    _rule(
        PollReason.SENTRY,
        lambda context, _: context.sentry_on,
        lambda context, polled_at: awake_pause(
            context.idle_seconds(polled_at), context.use_probability
        ),
        idle=True,
    ),
    _rule(PollReason.IDLE, lambda *_: True, _idle, idle=True),
)
"""The first rule that applies counts."""


def next_poll(context: PollContext, now: float) -> PollDecision:
    """Return what to poll now, or when to poll next: first the connectivity, then the data if they are due.

    A car that pushes its data is not polled, or rarely if it does not push all of it.
    """
    check = next_check(context.phase, now)
    pushes = context.pushes(now) and not context.confirm_wanted
    wanted = any(
        (context.push_incomplete, context.in_doubt, context.in_service, context.unconfirmed)
    )
    if context.connectivity is None:
        if pushes and not context.reported_in_service:
            due = _due(context, now).at if wanted else math.inf
            if now < due - TOLERANCE:
                return PollDecision(PollTarget.NOTHING, min(due, check), PollReason.PUSHES)
        return PollDecision(PollTarget.STATE, now, PollReason.FIRST)
    if context.connectivity is not Connectivity.ONLINE:
        return PollDecision(PollTarget.NOTHING, check, PollReason.NOT_ONLINE)
    if pushes and context.reported_in_service and not wanted:
        return PollDecision(PollTarget.NOTHING, check, PollReason.IN_SERVICE)
    decision = _due(context, now)
    if now < decision.at - TOLERANCE:
        return replace(decision, target=PollTarget.NOTHING)
    return decision


def next_check(phase: float, now: float) -> float:
    """Return when (unix seconds) to check next whether a car is awake."""
    return _on_grid(now + MIN_CHECK_INTERVAL, phase)


def is_push_incomplete(state: VehicleState, *, was_polled: bool) -> bool:
    """Return whether a poll would give something that a car does not push.

    That is a field that Tesla leaves out of the stream; not the position, for which then the permission is missing. It
    is also what no car pushes: its bounds, once in the life of a car, not if it `was_polled` since the start; and the
    end of an update.
    """
    if state.value("software_update") == INSTALLING:
        return True
    left_out = state.diagnosis.left_out
    if any(SIGNALS[name].section and name != LOCATION for name in left_out if name in SIGNALS):
        return True
    return not was_polled and ONLY_POLLED not in state.readings


def _due(context: PollContext, now: float) -> PollDecision:
    """Return when a poll of the car's data is worth its cost again."""
    polled_at, stretch = context.polled_at, context.stretch
    if context.confirm_wanted:
        return PollDecision(PollTarget.DATA, now, PollReason.COMMAND)
    if stretch == math.inf:
        return PollDecision(PollTarget.DATA, math.inf, PollReason.BUDGET)
    if polled_at is None:
        return PollDecision(PollTarget.DATA, now, PollReason.FIRST)
    if now < polled_at:
        return PollDecision(PollTarget.DATA, now, PollReason.CLOCK)
    if context.in_doubt and context.polls_in_a_day < MANY_POLLS:
        pause = retry_pause(context.failures) if context.failures else 0.0
        return PollDecision(PollTarget.DATA, polled_at + pause, PollReason.DOUBT)
    rule = next(rule for rule in RULES if rule.applies(context, now))
    due, reason = rule.due(context, polled_at), rule.reason
    if context.came_online and rule.reason is not PollReason.NOT_PUSHED:
        soon = _on_grid(
            polled_at + came_online_pause(context.polls_without_news) * stretch, context.phase
        )
        due, reason = min((due, reason), (soon, PollReason.CAME_ONLINE))
    if (
        context.scheduled_start is not None
        and not context.charging
        and context.scheduled_start > polled_at
    ):
        start = max(context.scheduled_start + START_DELAY, polled_at + CHARGE_END * stretch)
        due, reason = min((due, reason), (start, PollReason.SCHEDULE))
    if context.failures:
        again = polled_at + retry_pause(context.failures) * stretch - MIN_CHECK_INTERVAL
        due, reason = _on_grid(again, context.phase), PollReason.FAILED
    if context.in_service:
        due, reason = max((due, reason), (polled_at + IN_SERVICE * stretch, PollReason.IN_SERVICE))
    due = max(due, polled_at + context.blocked_for)
    if context.polls_in_a_day >= MANY_POLLS:
        due = max(due, polled_at + SLOW_PAUSE * stretch)
    return PollDecision(PollTarget.DATA, due, reason)


def _on_grid(moment: float, phase: float) -> float:
    """Return the first moment from then on that is on this car's grid."""
    if not math.isfinite(moment):
        return moment
    return moment + (phase * GRID - moment) % GRID
