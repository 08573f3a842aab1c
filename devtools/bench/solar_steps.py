"""No oscillation: what the solar controller does at constant readings, after a step, and when a fuse is exceeded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
import random

from custom_components.tesla_charging.smart_charging.solar import SolarController
from custom_components.tesla_charging.smart_charging.solar_model import (
    BatteryRule,
    CarReading,
    CarSettings,
    CarState,
    Inputs,
    Limits,
    MeterReading,
    Prices,
    Wishes,
)
from devtools.bench.solar_days import COLUMNS, STEP, VOLTS, Column
from devtools.bench.solar_world import Controlled, Played, World

BEFORE, AFTER = 1800 // STEP, 5400 // STEP
"""Steps of constant sun before a step of the sun, and after it."""
ALLOWED_CHANGES = 2
SILENT_S = 3600
"""So long before its end nothing may be sent any more."""


def changes_after(column: Column, world: World, before_w: float, after_w: float) -> tuple[int, int]:
    """Return how many changes follow a step of the sun, and how many of them come late."""
    surplus = [before_w] * BEFORE + [after_w] * AFTER
    day = Played(column, world, surplus, random.Random(1)).run(Controlled(column, world))
    end = len(surplus) * STEP
    after = [now for now, _ in day.sent if now >= BEFORE * STEP]
    return len(after), sum(now >= end - SILENT_S for now in after)


def all_changes(
    watts: Sequence[float], worlds: Sequence[World], columns: Sequence[Column]
) -> Counter[str]:
    """Count what follows steps from each power to each other one."""
    counted: Counter[str] = Counter()
    for column, world, before, after in product(columns, worlds, watts, watts):
        changes, late = changes_after(column, world, before, after)
        counted[f"{changes} changes"] += 1
        counted["more than allowed"] += changes > ALLOWED_CHANGES
        counted["not silent"] += late > 0
    return counted


def breaches(seed: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield, for a fuse exceeded by a step of the house, the current sent at that reading and the one that is allowed."""
    rng = random.Random(seed)
    for _ in range(count):
        phases, max_a = rng.choice([(1, 32), (3, 16)])
        unit = VOLTS * phases
        import_w = rng.uniform(6 * unit, 40 * unit)
        controller = SolarController(CarSettings(5, max_a, phases))
        house = rng.uniform(-3000, max(0.0, import_w - 6 * unit))
        drawn, house_w, state = 0, house, CarState.STOPPED
        step_at = rng.randint(6, 30)
        for step in range(step_at + 1):
            now = float(step * STEP)
            if step == step_at:
                # more than what is free: the limit is exceeded by this reading
                house_w = import_w - drawn * unit + rng.uniform(1, 10000)
            decision = controller.step(
                now,
                Inputs(
                    Prices(0.3, 0.1, 0.2),
                    CarReading(now, state, drawn, drawn, phases=phases, volts=VOLTS),
                    MeterReading(now, house_w + drawn * unit),
                    wishes=Wishes(planned_a=max_a),
                    limits=Limits(import_w=import_w),
                ),
            )
            if step == step_at:
                allowed = int((import_w - house_w) // unit)
                sent = -1 if decision.command is None else decision.command.amps
                yield sent, allowed if allowed >= 5 else 0
            elif decision.command is not None:
                drawn = decision.command.amps
                state = CarState.CHARGING if drawn else CarState.STOPPED


def without_events(worlds: Sequence[World]) -> list[World]:
    """Return the worlds in which nothing happens but the step: no command is lost, no battery becomes full."""
    return [
        world
        for world in worlds
        if not world.lost
        and not world.failed
        and (world.battery is None or world.battery.rule is BatteryRule.AFTER)
    ]


def print_steps(worlds: Sequence[World]) -> None:
    """Print what follows every step between two powers, and every breach."""
    columns = (COLUMNS[0], COLUMNS[3])
    watts = [1000.0 * kilo for kilo in range(-3, 13)]
    print("\nNo oscillation: steps of the sun between -3 and 12 kW, one and three phases")
    for world in worlds:
        counted = all_changes(watts, [world], columns)
        text = ", ".join(f"{counted[key]} {key}" for key in sorted(counted))
        print(f"  {world.name:<52} {text}", flush=True)
    answers = list(breaches(1, 2000))
    wrong = sum(sent != allowed for sent, allowed in answers)
    print(f"  fuse exceeded {len(answers)} times: {wrong} not answered at the same reading")
