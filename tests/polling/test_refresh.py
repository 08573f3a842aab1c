"""A refresh by hand: of now, once for everybody who asks at once, honest about a sleeping car, and with its price."""

import asyncio
import gc
import json
from pathlib import Path

from homeassistant.auth.models import User
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_api import PRICES, Category
from custom_components.tesla_charging.polling import timers
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.repairs import issue_of

ROOT = Path(__file__).parents[2]
PRICE = f"{PRICES[Category.DATA]:.3f}"
WAKE_PRICE = f"{PRICES[Category.WAKE]:.2f}"


def asked(home: Home) -> int:
    return home.tesla.billing.count("data")


async def press(home: Home, key: str) -> None:
    await home.hass.services.async_call(
        "button", "press", {ATTR_ENTITY_ID: home.entity_id("button", key)}, blocking=True
    )


@pytest.fixture
async def polled_home(charging_home: Home) -> Home:
    """A home that has just polled its car, and would not again for a while."""
    await charging_home.poll()
    charging_home.tesla.billing.reset()
    return charging_home


async def test_the_button_asks_now_though_polling_would_not_yet(polled_home: Home) -> None:
    home = polled_home
    home.tesla.clock.advance(30)
    home.car.unplug()
    await home.poll()
    assert (asked(home), home.state("binary_sensor", "plugged_in")) == (0, "on")
    await press(home, "refresh")
    assert (asked(home), home.state("binary_sensor", "plugged_in")) == (1, "off")


async def test_the_action_says_what_it_cost_and_when_the_car_measured(polled_home: Home) -> None:
    home = polled_home
    (car,) = (await home.act("refresh"))["vehicles"]
    assert (car["outcome"], car["price"]) == ("executed", PRICES[Category.DATA])
    assert car["measured_at"].endswith("+00:00")
    # a second look at the same moment is not paid for
    (car,) = (await home.act("refresh"))["vehicles"]
    assert (car["outcome"], car["price"], asked(home)) == ("executed", 0.0, 1)


async def test_waking_up_says_what_it_cost(charging_home: Home) -> None:
    home = charging_home
    assert (await home.act("wake_up"))["vehicles"][0]["price"] == 0.0
    home.car.sleep()
    assert (await home.act("wake_up"))["vehicles"][0]["price"] == PRICES[Category.WAKE]
    assert home.tesla.billing.count("wake") == 1


async def test_a_sleeping_car_is_left_asleep_and_it_is_said_how_to_wake_it(
    polled_home: Home,
) -> None:
    home = polled_home
    home.car.sleep()
    with pytest.raises(HomeAssistantError) as caught:
        await press(home, "refresh")
    assert caught.value.translation_key == "asleep_not_asked"
    assert WAKE_PRICE in str(caught.value)
    assert "Wake up" in str(caught.value)
    assert home.tesla.billing.cost() == 0
    assert (home.car.state, home.state("binary_sensor", "awake")) == ("asleep", "off")


async def test_a_car_that_falls_asleep_at_this_very_moment_is_no_success(polled_home: Home) -> None:
    home = polled_home
    home.tesla.faults.status(408, "vehicle_data", body={"error": "vehicle is offline or asleep"})
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("refresh")
    assert caught.value.translation_key == "asleep_not_asked"
    assert home.state("binary_sensor", "awake") == "off"


async def test_a_failed_refresh_tells_why_and_changes_nothing(polled_home: Home) -> None:
    home = polled_home
    home.tesla.faults.status(500, "vehicle_data")
    with pytest.raises(HomeAssistantError) as caught:
        await press(home, "refresh")
    assert caught.value.translation_key == "server_failure"
    assert home.state("sensor", "charging_state") == "charging"
    await press(home, "refresh")


