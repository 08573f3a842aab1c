"""The line of commands of a car: order, later wishes, deadlines; over both transports and through the front door."""

import asyncio
from datetime import timedelta
import time
from typing import Any

from aiohttp import ClientTimeout
from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.commands import commander, queue, wake
from custom_components.tesla_charging.commands.rate_limit import LIMITS, Use
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_api import client
from custom_components.tesla_charging.vehicle_command import sender
from simulator.car import Quirk
from tests.support.home import PEARL, Home
from tests.support.waiting import until


@pytest.fixture(params=["required", "not_supported"])
async def driven(
    request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch
) -> Home:
    """A home with an awake, charging car that was commanded before, signed or over plain REST; waiting is short."""
    monkeypatch.setattr(commander, "RETRY_DELAY", 0.8)
    monkeypatch.setattr(wake, "WAKE_POLL", 0.05)
    monkeypatch.setattr(sender, "PAUSE", 0.05)
    home.tesla.wake_with_charging_scope = True
    home.tesla.limits_enabled = False
    home.add_car(PEARL, "Pearl", protocol=request.param, sleep_after=None).plug_in(max_amps=16)
    await home.set_up()
    assert await outcome(home, "set_charge_limit", percent=90) == "executed"
    home.tesla.billing.reset()
    home.car.commands.clear()
    return home


async def outcome(home: Home, action: str, **data: Any) -> str:
    """Perform an action; return its outcome, or the key of its error."""
    try:
        response = await home.act(action, **data)
    except HomeAssistantError as err:
        return str(err.translation_key)
    found: str = response["vehicles"][0]["outcome"]
    return found


async def turn(home: Home, to: str, **options: Any) -> None:
    """Turn the charging switch."""
    await home.hass.services.async_call(
        "switch",
        f"turn_{to}",
        {"entity_id": home.entity_id("switch", "charging")},
        blocking=True,
        **options,
    )


def names(home: Home) -> list[str]:
    """Return the commands that the car received, in their order."""
    return [command.name for command in home.car.commands]


# -- the last wish wins --------------------------------------------------------------------------


async def test_limits_given_while_the_car_wakes_end_at_the_last_one(driven: Home) -> None:
    home = driven
    home.car.sleep()
    await home.poll()
    early = [
        asyncio.create_task(outcome(home, "set_charge_limit", percent=percent))
        for percent in (60, 70)
    ]
    await until(lambda: home.car.state == "online")
    assert await outcome(home, "set_charge_limit", percent=80) == "executed"
    first, second = await asyncio.gather(*early)
    assert first == "superseded"
    assert second in {"superseded", "executed"}
    assert home.car.snapshot().charge_limit == 80
    assert home.tesla.billing.count("wake") == 1
    assert home.tesla.billing.count("command") == len(home.car.commands) <= 2


async def test_a_low_current_under_way_does_not_come_after_a_later_one(driven: Home) -> None:
    home = driven
    home.car.quirks.add(Quirk.ANSWER_HANGS, seconds=0.4, times=1)
    low = asyncio.create_task(outcome(home, "set_charging_current", current=3))
    await until(lambda: names(home) == ["set_charging_amps"])
    assert await outcome(home, "set_charging_current", current=16) == "executed"
    assert await low == "superseded"
    assert home.car.snapshot().charge_amps == 16
    assert home.tesla.billing.count("command") == 2


async def test_off_a_moment_after_an_on_that_has_to_be_sent_again_ends_off(driven: Home) -> None:
    home = driven
    await turn(home, "off")
    home.car.commands.clear()
    home.car.quirks.add(Quirk.COMMAND_UNAVAILABLE)
    on = asyncio.create_task(turn(home, "on"))
    await asyncio.sleep(0.3)
    await turn(home, "off")
    await on  # an entity raises no error for a wish that another one replaced
    await asyncio.sleep(1.0)
    assert "charge_start" not in names(home)
    assert home.car.snapshot().charging_state == "Stopped"


