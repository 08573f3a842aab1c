"""What cars publish, over a real broker and Home Assistant's own MQTT integration."""

import logging
from typing import Any

import pytest

from tests.support.waiting import until

from .home import STRANGER, Antenna, over_both_protocols


@over_both_protocols
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_what_a_car_publishes_is_shown_without_a_single_poll(road: Antenna, qos: int) -> None:
    home = road.home
    await road.publish(
        qos=qos, BatteryLevel=71.4, DetailedChargeState="DetailedChargeStateCharging"
    )
    await road.becomes("sensor", "telemetry", "connected")
    await road.becomes("sensor", "charging_state", "charging")
    await home.settle()
    home.tesla.billing.reset()
    await road.publish(qos=qos, DetailedChargeState="DetailedChargeStateDisconnected")
    await road.becomes("binary_sensor", "plugged_in", "off")
    await road.publish(qos=qos, BatteryLevel=72, LocatedAtHome=True)
    await road.becomes("sensor", "battery_level", "72")
    await road.becomes("binary_sensor", "at_home", "on")
    await home.poll()
    assert home.tesla.billing.requests == []


async def test_nothing_is_sent_to_a_car_whose_server_somebody_else_runs(road: Antenna) -> None:
    await road.publish(BatteryLevel=70)
    await road.becomes("sensor", "battery_level", "70")
    assert road.home.tesla.billing.count(path_contains="fleet_telemetry") == 0


async def test_the_fields_of_one_record_count_together_in_any_order(road: Antenna) -> None:
    await road.publish(
        DetailedChargeState="DetailedChargeStateStopped", ChargingCableType="CableTypeIEC"
    )
    await until(lambda: road.car.data.value("ChargingCableType") == "IEC")
    # "no cable" says so only together with "disconnected", which comes after it here
    await road.publish(
        ChargingCableType=None, DetailedChargeState="DetailedChargeStateDisconnected"
    )
    await until(lambda: road.car.data.value("DetailedChargeState") == "Disconnected")
    assert road.car.data.value("ChargingCableType") is None


@over_both_protocols
async def test_only_our_cars_are_heard_and_nonsense_is_left_out(
    road: Antenna, caplog: pytest.LogCaptureFixture
) -> None:
    await road.publish(STRANGER, BatteryLevel=11)
    for rest, payload in (
        ("v/BatteryLevel", b"\xff\xfe"),
        ("v/BatteryLevel", b'"' + b"x" * 70_000 + b'"'),
        ("v/BatteryLevel", b"{" * 5_000),
        ("v/BatteryLevel", b"1e999"),
        ("v/BatteryLevel", b"[1,2]"),
        ("v/NoSuchField", b"1"),
        ("v/999999999999", b"1"),
        ("connectivity", b'{"Status": 7}'),
        ("errors/broken", b"[]"),
        ("alerts/broken/current", b"null"),
        ("v/BatteryLevel", b""),
    ):
        await road.raw(rest, payload)
    await road.publish(BatteryLevel=64)
    await road.becomes("sensor", "battery_level", "64")
    ours = [r for r in caplog.records if r.name.startswith("custom_components")]
    assert [r.getMessage() for r in ours if r.levelno > logging.INFO] == []


async def test_values_that_contradict_each_other_are_no_energy(road: Antenna) -> None:
    """What a car says for a moment: its lifetime counter 0, an energy of 999 kWh, a wall counter of 4999."""
    await road.publish(
        DetailedChargeState="DetailedChargeStateCharging",
        BatteryLevel=50.2,
        EnergyRemaining=30.1,
        LifetimeEnergyChargedKwh=100.0,
        DCChargingEnergyIn=2.0,
        ACChargingEnergyIn=2.2,
    )
    await until(lambda: road.car.data.energy.session is not None)
    for counter, told in (
        (2.1, {"LifetimeEnergyChargedKwh": 0.0}),
        (2.2, {"LifetimeEnergyChargedKwh": 100.2}),
        (2.2, {"EnergyRemaining": 999.0, "BatteryLevel": 50.6}),
        (2.3, {"LifetimeEnergyChargedKwh": 199.0}),
        (2.4, {"ACChargingEnergyIn": 4_999.0}),
        (2.5, {"ACChargingEnergyIn": 2.3, "LifetimeEnergyChargedKwh": 100.5}),
    ):
        fields: dict[str, Any] = {"DCChargingEnergyIn": counter, **told}
        await road.publish(**fields)
        name, value = next(iter(told.items()))
        await until(lambda: road.car.data.number(name) == value)  # noqa: B023
        await until(lambda: road.car.data.number("DCChargingEnergyIn") == counter)  # noqa: B023
    energy = road.car.data.energy
    assert energy.total <= 0.6
    assert energy.wall is not None
    assert energy.wall.shown < 3
    assert float(road.home.state("sensor", "energy_charged")) <= 0.6
