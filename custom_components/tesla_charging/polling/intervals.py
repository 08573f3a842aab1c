"""For how long a car that is awake is not asked again: plain numbers, all in seconds, for each thing that it can do."""

import math
from typing import Final

from .charge_forecast import ChargeForecast

MINUTE: Final = 60.0

CHARGE_LONGEST: Final = 10 * MINUTE
"""A stop, a fault or another limit is noticed within that."""
CHARGE_SHORTEST: Final = 3 * MINUTE
CHARGE_PERCENT: Final = 10.0
"""A fast charge is asked about every so many percent."""
CHARGE_STEP_FROM: Final = 0.85
"""From which share of a pause on an expected step of the level is a better moment than the end of the pause."""
CHARGE_SHARE: Final = 0.97
CHARGE_BEGINS: Final = 4 * MINUTE
"""While a charge has just begun, and the car does not say yet how fast it goes."""
CHARGE_BEGINS_FOR: Final = 10 * MINUTE
CHARGE_END: Final = 4 * MINUTE
"""Between two questions about the expected end."""
REPORTING_DELAY: Final = 5.0
"""From what happens until Tesla tells it."""
SPREAD: Final = 10.0
"""By how much several cars that do the same are asked apart."""

DRIVE: Final = (10 * MINUTE, 22 * MINUTE)
DRIVE_BASE: Final = 4 * MINUTE
"""For a car that is certain to be plugged in within the hour; the rarer that is, the longer, by its root."""
DRIVE_BEGINS: Final = 14 * MINUTE
"""For a car that has just set off."""
DRIVE_LONGEST: Final = 30 * MINUTE
ARRIVAL: Final = 7 * MINUTE
"""When a car that was just parked is asked again: who charges has plugged it in by then."""
LIKELY_PLUG_IN: Final = 0.05
"""How likely within the hour a plug-in must be, for a parked car to be asked for it."""
RETURN_PROBABILITY: Final = 0.2
"""How likely it is at least, if the car did not set off from where it was plugged in last: it may be coming back."""

REST: Final = 30 * MINUTE
"""For how long an idle car is left alone: twice what it takes one to fall asleep."""
SHORT_REST: Final = 20 * MINUTE
"""The same at an hour at which it is usually plugged in."""
USUAL_PLUG_IN: Final = 0.3
SECOND_REST: Final = 45 * MINUTE
IDLE_SHARE: Final = 1 / 3
"""A car that does not sleep is asked again after that share of the time for which it is idle: what was used lately is
likely to be used soon."""
AWAKE_SHORTEST: Final = 10 * MINUTE
IDLE_BASE: Final = 15 * MINUTE
"""For a car that does not sleep and is certain to be used within the hour; the rarer that is, the longer, by its root:
so divided, a number of questions leaves the least that is noticed late."""
IDLE: Final = (20 * MINUTE, 120 * MINUTE)
PLUGGED_IN: Final = (20 * MINUTE, 60 * MINUTE)
"""The same for a car that is plugged in: a wall box may let it charge at any time."""

CAME_ONLINE: Final = 5 * MINUTE
"""For a car that came online; doubled with every question that told nothing, for one whose connection comes and goes."""
CAME_ONLINE_DOUBLINGS: Final = 3
RETRY: Final = 2 * MINUTE
"""After a question that did not get through; doubled with every further one, up to the pause of what the car does."""
RETRY_DOUBLINGS: Final = 6


def charge_due(
    polled_at: float,
    forecast: ChargeForecast | None,
    *,
    charging_for: float,
    stretch: float,
    phase: float,
) -> float:
    """Return when (unix seconds) a charging car is asked again.

    That is right after the level is expected to have changed, if such a moment is near the end of the pause, and right
    after the expected end. `begun_ago` is for how long it had charged when it was asked, in seconds.
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
    """Return the pause of a car that is driven: it matters when it comes home, and where it is plugged in.

    `plug` is how likely that is in this hour; `home_in` how many seconds it needs home at least, if that is known;
    `set_off` whether it was parked when it was asked before, `outward` whether it was plugged in there.
    """
    pause = _within(
        DRIVE_BASE
        / math.sqrt(
            plug_in_probability if first_drive else max(plug_in_probability, RETURN_PROBABILITY)
        ),
        *DRIVE,
    )
    if was_parked:
        pause = max(pause, DRIVE_BEGINS)
    return pause if seconds_to_home is None else min(DRIVE_LONGEST, max(pause, seconds_to_home))


def arrival_pause(plug_in_probability: float, *, at_home: bool | None, first_drive: bool) -> float:
    """Return the pause of a car that was parked a moment ago, and not plugged in yet."""
    may_be_plugged_in = (
        (plug_in_probability >= LIKELY_PLUG_IN or not first_drive) if at_home is None else at_home
    )
    return ARRIVAL if may_be_plugged_in else REST


def idle_pause(
    idle_seconds: float, idle_polls: int, use_probability: float, plug_in_probability: float
) -> float:
    """Return the pause of a parked car: so long that it falls asleep, and if it does not, by its owner's habits.

    `quiet` is for how long nobody had done anything with it when it was asked; `rests` how often in a row it was left
    alone for nothing; `use` and `plug` how likely something is in this hour.
    """
    if idle_polls == 0:
        return SHORT_REST if plug_in_probability >= USUAL_PLUG_IN else REST
    if idle_polls == 1:
        return SECOND_REST
    return max(REST, awake_pause(idle_seconds, use_probability))


def awake_pause(idle_seconds: float, use_probability: float) -> float:
    """Return the pause of a parked car that does not sleep anyway."""
    longest = _within(IDLE_BASE / math.sqrt(use_probability), *IDLE)
    return (
        _within(idle_seconds * IDLE_SHARE, AWAKE_SHORTEST, longest)
        if idle_seconds >= 0
        else longest
    )


def plugged_in_pause(idle_seconds: float, idle_polls: int, use_probability: float) -> float:
    """Return the pause of a car that is plugged in and does not charge: what will happen to it happens rarely."""
    if idle_polls == 0:
        return REST
    return _within(
        idle_seconds, SHORT_REST, _within(IDLE_BASE / math.sqrt(use_probability), *PLUGGED_IN)
    )


def came_online_pause(polls_without_news: int) -> float:
    """Return the pause of a car that just came online; `fruitless` questions in a row told nothing."""
    return CAME_ONLINE * 2.0 ** min(polls_without_news, CAME_ONLINE_DOUBLINGS)


def retry_pause(failures: int) -> float:
    """Return the pause after so many questions in a row that did not get through."""
    return RETRY * 2.0 ** min(failures - 1, RETRY_DOUBLINGS)


def _within(value: float, least: float, most: float) -> float:
    return max(least, min(most, value))
