"""People with cars: when they leave, come back, plug in or forget to, and what they do in Tesla's app."""

from simulator.drivers.driver import Driver, live, pass_time
from simulator.drivers.moments import Moment
from simulator.drivers.people import PEOPLE, Person

__all__ = ["PEOPLE", "Driver", "Moment", "Person", "live", "pass_time"]
