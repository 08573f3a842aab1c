"""The solar forecast: hour by hour, made anew every hour, with an error that shrinks as the hour comes near.

A forecast knows the kind of a day's weather and not its clouds; of days ahead it knows the kind less well.
"""

from dataclasses import dataclass
from datetime import timedelta
import math
from zoneinfo import ZoneInfo

from simulator.home.days import dice, local_date, start_of
from simulator.home.outages import Outages
from simulator.home.sun import WEATHER, Sun, weather_on

HOUR = 3600
DAYS = 3
#: Minutes after the full hour at which a new forecast is out.
OUT_AFTER_S = 300
ERROR = (0.12, 0.25, 0.38)
"""Standard deviation of the error (as a logarithm) of today, tomorrow and the day after."""
DOUBT = (0.1, 0.35, 0.6)
"""How far a forecast takes a day for an average one, likewise."""
OF_THE_HOUR = 0.1
TENTH = 1.2816
"""Standard deviations from the median to the tenth part."""
_AVERAGE = sum(weather.share * weather.mean for weather in WEATHER)


@dataclass(frozen=True, slots=True)
class ForecastHour:
    """Energy that is expected in an hour (unix seconds, Wh); `low` and `high` are missed once in ten each."""

    start: int
    end: int
    wh: float
    low: float
    high: float


class SolarForecast:
    """The service that a home asks for its forecast."""

    def __init__(self, sun: Sun, zone: ZoneInfo, outages: Outages) -> None:
        """Forecast a roof's power for days of a zone."""
        self.outages = outages
        self._sun = sun
        self._zone = zone

    def issued(self, now: float) -> int:
        """Return when (unix seconds) the forecast of now was made."""
        return math.floor((now - OUT_AFTER_S) / HOUR) * HOUR

    def known(self, now: float) -> list[ForecastHour]:
        """Return the forecast of today, tomorrow and the day after, as it is known now (unix seconds)."""
        issued = self.issued(now)
        today = local_date(issued, self._zone)
        hours: list[ForecastHour] = []
        for ahead in range(DAYS):
            day = today + timedelta(days=ahead)
            start, end = start_of(day, self._zone), start_of(day + timedelta(days=1), self._zone)
            error, doubt = ERROR[ahead], DOUBT[ahead]
            # the same mistake in every run of the day, and smaller as the day comes nearer
            mistake = error * dice(self._sun.seed, "forecast", day).gauss()
            kind = weather_on(self._sun.seed, local_date(start + 12 * HOUR, ZoneInfo("UTC"))).mean
            part = math.exp(mistake) * ((1 - doubt) * kind + doubt * _AVERAGE)
            for at in range(start, end, HOUR):
                own = OF_THE_HOUR * dice(self._sun.seed, "forecast hour", issued, at).gauss()
                wh = self._clear_wh(at) * part * math.exp(own)
                spread = math.exp(TENTH * math.hypot(error, doubt, OF_THE_HOUR))
                hours.append(ForecastHour(at, at + HOUR, wh, wh / spread, wh * spread))
        return hours

    def _clear_wh(self, start: int) -> float:
        joules, at = 0.0, start
        while at < start + HOUR:
            watts, until = self._sun.clear(at)
            until = min(until, start + HOUR)
            joules += watts * (until - at)
            at = until
        return joules / HOUR
