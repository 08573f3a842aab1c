"""Cars that join the account, leave it, or get other names, while Home Assistant runs."""

from collections.abc import AsyncIterator
from datetime import timedelta

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from simulator import Car
from tests.support.account import list_now, lists
from tests.support.home import HOME_DOMAIN, MIDNIGHT, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture
async def two_cars(home: Home, turned_account: None) -> Home:
    """A home with two cars, set up."""
    home.add_car(PEARL, "Pearl", sleep_after=None)
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    await home.set_up()
    return home


async def pass_time(home: Home, seconds: float) -> None:
    """Let time pass here and at Tesla, without waiting for it; what is due happens once."""
    home.tesla.clock.advance(seconds)
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await home.settle()


async def next_list(home: Home) -> None:
    """Let the time come for the list to be read as usual."""
    await pass_time(home, 6 * HOUR + MINUTE)


async def next_lists(home: Home, times: int) -> None:
    """Let the list be read again and again as long as a car is missing."""
    for _ in range(times):
        await pass_time(home, 16 * MINUTE)


def device(home: Home, vin: str) -> dr.DeviceEntry | None:
    assert home.entry is not None
    return dr.async_get(home.hass).async_get_device_by_identifier(
        (DOMAIN, vin), home.entry.entry_id
    )


def entities(home: Home, vin: str) -> list[str]:
    found = er.async_get(home.hass).entities.values()
    return [entity.entity_id for entity in found if entity.unique_id.startswith(vin)]


def names_nobody(home: Home, times: int | None = None) -> None:
    """Let Tesla's list be empty for no reason."""
    home.tesla.faults.status(200, "/products", body={"response": [], "count": 0}, times=times)


# -- joining --------------------------------------------------------------------------------------------


async def test_a_new_car_appears_with_everything_and_without_a_reload(two_cars: Home) -> None:
    home, dawn = two_cars, "7SAYGDEE0PA000303"
    home.add_car(dawn, "Dawn", sleep_after=None)
    assert device(home, dawn) is None
    await next_list(home)
    found = device(home, dawn)
    assert found is not None
    assert (found.name, found.serial_number) == ("Dawn", dawn)
    kinds = {name.removeprefix(dawn) for name in unique_ids(home, dawn)}
    assert kinds == {name.removeprefix(PEARL) for name in unique_ids(home, PEARL)}
    assert home.state("sensor", "battery_level", dawn) == "62"
    await home.hass.services.async_call(
        "number",
        "set_value",
        {"entity_id": home.entity_id("number", "charge_limit", dawn), "value": 71},
        blocking=True,
    )
    assert home.cars[dawn].snapshot().charge_limit == 71


def unique_ids(home: Home, vin: str) -> list[str]:
    found = er.async_get(home.hass).entities.values()
    return [entity.unique_id for entity in found if entity.unique_id.startswith(vin)]


async def test_the_list_is_read_a_few_times_a_day_and_costs_nothing(two_cars: Home) -> None:
    home = two_cars
    for car in home.cars.values():
        car.sleep()
    await home.poll()
    home.tesla.billing.reset()
    for _ in range(4):
        await pass_time(home, 5 * HOUR)
        await next_list(home)
    assert lists(home) == 4
    assert home.tesla.billing.cost() == 0


async def test_an_account_without_cars_is_set_up_and_comes_alive(
    home: Home, turned_account: None
) -> None:
    entry = await home.set_up()
    assert entry.state is ConfigEntryState.LOADED
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await next_list(home)
    assert home.state("sensor", "battery_level") == "62"


# -- leaving --------------------------------------------------------------------------------------------


async def test_a_car_that_left_disappears_and_the_others_stay(two_cars: Home) -> None:
    home = two_cars
    home.tesla.remove_car(home.account, PEARL)
    await next_list(home)
    await next_lists(home, 1)
    assert device(home, PEARL) is None
    assert entities(home, PEARL) == []
    assert home.state("sensor", "battery_level", MIDNIGHT) == "62"
    assert home.entry is not None
    assert [*home.entry.runtime_data.cars] == [MIDNIGHT]
    home.tesla.billing.reset()
    await next_list(home)
    assert home.tesla.billing.count(path_contains=PEARL) == 0


async def test_a_car_that_is_not_found_is_looked_for_at_once(two_cars: Home) -> None:
    home = two_cars
    await pass_time(home, 20 * MINUTE)
    home.tesla.remove_car(home.account, PEARL)
    before = lists(home)
    await home.poll()
    await pass_time(home, 2.0)
    assert lists(home) == before + 1
    assert device(home, PEARL) is not None
    await pass_time(home, 16 * MINUTE)
    assert device(home, PEARL) is None


