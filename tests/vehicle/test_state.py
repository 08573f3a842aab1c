"""Merging what is known of a car: newer wins, nothing impossible gets in, nothing wins for ever."""

import json
import math
from typing import Any

import pytest

from custom_components.tesla_charging.fleet_api import Connectivity
from custom_components.tesla_charging.vehicle.signals import SIGNALS
from custom_components.tesla_charging.vehicle.state import (
    Reading,
    VehicleState,
    expected,
    pushed_readings,
    readings_of,
)
from tests.support.vehicle_data import FIELDS, RUBBISH

NOW = 1_800_000_000.0


def charge_state(at: float = NOW, **fields: Any) -> dict[str, Any]:
    return {"charge_state": {"timestamp": int(at * 1000), **fields}}


def known(at: float = NOW, **values: Any) -> VehicleState:
    return VehicleState({name: Reading(value, at) for name, value in values.items()})


# -- hostile data ------------------------------------------------------------------------------------------

SECTIONS = ("charge_state", "drive_state", "vehicle_state", "charge_schedule_data")
BOUNDS = {
    "BatteryLevel": (0, 100),
    "Soc": (0, 100),
    "ChargeLimitSoc": (0, 100),
    "charge_limit_soc_min": (50, 100),
    "charge_limit_soc_max": (50, 100),
    "ChargeCurrentRequestMax": (0, 80),
    # the years 2020 and 3000
    "ScheduledChargingStartTime": (1_577_836_800, 32_503_680_000),
    "scheduled_departure_time": (1_577_836_800, 32_503_680_000),
}


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda value: repr(value)[:20])
def test_rubbish_in_every_field_raises_nothing_and_becomes_no_number(rubbish: Any) -> None:
    section = {**dict.fromkeys(FIELDS, rubbish), "timestamp": rubbish}
    readings = readings_of(dict.fromkeys(SECTIONS, section), now=NOW)
    for name, reading in readings.items():
        assert reading.measured_at == NOW
        value = reading.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = BOUNDS.get(name, (-1e6, 1e6))
            assert low <= value <= high, name
        if isinstance(value, str):
            assert len(value) <= 64
    json.dumps(VehicleState(readings).as_dict(), allow_nan=False)


def test_every_signal_of_vehicle_data_is_tried_above() -> None:
    good = {
        **dict.fromkeys(FIELDS, 50),
        "charge_port_door_open": True,
        **dict.fromkeys(
            (
                "charging_state",
                "charge_port_latch",
                "conn_charge_cable",
                "shift_state",
                "fast_charger_type",
                "fast_charger_brand",
                "scheduled_charging_mode",
            ),
            "P",
        ),
        **dict.fromkeys(
            (
                "fast_charger_present",
                "battery_heater_on",
                "not_enough_power_to_heat",
                "user_charge_enable_request",
                "managed_charging_active",
                "scheduled_charging_pending",
                "preconditioning_enabled",
                "sentry_mode",
                "is_user_present",
            ),
            False,
        ),
        "scheduled_charging_start_time": NOW,
        "scheduled_departure_time": NOW,
        "scheduled_departure_time_minutes": 480,
        "car_version": "2026.32.6 abcdef",
        "charger_phases": 3,
        "charge_schedules": [],
        "software_update": {"status": "installing"},
    }
    readings = readings_of(dict.fromkeys(SECTIONS, good), now=NOW)
    assert set(readings) == {name for name, signal in SIGNALS.items() if signal.section}


@pytest.mark.parametrize("word", ["", "<invalid>", None])
def test_a_car_that_does_not_report_its_charging_state_says_nothing(word: Any) -> None:
    assert readings_of(charge_state(charging_state=word), now=NOW) == {}


@pytest.mark.parametrize("word", ["Unknown", "Dancing", "x" * 500])
def test_a_word_that_means_nothing_here_is_unknown(word: str) -> None:
    reading = readings_of(charge_state(charging_state=word), now=NOW)["DetailedChargeState"]
    assert (reading.value, reading.unknown) == (None, True)
    cable = readings_of(charge_state(conn_charge_cable=word), now=NOW)
    assert not VehicleState(cable).has_none("ChargingCableType")
    none = readings_of(charge_state(conn_charge_cable="<invalid>"), now=NOW)
    assert VehicleState(none).has_none("ChargingCableType")
    for state in (VehicleState(cable), VehicleState(none)):
        assert VehicleState.from_dict(json.loads(json.dumps(state.as_dict()))).readings == (
            state.readings
        )


# -- totals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "told", "then"),
    [
        (12_345.68, 12_345.679, 12_345.68),
        (12_345.68, 12_345.2, 12_345.68),
        (12_345.68, 12_345.7, 12_345.7),
        (12_345.68, 120.0, 120),
        (0, 0.0, 0),
    ],
)
def test_an_odometer_never_sinks_unless_the_computer_was_replaced(
    shown: float, told: float, then: float
) -> None:
    section = {"vehicle_state": {"odometer": told, "timestamp": int(NOW * 1000)}}
    state = known(NOW - 60, Odometer=shown).merge(readings_of(section, now=NOW), now=NOW)
    assert (state.value("Odometer"), state.measured_at("Odometer")) == (then, NOW)


# -- times -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "timestamp",
    [0, -1, 5, NOW, 10**30, 1e308, math.nan, math.inf, "1", None, [], (NOW + 86_400) * 1000],
    ids=str,
)
def test_an_impossible_time_means_now(timestamp: Any) -> None:
    data = {"charge_state": {"battery_level": 50, "timestamp": timestamp}}
    assert readings_of(data, now=NOW)["BatteryLevel"].measured_at == NOW


