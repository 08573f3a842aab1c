"""The table of signals: which field tells which fact, what a car can mean by it, and what is nonsense."""

from typing import Any

import pytest

from custom_components.tesla_charging.vehicle.signals import (
    SIGNALS,
    WORDS,
    NotGiven,
    Unknown,
    with_position,
)
from custom_components.tesla_charging.vehicle.state import readings_of

NOW = 1_800_000_000.0


# As Tesla's vehicle_data carries them: section, field, a value, the signal and what it then is.
POLLED: list[tuple[str, str, Any, str, Any]] = [
    ("charge_state", "battery_level", 61, "BatteryLevel", 61),
    ("charge_state", "usable_battery_level", 60, "Soc", 60),
    ("charge_state", "battery_range", 201.5, "RatedRange", 201.5),
    ("charge_state", "charging_state", "Charging", "DetailedChargeState", "Charging"),
    ("charge_state", "charger_power", 11, "charger_power", 11),
    ("charge_state", "charger_actual_current", 16, "ChargeAmps", 16),
    ("charge_state", "charger_voltage", 231, "ChargerVoltage", 231),
    ("charge_state", "charger_phases", 3, "ChargerPhases", 3),
    ("charge_state", "charge_energy_added", 7.25, "DCChargingEnergyIn", 7.25),
    ("charge_state", "minutes_to_full_charge", 90, "EstimatedHoursToChargeTermination", 1.5),
    ("charge_state", "charge_limit_soc", 80, "ChargeLimitSoc", 80),
    ("charge_state", "charge_limit_soc_min", 50, "charge_limit_soc_min", 50),
    ("charge_state", "charge_limit_soc_max", 100, "charge_limit_soc_max", 100),
    ("charge_state", "charge_current_request", 16, "ChargeCurrentRequest", 16),
    ("charge_state", "charge_current_request_max", 32, "ChargeCurrentRequestMax", 32),
    ("charge_state", "charge_port_door_open", True, "ChargePortDoorOpen", True),
    ("charge_state", "charge_port_latch", "Engaged", "ChargePortLatch", "Engaged"),
    ("charge_state", "conn_charge_cable", "IEC", "ChargingCableType", "IEC"),
    ("drive_state", "shift_state", "P", "Gear", "P"),
    ("vehicle_state", "car_version", "2026.32.6 0123abcd", "Version", "2026.32.6"),
]


@pytest.mark.parametrize(("section", "field", "value", "name", "means"), POLLED)
def test_a_field_tells_its_signal_and_no_other(
    section: str, field: str, value: Any, name: str, means: Any
) -> None:
    readings = readings_of({section: {field: value, "timestamp": NOW * 1000}}, now=NOW)
    assert {known: reading.value for known, reading in readings.items()} == {name: means}
    for other in {"charge_state", "drive_state", "vehicle_state"} - {section}:
        assert readings_of({other: {field: value, "timestamp": NOW * 1000}}, now=NOW) == {}


def test_a_position_is_told_by_latitude_and_longitude_together() -> None:
    place = {"latitude": 52.5, "longitude": -1.25, "timestamp": NOW * 1000}
    assert readings_of({"drive_state": place}, now=NOW)["Location"].value == (52.5, -1.25)
    assert with_position({"latitude": 1.0}) == {"latitude": 1.0}
    assert with_position({"longitude": 1.0}) == {"longitude": 1.0}
    nowhere = readings_of({"drive_state": {**place, "latitude": None}}, now=NOW)
    assert "Location" not in nowhere, "what was known stays known"


