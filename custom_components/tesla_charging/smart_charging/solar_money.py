"""What charging at a current earns, and what acting costs: the money by which the solar controller decides."""

from dataclasses import dataclass
import math
from typing import Final

from .solar_model import WATT_SECONDS, ForecastSlot, Prices

CHANGE_FACTOR: Final = 1.5
START_FACTOR: Final = 0.25
STOP_FACTOR: Final = 2.0
"""How many times its price must be lost before acting, for each way to act."""
START_COMMANDS: Final = 2
"""The current, and the start."""
SURE_FACTOR: Final = 0.5
UNSURE_FACTOR: Final = 3.0
"""The factors by which a forecast that agrees, or contradicts, changes what must be lost before a start."""
CLOUD_FACTOR: Final = 1.5
"""The same for a stop in a cloud, with the sun to be back soon."""


def rate(prices: Prices, surplus_w: float, watts: float) -> float:
    """Return what charging with so many watts earns in a second, compared with not charging."""
    sun = min(max(surplus_w, 0.0), watts)
    earned = sun * (prices.later - prices.export) - (watts - sun) * (prices.grid - prices.later)
    return earned / WATT_SECONDS


def best_amps(prices: Prices, surplus_w: float, unit_w: float, low: int, high: int) -> int:
    """Return the current from low to high that earns most; 0 if none earns anything.

    What is earned is linear up to the surplus and linear beyond it, so the ends and its neighbours suffice.
    """
    whole = math.floor(surplus_w / unit_w)
    candidates = {low, high, min(max(whole, low), high), min(max(whole + 1, low), high)}
    return max(
        (0, *sorted(candidates if low <= high else ())),
        key=lambda amps: rate(prices, surplus_w, amps * unit_w),
    )


def pays_from(prices: Prices, watts: float) -> float:
    """Return the surplus from which charging with so many watts earns something."""
    gain, loss = prices.later - prices.export, prices.grid - prices.later
    return watts * loss / (gain + loss) if gain + loss > 0 and gain > 0 else math.inf


def seconds_until(forecast: tuple[ForecastSlot, ...], now: float, surplus_w: float) -> float | None:
    """Return when the forecast promises that surplus: 0 is now, infinite is never; None if it says nothing about now."""
    slots = sorted((slot for slot in forecast if slot.end > now), key=lambda slot: slot.start)
    if not slots or slots[0].start > now:
        return None
    for slot in slots:
        if slot.surplus_w >= surplus_w:
            return max(0.0, slot.start - now)
    return math.inf


def seconds_left(forecast: tuple[ForecastSlot, ...], now: float, surplus_w: float) -> float:
    """Return for how long from now on the forecast promises that surplus without a break."""
    until = now
    for slot in sorted(forecast, key=lambda slot: slot.start):
        if slot.end > now and slot.start <= until and slot.surplus_w >= surplus_w:
            until = max(until, slot.end)
    return until - now


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What must be lost before acting."""

    change: float
    start: float
    stop: float


def start_price(prices: Prices, *, asleep: bool) -> float:
    """Return what a start costs."""
    return START_COMMANDS * prices.command + prices.wear + (prices.wake if asleep else 0.0)


def thresholds(
    prices: Prices,
    forecast: tuple[ForecastSlot, ...],
    now: float,
    least_w: float,
    surplus_w: float,
    sleep_s: float,
    *,
    asleep: bool,
) -> Thresholds:
    """Return what must be lost before acting. `least_w`: the least power of the car."""
    change = CHANGE_FACTOR * prices.command
    start = START_FACTOR * start_price(prices, asleep=asleep)
    restart = start_price(prices, asleep=False) + prices.command
    stop = STOP_FACTOR * restart
    wanted = pays_from(prices, least_w)
    back = seconds_until(forecast, now, wanted)
    if back is None:
        return Thresholds(change, start, stop)
    if back > 0:
        # the sun is expected to be away: its return, and whether the car sleeps until then, decide
        waiting = -rate(prices, surplus_w, least_w) * back
        price = restart + (prices.wake if back > sleep_s else 0.0)
        return Thresholds(change, UNSURE_FACTOR * start, stop if waiting <= price else change)
    left = seconds_left(forecast, now, wanted)
    earned = rate(prices, surplus_w, least_w) * left
    sure = earned >= start_price(prices, asleep=asleep) + prices.command
    return Thresholds(change, start * (SURE_FACTOR if sure else UNSURE_FACTOR), CLOUD_FACTOR * stop)