async def test_stop_makes_a_waiting_start_moot_at_once(driven: Home) -> None:
    home = driven
    await turn(home, "off")
    home.car.commands.clear()
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.5, times=1)
    limit = asyncio.create_task(outcome(home, "set_charge_limit", percent=66))
    await asyncio.sleep(0.1)
    start = asyncio.create_task(outcome(home, "start_charging"))
    await asyncio.sleep(0.05)
    stop = asyncio.create_task(outcome(home, "stop_charging"))
    assert await asyncio.wait_for(start, 0.2) == "superseded"
    assert await limit == "executed"
    assert await stop in {"already", "executed"}
    assert names(home)[0] == "set_charge_limit"
    assert "charge_start" not in names(home)


async def test_different_things_are_sent_in_their_order(driven: Home) -> None:
    home = driven
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.3, times=1)
    acts: list[tuple[str, dict[str, Any]]] = [
        ("stop_charging", {}),
        ("set_charge_limit", {"percent": 77}),
        ("set_charging_current", {"current": 9}),
        ("add_charge_schedule", {"start_time": "23:00"}),
    ]
    done = await asyncio.gather(*(outcome(home, action, **data) for action, data in acts))
    assert done == ["executed"] * 4
    assert names(home) == [
        "charge_stop",
        "set_charge_limit",
        "set_charging_amps",
        "add_charge_schedule",
    ]


async def test_a_later_wish_that_is_refused_here_replaces_nothing(
    driven: Home, hass_admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    while await outcome(home, "set_charge_limit", percent=50 + len(names(home))) == "executed":
        assert len(names(home)) < 40
    home.car.commands.clear()
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.4, times=1)
    person = Context(user_id=hass_admin_user.id)
    device = {"device_id": home.device_id()}
    limit = asyncio.create_task(
        home.hass.services.async_call(
            DOMAIN, "set_charge_limit", {**device, "percent": 99}, blocking=True, context=person
        )
    )
    await asyncio.sleep(0.1)
    off = asyncio.create_task(turn(home, "off", context=person))
    await asyncio.sleep(0.05)
    assert await outcome(home, "start_charging") == "too_often_told"
    await asyncio.gather(limit, off)
    assert names(home) == ["set_charge_limit", "charge_stop"]


async def test_of_two_calls_in_the_same_moment_the_later_one_wins(driven: Home) -> None:
    home = driven
    await turn(home, "off")
    home.car.commands.clear()
    start = asyncio.create_task(outcome(home, "start_charging"))
    await asyncio.gather(start, turn(home, "off"))
    assert home.car.snapshot().charging_state == "Stopped"
    assert home.state("switch", "charging") == "off"


async def test_what_is_executed_after_a_reload_is_shown(driven: Home) -> None:
    home = driven
    assert home.entry is not None
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=1.2, times=1)
    act = asyncio.create_task(outcome(home, "set_charge_limit", percent=70))
    await asyncio.sleep(0.1)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert await act == "executed"
    assert home.state("number", "charge_limit") == "70"


# -- a caller that is stopped ---------------------------------------------------------------------


async def test_what_a_stopped_script_has_sent_does_not_overtake_the_next_command(
    driven: Home,
) -> None:
    """An automation with `mode: restart` stops itself while Tesla has its command, and gives the next one at once."""
    home = driven
    await turn(home, "off")
    home.car.commands.clear()
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.4, times=1)
    on = asyncio.create_task(turn(home, "on"))
    await asyncio.sleep(0.15)
    on.cancel()
    await asyncio.wait({on})
    assert on.cancelled()
    await turn(home, "off")
    assert names(home) == ["charge_start", "charge_stop"]
    assert home.state("switch", "charging") == "off"
    assert home.car.snapshot().charging_state == "Stopped"


async def test_a_stopped_script_sends_nothing_more(driven: Home) -> None:
    home = driven
    home.car.quirks.add(Quirk.ANSWER_HANGS, seconds=0.3, times=1)
    low = asyncio.create_task(outcome(home, "set_charging_current", current=3))
    await until(lambda: names(home) == ["set_charging_amps"])
    waiting = asyncio.create_task(outcome(home, "set_charge_limit", percent=60))
    await asyncio.sleep(0)
    low.cancel()
    waiting.cancel()
    assert await outcome(home, "stop_charging") == "executed"
    assert names(home) == ["set_charging_amps", "charge_stop"]
    await until(lambda: home.state("number", "charge_limit") == "90")


