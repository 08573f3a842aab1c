"""One contender, one driver, so many days: `python -m devtools.bench.cost_run CONTENDER DRIVER --days N`.

Prints a line of JSON. It is a process of its own because it replaces the clocks of the whole process.
"""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
import importlib
import json
import logging
from pathlib import Path
import random
import tempfile
from typing import Any

from devtools.bench.cost_time import VirtualLoop, VirtualTime, install, real_seconds

#: Certificates are checked against the real clock, by OpenSSL: what is made in the month must be valid by now.
MONTH_IS_OVER = timedelta(days=32)
#: Nobody sets anything up at midnight sharp: seconds after the month has begun.
SET_UP_AT = 217.0


def start_of_month(today: datetime) -> datetime:
    """Return the first of a month of at least 30 days that is over, and not long ago."""
    first = (today - MONTH_IS_OVER).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first if first.month != 2 else first.replace(month=1)


async def _run(contender: str, driver: str, days: float, clock: VirtualTime) -> dict[str, Any]:
    # Not before the clocks are replaced: many modules take them along when they are imported.
    importlib.import_module("devtools.newest_home_assistant")
    from devtools.bench.cost_contenders import CONTENDERS
    from devtools.bench.cost_drivers import DRIVERS
    from devtools.bench.cost_result import result_of
    from devtools.bench.cost_world import World
    from simulator import TeslaSimulator
    from simulator.drivers.moments import DAY

    began = real_seconds()
    start = clock.time() - SET_UP_AT
    person = DRIVERS[driver]
    with tempfile.TemporaryDirectory() as directory:
        async with TeslaSimulator() as tesla:
            world = World(tesla, person)
            async with CONTENDERS[contender](world, Path(directory)) as watch:
                await world.live(person.month(days), start, start + days * DAY, watch)
                result = result_of(world, contender, driver, days)
    return {**result, "real_seconds": round(real_seconds() - began, 1)}


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender")
    parser.add_argument("driver")
    parser.add_argument("--days", type=float, default=30)
    chosen = parser.parse_args()
    clock = install(start_of_month(datetime.now(UTC)).timestamp() + SET_UP_AT)
    random.seed(0)  # coordinators spread their questions by chance
    logging.basicConfig(level=logging.ERROR)
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        result = runner.run(_run(chosen.contender, chosen.driver, chosen.days, clock))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
