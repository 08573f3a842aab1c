"""Forecast when the battery level of a charging car changes next, and when the charge ends.

A car reports its level in whole percents, but its range with decimals. Each answer narrows down how many miles a
percent is, and so where within a percent the car is.
"""

from dataclasses import dataclass
import math
from typing import Final

from ..vehicle.state import VehicleState

DRIFT: Final = 2e-4
"""Share by which the miles of a percent may change from one answer to the next."""
STEP_SHARE: Final = 0.9
"""Where within the uncertain time a step of the level is expected, from 0 (earliest) to 1 (latest). Late is better: a
poll before the step shows nothing new."""
MIN_RATE_SECONDS: Final = 60.0
"""A rate is computed from two answers that are at least so many seconds apart."""
SLOWEST, FASTEST = 1 / 36_000, 0.2
"""Plausible rates, percent per second: one percent in ten hours, and in five seconds."""
MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class ChargeForecast:
    """What the last answer and those before it say about a charge; times are unix seconds by our clock."""

    at: float
    """When the car answered."""
    low: float
    high: float
    """Bounds of its level, percent with decimals."""
    range_miles: float | None = None
    """The rated range that it reported, miles."""
    rate: float | None = None
    """Percent per second."""
    ends_at: float | None = None
    """When the charge ends, as the car estimates."""

    def step_in(self, earliest: float, latest: float) -> float | None:
        """Return the last moment within bounds at which the level is expected to change, None without one."""
        if self.rate is None:
            return None
        level = self.high - STEP_SHARE * (self.high - self.low)
        percent = math.floor(level + (latest - self.at) * self.rate)
        moment = self.at + (percent - level) / self.rate
        return moment if moment >= earliest and moment > self.at else None


def forecast(
    state: VehicleState, previous: ChargeForecast | None, now: float, *, charged_meanwhile: bool
) -> ChargeForecast | None:
    """Return the forecast for a car that has just answered, None if it did not report its level.

    `previous` is the forecast after an earlier answer; `charged_meanwhile` says whether the car has charged since.
    """
    level = state.number("BatteryLevel")
    if level is None:
        return None
    low, high = float(math.floor(level)), math.floor(level) + 1.0
    miles = state.number("RatedRange") or None
    if miles and previous is not None and previous.range_miles:
        growth = miles / previous.range_miles
        lowest = max(low, previous.low * growth * (1 - DRIFT))
        highest = min(high, previous.high * growth * (1 + DRIFT))
        if lowest < highest:
            low, high = lowest, highest
    per_mile = (low + high) / 2 / miles if miles else None
    measured = _measured_rate(miles, per_mile, previous, now) if charged_meanwhile else None
    rate = measured or _reported_rate(state, level, per_mile)
    return ChargeForecast(now, low, high, miles, rate, _end(state, now))


def _measured_rate(
    miles: float | None, per_mile: float | None, previous: ChargeForecast | None, now: float
) -> float | None:
    """Return the percent per second since the previous answer."""
    if previous is None or not previous.range_miles or not miles or per_mile is None:
        return None
    seconds = now - previous.at
    return (
        _plausible((miles - previous.range_miles) / seconds * per_mile)
        if seconds >= MIN_RATE_SECONDS
        else None
    )


def _reported_rate(state: VehicleState, level: float, per_mile: float | None) -> float | None:
    """Return the percent per second that the car reports: from its miles per hour, else from its remaining time."""
    speed = state.number("ChargeRateMilePerHour")
    if speed and per_mile and (rate := _plausible(speed / 3600 * per_mile)):
        return rate
    hours, limit = state.number("EstimatedHoursToChargeTermination"), state.number("ChargeLimitSoc")
    return _plausible((limit - level) / (hours * 3600)) if hours and limit is not None else None


def _plausible(rate: float) -> float | None:
    return rate if SLOWEST <= rate <= FASTEST else None


def _end(state: VehicleState, now: float) -> float | None:
    """Return when the charge ends. The car reports whole minutes, so half a minute is added."""
    hours = state.number("EstimatedHoursToChargeTermination")
    return now + hours * 3600 + MINUTE / 2 if hours is not None else None
