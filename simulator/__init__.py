"""A simulated Tesla: the cloud and the cars."""

from simulator.car import Car, OtherReading, Quirk
from simulator.cloud.accounts import Account, Application
from simulator.tesla import TeslaSimulator

__all__ = ["Account", "Application", "Car", "OtherReading", "Quirk", "TeslaSimulator"]
