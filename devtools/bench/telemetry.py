"""Fleet Telemetry: what a pushed record costs, and what a hundred cars do to the event loop.

Decoding is measured beside the bare cost of the same bytes: the FlatBuffers library and protobuf with nothing around
them, and the library used as its generated code does it, vectors byte by byte. The hundred cars live in a process of
their own and come through real TLS sockets on the loopback. Entities are those of a real Home Assistant.
"""

import asyncio
from collections.abc import Callable
from dataclasses import astuple, dataclass
import statistics
import struct
import time
from typing import Any

from flatbuffers import number_types  # type: ignore[import-untyped]  # it has no stubs
from flatbuffers.table import Table  # type: ignore[import-untyped]  # it has no stubs
from tesla_protocol.telemetry import vehicle_data_pb2 as vehicle_data

from custom_components.tesla_charging.fleet_telemetry import (
    Day,
    expected_signals_per_month,
    fields_for,
)
from custom_components.tesla_charging.fleet_telemetry.fields import DAYS_PER_MONTH
from custom_components.tesla_charging.fleet_telemetry.inbox import Counters, Inbox
from devtools.bench.telemetry_cars import State, bench_cars
from devtools.bench.telemetry_entities import bench_entities
from tests.fleet_telemetry.frames import payload, stream
from tests.fleet_telemetry.worst import milliseconds, works

ROUNDS = 15
FRAMES_PER_ROUND = 2000
WORST_MILLISECONDS = 20.0


def _frames() -> dict[str, bytes]:
    """Return a record as a car sends it all day, and the one that it sends when it connects."""
    few = {
        "ACChargingPower": {"double_value": 11.04},
        "ChargeAmps": {"double_value": 16.02},
        "ChargerVoltage": {"double_value": 231.4},
    }
    many = few | {
        "Soc": {"double_value": 63.25},
        "BatteryLevel": {"double_value": 64.1},
        "RatedRange": {"double_value": 199.5},
        "EnergyRemaining": {"double_value": 45.2},
        "DetailedChargeState": {"detailed_charge_state_value": 4},
        "ChargeLimitSoc": {"int_value": 80},
        "ChargeCurrentRequest": {"int_value": 16},
        "ChargeCurrentRequestMax": {"int_value": 16},
        "ChargerPhases": {"int_value": 3},
        "DCChargingEnergyIn": {"double_value": 9.1},
        "ACChargingEnergyIn": {"double_value": 9.6},
        "TimeToFullCharge": {"double_value": 1.25},
        "ChargePortDoorOpen": {"boolean_value": True},
        "ChargePortLatch": {"charge_port_latch_value": 3},
        "ChargingCableType": {"cable_type_value": 1},
        "FastChargerPresent": {"boolean_value": False},
        "Gear": {"shift_state_value": 2},
        "LocatedAtHome": {"boolean_value": True},
        "Version": {"string_value": "2026.32.5"},
        "Location": {"location_value": {"latitude": 52.1, "longitude": 4.3}},
    }
    txid = b"5f0c7e4e-6f57-4b9e-9a53-0d6d0c0a7f11"
    return {
        "3 values, as all day": stream(payload(few), txid=txid),
        f"{len(many)} values, as on connecting": stream(payload(many), txid=txid),
    }


def _position(table: Any, slot: int) -> int:
    return int(table.Offset(4 + 2 * slot))


def _sliced(table: Any, slot: int) -> bytes:
    offset = _position(table, slot)
    if not offset:
        return b""
    start = table.Vector(offset)
    return bytes(table.Bytes[start : start + table.VectorLen(offset)])


def _byte_by_byte(table: Any, slot: int) -> bytes:
    """Read a vector as generated code offers it: one call for one byte."""
    offset = _position(table, slot)
    if not offset:
        return b""
    return bytes(
        table.Get(number_types.Uint8Flags, table.Vector(offset) + n)
        for n in range(table.VectorLen(offset))
    )


def _bare(frame: bytes, vector: Callable[[Any, int], bytes]) -> vehicle_data.Payload:
    """Read the envelope with the library, parse the payload, and do nothing with it."""
    root = Table(frame, int(struct.unpack_from("<I", frame)[0]))
    for slot in (0, 1, 4):
        vector(root, slot)
    root.Get(number_types.Uint8Flags, root.Pos + _position(root, 2))
    message = Table(frame, 0)
    root.Union(message, _position(root, 3))
    message.Get(number_types.Uint32Flags, message.Pos + _position(message, 0))
    for slot in (1, 3, 4):
        vector(message, slot)
    parsed = vehicle_data.Payload()
    parsed.ParseFromString(vector(message, 2))
    return parsed


