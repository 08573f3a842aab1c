"""The simulated vehicle: it charges, drives, sleeps, and obeys only commands it can verify."""

from simulator.car.body import InvalidBody
from simulator.car.car import Car, UnknownCommand, UnsupportedCommand
from simulator.car.command_table import CommandReply
from simulator.car.quirks import Quirk, Quirks
from simulator.car.readings import OtherReading
from simulator.car.records import CarState, ExecutedCommand
from simulator.car.security.domain import DomainOutOfReach, SecurityDomain
from simulator.car.security.faults import Fault
from simulator.car.security.keychain import Keychain, KeychainFull, Role
from simulator.car.vehicle_data import SECTIONS

__all__ = [
    "SECTIONS",
    "Car",
    "CarState",
    "CommandReply",
    "DomainOutOfReach",
    "ExecutedCommand",
    "Fault",
    "InvalidBody",
    "Keychain",
    "KeychainFull",
    "OtherReading",
    "Quirk",
    "Quirks",
    "Role",
    "SecurityDomain",
    "UnknownCommand",
    "UnsupportedCommand",
]
