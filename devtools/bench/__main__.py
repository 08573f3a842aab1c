"""Measure what the project claims: `scripts/bench signing`, `scripts/bench telemetry`, `scripts/bench cost`, `scripts/bench plan`."""

import argparse
import asyncio

from devtools.bench import cost, plan
from devtools.bench.signing import bench_signing
from devtools.bench.telemetry import bench_telemetry

BENCHES = {"signing": bench_signing, "telemetry": bench_telemetry}
CHOSEN = {"cost": cost, "plan": plan}
"""Those with arguments of their own."""


def main() -> None:
    """Run the bench that the arguments name."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", required=True)
    for name in BENCHES:
        benches.add_parser(name)
    for name, module in CHOSEN.items():
        module.add_arguments(benches.add_parser(name))
    chosen = parser.parse_args()
    match chosen.bench:
        case "cost":
            asyncio.run(cost.bench_cost(chosen))
        case "plan":
            plan.bench_plan(chosen)
        case name:
            asyncio.run(BENCHES[name]())


if __name__ == "__main__":
    main()
