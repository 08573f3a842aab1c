"""What the owner sees of a car's push channel: how far it is, why no further, and when the car spoke last."""

from collections.abc import Callable
import json
from typing import Any

from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.diagnostics import async_get_config_entry_diagnostics
from custom_components.tesla_charging.issues.kinds import KEY_NOT_PAIRED
from custom_components.tesla_charging.issues.registry import async_get_issues, car_id
from custom_components.tesla_charging.storage.config_record import CHECK_INTERVAL, DAY, HOUR
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from tests.support.home import CLIENT_ID, HOME_DOMAIN, PEARL, Home
from tests.support.hours import Hours
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

CREATE = "fleet_telemetry_config_jws"


@pytest.fixture
async def asked_home(home: Home) -> Home:
    """A home with a car that is awake and whose telemetry will be configured, but has nowhere to connect to."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    return home


async def unload(home: Home) -> None:
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


def issue(home: Home, kind: str = "refused") -> ir.IssueEntry | None:
    return ir.async_get(home.hass).async_get_issue(
        DOMAIN, f"telemetry_{kind}_{car_id(home.hass, PEARL)}"
    )


def problem(home: Home) -> str:
    return home.state("sensor", "telemetry_problem")


def attribute(home: Home, name: str) -> Any:
    state = home.hass.states.get(home.entity_id("sensor", "telemetry_problem"))
    assert state is not None
    return state.attributes[name]


# -- refused ---------------------------------------------------------------------------------------------


def without_key(home: Home) -> Callable[[], None]:
    home.car.keychain.remove(home.key.public_key)
    return lambda: home.tesla.pair(home.car, home.key.public_key)


def with_old_firmware(home: Home) -> Callable[[], None]:
    home.car.install_firmware("2024.20.9")
    return lambda: home.car.install_firmware("2024.26.3")


def on_old_hardware(home: Home) -> Callable[[], None]:
    car = home.tesla.telemetry(PEARL)
    car.hardware_supported = False
    return lambda: setattr(car, "hardware_supported", True)


def full(home: Home) -> Callable[[], None]:
    car = home.tesla.telemetry(PEARL)
    car.other_configs = 5
    return lambda: setattr(car, "other_configs", 4)


def silently_full(home: Home) -> Callable[[], None]:
    car = home.tesla.telemetry(PEARL)
    car.swallows_configs = True
    return lambda: setattr(car, "swallows_configs", False)


@pytest.mark.parametrize(
    ("refuse", "shown", "told", "retried"),
    [
        (with_old_firmware, "unsupported_firmware", "telemetry_unsupported_firmware", DAY),
        (on_old_hardware, "unsupported_hardware", "telemetry_unsupported_hardware", 7 * DAY),
        (full, "max_configs", "telemetry_max_configs", 6 * HOUR),
        (silently_full, "limit_reached", "telemetry_max_configs", 6 * HOUR),
    ],
)
async def test_a_refusal_says_why_and_goes_away_by_itself(
    asked_home: Home,
    hours: Hours,
    refuse: Callable[[Home], Callable[[], None]],
    shown: str,
    told: str,
    retried: float,
) -> None:
    home = asked_home
    put_right = refuse(home)
    await home.set_up(telemetry=embedded(free_port()))
    assert home.state("sensor", "telemetry") == "refused"
    assert problem(home) == shown
    assert attribute(home, "detail") == shown
    found = issue(home)
    assert found is not None
    assert found.translation_key == told
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["car"] == "Pearl"
    # not asked again before it can have changed, because every question is billed
    home.tesla.billing.reset()
    await hours.pass_by(retried - 60)
    assert home.tesla.billing.count(path_contains="fleet_telemetry") == 0
    put_right()
    await hours.pass_by(61)
    assert home.tesla.billing.count(path_contains=CREATE) == 1
    assert home.state("sensor", "telemetry") in {"configured", "synced"}
    assert problem(home) == "none"
    assert issue(home) is None
    await unload(home)


async def test_a_refusal_is_shown_again_after_a_restart_but_not_to_who_ignores_it(
    asked_home: Home,
) -> None:
    home = asked_home
    put_right = with_old_firmware(home)
    await home.set_up(telemetry=embedded(free_port()))
    ir.async_get(home.hass).async_ignore(
        DOMAIN, f"telemetry_refused_{car_id(home.hass, PEARL)}", True
    )
    await home.restart()
    assert problem(home) == "unsupported_firmware"
    found = issue(home)
    assert found is not None
    assert found.active
    assert found.dismissed_version is not None
    # the owner may have reloaded because he has updated the car
    put_right()
    await home.restart()
    assert problem(home) == "none"
    assert issue(home) is None
    await unload(home)


async def test_what_tesla_calls_wrong_is_told_in_its_words(asked_home: Home) -> None:
    home = asked_home
    settings = embedded(free_port())
    await home.set_up(
        telemetry=TelemetrySettings(
            settings.transport, "elsewhere.example.org", 8443, settings.listen_port, "127.0.0.1"
        )
    )
    assert problem(home) == "config_refused"
    assert "does not belong to" in attribute(home, "detail")
    found = issue(home)
    assert found is not None
    assert found.translation_placeholders is not None
    assert "does not belong to" in found.translation_placeholders["detail"]
    # who chooses polling is not bothered with it any more
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, options=TelemetrySettings().as_options()
    )
    await home.restart()
    assert issue(home) is None
    assert problem(home) == "none"


async def test_a_car_that_is_not_paired_is_told_once_with_a_way_to_pair_it(
    asked_home: Home,
) -> None:
    home = asked_home
    without_key(home)
    entry = await home.set_up(telemetry=embedded(free_port()))
    assert problem(home) == "missing_key"
    assert issue(home) is None
    issues = async_get_issues(home.hass, entry)
    assert issues.is_open(KEY_NOT_PAIRED, PEARL)
    await unload(home)


async def test_removing_the_entry_removes_what_was_told(asked_home: Home) -> None:
    home = asked_home
    with_old_firmware(home)
    await home.set_up(telemetry=embedded(free_port()))
    assert issue(home) is not None
    assert home.entry is not None
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert issue(home) is None


# -- fields that Tesla refuses by name -------------------------------------------------------------------


def refuse_field(home: Home, name: str) -> None:
    home.tesla.faults.status(400, CREATE, body={"error": f"Unknown field {name}"}, times=1)


async def test_a_field_that_tesla_refuses_is_left_out_and_shown(
    asked_home: Home, hours: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    home = asked_home
    refuse_field(home, "ChargeLimitSoc")
    await home.set_up(telemetry=embedded(free_port()))
    assert home.state("sensor", "telemetry") in {"configured", "synced"}
    config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    assert config is not None
    assert "ChargeLimitSoc" not in config.fields
    assert "BatteryLevel" in config.fields
    assert problem(home) == "fields_left_out"
    assert attribute(home, "left_out") == ["ChargeLimitSoc"]
    assert issue(home, "fields") is None
    await home.restart()
    await hours.pass_by(CHECK_INTERVAL)
    assert problem(home) == "fields_left_out"
    assert caplog.text.count("Tesla does not stream ChargeLimitSoc from this car") == 1

    # refused again, together with another one, when it is offered again after a week
    refuse_field(home, "Version")
    refuse_field(home, "ChargeLimitSoc")
    await hours.pass_by(7 * DAY)
    assert set(attribute(home, "left_out")) == {"ChargeLimitSoc", "Version"}
    # taken at last
    await hours.pass_by(7 * DAY)
    assert problem(home) == "none"
    config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    assert config is not None
    assert "ChargeLimitSoc" in config.fields
    await unload(home)


async def test_a_missing_permission_for_the_location_has_words_of_its_own(
    asked_home: Home,
) -> None:
    home = asked_home
    home.tesla.faults.status(
        403, CREATE, body={"error": "Unauthorized missing scopes vehicle_location"}, times=1
    )
    await home.set_up(location=True, telemetry=embedded(free_port()))
    found = issue(home, "location")
    assert found is not None
    assert found.translation_key == "telemetry_no_location"
    assert found.translation_placeholders == {"car": "Pearl", "values": "At home, Location"}
    assert issue(home, "fields") is None
    config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    assert config is not None
    assert "LocatedAtHome" in config.fields
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, options=TelemetrySettings().as_options()
    )
    await home.restart()
    assert issue(home, "location") is None


async def test_what_is_left_out_of_the_stream_is_asked_for_now_and_then(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", home.tesla.clock.now)
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.add_car(PEARL, "Pearl", sleep_after=None)
    refuse_field(home, "ChargeLimitSoc")
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await home.settle()
    home.tesla.billing.reset()
    for _ in range(60):
        home.tesla.clock.advance(120)
        await home.poll()
    # two hours: every half hour, give or take one
    assert 3 <= home.tesla.billing.count(path_contains="vehicle_data") <= 5
    await unload(home)


async def test_a_configuration_that_cannot_be_read_back_is_not_forgotten(asked_home: Home) -> None:
    home = asked_home
    home.tesla.faults.status(500, f"{PEARL}/fleet_telemetry_config", method="GET")
    await home.set_up(telemetry=embedded(free_port()))
    assert home.state("sensor", "telemetry") == "configured"
    assert problem(home) == "none"
    assert home.entry is not None
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert home.tesla.telemetry(PEARL).config(CLIENT_ID) is None


# -- removed by others -----------------------------------------------------------------------------------


async def test_a_configuration_that_was_removed_is_put_back(
    streaming_home: Home, hours: Hours
) -> None:
    home = streaming_home
    assert problem(home) == "none"
    assert home.tesla.telemetry(PEARL).remove(CLIENT_ID)
    await until(lambda: home.state("sensor", "telemetry") == "synced")
    await home.poll()
    assert home.state("binary_sensor", "awake") == "on"
    # a car that is online and not connected is looked after sooner than once a day
    await hours.pass_by(6 * HOUR)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert home.tesla.billing.count(path_contains=CREATE) == 2
    assert problem(home) == "none"


async def test_a_place_that_another_app_has_taken_is_waited_for(
    streaming_home: Home, hours: Hours
) -> None:
    home = streaming_home
    car = home.tesla.telemetry(PEARL)
    assert car.remove(CLIENT_ID)
    car.other_configs = 5
    await until(lambda: home.state("sensor", "telemetry") == "synced")
    await home.poll()
    await hours.pass_by(CHECK_INTERVAL)
    assert home.state("sensor", "telemetry") == "refused"
    assert problem(home) == "max_configs"
    assert issue(home) is not None
    car.other_configs = 4
    await hours.pass_by(6 * HOUR)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert issue(home) is None


async def test_an_unpaid_account_is_shown_and_what_it_lost_is_put_back(
    streaming_home: Home, hours: Hours
) -> None:
    home = streaming_home
    home.tesla.exceed_billing_limit(home.application)
    await until(lambda: home.state("sensor", "telemetry") == "synced")
    await home.poll()
    assert home.state("sensor", "battery_level") == "unavailable"
    await hours.pass_by(HOUR)
    assert problem(home) == "account_unpaid"
    # that is a matter of the account, not of each of its cars
    assert issue(home) is None
    await hours.pass_by(HOUR)
    assert problem(home) == "account_unpaid"
    home.tesla.raise_billing_limit(home.application)
    await hours.pass_by(HOUR)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert problem(home) == "none"
    # over is over: it is neither shown nor asked about any more
    await home.poll()
    home.tesla.billing.reset()
    await hours.pass_by(HOUR)
    assert problem(home) == "none"
    assert home.tesla.billing.count(path_contains="fleet_telemetry") == 0


async def test_a_port_that_is_taken_is_seen_at_every_car(asked_home: Home) -> None:
    home = asked_home
    await home.set_up(
        telemetry=TelemetrySettings(embedded(0).transport, HOME_DOMAIN, 8443, 1, "192.0.2.1")
    )
    assert home.state("sensor", "telemetry") == "waiting"
    assert problem(home) == "cannot_listen"
    await unload(home)


# -- what the car tells ----------------------------------------------------------------------------------


async def test_the_last_message_is_known_after_a_restart(streaming_home: Home) -> None:
    home = streaming_home
    home.car.sleep()
    await until(lambda: home.state("sensor", "telemetry") == "synced", 40)
    spoken = home.state("sensor", "last_message")
    at = dt_util.parse_datetime(spoken)
    assert at is not None
    assert abs((dt_util.utcnow() - at).total_seconds()) < 60
    await home.restart()
    assert home.state("sensor", "last_message") == spoken


async def test_a_stream_writes_its_last_message_at_most_once_a_minute(
    streaming_home: Home,
) -> None:
    home = streaming_home
    written: list[str] = []

    @callback
    def count(event: Event[EventStateChangedData]) -> None:
        written.append(event.data["entity_id"])

    home.hass.bus.async_listen("state_changed", count)
    for _ in range(2):
        home.car.unplug()
        await until(lambda: home.state("binary_sensor", "plugged_in") == "off")
        home.car.plug_in()
        await until(lambda: home.state("binary_sensor", "plugged_in") == "on")
    assert written.count(home.entity_id("binary_sensor", "plugged_in")) == 4
    assert written.count(home.entity_id("sensor", "last_message")) <= 1


async def test_what_the_car_complains_about_is_shown_until_it_connects_again(
    streaming_home: Home,
) -> None:
    home = streaming_home
    car = home.tesla.telemetry(PEARL)
    car.report_error("unsupported_field", "field Gear is not supported", {"field_name": "Gear"})
    await until(lambda: problem(home) == "reported_by_car")
    assert attribute(home, "reported") == "unsupported_field: field Gear is not supported"
    home.car.sleep()
    await until(lambda: home.state("sensor", "telemetry") == "synced", 40)
    assert problem(home) == "reported_by_car"
    home.car.wake()
    await until(lambda: home.state("sensor", "telemetry") == "connected", 40)
    assert problem(home) == "none"


async def test_errors_and_charging_alerts_are_in_the_diagnostics_without_names(
    streaming_home: Home,
) -> None:
    home = streaming_home
    car = home.tesla.telemetry(PEARL)
    for number in range(12):
        car.report_error("stream_error", f"{number}: no way to {HOME_DOMAIN} for {PEARL}")
    car.raise_alert("CP_a066")
    car.raise_alert("VCFRONT_a180")
    car.end_alert("CP_a066")
    home.witness.streams_elsewhere = True  # garbage is on nobody's bill
    car.send_garbage("strange_field")
    coordinator = home.entry.runtime_data.cars[PEARL]  # type: ignore[union-attr]  # it is set up
    await until(lambda: len(coordinator.push.events.alerts) == 2)
    diagnostics = await async_get_config_entry_diagnostics(home.hass, home.entry)  # type: ignore[arg-type]  # the same
    shown = diagnostics["cars"][0]
    errors = shown["events"]["errors"]
    assert [error["body"].split(":")[0] for error in errors] == [str(n) for n in range(2, 12)]
    assert [alert["name"] for alert in shown["events"]["charging_alerts"]] == ["CP_a066"] * 2
    assert shown["events"]["charging_alerts"][1]["ended_at"] is not None
    assert shown["events"]["other_alerts"] == 1
    assert shown["telemetry_trouble"]["reported"].startswith("stream_error: 11")
    await until(
        lambda: coordinator_counters(home)["ignored"] + coordinator_counters(home)["unknown"] > 0
    )
    text = json.dumps(diagnostics, default=str)
    assert not [secret for secret in (HOME_DOMAIN, PEARL, PEARL[-6:], "Pearl") if secret in text]


def coordinator_counters(home: Home) -> dict[str, int]:
    assert home.entry is not None
    status = home.entry.runtime_data.telemetry.server.status(PEARL)
    assert status is not None
    return {"ignored": status.counters.ignored, "unknown": status.counters.unknown}
