"""The same records, as Tesla's server publishes them."""

import json

import pytest

from custom_components.tesla_charging.fleet_telemetry import (
    INVALID,
    AlertRecord,
    ConnectivityRecord,
    ErrorRecord,
    FieldReading,
    Record,
    RecordError,
    SignalRecord,
    is_topic_base,
    read_message,
    subscriptions,
)
from custom_components.tesla_charging.fleet_telemetry.mqtt import MAX_PAYLOAD_LENGTH

from .receiver_world import VIN

BASE = "home/telemetry"
NOW = 1_790_000_000.0


def read(rest: str, payload: str | bytes, *, retained: bool = False) -> Record | None:
    return read_message(BASE, f"{BASE}/{VIN}/{rest}", payload, NOW, retained=retained)


def value(field: str, payload: str) -> FieldReading | None:
    record = read(f"v/{field}", payload)
    assert isinstance(record, SignalRecord)
    assert record.vin == VIN
    assert record.ignored == (0 if record.values else 1)
    return next(iter(record.values.values()), None)


@pytest.mark.parametrize(
    ("field", "payload", "expected"),
    [
        ("Soc", "63.25", 63.25),
        ("Soc", '"63.25"', 63.25),
        ("Soc", "null", INVALID),
        ("ChargerPhases", "3", 3),
        ("LocatedAtHome", "true", True),
        ("DetailedChargeState", '"DetailedChargeStateCharging"', "Charging"),
        ("DetailedChargeState", '"7"', "Calibrating"),  # a member that the server does not know
        ("DetailedChargeState", "7", "Calibrating"),
        ("DetailedChargeState", '"99"', "99"),
        ("DetailedChargeState", '"DetailedChargeStateUnknown"', "Unknown"),
        ("Gear", '"ShiftStateP"', "P"),
        ("Version", '"2026.32"', "2026.32"),
        ("Location", '{"latitude":52.5,"longitude":-1.25}', (52.5, -1.25)),
        ("Location", '{"latitude":152.5,"longitude":-1.25}', None),
        ("Location", "{}", None),
        (
            "179",
            '"DetailedChargeStateCharging"',
            "Charging",
        ),  # a field that the server does not know
        ("9999", "1", None),
        ("999999999999999999", "1", None),
        ("Nonsense", "1", None),
        ("Soc", "{}", None),
        ("Soc", "[1]", None),
        ("Soc", "true", None),
        ("DoorState", '{"DriverFront":true}', None),
        ("ScheduledDepartureTime", '"07:05:00"', "07:05:00"),
    ],
)
def test_values(field: str, payload: str, expected: FieldReading | None) -> None:
    assert value(field, payload) == expected


def test_what_comes_live_counts_from_its_arrival_and_what_was_kept_has_no_age() -> None:
    live, kept = read("v/Soc", "50"), read("v/Soc", "50", retained=True)
    assert isinstance(live, SignalRecord)
    assert isinstance(kept, SignalRecord)
    assert (live.created_at, live.received_at, live.retained) == (NOW, NOW, False)
    assert (kept.created_at, kept.received_at, kept.retained) == (0.0, NOW, True)


def test_alerts() -> None:
    alert = {
        "StartedAt": "2026-09-21T14:13:20Z",
        "EndedAt": "0001-01-01T00:00:00Z",
        "Audiences": ["Customer", 5],
    }
    record = read("alerts/CP_a046/current", json.dumps(alert))
    assert isinstance(record, AlertRecord)
    (one,) = record.alerts
    assert (one.name, one.audiences) == ("CP_a046", ("Customer",))
    assert (one.started_at, one.ended_at) == (1_790_000_000.0, None)
    history = read("alerts/CP_a046/history", json.dumps([alert, alert]), retained=True)
    assert isinstance(history, AlertRecord)
    assert (len(history.alerts), history.created_at) == (2, 0.0)


def test_errors() -> None:
    error = {
        "Body": "b",
        "Tags": {"field_name": "Soc", "x": 1},
        "CreatedAt": "2026-09-21T14:13:00Z",
    }
    record = read("errors/unsupported_field", json.dumps(error))
    assert isinstance(record, ErrorRecord)
    assert record.errors[0].name == "unsupported_field"
    assert record.errors[0].tags == {"field_name": "Soc"}
    assert record.created_at == NOW - 20


def test_connectivity() -> None:
    for word, connected in (("CONNECTED", True), ("DISCONNECTED", False)):
        row = {"ConnectionId": "c", "Status": word, "CreatedAt": "2026-09-21T14:13:00Z"}
        record = read("connectivity", json.dumps(row), retained=True)
        assert isinstance(record, ConnectivityRecord)
        assert (record.connected, record.created_at) == (connected, NOW - 20)


@pytest.mark.parametrize(
    ("rest", "payload"),
    [
        ("v/Soc", "not json"),
        ("v/Soc", "NaN"),
        ("v/Soc", b"\xff"),
        ("v/Soc", "[" * 50_000),
        ("v/Soc", "1" + " " * MAX_PAYLOAD_LENGTH),
        ("v/" + "x" * 600, "1"),
        ("alerts/x/current", "[]"),
        ("alerts/x/history", "[5]"),
        ("errors/x", "5"),
        ("connectivity", "{}"),
        ("connectivity", '{"Status":"PERHAPS"}'),
        ("connectivity", '{"Status":"UNKNOWN"}'),
        ("connectivity", '{"Status":"3"}'),
        ("connectivity", '{"Status":["CONNECTED"]}'),
    ],
)
def test_what_is_broken_is_refused(rest: str, payload: str | bytes) -> None:
    with pytest.raises(RecordError):
        read(rest, payload)


@pytest.mark.parametrize(
    "topic",
    [
        f"{BASE}/{VIN}/v",
        f"{BASE}/{VIN}/v/Soc/more",
        f"{BASE}/{VIN}/unknown/x",
        f"{BASE}/NOTAVIN/v/Soc",
        f"{BASE}x/{VIN}/v/Soc",
        f"other/{VIN}/v/Soc",
        BASE,
        "",
    ],
)
def test_other_topics_are_nothing(topic: str) -> None:
    assert read_message(BASE, topic, "{}", NOW, retained=False) is None


def test_a_cleared_topic_is_nothing() -> None:
    assert read("v/Soc", "") is None


def test_times_that_are_none() -> None:
    for moment in ("yesterday", "2026-09-21T14:13:20", 5, None, "9999-12-31T23:59:59-23:59"):
        record = read("errors/x", json.dumps({"CreatedAt": moment}))
        assert isinstance(record, ErrorRecord)
        assert record.created_at == NOW


def test_subscriptions_bring_what_is_read() -> None:
    assert f"{BASE}/{VIN}/v/+" in subscriptions(BASE, VIN)
    assert len(subscriptions(BASE, VIN)) == 4


@pytest.mark.parametrize("base", ["", "/a", "a/", "a//b", "a/+", "#", "x" * 201])
def test_what_is_no_topic_base(base: str) -> None:
    assert not is_topic_base(base)


def test_what_is_a_topic_base() -> None:
    assert is_topic_base("telemetry")
    assert is_topic_base("home/tesla telemetry")
