"""Payloads of all kinds of firmware become the same values; what is new or broken does no harm."""

from typing import Any

import pytest
from tesla_protocol.telemetry import (
    vehicle_alert_pb2 as vehicle_alert,
    vehicle_connectivity_pb2 as vehicle_connectivity,
    vehicle_data_pb2 as vehicle_data,
    vehicle_error_pb2 as vehicle_error,
)

from custom_components.tesla_charging.fleet_telemetry import (
    FIELDS,
    INVALID,
    AlertRecord,
    ConnectivityRecord,
    ErrorRecord,
    FieldReading,
    RecordError,
    SignalRecord,
    settle,
)
from custom_components.tesla_charging.fleet_telemetry.records import (
    MAX_CLOCK_AHEAD,
    MAX_EVENTS,
    MAX_NAME_LENGTH,
    MAX_TAGS,
    MAX_VALUES,
    read_record,
)

from .frames import payload
from .receiver_world import OTHER_VIN, VIN
from .worst import MANY_TAGS, field, milliseconds, payloads, tags

NOW = 1_790_000_000.0


def read(values: dict[str, Any], created_at: float = NOW, **more: Any) -> SignalRecord:
    record = read_record(b"V", payload(values, created_at=created_at, **more), VIN, NOW)
    assert isinstance(record, SignalRecord)
    return record


def value(name: str, **arm: Any) -> object:
    """Return what a field's value is read as; None if it is ignored."""
    record = read({name: arm})
    assert record.ignored == (0 if name in record.values else 1)
    return record.values.get(name)