def _taken_out(frame: bytes) -> None:
    """Read like _bare(), and take every value out of the message once."""
    for datum in _bare(frame, _sliced).data:
        getattr(datum.value, datum.value.WhichOneof("value"))
        _ = datum.key


def _microseconds(work: Callable[[bytes], object], frame: bytes) -> float:
    """Return what one call takes of this thread's time; what other processes take does not count."""
    started = time.thread_time()
    for _ in range(FRAMES_PER_ROUND):
        work(frame)
    return (time.thread_time() - started) / FRAMES_PER_ROUND * 1e6


@dataclass(frozen=True, slots=True)
class _Costs:
    """Microseconds for one record."""

    parsed: float
    taken_out: float
    by_bytes: float
    decoded: float
    applied: float

    def times(self, count: float) -> _Costs:
        """Return the costs of so many records."""
        return _Costs(*(count * each for each in astuple(self)))

    def plus(self, other: _Costs) -> _Costs:
        """Return what both cost together."""
        return _Costs(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def line(self, name: str) -> str:
        """Return a row of the table."""
        times = "".join(f"{each:10.1f}" for each in astuple(self))
        beside = "".join(
            f"{cost / other:9.2f}"
            for cost in (self.decoded, self.applied)
            for other in (self.parsed, self.taken_out, self.by_bytes)
        )
        return f"  {name:28}{times}  {beside}"


def _costs(frame: bytes) -> _Costs:
    vin = "LRW3E7EK0PC000101"
    sides: tuple[Callable[[bytes], object], ...] = (
        lambda frame: _bare(frame, _sliced),
        _taken_out,
        lambda frame: _bare(frame, _byte_by_byte),
        Inbox(vin, lambda record: None, time.time, Counters()).take,
        Inbox(vin, State().apply, time.time, Counters()).take,
    )
    rounds = [
        [_microseconds(work, frame) for work in sides]
        for _ in range(ROUNDS + 1)  # the first one warms up
    ]
    return _Costs(*(statistics.median(side) for side in zip(*rounds[1:], strict=True)))


def _bench_decoding() -> None:
    print(f"one record, microseconds of work (median of {ROUNDS} rounds of {FRAMES_PER_ROUND})")
    sides = ("parsed", "taken out", "by bytes", "decoded", "applied")
    beside = ("parsed", "taken", "bytes")
    print(f"  {'':80}{'decoded, times':>27}{'applied, times':>27}")
    print(
        f"  {'':28}{''.join(f'{side:>10}' for side in sides)}  {''.join(f'{side:>9}' for side in 2 * beside)}"
    )
    costs = [_costs(frame) for frame in _frames().values()]
    for name, cost in zip(_frames(), costs, strict=True):
        print(cost.line(name))
    few, many = costs
    day = Day()
    greetings = day.connections
    # a car that connects says everything at once, otherwise it gathers a few values at a time
    fields = fields_for(with_location=True)
    values = expected_signals_per_month(fields, day) / DAYS_PER_MONTH - greetings * len(fields)
    name = f"a day: {greetings:.0f} connections"
    print(few.times(values / 3).plus(many.times(greetings)).line(name))
    print(
        "  parsed: the FlatBuffers library's slices, and protobuf; taken out: and each value touched;"
    )
    print("  by bytes: parsed, but vectors as generated code reads them;")
    print("  decoded: envelope and values checked and named, acknowledgement written;")
    print(
        "  applied: and meanings checked, merged into the state of the car by the time of measurement"
    )


def _bench_worst() -> None:
    """Print what the worst megabyte for each decoder takes; a loop that is blocked for longer delays every car."""
    print(
        f"the worst megabyte, milliseconds of work (at most {WORST_MILLISECONDS:.0f} are allowed)"
    )
    for name, work in works().items():
        print(f"  {name:34}{milliseconds(work):8.1f}")


async def bench_telemetry() -> None:
    """Print what a record costs at most, what a hundred cars do, and what entities are written."""
    await asyncio.to_thread(_bench_decoding)
    await asyncio.to_thread(_bench_worst)
    await asyncio.to_thread(bench_cars)
    await asyncio.to_thread(bench_entities)
