"""Seeded problems for the planner: every feature, and every pair of features."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
import math
import random
from typing import Final

from custom_components.tesla_charging.smart_charging.model import (
    AmpsWindow,
    Car,
    Costs,
    Deadline,
    Fuse,
    Limits,
    Model,
    Problem,
    State,
    TaperStep,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.series import (
    Co2Series,
    Co2Slot,
    PowerForecast,
    PowerSlot,
    PriceSeries,
    PriceSlot,
    Window,
)

FEATURES: Final = (
    "negative prices",
    "equal prices",
    "two rates",
    "export above import",
    "irregular slots",
    "already on",
    "several deadlines",
    "infeasible",
    "blocks",
    "value",
    "three phases",
    "clock change",
    "grid",
    "fuse",
    "blocked",
    "forced",
    "warm tail",
    "minimum level",
    "price cap",
    "earliest start",
    "standing loss",
    "carbon",
    "wake-up",
    "sun",
)
"""Those of both models."""
LEVELS_ONLY: Final = ("taper", "minimum times", "sun in three forecasts")


def features_of(model: Model) -> tuple[str, ...]:
    """Return the features of a model."""
    return FEATURES + (LEVELS_ONLY if model is Model.LEVELS else ())


def pairs_of(model: Model) -> list[tuple[str, str]]:
    """Return all pairs of features of a model."""
    return list(combinations(features_of(model), 2))


def instance(
    seed: int, model: Model, features: frozenset[str] = frozenset(), *, hours: float = 2.0
) -> Problem:
    """Return a small problem with some features: two hours, energies that are whole multiples of 0.01 kWh.

    (A 200 V car takes 0.01 kWh per phase, ampere and three minutes; its capacity and levels fit to that.)
    """
    rng = random.Random(f"{seed} {model} {sorted(features)}")
    has = features.__contains__
    now = datetime(2026, 10, 25 if has("clock change") else 14, 0, 0, tzinfo=UTC)
    now += timedelta(minutes=15 * rng.randrange(4))
    start = now
    if has("irregular slots"):
        # in whole multiples of three minutes, so that the energies stay whole
        now += timedelta(minutes=3 * rng.randrange(1, 5))
    step = timedelta(minutes=15)
    count = int(hours * 4) + 1
    ends = now + timedelta(hours=hours)
    if has("irregular slots"):
        ends -= timedelta(minutes=3 * rng.randrange(1, 5))
    prices = []
    for k in range(count + 4):
        price = round(rng.uniform(0.05, 0.4), 2)
        if has("equal prices"):
            price = 0.2
        elif has("two rates"):
            price = rng.choice((0.15, 0.3))
        if has("negative prices") and rng.random() < 0.4:
            price = -round(rng.uniform(0.0, 0.3), 2)
        export = 0.07
        if has("export above import"):
            export = price + round(rng.uniform(-0.05, 0.2), 2)
        prices.append(PriceSlot(start + k * step, start + (k + 1) * step, price, export))
    phases = 3 if has("three phases") else 1
    amps = rng.choice((6, 7, 8)) if model is Model.LEVELS else rng.choice((5, 6, 9))
    quarter = 0.05 * phases * amps  # kWh of a quarter hour at full power
    needed = round(rng.uniform(0.5, count * 0.6), 1)
    steps = max(1, round(needed * quarter / 0.01 / phases))
    capacity = 100 * phases * 0.01 * steps / 10  # so that the need is ten percent
    level, target = 20.0, 30.0
    if has("infeasible"):
        ends = now + (ends - now) * rng.choice((0.25, 0.5))
        ends = now + timedelta(minutes=3 * max(1, round((ends - now) / timedelta(minutes=3))))
    deadlines = [Deadline(ends, target, 15 * rng.randrange(1, 3) if has("warm tail") else 0)]
    if has("several deadlines"):
        early = now + timedelta(minutes=3 * rng.randrange(5, 25))
        deadlines.append(Deadline(early, level + 10 * rng.randrange(1, steps + 1) / steps))
    some = [now + timedelta(minutes=15 * rng.randrange(count)) for _ in range(4)]
    wishes = Wishes(
        deadlines=tuple(deadlines),
        minimum_level=level + 10 * rng.randrange(steps + 1) / steps
        if has("minimum level")
        else None,
        value_above_target=round(rng.uniform(0.05, 0.3), 2) if has("value") else 0.0,
        price_cap=round(rng.uniform(0.15, 0.35), 2) if has("price cap") else None,
        earliest_start=some[0] if has("earliest start") else None,
        max_blocks=rng.randrange(1, 3) if has("blocks") else None,
        grid_minutes=rng.choice((15, 30)) if has("grid") else None,
        min_on_minutes=rng.choice((0, 30, 45)) if has("minimum times") else 0,
        min_off_minutes=rng.choice((30, 45)) if has("minimum times") else 0,
    )
    limits = Limits(
        fuse=Fuse(12.0) if has("fuse") else None,
        reserved=tuple(
            AmpsWindow(at, at + timedelta(minutes=15 * rng.randrange(1, 4)), rng.randrange(1, 9))
            for at in some[1:3]
        )
        if has("fuse")
        else (),
        blocked=(Window(some[0], some[0] + timedelta(minutes=15 * rng.randrange(1, 3))),)
        if has("blocked")
        else (),
        forced=(Window(some[1], some[1] + timedelta(minutes=3 * rng.randrange(3, 11))),)
        if has("forced")
        else (),
    )
    car = Car(
        capacity_kwh=capacity,
        level=level,
        limit=rng.choice((30.0, 40.0, 50.0)),
        efficiency=1.0,
        standing_loss_w=rng.choice((50.0, 100.0)) * phases if has("standing loss") else 0.0,
        phases=phases,
        volts=200.0,
        max_amps=amps,
        taper=(TaperStep(rng.uniform(21, 29), amps - 1), TaperStep(29.5, 5))
        if has("taper") and amps > 6
        else (TaperStep(rng.uniform(21, 29), 5),)
        if has("taper")
        else (),
    )
    costs = Costs(
        start=rng.choice((0.0, 0.02, 0.05, 0.1)),
        stop=rng.choice((0.0, 0.001, 0.02)),
        change=rng.choice((0.0, 0.001, 0.01)),
        wake_up=0.05 if has("wake-up") else 0.0,
        sleep_after_minutes=rng.choice((0, 15, 30)) if has("wake-up") else 15,
        factor=rng.choice((1.0, 2.5)),
        per_kg_co2=0.1 if has("carbon") else 0.0,
    )
    state = State()
    if has("already on"):
        state = State(rng.randrange(5, 10), now - timedelta(minutes=rng.randrange(60)))
    elif has("minimum times") or has("wake-up"):
        state = State(0, now - timedelta(minutes=rng.randrange(60)))
    solar = None
    if has("sun") or has("sun in three forecasts"):
        slots = []
        for k in range(0, count, 2):
            watts = rng.choice((0.0, 700.0, 1300.0)) * phases
            wide = has("sun in three forecasts")
            slots.append(
                PowerSlot(
                    start + k * step,
                    start + (k + 2) * step,
                    watts,
                    watts / 2 if wide else None,
                    watts * 1.5 if wide else None,
                )
            )
        solar = PowerForecast(tuple(slots))
    base = PowerForecast((PowerSlot(start, start + count * step, 200.0 * phases),))
    co2 = None
    if has("carbon"):
        co2 = Co2Series(
            tuple(
                Co2Slot(start + k * step, start + (k + 1) * step, round(rng.uniform(0, 0.8), 2))
                for k in range(count)
            )
        )
    return Problem(
        now, PriceSeries(tuple(prices)), car, wishes, limits, costs, state, solar, base, co2, model
    )


def mixed(seed: int, count: int, model: Model, *, hours: float = 2.0) -> Iterator[Problem]:
    """Yield problems with two or more features each, all pairs in turn."""
    rng = random.Random(seed)
    pairs = pairs_of(model)
    rng.shuffle(pairs)
    for k in range(count):
        features = {*pairs[k % len(pairs)]}
        features |= {f for f in features_of(model) if rng.random() < 0.06}
        yield instance(seed + k, model, frozenset(features), hours=hours)


def night_prices(
    rng: random.Random, now: datetime, hours: float, kind: str = "real"
) -> PriceSeries:
    """Return quarter-hourly prices from now on: shaped like a market's, or flat, or of two rates."""
    start = now.replace(minute=now.minute // 15 * 15, second=0)
    base, drift, slots = rng.uniform(0.15, 0.3), 0.0, []
    for k in range(int(hours * 4) + 1):
        begin = start + timedelta(minutes=15 * k)
        hour = begin.hour + begin.minute / 60
        drift = 0.9 * drift + rng.gauss(0, 0.01)
        price = base + 0.06 * math.sin((hour - 8) / 12 * 2 * math.pi)
        price += 0.05 * math.cos((hour - 19) / 24 * 2 * math.pi) + drift
        # within an hour quarters differ: dearer towards the evening, cheaper after it
        price += (begin.minute / 15 - 1.5) * 0.01 * math.sin(hour)
        price = {"flat": 0.25, "two rates": 0.15 if hour < 6 or hour >= 22 else 0.28}.get(
            kind, round(price, 5)
        )
        slots.append(PriceSlot(begin, begin + timedelta(minutes=15), price, 0.08))
    return PriceSeries(tuple(slots), "EUR")


EXTRAS: Final = (
    "blocks",
    "minimum times",
    "deadlines",
    "value",
    "fuse",
    "taper",
    "any second",
    "five minutes",
    "sun",
    "standing loss",
    "wake-up",
    "grid",
    "already on",
)
"""What `night` can add."""


def night(
    seed: int,
    model: Model,
    extras: frozenset[str] = frozenset(),
    *,
    phases: int = 3,
    amps: int = 16,
    hours: float = 48.0,
    prices: str = "real",
    energy: tuple[float, float] = (8.0, 60.0),
) -> Problem:
    """Return a problem as they are in life: quarter hours for up to two days, eight to sixty kWh."""
    rng = random.Random(seed)
    has = extras.__contains__
    now = datetime(2026, 1, 10, rng.randrange(24), rng.choice((0, 15, 30, 45)), tzinfo=UTC)
    if has("any second"):
        now += timedelta(seconds=rng.randrange(1, 890))
    if has("five minutes"):
        now += timedelta(minutes=5 * rng.randrange(1, 3))
    series = night_prices(rng, now, hours, prices)
    slots = series.slots
    needed = rng.uniform(*energy)
    level, capacity = 10.0, 75.0
    percent = needed / capacity * 100
    end = slots[-2].end
    total = int((end - now).total_seconds())
    deadlines = [Deadline(end, level + percent)]
    if has("deadlines"):
        deadlines += [
            Deadline(now + timedelta(seconds=total // 4), level + 0.3 * percent),
            Deadline(now + timedelta(seconds=total * 13 // 20), level + 0.6 * percent),
        ]
    wishes = Wishes(
        deadlines=tuple(deadlines),
        max_blocks=rng.randrange(1, 4) if has("blocks") else None,
        min_on_minutes=rng.choice((30, 60)) if has("minimum times") else 0,
        min_off_minutes=rng.choice((30, 60)) if has("minimum times") else 0,
        value_above_target=0.2 if has("value") else 0.0,
        grid_minutes=15 if has("grid") else None,
    )
    fuse = Fuse(25.0 if phases == 3 else 40.0, phases) if has("fuse") else None
    load = solar = None
    if has("fuse") or has("sun"):
        load = PowerForecast(
            tuple(PowerSlot(s.start, s.end, rng.uniform(300, 2500) * phases / 3) for s in slots)
        )
    if has("sun"):
        solar = PowerForecast(
            tuple(
                PowerSlot(
                    s.start,
                    s.end,
                    9000
                    * rng.uniform(0.2, 1)
                    * max(0.0, math.sin((s.start.hour - 6) / 12 * math.pi)),
                )
                for s in slots
            )
        )
    car = Car(
        capacity,
        level,
        95.0,
        efficiency=0.92 if has("standing loss") else 1.0,
        standing_loss_w=250.0 if has("standing loss") else 0.0,
        phases=phases,
        max_amps=amps,
        taper=(TaperStep(40, amps * 3 // 4), TaperStep(60, amps // 2)) if has("taper") else (),
    )
    costs = Costs(start=0.03, stop=0.001, change=0.001, wake_up=0.02 if has("wake-up") else 0.0)
    state = State(amps, now - timedelta(minutes=20)) if has("already on") else State()
    return Problem(
        now, series, car, wishes, Limits(fuse=fuse), costs, state, solar, load, None, model
    )
