"""The sun on a roof: its way over the sky, the day's weather, and clouds that come and go.

The sun moves once a minute; clouds have their own seconds. Between these the power is constant.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime
import math
from zoneinfo import ZoneInfo

from simulator.home.days import DAY_S, Day, Series, day_of, dice, start_of

MINUTE = 60
SOLAR_CONSTANT = 1353.0
"""W per m² outside the atmosphere."""
CLEAR_AIR = 0.7
"""What a vertical way through clear air leaves of it."""
DIFFUSE = 0.12
"""Part of the direct light that reaches every tilt from everywhere in the sky."""
PERFORMANCE = 0.8
"""What cables, dust, heat and the inverter leave."""


@dataclass(frozen=True, slots=True)
class Roof:
    """Panels and their inverter: kilowatts peak, tilt (degrees from horizontal), azimuth (degrees from north)."""

    kwp: float = 8.0
    tilt: float = 35.0
    azimuth: float = 190.0
    inverter_w: float = 7000.0
    phases: int = 3


@dataclass(frozen=True, slots=True)
class Weather:
    """A kind of day: how often it comes, and what its clouds let through.

    `share` is its part of a year's days; the brightest kinds stand first. A sky takes turns between `open` and `covered`
    (parts of the clear sky's power, from the least to the most) for `stay` seconds each (the mean).
    """

    name: str
    share: float
    open: tuple[float, float]
    covered: tuple[float, float]
    stay: float
    open_share: float
    """Part of the time in which no cloud is before the sun."""

    @property
    def mean(self) -> float:
        """Power of the day as a part of a clear one, on average."""
        bright, dull = sum(self.open) / 2, sum(self.covered) / 2
        return self.open_share * bright + (1 - self.open_share) * dull


WEATHER = (
    Weather("clear", 0.14, (0.95, 1.0), (0.8, 0.95), 2400, 0.9),
    Weather("fair", 0.2, (0.95, 1.08), (0.35, 0.6), 600, 0.75),
    Weather("broken", 0.28, (0.9, 1.1), (0.15, 0.45), 150, 0.5),
    Weather("dull", 0.22, (0.35, 0.55), (0.15, 0.35), 900, 0.4),
    Weather("rain", 0.16, (0.15, 0.3), (0.05, 0.15), 1800, 0.3),
)


def weather_on(seed: int, day: date) -> Weather:
    """Return the kind of a day. Neighbouring days are alike, and summers are brighter."""
    rank = 0.5 * (1 + math.erf(_mood(seed, day) / math.sqrt(2)))
    for weather in WEATHER:
        if rank < weather.share:
            return weather
        rank -= weather.share
    return WEATHER[-1]


def _mood(seed: int, day: date) -> float:
    """Return a normal deviate: small is bright. It shares a part with the days before."""
    number = day.toordinal()
    own = [dice(seed, "weather", number - back).gauss() for back in range(3)]
    season = 0.35 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 172) / 365.25)
    return (0.8 * own[0] + 0.5 * own[1] + 0.33 * own[2]) - season


class Sun:
    """What a roof gives at every moment of every day."""

    def __init__(self, seed: int, roof: Roof, latitude: float, longitude: float) -> None:
        """Shine on a roof at a place (degrees); days are those of UTC."""
        self.seed = seed
        self.roof = roof
        self._latitude = math.radians(latitude)
        self._longitude = longitude
        self._zone = ZoneInfo("UTC")
        self._series = Series(self._draw, self._zone)
        self._clear = Series(self._draw_clear, self._zone)

    def at(self, at: float) -> tuple[float, int]:
        """Return the watts at a moment (unix seconds), and until when they hold."""
        return self._series.at(at)

    def clear(self, at: float) -> tuple[float, int]:
        """Return the same without any cloud."""
        return self._clear.at(at)

    def _draw_clear(self, day: date) -> Day[float]:
        start = start_of(day, self._zone)
        minutes = range(start, start + DAY_S, MINUTE)
        return day_of([(at, self._clear_watts(at + MINUTE / 2)) for at in minutes], start + DAY_S)

    def _draw(self, day: date) -> Day[float]:
        clear, (edges, shares) = self._clear.day(day), self._clouds(day)
        pairs: list[tuple[int, float]] = []
        last = len(clear.times) - 1
        for index, (start, watts) in enumerate(zip(clear.times, clear.values, strict=True)):
            end = clear.end if index == last else clear.times[index + 1]
            if not watts:
                pairs.append((start, 0.0))
                continue
            edge = bisect_right(edges, start)
            pairs.append((start, self._limited(watts * shares[edge - 1])))
            while edge < len(edges) and edges[edge] < end:
                pairs.append((edges[edge], self._limited(watts * shares[edge])))
                edge += 1
        return day_of(pairs, clear.end)

    def _limited(self, watts: float) -> float:
        return min(watts, self.roof.inverter_w)

    def _clouds(self, day: date) -> tuple[list[int], list[float]]:
        """Return since when (unix seconds) which part of the sun's power comes through."""
        weather, rng = weather_on(self.seed, day), dice(self.seed, "clouds", day)
        at = start_of(day, self._zone)
        end = at + DAY_S
        edges, shares = [], []
        is_open = rng.random() < weather.open_share
        while at < end:
            edges.append(at)
            shares.append(rng.uniform(*(weather.open if is_open else weather.covered)))
            stay = 2 * weather.stay * (weather.open_share if is_open else 1 - weather.open_share)
            at += max(10, round(rng.expovariate(1 / stay)))
            is_open = not is_open
        return edges, shares

    def _clear_watts(self, at: float) -> float:
        """Return what the roof gives under a clear sky at a moment (unix seconds)."""
        height, azimuth = self._position(at)
        if height <= 0:
            return 0.0
        degrees = math.degrees(height)
        air = 1 / (math.sin(height) + 0.50572 * (degrees + 6.07995) ** -1.6364)
        direct = SOLAR_CONSTANT * CLEAR_AIR ** (air**0.678)
        tilt, towards = math.radians(self.roof.tilt), math.radians(self.roof.azimuth)
        facing = math.sin(height) * math.cos(tilt) + math.cos(height) * math.sin(tilt) * math.cos(
            azimuth - towards
        )
        light = direct * (max(0.0, facing) + DIFFUSE * (1 + math.cos(tilt)) / 2)
        return self._limited(self.roof.kwp * light * PERFORMANCE)

    def _position(self, at: float) -> tuple[float, float]:
        """Return the sun's height above the horizon and its azimuth from north, in radians."""
        now = datetime.fromtimestamp(at, UTC)
        day = now.timetuple().tm_yday
        turn = 2 * math.pi * (day - 81) / 365.25
        declination = math.radians(23.44) * math.sin(turn)
        late = (9.87 * math.sin(2 * turn) - 7.53 * math.cos(turn) - 1.5 * math.sin(turn)) / 60
        hour = (at % DAY_S) / 3600 + self._longitude / 15 + late
        angle = math.radians(15 * (hour - 12))
        sine = math.sin(self._latitude) * math.sin(declination) + math.cos(
            self._latitude
        ) * math.cos(declination) * math.cos(angle)
        height = math.asin(sine)
        east = -math.cos(declination) * math.sin(angle)
        north = math.sin(declination) * math.cos(self._latitude) - math.cos(declination) * math.sin(
            self._latitude
        ) * math.cos(angle)
        return height, math.atan2(east, north)
