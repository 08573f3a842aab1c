"""A car's telemetry configuration: what its firmware understands, and how often it is checked whether it stands."""

from typing import Any

import pytest

from custom_components.tesla_charging.storage.config_record import DAY, HOUR
from tests.support.home import CLIENT_ID, HOME_DOMAIN, PEARL, Home
from tests.support.hours import Hours
from tests.support.repairs import issue_of
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

CREATE = "fleet_telemetry_config_jws"
READ = f"{PEARL}/fleet_telemetry_config"
STATUS = "fleet_status"


@pytest.fixture
def hours(home: Home, monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(home, monkeypatch)


def rows(home: Home) -> dict[str, dict[str, Any]]:
    """Return the fields of the configuration that Tesla has for the car."""
    config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    assert config is not None
    fields: dict[str, dict[str, Any]] = config.claims["fields"]
    return fields


def used(home: Home) -> set[str]:
    return {key for row in rows(home).values() for key in row}


@pytest.mark.parametrize(
    ("firmware", "keys"),
    [
        ("2024.26.9", {"interval_seconds"}),
        ("2024.44.30", {"interval_seconds"}),
        ("2024.44.32", {"interval_seconds", "minimum_delta"}),
        ("2026.26.5", {"interval_seconds", "minimum_delta"}),
        ("2026.26.6", {"interval_seconds", "minimum_delta", "include_fields"}),
        ("2024.44.32.1", {"interval_seconds", "minimum_delta"}),
        ("2024.44.31.99", {"interval_seconds"}),
        ("2026.26.6.1 abc", {"interval_seconds", "minimum_delta", "include_fields"}),
        ("2026.8.50", {"interval_seconds", "minimum_delta"}),
        # it is not known what these understand
        ("2026", {"interval_seconds"}),
        ("2026.26.6-beta", {"interval_seconds"}),
    ],
)
async def test_a_car_gets_what_its_firmware_understands(
    home: Home, firmware: str, keys: set[str]
) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None, firmware=firmware)
    await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: home.tesla.telemetry(PEARL).config(CLIENT_ID) is not None)
    await home.settle()
    assert used(home) == keys
    assert home.tesla.billing.count(path_contains=CREATE) == 1


async def test_a_car_of_unknown_firmware_gets_more_when_it_is_known(home: Home) -> None:
    """It sleeps, and Tesla does not tell its firmware either."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.sleep()
    home.tesla.faults.status(500, STATUS)
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.tesla.telemetry(PEARL).config(CLIENT_ID) is not None)
    assert used(home) == {"interval_seconds"}
    car.wake()
    home.tesla.clock.advance(60)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await until(lambda: "include_fields" in used(home))
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_a_car_that_sleeps_at_first_is_configured_once(home: Home) -> None:
    """Tesla knows its firmware; neither a restart nor the car's own word costs another request."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.sleep()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.tesla.telemetry(PEARL).config(CLIENT_ID) is not None)
    assert "include_fields" in used(home)
    await home.restart()
    await home.poll()
    await home.settle()
    for path in (STATUS, CREATE):
        assert home.tesla.billing.count(path_contains=path) == 1
    assert home.tesla.billing.count("wake") == 0
    car.wake()
    home.tesla.clock.advance(60)
    await home.poll()
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await home.settle()
    assert home.tesla.billing.count(path_contains=CREATE) == 1
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_a_car_that_sleeps_is_known_to_lack_the_key(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.keychain.remove(home.key.public_key)
    car.sleep()
    await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: home.tesla.billing.count(path_contains=STATUS) == 1)
    await home.settle()
    assert issue_of(home, "key_not_paired").is_fixable
    assert home.tesla.billing.count(path_contains=CREATE) == 1


async def test_new_firmware_gets_what_it_understands(streaming_home: Home) -> None:
    home = streaming_home
    await until(lambda: "include_fields" in used(home))
    home.car.install_firmware("2024.44.30")
    home.tesla.clock.advance(120)
    await until(lambda: used(home) == {"interval_seconds"})


async def test_what_only_adds_includes_waits_for_the_next_check(home: Home, hours: Hours) -> None:
    """A configuration that stands is not paid for a second time because of it, neither after an update of ours."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None, firmware="2026.26.5")
    await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: home.tesla.telemetry(PEARL).config(CLIENT_ID) is not None)
    home.cars[PEARL].install_firmware("2026.26.6")
    await home.act("refresh")
    await home.settle()
    assert home.tesla.billing.count(path_contains=CREATE) == 1
    await hours.pass_by(7 * DAY)
    assert home.tesla.billing.count(path_contains=CREATE) == 2
    assert "include_fields" in used(home)


async def test_a_configuration_that_a_car_follows_is_checked_once_a_week(
    streaming_home: Home, hours: Hours
) -> None:
    home = streaming_home
    await home.settle()
    home.tesla.billing.reset()
    for _ in range(13):
        await hours.pass_by(DAY / 2)
    assert home.tesla.billing.count(path_contains=READ) == 0
    await hours.pass_by(DAY)
    assert home.tesla.billing.count(path_contains=READ) == 1
    assert home.tesla.billing.count(path_contains=CREATE) == 0


async def test_in_doubt_a_configuration_is_checked_long_before(
    streaming_home: Home, hours: Hours
) -> None:
    """The car is online and pushes nothing: its configuration was taken out of it."""
    home = streaming_home
    await hours.pass_by(2 * DAY)
    home.tesla.billing.reset()
    assert home.tesla.telemetry(PEARL).remove(CLIENT_ID)
    await until(lambda: home.state("sensor", "telemetry") == "synced")
    await home.poll()
    assert home.state("binary_sensor", "awake") == "on"
    await hours.pass_by(HOUR)
    assert home.tesla.billing.count(path_contains=CREATE) == 1
    await until(lambda: home.state("sensor", "telemetry") == "connected")
