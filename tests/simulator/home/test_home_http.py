"""The home over HTTP: what its devices and services tell, and what its page can do."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from simulator import TeslaSimulator
from simulator.home import Home, HomeSettings
from simulator.home.days import local_date
from tests.simulator.world import Answer, World

from .hand import HOUR, JUNE


@pytest.fixture
def home(world: World) -> Home:
    """A home at which the world's car charges, on a morning in June."""
    home = Home(world.tesla.clock, HomeSettings(seed=5), start=JUNE + 10 * HOUR)
    home.prices.outages.never()
    home.forecast.outages.never()
    today = local_date(home.now, home.market.zone)
    for ahead in range(3):
        home.prices.force(today + timedelta(days=ahead), "on_time")
    home.add_car(world.car)
    world.tesla.home = home
    return home


async def get(world: World, path: str) -> Answer:
    return await world.request("GET", world.tesla.base_url + path)


async def do(world: World, action: str, /, **body: Any) -> Answer:
    return await world.request("POST", f"{world.tesla.base_url}/_sim/home/{action}", json=body)


async def test_without_a_home_there_is_nothing(
    tesla: TeslaSimulator, http: aiohttp.ClientSession
) -> None:
    for path in ("home", "home/state", "home/prices", "home/solar_forecast"):
        async with http.get(f"{tesla.base_url}/{path}") as answer:
            assert answer.status == 404


async def test_the_state_tells_power_energy_and_currents(world: World, home: Home) -> None:
    world.car.plug_in()
    world.tesla.clock.advance(1800)
    state = (await get(world, "/home/state")).body
    assert state["cars"]["power_w"] == pytest.approx(11040)
    assert state["cars"]["energy_kwh"] == pytest.approx(11.04 / 2, abs=0.01)
    assert state["cars"]["each_kwh"][world.car.vin] == state["cars"]["energy_kwh"]
    came = state["solar"]["energy_kwh"] + state["battery"]["out_kwh"]
    went = state["load"]["energy_kwh"] + state["cars"]["energy_kwh"] + state["battery"]["in_kwh"]
    grid = (home.totals.imported - home.totals.exported) / 3.6e6
    assert came + grid == pytest.approx(went, abs=0.001)
    assert state["grid"]["power_w"] == pytest.approx(
        state["load"]["power_w"]
        + state["cars"]["power_w"]
        - state["solar"]["power_w"]
        - state["battery"]["power_w"],
        abs=800,
    )
    assert len(state["grid"]["phase_a"]) == len(state["fuse"]["seconds_over"]) == 3


async def test_the_price_service_answers_and_has_outages(world: World, home: Home) -> None:
    prices = (await get(world, "/home/prices")).body
    assert prices["currency"] == "EUR"
    assert len(prices["import"]) == len(prices["export"]) >= 92
    assert set(prices["import"][0]) == {"start", "end", "price"}
    await do(world, "price_outage", minutes=30)
    assert (await get(world, "/home/prices")).status == 503
    await do(world, "price_outage", on=False)
    assert (await get(world, "/home/prices")).status == 200
    await do(world, "price_outage", minutes=30)
    world.tesla.clock.advance(1801)
    assert (await get(world, "/home/prices")).status == 200


async def test_the_history_tells_the_counters_of_past_hours(world: World, home: Home) -> None:
    assert (await get(world, "/home/history")).body == {"hours": []}
    world.tesla.home = Home(world.tesla.clock, past=2 * 86400)
    hours = (await get(world, "/home/history")).body["hours"]
    state = (await get(world, "/home/state")).body
    assert len(hours) in {48, 49}
    assert 0 < hours[-1]["load_kwh"] <= state["load"]["energy_kwh"]
    assert hours[0]["load_kwh"] < hours[24]["load_kwh"] < hours[-1]["load_kwh"]


async def test_a_day_that_is_not_published_is_not_found(world: World, home: Home) -> None:
    assert (await get(world, "/home/prices?date=2099-01-01")).status == 404
    assert (await get(world, "/home/prices?date=soon")).status == 400


async def test_the_forecast_service_answers_and_has_outages(world: World, home: Home) -> None:
    told = (await get(world, "/home/solar_forecast")).body
    assert list(told["wh_hours"].values()) == [hour["wh"] for hour in told["hours"]]
    assert len(told["hours"]) in {71, 72, 73}
    await do(world, "forecast_outage", minutes=30)
    assert (await get(world, "/home/solar_forecast")).status == 503


async def test_the_page_shows_the_home_and_its_buttons_work(world: World, home: Home) -> None:
    vin = world.car.vin
    page = await get(world, "/home")
    assert "Simulated home" in page.text
    assert f'id="plug_in-{vin}"' in page.text
    url = f"{world.tesla.base_url}/_sim/home/"
    page = await world.request("POST", url + "plug_in", data={"vin": vin})
    assert f'id="unplug-{vin}"' in page.text
    assert world.car.snapshot().plugged_in
    page = await world.request("POST", url + "clouds", data={})
    assert 'id="clear_sky"' in page.text
    page = await world.request("POST", url + "clear_sky", data={})
    assert 'id="clouds"' in page.text
    page = await world.request("POST", url + "price_outage", data={})
    assert "out of order" in page.text
    page = await world.request("POST", url + "price_outage", data={"on": "false"})
    assert "out of order" not in page.text
    assert "/home" in (await get(world, "/")).text


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("dance", {}, 404),
        ("plug_in", {}, 422),
        ("plug_in", {"vin": "nobody"}, 422),
        ("clouds", {"share": 2}, 422),
        ("clouds", {"minutes": "x"}, 422),
        ("clouds", {"minutes": 1e999}, 422),
        ("publication", {"kind": "never"}, 422),
        ("battery", {"reserve": 101}, 422),
    ],
)
async def test_nonsense_is_refused(
    world: World, home: Home, action: str, body: dict[str, Any], status: int
) -> None:
    assert (await do(world, action, **body)).status == status
