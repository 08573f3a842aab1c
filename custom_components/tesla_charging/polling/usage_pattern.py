"""When a car is usually used and plugged in: two small histograms over the hours of a week, with decay.

They are learnt from polls, are saved beside the state of the car, and are sent nowhere. After a clock that once ran ahead
they learn again from the next observation on: no time in them stays in the future.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
import math
from typing import Any, Final

from homeassistant.util import dt as dt_util

HOUR: Final = 3600.0
WEEK: Final = 7 * 24 * HOUR
HOURS: Final = 7 * 24
"""Hours of a week: from Monday, midnight, in this home's time zone."""
HALF_LIFE: Final = 3 * WEEK
"""Seconds after which an observation counts half: a new daily routine is learnt within a month."""
MIN_WEIGHT: Final = 0.05
"""A weight below this is removed."""
MAX_WEIGHT: Final = 1 / (1 - math.exp2(-WEEK / HALF_LIFE))
"""The limit of the weight of something that happens every week."""
NEIGHBOUR_SHARE: Final = 0.5
"""Share with which an observation also counts for the hour before and after."""
GUESS_WEEKS: Final = 2.0
"""Weeks of observation that the guesses below count for."""
WEEKDAYS: Final = range(5)
WEEKEND: Final = range(5, 7)

USE_GUESS: Final = (0.02, 0.1)
PLUG_GUESS: Final = (0.02, 0.1)
"""Probability of a use (a plug-in) in an hour of the night, and of the day, before anything was observed."""
DAY: Final = range(6, 23)

type Weights = Mapping[int, float]
"""Weights by hour of the week."""


@dataclass(frozen=True, slots=True)
class UsagePattern:
    """What was learnt of one car; unix seconds by our clock."""

    since: float | None = None
    """Since when it is observed."""
    at: float = 0.0
    """The moment for which the weights are valid; they decay after it."""
    uses: Weights = field(default_factory=dict)
    """How often it was used in an hour of the week; older uses count less."""
    plugs: Weights = field(default_factory=dict)
    """The same for plugging it in."""

    def started(self, now: float) -> UsagePattern:
        """Return the pattern of a car that is observed from now on, if it was not observed before.

        Times in the future are from a clock that ran ahead. What was observed only then has wrong hours.
        """
        if self.since is None or self.since > now:
            return UsagePattern(now, now)
        return self if self.at <= now else replace(self, at=now)

    def with_sample(self, now: float, *, plugged_in: bool = False) -> UsagePattern:
        """Return the pattern after the car was used, or also plugged in."""
        hour, before = hour_of_week(now), self.started(now)
        fade = math.exp2(-(now - before.at) / HALF_LIFE)
        return UsagePattern(
            before.since,
            now,
            _added(before.uses, hour, fade),
            _added(before.plugs, hour if plugged_in else None, fade),
        )

    def use_probability(self, now: float) -> float:
        """Return the probability that the car is used within this hour: above 0, up to 1."""
        return self._probability(self.uses, USE_GUESS, now)

    def plug_in_probability(self, now: float) -> float:
        """Return the probability that the car is plugged in within this hour: above 0, up to 1."""
        return self._probability(self.plugs, PLUG_GUESS, now)

    def _probability(self, weights: Weights, guesses: tuple[float, float], now: float) -> float:
        """Return the mean of this hour of the week, of this hour on such days (weekend or not), and of the guess."""
        hour = hour_of_week(now)
        guess = guesses[hour % 24 in DAY]
        if self.since is None:
            return guess
        fade = math.exp2(-max(0.0, now - self.at) / HALF_LIFE)
        weeks = (1 - math.exp2(-max(0.0, now - self.since) / HALF_LIFE)) * MAX_WEIGHT
        days = WEEKDAYS if hour // 24 in WEEKDAYS else WEEKEND
        such_days = sum(_around(weights, 24 * day + hour % 24) for day in days) / len(days)
        observed = (_around(weights, hour) + such_days) * fade
        return max(0.0, min(1.0, (observed + GUESS_WEEKS * guess) / (2 * weeks + GUESS_WEEKS)))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict() after a restart."""
        return {
            "since": self.since,
            "at": self.at,
            "uses": {str(hour): round(weight, 3) for hour, weight in self.uses.items()},
            "plugs": {str(hour): round(weight, 3) for hour, weight in self.plugs.items()},
        }

    @classmethod
    def from_dict(cls, data: object) -> UsagePattern:
        """Read back as_dict(); a damaged record becomes an empty pattern."""
        match data:
            case {"since": int() | float() as since, "at": int() | float() as at, **rest}:
                if math.isfinite(since) and math.isfinite(at) and 0 <= since <= at:
                    return cls(since, at, _read(rest.get("uses")), _read(rest.get("plugs")))
        return cls()


def hour_of_week(now: float) -> int:
    """Return the hour of the week in this home's time zone, from 0."""
    local = datetime.fromtimestamp(now, dt_util.get_default_time_zone())
    return local.weekday() * 24 + local.hour


def _around(weights: Weights, hour: int) -> float:
    beside = max(weights.get((hour + step) % HOURS, 0.0) for step in (-1, 1))
    return max(weights.get(hour, 0.0), NEIGHBOUR_SHARE * beside)


def _added(weights: Weights, hour: int | None, fade: float) -> Weights:
    """Return the decayed weights, with 1 added for an hour, up to MAX_WEIGHT."""
    faded = {
        known: kept for known, weight in weights.items() if (kept := weight * fade) >= MIN_WEIGHT
    }
    if hour is not None:
        faded[hour] = min(MAX_WEIGHT, faded.get(hour, 0.0) + 1.0)
    return faded


def _read(data: object) -> Weights:
    if not isinstance(data, dict):
        return {}
    return {
        int(hour): min(MAX_WEIGHT, float(weight))
        for hour, weight in data.items()
        if isinstance(hour, str)
        and hour.isascii()
        and hour.isdigit()
        and int(hour[:4]) < HOURS
        and isinstance(weight, int | float)
        and not isinstance(weight, bool)
        and weight > 0
    }
