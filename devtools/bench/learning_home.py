"""Half years of a home: real households and a real roof, whose forecast is wrong by a known part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
import json
import random
from statistics import fmean
from zoneinfo import ZoneInfo

from custom_components.tesla_charging.smart_charging.learning.base_load import BaseLoad
from custom_components.tesla_charging.smart_charging.learning.solar_bias import SolarBias

from .plan_data import packages

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST = datetime(2026, 2, 1, tzinfo=UTC)
"""Summer time begins eight weeks later."""
DAYS = 120
WEEKS_BEFORE = 4
HOUSEHOLDS = (2, 6, 12, 17, 20)
"""Columns of the file without feeding in and without long gaps."""
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong: chances for each reading, and days with wrong clocks."""

    name: str
    gaps: float = 0.0
    """Of each day, that nothing of it is known."""
    outliers: float = 0.0
    clocks: tuple[tuple[int, int, timedelta], ...] = ()
    """First day, number of days, and by how much the clock is wrong."""


CALM = Faults("readings as they are")
WORLDS = (
    CALM,
    Faults("a fifth of the days missing", gaps=0.2),
    Faults("one reading in fifty wrong", outliers=0.02),
    Faults(
        "wrong clocks",
        clocks=(
            (20, 2, timedelta(days=-365 * 30)),
            (40, 3, timedelta(days=40)),
            (60, 2, timedelta(days=-60)),
            (80, 4, timedelta(hours=2)),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """How good the forecasts of a household were."""

    error: float
    """Of the median, watts, on average."""
    last_week: float
    """The same, if the home used what it used a week before."""
    covered: float
    """The share of quarter hours between low and high: four fifths would be right."""


@cache
def household(column: int) -> tuple[float, ...]:
    """Return the powers of a household, watts, by quarter hours."""
    path = packages() / "ev2gym" / "data" / "residential_loads.csv"
    rows = (line.split(",") for line in path.read_text().splitlines())
    return tuple(max(0.0, float(row[column]) * 1000) for row in rows)


@cache
def roof() -> tuple[float, ...]:
    """Return the energies of a roof of one kW peak by hours UTC, from April on."""
    path = packages() / "ev2gym" / "data" / "pv_netherlands.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    return tuple(float(row[2]) for row in rows)[90 * 24 :]


def wrong_by(faults: Faults, day: int) -> timedelta:
    """Return by how much the clock is wrong on a day."""
    return next(
        (off for first, count, off in faults.clocks if first <= day < first + count), timedelta()
    )


def base_load_forecasts(
    watts: Callable[[int], float], faults: Faults, seed: int, *, days: int = DAYS, every: int = 3
) -> Forecasts:
    """Play a household, by the number of the quarter hour; a forecast of the next day on every third day."""
    rng = random.Random(f"base load {seed} {faults.name}")
    load = BaseLoad(ZONE)
    errors, naive, covered = [], [], []
    for day in range(days):
        begin = FIRST + timedelta(days=day)
        if day >= 7 * WEEKS_BEFORE and day % every == 0:
            load = BaseLoad.from_dict(json.loads(json.dumps(load.as_dict())), ZONE)
            slots = load.forecast(begin, begin + timedelta(days=1), now=begin).slots
            for place, slot in enumerate(slots):
                true = watts(day * 96 + place)
                errors.append(abs(true - slot.median))
                naive.append(abs(true - watts((day - 7) * 96 + place)))
                covered.append((slot.low or 0.0) <= true <= (slot.high or 0.0))
        off = wrong_by(faults, day)
        if rng.random() < faults.gaps:
            continue
        for place in range(96):
            kwh = watts(day * 96 + place) / 4000
            if rng.random() < faults.outliers:
                kwh = rng.choice((0.0, -1.0, 5.0, 1e6))
            start = begin + place * QUARTER + off
            load = load.with_reading(start, kwh, now=start + QUARTER)
    return Forecasts(fmean(errors), fmean(naive), fmean(covered))


def solar_errors(
    faults: Faults, seed: int, energies: Sequence[float], *, days: int = 60, after: int = 28
) -> Iterator[tuple[float, float]]:
    """Yield, for days of a roof in a half shade of the morning, how wrong the day's forecast is: as learnt, and as it came."""
    rng = random.Random(f"sun {seed} {faults.name}")
    truth = random.Random(f"roof {seed}")
    level, morning = truth.uniform(0.7, 1.2), truth.uniform(0.3, 0.8)
    bias = SolarBias()
    for day in range(days):
        begin = FIRST + timedelta(days=60 + day)
        hours = energies[day * 24 : day * 24 + 24]
        clouds = rng.lognormvariate(0, 0.25)
        off = wrong_by(faults, day)
        promised = {hour: kwh for hour, kwh in enumerate(hours) if kwh > 0}
        true = {
            hour: kwh * level * (morning if hour < 9 else 1.0) for hour, kwh in promised.items()
        }
        now = begin + timedelta(days=1)
        if day >= after:
            expected = sum(
                kwh * bias.share(hour, now=begin).value for hour, kwh in promised.items()
            )
            total = sum(true.values())
            yield abs(expected / total - 1), abs(sum(promised.values()) / total - 1)
        if rng.random() < faults.gaps:
            continue
        for hour, kwh in true.items():
            came = kwh * clouds * rng.lognormvariate(0, 0.15)
            if rng.random() < faults.outliers:
                came = rng.choice((0.0, -1.0, 30.0, 1e6))
            start = begin + timedelta(hours=hour) + off
            bias = bias.with_hour(start, promised[hour], came, now=now + off)
        bias = SolarBias.from_dict(json.loads(json.dumps(bias.as_dict())))
