"""Measure what the project claims; what can be measured is in BENCHES and WITH_ARGUMENTS."""

import argparse
import asyncio

from devtools.bench import cost, learning, plan, solar, sources
from devtools.bench.signing import bench_signing
from devtools.bench.telemetry import bench_telemetry

BENCHES = {"signing": bench_signing, "telemetry": bench_telemetry}
WITH_ARGUMENTS = {
    "cost": (cost.add_arguments, cost.bench_cost),
    "solar": (solar.add_arguments, solar.bench_solar),
    "learning": (learning.add_arguments, learning.bench_learning),
    "plan": (plan.add_arguments, plan.bench_plan),
    "sources": (sources.add_arguments, sources.bench_sources),
}


def main() -> None:
    """Run the bench that the arguments name."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", required=True)
    for name in BENCHES:
        benches.add_parser(name)
    for name, (add_arguments, _) in WITH_ARGUMENTS.items():
        add_arguments(benches.add_parser(name))
    chosen = parser.parse_args()
    if (found := WITH_ARGUMENTS.get(chosen.bench)) is not None:
        _, bench = found
        asyncio.run(bench(chosen))
    else:
        asyncio.run(BENCHES[chosen.bench]())


if __name__ == "__main__":
    main()
