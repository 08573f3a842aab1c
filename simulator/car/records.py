"""What a car can be asked about afterwards: the commands it got, the state it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from simulator.car.charging import ChargingState
from simulator.car.command_table import CommandReply
from simulator.car.wakefulness import Reachability

type Via = Literal["signed", "rest"]


@dataclass(frozen=True, slots=True)
class ExecutedCommand:
    """A command that reached the car, with what the car had to say."""

    name: str
    params: Mapping[str, object]
    via: Via
    reply: CommandReply


@dataclass(frozen=True, slots=True)
class CarState:
    """The car at one moment, for people and tests; reading it leaves no trace in the car."""

    reachability: Reachability
    charging_state: ChargingState
    battery_level: float
    charge_limit: int
    charge_amps: int
    charge_kw: float
    energy_added_kwh: float
    plugged_in: bool
    charge_port_door_open: bool
    at_home: bool
    driving: bool
    latitude: float
    longitude: float
    odometer_miles: float
