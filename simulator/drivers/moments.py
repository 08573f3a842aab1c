"""What drivers do to their cars, as plain lists of moments, and the trips that they make."""

from dataclasses import dataclass, field
from typing import Any, Literal

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0
HOME = (52.0, 4.4)
MILES_PER_DEGREE = 69.05

type Deed = Literal[
    "drive_away",
    "plug_in",
    "plug_in_fast",
    "unplug",
    "set_power",
    "set_charge_limit",
    "charge_start",
    "charge_stop",
]
"""Methods of the simulated car; the last three are commands that a person gives in Tesla's app."""
IN_APP: frozenset[Deed] = frozenset({"set_charge_limit", "charge_start", "charge_stop"})


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """What happens to the car, and when (seconds; since what is the list's business)."""

    at: float
    deed: Deed = field(compare=False)
    arguments: dict[str, Any] = field(default_factory=dict, compare=False)


def place(miles_north: float) -> tuple[float, float]:
    """Return the place so many miles north of home."""
    return HOME[0] + miles_north / MILES_PER_DEGREE, HOME[1]


def drive(at: float, miles: float, *, to: float, mph: float) -> tuple[Moment, float]:
    """Return setting off, and when the car is there. `to` is the destination in miles north of home."""
    latitude, longitude = place(to)
    there = {"latitude": latitude, "longitude": longitude, "speed_mph": mph}
    return Moment(at, "drive_away", there), at + miles / mph * HOUR


def trip(at: float, miles: float, stay: float, *, mph: float) -> tuple[list[Moment], float, float]:
    """Return a trip there and back, when the car is there, and when it is home again."""
    out, there = drive(at, miles, to=miles, mph=mph)
    back, home = drive(there + stay, miles, to=0, mph=mph)
    return [out, back], there, home
