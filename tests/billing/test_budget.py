"""The month's budget, from the first request to the last cent; the simulated Tesla's bill is the witness."""

import asyncio
import gc

from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.tesla_charging.const import DOMAIN
from simulator import Quirk
from tests.support.calendar import Calendar, march
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.polling import coordinator
from tests.support.sign_in import expire
from tests.support.spending import WAKE, command, spend, stage, told


@pytest.fixture
def calendar(home: Home, monkeypatch: pytest.MonkeyPatch) -> Calendar:
    """It is the tenth of March, noon."""
    return Calendar(home, monkeypatch)


@pytest.fixture
async def dated_home(calendar: Calendar, home: Home) -> Home:
    """A home with a car that is awake and plugged in, and polled."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=80).plug_in()
    await home.set_up()
    return home


def limit_of(home: Home) -> int:
    """Return the charge limit that the car itself has."""
    return home.car.snapshot().charge_limit


# -- the wall ---------------------------------------------------------------------------------------------


async def test_two_hundred_commands_at_once_do_not_exceed_the_budget(
    calendar: Calendar, home: Home
) -> None:
    home.tesla.wake_with_charging_scope = True
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name, sleep_after=None)
    await home.set_up(budget=0.02)

    # of commands for the same thing at once only the last is sent: each car gets one after the other
    async def storm(vin: str) -> list[str | None]:
        return [await command(home, 50 + n % 45, vin=vin) for n in range(100)]

    outcomes = [
        outcome for of_car in await asyncio.gather(*map(storm, home.cars)) for outcome in of_car
    ]
    assert 0.01 < home.tesla.billing.cost() <= 0.02
    assert {"", "over_budget_automation"} <= set(outcomes)
    assert set(outcomes) <= {"", "over_budget_automation", "too_often_told"}


async def test_a_storm_by_hand_ends_at_the_amount_itself(
    calendar: Calendar, home: Home, hass_admin_user: User
) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up(budget=0.02)
    outcomes = [await command(home, 50 + n % 45, hass_admin_user) for n in range(100)]
    assert {"", "over_budget"} <= set(outcomes)
    # a command, and what is left is less than another one
    assert 0.019 < home.tesla.billing.cost() <= 0.02
    assert stage(home) == "spent"


# -- who may ----------------------------------------------------------------------------------------------


async def test_the_last_of_it_is_for_commands_by_hand(
    dated_home: Home, hass_admin_user: User
) -> None:
    home = dated_home
    spend(home, 9.1)
    assert await command(home, 61) == "over_budget_automation"
    assert await command(home, 61, hass_admin_user) == ""
    assert limit_of(home) == 61
    spend(home, 9.5)
    assert await command(home, 62, hass_admin_user) == "over_budget"
    assert limit_of(home) == 61


@pytest.mark.parametrize("signed", [True, False])
async def test_charging_can_be_stopped_whatever_the_month_has_cost(
    calendar: Calendar, home: Home, signed: bool
) -> None:
    home.tesla.wake_with_charging_scope = True
    protocol = "supported" if signed else "not_supported"
    vin = PEARL if signed else "5YJSA1E20HF000303"
    car = home.add_car(vin, "Pearl", protocol=protocol, sleep_after=None, battery_level=50)
    car.plug_in()
    await home.set_up(budget=0)
    assert stage(home) == "spent"
    assert car.snapshot().charging_state == "Charging"
    await home.act("stop_charging", force=True)  # as an automation does
    assert car.snapshot().charging_state == "Stopped"
    with pytest.raises(HomeAssistantError, match="budget") as refused:
        await home.act("start_charging", force=True)
    # not "by hand": that would be refused, too
    assert refused.value.translation_key == "over_budget"
    assert car.snapshot().charging_state == "Stopped"


async def test_a_charge_that_was_stopped_draws_nothing_though_no_request_confirms_it(
    calendar: Calendar, home: Home
) -> None:
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=50)
    car.plug_in()
    await home.set_up()
    assert home.state("sensor", "charge_power") == "11.04"
    spend(home, 9.5)
    asked = home.tesla.billing.count("data")
    home.tesla.clock.advance(1)
    await home.act("stop_charging", force=True)
    await home.hass.async_block_till_done()
    assert home.state("sensor", "charging_state") == "stopped"
    assert home.state("sensor", "charge_power") == "0"
    assert home.tesla.billing.count("data") == asked
    # also after a restart
    await home.restart()
    assert home.state("sensor", "charging_state") == "stopped"
    assert home.state("sensor", "charge_power") == "0"


async def test_a_sleeping_car_is_woken_only_for_whom_it_is_paid_for(
    dated_home: Home, hass_admin_user: User
) -> None:
    home = dated_home
    home.car.sleep()
    await home.poll()
    spend(home, 9.1)
    assert await command(home, 61) == "over_budget_automation"
    assert home.tesla.billing.count("wake") == 0
    # right after it, a person does not get the automation's refusal
    assert await command(home, 61, hass_admin_user) == ""
    assert home.tesla.billing.count("wake") == 1
    assert limit_of(home) == 61


async def start_charging(home: Home, user: User) -> None:
    """Turn the switch on."""
    await home.hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": home.entity_id("switch", "charging")},
        blocking=True,
        context=Context(user_id=user.id),
    )


async def wake(home: Home, user: User | None = None) -> str:
    """Press Wake up; return what went wrong, or nothing."""
    try:
        await home.hass.services.async_call(
            "button",
            "press",
            {"entity_id": home.entity_id("button", "wake_up")},
            blocking=True,
            context=Context(user_id=user.id) if user else None,
        )
    except HomeAssistantError as err:
        return err.translation_key or type(err).__name__
    return ""


async def test_a_person_who_waits_behind_an_automation_does_not_share_its_refusal(
    dated_home: Home, hass_admin_user: User
) -> None:
    home = dated_home
    home.car.sleep()
    await home.poll()
    spend(home, 9.1)
    home.tesla.faults.delay_answer(0.4, f"/vehicles/{PEARL}", method="GET")
    device = {"device_id": home.device_id()}
    refused = asyncio.create_task(
        home.hass.services.async_call(DOMAIN, "wake_up", device, blocking=True)
    )
    await asyncio.sleep(0.1)
    await home.hass.services.async_call(
        DOMAIN, "wake_up", device, blocking=True, context=Context(user_id=hass_admin_user.id)
    )
    with pytest.raises(HomeAssistantError) as caught:
        await refused
    assert caught.value.translation_key == "over_budget_automation"
    assert home.tesla.billing.count("wake") == 1
    assert home.car.state == "online"


@pytest.mark.parametrize("asleep", [True, False])
async def test_a_later_wish_that_is_not_paid_for_replaces_nothing(
    dated_home: Home, hass_admin_user: User, asleep: bool
) -> None:
    home = dated_home
    if asleep:
        home.car.sleep()
        await home.poll()
    spend(home, 9.1)
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.3, times=1)
    other = asyncio.create_task(start_charging(home, hass_admin_user))
    await asyncio.sleep(0.05)
    first = asyncio.create_task(command(home, 61, hass_admin_user))
    await asyncio.sleep(0.05)
    assert await command(home, 62) == "over_budget_automation"
    assert await first == ""
    await other
    assert limit_of(home) == 61


@pytest.mark.parametrize(("pays_for", "limit_is"), [(1.5, 80), (2.5, 61), (3.5, 63)])
async def test_a_wish_is_not_lost_because_the_money_ends_before_the_later_one_has_its_turn(
    dated_home: Home, hass_admin_user: User, pays_for: float, limit_is: int
) -> None:
    """Another thing is commanded in between, and uses it up; the first command opens a session, which costs as much."""
    home = dated_home
    home.car.sleep()
    await home.poll()
    spend(home, 9.5 - WAKE - pays_for / 1000)
    limit = asyncio.create_task(command(home, 61, hass_admin_user))
    await asyncio.sleep(0.02)
    switch = asyncio.create_task(start_charging(home, hass_admin_user))
    await asyncio.sleep(0.02)
    others = [asyncio.create_task(command(home, 62 + n, hass_admin_user)) for n in range(2)]
    await asyncio.gather(limit, switch, *others, return_exceptions=True)
    assert limit_of(home) == limit_is
    assert home.tesla.billing.cost() <= 9.5


async def test_a_stopped_script_leaves_no_stack_of_its_wake_up_in_the_log(
    dated_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = dated_home
    home.car.sleep()
    await home.poll()
    home.tesla.faults.delay(0.3, "wake_up")
    home.tesla.faults.status(400, "wake_up")
    waking = asyncio.create_task(wake(home))
    await asyncio.sleep(0.1)
    waking.cancel()
    await asyncio.gather(waking, return_exceptions=True)
    await asyncio.sleep(0.4)
    await home.settle()
    gc.collect()
    await home.settle()
    assert home.tesla.billing.count(path_contains="wake_up") == 1
    assert [r.getMessage() for r in caplog.records if r.exc_info and r.levelname != "DEBUG"] == []
    assert "never retrieved" not in caplog.text


async def test_a_refused_poll_does_not_bring_an_old_value_back(
    dated_home: Home, hass_admin_user: User
) -> None:
    """A poll waits for a token while a limit is set, and is refused then."""
    home = dated_home
    spend(home, 8.12)
    assert await command(home, 60, hass_admin_user) == ""
    data = home.tesla.billing.count(path_contains="vehicle_data")
    home.tesla.faults.delay_answer(0.6, "signed_command")
    home.tesla.faults.delay_answer(0.2, f"vehicles/{PEARL}", method="GET")
    home.tesla.faults.delay(1.2, "/token")
    setting = asyncio.create_task(command(home, 61, hass_admin_user))
    await asyncio.sleep(0.1)
    coordinator(home).confirmation.wanted = True
    coordinator(home).confirmation.record_poll()
    coordinator(home).confirmation.wanted = True
    polling = asyncio.create_task(home.poll())
    await asyncio.sleep(0.1)
    expire(home)
    assert await setting == ""
    assert home.state("number", "charge_limit") == "61"
    await polling
    assert home.tesla.billing.count(path_contains="vehicle_data") == data
    assert home.state("number", "charge_limit") == "61"


async def test_data_are_refused_to_automations_first_and_to_a_person_last(
    dated_home: Home, hass_admin_user: User
) -> None:
    home = dated_home
    spend(home, 8.12)

    async def refresh(user: User | None = None) -> str:
        try:
            await home.hass.services.async_call(
                "button",
                "press",
                {"entity_id": home.entity_id("button", "refresh")},
                blocking=True,
                context=Context(user_id=user.id) if user else None,
            )
        except HomeAssistantError as err:
            return err.translation_key or "?"
        return ""

    data = home.tesla.billing.count("data")
    assert await refresh() == "over_budget_refresh"
    assert home.tesla.billing.count("data") == data
    assert await refresh(hass_admin_user) == ""
    assert home.tesla.billing.count("data") == data + 1
    # nobody pays for what comes by itself, also after a person has asked
    await home.poll()
    assert home.tesla.billing.count("data") == data + 1


@pytest.mark.soak
@pytest.mark.ci
async def test_an_automation_that_commands_every_minute_of_the_month(
    calendar: Calendar, home: Home, hass_admin_user: User
) -> None:
    """It gets through again and again until the last day, a person always, and the bill stays in the budget."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up(budget=1)
    await calendar.go_to(march(1, 0, month=4))
    home.tesla.billing.reset()
    through: list[int] = []
    for day in range(1, 31):
        through.append(0)
        for hour in range(0, 24, 6):
            await calendar.go_to(march(day, hour, month=4))
            for minute in range(10):
                percent = 50 + (hour + minute + day) % 40
                through[-1] += await command(home, percent) == ""
    assert home.tesla.billing.cost() <= 1 + WAKE
    assert min(through) > 0
    assert sum(through) > 300
    assert await command(home, 99, hass_admin_user) == ""
    assert limit_of(home) == 99


