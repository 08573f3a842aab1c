"""Asking through the front door: when the coordinator looks again, what it remembers, and what a budget leaves."""

import json
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.tesla_charging.const import CONFIRM_DELAY, DOMAIN, STATE_INTERVAL
from custom_components.tesla_charging.diagnostics import async_get_config_entry_diagnostics
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.polling import HOUR, STEP, coordinator, data_requests, live

MINUTE = 60.0


def asked(home: Home) -> int:
    """Return how often a car was asked for its data; `data_requests` also counts other questions to Tesla."""
    return sum(line.path.endswith("vehicle_data") for line in home.tesla.billing.requests)


async def test_the_end_of_a_charge_is_noticed_within_two_minutes(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", battery_level=72, charge_limit=80)
    car.plug_in()
    await home.set_up()
    for _ in range(120):
        await live(home, MINUTE)
        if car.snapshot().charging_state == "Complete":
            break
    await live(home, 2 * MINUTE)
    assert home.state("sensor", "charging_state") == "complete"
    before = data_requests(home)
    await live(home, 29 * MINUTE)
    assert data_requests(home) == before, "it may fall asleep now"
    assert car.state == "asleep"


async def test_a_car_that_wakes_up_is_asked_and_then_left_alone(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=12 * MINUTE)
    car.sleep()
    await home.set_up()
    await live(home, HOUR)
    assert asked(home) == 0
    car.wake()
    await live(home, STEP + 10)
    assert asked(home) == 1
    await live(home, 2 * HOUR)
    assert asked(home) == 1
    assert car.state == "asleep"


async def test_when_a_car_is_used_survives_a_restart_and_leaves_the_house_nowhere(
    turned_clock: Home, hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl")
    car.sleep()
    await home.set_up()
    await live(home, STEP)
    car.wake()
    await live(home, 2 * STEP)
    learnt = coordinator(home).observations.usage_pattern
    assert len(learnt.uses) == 1
    assert home.entry is not None
    told = json.dumps(await async_get_config_entry_diagnostics(hass, home.entry), default=str)
    assert "habits" not in told
    assert "is_user_present" in told
    await home.restart()
    remembered = coordinator(home).observations.usage_pattern
    assert remembered.uses == learnt.uses
    assert remembered.since == pytest.approx(learnt.since, abs=1)
    # whoever damages the file loses the habits, and nothing else
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    hass_storage[f"{DOMAIN}.{home.entry.entry_id}.states"]["data"][PEARL]["habits"] = ["rubbish"]
    home.forget_run()
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert coordinator(home).observations.usage_pattern.uses == {}
    assert home.state("sensor", "battery_level") == "62"


async def test_a_spent_budget_stops_all_questions_but_those_that_a_command_needs(
    turned_clock: Home,
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", battery_level=20).plug_in()
    await home.set_up()
    coordinator(home).observations.stretch = lambda: float("inf")
    home.tesla.billing.reset()
    await live(home, 2 * HOUR)
    assert data_requests(home) == 0
    assert home.state("binary_sensor", "awake") == "on", "which is told for nothing"
    await home.act("set_charge_limit", percent=70)
    home.tesla.clock.advance(CONFIRM_DELAY.total_seconds())
    await coordinator(home)._confirm()
    assert data_requests(home) == 1
    assert home.state("number", "charge_limit") == "70"


async def test_the_next_question_and_its_reason_are_in_the_diagnostics(
    turned_clock: Home, hass: HomeAssistant
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", battery_level=20).plug_in()
    entry = await home.set_up()
    told = (await async_get_config_entry_diagnostics(hass, entry))["cars"][0]["next_question"]
    assert told["why"] == "charging"
    assert told["stretch"] == 1.0
    coordinator(home).observations.stretch = lambda: float("inf")
    await live(home, STEP)
    told = (await async_get_config_entry_diagnostics(hass, entry))["cars"][0]["next_question"]
    assert (told["why"], told["in"]) == ("budget", None)


async def test_every_car_is_looked_at_at_seconds_of_its_own(turned_clock: Home) -> None:
    home = turned_clock
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name).sleep()
    await home.set_up()
    waits = []
    for vin in (PEARL, MIDNIGHT):
        await coordinator(home, vin).async_refresh()
        wait = coordinator(home, vin).update_interval
        assert wait is not None
        waits.append(wait.total_seconds())
    assert abs(waits[0] - waits[1]) > 1
    assert all(0 < wait <= STATE_INTERVAL.total_seconds() + 10 for wait in waits)


async def test_a_failure_is_tried_again_with_the_next_look_and_not_at_once(
    turned_clock: Home,
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up()
    for path in (f"vehicles/{PEARL}", "vehicle_data"):
        home.tesla.faults.status(503, path, method="GET", times=None)
        coordinator(home).observations.polled_at = None
        await coordinator(home).async_refresh()
        wait = coordinator(home).update_interval
        assert wait is not None
        assert 10 <= wait.total_seconds() <= STATE_INTERVAL.total_seconds() + 10


async def test_a_question_that_did_not_get_through_is_put_again_soon(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    home.tesla.faults.status(500, "vehicle_data")
    await home.set_up()
    assert home.state("sensor", "battery_level") == "unavailable"
    await live(home, 2 * STEP)
    assert home.state("sensor", "battery_level") == "62"
    assert asked(home) == 2


async def test_a_command_is_confirmed_also_if_the_first_question_fails(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up()
    await home.act("set_charge_limit", percent=70)
    home.tesla.faults.status(500, "vehicle_data")
    home.tesla.clock.advance(CONFIRM_DELAY.total_seconds())
    await coordinator(home)._confirm()
    assert coordinator(home).data.assumed
    await live(home, 2 * STEP)
    assert not coordinator(home).data.assumed


@pytest.mark.parametrize(("charges", "most"), [(False, 55), (True, 250)])
@pytest.mark.soak
@pytest.mark.ci
async def test_a_day_of_failures_is_no_storm(turned_clock: Home, charges: bool, most: int) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", battery_level=20, sleep_after=None)
    if charges:
        car.plug_in()
    await home.set_up()
    # also if Tesla says that it may be asked at once again
    home.tesla.faults.status(429, "vehicle_data", times=None, headers={"Retry-After": "0"})
    before = asked(home)
    await live(home, 24 * HOUR)
    assert asked(home) - before <= most


async def test_a_parked_car_writes_no_state_because_of_when_it_is_asked(
    turned_clock: Home, hass: HomeAssistant
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").sleep()
    await home.set_up()
    events = async_capture_events(hass, "state_changed")
    await live(home, HOUR)
    assert events == []


@pytest.mark.parametrize(("degrees", "least", "most"), [(2.0, 30, 32), (0.3, 18, 21)])
async def test_a_car_on_its_way_is_not_asked_before_it_can_be_at_home(
    turned_clock: Home, degrees: float, least: float, most: float
) -> None:
    home = turned_clock
    latitude, longitude = home.hass.config.latitude, home.hass.config.longitude
    car = home.add_car(PEARL, "Pearl", home=(latitude, longitude))
    car.drive_away(latitude + degrees, longitude, speed_mph=4_000)
    home.tesla.clock.advance(HOUR)
    car.drive_away(latitude, longitude, speed_mph=1)
    await home.set_up(location=True)
    plan = coordinator(home).observations.decision
    assert plan is not None
    assert plan.reason == "driving"
    assert least * MINUTE <= plan.at - home.tesla.clock.now() <= most * MINUTE
