"""A night in a minute: a simulated Tesla with a home, and a Home Assistant that shows it, on one virtual clock.

    python -m devtools.bench.virtual_home --hours 12      one line of JSON for each hour

For benches: `on_virtual_time` runs one's own coroutine (before anything imports Home Assistant or the simulator),
`simulated_home` and `home_assistant` are what it lives with.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
import importlib
import json
import logging
from pathlib import Path
import random
import tempfile
from typing import TYPE_CHECKING, Any

from devtools.bench.cost_time import VirtualLoop, VirtualTime, install, real_seconds

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from simulator import Car, TeslaSimulator
    from simulator.home import HomeSettings

INTEGRATION = "simulated_home"
VIN = "LRW3E7EK0PC000101"
HOUR = 3600.0
DAY = 24 * HOUR


def on_virtual_time[T](
    start: float, live: Callable[[VirtualTime], Coroutine[Any, Any, T]], seed: int = 0
) -> T:
    """Replace the clocks of this process by one that begins at a moment (unix seconds), and run a coroutine by it."""
    clock = install(start)
    random.seed(seed)
    importlib.import_module("devtools.newest_home_assistant")
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(live(clock))


@asynccontextmanager
async def simulated_home(
    settings: HomeSettings | None = None, *, past: float = 0.0, **car: Any
) -> AsyncIterator[tuple[TeslaSimulator, Car]]:
    """Run a simulated Tesla with a home in which people have lived for so many seconds, and a car that is there."""
    from simulator import Car, TeslaSimulator
    from simulator.drivers.moments import HOME
    from simulator.home import Home

    async with TeslaSimulator() as tesla:
        tesla.home = Home(tesla.clock, settings, past=past)
        account = tesla.add_account("driver@example.com", region="eu")
        pearl = Car(VIN, home=HOME, name="Pearl", clock=tesla.clock, **car)
        tesla.add_car(account, pearl)
        tesla.home.add_car(pearl)
        yield tesla, pearl


@asynccontextmanager
async def home_assistant(directory: Path, base_url: str) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant in this process that shows the simulated home at an address."""
    from homeassistant import loader
    from homeassistant.helpers import frame
    from homeassistant.setup import async_setup_component

    # Home Assistant's test plugin brings a package of the same name; ours must be imported first.
    import custom_components

    from pytest_homeassistant_custom_component.common import (  # isort: skip
        async_test_home_assistant,
    )

    from devtools.home.energy import INTEGRATION as PLACE, TIME_ZONE

    async with async_test_home_assistant(config_dir=str(directory)) as hass:
        frame.async_setup(hass)  # which a real one does while it starts
        # Home Assistant's test helper forbids custom integrations unless this is taken away.
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        custom_components.__path__ = [*custom_components.__path__, str(PLACE.parent)]
        await hass.config.async_set_time_zone(TIME_ZONE)
        if not await async_setup_component(hass, "network", {}):
            raise RuntimeError("network is not set up")
        try:
            step = await hass.config_entries.flow.async_init(
                INTEGRATION, context={"source": "user"}, data={"url": base_url}
            )
            if step["type"] != "create_entry":
                raise RuntimeError(f"the simulated home cannot be added: {step}")
            await hass.async_block_till_done()
            yield hass
        finally:
            for entry in hass.config_entries.async_entries():
                await hass.config_entries.async_unload(entry.entry_id)
            await hass.async_stop(force=True)


async def night(hours: float, clock: VirtualTime) -> None:
    """Plug a car in at home, and print what Home Assistant shows at every hour."""
    began = real_seconds()
    with tempfile.TemporaryDirectory() as directory:
        async with (
            simulated_home(past=DAY, battery_level=40.0) as (tesla, car),
            home_assistant(Path(directory), tesla.base_url) as hass,
        ):
            car.plug_in(max_amps=16, phases=3)
            for _ in range(round(hours)):
                await asyncio.sleep(HOUR)
                shown = {
                    state.entity_id.removeprefix("sensor.simulated_home_"): state.state
                    for state in hass.states.async_all("sensor")
                }
                row: dict[str, Any] = {"at": clock.utcnow().isoformat(timespec="seconds"), **shown}
                if tesla.home is not None:
                    tesla.home.settle()
                    row["car_kwh"] = round(tesla.home.loads[VIN].joules / 3.6e6, 3)
                row |= {"car_percent": round(car.snapshot().battery_level, 1)}
                print(json.dumps({**row, "real_seconds": round(real_seconds() - began, 1)}))


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=12)
    parser.add_argument("--start", default="2026-06-10T16:00:00+00:00")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    start = datetime.fromisoformat(chosen.start).astimezone(UTC).timestamp()
    on_virtual_time(start, lambda clock: night(chosen.hours, clock))


if __name__ == "__main__":
    main()