async def test_an_amount_of_nothing_sends_nothing_that_is_billed(home: Home) -> None:
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up(budget=0)
    assert stage(home) == "spent"
    assert told(home) == ["budget_spent"]
    await home.poll()
    assert home.tesla.billing.cost() == 0
    # what is free goes on
    assert home.state("binary_sensor", "awake") == "on"


async def test_an_entry_of_before_has_the_default(charging_home: Home) -> None:
    shown = charging_home.account_state("budget")
    assert shown.state == "normal"
    assert (shown.attributes["limit"], shown.attributes["currency"]) == (9.5, "EUR")
    assert shown.attributes["left"] == pytest.approx(9.5, abs=0.02)


# -- stages -----------------------------------------------------------------------------------------------

STAGES = [
    (3.7, "slower"),
    (5.6, "fewer_fields"),
    (8.12, "no_refresh"),
    (9.04, "by_hand"),
    (9.52, "spent"),
]


@pytest.mark.parametrize(("amount", "expected"), STAGES)
async def test_each_stage_is_shown_told_and_left_when_the_month_turns(
    calendar: Calendar,
    dated_home: Home,
    caplog: pytest.LogCaptureFixture,
    amount: float,
    expected: str,
) -> None:
    home = dated_home
    assert (stage(home), told(home)) == ("normal", [])
    spend(home, amount)
    shown = home.account_state("budget")
    assert (shown.state, shown.attributes["until"]) == (expected, "2030-04-01")
    # what goes by itself is shown, and no repair
    issues = [] if expected in {"slower", "fewer_fields"} else [f"budget_{expected}"]
    assert told(home) == issues
    logged = [r.getMessage() for r in caplog.records if "Budget of" in r.getMessage()]
    assert sum(f": {expected}" in line for line in logged) == 1
    # also after a restart
    await home.restart()
    assert (stage(home), told(home)) == (expected, issues)
    await calendar.go_to(march(1, 0, month=4))
    assert (stage(home), told(home)) == ("normal", [])
    data = home.tesla.billing.count("data")
    await calendar.go_to(march(1, 2, month=4))
    assert home.tesla.billing.count("data") > data
    assert await command(home, 61) == ""
