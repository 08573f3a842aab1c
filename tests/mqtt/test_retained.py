"""What a broker had kept: it fills gaps, knows better than what was remembered, and overwrites nothing else."""

import json
from typing import Any

from homeassistant.components.mqtt import client as mqtt_client
import pytest

from custom_components.tesla_charging.fleet_telemetry import SignalRecord
from custom_components.tesla_charging.vehicle.state import UNKNOWN_TIME, Reading, VehicleState
from tests.mqtt.home import came_back
from tests.support.home import PEARL
from tests.support.waiting import until

from .home import (
    HEARD,
    MQTT_ROAD,
    Antenna,
    over_both_protocols,
    over_mqtt_5,
    set_up_mqtt,
    unsubscribed,
)


@over_both_protocols
async def test_what_a_broker_kept_fills_gaps_and_overwrites_nothing(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await road.publish(
        retain=True,
        BatteryLevel=5,
        LocatedAtHome=False,
        DetailedChargeState="DetailedChargeStateCharging",
        EstimatedHoursToChargeTermination=2.0,
    )
    await road.connectivity(True, retain=True)
    await set_up_mqtt(home.hass, road.broker)
    await home.set_up(telemetry=MQTT_ROAD)
    # only the car itself tells this; no poll does
    await road.becomes("binary_sensor", "at_home", "off")
    assert home.state("sensor", "battery_level") == "62"
    assert home.state("binary_sensor", "plugged_in") == "off"
    assert home.state("sensor", "telemetry") == "waiting"
    assert road.car.pushed_at is None
    # and live the same value counts
    await road.publish(retain=True, BatteryLevel=6, LocatedAtHome=True)
    await road.becomes("sensor", "battery_level", "6")
    await road.becomes("binary_sensor", "at_home", "on")
    await road.becomes("sensor", "telemetry", "connected")


async def test_a_kept_value_beats_neither_what_was_just_set_nor_what_was_polled(
    road: Antenna,
) -> None:
    home = road.home
    await home.act("set_charge_limit", percent=66)
    assert road.car.data.assumed
    now = 1.0 + road.car.data.readings["ChargeLimitSoc"].measured_at
    kept = SignalRecord(PEARL, 0.0, now, {"ChargeLimitSoc": 90, "BatteryLevel": 3}, retained=True)
    road.car.on_record(kept)
    assert road.car.data.value("ChargeLimitSoc") == 66
    assert road.car.data.value("BatteryLevel") == 62
    # without a time nobody knows when two hours are over
    road.car.data = road.car.data.__class__()
    road.car.on_record(
        SignalRecord(
            PEARL, 0.0, now, {"EstimatedHoursToChargeTermination": 2.0, "Soc": 3}, retained=True
        )
    )
    assert set(road.car.data.readings) == {"Soc"}
    live = SignalRecord(PEARL, now, now, {"Soc": 4})
    road.car.on_record(live)
    road.car.on_record(SignalRecord(PEARL, 0.0, now + 9, {"Soc": 3}, retained=True))
    assert road.car.data.value("Soc") == 4


# -- over a restart ------------------------------------------------------------------------------------


async def restart(road: Antenna, **meanwhile: Any) -> None:
    """Restart while the car publishes something and falls asleep: no poll can tell."""
    home = road.home
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await unsubscribed(road)
    home.car.sleep()
    await road.publish(retain=True, **meanwhile)
    home.tesla.billing.reset()
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await came_back(road, next(iter(meanwhile)))
    assert home.tesla.billing.count("data") == 0


@over_both_protocols
async def test_what_was_missed_while_home_assistant_was_down_is_made_good(road: Antenna) -> None:
    home = road.home
    await road.publish(retain=True, BatteryLevel=50, LocatedAtHome=True)
    await road.becomes("sensor", "battery_level", "50")
    assert home.state("number", "charge_limit") == "80"  # polled, while the car streamed
    await restart(road, BatteryLevel=58, ChargeLimitSoc=90)
    assert home.state("sensor", "battery_level") == "58"
    assert home.state("number", "charge_limit") == "90"
    assert home.state("binary_sensor", "at_home") == "on"
    # and once more: what was taken over is not taken for the car's own word
    await restart(road, BatteryLevel=59)
    assert home.state("sensor", "battery_level") == "59"


async def test_a_server_that_was_never_heard_knows_no_better_than_a_poll(road: Antenna) -> None:
    assert road.home.state("sensor", "battery_level") == "62"
    await restart(road, BatteryLevel=5)
    assert road.home.state("sensor", "battery_level") == "62"


async def test_what_was_assumed_before_a_restart_yields_to_what_the_car_said(road: Antenna) -> None:
    home = road.home
    await home.act("set_charge_limit", percent=66)
    assert road.car.data.assumed
    await restart(road, ChargeLimitSoc=70)
    assert home.state("number", "charge_limit") == "70"


@over_mqtt_5
async def test_a_broker_that_was_killed_comes_back_and_undoes_nothing(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    hass = road.home.hass
    monkeypatch.setattr(mqtt_client, "RECONNECT_INTERVAL_SECONDS", 1)
    await road.publish(retain=True, BatteryLevel=50, LocatedAtHome=False)
    await road.becomes("sensor", "battery_level", "50")
    await road.publish(BatteryLevel=55)
    await road.becomes("sensor", "battery_level", "55")
    await hass.async_add_executor_job(road.broker.kill)
    await road.becomes("sensor", "telemetry", "synced")
    assert road.home.state("sensor", "battery_level") == "55"
    await hass.async_add_executor_job(road.broker.start)
    await came_back(road)
    assert road.home.state("sensor", "battery_level") == "55"
    # nor is what was retained a sign of life
    assert road.home.state("sensor", "telemetry") == "synced"
    await until(lambda: road.publisher.connected, HEARD)
    await road.publish(BatteryLevel=56)
    await road.becomes("sensor", "battery_level", "56")
    await road.becomes("sensor", "telemetry", "connected")


NOW = 1_790_000_000.0


def stored_and_read_back(state: VehicleState) -> VehicleState:
    return VehicleState.from_dict(json.loads(json.dumps(state.as_dict())))


def kept(value: float) -> dict[str, Reading]:
    return {"BatteryLevel": Reading(value, UNKNOWN_TIME)}


def test_what_replaces_a_remembered_value_is_no_older_and_no_surer() -> None:
    state = VehicleState({"BatteryLevel": Reading(50.0, NOW)}).with_broker_time(NOW + 1)
    assert state.merge(kept(58.0), now=NOW + 9).value("BatteryLevel") == 50.0
    state = stored_and_read_back(state).merge(kept(58.0), now=NOW + 9)
    assert (state.value("BatteryLevel"), state.measured_at("BatteryLevel")) == (58.0, NOW)
    older = {"BatteryLevel": Reading(40.0, NOW - 60)}
    assert state.merge(older, now=NOW + 9).value("BatteryLevel") == 58.0
    state = stored_and_read_back(state).merge(kept(59.0), now=NOW + 9)
    assert state.value("BatteryLevel") == 59.0
    newer = state.merge({"BatteryLevel": Reading(60.0, NOW + 5)}, now=NOW + 9)
    assert newer.merge(kept(61.0), now=NOW + 9).value("BatteryLevel") == 60.0


def test_a_value_newer_than_the_last_word_over_the_broker_is_kept_over_a_restart() -> None:
    state = VehicleState({"BatteryLevel": Reading(50.0, NOW)}).with_broker_time(NOW - 1)
    state = stored_and_read_back(state).merge(kept(58.0), now=NOW + 9)
    assert state.value("BatteryLevel") == 50.0
