"""The planner beside others on real nights, beside a solver on seeded problems, and its times: scripts/bench plan."""

import argparse
import resource
import time

from custom_components.tesla_charging.smart_charging.model import Model
from custom_components.tesla_charging.smart_charging.plan import plan

from .plan_contenders import CONTENDERS, Outcome, outcome, table
from .plan_data import hourly_prices, mean, nights, quarters
from .plan_loop import TARGET, run_night
from .plan_pairs import bench_pairs
from .plan_solver import bench_solver
from .plan_times import CARS, EXTRAS, GOALS, LEVELS_ONLY, plain, windows

SOLVED = 1e-9
PARTS = ["nights", "solver", "loop", "pairs", "times"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
    parser.add_argument("--nights", type=int, help="only so many nights of the year")
    parser.add_argument("--problems", type=int, default=3000, help="how many seeded problems")
    parser.add_argument("--pairs", type=int, default=200, help="how many pairs of cars")
    parser.add_argument("--seconds", type=float, default=60, help="of the solver for a pair")
    parser.add_argument("--part", choices=PARTS, action="append")


async def bench_plan(chosen: argparse.Namespace) -> None:
    """Run the parts that are chosen, or all."""
    parts = chosen.part or PARTS
    good = True
    if "nights" in parts:
        bench_nights(chosen.nights)
    if "solver" in parts:
        good &= bench_solver(chosen.problems)
    if "loop" in parts:
        bench_loop(chosen.nights or 365)
    if "pairs" in parts:
        good &= bench_pairs(chosen.pairs, chosen.seconds)
    if "times" in parts:
        bench_times(chosen.nights or 120)
    if not good:
        raise SystemExit(1)


def bench_nights(limit: int | None) -> None:
    """Print what the nights of 2024 cost with each contender."""
    every = list(nights(limit=limit))
    results: dict[str, list[Outcome]] = {}
    spent: dict[str, float] = {}
    for name, contender in CONTENDERS.items():
        begin = time.perf_counter()
        times = [contender(night) for night in every]
        spent[name] = (time.perf_counter() - begin) / len(every) * 1000
        results[name] = [outcome(night, t) for night, t in zip(every, times, strict=True)]
    mine = results["this planner"]
    rows = [("", "energy/night", "starts/night", "missed", "objective/night", "ms", "above ours")]
    for name, found in results.items():
        total = mean([o.objective for o in found])
        rows.append(
            (
                name,
                f"{mean([o.energy_cost for o in found]):.4f}",
                f"{mean([o.starts for o in found]):.2f}",
                str(sum(o.missing_kwh > 0 for o in found)),
                f"{total:.4f}",
                f"{spent[name]:.1f}",
                f"{(total / mean([o.objective for o in mine]) - 1) * 100:+.2f} %",
            )
        )
    print(
        f"\n## {len(every)} nights of 2024, Dutch day-ahead prices, shape within the hour generated\n"
    )
    print(table(rows))
    worse = {
        name: sum(m.objective > o.objective + SOLVED for m, o in zip(mine, found, strict=True))
        for name, found in results.items()
    }
    print(f"\nNights on which another objective was lower: {sum(worse.values())} {worse}")
    cheapest = mean([o.energy_cost for o in results["cheapest slots (evcc)"]])
    print(
        f"Energy alone beside the cheapest slots: {(mean([o.energy_cost for o in mine]) / cheapest - 1) * 100:+.2f} %"
    )


def bench_loop(count: int) -> None:
    """Print how nights end that are replanned every 30 seconds with wavering readings."""
    by_quarter = quarters(hourly_prices(2024))
    every = list(nights())
    chosen = every[:: max(1, len(every) // count)][:count]
    ended, efficiency = [], None
    for night in chosen:
        result, efficiency = run_night(night, by_quarter, 1, efficiency)
        ended.append(result)
    missed = [e for e in ended if e.possible and e.level < TARGET - 0.01]
    over = [e for e in ended if e.starts > e.planned + 1]
    print(f"\n## {len(ended)} nights in a closed loop, replanned every 30 seconds\n")
    print(f"departures missed where they were possible: {len(missed)}")
    print(f"nights with more starts than the first plan and one: {len(over)}")
    print(
        f"starts a night: {mean([e.starts for e in ended]):.2f}, planned {mean([e.planned for e in ended]):.2f}"
    )
    print(f"nights without tomorrow's prices: {sum(e.unknown for e in ended)}")
    print(
        f"level at departure: {mean([e.level for e in ended]):.2f} %, cost {mean([e.cost for e in ended]):.4f}"
    )


def bench_times(limit: int) -> None:
    """Print how long plans take, 48 hours of quarter hours, and the memory of all that."""
    every = list(windows(limit))
    rows = [("", "", "p50 ms", "p99 ms", "worst ms", "goal p99", "proven")]
    for name, (model, phases, amps) in CARS.items():
        usual, one, many = GOALS[name]
        for extra, change in EXTRAS.items():
            if model is Model.ON_OFF and extra in LEVELS_ONLY:
                continue
            took, proven = [], 0
            for window in every:
                problem = change(plain(window, model, phases, amps), window.rng)
                begin = time.process_time()
                found = plan(problem, None)
                took.append((time.process_time() - begin) * 1000)
                proven += found.proven
            took.sort()
            last = extra == "everything" or (model is Model.ON_OFF and extra == "fuse")
            goal = usual if extra == "plain" else many if last else one
            p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
            figures = (f"{p50:.1f}", f"{p99:.1f}", f"{took[-1]:.1f}")
            rows.append((name, extra, *figures, str(goal), f"{proven}/{len(took)}"))
    print("\n## Times, 48 hours of quarter hours, no work limit\n")
    print(table(rows))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of the process: {peak:.0f} MB")
