"""Pushed values and the budget: fewer of them, none, and all of them again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from custom_components.tesla_charging.fleet_telemetry.fields import ESSENTIAL
from tests.support.calendar import BillingCalendar, march
from tests.support.home import CLIENT_ID, HOME_DOMAIN, PEARL, Home
from tests.support.spending import WAKE, command, spend, stage
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until


@pytest.fixture
def calendar(home: Home, monkeypatch: pytest.MonkeyPatch) -> BillingCalendar:
    """It is the tenth of March, for the bill."""
    return BillingCalendar(home, monkeypatch)


@pytest.fixture
async def streaming_home(calendar: BillingCalendar, home: Home) -> AsyncIterator[Home]:
    """A home whose car is awake, plugged in, charging, and connected."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20).plug_in()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: connected(home))
    yield home
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


def connected(home: Home) -> bool:
    return home.state("sensor", "telemetry") == "connected"


def fields(home: Home) -> set[str] | None:
    """Return which fields Tesla has the car push; None for no configuration at all."""
    held = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    return None if held is None else set(held.fields)


def signals(home: Home) -> int:
    return home.tesla.billing.count("streaming")


async def test_cars_push_fewer_values_when_money_gets_short_and_all_again(
    calendar: BillingCalendar, streaming_home: Home
) -> None:
    home = streaming_home
    before = fields(home)
    assert before is not None
    assert before > set(ESSENTIAL)
    spend(home, 5)
    assert stage(home) == "fewer_fields"
    await until(lambda: fields(home) == set(ESSENTIAL))
    await until(lambda: connected(home))
    # what nobody tells any more is not shown as if it were of now, from the next look on
    await calendar.go_to(march(11))
    await until(lambda: home.state("sensor", "charge_voltage") == "unknown")
    assert home.state("sensor", "charging_state") == "charging"
    # time passes, and the pace fits again
    await calendar.go_to(march(27))
    assert stage(home) in {"normal", "slower"}
    await until(lambda: fields(home) == before)
    await until(lambda: home.state("sensor", "charge_voltage") == "230")


async def test_without_money_cars_are_turned_away_and_come_back_with_the_month(
    calendar: BillingCalendar, streaming_home: Home
) -> None:
    home = streaming_home
    before = fields(home)
    spend(home, 8.12)
    assert stage(home) == "no_refresh"
    assert not connected(home)
    await until(lambda: home.state("sensor", "telemetry_problem") == "budget")
    await until(lambda: fields(home) is None)
    await home.settle()
    pushed = signals(home)
    home.car.unplug()
    await asyncio.sleep(1)
    assert signals(home) == pushed
    # also after a restart
    await home.restart()
    await asyncio.sleep(1)
    assert (stage(home), fields(home), signals(home)) == ("no_refresh", None, pushed)
    assert await command(home, 63) == ""
    await calendar.go_to(march(1, 0, month=4))
    await until(lambda: fields(home) == before)
    await until(lambda: connected(home))
    await until(lambda: home.state("sensor", "charging_state") == "disconnected")
    assert home.state("sensor", "telemetry_problem") == "none"


async def test_a_flood_of_pushes_ends_at_the_wall(
    calendar: BillingCalendar, streaming_home: Home
) -> None:
    home = streaming_home
    spend(home, 8.06)
    telemetry = home.tesla.telemetry(PEARL)
    for _ in range(400):
        if stage(home) == "no_refresh":
            break
        telemetry.flood(2000)
        await asyncio.sleep(0.3)
    assert stage(home) == "no_refresh"
    await until(lambda: fields(home) is None)
    await home.settle()
    assert float(home.account_state("cost_this_month").state) <= 8.075 + WAKE
    home.witness.streams_elsewhere = True  # a simulated flood is on no bill
    # what is left is for commands
    assert await command(home, 63) == ""


async def test_more_money_brings_every_stream_back_at_once(
    calendar: BillingCalendar, streaming_home: Home
) -> None:
    home = streaming_home
    before = fields(home)
    spend(home, 9.52)
    assert stage(home) == "spent"
    # which the amount does not pay for any more, and is sent all the same: once for each car
    await until(lambda: fields(home) is None)
    assert home.tesla.billing.cost() <= 9.52 + WAKE
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, options={**home.entry.options, "budget": 40}
    )
    await home.restart()
    await until(lambda: fields(home) == before)
    await until(lambda: connected(home))
    assert stage(home) == "normal"


async def test_a_configuration_that_cannot_be_taken_back_is_tried_again_the_next_day(
    calendar: BillingCalendar, streaming_home: Home
) -> None:
    home = streaming_home
    home.tesla.faults.status(500, "fleet_telemetry_config", times=None)
    spend(home, 8.12)
    await home.settle()
    assert fields(home) is not None
    # turned away all the same
    assert not connected(home)
    pushed = signals(home)
    home.tesla.faults.rules.clear()
    await calendar.go_to(march(11))
    await home.settle()
    assert fields(home) is not None
    assert signals(home) == pushed
    await home.restart()
    await until(lambda: fields(home) is None)
