"""Every value in every record, replaced by everything that JSON knows: it is left out, and nothing raises."""

from collections.abc import Callable, Iterator
import copy
from datetime import UTC, datetime
import json
from typing import Any

import pytest

from custom_components.tesla_charging.auth.token_file import is_usable, supersedes
from custom_components.tesla_charging.billing.ledger import Ledger
from custom_components.tesla_charging.entities.sensor_descriptions import SENSORS
from custom_components.tesla_charging.fleet_api import Category
from custom_components.tesla_charging.polling.usage_pattern import UsagePattern
from custom_components.tesla_charging.storage.config_record import ConfigRecord
from custom_components.tesla_charging.storage.vehicle_store import CommandRecord
from custom_components.tesla_charging.telemetry.silence import Silence
from custom_components.tesla_charging.vehicle.signals import SIGNALS
from custom_components.tesla_charging.vehicle.state import VehicleState

NOW = datetime(2026, 11, 28, tzinfo=UTC)
AT = NOW.timestamp()
EVERYTHING: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**18,
    1e300,
    -1e300,
    "",
    "word",
    "9" * 5000,
    [],
    [[]],
    {},
    {"a": []},
)
VALUES = {
    **dict.fromkeys(SIGNALS, 1),
    "DetailedChargeState": "Charging",
    "Gear": "P",
    "Version": "2026.32.1",
    "charge_schedules": [[127, 60, False, 48.1, 11.5]],
    "Location": [48.1, 11.5],
    "ScheduledChargingMode": "DepartBy",
    "ScheduledChargingStartTime": AT,
    "scheduled_departure_time": AT,
}
MARK = [1.0, AT, 50.0, AT, 30.0, 1000.0, True, True]
STATE = {
    **{name: [value, AT] for name, value in VALUES.items()},
    "heard_at": AT,
    "streamed": [NOW.toordinal(), 40],
    "energy": [1.0, 2.0, 3.0, 4.0, AT, True, True, 1000.0, None, None],
    "energy_basis": {
        "estimate": 6.0,
        "session_from": 2.0,
        "last": MARK,
        "last_estimate": 6.0,
        "base": MARK,
        "base_estimate": 6.0,
        "highest": 4.0,
        "per_percent": 0.6,
        "doubtful_since": None,
        "lifetime": [100.0, 6.0, AT, 1000.0, True, 4.0, False],
    },
    "home_saved": True,
}
SESSION = {
    "vehicle_public_key": "04" + "ab" * 64,
    "epoch": "00" * 16,
    "counter": 1,
    "clock_time": 5,
    "captured_at": 1.0,
}


def stored_ledger() -> dict[str, Any]:
    ledger = Ledger(NOW)
    ledger.add("LRW3E7EK0PC000101", Category.COMMAND, 5)
    return ledger.as_dict()


def read_state(stored: Any) -> object:
    state = VehicleState.from_dict(stored)
    for sensor in SENSORS:
        sensor.value_fn(state)
    assert VehicleState.from_dict(state.as_dict()).readings.keys() == state.readings.keys()
    return state.as_dict()


def read_pattern(stored: Any) -> object:
    pattern = UsagePattern.from_dict(stored)
    assert 0 <= pattern.use_probability(AT) <= 1
    return pattern.with_sample(AT, plugged_in=True).as_dict()


def read_config(stored: Any) -> object:
    record = ConfigRecord.from_dict(stored)
    record.is_due("wanted", AT, record.validity_after(AT))
    return record.as_dict()


def read_ledger(stored: Any) -> object:
    ledger = Ledger.from_dict(stored, NOW)
    for month in ledger.months:
        ledger.units(month)
    return ledger.as_dict()


def read_silence(stored: Any) -> object:
    silence = Silence.from_list(stored).check(AT, online=True)
    silence.is_reportable(AT)
    return silence.as_list()


def read_token(stored: Any) -> object:
    current = {"access_token": "x", "refresh_token": "x"}
    return [is_usable(stored) and supersedes(stored, current)]


RECORDS: dict[str, tuple[Any, Callable[[Any], object]]] = {
    "state": (STATE, read_state),
    "habits": (UsagePattern().with_sample(AT, plugged_in=True).as_dict(), read_pattern),
    "telemetry": (ConfigRecord("print", AT, refused_fields=("Soc",)).as_dict(), read_config),
    "meter": (stored_ledger(), read_ledger),
    "commands": (
        {"key": "k", "signed": True, "sessions": {"INFOTAINMENT": SESSION}},
        lambda stored: CommandRecord.from_dict(stored, "k").as_dict(),
    ),
    "silence": ([AT, 10.0, AT], read_silence),
    "token": (
        {"access_token": "a.b.c", "refresh_token": "r", "expires_at": AT, "sign_in": "x"},
        read_token,
    ),
}


def with_one_replaced(record: Any) -> Iterator[Any]:
    """Yield the record with each of its parts replaced by everything, one at a time."""

    def places(part: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        yield way
        if isinstance(part, dict | list):
            for key in part if isinstance(part, dict) else range(len(part)):
                yield from places(part[key], (*way, key))

    for way in places(record):
        for value in EVERYTHING:
            changed = {"whole": copy.deepcopy(record)}
            part: Any = changed
            for key in ("whole", *way)[:-1]:
                part = part[key]
            part[("whole", *way)[-1]] = value
            yield changed["whole"]


@pytest.mark.parametrize("name", RECORDS)
def test_no_value_of_a_stored_record_is_in_the_way(name: str) -> None:
    record, read = RECORDS[name]
    assert read(record)
    for damaged in with_one_replaced(record):
        try:
            json.dumps(read(damaged), allow_nan=False)
        except Exception as err:
            raise AssertionError(f"{err!r} for {damaged}") from err
