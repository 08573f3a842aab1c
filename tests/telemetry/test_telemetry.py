"""Cars that push their state into Home Assistant: over real TLS on loopback, from the simulated Tesla's cars."""

import socket

from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from tests.support.home import PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until


async def test_what_happens_at_the_car_is_shown_without_a_single_poll(streaming_home: Home) -> None:
    home = streaming_home
    await home.settle()
    home.tesla.billing.reset()
    assert home.state("sensor", "charging_state") == "charging"
    home.car.unplug()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "off")
    home.car.drive_away(53.0, 5.0)
    home.tesla.clock.advance(120)
    await until(lambda: home.state("binary_sensor", "at_home") == "off")
    home.car.arrive_home()
    await until(lambda: home.state("binary_sensor", "at_home") == "on")
    home.car.plug_in()
    await until(lambda: home.state("sensor", "charging_state") == "charging")
    await home.poll()
    assert home.tesla.billing.count("data") == 0
    assert home.tesla.billing.count("free") == 0


async def test_a_command_is_confirmed_by_the_car_and_not_by_a_poll(streaming_home: Home) -> None:
    home = streaming_home
    await home.settle()
    home.tesla.billing.reset()
    await home.act("stop_charging")
    await until(lambda: home.state("sensor", "charging_state") == "stopped")
    await home.act("set_charge_limit", percent=66)
    await until(lambda: home.state("number", "charge_limit") == "66")
    await home.settle()
    assert home.tesla.billing.count("data") == 0


async def test_a_car_that_is_again_as_it_was_is_asked_because_it_has_nothing_to_tell(
    streaming_home: Home,
) -> None:
    home = streaming_home
    await home.act("stop_charging")
    await home.act("start_charging")  # before the car has told anybody that it stopped
    await home.settle()
    home.tesla.billing.reset()
    async_fire_time_changed(home.hass, fire_all=True)
    await until(lambda: home.state("sensor", "charging_state") == "charging")
    await home.settle()
    assert home.tesla.billing.count("data") <= 1


async def test_the_configuration_is_sent_once_and_not_again_after_a_restart(
    streaming_home: Home,
) -> None:
    home = streaming_home
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config_jws") == 1
    await home.restart()
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config_jws") == 1


async def test_after_a_restart_the_last_values_are_there_before_the_car_is(
    streaming_home: Home,
) -> None:
    home = streaming_home
    assert home.entry is not None
    level = home.state("sensor", "battery_level")
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.car.sleep()
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.state("sensor", "battery_level") == level
    assert home.state("sensor", "telemetry") in {"configured", "synced"}


async def test_a_car_that_falls_asleep_is_not_thereby_unplugged(streaming_home: Home) -> None:
    home = streaming_home
    await home.act("stop_charging")
    await until(lambda: home.state("sensor", "charging_state") == "stopped")
    home.car.sleep()
    await until(lambda: home.state("sensor", "telemetry") == "synced", 40)
    assert home.state("binary_sensor", "plugged_in") == "on"
    await home.poll()
    assert home.state("binary_sensor", "awake") == "off"


async def test_an_unpaired_car_is_refused_and_polled(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.keychain.remove(home.key.public_key)
    await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: home.state("sensor", "telemetry") == "refused")
    assert "missing_key" in caplog.text
    await until(lambda: home.state("sensor", "battery_level") == "62")


async def test_removing_the_entry_takes_the_configuration_back(streaming_home: Home) -> None:
    home = streaming_home
    assert home.entry is not None
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert home.tesla.billing.requests[-1].method == "DELETE"
    server = async_get_telemetry_server(home.hass, active_endpoints())
    assert server.port == 0


async def test_choosing_polling_takes_the_configuration_back(streaming_home: Home) -> None:
    home = streaming_home
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, options=TelemetrySettings().as_options()
    )
    await home.restart()
    assert [r.method for r in home.tesla.billing.requests].count("DELETE") == 1
    assert home.state("sensor", "telemetry") == "off"


async def test_a_taken_port_is_a_repair_and_data_come_by_polling(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        entry = await home.set_up(telemetry=embedded(taken.getsockname()[1]))
        issue = ir.async_get(home.hass).async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}")
        assert issue is not None
        assert issue.translation_key == "telemetry_port"
        assert home.state("sensor", "battery_level") == "62"
    await home.restart()
    assert ir.async_get(home.hass).async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}") is None
    assert await home.hass.config_entries.async_unload(entry.entry_id)
