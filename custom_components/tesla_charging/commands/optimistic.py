"""Sets the signals that a command changes as soon as the car accepts it; the car's own data confirms or corrects them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..vehicle.signals import SignalValue
from ..vehicle.state import VehicleState
from ..vehicle_command import CommandRequest, CommandResult, Outcome, Parameters

type Effect = Callable[[Parameters], dict[str, SignalValue]]

_EFFECTS: Final[dict[str, Effect]] = {
    "charge_start": lambda _: {"DetailedChargeState": "Starting"},
    "charge_stop": lambda _: {"DetailedChargeState": "Stopped"},
    "set_charge_limit": lambda parameters: {"ChargeLimitSoc": parameters["percent"]},
    "set_charging_amps": lambda parameters: {"ChargeCurrentRequest": parameters["charging_amps"]},
    "charge_port_door_open": lambda _: {"ChargePortDoorOpen": True},
    "charge_port_door_close": lambda _: {"ChargePortDoorOpen": False},
}


def effect_of(request: CommandRequest, result: CommandResult) -> dict[str, SignalValue]:
    """Return the signals that an executed command has set.

    If the car answered that nothing had to be changed, nothing is assumed: after "complete", say, it does not charge.
    """
    return wanted_by(request) if result.outcome is Outcome.EXECUTED else {}


def wanted_by(request: CommandRequest) -> dict[str, SignalValue]:
    """Return the signals that a command is to set; none for one whose effect only the car knows."""
    effect = _EFFECTS.get(request.command.name)
    return {} if effect is None else effect(request.parameters)


_UNKNOWN_EFFECTS: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(
    (
        "add_charge_schedule",
        "remove_charge_schedule",
        "set_scheduled_charging",
        "set_scheduled_departure",
    ),
    ("charge_schedules",),
)
"""By command: the signals that it changes, to values that only the car knows."""


def with_uncertain(state: VehicleState, request: CommandRequest) -> VehicleState:
    """Return the state with the signals marked as assumed that the command changed to values that only the car knows.

    So the car is polled for them, even if it pushes its data: it does not push these signals.
    """
    uncertain = {
        name: replace(state.readings[name], assumed=True)
        for name in _UNKNOWN_EFFECTS.get(request.command.name, ())
        if name in state.readings
    }
    return replace(state, readings={**state.readings, **uncertain})
