"""The day-ahead market and what a supplier makes of it: a price for every quarter of an hour, decided by seed and date.

A delivery day is a day of the market's zone: 92 or 100 quarters when the clocks change. Prices are per kWh.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
import math
from zoneinfo import ZoneInfo

from simulator.home.days import Day, Series, day_of, dice, start_of
from simulator.home.sun import weather_on

QUARTER = 900
#: Market price of each hour of a working day, per MWh, before season, wind and sun.
HOURLY = (
    *(72, 66, 62, 60, 62, 70, 92, 118, 116, 98, 84, 74),
    *(66, 62, 64, 74, 92, 122, 148, 150, 128, 106, 92, 80),
)
WEEKEND = 0.82
SUN_EFFECT = 95.0
"""By how much a clear midday in June lowers the price, per MWh."""
WIND = 28.0
"""Standard deviation of what the wind of a day does to its prices, per MWh."""
GLUT = 2.2
"""How much faster prices fall below zero."""
NOISE = 4.0
LOWEST, HIGHEST = -500.0, 872.96
"""What the market has seen, per MWh."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A price (per kWh) from a moment to another (unix seconds)."""

    start: int
    end: int
    price: float


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a supplier adds to the market price, per kWh: fee and tax on import, then VAT; a fee on export."""

    currency: str = "EUR"
    fee: float = 0.02
    tax: float = 0.11
    vat: float = 0.21
    export_fee: float = 0.015
    hourly: bool = False
    """Whether an hour has one price: the mean of its quarters."""

    def imported(self, market: float) -> float:
        """Return what a kWh from the grid costs."""
        return round((market + self.fee + self.tax) * (1 + self.vat), 5)

    def exported(self, market: float) -> float:
        """Return what a kWh into the grid earns; negative when it costs."""
        return round(market - self.export_fee, 5)


class Market:
    """The prices that hold, whatever was published of them."""

    def __init__(self, seed: int, zone: ZoneInfo, tariff: Tariff) -> None:
        """Trade in a zone and sell by a tariff."""
        self.tariff = tariff
        self.zone = zone
        self._seed = seed
        self._series = Series(self._draw, zone)

    def at(self, at: float) -> tuple[tuple[float, float], int]:
        """Return the prices of import and export at a moment (unix seconds), and until when they hold."""
        market, until = self._series.at(at)
        return (self.tariff.imported(market), self.tariff.exported(market)), until

    def slots(self, day: date) -> list[Slot]:
        """Return the market's prices of a delivery day, by the hour or by the quarter as the tariff is."""
        start, end = start_of(day, self.zone), start_of(day + timedelta(days=1), self.zone)
        length = 4 * QUARTER if self.tariff.hourly else QUARTER
        drawn = self._series.day(day)
        # the series has no quarter of its own where two neighbours cost the same
        return [
            Slot(at, at + length, drawn.values[bisect_right(drawn.times, at) - 1])
            for at in range(start, end, length)
        ]

    def _draw(self, day: date) -> Day[float]:
        start, end = start_of(day, self.zone), start_of(day + timedelta(days=1), self.zone)
        quarters = self._quarters(day, (end - start) // QUARTER)
        if self.tariff.hourly:
            hours = [sum(quarters[i : i + 4]) / 4 for i in range(0, len(quarters), 4)]
            quarters = [hours[i // 4] for i in range(len(quarters))]
        pairs = [(start + i * QUARTER, round(p / 1000, 5)) for i, p in enumerate(quarters)]
        return day_of(pairs, end)

    def _quarters(self, day: date, number: int) -> list[float]:
        rng = dice(self._seed, "market", day)
        wind = rng.gauss(0, WIND)
        year = math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365.25)
        dear = (1 + 0.2 * year) * (WEEKEND if day.weekday() >= 5 else 1.0)
        sunny = SUN_EFFECT * weather_on(self._seed, day).mean * (0.58 - 0.42 * year)
        prices = []
        for index in range(number):
            hour = index / 4 + (
                24 - number / 4
            )  # the hours after a change of the clock are the usual ones
            before, share = math.floor(hour - 0.5), (hour - 0.5) % 1
            level = HOURLY[before % 24] * (1 - share) + HOURLY[(before + 1) % 24] * share
            # within an hour prices follow the slope, as power plants do at full hours
            level += (index % 4 - 1.5) * 0.12 * (HOURLY[(before + 1) % 24] - HOURLY[before % 24])
            light = max(0.0, math.sin(math.pi * (hour - 7) / 13)) if 7 < hour < 20 else 0.0
            price = level * dear - wind - sunny * light + rng.gauss(0, NOISE)
            if price < 0:  # nobody takes the last of it
                price *= GLUT
            prices.append(min(HIGHEST, max(LOWEST, round(price, 2))))
        return prices
