"""How long an awake car is not polled again: numbers, all in seconds, for each thing that it can do."""

import math
from typing import Final

from .charge_forecast import ChargeForecast

MINUTE: Final = 60.0

CHARGE_LONGEST: Final = 10 * MINUTE
"""Within this time a stop, a fault or a new limit is noticed."""
CHARGE_SHORTEST: Final = 3 * MINUTE
CHARGE_PERCENT: Final = 10.0
"""A fast charge is polled every so many percent."""
CHARGE_STEP_FROM: Final = 0.85
"""An expected step of the level after this share of the pause is a better moment than the end of the pause."""
CHARGE_SHARE: Final = 0.97
"""Share of the longest pause that is used when no step of the level is expected."""
CHARGE_BEGINS: Final = 4 * MINUTE
"""While a charge has just begun and the car does not report its rate yet."""
CHARGE_BEGINS_FOR: Final = 10 * MINUTE
CHARGE_END: Final = 4 * MINUTE
"""Between two polls around the expected end."""
REPORTING_DELAY: Final = 5.0
"""From a change in the car until Tesla's data show it."""
SPREAD: Final = 10.0
"""By how much the polls of several cars that do the same are spread."""

DRIVE: Final = (10 * MINUTE, 22 * MINUTE)
DRIVE_BASE: Final = 4 * MINUTE
"""For a car that is certain to be plugged in within the hour; divided by the root of that probability."""
DRIVE_BEGINS: Final = 14 * MINUTE
"""For a car that has just left."""
DRIVE_LONGEST: Final = 30 * MINUTE
ARRIVAL: Final = 7 * MINUTE
"""After a car was parked: a user who charges it has plugged it in by then."""
LIKELY_PLUG_IN: Final = 0.05
"""From this probability of a plug-in within the hour on, a parked car is polled after ARRIVAL."""
RETURN_PROBABILITY: Final = 0.2
"""Least probability of a plug-in, if this is not the first drive since the car was plugged in: it may be on its way
back."""

REST: Final = 30 * MINUTE
"""For an idle car: twice the time that a car needs to fall asleep."""
SHORT_REST: Final = 20 * MINUTE
"""The same at an hour at which it is usually plugged in."""
USUAL_PLUG_IN: Final = 0.3
SECOND_REST: Final = 45 * MINUTE
IDLE_SHARE: Final = 1 / 3
"""A car that does not sleep is polled again after this share of its idle time: a car that was used a short time ago is
likely to be used soon."""
AWAKE_SHORTEST: Final = 10 * MINUTE
IDLE_BASE: Final = 15 * MINUTE
"""For a car that does not sleep and is certain to be used within the hour; divided by the root of that probability: of
all ways to distribute a number of polls, this one leaves the least delay."""
IDLE: Final = (20 * MINUTE, 120 * MINUTE)
PLUGGED_IN: Final = (20 * MINUTE, 60 * MINUTE)
"""The same for a plugged-in car: a wall box may let it charge at any time."""

CAME_ONLINE: Final = 5 * MINUTE
"""For a car that came online; doubled with every poll without news, for a car whose connection comes and goes."""
CAME_ONLINE_DOUBLINGS: Final = 3
RETRY: Final = 2 * MINUTE
"""After a failed poll; doubled with every further one, whatever the car does: a failure may last for a day."""
RETRY_DOUBLINGS: Final = 6
IN_SERVICE: Final = 120 * MINUTE
"""For a car in service: Tesla refuses every poll of its data, and bills the refusal."""


def charge_due(
    polled_at: float,
    forecast: ChargeForecast | None,
    *,
    charging_for: float,
    stretch: float,
    phase: float,
) -> float:
    """Return when (unix seconds) a charging car is polled again.

    That is right after the next expected change of its level, if that is near the end of the pause, and right after the
    expected end of the charge. `charging_for` is how many seconds it had charged when it was polled.
    """
    margin = REPORTING_DELAY + SPREAD * phase
    rate = forecast.rate if forecast else None
    if forecast is None or rate is None:
        begins = 0 <= charging_for < CHARGE_BEGINS_FOR
        return polled_at + stretch * (CHARGE_BEGINS if begins else CHARGE_LONGEST * CHARGE_SHARE)
    longest = stretch * _within(CHARGE_PERCENT / rate, CHARGE_SHORTEST, CHARGE_LONGEST)
    step = forecast.step_in(
        polled_at + longest * CHARGE_STEP_FROM - margin, polled_at + longest - margin
    )
    due = polled_at + longest * CHARGE_SHARE if step is None else step + margin
    if forecast.ends_at is None:
        return due
    return min(due, max(forecast.ends_at + margin, polled_at + CHARGE_END * stretch))


def drive_pause(
    plug_in_probability: float,
    seconds_to_home: float | None,
    *,
    was_parked: bool,
    first_drive: bool,
) -> float:
    """Return the pause of a driven car. What matters is when it comes home and where it is plugged in.

    `plug_in_probability` is for this hour; the other parameters are as in `PollContext`.
    """
    if not first_drive:
        plug_in_probability = max(plug_in_probability, RETURN_PROBABILITY)
    pause = _within(DRIVE_BASE / math.sqrt(plug_in_probability), *DRIVE)
    if was_parked:
        pause = max(pause, DRIVE_BEGINS)
    return pause if seconds_to_home is None else min(DRIVE_LONGEST, max(pause, seconds_to_home))


def arrival_pause(plug_in_probability: float, *, at_home: bool | None, first_drive: bool) -> float:
    """Return the pause of a car that was just parked and is not plugged in yet."""
    may_be_plugged_in = (
        (plug_in_probability >= LIKELY_PLUG_IN or not first_drive) if at_home is None else at_home
    )
    return ARRIVAL if may_be_plugged_in else REST


def idle_pause(
    idle_seconds: float, idle_polls: int, use_probability: float, plug_in_probability: float
) -> float:
    """Return the pause of a parked car: long enough to fall asleep; if it does not, the pause follows its usage.

    `idle_seconds` is how long it had not been used when it was polled; `idle_polls` how many polls in a row found it
    idle and awake; the probabilities are for this hour.
    """
    if idle_polls == 0:
        return SHORT_REST if plug_in_probability >= USUAL_PLUG_IN else REST
    if idle_polls == 1:
        return SECOND_REST
    return max(REST, awake_pause(idle_seconds, use_probability))


def awake_pause(idle_seconds: float, use_probability: float) -> float:
    """Return the pause of a parked car that stays awake anyway."""
    longest = _within(IDLE_BASE / math.sqrt(use_probability), *IDLE)
    return (
        _within(idle_seconds * IDLE_SHARE, AWAKE_SHORTEST, longest)
        if idle_seconds >= 0
        else longest
    )


def plugged_in_pause(idle_seconds: float, idle_polls: int, use_probability: float) -> float:
    """Return the pause of a plugged-in car that does not charge: changes are rare."""
    if idle_polls == 0:
        return REST
    return _within(
        idle_seconds, SHORT_REST, _within(IDLE_BASE / math.sqrt(use_probability), *PLUGGED_IN)
    )


def came_online_pause(polls_without_news: int) -> float:
    """Return the pause of a car that just came online, after so many polls in a row without news."""
    return CAME_ONLINE * 2.0 ** min(polls_without_news, CAME_ONLINE_DOUBLINGS)


def retry_pause(failures: int) -> float:
    """Return the pause after so many failed polls in a row."""
    return RETRY * 2.0 ** min(failures - 1, RETRY_DOUBLINGS)


def _within(value: float, minimum: float, maximum: float) -> float:
    return max(minimum, min(maximum, value))