async def test_many_at_once_share_one_request_and_its_failure(polled_home: Home) -> None:
    home = polled_home
    home.tesla.faults.status(500, "vehicle_data")
    done = await asyncio.gather(*(home.act("refresh") for _ in range(10)), return_exceptions=True)
    assert all(isinstance(result, HomeAssistantError) for result in done)
    assert asked(home) == 1
    done = await asyncio.gather(*(home.act("refresh") for _ in range(10)))
    assert sorted(answer["vehicles"][0]["price"] for answer in done) == [0.0] * 9 + [
        PRICES[Category.DATA]
    ]
    assert asked(home) == 2


async def update(home: Home, *entities: str) -> None:
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.hass.services.async_call(
        "homeassistant", "update_entity", {ATTR_ENTITY_ID: list(entities)}, blocking=True
    )


async def test_updating_all_entities_of_a_car_is_one_request(polled_home: Home) -> None:
    home = polled_home
    home.car.unplug()
    assert home.entry is not None
    entities = [
        entity.entity_id
        for entity in er.async_entries_for_config_entry(
            er.async_get(home.hass), home.entry.entry_id
        )
        if entity.disabled_by is None
    ]
    assert len(entities) > 20
    await update(home, *entities)
    assert (asked(home), home.state("binary_sensor", "plugged_in")) == (1, "off")


