"""How much of the sun the solar controller brings into the car, with how many commands, in worlds good and bad."""

import argparse
from collections.abc import Sequence

from devtools.bench.solar_days import COLUMNS, GIVEN_SEEDS, OWN_SEEDS
from devtools.bench.solar_loops import FAST, REFERENCES
from devtools.bench.solar_steps import print_steps, without_events
from devtools.bench.solar_world import PLAIN, WORLDS, Controlled, Day, Factory, World, play

WANTED_MEAN, WANTED_COLUMN, WANTED_COMMANDS = 0.93, 0.82, 0.5


def controlled(column: object, world: World, forecast: object) -> Controlled:
    """Make the controller for a day."""
    return Controlled(column, world, forecast)  # type: ignore[arg-type]  # see Factory


def days(world: World, factory: Factory, seeds: Sequence[int]) -> dict[str, list[Day]]:
    """Return all days of one world, by column."""
    return {
        column.name: [play(seed, column, world, factory) for seed in seeds] for column in COLUMNS
    }


def ratio(played: Sequence[Day]) -> float:
    """Return the part of the bound's value."""
    return sum(day.value for day in played) / sum(day.bound for day in played)


def row(name: str, found: dict[str, list[Day]]) -> tuple[float, float, float]:
    """Print a line; return mean, worst column and commands a day."""
    played = [day for part in found.values() for day in part]
    columns = [ratio(part) for part in found.values()]
    mean, count = ratio(played), len(played)
    commands = sum(day.commands for day in played) / count
    starts = sum(day.starts for day in played) / count
    wakes = sum(day.wakes for day in played) / count
    parts = "  ".join(f"{part:6.1%}" for part in columns)
    print(
        f"  {name:<52} {mean:6.1%}  {parts}  {commands:6.1f} {starts:6.1f} {wakes:6.1f}", flush=True
    )
    return mean, min(columns), commands


def header(title: str) -> None:
    """Print a title, and what the columns are."""
    names = "  ".join(f"{column.name[:9]:>6}" for column in COLUMNS)
    print(f"\n{title}\n  {'':<52} {'mean':>6}  {names}  commands starts  wakes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the bench can be asked for."""
    parser.add_argument("--quick", action="store_true", help="two days a column instead of twelve")


async def bench_solar(chosen: argparse.Namespace) -> None:
    """Print all tables."""
    for title, seeds in (("The given days", GIVEN_SEEDS), ("Days of our own", OWN_SEEDS)):
        used = seeds[:2] if chosen.quick else seeds
        header(f"{title}: part of the bound's value, a day's commands, starts and wakes")
        references = {
            name: row(name, days(PLAIN, lambda *_, make=make: make(), used))
            for name, make in REFERENCES.items()
        }
        for world in WORLDS:
            found = row(f"ours, {world.name}", days(world, controlled, used))
            if world is PLAIN:
                mean, worst, commands = found
                share = commands / references[FAST][2]
                met = mean >= WANTED_MEAN and worst >= WANTED_COLUMN and share <= WANTED_COMMANDS
                print(
                    f"    {'reached' if met else 'NOT REACHED'}: at least {WANTED_MEAN:.0%} on average and"
                    f" {WANTED_COLUMN:.0%} everywhere, with {share:.0%} of the commands of {FAST!r}"
                )
    print_steps([PLAIN] if chosen.quick else without_events(WORLDS))
