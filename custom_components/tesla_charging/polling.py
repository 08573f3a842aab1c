"""Whether a car is worth asking: one pure decision from what is known of it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from .const import CHARGING_INTERVAL, IDLE_INTERVAL, QUIET_AFTER, QUIET_INTERVAL, STATE_INTERVAL
from .fleet_api import VehicleState as Connection
from .signals import SIGNALS
from .telemetry_problem import LOCATION
from .vehicle_state import VehicleState, signals_of

SILENCE: Final = timedelta(minutes=10)
"""How long a charging, connected car may say nothing before it is asked."""
CHARGING: Final = frozenset({"Charging", "Starting"})
ACTIVITY: Final = signals_of(
    (
        "DetailedChargeState",
        "ChargeLimitSoc",
        "ChargeCurrentRequest",
        "ChargePortDoorOpen",
        "ChargePortLatch",
        "ChargingCableType",
        "Gear",
    )
)
"""Signals that change when somebody does something with the car. Others (voltage, position, range) waver in a
parked car for ever, and asking because of them would keep it from falling asleep."""

ONLY_POLLED: Final = "charge_limit_soc_max"
"""A signal that every car gives when it is asked, and none pushes."""


class Ask(Enum):
    """What to ask Tesla of a car."""

    NOTHING = auto()
    STATE = auto()
    """Whether it is awake: free, and it wakes nobody."""
    DATA = auto()
    """What it measures: billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a car; times are unix seconds by our clock."""

    seen: Connection | None = None
    """What Tesla told of its connection just now; None before it was asked."""
    woke: bool = False
    """Whether it is online, and was not when it was looked at before."""
    charging: bool = False
    streaming: bool = False
    """Whether it is connected to push its data."""
    incomplete: bool = False
    """Whether it does not push all that asking would tell."""
    pushed_at: float | None = None
    """When it pushed something last, None for not since the start."""
    asked_at: float | None = None
    """When its data was asked for last, None for not since the start."""
    changed_at: float = 0.0
    """When somebody last did something with it, as far as asking has shown."""
    confirm_wanted: bool = False
    """Whether it is to be seen what came of a command."""

    def pushes(self, now: float) -> bool:
        """Whether the car tells by itself what changes.

        A stream can fall silent while the car charges (fleet-telemetry issue 283): then it is asked again.
        """
        if not self.streaming or self.pushed_at is None:
            return False
        return not self.charging or 0 <= now - self.pushed_at <= SILENCE.total_seconds()


def next_question(known: Known, now: float) -> Ask:
    """Return what to ask now: whether the car is awake first, then its data if that is worth its price.

    While the car pushes its data, nothing is asked at all, or rarely if that is not all of it.
    """
    if known.seen is None:
        pushes = known.pushes(now) and not known.confirm_wanted
        return (
            Ask.NOTHING if pushes and not (known.incomplete and _is_due(known, now)) else Ask.STATE
        )
    if known.seen is Connection.ONLINE and _is_due(known, now):
        return Ask.DATA
    return Ask.NOTHING


def is_charging(state: VehicleState) -> bool:
    """Return whether a car charges, as far as is known."""
    return state.value("DetailedChargeState") in CHARGING


def is_incomplete(state: VehicleState, *, asked: bool) -> bool:
    """Return whether asking would tell something that a car does not push.

    That is what Tesla leaves out of its stream, but for the position: if it is left out, the permission for it is
    missing. And once in its life, unless it was just `asked`, what no car pushes: its own bounds, say.
    """
    left_out = state.trouble.left_out
    if any(SIGNALS[name].section and name != LOCATION for name in left_out if name in SIGNALS):
        return True
    return not asked and ONLY_POLLED not in state.readings


def shows_activity(state: VehicleState, earlier: VehicleState) -> bool:
    """Return whether somebody did something with the car between two states."""
    return bool(state.changes(earlier) & ACTIVITY)


def _is_due(known: Known, now: float) -> bool:
    """Whether the car's data is worth its price again."""
    if known.asked_at is None or known.confirm_wanted or now < known.asked_at:
        return True  # the latter when our clock was set back
    # the state call runs on a grid of its own: half a step early is near enough
    return now - known.asked_at >= (_interval(known, now) - STATE_INTERVAL / 2).total_seconds()


def _interval(known: Known, now: float) -> timedelta:
    if known.pushes(now):
        return QUIET_INTERVAL
    if known.woke or known.charging:
        # also bounds what a car costs that is called online, but does not answer
        return CHARGING_INTERVAL
    if not 0 <= now - known.changed_at <= QUIET_AFTER.total_seconds():
        return QUIET_INTERVAL
    return IDLE_INTERVAL
