"""Bytes: the envelope against known frames, values of every kind, and what old firmware knows."""

from collections.abc import Callable
from contextlib import suppress
import math
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator import Car
from simulator.car.signals import SIGNALS, Reading
from simulator.clock import SimulatedClock
from simulator.telemetry.config import FieldRule, read_config
from simulator.telemetry.envelope import NotAnEnvelope, Reply, read_reply, stream_frame
from simulator.telemetry.fields import KNOWN_FIELDS, LOCATION_FIELDS, NOT_NUMERIC, firmware_for
from simulator.telemetry.messages import Message, encode
from simulator.telemetry.outbox import Outbox
from simulator.telemetry.schedule import Schedule
from simulator.telemetry.values import ENUMS, Style, datum

from .telemetry_receiver import acknowledgement, read_frame, refusal

NEWEST = (2026, 32, 6)
GOLDEN = (
    "1400000000000e001800140010000f00080004000e000000140000004400000000000004180000001c00000008000000"
    "6d73672d3030303100000000010000005600000009000000747869642d30303031000e001800100014000c0008000400"
    "0e00000014000000280000003800000000f153653c0000001100000035594a3345314541374a46303030303031000000"
    "0e00000076656869636c655f64657669636500000400000008011002000000002000000076656869636c655f64657669"
    "63652e35594a3345314541374a4630303030303100000000"
)


def test_a_frame_is_the_known_one_byte_for_byte() -> None:
    frame = stream_frame(
        txid=b"txid-0001",
        topic=b"V",
        payload=bytes.fromhex("08011002"),
        created_at=1_700_000_000,
        sender_id=b"vehicle_device.5YJ3E1EA7JF000001",
        device_type=b"vehicle_device",
        device_id=b"5YJ3E1EA7JF000001",
        message_id=b"msg-0001",
    )
    assert frame.hex() == GOLDEN


@pytest.mark.parametrize("length", range(9))
def test_frames_of_all_lengths_are_read_by_the_library(length: int) -> None:
    filling = b"x" * length
    frame = stream_frame(
        txid=filling,
        topic=filling,
        payload=filling,
        created_at=1,
        sender_id=filling,
        device_type=filling,
        device_id=filling,
        message_id=filling,
    )
    record = read_frame(frame)
    assert (record.txid, record.payload) == (filling, filling)
    assert record.topic == record.sender_id == record.device_id == filling.decode()
    assert len(frame) % 4 == 0


@pytest.mark.parametrize(
    "ack",
    [
        # of fleet-telemetry itself, with and without a message id, and a minimal one
        (
            "1400000000000e001800140010000f00080004000e000000140000003000000000000005100000001400000000000000"
            "00000000010000005600000009000000747869642d303030310000000000000000000000"
        ),
        (
            "1400000000000e001800140010000f00080004000e000000140000003800000000000005180000001c00000008000000"
            "6d73672d3030303100000000010000005600000009000000747869642d303030310000000000000000000000"
        ),
        (
            "100000000c00140010000c000b0004000c0000002c00000000000005080000000c000000010000005600000009000000"
            "747869642d303030310000000400040004000000"
        ),
    ],
)
def test_known_acknowledgements_are_understood(ack: str) -> None:
    assert read_reply(bytes.fromhex(ack)) == Reply(5, b"txid-0001", b"V")


def test_so_are_those_of_the_library_and_refusals() -> None:
    record = read_frame(bytes.fromhex(GOLDEN))
    assert read_reply(acknowledgement(record)) == Reply(5, b"txid-0001", b"V")
    assert read_reply(refusal(record)) == Reply(4, b"txid-0001", b"", b"incorrect message format")
    assert read_reply(refusal(record)).is_refusal


@pytest.mark.parametrize(
    "reply",
    [
        Reply(4, b"txid-0001", b"V", b"incorrect message format"),
        Reply(4, b"txid-0001", b"", b"no"),
        Reply(4, b"txid-0001", b""),
        Reply(5, b"txid-0001", b"", b"incorrect message format"),
    ],
)
def test_nothing_else_is_a_refusal(reply: Reply) -> None:
    assert not reply.is_refusal


