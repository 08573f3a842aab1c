"""The simulated home in Home Assistant: ordinary entities, a forecast, outages; and it is never packaged."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import aiohttp
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.loader import async_get_integration
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

import custom_components
from devtools.home.energy import COUNTERS, DOMAIN, INTEGRATION, counted, sources
from simulator.clock import SimulatedClock
from simulator.home import Home, HomeSettings
from simulator.tesla import TeslaSimulator

PRICE = "sensor.simulated_home_electricity_price"
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def tesla(socket_enabled: None) -> AsyncIterator[TeslaSimulator]:
    """A simulator with a home in which somebody has lived for a day."""
    clock = SimulatedClock()
    async with TeslaSimulator(clock=clock) as simulator:
        simulator.home = Home(clock, HomeSettings(follows="wall"), past=86_400)
        simulator.home.prices.outages.end(clock.now())
        yield simulator


@pytest.fixture
async def entry_id(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    tesla: TeslaSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[str]:
    """The simulated home, added as the demo adds it."""
    places = [*custom_components.__path__, str(INTEGRATION.parent)]
    monkeypatch.setattr(custom_components, "__path__", places)
    await hass.config.async_set_time_zone("Europe/Amsterdam")
    step = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    wrong = {"url": f"{tesla.base_url}/nowhere"}
    step = await hass.config_entries.flow.async_configure(step["flow_id"], wrong)
    assert step["errors"] == {"base": "cannot_connect"}
    told = {"url": tesla.base_url}
    step = await hass.config_entries.flow.async_configure(step["flow_id"], told)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    entry = step["result"]
    assert entry.state is ConfigEntryState.LOADED
    yield entry.entry_id
    assert await hass.config_entries.async_unload(entry.entry_id)


async def answer(tesla: TeslaSimulator, name: str, data: dict[str, Any] | None = None) -> Any:
    """Ask the simulator, or do something at the home's page."""
    async with aiohttp.ClientSession() as session:
        if data is None:
            async with session.get(f"{tesla.base_url}/home/{name}") as told:
                return await told.json()
        async with session.post(f"{tesla.base_url}/_sim/home/{name}", json=data) as told:
            return await told.json()


async def look_again(hass: HomeAssistant) -> None:
    """Let the next polls happen."""
    async_fire_time_changed(hass, dt_util.utcnow().replace(year=2100))
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_what_flows_is_shown_as_ordinary_sensors(hass: HomeAssistant, entry_id: str) -> None:
    units = {
        state.entity_id.removeprefix("sensor.simulated_home_"): (
            state.attributes.get("unit_of_measurement"),
            state.attributes.get("state_class"),
        )
        for state in hass.states.async_all("sensor")
    }
    power, energy = ("W", "measurement"), ("kWh", "total_increasing")
    assert units == {
        "grid_power": power,
        "grid_import": energy,
        "grid_export": energy,
        "solar_power": power,
        "solar_energy": energy,
        "house_load": power,
        "house_energy": energy,
        "battery_power": power,
        "battery_charged": energy,
        "battery_discharged": energy,
        "battery_level": ("%", "measurement"),
        "electricity_price": ("EUR/kWh", None),
        "electricity_export_price": ("EUR/kWh", None),
    }


async def test_counters_begin_at_the_hour_at_which_the_past_ends(
    hass: HomeAssistant, entry_id: str, tesla: TeslaSimulator
) -> None:
    past = (await answer(tesla, "history"))["hours"]
    now = await answer(tesla, "state")
    shown = float(hass.states.get("sensor.simulated_home_house_energy").state)  # type: ignore[union-attr]
    assert shown == pytest.approx(now["load"]["energy_kwh"] - past[-1]["load_kwh"], abs=0.05)
    sums = counted(past, COUNTERS["house_energy"])
    assert sums[-1]["sum"] == 0
    assert [row["sum"] for row in sums] == sorted(row["sum"] for row in sums)
    # a row of statistics is called by the beginning of its hour
    ended = datetime.fromisoformat(past[-1]["at"]) - datetime.fromisoformat(sums[-1]["start"])
    assert ended.total_seconds() == 3600


