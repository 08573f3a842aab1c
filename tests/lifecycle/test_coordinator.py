"""The coordinator: what asking costs by the day, what it believes, and how it ends."""

import ast
import asyncio
import inspect
import itertools
import logging
import textwrap
from typing import Any

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.commands import wake
from custom_components.tesla_charging.const import CONFIRM_DELAY, DOMAIN
from custom_components.tesla_charging.coordinator import VehicleCoordinator
from custom_components.tesla_charging.fleet_api import Connectivity, client
from custom_components.tesla_charging.storage.vehicle_store import SESSION_DELAY
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.polling import HOUR, STEP, coordinator, data_requests, live
from tests.support.vehicle_data import FIELDS, RUBBISH
from tests.support.waiting import until


def crashes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what Home Assistant logged with a traceback, other than for people who debug."""
    return [r.getMessage() for r in caplog.records if r.exc_info and r.levelno > logging.DEBUG]


# -- what asking costs -----------------------------------------------------------------------------------


async def test_a_day_of_a_sleeping_car_is_free_and_does_not_wake_it(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl")
    car.sleep()
    await home.set_up()
    await live(home, 24 * HOUR)
    assert home.tesla.billing.cost() == 0
    assert car.state == "asleep"


async def test_a_parked_car_is_let_fall_asleep(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=1200.0)
    await home.set_up()
    await live(home, 6 * HOUR)
    assert car.state == "asleep"
    assert data_requests(home) <= 5
    assert home.tesla.billing.count("wake") == 0


async def test_a_parked_car_whose_readings_waver_is_let_fall_asleep_too(
    turned_clock: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=1200.0)
    honest, readings = car.vehicle_data, itertools.count()

    def wavering(sections: frozenset[str]) -> dict[str, dict[str, object]]:
        data = honest(sections)
        turn = next(readings) % 2
        data["charge_state"] |= {"charger_voltage": turn, "battery_range": 150 + turn / 10}
        return data

    monkeypatch.setattr(car, "vehicle_data", wavering)
    await home.set_up()
    await live(home, 6 * HOUR)
    assert car.state == "asleep"
    assert data_requests(home) <= 5


async def test_a_car_that_never_sleeps_costs_less_than_seven_cents_a_day(
    turned_clock: Home,
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    await live(home, 24 * HOUR)
    assert 12 <= data_requests(home) <= 33
    assert home.tesla.billing.cost() < 0.07


async def test_an_hour_of_charging_is_seven_requests(turned_clock: Home) -> None:
    """As many as core's own integration would send at most, but each when there is something to see."""
    home = turned_clock
    home.add_car(PEARL, "Pearl", battery_level=20).plug_in()
    await home.set_up()
    home.tesla.billing.reset()
    await live(home, HOUR)
    assert home.state("sensor", "charging_state") == "charging"
    assert 6 <= data_requests(home) <= 7