async def test_updating_an_entity_of_a_sleeping_car_is_free_and_no_failure(
    polled_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = polled_home
    home.car.sleep()
    await update(home, home.entity_id("sensor", "battery_level"))
    assert home.tesla.billing.cost() == 0
    assert home.car.state == "asleep"
    assert home.state("sensor", "battery_level") not in {"unavailable", "unknown"}
    assert [
        r for r in caplog.records if r.levelname in {"WARNING", "ERROR"} and DOMAIN in r.name
    ] == []


async def test_an_automation_that_updates_an_entity_without_end_has_a_limit(
    polled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = polled_home
    monkeypatch.setattr(timers, "FRESH_FOR", 0.0)
    for _ in range(40):
        await update(home, home.entity_id("sensor", "battery_level"))
    assert asked(home) == 30
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("refresh")
    assert caught.value.translation_key == "too_often_asked"


async def test_who_is_interrupted_leaves_the_question_to_the_next(polled_home: Home) -> None:
    """An automation that starts anew while it waits for a refresh."""
    home = polled_home
    home.tesla.faults.delay(0.1, "vehicle_data")
    first = asyncio.create_task(home.act("refresh"))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.gather(*(home.act("refresh") for _ in range(3)))
    assert asked(home) == 1


async def test_what_a_stopped_script_leaves_behind_fails_without_a_stack_in_the_log(
    polled_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = polled_home
    home.tesla.faults.delay(0.2, f"vehicles/{PEARL}")
    home.tesla.faults.status(500, "vehicle_data")
    tasks = [asyncio.create_task(home.act("refresh")) for _ in range(2)]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await home.settle()
    gc.collect()
    await home.settle()
    assert asked(home) == 1
    assert [r.getMessage() for r in caplog.records if r.exc_info and r.levelname != "DEBUG"] == []
    assert "never retrieved" not in caplog.text


async def test_a_user_does_not_share_the_refusal_of_an_automation(
    polled_home: Home, hass_admin_user: User
) -> None:
    """Both want the data at the same moment; the automation's limit is reached, the user's is not."""
    home = polled_home
    assert home.entry is not None
    for _ in range(30):
        home.entry.runtime_data.cars[PEARL]._rate_guard.count_data()
    home.tesla.faults.delay(0.2, f"vehicles/{PEARL}")

    async def press_refresh(user: User | None) -> str:
        try:
            await home.hass.services.async_call(
                "button",
                "press",
                {ATTR_ENTITY_ID: home.entity_id("button", "refresh")},
                blocking=True,
                context=Context(user_id=user.id if user else None),
            )
        except HomeAssistantError as err:
            return err.translation_key or "?"
        return ""

    automation = asyncio.create_task(press_refresh(None))
    await asyncio.sleep(0.1)
    users = [asyncio.create_task(press_refresh(hass_admin_user)) for _ in range(3)]
    assert await automation == "too_often_asked"
    assert await asyncio.gather(*users) == [""] * 3
    assert asked(home) == 1


async def test_a_question_that_is_refused_for_many_entities_is_one_refusal(
    polled_home: Home,
) -> None:
    home = polled_home
    assert home.entry is not None
    entities = [
        entity.entity_id
        for entity in er.async_entries_for_device(er.async_get(home.hass), home.device_id())
    ]
    assert len(entities) > 20
    car = home.entry.runtime_data.cars[PEARL]
    for _ in range(30):
        car._rate_guard.count_data()
    await update(home, *entities)
    assert asked(home) == 0
    issue = issue_of(home, "runaway_commands")
    assert (issue.translation_placeholders or {})["count"] == "1"


async def test_an_automation_does_not_count_as_the_person_who_set_it_off(
    polled_home: Home, hass_admin_user: User
) -> None:
    home = polled_home
    limit, level = (
        home.entity_id("number", "charge_limit"),
        home.entity_id("sensor", "battery_level"),
    )
    update_it = {"action": "homeassistant.update_entity", "data": {ATTR_ENTITY_ID: level}}
    automation = {"triggers": [{"trigger": "state", "entity_id": limit, "to": "77"}]}
    assert await async_setup_component(home.hass, "homeassistant", {})
    assert await async_setup_component(
        home.hass, "automation", {"automation": [{**automation, "actions": [update_it]}]}
    )
    assert home.entry is not None
    for _ in range(30):
        home.entry.runtime_data.cars[PEARL]._rate_guard.count_data()
    await home.hass.services.async_call(
        "number",
        "set_value",
        {ATTR_ENTITY_ID: limit, "value": 77},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await home.settle()
    state = home.hass.states.get("automation.automation_0")
    assert state is not None
    assert state.attributes["last_triggered"] is not None
    assert asked(home) == 0


async def test_each_car_is_asked_for_itself(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name, sleep_after=None)
    await home.set_up()
    await home.poll()
    home.cars[MIDNIGHT].sleep()
    home.tesla.billing.reset()
    answer = await home.act("refresh", device_id=[home.device_id(PEARL), home.device_id(MIDNIGHT)])
    assert [(car["name"], car["outcome"]) for car in answer["vehicles"]] == [
        ("Pearl", "executed"),
        ("Midnight", "failed"),
    ]
    assert answer["vehicles"][1]["reason"] == "asleep_not_asked"
    assert asked(home) == 1


# -- the price ---------------------------------------------------------------------------------------------


async def test_both_buttons_state_their_price(charging_home: Home) -> None:
    for key, category in (("wake_up", Category.WAKE), ("refresh", Category.DATA)):
        state = charging_home.hass.states.get(charging_home.entity_id("button", key))
        assert state is not None
        assert state.attributes["price"] == PRICES[category]


async def test_both_actions_state_their_price_from_the_one_table(charging_home: Home) -> None:
    words = json.loads(
        (ROOT / "custom_components" / DOMAIN / "translations" / "en.json").read_text()
    )["services"]
    assert "{wake_price}" in words["wake_up"]["description"]
    assert "{data_price}" in words["refresh"]["description"]
    services = charging_home.hass.services.async_services_for_domain(DOMAIN)
    for name in ("wake_up", "refresh"):
        placeholders = services[name].description_placeholders
        assert placeholders == {"data_price": PRICE, "wake_price": WAKE_PRICE}


@pytest.mark.parametrize(
    ("words", "price"),
    [
        ("wakes the car and waits until it is awake", WAKE_PRICE),
        ("asks for the car's data now", PRICE),
    ],
)
def test_the_pages_state_the_price_of_the_table(words: str, price: str) -> None:
    for page in ("entities.md", "actions.md"):
        lines = (ROOT / "docs" / page).read_text().splitlines()
        (line,) = [line for line in lines if words in line]
        assert f": ${price}" in line
