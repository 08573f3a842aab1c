"""The configuration, its comparison with what Tesla answers, and those answers."""

from dataclasses import replace
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as vehicle_data

from custom_components.tesla_charging.fleet_api import Category, price_list
from custom_components.tesla_charging.fleet_telemetry import (
    FIELDS,
    ConfigAnswerError,
    Day,
    FieldKind,
    FieldRequest,
    SkippedReason,
    TelemetryConfig,
    expected_signals_per_month,
    fields_for,
    is_hostname,
    read_config_result,
    read_config_status,
    read_firmware,
    read_reported_errors,
    unknown_field,
)

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"
CONFIG = TelemetryConfig(
    "telemetry.example.com",
    443,
    PEM,
    {
        "Soc": FieldRequest(60, 0.5),
        "Gear": FieldRequest(5),
        "Version": FieldRequest(60, None, 3600),
    },
)


def test_claims_are_teslas_keys() -> None:
    assert CONFIG.claims() == {
        "hostname": "telemetry.example.com",
        "port": 443,
        "ca": PEM,
        "fields": {
            "Gear": {"interval_seconds": 5},
            "Soc": {"interval_seconds": 60, "minimum_delta": 0.5},
            "Version": {"interval_seconds": 60, "resend_interval_seconds": 3600},
        },
        "alert_types": ["service"],
        "delivery_policy": "latest",
    }
    assert replace(CONFIG, exp=1_900_000_000).claims()["exp"] == 1_900_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"hostname": "192.0.2.1"},
        {"hostname": "localhost"},
        {"hostname": "https://x.example.com"},
        {"hostname": "UPPER.example.com"},
        {"hostname": "x.example.com\n"},
        {"hostname": "x" * 64 + ".example.com"},
        {"port": 0},
        {"port": 65_536},
        {"port": True},
        {"fields": {"Soc": FieldRequest(0)}},
    ],
)
def test_what_tesla_would_not_use_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a|below"):
        replace(CONFIG, **wrong)


def test_an_answer_that_says_the_same_in_other_words_matches() -> None:
    answered = CONFIG.claims() | {
        "port": "443",
        "ca": PEM.replace("\n", "\r\n").strip(),
        "prefer_typed": True,
        "exp": 1_900_000_000,
        "iss": "x",
        "hostname": "Telemetry.Example.com",
    }
    answered["fields"] = {
        "Version": {
            "interval_seconds": 60.0,
            "resend_interval_seconds": 3600,
            "minimum_delta": None,
        },
        "Gear": {"interval_seconds": 5, "minimum_delta": 0, "resend_interval_seconds": 0},
        "Soc": {"interval_seconds": 60, "minimum_delta": 0.5},
    }
    assert CONFIG.matches(answered)
    for silent in ("alert_types", "delivery_policy"):
        del answered[silent]
        assert CONFIG.matches(answered)


@pytest.mark.parametrize(
    "change",
    [
        {"hostname": "other.example.com"},
        {"port": 8443},
        {"ca": PEM.replace("MIIB", "MIIC")},
        {"ca": None},
        {"fields": None},
        {"fields": {}},
        {"fields": {"Soc": {"interval_seconds": 60, "minimum_delta": 0.5}}},
        {"delivery_policy": "other"},
        {"alert_types": ["customer"]},
        {"alert_types": "service"},
    ],
)
def test_every_difference_is_seen(change: dict[str, Any]) -> None:
    assert not CONFIG.matches(CONFIG.claims() | change)


@pytest.mark.parametrize(
    "row",
    [{"interval_seconds": 61}, {"minimum_delta": 1}, {"resend_interval_seconds": 9}, {}, None],
)
def test_every_difference_of_a_field_is_seen(row: dict[str, Any] | None) -> None:
    answered = CONFIG.claims()
    answered["fields"]["Soc"] = answered["fields"]["Soc"] | row if row else row
    assert not CONFIG.matches(answered)


def test_the_fingerprint_tells_whether_it_was_sent_before() -> None:
    assert replace(CONFIG, exp=5).fingerprint == CONFIG.fingerprint
    assert CONFIG.without_field("Gear").fingerprint != CONFIG.fingerprint
    assert replace(CONFIG, fields=dict(reversed(list(CONFIG.fields.items())))).fingerprint == (
        CONFIG.fingerprint
    )


