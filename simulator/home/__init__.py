"""A simulated home: sun, household, battery, meter, main fuse and prices."""

from simulator.home.battery import BatterySettings, HomeBattery
from simulator.home.home import Home, HomeSettings
from simulator.home.market import Tariff
from simulator.home.sun import Roof

__all__ = ["BatterySettings", "Home", "HomeBattery", "HomeSettings", "Roof", "Tariff"]
