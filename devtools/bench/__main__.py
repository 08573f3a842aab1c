"""Measure what the project claims: `scripts/bench signing`, `telemetry`, `cost` or `solar`."""

import argparse
import asyncio

from devtools.bench.cost import add_arguments, bench_cost
from devtools.bench.signing import bench_signing
from devtools.bench.solar import add_arguments as add_solar_arguments, bench_solar
from devtools.bench.telemetry import bench_telemetry

BENCHES = {"signing": bench_signing, "telemetry": bench_telemetry}


def main() -> None:
    """Run the bench that the arguments name."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", required=True)
    for name in BENCHES:
        benches.add_parser(name)
    add_arguments(benches.add_parser("cost"))
    add_solar_arguments(benches.add_parser("solar"))
    chosen = parser.parse_args()
    with_arguments = {"cost": bench_cost, "solar": bench_solar}
    if (bench := with_arguments.get(chosen.bench)) is not None:
        asyncio.run(bench(chosen))
    else:
        asyncio.run(BENCHES[chosen.bench]())


if __name__ == "__main__":
    main()