async def test_prices_have_the_shape_of_a_price_integration(
    hass: HomeAssistant, entry_id: str, tesla: TeslaSimulator
) -> None:
    state = hass.states.get(PRICE)
    assert state is not None
    told = state.attributes
    assert len(told["raw_today"]) == len(told["today"]) >= 92 - 16  # a gap of four hours at most
    first = told["raw_today"][0]
    assert set(first) == {"start", "end", "value"}
    assert (first["end"] - first["start"]).total_seconds() == 900
    assert {row["start"].date() for row in told["raw_today"]} == {dt_util.now().date()}
    assert told["tomorrow_valid"] == bool(told["raw_tomorrow"])
    served = (await answer(tesla, "prices"))["import"]
    assert len(served) == len(told["raw_today"]) + len(told["raw_tomorrow"])


async def test_an_outage_of_the_prices_is_seen_and_ends(
    hass: HomeAssistant,
    entry_id: str,
    tesla: TeslaSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await answer(tesla, "price_outage", {"minutes": 30})
    await look_again(hass)
    state = hass.states.get(PRICE)
    assert state is not None
    assert state.state == "unavailable"
    await answer(tesla, "price_outage", {"on": False})
    await look_again(hass)
    state = hass.states.get(PRICE)
    assert state is not None
    assert state.state != "unavailable"
    assert not [
        record
        for record in caplog.records
        if record.levelname in {"WARNING", "ERROR"} and DOMAIN in record.name
    ]


async def test_the_energy_platform_has_the_forecast(
    hass: HomeAssistant, entry_id: str, tesla: TeslaSimulator
) -> None:
    integration = await async_get_integration(hass, DOMAIN)
    forecast = (await integration.async_get_platform("energy")).async_get_solar_forecast
    await answer(tesla, "forecast_outage", {"on": False})
    told = await forecast(hass, entry_id)
    assert told == {"wh_hours": (await answer(tesla, "solar_forecast"))["wh_hours"]}
    assert len(told["wh_hours"]) >= 71
    assert all(datetime.fromisoformat(hour).astimezone(UTC) for hour in told["wh_hours"])
    await answer(tesla, "forecast_outage", {"minutes": 30})
    assert await forecast(hass, entry_id) is None


def test_a_home_without_sun_and_battery_has_only_a_grid() -> None:
    names = ("grid_import", "grid_export", "grid_power", "import_price", "export_price")
    found = sources({name: f"sensor.{name}" for name in names}, "entry")
    assert [source["type"] for source in found] == ["grid"]


def test_the_integration_knows_nothing_of_the_simulated_home() -> None:
    """Nothing of it is in the folder that is packaged, and no file there names it."""
    packaged = ROOT / "custom_components" / "tesla_charging"
    assert packaged not in INTEGRATION.parents
    assert not [
        path.name for path in packaged.rglob("*.py") if DOMAIN in path.read_text(encoding="utf-8")
    ]


@pytest.mark.slow
def test_two_hours_pass_in_seconds_on_one_virtual_clock() -> None:
    bench = [sys.executable, "-m", "devtools.bench.virtual_home", "--hours", "2"]
    done = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    times = [datetime.fromisoformat(row["at"]) for row in (first, second)]
    assert times[1] - times[0] == timedelta(hours=1)
    assert second["car_percent"] > first["car_percent"]
    # what came in has gone somewhere: Home Assistant's numbers are seconds old, and 11 kW are 0.03 kWh in 10 s
    house, grid, sun, battery, car = (
        float(second[name]) - float(first[name])
        for name in ("house_energy", "grid_import", "solar_energy", "battery_discharged", "car_kwh")
    )
    assert house + car == pytest.approx(grid + sun + battery, abs=0.2)