def test_a_refused_field_is_left_out() -> None:
    name = unknown_field('Unknown field "Gear" in config')
    assert name == "Gear"
    assert set(CONFIG.without_field(name).fields) == {"Soc", "Version"}
    assert unknown_field("Unknown field <BrandNew>") == "BrandNew"
    assert unknown_field("unknown field: Soc") == "Soc"
    assert unknown_field("something else") is None


def test_host_names() -> None:
    assert is_hostname("a.b-c.example.com")
    assert not is_hostname("-a.example.com")
    assert not is_hostname("example..com")


def test_skipped_cars_are_told_with_the_reason() -> None:
    result = read_config_result(
        {
            "updated_vehicles": 1,
            "skipped_vehicles": {
                "missing_key": ["A"],
                "unsupported_hardware": ["B"],
                "unsupported_firmware": ["C"],
                "max_configs": ["D"],
                "something_new": ["E", 5],
            },
        }
    )
    assert result.updated == 1
    assert result.skipped == {
        "A": SkippedReason.MISSING_KEY,
        "B": SkippedReason.UNSUPPORTED_HARDWARE,
        "C": SkippedReason.UNSUPPORTED_FIRMWARE,
        "D": SkippedReason.MAX_CONFIGS,
        "E": SkippedReason.UNKNOWN,
    }
    assert read_config_result({"updated_vehicles": 1}).skipped == {}
    assert (
        read_config_result({"updated_vehicles": 0, "skipped_vehicles": {"x": None}}).skipped == {}
    )


@pytest.mark.parametrize(
    "response", [None, [], {}, {"updated_vehicles": "1"}, {"updated_vehicles": True}]
)
def test_an_answer_without_a_number_is_none(response: object) -> None:
    with pytest.raises(ConfigAnswerError):
        read_config_result(response)


def test_the_state_of_a_configuration() -> None:
    status = read_config_status(
        {"synced": False, "config": CONFIG.claims(), "limit_reached": False, "key_paired": True}
    )
    assert status.config is not None
    assert CONFIG.matches(status.config)
    assert (status.synced, status.limit_reached, status.key_paired) == (False, False, True)
    assert not status.rejected
    rejected = read_config_status({"synced": True, "config": None, "limit_reached": True})
    assert rejected.rejected
    assert rejected.limit_reached
    assert rejected.key_paired is None
    assert read_config_status({"synced": False, "config": None}).rejected is False


@pytest.mark.parametrize("response", [None, {}, {"synced": 1}, {"synced": True, "config": "x"}])
def test_an_answer_without_a_state_is_none(response: object) -> None:
    with pytest.raises(ConfigAnswerError):
        read_config_status(response)


def test_reported_errors() -> None:
    rows = [{"name": "client", "error": "unsupported_field", "vin": "V"}, {"name": "x"}, 5]
    for response in (rows, {"fleet_telemetry_errors": rows}):
        (error,) = read_reported_errors(response)
        assert (error.name, error.detail, error.vin) == ("client", "unsupported_field", "V")
        assert error.text == "unsupported_field"
    with pytest.raises(ConfigAnswerError):
        read_reported_errors({})


def test_every_field_is_one_of_teslas() -> None:
    assert set(FIELDS) <= set(vehicle_data.Field.keys())
    assert all(row.request.interval_seconds >= 1 for row in FIELDS.values())
    numeric = (FieldKind.NUMBER, FieldKind.LOCATION)
    assert not [r for r in FIELDS.values() if r.request.minimum_delta and r.kind not in numeric]
    assert all((row.kind is FieldKind.WORD) == (row.arm is not None) for row in FIELDS.values())


def test_the_place_is_asked_for_only_with_the_scope() -> None:
    assert set(fields_for(with_location=True)) - set(fields_for(with_location=False)) == {
        "Location"
    }
    assert "LocatedAtHome" in fields_for(with_location=False)


def test_what_a_person_waits_for_comes_within_seconds() -> None:
    fields = fields_for(with_location=False, shown={"ChargingCableType"})
    for name in ("DetailedChargeState", "ChargingCableType", "LocatedAtHome", "ChargeLimitSoc"):
        assert fields[name].interval_seconds <= 2
    for name in ("ACChargingPower", "ChargeAmps", "ChargerVoltage"):
        assert 10 <= fields[name].interval_seconds <= 30


