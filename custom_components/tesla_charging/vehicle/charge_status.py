"""Whether a car charges, and why not, as far as Tesla's data show."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from .signals import CHARGING
from .state import VehicleState

_STATE: Final = "DetailedChargeState"


def _equals(name: str, value: object) -> Callable[[VehicleState], bool]:
    return lambda state: state.value(name) == value


def _polled_equals(name: str, value: object) -> Callable[[VehicleState], bool]:
    """Compare a signal that is only polled. It counts only if it is not older than the charging state it explains."""

    def check(state: VehicleState) -> bool:
        measured_at, state_at = state.measured_at(name), state.measured_at(_STATE)
        return state.value(name) == value and (measured_at or 0.0) >= (state_at or 0.0)

    return check


_BY_STATE: Final = {
    "Charging": "none",
    "Starting": "none",
    "Calibrating": "calibrating",
    "Disconnected": "unplugged",
    "NoPower": "no_power",
    "Complete": "limit_reached",
}
_WHEN_STOPPED: Final[tuple[tuple[str, Callable[[VehicleState], bool]], ...]] = (
    ("cable_not_locked", _equals("ChargePortLatch", "Disengaged")),
    ("cable_not_locked", _equals("ChargePortLatch", "Blocking")),
    ("scheduled", _equals("ScheduledChargingPending", True)),
    ("battery_too_cold", _equals("NotEnoughPowerToHeat", True)),
    ("managed", _polled_equals("managed_charging_active", True)),
    ("stopped_by_person", _polled_equals("user_charge_enable_request", False)),
)
"""The first condition that is true counts."""
REASONS: Final = tuple(
    dict.fromkeys((*_BY_STATE.values(), *(reason for reason, _ in _WHEN_STOPPED), "stopped"))
)
REASON_SIGNALS: Final = (
    _STATE,
    "ChargePortLatch",
    "ScheduledChargingPending",
    "NotEnoughPowerToHeat",
    "managed_charging_active",
    "user_charge_enable_request",
)


def why_not_charging(state: VehicleState) -> str | None:
    """Return one of REASONS: "none" while the car charges, None when its charging state is not known."""
    charging_state = state.value(_STATE)
    if charging_state != "Stopped":
        return _BY_STATE.get(str(charging_state))
    return next((reason for reason, applies in _WHEN_STOPPED if applies(state)), "stopped")


SILENCE: Final = timedelta(minutes=10)
"""How long a charging, connected car may push nothing before it is polled."""


def is_charging(state: VehicleState) -> bool:
    """Return whether a car charges, as far as is known."""
    return state.value(_STATE) in CHARGING


def effective_current(state: VehicleState) -> float | None:
    """Return the current that the car will use: it accepts more than cable and station give, and uses what they give.

    None if one of the two is not known. Without a cable the car reports the maximum of the last one, or its own.
    """
    wanted, maximum = (
        state.number("ChargeCurrentRequest"),
        state.number("ChargeCurrentRequestMax"),
    )
    return None if wanted is None or maximum is None else min(wanted, maximum)
