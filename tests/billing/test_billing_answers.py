"""What Tesla answers about money and haste: an unpaid bill, a used-up limit, a rate limit. Who asks then, and who waits."""

import asyncio
from collections.abc import Callable
import time

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.tesla_charging.fleet_api import AccountUnpaid, Category, Suspension
from custom_components.tesla_charging.fleet_api.suspension import RESTS
from tests.support.home import PEARL, Home
from tests.support.repairs import issue_of, told
from tests.support.waiting import until

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
STEP = 2 * MINUTE
DATA = "vehicle_data"


@pytest.fixture
async def turned(turned_clock: Home, home: Home) -> Home:
    """A car that never sleeps, and a home all of whose clocks, that of the client included, are turned by the test."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20).plug_in()
    entry = await home.set_up()
    entry.runtime_data.client._now = home.tesla.clock.now
    return home


async def live(home: Home, seconds: float, each: Callable[[], None] = lambda: None) -> None:
    """Let time pass, with every look at the car that the interval asks for."""
    for _ in range(round(seconds / STEP)):
        home.tesla.clock.advance(STEP)
        await home.poll()
        each()


def billed(home: Home) -> int:
    """Return how many requests went out that Tesla may bill."""
    return sum(line.category != "free" for line in home.tesla.billing.requests)


# -- an unpaid bill, a used-up limit -----------------------------------------------------------------------


async def test_while_everything_is_refused_nothing_that_bills_is_asked(turned: Home) -> None:
    home = turned
    home.tesla.exceed_billing_limit(home.application)
    home.tesla.billing.reset()
    await live(home, 12 * HOUR)
    assert billed(home) == 0
    assert told(home) == {"account_unpaid"}
    # the free state call goes on, and notices the end
    home.tesla.raise_billing_limit(home.application)
    await live(home, 2 * STEP)
    assert told(home) == set()
    assert home.state("sensor", "charging_state") in {"charging", "complete"}


async def test_where_only_what_is_billed_is_refused_it_is_tried_every_few_hours(
    turned: Home,
) -> None:
    home = turned
    shown: set[str] = set()
    await live(home, 10 * MINUTE)
    home.tesla.faults.status(402, DATA, times=None)
    home.tesla.billing.reset()
    await live(home, 12 * MINUTE)  # a charging car is asked every ten at least
    await live(home, DAY, lambda: shown.add(home.state("sensor", "charging_state")))
    # not there, not there, there, not there: an automation could not stand it
    assert shown == {"unavailable"}
    assert home.tesla.billing.count(path_contains=DATA) <= 10
    # free answers meanwhile do not say that it is over
    assert told(home) == {"account_unpaid"}
    home.tesla.faults.clear()
    await live(home, RESTS[-1] + HOUR)
    assert told(home) == set()
    assert home.state("sensor", "charging_state") in {"charging", "complete"}


async def test_a_single_refusal_costs_minutes_not_hours(turned: Home) -> None:
    home = turned
    home.tesla.clock.advance(10 * MINUTE)
    home.tesla.faults.status(402, DATA)
    await home.poll()
    await live(home, 10 * MINUTE)
    assert home.state("sensor", "charging_state") in {"charging", "complete"}
    assert told(home) == set()


async def test_a_command_and_a_refresh_by_hand_are_tried_all_the_same(turned: Home) -> None:
    home = turned
    home.tesla.faults.status(402, "", times=None)
    await live(home, HOUR)
    home.tesla.billing.reset()
    for action, data in (("set_charge_limit", {"percent": 70}), ("refresh", {})):
        with pytest.raises(HomeAssistantError) as caught:
            await home.act(action, **data)
        assert caught.value.translation_key == "account_unpaid"
    assert home.tesla.billing.count("command") == 1
    assert told(home) == {"account_unpaid"}
    # what is served by hand shows that it is over, for polling too
    home.tesla.faults.clear()
    await home.act("set_charge_limit", percent=71)
    assert told(home) == set()
    home.tesla.billing.reset()
    await live(home, 10 * MINUTE)
    assert home.tesla.billing.count(path_contains=DATA) >= 1


async def test_the_issue_says_what_teslas_mails_mean_and_what_to_do(turned: Home) -> None:
    home = turned
    home.tesla.exceed_billing_limit(home.application)
    await live(home, 3 * STEP)
    issue = issue_of(home, "account_unpaid")
    assert issue.is_fixable
    assert issue.severity is ir.IssueSeverity.ERROR
    assert (issue.translation_placeholders or {})["next_month"].endswith("-01")


async def test_telemetry_that_tesla_took_away_is_put_back_at_the_first_success(
    streaming_home: Home, turned_clock: Home
) -> None:
    home = streaming_home
    home.tesla.exceed_billing_limit(home.application)
    await until(lambda: home.state("sensor", "telemetry") != "connected")
    for _ in range(3):
        home.tesla.clock.advance(STEP)
        await home.poll()
    assert told(home) == {"account_unpaid"}
    home.tesla.billing.reset()
    home.tesla.raise_billing_limit(home.application)
    assert home.tesla.telemetry(home.car.vin).config(home.application.client_id) is None
    home.tesla.clock.advance(STEP)
    await home.poll()
    assert told(home) == set()
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config_jws") == 1


async def test_a_reload_does_not_forget_that_tesla_refuses(turned: Home) -> None:
    home = turned
    home.tesla.faults.status(402, DATA, times=None)
    await live(home, HOUR)
    home.tesla.billing.reset()
    await home.restart()
    assert home.tesla.billing.count(path_contains=DATA) == 0


# -- how long it rests -------------------------------------------------------------------------------------


def test_the_rest_grows_to_hours_and_is_not_made_longer_by_who_insists() -> None:
    suspension, now = Suspension(), 1000.0
    for rest in (*RESTS, RESTS[-1]):
        suspension.refused(Category.DATA, now)
        suspension.refused(Category.COMMAND, now + rest - 1)
        with pytest.raises(AccountUnpaid):
            suspension.check(Category.DATA, now + rest - 1)
        suspension.check(Category.COMMAND, now)
        suspension.check(Category.WAKE, now)
        suspension.check(Category.FREE, now)
        now += rest
        suspension.check(Category.DATA, now)


@pytest.mark.parametrize(
    ("refused", "served", "over"),
    [
        (Category.DATA, Category.FREE, False),
        (Category.DATA, Category.COMMAND, True),
        (Category.COMMAND, Category.DATA, True),
        (Category.FREE, Category.FREE, True),
        (Category.FREE, Category.DATA, True),
    ],
)
def test_it_is_over_when_what_was_refused_is_served(
    refused: Category, served: Category, over: bool
) -> None:
    suspension = Suspension()
    suspension.refused(refused, 0.0)
    suspension.served(served)
    assert suspension.is_doubtful is not over
    try:
        suspension.check(Category.DATA, 0.0)
    except AccountUnpaid:
        assert not over
    else:
        assert over


# -- a rate limit ------------------------------------------------------------------------------------------


async def test_polling_rests_as_long_as_tesla_says(turned: Home) -> None:
    home = turned
    home.tesla.clock.advance(10 * MINUTE)
    home.tesla.faults.status(429, DATA, headers={"Retry-After": "1800"})
    await home.poll()
    home.tesla.billing.reset()
    await live(home, 28 * MINUTE)
    assert home.tesla.billing.count(path_contains=DATA) == 0
    # commands are another kind
    await home.act("set_charge_limit", percent=70)
    await live(home, 10 * MINUTE)
    assert home.tesla.billing.count(path_contains=DATA) >= 1


@pytest.mark.parametrize("seconds", ["0", "0.01"])
async def test_polling_is_no_storm_where_tesla_names_no_time_to_wait(
    turned: Home, seconds: str
) -> None:
    home = turned
    home.tesla.clock.advance(HOUR)
    home.tesla.billing.reset()
    for path in (f"vehicles/{PEARL}", DATA):
        home.tesla.faults.status(
            429, path, method="GET", times=None, headers={"Retry-After": seconds}
        )
    (car,) = home.cars
    assert home.entry is not None
    await home.entry.runtime_data.cars[car].async_refresh()
    await asyncio.sleep(1.2)  # Home Assistant's timers count whole seconds of the real clock
    assert len(home.tesla.billing.requests) == 1


async def test_a_command_says_when_to_try_again_and_sends_nothing_before(turned: Home) -> None:
    home = turned
    home.tesla.faults.status(429, "command", headers={"Retry-After": "40"})
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    home.tesla.billing.reset()
    home.tesla.clock.advance(10)
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("set_charge_limit", percent=70)
    assert caught.value.translation_key == "rate_limited"
    assert "wait 30 seconds" in str(caught.value)
    assert home.tesla.billing.requests == []
    home.tesla.clock.advance(30)
    await home.act("set_charge_limit", percent=70)
    assert home.car.snapshot().charge_limit == 70


async def test_a_reset_that_is_a_point_in_time_does_not_block_commands_for_a_day(
    turned: Home,
) -> None:
    home = turned
    at = f"{time.time() + 40:.0f}"
    home.tesla.faults.status(429, "command", headers={"RateLimit-Reset": at})
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    home.tesla.clock.advance(41)
    await home.act("set_charge_limit", percent=70)
    assert home.car.snapshot().charge_limit == 70


async def test_no_answer_blocks_commands_for_longer_than_an_hour(turned: Home) -> None:
    home = turned
    home.tesla.faults.status(429, "command", headers={"Retry-After": "86400"})
    for _ in range(2):
        with pytest.raises(HomeAssistantError):
            await home.act("set_charge_limit", percent=70)
    home.tesla.clock.advance(HOUR + 1)
    await home.act("set_charge_limit", percent=70)
    assert home.car.snapshot().charge_limit == 70
