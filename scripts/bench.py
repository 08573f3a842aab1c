"""Measure what the project claims: `scripts/bench signing`, `scripts/bench telemetry`."""

import argparse
import asyncio

from scripts.bench_signing import bench_signing
from scripts.bench_telemetry import bench_telemetry

BENCHES = {"signing": bench_signing, "telemetry": bench_telemetry}


def main() -> None:
    """Run the bench that the arguments name."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("bench", choices=BENCHES)
    asyncio.run(BENCHES[parser.parse_args().bench]())


if __name__ == "__main__":
    main()