async def test_nothing_of_a_car_that_left_is_kept(
    two_cars: Home, hass_storage: dict[str, dict[str, object]]
) -> None:
    home = two_cars
    await home.act("stop_charging")
    await home.restart()  # so that it is known from the files, too
    assert PEARL in str(hass_storage)
    home.tesla.remove_car(home.account, PEARL)
    await next_list(home)
    await next_lists(home, 1)
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    files = {name: data for name, data in hass_storage.items() if name.startswith(DOMAIN)}
    assert files
    assert PEARL not in str(files)
    assert MIDNIGHT in str(files)


@pytest.mark.parametrize(
    "body",
    [
        {"response": [], "count": 2},
        {"response": [{"vehicle_id": 7, "vin": None}], "count": 1},
        {"response": ["?"], "count": 1},
        {"response": [], "count": 0, "pagination": {"next": 2}},
        {"response": None},
        {},
    ],
    ids=["count", "no vin", "no object", "more pages", "no list", "nothing"],
)
async def test_a_list_that_is_not_complete_deletes_nobody(
    two_cars: Home, body: dict[str, object]
) -> None:
    home = two_cars
    home.tesla.faults.status(200, "/products", body=body, times=None)
    home.tesla.remove_car(home.account, PEARL)
    for _ in range(8):
        await next_list(home)
        await next_lists(home, 3)
    assert device(home, PEARL) is not None
    assert device(home, MIDNIGHT) is not None


async def test_a_list_that_is_not_complete_is_not_one_of_the_two(two_cars: Home) -> None:
    home = two_cars
    home.tesla.faults.status(200, "/products", body={"response": [], "count": 2})
    home.tesla.remove_car(home.account, PEARL)
    await next_list(home)
    await next_lists(home, 1)  # the first that counts
    assert device(home, PEARL) is not None
    home.tesla.faults.status(200, "/products", body={"response": [], "count": 2})
    await next_lists(home, 1)
    assert device(home, PEARL) is not None
    await next_lists(home, 1)
    assert device(home, PEARL) is None


async def test_an_empty_list_deletes_nobody_whom_tesla_finds(two_cars: Home) -> None:
    home = two_cars
    names_nobody(home)
    for _ in range(8):
        await next_list(home)
    assert device(home, PEARL) is not None
    assert home.state("sensor", "battery_level", PEARL) == "62"


async def test_an_outage_that_finds_no_car_at_all_deletes_nobody_for_a_day(two_cars: Home) -> None:
    home = two_cars
    names_nobody(home)
    home.tesla.faults.status(404, "/vehicles/", times=None)
    for _ in range(4):
        await next_list(
            home
        )  # the last a day after Home Assistant's start, 18 hours after the first
    assert device(home, PEARL) is not None
    home.tesla.faults.clear()
    await next_list(home)
    assert device(home, PEARL) is not None
    names_nobody(home)
    home.tesla.faults.status(404, "/vehicles/", times=None)
    # it begins anew: what was before does not count
    for _ in range(4):
        await next_list(home)
    assert device(home, PEARL) is not None


async def test_one_list_alone_deletes_nobody(two_cars: Home) -> None:
    home = two_cars
    home.tesla.remove_car(home.account, PEARL)
    await next_list(home)
    assert device(home, PEARL) is not None
    home.tesla.add_car(home.account, home.cars[PEARL])
    await next_lists(home, 3)
    await next_list(home)
    await home.poll()
    assert home.state("sensor", "battery_level", PEARL) == "62"


async def test_an_account_whose_last_car_left_stays_and_welcomes_the_next(two_cars: Home) -> None:
    home = two_cars
    home.witness.vins_are_forgotten = True
    for vin in (PEARL, MIDNIGHT):
        home.tesla.remove_car(home.account, vin)
    for _ in range(6):
        await next_list(home)
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.LOADED
    assert device(home, PEARL) is device(home, MIDNIGHT) is None
    home.tesla.add_car(home.account, home.cars[PEARL])
    await next_list(home)
    assert home.state("sensor", "battery_level", PEARL) == "62"


async def test_a_car_that_left_while_home_assistant_was_off_disappears(two_cars: Home) -> None:
    home = two_cars
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.tesla.remove_car(home.account, PEARL)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert device(home, PEARL) is not None
    await next_lists(home, 1)
    assert device(home, PEARL) is None
    assert device(home, MIDNIGHT) is not None


