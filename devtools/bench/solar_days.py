"""Days of sun and household for the bench of the solar controller: everything comes from a seed.

A day has 8,640 steps of 10 s from local midnight; the sun shines from 06:30 to 20:30.
"""

from dataclasses import dataclass
from functools import lru_cache
import math
import random

VOLTS = 230
STEP = 10
STEPS = 86400 // STEP
MIN_A = 5
KWH = STEP / 3.6e6
"""What a watt is in a step."""
SOLAR_VALUE = 0.22
IMPORT_LOSS = 0.08
COMMAND_PRICE = 0.001
"""What a kWh of sun in the car is worth, what an imported one costs besides, and what a command costs."""
GIVEN_SEEDS = tuple(range(100, 112))
OWN_SEEDS = tuple(range(300, 312))

_SWITCHES = {"clear": 0.002, "mixed": 0.02, "broken": 0.05}
_MIXED, _BROKEN = (1, 1, 1, 0.35, 0.5), (1, 0.9, 0.25, 0.4, 0.6)


@dataclass(frozen=True, slots=True)
class Column:
    """A roof, a charger and a sky."""

    name: str
    phases: int
    max_a: int
    kwp: int
    sky: str


COLUMNS = (
    Column("1p-clear", 1, 32, 8, "clear"),
    Column("1p-mixed", 1, 32, 8, "mixed"),
    Column("1p-broken", 1, 32, 8, "broken"),
    Column("3p-clear", 3, 16, 12, "clear"),
    Column("3p-mixed", 3, 16, 12, "mixed"),
    Column("3p-broken", 3, 16, 12, "broken"),
)


@lru_cache(maxsize=200)
def surplus_of(seed: int, kwp: int, sky: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the watts of the sun and of the house in every step. The order of the random draws makes the day."""
    rng = random.Random(seed)
    appliances = [
        (
            rng.uniform(6, 23) * 3600,
            rng.choice([120, 180, 300, 1800, 3600]),
            rng.choice([1800, 2200, 900, 2500]),
        )
        for _ in range(28)
    ]
    clear, target = 0.9, 1.0
    sun, house = [], []
    for step in range(STEPS):
        second = step * STEP
        hour = second / 3600
        height = max(0.0, math.sin(math.pi * (hour - 6.5) / 14)) if 6.5 < hour < 20.5 else 0.0
        if rng.random() < _SWITCHES[sky]:
            mixed, broken = rng.choice(_MIXED), rng.choice(_BROKEN)
            target = {"clear": 1.0, "mixed": mixed, "broken": broken}[sky]
        clear += (target - clear) * 0.12 + rng.gauss(0, 0.01)
        clear = min(1.1, max(0.1, clear))
        sun.append(kwp * 1000 * 0.8 * height**1.2 * clear)
        base = 280 + 60 * math.sin(step / 200) + (90 if (step // 120) % 2 else 0)
        base += rng.gauss(0, 15)
        base += sum(
            watts for begin, length, watts in appliances if begin <= second < begin + length
        )
        house.append(base)
    return tuple(sun), tuple(house)


def bound(surplus: list[float], column: Column) -> float:
    """Return a value that no controller can pass: foresight without delay, ramp, whole amperes or commands."""
    unit = VOLTS * column.phases
    least, most = MIN_A * unit, column.max_a * unit
    value = 0.0
    for watts in surplus:
        used = min(max(0.0, watts), most)
        missing = max(0.0, least - max(0.0, watts))
        value += max(0.0, SOLAR_VALUE * used - IMPORT_LOSS * missing)
    return value * KWH