def test_older_never_overwrites_newer() -> None:
    state = known(BatteryLevel=60)
    older = readings_of(charge_state(NOW - 1, battery_level=50), now=NOW)
    assert state.merge(older, now=NOW).value("BatteryLevel") == 60
    same = readings_of(charge_state(NOW, battery_level=50), now=NOW)
    assert state.merge(same, now=NOW).value("BatteryLevel") == 50


def test_a_time_far_in_the_future_does_not_win_for_ever() -> None:
    """As remembered from a run in which this computer's clock was wrong."""
    state = known(NOW + 400 * 86_400, BatteryLevel=60)
    new = readings_of(charge_state(battery_level=50), now=NOW)
    assert state.merge(new, now=NOW).value("BatteryLevel") == 50


@pytest.mark.parametrize("lag", [0.0, 45.0, 600.0, 86_400.0, -45.0, -290.0])
def test_what_a_command_sets_hides_older_data_but_no_newer_whatever_the_cars_clock_says(
    lag: float,
) -> None:
    """`lag`: seconds by which the car's clock trails ours."""
    before = readings_of(charge_state(NOW - lag, charge_limit_soc=80), now=NOW)
    state = VehicleState().merge(before, now=NOW, lag=lag)
    state = state.merge(expected({"ChargeLimitSoc": 70}, now=NOW + 10), now=NOW + 10, lag=lag)
    assert state.value("ChargeLimitSoc") == 70
    cached = readings_of(charge_state(NOW + 5 - lag, charge_limit_soc=80), now=NOW + 20)
    assert state.merge(cached, now=NOW + 20, lag=lag).value("ChargeLimitSoc") == 70
    newer = readings_of(charge_state(NOW + 15 - lag, charge_limit_soc=90), now=NOW + 20)
    assert state.merge(newer, now=NOW + 20, lag=lag).value("ChargeLimitSoc") == 90


def test_the_next_command_replaces_what_the_one_before_set() -> None:
    state = VehicleState().merge(expected({"ChargeLimitSoc": 70}, now=NOW), now=NOW)
    state = state.merge(expected({"ChargeLimitSoc": 75}, now=NOW - 50), now=NOW - 50)
    assert state.value("ChargeLimitSoc") == 75


# -- what is kept -----------------------------------------------------------------------------------------


def test_a_state_survives_json() -> None:
    state = known(
        BatteryLevel=61.5, ChargePortDoorOpen=True, Gear=None, Version="2026.32", Location=(52.1, 4)
    )
    assert VehicleState.from_dict(json.loads(json.dumps(state.as_dict()))) == state


@pytest.mark.parametrize(
    "stored",
    [
        None,
        7,
        "text",
        [],
        {"BatteryLevel": 7},
        {"BatteryLevel": [7]},
        {"BatteryLevel": [7, "now"]},
        {"BatteryLevel": [7, None]},
        {"BatteryLevel": [{}, 7]},
        {"NoSuchSignal": [7, 7]},
        {"NoSuchSignal": [[7, 7], 7]},
        {"Location": [[7, 7, 7], 7]},
        {"Location": [["7", 7], 7]},
        {7: [7, 7]},
    ],
    ids=str,
)
def test_a_damaged_record_is_left_out(stored: object) -> None:
    assert VehicleState.from_dict(stored) == VehicleState()


def test_changes_name_what_differs_and_nothing_else() -> None:
    state = known(BatteryLevel=60, ChargePortDoorOpen=False)
    assert state.changes(known(NOW - 9, BatteryLevel=60, ChargePortDoorOpen=False)) == frozenset()
    assert state.changes(known(BatteryLevel=61)) == {"BatteryLevel", "ChargePortDoorOpen"}
    assert state.with_connectivity(Connectivity.ONLINE).changes(state) == {"connection"}


def test_the_end_of_charging_moves_with_the_time_of_its_estimate() -> None:
    """Two hours are left, now as ten minutes ago: charging ends ten minutes later."""
    state = known(EstimatedHoursToChargeTermination=2.0)
    later = known(NOW + 600, EstimatedHoursToChargeTermination=2.0)
    assert later.changes(state) == {"EstimatedHoursToChargeTermination"}
    finished = known(EstimatedHoursToChargeTermination=0.0)
    assert known(NOW + 600, EstimatedHoursToChargeTermination=0.0).changes(finished) == frozenset()


@pytest.mark.parametrize("ahead", [0.5, 30.0, 60.0, 290.0, 86_400.0])
def test_an_answer_that_is_dated_ahead_hides_nothing_that_comes_after_it(ahead: float) -> None:
    data = charge_state(NOW + ahead, charging_state="Stopped")
    state = VehicleState().merge(readings_of(data, now=NOW), now=NOW)
    assert state.measured_at("DetailedChargeState") == NOW
    for after in (0.5, 1.0):
        new = readings_of(charge_state(NOW + after, charging_state="Charging"), now=NOW + after)
        merged = state.merge(new, now=NOW + after)
        assert merged.value("DetailedChargeState") == "Charging"
    # a push that was measured before that answer arrived, in whole seconds, and arrived after it
    pushed = pushed_readings({"DetailedChargeState": "Charging"}, measured_at=NOW - 1)
    assert state.merge(pushed, now=NOW + 1, lag=3.0).value("DetailedChargeState") == "Charging"
    old = pushed_readings({"DetailedChargeState": "Complete"}, measured_at=NOW - 600)
    assert state.merge(old, now=NOW + 1).value("DetailedChargeState") == "Stopped"