async def test_a_car_that_comes_back_is_a_new_one(two_cars: Home) -> None:
    home = two_cars
    home.witness.vins_are_forgotten = True
    home.tesla.remove_car(home.account, PEARL)
    await next_list(home)
    await next_lists(home, 1)
    assert device(home, PEARL) is None
    home.tesla.add_car(home.account, home.cars[PEARL])
    await next_list(home)
    assert home.state("sensor", "battery_level", PEARL) == "62"


async def test_an_account_that_ended_the_sign_in_is_asked_to_sign_in(
    home: Home, turned_account: None
) -> None:
    await home.set_up()
    home.tesla.revoke_consent(home.account, home.application)
    await next_list(home)
    (flow,) = home.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == "reauth"


# -- names ----------------------------------------------------------------------------------------------


async def test_a_new_name_is_taken_over(two_cars: Home) -> None:
    home = two_cars
    home.cars[PEARL].rename("Dawn")
    await next_list(home)
    found = device(home, PEARL)
    assert found is not None
    assert found.name == "Dawn"
    state = home.hass.states.get(home.entity_id("sensor", "battery_level", PEARL))
    assert state is not None
    assert state.name == "Dawn Battery"


async def test_a_name_given_in_home_assistant_wins(two_cars: Home) -> None:
    home = two_cars
    dr.async_get(home.hass).async_update_device(home.device_id(PEARL), name_by_user="Ours")
    home.cars[PEARL].rename("Dawn")
    await next_list(home)
    found = device(home, PEARL)
    assert found is not None
    assert (found.name, found.name_by_user) == ("Dawn", "Ours")
    state = home.hass.states.get(home.entity_id("sensor", "battery_level", PEARL))
    assert state is not None
    assert state.name == "Ours Battery"


async def test_a_list_without_the_name_takes_none_away(two_cars: Home) -> None:
    home = two_cars
    home.cars[PEARL].rename("")
    await next_list(home)
    await home.restart()
    found = device(home, PEARL)
    assert found is not None
    assert found.name == "Pearl"


# -- deleting a device ----------------------------------------------------------------------------------


async def delete(hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str) -> bool:
    """Delete a device as the person does on its page."""
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {"type": "config/device_registry/remove", "device_id": device_id}
    )
    return bool((await client.receive_json())["success"])


async def test_the_device_of_a_car_that_is_listed_cannot_be_deleted(
    two_cars: Home, hass_ws_client: WebSocketGenerator
) -> None:
    home = two_cars
    assert not await delete(home.hass, hass_ws_client, home.device_id(PEARL))
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert not await delete(home.hass, hass_ws_client, home.device_id(PEARL))


async def test_the_device_of_a_car_that_is_gone_can_be_deleted(
    two_cars: Home, hass_ws_client: WebSocketGenerator
) -> None:
    home = two_cars
    home.tesla.remove_car(home.account, PEARL)
    await home.restart()
    assert await delete(home.hass, hass_ws_client, home.device_id(PEARL))
    await home.settle()
    assert device(home, PEARL) is None
    assert entities(home, PEARL) == []
    await next_list(home)
    assert home.state("sensor", "battery_level", MIDNIGHT) == "62"


# -- the push channel -----------------------------------------------------------------------------------


@pytest.fixture
async def streaming(home: Home, turned_account: None) -> AsyncIterator[Home]:
    """A home with one car, connected."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    yield home
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_a_car_that_joins_streams_and_one_that_left_is_refused(streaming: Home) -> None:
    home = streaming
    midnight: Car = home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    server = async_get_telemetry_server(home.hass, active_endpoints())
    before = server.status(PEARL)
    assert before is not None
    assert before.info is not None
    assert not server.accepts(MIDNIGHT)
    await list_now(home)
    await until(lambda: device(home, MIDNIGHT) is not None)
    await until(lambda: home.state("sensor", "telemetry", MIDNIGHT) == "connected")
    midnight.plug_in()
    await until(lambda: home.state("sensor", "charging_state", MIDNIGHT) == "charging")
    after = server.status(PEARL)
    assert after is not None
    assert after.info == before.info  # the other car's connection was never touched

    home.tesla.remove_car(home.account, MIDNIGHT)
    await list_now(home)
    await list_now(home)
    assert device(home, MIDNIGHT) is None
    assert not server.accepts(MIDNIGHT)
    assert server.status(MIDNIGHT) is None
    await until(lambda: home.state("sensor", "telemetry") == "connected")
