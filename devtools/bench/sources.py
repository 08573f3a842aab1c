"""What reading the sources of smart charging costs the event loop: every provider of core, three virtual days each."""

import argparse
import asyncio
import json
import sys
from typing import Any, Final

MOST_A_DAY: Final = 50.0
"""Milliseconds of event loop a day, beside what the providers themselves take."""
LONGEST: Final = 20.0
"""Milliseconds for which nothing else can run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the bench."""
    parser.add_argument("--days", type=int, default=3, help="virtual days, 3 if not given")


async def bench_sources(arguments: argparse.Namespace) -> None:
    """Run the days in a process of their own, because all its clocks are virtual, and print what was measured."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devtools.bench.sources_run", str(arguments.days)),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    rows: list[dict[str, Any]] = json.loads(answer.splitlines()[-1])
    print(
        f"{arguments.days} virtual days; milliseconds of event loop, without the providers' own\n"
    )
    print("| source | calls a day | ms a day | longest block, ms | known |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        print(
            f"| {row['kind']} | {row['calls']:.1f} | {row['a_day']:.1f} | {row['longest']:.2f}"
            f" | {row['known']:.0%} |"
        )
    missed = [r["kind"] for r in rows if r["a_day"] > MOST_A_DAY or r["longest"] > LONGEST]
    print(f"\nGoals ({MOST_A_DAY:.0f} ms a day, {LONGEST:.0f} ms at once): ", end="")
    print(f"missed by {', '.join(missed)}" if missed else "met by all")
    if missed:
        raise SystemExit(1)
