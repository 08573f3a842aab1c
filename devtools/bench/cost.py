"""What a month costs, and how fresh it is: `scripts/bench cost`.

The same thirty days of each driver for each contender, on virtual time, two processes at a time. Tesla's bill is the
simulator's own, which knows nothing of anybody's meter.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path
import sys
from typing import Any

from devtools.bench.cost_chart import chart
from devtools.bench.cost_drivers import DRIVERS
from devtools.bench.cost_report import CONTENDERS, ordered, page, print_report, with_table
from devtools.home.process import ROOT, child_environment

DAYS = 30
#: A run of thirty days takes a few minutes.
PATIENCE_SECONDS = 3600

type Result = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what can be chosen."""
    parser.add_argument("--days", type=float, default=DAYS, help=f"{DAYS} unless told otherwise")
    parser.add_argument("--contender", action="append", choices=CONTENDERS)
    parser.add_argument("--driver", action="append", choices=DRIVERS)
    parser.add_argument("--write", action="store_true", help="write docs/cost/ and docs/cost.md")


async def bench_cost(chosen: argparse.Namespace) -> None:
    """Run the chosen contenders with the chosen drivers, and print the tables."""
    slots = asyncio.Semaphore(min(2, os.cpu_count() or 1))
    runs = [
        _run(slots, contender, driver, chosen.days)
        for driver in chosen.driver or DRIVERS
        for contender in chosen.contender or CONTENDERS
    ]
    results = await asyncio.gather(*runs)
    print_report(results)
    if chosen.write:
        await asyncio.to_thread(write, results, ROOT / "docs")


def write(results: list[Result], docs: Path) -> None:
    """Write results, tables and chart below a directory of documents, and the table into its page about cost.

    Results of runs that were not repeated are kept.
    """
    directory = docs / "cost"
    directory.mkdir(exist_ok=True)
    file, about = directory / "results.json", docs / "cost.md"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    known = {(run["driver"], run["contender"]): run for run in (*kept, *results)}
    runs = ordered(known.values())
    file.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (directory / "results.md").write_text(page(runs), encoding="utf-8")
    (directory / "cost_and_age.svg").write_text(chart(runs), encoding="utf-8")
    about.write_text(with_table(about.read_text(encoding="utf-8"), runs), encoding="utf-8")


async def _run(slots: asyncio.Semaphore, contender: str, driver: str, days: float) -> Result:
    """Run one month in a process of its own. Ends this program if that fails."""
    command = ("-m", "devtools.bench.cost_run", contender, driver, "--days", str(days))
    async with slots:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=ROOT,
            env=child_environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                out, complaints = await process.communicate()
        except TimeoutError:
            sys.exit(f"{contender}, {driver}: no end after {PATIENCE_SECONDS} s")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        sys.exit(f"{contender}, {driver}:\n{complaints.decode(errors='replace')}")
    result: Result = json.loads(out.splitlines()[-1])
    print(f"  {driver}, {contender}: {result['real_seconds']} s", file=sys.stderr)
    return result