@pytest.mark.parametrize(("body", "limit"), [("vehicle is offline or asleep", 55), ("timeout", 90)])
async def test_a_car_that_is_called_online_but_never_answers_has_a_daily_limit(
    turned_clock: Home, body: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    monkeypatch.setattr(client, "RESEND_PAUSE", 0.0)
    home.tesla.faults.status(408, "vehicle_data", body={"error": body}, times=None)
    await home.set_up()
    await live(home, 24 * HOUR)
    assert data_requests(home) <= limit


async def test_a_command_every_second_is_confirmed_once_per_ten(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up()
    home.tesla.billing.reset()
    for percent in range(60, 70):
        await home.act("set_charge_limit", percent=percent)
    await home.settle()
    assert data_requests(home) == 0
    await coordinator(home)._confirm()
    assert data_requests(home) == 1


async def test_a_car_that_could_not_be_woken_is_woken_again_once_a_poll_has_seen_it(
    turned_clock: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", wake_seconds=0.0)
    car.set_offline(True)
    await home.set_up()
    with monkeypatch.context() as impatient:
        impatient.setattr(wake, "WAKE_TIMEOUT", 0.0)
        for _ in range(3):
            with pytest.raises(HomeAssistantError):
                await home.act("set_charge_limit", percent=70)
    assert home.tesla.billing.count("wake") == 1
    car.set_offline(False)
    await home.poll()
    car.sleep()
    await home.poll()
    await home.act("set_charge_limit", percent=70)
    assert car.snapshot().charge_limit == 70
    assert home.tesla.billing.count("wake") == 2


async def test_a_wall_clock_that_is_set_back_does_not_stop_the_asking(
    turned_clock: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a computer without a clock of its own, once it hears the time."""
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    now = home.tesla.clock.now
    monkeypatch.setattr(clock, "now", lambda: now() - 400 * 86_400)
    home.tesla.billing.reset()
    await live(home, 24 * HOUR)
    assert 12 <= data_requests(home) <= 33


@pytest.mark.parametrize("status", [500, 503])
async def test_a_failure_of_teslas_list_is_no_sleeping_car(turned_clock: Home, status: int) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    home.tesla.billing.reset()
    for _ in range(30):
        home.tesla.faults.status(status, f"vehicles/{PEARL}", method="GET")
        await live(home, STEP)
        assert coordinator(home).data.connectivity is Connectivity.ONLINE
        await live(home, STEP)
    assert data_requests(home) <= 6


# -- hostile and strange data -------------------------------------------------------------------------------


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda value: repr(value)[:20])
async def test_rubbish_in_every_field_breaks_no_entity(
    turned_clock: Home, rubbish: Any, caplog: pytest.LogCaptureFixture
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    section = {**dict.fromkeys(FIELDS, rubbish), "timestamp": rubbish}
    sections = dict.fromkeys(("charge_state", "drive_state", "vehicle_state"), section)
    home.tesla.faults.wrong_type("vehicle_data", body={"response": sections}, times=None)
    await home.set_up(location=True)
    assert crashes(caplog) == []
    for key in ("charge_limit", "charging_current"):
        state = home.hass.states.get(home.entity_id("number", key))
        assert state is not None
        assert 0 <= state.attributes["min"] < state.attributes["max"] <= 100
    assert home.hass.states.get(home.entity_id("sensor", "full_charge_time")) is not None


@pytest.mark.parametrize(
    "sections", [None, 7, [], "text", {}, {"charge_state": None}, {"charge_state": [[]]}], ids=str
)
async def test_data_of_another_shape_is_no_crash(
    turned_clock: Home, sections: Any, caplog: pytest.LogCaptureFixture
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    home.tesla.faults.wrong_type("vehicle_data", body={"response": sections}, times=None)
    await home.set_up()
    assert crashes(caplog) == []


@pytest.mark.parametrize("word", ["Recalibrating", "<invalid>", "", "Unknown"])
async def test_a_charging_state_of_newer_firmware_is_unknown_not_an_error(
    turned_clock: Home, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    home.tesla.faults.wrong_type(
        "vehicle_data", body={"response": {"charge_state": {"charging_state": word}}}
    )
    await home.set_up()
    assert home.state("sensor", "charging_state") == "unknown"
    assert crashes(caplog) == []


# -- a car with another clock -------------------------------------------------------------------------------


@pytest.mark.parametrize("trails", [0.0, 3600.0, -200.0])
async def test_the_cars_own_word_replaces_what_a_command_has_set(
    turned_clock: Home, trails: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    honest = car.vehicle_data

    def on_another_clock(sections: frozenset[str]) -> dict[str, dict[str, object]]:
        data = honest(sections)
        for section in data.values():
            section["timestamp"] = int((home.tesla.clock.now() - trails) * 1000)
        return data

    monkeypatch.setattr(car, "vehicle_data", on_another_clock)
    car.plug_in()
    await home.set_up()
    await home.act("set_charge_limit", percent=70)
    assert home.state("number", "charge_limit") == "70"
    # somebody else changes it at once, at the car's own screen
    car._systems.charging.set_limit(90)
    home.tesla.clock.advance(CONFIRM_DELAY.total_seconds())
    await home.poll()
    assert home.state("number", "charge_limit") == "90"


async def test_a_slow_first_answer_is_older_than_a_command_that_came_meanwhile(
    turned_clock: Home,
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    home.tesla.faults.status(500, "vehicle_data")
    await home.set_up()
    car = coordinator(home)
    car.confirmation.wanted = True
    home.tesla.faults.delay_answer(1.0, "vehicle_data")
    poll = asyncio.create_task(car.async_refresh())
    await until(lambda: not home.tesla.faults.rules)
    await home.act("set_charge_limit", percent=71)
    assert not poll.done()
    await poll
    assert home.state("number", "charge_limit") == "71"


# -- what is shown -----------------------------------------------------------------------------------------


async def test_what_was_seen_during_a_poll_is_shown_after_it(turned_clock: Home) -> None:
    """A poll that began before a car was seen awake ends with older news than is shown."""
    home = turned_clock
    home.add_car(PEARL, "Pearl").sleep()
    await home.set_up()
    car = coordinator(home)
    home.tesla.faults.delay(0.3, f"vehicles/{PEARL}", method="GET")
    poll = asyncio.create_task(car.async_refresh())
    await asyncio.sleep(0.1)
    car._set_connectivity(Connectivity.ONLINE)
    assert home.state("binary_sensor", "awake") == "on"
    await poll
    assert car.data.connectivity is Connectivity.ASLEEP
    assert home.state("binary_sensor", "awake") == "off"


async def test_a_slow_car_keeps_no_other_car_waiting(turned_clock: Home) -> None:
    home = turned_clock
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name, sleep_after=None).plug_in()
    await home.set_up()

    async def set_limit(vin: str) -> None:
        await home.hass.services.async_call(
            "number",
            "set_value",
            {"entity_id": home.entity_id("number", "charge_limit", vin), "value": 70},
            blocking=True,
        )

    home.tesla.faults.delay(1.0, "signed_command", vin=PEARL)
    slow = asyncio.create_task(set_limit(PEARL))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(set_limit(MIDNIGHT), 0.6)
    assert not slow.done()
    await slow


async def test_nobody_is_told_when_nothing_changed(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").sleep()
    await home.set_up()
    told: list[str] = []

    @callback
    def listen() -> None:
        told.append("told")

    for context in (frozenset({"BatteryLevel"}), frozenset({"connection"})):
        coordinator(home).async_add_listener(listen, context)
    await live(home, HOUR)
    assert told == []


# -- the end -----------------------------------------------------------------------------------------------


async def remove(home: Home) -> None:
    assert home.entry is not None
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()


async def test_unloading_with_a_confirmation_pending_leaves_no_timer(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up()
    await home.act("set_charge_limit", percent=70)
    car = coordinator(home)
    assert car.confirmation.is_pending
    await remove(home)
    assert not car.confirmation.is_pending


async def test_a_command_that_outlives_its_account_leaves_no_timer_and_no_file(
    turned_clock: Home, hass_storage: dict[str, Any]
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up()
    car = coordinator(home)
    # the handshake is under way; the command itself is signed, and remembered, only after it
    home.tesla.faults.delay(0.5, "signed_command")
    command = asyncio.create_task(home.act("set_charge_limit", percent=70))
    await asyncio.sleep(0.1)
    await remove(home)
    await command
    assert not car.confirmation.is_pending
    await asyncio.sleep(SESSION_DELAY + 0.3)
    await home.settle()
    # what the application used this month is kept, as Tesla keeps it, but not by which cars
    assert [name for name in hass_storage if name.startswith(f"{DOMAIN}.")] == [f"{DOMAIN}.meter"]
    assert PEARL not in str(hass_storage[f"{DOMAIN}.meter"])


async def test_a_damaged_store_is_a_fresh_start(home: Home, hass_storage: dict[str, Any]) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.sleep()
    entry = await home.set_up()
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    for kind in ("sessions", "states"):
        hass_storage[f"{DOMAIN}.{entry.entry_id}.{kind}"]["data"] = ["rubbish"]
    assert await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()
    assert home.state("binary_sensor", "awake") == "off"


async def test_two_cars_do_not_disturb_each_other(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl").sleep()
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    home.tesla.faults.status(500, f"vehicles/{PEARL}", times=None)
    await home.set_up()
    assert home.state("binary_sensor", "awake", MIDNIGHT) == "on"
    assert home.state("sensor", "battery_level", MIDNIGHT) == "62"
    assert home.state("sensor", "battery_level", PEARL) == "unavailable"


# -- no state is older than an answer --------------------------------------------------------------------


COROUTINES = [
    function
    for name, function in inspect.getmembers(VehicleCoordinator, inspect.iscoroutinefunction)
    if function.__module__ == VehicleCoordinator.__module__
]


def _holds_a_state(node: ast.AST) -> bool:
    """Return whether a name is bound to the state, or to one that is made of it; a comparison is none."""
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) or node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not any(isinstance(target, ast.Name | ast.Tuple) for target in targets):
        return False
    return not isinstance(node.value, ast.Compare) and "self.data" in ast.unparse(node.value)


@pytest.mark.parametrize("coroutine", COROUTINES, ids=lambda function: function.__name__)
def test_no_coroutine_holds_a_state_across_an_await(coroutine: Any) -> None:
    """A state that was taken before an await could replace what a command or a push has changed meanwhile."""
    assert not [
        name
        for name, kind in coroutine.__annotations__.items()
        if "VehicleState" in str(kind) and (name, coroutine.__name__) != RETURNS_ITS_DATA
    ]
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(coroutine))).body
    for node in ast.walk(tree):
        assert not _holds_a_state(node), ast.unparse(node)
        if isinstance(node, ast.Return) and coroutine.__name__ == RETURNS_ITS_DATA[1]:
            assert ast.unparse(node) == "return self.data"


RETURNS_ITS_DATA = ("return", "_async_update_data")
"""Home Assistant assigns what this coroutine returns, without an await between."""


async def test_a_car_that_pushes_while_its_state_is_requested_is_online(
    streaming_home: Home,
) -> None:
    """The answer of the free request is older than the push."""
    home = streaming_home
    car = coordinator(home)
    home.car.sleep()
    await until(lambda: home.state("sensor", "telemetry") == "synced")
    await home.poll()
    assert home.state("binary_sensor", "awake") == "off"
    pushed_at = car.pushed_at
    home.tesla.faults.delay_answer(2.0, f"vehicles/{PEARL}", method="GET")
    refreshing = asyncio.create_task(car.async_refresh())
    await until(lambda: not home.tesla.faults.rules)
    home.car.wake()
    await until(lambda: car.pushed_at != pushed_at)
    assert not refreshing.done()
    await refreshing
    assert home.state("binary_sensor", "awake") == "on"
