"""What a command changes when the car accepts it: shown at once, then confirmed or corrected by the car."""

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

    A car that was "already so" is not assumed to be anything: "complete", say, is no charging.
    """
    effect = _EFFECTS.get(request.command.name)
    if effect is None or result.outcome is not Outcome.EXECUTED:
        return {}
    return effect(request.parameters)


_UNSURE: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(
    (
        "add_charge_schedule",
        "remove_charge_schedule",
        "set_scheduled_charging",
        "set_scheduled_departure",
    ),
    ("charge_schedules",),
)


def unsure(state: VehicleState, request: CommandRequest) -> VehicleState:
    """Return the state after a command, with what it may have changed in a way that only the car can tell as assumed.

    So the car is asked, also one that pushes: it does not push this.
    """
    doubted = {
        name: replace(state.readings[name], assumed=True)
        for name in _UNSURE.get(request.command.name, ())
        if name in state.readings
    }
    return replace(state, readings={**state.readings, **doubted})