# Lowest and highest value that a car can mean.
RANGES: dict[str, tuple[float, float]] = {
    "BatteryLevel": (0, 100),
    "Soc": (0, 100),
    "RatedRange": (0, 998),
    "charger_power": (-5_000, 5_000),
    "ACChargingPower": (-5_000, 5_000),
    "DCChargingPower": (-5_000, 5_000),
    "ChargeAmps": (-5_000, 5_000),
    "ChargerVoltage": (-5_000, 5_000),
    "ChargerPhases": (0, 3),
    "DCChargingEnergyIn": (-10, 5_000),
    "EstimatedHoursToChargeTermination": (0, 100_000),
    "ChargeLimitSoc": (0, 100),
    "charge_limit_soc_min": (50, 100),
    "charge_limit_soc_max": (50, 100),
    "ChargeCurrentRequest": (0, 5_000),
    "ChargeCurrentRequestMax": (0, 80),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_number_is_what_a_car_can_mean(name: str) -> None:
    signal, (low, high) = SIGNALS[name], RANGES[name]
    assert [signal.pushed(low), signal.pushed(float(high))] == [low, high]
    assert isinstance(signal.pushed(float(high)), int), "both roads write the same number alike"
    for nonsense in (low - 0.1, *([] if high == 998 else [high + 0.1]), True, "1", (1.0, 2.0)):
        with pytest.raises(NotGiven):
            signal.pushed(nonsense)


@pytest.mark.parametrize("name", ["RatedRange", "EstBatteryRange", "IdealBatteryRange"])
def test_a_number_that_stands_for_no_range_is_unknown(name: str) -> None:
    signal = SIGNALS[name]
    assert signal.pushed(998.5) == 998.5
    for sentinel in (999, 999.0, 4_999.9, 5_000.3, 65_535):
        with pytest.raises(Unknown):
            signal.pushed(sentinel)
        with pytest.raises(Unknown):
            signal.polled({str(signal.field): sentinel})


def test_both_transports_round_the_odometer_alike() -> None:
    odometer = SIGNALS["Odometer"]
    assert odometer.pushed(12_345.67905) == odometer.polled({"odometer": 12_345.6789}) == 12_345.68
    assert isinstance(odometer.pushed(12_345.0), int)


@pytest.mark.parametrize("name", ["ChargePortDoorOpen", "LocatedAtHome"])
def test_a_switch_is_on_or_off(name: str) -> None:
    assert SIGNALS[name].pushed(True) is True
    assert SIGNALS[name].pushed(False) is False
    for nonsense in (1, 0.0, "true"):
        with pytest.raises(NotGiven):
            SIGNALS[name].pushed(nonsense)


@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_one_that_has_a_meaning_here(name: str) -> None:
    signal = SIGNALS[name]
    for word in WORDS[name]:
        assert signal.pushed(word) == signal.polled({str(signal.field): word}) == word
    for unknown in ("Unknown", "SomethingNew", "8", "x" * 65, word.lower() + "x"):
        with pytest.raises(Unknown):
            signal.pushed(unknown)
        with pytest.raises(Unknown):
            signal.polled({str(signal.field): unknown})
    for none in ("", "<invalid>", "SNA", "Invalid"):
        if signal.none_counts:
            assert signal.pushed(none) is None
        else:
            with pytest.raises(NotGiven):
                signal.pushed(none)
    for nonsense in (1, True, b"P", ("P",)):
        with pytest.raises(NotGiven):
            signal.pushed(nonsense)


def test_only_a_version_is_cut_at_its_first_space() -> None:
    assert SIGNALS["Version"].pushed("2026.32.6 0123abcd 7") == "2026.32.6"
    assert SIGNALS["fast_charger_brand"].pushed("Some Brand") == "Some Brand"
    assert SIGNALS["fast_charger_brand"].pushed("x" * 65) == "x" * 64


def test_a_position_is_two_numbers_on_earth() -> None:
    position = SIGNALS["Location"]
    for corner in ((-90, -180), (90, 180), (0.5, 0.5), (0, 0.5)):
        assert position.pushed(corner) == corner
    for nonsense in (
        (90.1, 0),
        (-90.1, 0),
        (0, 180.1),
        (0, -180.1),
        (1.0,),
        (1, 2, 3),
        [1, 2],
        7,
        (0, 0),
    ):
        with pytest.raises(NotGiven):
            position.pushed(nonsense)


@pytest.mark.parametrize("name", SIGNALS)
def test_null_is_a_statement_only_where_a_car_means_it(name: str) -> None:
    signal = SIGNALS[name]
    assert signal.pushed(None) is None, "settled as a statement when it was received"
    with pytest.raises(NotGiven):
        signal.polled({})
    if signal.field is None:
        assert signal.section is None
    elif signal.none_counts:
        assert signal.polled({signal.field: None}) is None
    else:
        with pytest.raises(NotGiven):
            signal.polled({signal.field: None})


def test_what_only_the_car_itself_tells_is_never_looked_for_in_a_poll() -> None:
    names = {name for name, signal in SIGNALS.items() if signal.section is None}
    assert {"ACChargingPower", "DCChargingPower", "LocatedAtHome"} <= names
    for name in names:
        with pytest.raises(NotGiven):
            SIGNALS[name].polled({name: 1.0})


def test_of_numbers_only_the_rest_of_charging_depends_on_when_it_was_measured() -> None:
    counting = {name for name, signal in SIGNALS.items() if signal.counts_from_measurement}
    assert "EstimatedHoursToChargeTermination" in counting
    assert not counting & {"BatteryLevel", "DCChargingEnergyIn", "ChargeLimitSoc"}
