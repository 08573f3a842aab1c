"""What a command costs on its whole way: action, signature, HTTP, and the car that verifies it."""

import asyncio
import logging

from homeassistant.exceptions import HomeAssistantError
import pytest

from tests.support.home import Home


def signed_requests(home: Home) -> int:
    return home.tesla.billing.count(path_contains="signed_command")


async def test_a_warm_command_is_one_request(charging_home: Home) -> None:
    await charging_home.act("stop_charging")
    charging_home.tesla.billing.reset()
    await charging_home.act("start_charging")
    assert len(charging_home.tesla.billing.requests) == 1
    assert signed_requests(charging_home) == 1


async def test_the_first_command_after_a_restart_is_one_request(charging_home: Home) -> None:
    await charging_home.act("stop_charging")
    await charging_home.restart()
    charging_home.tesla.billing.reset()
    response = await charging_home.act("start_charging")
    assert response["vehicles"][0]["outcome"] == "executed"
    assert len(charging_home.tesla.billing.requests) == 1


async def test_ten_cold_commands_at_once_are_one_handshake_and_ten_commands(
    charging_home: Home,
) -> None:
    charging_home.tesla.billing.reset()
    responses = await asyncio.gather(
        *(charging_home.act("add_charge_schedule", start_time="23:00") for _ in range(10))
    )
    assert {r["vehicles"][0]["outcome"] for r in responses} == {"executed"}
    assert len(charging_home.tesla.billing.requests) == 11


async def test_after_the_car_rebooted_a_command_is_two_requests(charging_home: Home) -> None:
    await charging_home.act("stop_charging")
    charging_home.car.domain("infotainment").reboot()
    charging_home.tesla.billing.reset()
    await charging_home.act("start_charging")
    assert signed_requests(charging_home) == 2


async def test_a_sleeping_car_is_woken_once_and_the_command_arrives(charging_home: Home) -> None:
    charging_home.car.unplug()
    charging_home.car.sleep()
    await charging_home.poll()
    charging_home.tesla.billing.reset()
    await asyncio.gather(
        charging_home.act("set_charge_limit", percent=70),
        charging_home.act("set_charging_current", current=9),
        charging_home.act("add_charge_schedule", start_time="23:00"),
    )
    assert charging_home.tesla.billing.count("wake") == 1
    assert len(charging_home.car.commands) == 3


async def test_a_car_believed_awake_that_is_not_is_woken_too(charging_home: Home) -> None:
    charging_home.car.unplug()
    charging_home.car.sleep()
    charging_home.tesla.billing.reset()
    await charging_home.act("set_charge_limit", percent=70)
    assert charging_home.tesla.billing.count("wake") == 1
    assert charging_home.state("number", "charge_limit") == "70"


async def test_where_waking_is_not_permitted_it_says_which_permission_is_missing(
    charging_home: Home,
) -> None:
    charging_home.tesla.wake_with_charging_scope = False
    charging_home.car.unplug()
    charging_home.car.sleep()
    await charging_home.poll()
    with pytest.raises(HomeAssistantError) as caught:
        await charging_home.act("wake_up")
    assert caught.value.translation_key == "missing_scope"
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["scopes"] == "Vehicle Commands"


async def test_a_missing_permission_is_named_as_teslas_page_names_it(charging_home: Home) -> None:
    home = charging_home
    home.tesla.remove_scope(home.account, home.application, "vehicle_charging_cmds")
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("set_charge_limit", percent=70)
    assert caught.value.translation_key == "missing_scope"
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["scopes"] == "Vehicle Charging Management"


async def test_an_old_car_takes_the_same_commands_unsigned(home: Home) -> None:
    car = home.add_car("5YJSA1E20HF000303", "Granny", protocol="not_supported")
    car.plug_in()
    await home.set_up()
    home.tesla.billing.reset()
    await home.act("stop_charging")
    await home.act("start_charging")
    assert [command.via for command in car.commands] == ["rest", "rest"]
    # one request to find out, then never again
    assert signed_requests(home) == 1
    await home.restart()
    await home.act("stop_charging")
    assert signed_requests(home) == 1


@pytest.mark.parametrize("percent", [0, 49, 101, "much"])
async def test_nonsense_costs_nothing(charging_home: Home, percent: object) -> None:
    charging_home.tesla.billing.reset()
    with pytest.raises(Exception, match=r"percent|expected|value"):
        await charging_home.act("set_charge_limit", percent=percent)
    assert charging_home.tesla.billing.requests == []


async def test_an_unpaired_key_is_explained(charging_home: Home) -> None:
    charging_home.car.keychain.remove(charging_home.key.public_key)
    with pytest.raises(HomeAssistantError) as caught:
        await charging_home.act("stop_charging")
    assert caught.value.translation_key == "key_not_paired"


async def test_a_lost_answer_to_a_command_that_must_not_be_repeated_is_said_so(
    charging_home: Home,
) -> None:
    await charging_home.act("stop_charging")
    charging_home.tesla.faults.lose_answer_after("signed_command")
    response = await charging_home.act("open_charge_port")
    assert response["vehicles"][0]["outcome"] == "unknown"
    assert [c.name for c in charging_home.car.commands].count("charge_port_door_open") == 1


@pytest.mark.parametrize("fault", ["malformed_json", "wrong_type", "huge", "truncated_base64"])
async def test_a_broken_answer_is_no_traceback_and_no_lost_session(
    charging_home: Home, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    await charging_home.act("stop_charging")
    getattr(charging_home.tesla.faults, fault)("signed_command")
    response = await charging_home.act("open_charge_port")
    assert response["vehicles"][0]["outcome"] == "unknown"
    # the simulated Tesla notes, for debugging, that the connection was closed while it still wrote
    noted = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in noted if record.exc_info]
    charging_home.tesla.billing.reset()
    response = await charging_home.act("start_charging")
    assert response["vehicles"][0]["outcome"] == "executed"
    assert signed_requests(charging_home) == 1