async def test_an_opening_that_names_no_port_does_not_overtake_a_later_closing(
    driven: Home,
) -> None:
    home = driven
    home.car.unplug()
    await home.poll()
    home.tesla.faults.delay_answer(0.4, f"/vehicles/{PEARL}", method="GET")
    opening = asyncio.create_task(
        home.hass.services.async_call("cover", "open_cover", {"entity_id": "all"}, blocking=True)
    )
    await asyncio.sleep(0.1)
    assert await outcome(home, "close_charge_port") in {"executed", "already"}
    await opening
    assert names(home) == ["charge_port_door_close"]
    await until(lambda: home.state("cover", "charge_port") == "closed")


async def test_an_opening_that_names_no_port_replaces_a_waiting_closing(driven: Home) -> None:
    home = driven
    await home.poll()
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.3, times=1)
    limit = asyncio.create_task(outcome(home, "set_charge_limit", percent=66))
    await asyncio.sleep(0.1)
    closing = asyncio.create_task(outcome(home, "close_charge_port"))
    await asyncio.sleep(0.05)
    await home.hass.services.async_call("cover", "open_cover", {"entity_id": "all"}, blocking=True)
    assert (await limit, await closing) == ("executed", "superseded")
    assert names(home) == ["set_charge_limit", "charge_port_door_open"]


# -- in time ----------------------------------------------------------------------------------------


async def test_nineteen_commands_for_a_hanging_tesla_end_at_their_deadline(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    monkeypatch.setattr(queue, "DEADLINE", 1.5)
    monkeypatch.setattr(queue, "CHECK_INTERVAL", 0.05)
    home.car.sleep()
    await home.poll()
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.6)
    begun = time.monotonic()
    done = await asyncio.gather(
        *(outcome(home, "add_charge_schedule", start_time="23:00") for _ in range(19))
    )
    assert time.monotonic() - begun < 6
    assert done[0] == "executed"
    assert done.count("command_expired") >= 14
    assert set(done) <= {"executed", "unknown", "command_expired"}
    await asyncio.sleep(0.8)  # what Tesla still had when its client had gone
    late = len(home.car.commands)
    await asyncio.sleep(0.8)
    assert len(home.car.commands) == late <= 4


