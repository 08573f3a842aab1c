"""Measure what the project claims: `scripts/bench signing`, `scripts/bench telemetry`, `scripts/bench cost`."""

import argparse
import asyncio

from devtools.bench.cost import add_arguments, bench_cost
from devtools.bench.signing import bench_signing
from devtools.bench.telemetry import bench_telemetry

BENCHES = {"signing": bench_signing, "telemetry": bench_telemetry}


def main() -> None:
    """Run the bench that the arguments name."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", required=True)
    for name in BENCHES:
        benches.add_parser(name)
    add_arguments(benches.add_parser("cost"))
    chosen = parser.parse_args()
    asyncio.run(bench_cost(chosen) if chosen.bench == "cost" else BENCHES[chosen.bench]())


if __name__ == "__main__":
    main()