def test_what_is_no_envelope_is_refused_without_harm() -> None:
    raw = bytes.fromhex(GOLDEN)
    for cut in range(len(raw)):
        for spoilt in (raw[:cut], raw[:cut] + b"\xff" + raw[cut + 1 :]):
            with suppress(NotAnEnvelope):
                read_reply(spoilt)
    with pytest.raises(NotAnEnvelope):
        read_reply(b"")
    with pytest.raises(NotAnEnvelope):
        read_reply(bytes(70_000))


@pytest.mark.parametrize(
    ("name", "reading", "arm", "value"),
    [
        ("Soc", 61.5, "double_value", 61.5),
        ("ChargeLimitSoc", 80, "int_value", 80),
        ("ScheduledChargingStartTime", 2**40, "long_value", 2**40),
        ("LocatedAtHome", False, "boolean_value", False),
        ("VehicleName", "Pearl", "string_value", "Pearl"),
        ("Soc", None, "invalid", True),
        ("DetailedChargeState", "NoPower", "detailed_charge_state_value", 2),
        ("ChargingCableType", "IEC", "cable_type_value", 1),
        ("FastChargerType", "ACSingleWireCAN", "fast_charger_value", 4),
        ("ChargePortLatch", "Engaged", "charge_port_latch_value", 3),
        ("ScheduledChargingMode", "DepartBy", "scheduled_charging_mode_value", 3),
        ("Gear", "D", "shift_state_value", 5),
    ],
)
def test_every_kind_of_value(name: str, reading: Reading, arm: str, value: Any) -> None:
    made = datum(name, reading)
    assert pb.Field.Name(made.key) == name
    assert made.value.WhichOneof("value") == arm
    assert getattr(made.value, arm) == value


@pytest.mark.parametrize(
    ("name", "reading", "text"),
    [
        ("Soc", 61.5, "61.500"),
        ("ChargeLimitSoc", 80, "80"),
        ("Locked", True, "true"),
        ("Location", (52.0, -4.4), "(52.000000 N, 4.400000 W)"),
        ("Gear", "P", "P"),
    ],
)
def test_values_as_texts(name: str, reading: Reading, text: str) -> None:
    assert datum(name, reading, "strings").value.string_value == text
    assert datum(name, reading, "quoted").value.string_value == f'"{text}"'
    assert datum(name, None, "quoted").value.invalid


def test_a_location_and_doors() -> None:
    location = datum("Location", (52.0, -4.4)).value.location_value
    assert (location.latitude, location.longitude) == (52.0, -4.4)
    doors = datum("DoorState", frozenset({"DriverFront"})).value.door_value
    assert (doors.DriverFront, doors.TrunkRear) == (True, False)


def test_what_is_no_number_takes_no_delta() -> None:
    car = Car("LRW3E7EK0PC000101", name="Pearl", clock=SimulatedClock())
    car.plug_in_fast()
    told = car.signals(SIGNALS)
    words = {name for name, value in told.items() if isinstance(value, bool | str | frozenset)}
    assert words <= NOT_NUMERIC
    assert NOT_NUMERIC <= KNOWN_FIELDS


def test_every_reading_of_a_car_can_be_sent() -> None:
    car = Car("LRW3E7EK0PC000101", name="Pearl", clock=SimulatedClock())
    steps: list[Callable[[], None]] = [car.wake, car.plug_in, lambda: car.drive_away(52.3, 4.9)]
    styles: list[Style] = ["typed", "strings", "quoted"]
    for step in steps:
        step()
        readings = car.signals(SIGNALS)
        for style in styles:
            frame = encode(Message("V", 1.5, readings=readings), car.vin, style)
            assert len(read_frame(frame).data.data) == len(SIGNALS)


def test_the_tables_agree_with_each_other() -> None:
    assert SIGNALS.keys() <= KNOWN_FIELDS
    assert NOT_NUMERIC | LOCATION_FIELDS | ENUMS.keys() <= KNOWN_FIELDS
    car = Car("LRW3E7EK0PC000101", name="Pearl", clock=SimulatedClock())
    car.plug_in()
    for name, reading in car.signals(SIGNALS).items():
        if isinstance(reading, bool | str):
            assert name in NOT_NUMERIC | {"CenterDisplay", "SettingTemperatureUnit"}, name