async def test_changes_that_have_to_be_read_first_have_the_same_deadline(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    added = await home.act("add_charge_schedule", start_time="22:00")
    number = added["vehicles"][0]["schedule_id"]
    home.car.commands.clear()
    monkeypatch.setattr(queue, "DEADLINE", 1.5)
    monkeypatch.setattr(queue, "CHECK_INTERVAL", 0.05)
    home.tesla.faults.delay_answer(0.6, "vehicle_data", times=None)
    begun = time.monotonic()
    done = await asyncio.gather(
        *(
            outcome(home, "change_charge_schedule", schedule_id=number, start_time=f"23:0{minute}")
            for minute in range(8)
        )
    )
    assert time.monotonic() - begun < 3
    assert done[0] == "executed"
    assert done.count("command_expired") >= 5
    home.tesla.faults.clear()
    await asyncio.sleep(0.7)  # what the simulated Tesla still had
    assert len(home.car.commands) == done.count("executed")


async def test_changes_of_one_schedule_are_made_in_their_order(driven: Home) -> None:
    home = driven
    added = await home.act("add_charge_schedule", start_time="22:00")
    number = added["vehicles"][0]["schedule_id"]
    home.car.commands.clear()
    home.tesla.faults.delay_answer(0.3, "vehicle_data", times=1)
    schedule = {"schedule_id": number}
    done = await asyncio.gather(
        outcome(home, "change_charge_schedule", **schedule, start_time="23:00"),
        outcome(home, "change_charge_schedule", **schedule, enabled=False),
        outcome(home, "change_charge_schedule", **schedule, end_time="05:00"),
    )
    assert set(done) == {"executed"}
    last = home.car.commands[-1].params
    assert (last["start_time"], last["end_time"], last["enabled"]) == (1380, 300, False)
    gone = await asyncio.gather(
        outcome(home, "change_charge_schedule", **schedule, enabled=True),
        outcome(home, "remove_charge_schedule", **schedule),
    )
    assert list(gone) == ["superseded", "executed"]


async def test_wake_ups_for_a_hanging_tesla_are_not_tried_one_after_the_other(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    home.car.sleep()
    await home.poll()
    monkeypatch.setattr(client, "TIMEOUT", ClientTimeout(total=0.5))
    home.tesla.faults.delay(0.8, f"/vehicles/{PEARL}", method="GET", times=None)
    begun = time.monotonic()
    done = await asyncio.gather(*(outcome(home, "wake_up") for _ in range(8)))
    assert set(done) == {"unreachable"}
    assert time.monotonic() - begun < 2
    home.tesla.faults.clear()
    await asyncio.sleep(0.4)  # what the simulated Tesla still had
    assert home.tesla.billing.count("wake") == 0
    assert await outcome(home, "wake_up") == "executed"


async def test_the_wake_up_does_not_count(driven: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home = driven
    monkeypatch.setattr(queue, "DEADLINE", 0.3)
    monkeypatch.setattr(queue, "CHECK_INTERVAL", 0.05)
    home.car._systems.wakefulness._wake_seconds = 0.8
    home.car.sleep()
    await home.poll()
    assert await outcome(home, "set_charge_limit", percent=70) == "executed"


async def test_what_waited_while_the_machine_was_suspended_is_not_sent(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    suspended, boottime = 0.0, clock.boottime
    monkeypatch.setattr(clock, "boottime", lambda: boottime() + suspended)
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.5, times=1)
    first = asyncio.create_task(outcome(home, "set_charge_limit", percent=66))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(outcome(home, "stop_charging"))
    await asyncio.sleep(0.05)
    suspended = 3600.0
    assert await second == "command_expired"
    await first
    await asyncio.sleep(0.6)
    assert "charge_stop" not in names(home)


@pytest.mark.parametrize("driven", ["required"], indirect=True)
async def test_a_command_that_tesla_delivers_after_its_deadline_is_refused_by_the_car(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    await turn(home, "off")
    home.car.commands.clear()
    monkeypatch.setattr(queue, "DEADLINE", 1.0)
    monkeypatch.setattr(queue, "CHECK_INTERVAL", 0.05)
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=1.5, times=1)
    start = asyncio.create_task(outcome(home, "start_charging"))
    await asyncio.sleep(0.2)
    home.tesla.clock.advance(4)  # of the car: less than Tesla's own client gives a command
    assert await start == "unknown"
    await asyncio.sleep(0.7)
    assert names(home) == []
    assert home.car.snapshot().charging_state == "Stopped"


@pytest.mark.parametrize("driven", ["required"], indirect=True)
@pytest.mark.parametrize("lost", ["deadline", "timeout"])
async def test_a_command_whose_answer_is_lost_does_not_arrive_after_a_later_one(
    driven: Home, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    home = driven
    await turn(home, "off")
    home.car.commands.clear()
    monkeypatch.setattr(queue, "CHECK_INTERVAL", 0.05)
    if lost == "deadline":
        monkeypatch.setattr(queue, "DEADLINE", 1.5)
    else:
        monkeypatch.setattr(client, "TIMEOUT", ClientTimeout(total=0.8))
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=2.2, times=1)
    start = asyncio.create_task(outcome(home, "start_charging"))
    await asyncio.sleep(0.8 if lost == "deadline" else 0.4)
    stop = asyncio.create_task(outcome(home, "stop_charging"))
    assert await start == "unknown"  # and it is not sent again, because of the stop
    assert await stop in {"already", "executed"}
    await asyncio.sleep(1.5)
    assert names(home)[-1] == "charge_stop"
    assert home.car.snapshot().charging_state == "Stopped"


# -- what is certain, and what is not ---------------------------------------------------------------


@pytest.mark.parametrize("driven", ["required"], indirect=True)
async def test_an_opening_that_was_delivered_twice_is_not_sent_again(driven: Home) -> None:
    home = driven
    home.car.quirks.add(Quirk.DELIVERED_TWICE)
    assert await outcome(home, "open_charge_port") == "unknown"
    assert names(home) == ["charge_port_door_open"]
    # the next one needs no more than usual
    assert await outcome(home, "open_charge_port") == "executed"
    assert home.tesla.billing.count("command") == 2


async def test_a_second_sending_that_hits_a_limit_does_not_hide_the_first(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    guard = home.entry.runtime_data.cars[PEARL]._rate_guard  # type: ignore[union-attr]
    wakes = next(row for row in LIMITS if row.use is Use.WAKE)
    for _ in range(wakes.count):
        guard.count_wake()
    home.car.quirks.add(Quirk.ANSWER_HANGS, seconds=0.3, times=1)
    low = asyncio.create_task(outcome(home, "set_charging_current", current=3))
    await until(lambda: names(home) == ["set_charging_amps"])
    home.car.sleep()
    assert await low == "unknown"


@pytest.mark.parametrize("driven", ["not_supported"], indirect=True)
@pytest.mark.parametrize(
    ("reason", "expected"), [("already_set", "executed"), ("could_not_wake_buses", "unknown")]
)
async def test_nor_does_a_second_sending_that_the_car_refuses(
    driven: Home, reason: str, expected: str
) -> None:
    home = driven
    home.car.quirks.add(Quirk.ANSWER_HANGS, seconds=0.3, times=1)
    low = asyncio.create_task(outcome(home, "set_charging_current", current=3))
    await until(lambda: names(home) == ["set_charging_amps"])
    home.tesla.faults.status(
        200, "set_charging_amps", body={"response": {"result": False, "reason": reason}}
    )
    assert await low == expected
    current = "3" if expected == "executed" else "16"
    await until(lambda: home.state("number", "charging_current") == current)


@pytest.mark.parametrize("driven", ["required"], indirect=True)
async def test_an_opening_after_a_reload_does_not_take_an_old_counter_for_its_own(
    driven: Home,
) -> None:
    """The command of before the reload uses counters after they were stored; so does a backup, or a power cut."""
    home = driven
    assert home.entry is not None
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.6, times=1)
    low = asyncio.create_task(outcome(home, "set_charging_current", current=3))
    await asyncio.sleep(0.2)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert await outcome(home, "open_charge_port") == "executed"
    assert await low == "executed"
    assert names(home) == ["set_charging_amps", "set_charging_amps", "charge_port_door_open"]
    # from then on it is one request
    requests = home.tesla.billing.count("command")
    assert await outcome(home, "open_charge_port") == "executed"
    assert home.tesla.billing.count("command") == requests + 1


# -- the rest after a vain wake-up ------------------------------------------------------------------


@pytest.fixture
async def unreachable(driven: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A car out of coverage, for which one wake-up was in vain."""
    home = driven
    monkeypatch.setattr(wake, "WAKE_TIMEOUT", 0.4)
    home.car.quirks.add(Quirk.OUT_OF_COVERAGE, lasts=1e6)
    home.car.sleep()
    await home.poll()
    assert await outcome(home, "set_charge_limit", percent=70) == "vehicle_asleep"
    assert home.tesla.billing.count("wake") == 1
    return home


async def test_the_rest_says_until_when_nothing_is_tried(unreachable: Home) -> None:
    home = unreachable
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("set_charge_limit", percent=71)
    assert caught.value.translation_key == "vehicle_asleep_until"
    assert ":" in (caught.value.translation_placeholders or {})["until"]
    assert home.tesla.billing.count("wake") == 1


async def test_a_command_of_a_person_tries_once_all_the_same(
    unreachable: Home, hass_admin_user: User
) -> None:
    home = unreachable
    with pytest.raises(HomeAssistantError):
        await home.hass.services.async_call(
            DOMAIN,
            "set_charge_limit",
            {"device_id": home.device_id(), "percent": 72},
            blocking=True,
            context=Context(user_id=hass_admin_user.id),
        )
    assert home.tesla.billing.count("wake") == 2


async def test_so_does_a_change_that_has_to_be_read_first(
    unreachable: Home, hass_admin_user: User
) -> None:
    home = unreachable
    data = {"device_id": home.device_id(), "schedule_id": 1, "enabled": False}
    with pytest.raises(HomeAssistantError):
        await home.hass.services.async_call(
            DOMAIN,
            "change_charge_schedule",
            data,
            blocking=True,
            context=Context(user_id=hass_admin_user.id),
        )
    assert home.tesla.billing.count("wake") == 2


@pytest.mark.parametrize("proof", ["command", "connection", "poll"])
async def test_the_rest_ends_with_any_sign_of_life(unreachable: Home, proof: str) -> None:
    home = unreachable
    assert home.entry is not None
    car = home.entry.runtime_data.cars[PEARL]
    home.car.quirks.remove(Quirk.OUT_OF_COVERAGE)
    home.car._systems.wakefulness.wake_at_once()
    match proof:
        case "command":
            car.data = car.data.with_connectivity("online")
            requests = home.tesla.billing.count("command")
            await turn(home, "off")
            assert home.tesla.billing.count("command") == requests + 1
        case "connection":
            car.on_connection(True)
            car.on_connection(False)
        case _:
            await home.poll()
    home.car.sleep()
    assert await outcome(home, "set_charge_limit", percent=73) == "executed"


async def test_commands_that_wait_for_the_same_vain_wake_up_send_no_other_one(
    driven: Home, hass_admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, person = driven, Context(user_id=hass_admin_user.id)
    monkeypatch.setattr(wake, "WAKE_TIMEOUT", 0.4)
    home.car.quirks.add(Quirk.OUT_OF_COVERAGE, lasts=1e6)
    home.car.sleep()
    await home.poll()

    def tell(action: str, **data: Any) -> asyncio.Task[Any]:
        data["device_id"] = home.device_id()
        return asyncio.ensure_future(
            home.hass.services.async_call(DOMAIN, action, data, blocking=True, context=person)
        )

    first = tell("set_charge_limit", percent=70)
    await until(lambda: home.tesla.billing.count("wake") == 1)
    others = [tell("set_charging_current", current=10), tell("open_charge_port")]
    failed = await asyncio.gather(first, *others, return_exceptions=True)
    assert [getattr(err, "translation_key", None) for err in failed] == [
        "vehicle_asleep",
        "vehicle_asleep_until",
        "vehicle_asleep_until",
    ]
    assert home.tesla.billing.count("wake") == 1


async def test_wake_ups_that_tesla_did_not_take_make_the_rest_no_longer(
    driven: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driven
    home.car.sleep()
    await home.poll()
    home.tesla.faults.status(429, "wake_up", times=6, headers={"Retry-After": "0"})
    for _ in range(6):
        assert await outcome(home, "set_charge_limit", percent=70) == "rate_limited"
    monkeypatch.setattr(wake, "WAKE_TIMEOUT", 0.3)
    home.car.quirks.add(Quirk.OUT_OF_COVERAGE, lasts=1e6)
    assert await outcome(home, "set_charge_limit", percent=70) == "vehicle_asleep"
    await asyncio.sleep(0.1)  # the wake-up is over, also by the wall clock
    begun = dt_util.now()
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("set_charge_limit", percent=71)
    until_when = (caught.value.translation_placeholders or {})["until"]
    soon = {f"{begun + timedelta(seconds=s):%H:%M}" for s in (110, 120)}
    assert until_when.split()[-1] in soon


async def test_a_push_ends_the_waiting_for_a_car_whose_state_tesla_does_not_tell(
    streaming_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = streaming_home
    assert home.entry is not None
    monkeypatch.setattr(wake, "WAKE_POLL", 0.05)
    monkeypatch.setattr(wake, "WAKE_TIMEOUT", 3.0)
    home.car.sleep()
    push = home.entry.runtime_data.cars[PEARL].push
    await until(lambda: not push.connected)
    await home.poll()
    act = asyncio.create_task(outcome(home, "set_charge_limit", percent=70))
    await until(lambda: home.tesla.billing.count("wake") == 1)
    home.tesla.faults.status(500, f"/vehicles/{PEARL}", method="GET", times=None)
    assert await act == "executed"
    home.tesla.faults.clear()
    assert names(home) == ["set_charge_limit"]


async def test_a_hanging_tesla_is_not_called_a_matter_of_trust(
    charging_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The car was not commanded before, so what gets no answer is the handshake."""
    home = charging_home
    monkeypatch.setattr(sender, "PAUSE", 0.05)
    monkeypatch.setattr(client, "TIMEOUT", ClientTimeout(total=0.2))
    home.tesla.faults.delay(0.3, "signed_command", times=None)
    assert await outcome(home, "set_charge_limit", percent=71) == "unreachable"
    home.tesla.faults.clear()
    await asyncio.sleep(0.2)  # what the simulated Tesla still had
    assert names(home) == []
