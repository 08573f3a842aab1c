"""When the battery level of a charging car will be another one, and when it will have charged enough.

A car tells its level in whole percents, but its range with decimals. How many miles a percent is, every answer narrows
down: so it is soon known where within a percent the car is, and when the next one begins.
"""

from dataclasses import dataclass
import math
from typing import Final

from ..vehicle.state import VehicleState

DRIFT: Final = 2e-4
"""By which share the miles of a percent may have changed from one answer to the next."""
STEP_SHARE: Final = 0.9
"""Where within the doubt a step is expected, from 0 (as early as can be) to 1: after it there is something to see,
before it nothing."""
MIN_RATE_SECONDS: Final = 60.0
"""Seconds between two answers from which a rate can be computed."""
SLOWEST, FASTEST = 1 / 36_000, 0.2
"""Percent per second that a car can mean: a percent in ten hours, or five seconds."""
MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class ChargeForecast:
    """What one answer, and those before it, tell of a charge; unix seconds by our clock."""

    at: float
    """When the car answered."""
    low: float
    high: float
    """Within what its level was, in percent with decimals."""
    range_miles: float | None = None
    """The range that it showed, miles."""
    rate: float | None = None
    """Percent per second."""
    ends_at: float | None = None
    """When it will have charged enough, as the car says."""

    def step_in(self, earliest: float, latest: float) -> float | None:
        """Return the last moment within bounds at which the level is expected to have become another, if any."""
        if self.rate is None:
            return None
        level = self.high - STEP_SHARE * (self.high - self.low)
        percent = math.floor(level + (latest - self.at) * self.rate)
        moment = self.at + (percent - level) / self.rate
        return moment if moment >= earliest and moment > self.at else None


def forecast(
    state: VehicleState, before: ChargeForecast | None, now: float, *, charged_meanwhile: bool
) -> ChargeForecast | None:
    """Return what is to be expected of a car that has just answered, None if it does not say enough.

    `before` is the forecast after an answer before; `goes_on` tells whether the car has charged since.
    """
    level = state.number("BatteryLevel")
    if level is None:
        return None
    low, high = float(math.floor(level)), math.floor(level) + 1.0
    shown = state.number("RatedRange") or None
    if shown and before is not None and before.range_miles:
        grown = shown / before.range_miles
        least = max(low, before.low * grown * (1 - DRIFT))
        most = min(high, before.high * grown * (1 + DRIFT))
        if least < most:
            low, high = least, most
    per_mile = (low + high) / 2 / shown if shown else None
    measured = _measured_rate(shown, per_mile, before, now) if charged_meanwhile else None
    rate = measured or _reported_rate(state, level, per_mile)
    return ChargeForecast(now, low, high, shown, rate, _end(state, now))


def _measured_rate(
    shown: float | None, per_mile: float | None, before: ChargeForecast | None, now: float
) -> float | None:
    """Return the percent per second since the answer before."""
    if before is None or not before.range_miles or not shown or per_mile is None:
        return None
    seconds = now - before.at
    return (
        _plausible((shown - before.range_miles) / seconds * per_mile)
        if seconds >= MIN_RATE_SECONDS
        else None
    )


def _reported_rate(state: VehicleState, level: float, per_mile: float | None) -> float | None:
    """Return the percent per second that the car tells: by its rate in miles per hour, or by the time it needs."""
    speed = state.number("ChargeRateMilePerHour")
    if speed and per_mile and (rate := _plausible(speed / 3600 * per_mile)):
        return rate
    hours, limit = state.number("EstimatedHoursToChargeTermination"), state.number("ChargeLimitSoc")
    return _plausible((limit - level) / (hours * 3600)) if hours and limit is not None else None


def _plausible(rate: float) -> float | None:
    return rate if SLOWEST <= rate <= FASTEST else None


def _end(state: VehicleState, now: float) -> float | None:
    """Return when the car will be done; it tells whole minutes."""
    hours = state.number("EstimatedHoursToChargeTermination")
    return now + hours * 3600 + MINUTE / 2 if hours is not None else None
