"""What a broker had kept: it fills gaps, knows better than what was remembered, and overwrites nothing else."""

from custom_components.tesla_charging.fleet_telemetry import SignalRecord
from tests.conftest import PEARL

from .home import MQTT_ROAD, Antenna, over_both_protocols, set_up_mqtt


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


async def test_a_kept_value_beats_neither_what_was_just_set_nor_a_remembered_one(
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
