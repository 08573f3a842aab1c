"""What was learnt as a sentence: its key, and the numbers in it. The texts are translated elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto


class Saying(StrEnum):
    """Each is one sentence. The numbers that it takes are named behind it."""

    POWER_ASSUMED = auto()
    """Nothing was measured here yet. watts, amps, phases"""
    POWER_LEARNT = auto()
    """The car draws so much at full current. watts, low_watts, amps, phases, sessions"""
    EFFICIENCY_ASSUMED = auto()
    """percent, standing_watts"""
    EFFICIENCY_LEARNT = auto()
    """So much of what the car draws reaches its battery. percent, standing_watts, sessions"""
    CAPACITY_ASSUMED = auto()
    """kwh"""
    CAPACITY_LEARNT = auto()
    """So much fits into the battery. kwh, low_kwh, high_kwh, sessions"""
    TAPER_NONE = auto()
    """The car takes its full current up to a level. level"""
    TAPER_LEARNT = auto()
    """From a level on the car takes less: so much at the end. level, amps, end_level"""
    DELAY_ASSUMED = auto()
    """seconds, asleep_seconds"""
    DELAY_LEARNT = auto()
    """So long after a command the current has changed. seconds, asleep_seconds, commands"""
    BASE_LOAD_ASSUMED = auto()
    """watts"""
    BASE_LOAD_LEARNT = auto()
    """The home uses so much. kwh_a_day, days"""
    SOLAR_ASSUMED = auto()
    """The forecast is taken as it is."""
    SOLAR_LEARNT = auto()
    """So much of what the forecast promises comes. percent, days"""
    DEPARTURE_ASSUMED = auto()
    """weekday, minute, need"""
    DEPARTURE_NONE = auto()
    """On this weekday the car usually stays. weekday, weeks"""
    DEPARTURE_LEARNT = auto()
    """The car is ready before most departures of this weekday. weekday, minute, usual_minute, need, weeks"""
    DEPARTURE_CHANGED = auto()
    """The same, only of the weeks since the habit has changed. weekday, minute, usual_minute, need, weeks"""


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence with its numbers."""

    saying: Saying
    numbers: Mapping[str, float]