def test_charging_makes_sense() -> None:
    clock = SimulatedClock()
    car = Car("LRW3E7EK0PC000101", name="Pearl", clock=clock)
    car.plug_in(max_amps=16, phases=3)
    clock.advance(3600)
    told: dict[str, Any] = car.signals(SIGNALS)
    assert told["ACChargingPower"] == pytest.approx(11.04, abs=0.01)
    assert (told["ChargeAmps"], told["ChargerPhases"], told["ChargerVoltage"]) == (16, 3, 230)
    assert told["DCChargingEnergyIn"] == pytest.approx(10.16, abs=0.02)
    assert told["ACChargingEnergyIn"] == pytest.approx(11.04, abs=0.02)
    assert told["BatteryLevel"] == pytest.approx(62 + 10.16 / 60 * 100, abs=0.1)
    assert told["PackCurrent"] < 0


def test_the_schedule_is_encoded_as_if_in_california() -> None:
    car = Car("LRW3E7EK0PC000101", name="Pearl", clock=SimulatedClock(), protocol="not_supported")
    car.rest_command("set_scheduled_charging", {"enable": True, "time": 120})
    moment = car.signals(["ScheduledChargingStartTime"])["ScheduledChargingStartTime"]
    assert isinstance(moment, int)
    assert math.floor(moment / 3600) % 24 in {9, 10}, "2 o'clock in California, in UTC"


def rules(*names: str, **told: Any) -> dict[str, FieldRule]:
    claims = {
        "hostname": "a.example.com",
        "ca": "x",
        "fields": {name: {"interval_seconds": 1, **told} for name in names},
    }
    return dict(read_config(claims, 0).fields)


@pytest.mark.parametrize(
    ("firmware", "known"),
    [
        ((2024, 26), {"Soc"}),
        ((2024, 38), {"Soc", "DetailedChargeState"}),
        ((2024, 44, 32), {"Soc", "DetailedChargeState", "LocatedAtHome"}),
        (NEWEST, {"Soc", "DetailedChargeState", "LocatedAtHome", "GpsAccuracyMeters"}),
    ],
)
def test_old_firmware_does_not_know_new_fields(firmware: tuple[int, ...], known: set[str]) -> None:
    asked = rules("Soc", "DetailedChargeState", "LocatedAtHome", "GpsAccuracyMeters")
    schedule = Schedule(asked, firmware)
    assert set(schedule.names) == known
    assert set(schedule.unsupported) == asked.keys() - known
    assert firmware_for("Soc") == (2024, 26)


def sends(schedule: Schedule, name: str, reading: Reading, at: float) -> bool:
    return name in schedule.open(at) and name in schedule.due({name: reading}, at)


def test_old_firmware_knows_no_delta_and_no_resending() -> None:
    asked = rules("Soc", minimum_delta=5, resend_interval_seconds=10)
    old, new = Schedule(asked, (2024, 44, 25)), Schedule(asked, NEWEST)
    for schedule in (old, new):
        assert sends(schedule, "Soc", 50.0, 0)
    assert (sends(old, "Soc", 51.0, 5), sends(new, "Soc", 51.0, 5)) == (True, False)
    assert (sends(old, "Soc", 51.0, 99), sends(new, "Soc", 51.0, 99)) == (False, True)


def test_a_voltage_that_trembles_is_not_news() -> None:
    schedule = Schedule(rules("ChargerVoltage"), NEWEST)
    sent = [
        sends(schedule, "ChargerVoltage", volts, at) for at, volts in enumerate((230, 230.2, 230.3))
    ]
    assert sent == [True, False, True]


def test_becoming_invalid_is_a_change_whatever_the_delta() -> None:
    schedule = Schedule(rules("Soc", minimum_delta=50), NEWEST)
    sent = [
        sends(schedule, "Soc", reading, at) for at, reading in enumerate((50.0, None, None, 51.0))
    ]
    assert sent == [True, True, False, True]


async def test_an_acknowledgement_has_to_fit_in_txid_and_topic() -> None:
    outbox = Outbox()
    message = Message("V", 1.0, readings={"Soc": 50.0})
    outbox.put(message)
    assert outbox.take() is message
    assert not outbox.acknowledge(message.txid, b"alerts")
    assert not outbox.acknowledge(b"another", b"V")
    assert outbox.unacknowledged == 1
    assert outbox.acknowledge(message.txid, b"V")
    assert not outbox.acknowledge(message.txid, b"V")
    assert outbox.idle