def test_a_parked_car_costs_nothing_and_a_driven_one_some_cents() -> None:
    names = fields_for(with_location=True)
    parked = Day(charging_hours=0, driving_hours=0, connections=1)
    price = price_list("USD").price(Category.STREAMING)
    assert expected_signals_per_month(names, parked) * price < 0.03
    assert 0.05 < expected_signals_per_month(names) * price < 0.5
    day = Day(charging_hours=0, driving_hours=0, connections=2)
    assert expected_signals_per_month(["NotOurs"], day) == 61


def test_the_kind_of_a_reported_error_is_read() -> None:
    """Tesla's answer as of 2026: `name` is the client id, `error_name` the kind."""
    rows = [
        {"name": "client", "error_name": "unsupported_field", "error": "Gear", "vin": "V"},
        {"name": "client", "error_name": "token_expired", "error": "", "vin": "V"},
        {"name": "client", "error_name": 5, "error": None},
    ]
    one, two = read_reported_errors({"fleet_telemetry_errors": rows})
    assert (one.name, one.error_name, one.detail) == ("client", "unsupported_field", "Gear")
    assert one.text == "unsupported_field: Gear"
    assert (two.error_name, two.text) == ("token_expired", "token_expired")


@pytest.mark.parametrize(
    ("text", "firmware"),
    [
        ("2026.26.6", (2026, 26, 6)),
        ("2024.44.32.1", (2024, 44, 32, 1)),
        ("2026", ()),
        ("2026.32.5 e2d5e2d5", ()),
        ("develop", ()),
        ("", ()),
        (None, ()),
        (2026.26, ()),
    ],
)
def test_firmware_is_read_as_numbers(text: object, firmware: tuple[int, ...]) -> None:
    assert read_firmware(text) == firmware


@pytest.mark.parametrize(
    ("firmware", "deltas", "of_location", "includes"),
    [
        ((), False, False, False),
        ((2024, 26), False, False, False),
        ((2024, 44, 31, 9), False, False, False),
        ((2024, 44, 32), True, False, False),
        ((2025, 2, 5), True, False, False),
        ((2025, 2, 6), True, True, False),
        ((2026, 26, 5, 99), True, True, False),
        ((2026, 26, 6), True, True, True),
        ((2027, 2), True, True, True),
    ],
)
def test_a_configuration_has_only_what_the_firmware_understands(
    firmware: tuple[int, ...], deltas: bool, of_location: bool, includes: bool
) -> None:
    rows = {
        "Soc": FieldRequest(60, 0.5, 3600),
        "Location": FieldRequest(30, 100.0),
        "Gear": FieldRequest(5, include_fields=("Soc", "Odometer")),
    }
    fields = replace(CONFIG, fields=rows).for_firmware(firmware).claims()["fields"]
    soc, location, gear = (fields[name] for name in rows)
    assert soc == {"interval_seconds": 60} | (
        {"minimum_delta": 0.5, "resend_interval_seconds": 3600} if deltas else {}
    )
    assert location == {"interval_seconds": 30} | ({"minimum_delta": 100.0} if of_location else {})
    # not a field that is not requested itself
    assert gear == {"interval_seconds": 5} | ({"include_fields": ["Soc"]} if includes else {})


def test_a_refused_field_is_not_included_either() -> None:
    rows = {"Soc": FieldRequest(60), "Gear": FieldRequest(5, include_fields=("Soc",))}
    config = replace(CONFIG, fields=rows).without_field("Soc")
    assert config.claims()["fields"] == {"Gear": {"interval_seconds": 5}}


def test_included_fields_are_compared_where_the_answer_names_them() -> None:
    config = replace(CONFIG, fields={"Gear": FieldRequest(5, include_fields=("Soc", "Version"))})
    answered = config.claims()
    gear = {"interval_seconds": 5, "include_fields": ["Version", "Soc"]}
    assert config.matches(answered | {"fields": {"Gear": gear}})
    assert config.matches(answered | {"fields": {"Gear": {"interval_seconds": 5}}})
    for others in ([], ["Soc"], "Soc"):
        wrong = {"interval_seconds": 5, "include_fields": others}
        assert not config.matches(answered | {"fields": {"Gear": wrong}})


def test_only_requested_fields_are_included_and_none_includes_itself() -> None:
    for row in FIELDS.values():
        for name in row.request.include_fields:
            assert name in FIELDS
            assert not FIELDS[name].on_demand or row.on_demand
            assert name != row.name