@pytest.mark.parametrize(
    ("name", "arm", "expected"),
    [
        ("Soc", {"double_value": 63.25}, 63.25),
        ("Soc", {"float_value": 63.25}, 63.25),
        ("Soc", {"int_value": 63}, 63),
        ("Soc", {"long_value": 63}, 63),
        ("Soc", {"string_value": "63.25"}, 63.25),
        ("Soc", {"string_value": '"63.25"'}, 63.25),
        ("Soc", {"string_value": "6.325e+01"}, 63.25),
        ("Soc", {"string_value": " -1 "}, -1.0),
        ("LocatedAtHome", {"boolean_value": False}, False),
        ("LocatedAtHome", {"string_value": "true"}, True),
        ("LocatedAtHome", {"string_value": '"False"'}, False),
        ("DetailedChargeState", {"detailed_charge_state_value": 4}, "Charging"),
        ("DetailedChargeState", {"detailed_charge_state_value": 7}, "Calibrating"),
        ("DetailedChargeState", {"string_value": "DetailedChargeStateStopped"}, "Stopped"),
        ("DetailedChargeState", {"string_value": '"Stopped"'}, "Stopped"),
        ("DetailedChargeState", {"charging_value": 4}, "Charging"),
        ("DetailedChargeState", {"int_value": 1}, "Disconnected"),
        ("ChargePortLatch", {"charge_port_latch_value": 3}, "Engaged"),
        ("ChargingCableType", {"cable_type_value": 1}, "IEC"),
        ("ChargingCableType", {"cable_type_value": 3}, "GB_AC"),
        ("ScheduledChargingMode", {"scheduled_charging_mode_value": 2}, "StartAt"),
        ("Gear", {"shift_state_value": 2}, "P"),
        ("Gear", {"string_value": "D"}, "D"),
        ("Version", {"string_value": "2026.32"}, "2026.32"),
        ("Version", {"string_value": '"2026.32.1 abcdef"'}, "2026.32.1 abcdef"),
        ("Location", {"location_value": {"latitude": 52.5, "longitude": -1.25}}, (52.5, -1.25)),
        ("Location", {"string_value": "(52.5 N, 1.25 W)"}, (52.5, -1.25)),
        ("Location", {"string_value": '"(52.5 S, 1.25 E)"'}, (-52.5, 1.25)),
        ("Location", {"string_value": "52.5,-1.25"}, (52.5, -1.25)),
        # fields that no row describes
        ("VehicleName", {"string_value": '"Red one"'}, "Red one"),
        ("BMSState", {"bms_state_value": 4}, "Charge"),
        ("BMSState", {"string_value": "BMSStateCharge"}, "Charge"),
        ("SettingChargeUnit", {"charge_unit_preference_value": 2}, "Percent"),
        ("ScheduledDepartureTime", {"time_value": {"hour": 7, "minute": 5}}, "07:05:00"),
        ("PackVoltage", {"double_value": 390.5}, 390.5),
    ],
)
def test_values_in_all_forms(name: str, arm: dict[str, Any], expected: object) -> None:
    read_as = value(name, **arm)
    assert read_as == expected
    assert isinstance(read_as, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(
    ("name", "arm"),
    [
        ("Soc", {"invalid": True}),
        ("ChargingCableType", {"cable_type_value": 5}),
        ("Gear", {"shift_state_value": 6}),
        ("Gear", {"shift_state_value": 1}),
        ("Gear", {"string_value": "ShiftStateSNA"}),
        ("BMSState", {"string_value": "BMSStateSNA"}),
    ],
)
def test_what_says_that_there_is_no_value_now(name: str, arm: dict[str, Any]) -> None:
    assert value(name, **arm) is INVALID


@pytest.mark.parametrize(
    ("name", "arm"),
    [
        ("Soc", {"double_value": float("nan")}),
        ("Soc", {"float_value": float("inf")}),
        ("Soc", {"string_value": "nan"}),
        ("Soc", {"string_value": "-Infinity"}),
        ("Soc", {"string_value": "1e999"}),
        ("Soc", {"string_value": "1_0"}),
        ("Soc", {"string_value": ""}),
        ("Soc", {"string_value": "full"}),
        ("Soc", {"boolean_value": True}),
        ("Soc", {"location_value": {"latitude": 1, "longitude": 1}}),
        ("Soc", {"invalid": False}),
        ("LocatedAtHome", {"double_value": 1}),
        ("LocatedAtHome", {"string_value": "maybe"}),
        ("DetailedChargeState", {"double_value": 4.0}),
        ("DetailedChargeState", {"boolean_value": True}),
        ("Version", {"double_value": 2026.32}),
        ("Location", {"location_value": {"latitude": 91, "longitude": 0}}),
        ("Location", {"location_value": {"latitude": float("nan"), "longitude": 0}}),
        ("Location", {"string_value": "somewhere"}),
        ("Location", {"double_value": 1}),
        ("DoorState", {"door_value": {"DriverFront": True}}),
        ("Soc", {}),
    ],
)
def test_what_cannot_be_meant_is_ignored_and_counted(name: str, arm: dict[str, Any]) -> None:
    assert value(name, **arm) is None


@pytest.mark.parametrize(
    ("name", "arm", "expected"),
    [
        ("DetailedChargeState", {"detailed_charge_state_value": 0}, "Unknown"),
        ("DetailedChargeState", {"detailed_charge_state_value": 8}, "8"),
        ("DetailedChargeState", {"int_value": 8}, "8"),
        (
            "DetailedChargeState",
            {"string_value": "DetailedChargeStateDancing"},
            "DetailedChargeStateDancing",
        ),
        ("DetailedChargeState", {"string_value": "x" * 300}, "x" * 64),
        ("BMSState", {"bms_state_value": 99}, "99"),
    ],
)
def test_a_word_of_newer_firmware_states_something(
    name: str, arm: dict[str, Any], expected: str
) -> None:
    assert value(name, **arm) == expected


def test_every_field_of_the_table_is_read() -> None:
    for row in FIELDS.values():
        assert value(row.name, invalid=True) is INVALID


def test_unknown_fields_and_forms_leave_the_others_alone() -> None:
    message = vehicle_data.Payload()
    message.data.add(key=9999, value=vehicle_data.Value(double_value=1))
    message.data.add(key=0, value=vehicle_data.Value(double_value=1))
    # an arm that is newer than the schema: field 63 of Value, length-delimited
    newer = vehicle_data.Value()
    newer.ParseFromString(b"\xfa\x03\x02hi")
    message.data.add(key=vehicle_data.Soc, value=newer)
    message.data.add(key=vehicle_data.BatteryLevel, value=vehicle_data.Value(double_value=50))
    # a part of the payload that is newer than the schema
    record = read_record(b"V", message.SerializeToString() + b"\xfa\x03\x02hi", VIN, NOW)
    assert isinstance(record, SignalRecord)
    assert (record.values, record.ignored) == ({"BatteryLevel": 50}, 3)


def test_long_texts_are_cut() -> None:
    assert value("Version", string_value="x" * 10_000) == "x" * 256


def test_the_time_is_the_cars() -> None:
    assert read({}, NOW - 3600.25).created_at == pytest.approx(NOW - 3600.25)
    assert read({}).received_at == NOW


@pytest.mark.parametrize("ahead", [0.5, 30.0, MAX_CLOCK_AHEAD, 3600.0])
def test_no_record_is_dated_after_its_arrival(ahead: float) -> None:
    """It would count as newer than those that follow it."""
    record = read({}, NOW + ahead)
    assert record.created_at == NOW
    assert record.ahead == pytest.approx(ahead)


@pytest.mark.parametrize("wrong", [0.0, -5.0, NOW + MAX_CLOCK_AHEAD + 1, 2e10])
def test_a_time_that_cannot_be_right_is_replaced(wrong: float) -> None:
    assert read({}, wrong).created_at == NOW


def test_a_payload_without_a_time_gets_ours() -> None:
    record = read_record(b"V", vehicle_data.Payload().SerializeToString(), VIN, NOW)
    assert isinstance(record, SignalRecord)
    assert record.created_at == NOW


def test_a_resent_payload_says_so() -> None:
    assert read({}, is_resend=True).is_resend
    assert not read({}).is_resend


def test_the_vin_is_the_connections() -> None:
    assert read({}, vin=OTHER_VIN).vin == VIN


def test_more_values_than_there_are_fields_are_refused() -> None:
    message = vehicle_data.Payload()
    for _ in range(MAX_VALUES):
        message.data.add(key=vehicle_data.Soc, value=vehicle_data.Value(double_value=1))
    assert read_record(b"V", message.SerializeToString(), VIN, NOW)
    message.data.add()
    with pytest.raises(RecordError):
        read_record(b"V", message.SerializeToString(), VIN, NOW)


def test_alerts() -> None:
    message = vehicle_alert.VehicleAlerts(vin=OTHER_VIN)
    message.created_at.FromSeconds(int(NOW) - 5)
    alert = message.alerts.add(name="CP_a046" + "x" * 500, audiences=[1, 2, 99])
    alert.started_at.FromSeconds(int(NOW) - 60)
    late = message.alerts.add(name="later")
    late.started_at.seconds = (int(NOW) - 60) * 1000  # seconds that are milliseconds
    record = read_record(b"alerts", message.SerializeToString(), VIN, NOW)
    assert isinstance(record, AlertRecord)
    assert (record.vin, record.created_at) == (VIN, NOW - 5)
    one, two = record.alerts
    assert (one.name[:7], len(one.name)) == ("CP_a046", MAX_NAME_LENGTH)
    assert one.audiences == ("Customer", "Service")
    assert (one.started_at, one.ended_at) == (NOW - 60, None)
    assert two.started_at == NOW - 60


def test_errors() -> None:
    message = vehicle_error.VehicleErrors()
    message.errors.add(
        name="unsupported_field",
        body="b" * 5000,
        tags={"field_name": "Soc", **{f"t{n}": "x" * 500 for n in range(100)}},
    )
    record = read_record(b"errors", message.SerializeToString(), VIN, NOW)
    assert isinstance(record, ErrorRecord)
    (error,) = record.errors
    assert error.tags["field_name"] == "Soc"
    assert len(error.tags) == 32
    assert len(error.body) == 1024
    assert error.created_at == NOW


def test_connectivity() -> None:
    message = vehicle_connectivity.VehicleConnectivity(
        connection_id="c", status=vehicle_connectivity.CONNECTED, network_interface="wifi"
    )
    record = read_record(b"connectivity", message.SerializeToString(), VIN, NOW)
    assert isinstance(record, ConnectivityRecord)
    assert (record.connected, record.network_interface) == (True, "wifi")


@pytest.mark.parametrize("status", [vehicle_connectivity.UNKNOWN, 3, 99, -1])
def test_connectivity_with_an_unknown_status_is_refused(status: int) -> None:
    """It says neither that the car came nor that it went: what is known stays as it is."""
    message = vehicle_connectivity.VehicleConnectivity(connection_id="c")
    message.status = status  # type: ignore[assignment]  # an open enumeration
    with pytest.raises(RecordError, match="status"):
        read_record(b"connectivity", message.SerializeToString(), VIN, NOW)


def test_very_many_tags_cost_no_more_than_parsing_them() -> None:
    serialized = field(1, tags(MANY_TAGS))

    def parse() -> None:
        vehicle_error.VehicleErrors().ParseFromString(serialized)

    def read_errors() -> None:
        record = read_record(b"errors", serialized, VIN, NOW)
        assert isinstance(record, ErrorRecord)
        assert len(record.errors[0].tags) == MAX_TAGS

    # sorted whole, they cost several times as much
    assert milliseconds(read_errors) < 2.5 * milliseconds(parse)


@pytest.mark.parametrize(
    "name",
    [
        "empty values",
        "empty alerts",
        "empty errors",
        "empty tags",
        "most tags",
        "most tags, with long numbers",
    ],
)
def test_a_megabyte_of_too_much_is_refused_before_it_is_parsed(name: str) -> None:
    topic, serialized = payloads()[name]
    with pytest.raises(RecordError, match="too many"):
        read_record(topic, serialized, VIN, NOW)


def test_a_large_message_within_the_bounds_is_read() -> None:
    topic, serialized = payloads()["a thousand texts for numbers"]
    assert isinstance(read_record(topic, serialized, VIN, NOW), SignalRecord)
    message = vehicle_error.VehicleErrors()
    for n in range(MAX_EVENTS):
        message.errors.add(name=f"error {n}", body="b" * 3000, tags={"field_name": "Soc"})
    message.created_at.FromSeconds(int(NOW))
    record = read_record(b"errors", message.SerializeToString(), VIN, NOW)
    assert isinstance(record, ErrorRecord)
    assert len(record.errors) == MAX_EVENTS


def test_too_many_events_are_refused() -> None:
    alerts, errors = vehicle_alert.VehicleAlerts(), vehicle_error.VehicleErrors()
    for _ in range(MAX_EVENTS + 1):
        alerts.alerts.add()
        errors.errors.add()
    for topic, message in ((b"alerts", alerts), (b"errors", errors)):
        with pytest.raises(RecordError):
            read_record(topic, message.SerializeToString(), VIN, NOW)


@pytest.mark.parametrize("topic", [b"V", b"alerts", b"errors", b"connectivity"])
@pytest.mark.parametrize("serialized", [b"\xff", b"\x0a\x7f", b"\x1a\x02\xff\xfe"])
def test_what_does_not_decode_is_refused(topic: bytes, serialized: bytes) -> None:
    with pytest.raises(RecordError):
        read_record(topic, serialized, VIN, NOW)


def test_unknown_topics_are_nothing() -> None:
    for topic in (b"", b"metrics", b"v", b"\xff"):
        assert read_record(topic, b"\xff", VIN, NOW) is None


# what invalid means


def test_a_car_that_falls_asleep_is_not_unplugged() -> None:
    asleep = dict.fromkeys(
        ("ChargingCableType", "FastChargerPresent", "ChargePortDoorOpen", "ChargePortLatch", "Soc"),
        INVALID,
    )
    for state in ("Charging", "Stopped", "Complete", None):
        assert settle(asleep, state) == {}
    # with nothing connected there is no cable; the door stays what it was
    assert settle(asleep, "Disconnected") == {"ChargingCableType": None, "FastChargerPresent": None}


def test_the_charge_state_of_the_same_record_counts_first() -> None:
    readings: dict[str, FieldReading] = {
        "DetailedChargeState": "Disconnected",
        "ChargingCableType": INVALID,
    }
    assert settle(readings, "Charging") == {
        "DetailedChargeState": "Disconnected",
        "ChargingCableType": None,
    }
    assert settle({"DetailedChargeState": INVALID, "ChargingCableType": INVALID}, "Stopped") == {}


def test_what_is_only_there_while_something_goes_on() -> None:
    readings: dict[str, FieldReading] = {
        "TimeToFullCharge": INVALID,
        "MinutesToArrival": INVALID,
        "Soc": 50.0,
    }
    assert settle(readings, None) == {
        "TimeToFullCharge": None,
        "MinutesToArrival": None,
        "Soc": 50.0,
    }
