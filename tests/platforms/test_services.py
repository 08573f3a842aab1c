"""The actions: several cars at once, one of which fails, and what may be asked at all."""

import asyncio
from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service import async_get_all_descriptions
import pytest
import voluptuous as vol

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.device import vins_of
from tests.support.home import MIDNIGHT, PEARL, Home


@pytest.fixture
async def two_cars(home: Home) -> Home:
    """Two cars, plugged in and awake."""
    home.tesla.wake_with_charging_scope = True
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name, sleep_after=None).plug_in()
    await home.set_up()
    return home


async def both(home: Home, action: str, *, response: bool, **data: Any) -> Any:
    return await home.hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": [home.device_id(PEARL), home.device_id(MIDNIGHT)], **data},
        blocking=True,
        return_response=response,
    )


async def test_both_cars_obey_and_answer(two_cars: Home) -> None:
    answer = await both(two_cars, "set_charge_limit", response=True, percent=65)
    assert [(car["name"], car["outcome"]) for car in answer["vehicles"]] == [
        ("Pearl", "executed"),
        ("Midnight", "executed"),
    ]
    assert [car.snapshot().charge_limit for car in two_cars.cars.values()] == [65, 65]


@pytest.mark.parametrize("broken", [PEARL, MIDNIGHT])
async def test_a_car_that_fails_takes_nothing_from_the_other_and_its_outcome(
    two_cars: Home, broken: str
) -> None:
    two_cars.cars[broken].keychain.remove(two_cars.key.public_key)
    answer = await both(two_cars, "set_charge_limit", response=True, percent=65)
    outcomes = {car["device_id"]: car for car in answer["vehicles"]}
    failed = outcomes.pop(two_cars.device_id(broken))
    assert (failed["outcome"], failed["reason"]) == ("failed", "key_not_paired")
    assert "virtual key" in failed["message"]
    (other,) = outcomes.values()
    assert (other["outcome"], other["reason"], other["message"]) == ("executed", "", "")
    (car,) = (car for vin, car in two_cars.cars.items() if vin != broken)
    assert car.snapshot().charge_limit == 65


async def test_without_response_a_car_that_fails_is_an_error_that_names_it(two_cars: Home) -> None:
    two_cars.cars[MIDNIGHT].keychain.remove(two_cars.key.public_key)
    with pytest.raises(HomeAssistantError) as caught:
        await both(two_cars, "set_charge_limit", response=False, percent=65)
    assert caught.value.translation_key == "cars_failed"
    assert "1 of 2" in str(caught.value)
    assert "Midnight: The car does not know the virtual key" in str(caught.value)
    assert "Pearl" not in str(caught.value)
    assert two_cars.cars[PEARL].snapshot().charge_limit == 65


@pytest.mark.parametrize("response", [True, False])
async def test_when_all_cars_fail_it_is_an_error_with_or_without_response(
    two_cars: Home, response: bool
) -> None:
    for car in two_cars.cars.values():
        car.keychain.remove(two_cars.key.public_key)
    with pytest.raises(HomeAssistantError) as caught:
        await both(two_cars, "set_charge_limit", response=response, percent=65)
    assert "2 of 2" in str(caught.value)
    assert "Pearl: " in str(caught.value)
    assert "Midnight: " in str(caught.value)


@pytest.mark.parametrize("response", [True, False])
async def test_a_single_car_that_fails_is_its_own_error(two_cars: Home, response: bool) -> None:
    two_cars.car.keychain.remove(two_cars.key.public_key)
    with pytest.raises(HomeAssistantError) as caught:
        await two_cars.hass.services.async_call(
            DOMAIN,
            "stop_charging",
            {"device_id": two_cars.device_id()},
            blocking=True,
            return_response=response,
        )
    assert caught.value.translation_key == "key_not_paired"


async def test_a_car_that_refuses_is_an_error_without_and_an_outcome_with_response(
    two_cars: Home,
) -> None:
    two_cars.cars[MIDNIGHT].unplug()
    await both(two_cars, "stop_charging", response=True)
    with pytest.raises(HomeAssistantError) as caught:
        await both(two_cars, "start_charging", response=False)
    assert "Midnight: The car is not plugged in" in str(caught.value)
    answer = await both(two_cars, "start_charging", response=True)
    assert [car["outcome"] for car in answer["vehicles"]] == ["already", "refused"]
    assert answer["vehicles"][1]["reason"] == "disconnected"
    assert answer["vehicles"][1]["message"] == "The car is not plugged in"


async def test_the_same_car_named_twice_is_one_command(two_cars: Home) -> None:
    device = two_cars.device_id()
    await two_cars.act("set_charge_limit", percent=65, device_id=[device, device])
    assert len(two_cars.car.commands) == 1


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("set_charge_limit", {}),
        ("set_charge_limit", {"percent": 49}),
        ("set_charge_limit", {"percent": 101}),
        ("set_charge_limit", {"percent": "much"}),
        ("set_charge_limit", {"percent": float("nan")}),
        ("set_charge_limit", {"percent": float("inf")}),
        ("set_charge_limit", {"percent": None}),
        ("set_charge_limit", {"percent": [70]}),
        ("set_charge_limit", {"percent": 1e300}),
        ("set_charging_current", {"current": -1}),
        ("set_charging_current", {"current": 81}),
        ("start_charging", {"percent": 70}),
        ("start_charging", {"device_id": []}),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused_before_it_costs_anything(
    two_cars: Home, action: str, data: dict[str, Any]
) -> None:
    two_cars.tesla.billing.reset()
    with pytest.raises(vol.Invalid):
        await two_cars.act(action, **data)
    assert two_cars.tesla.billing.requests == []


async def test_a_device_that_is_no_car_is_named(two_cars: Home) -> None:
    with pytest.raises(ServiceValidationError):
        await two_cars.act("start_charging", device_id="no such device")


async def test_the_account_is_offered_by_no_action_and_is_not_a_car(two_cars: Home) -> None:
    home = two_cars
    assert home.entry is not None
    devices = dr.async_entries_for_config_entry(dr.async_get(home.hass), home.entry.entry_id)
    (account,) = (device for device in devices if not vins_of(device))
    with pytest.raises(ServiceValidationError) as refused:
        await home.act("start_charging", device_id=account.id)
    assert refused.value.translation_key == "not_a_car"
    for name, action in (await async_get_all_descriptions(home.hass))[DOMAIN].items():
        if "device_id" not in action["fields"]:  # it is about the home
            continue
        (wanted,) = action["fields"]["device_id"]["selector"]["device"]["filter"]
        offered = {d.name for d in devices if d.manufacturer == wanted["manufacturer"]}
        assert offered == {"Pearl", "Midnight"}, name


async def test_a_car_of_an_unloaded_account_is_an_explained_error(two_cars: Home) -> None:
    assert two_cars.entry is not None
    device = two_cars.device_id()
    assert await two_cars.hass.config_entries.async_unload(two_cars.entry.entry_id)
    with pytest.raises(ServiceValidationError):
        await two_cars.act("start_charging", device_id=device)


async def test_actions_on_two_cars_run_side_by_side(two_cars: Home) -> None:
    two_cars.tesla.faults.delay(0.5, "signed_command", times=2)
    started = asyncio.get_running_loop().time()
    await both(two_cars, "stop_charging", response=True)
    assert asyncio.get_running_loop().time() - started < 0.95
