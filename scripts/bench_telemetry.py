"""Fleet Telemetry: what a pushed record costs, and what a hundred cars do to the event loop.

Decoding is measured beside the bare cost of the same bytes: the FlatBuffers library and protobuf with nothing around
them, and the library used as its generated code does it, vectors byte by byte. The hundred cars live in a process of
their own and come through real TLS sockets on the loopback.
"""

import asyncio
from collections.abc import Callable
import statistics
import struct
import time
from typing import Any

from flatbuffers import number_types  # type: ignore[import-untyped]  # it has no stubs
from flatbuffers.table import Table  # type: ignore[import-untyped]  # it has no stubs
from tesla_protocol.telemetry import vehicle_data_pb2 as vehicle_data

from custom_components.tesla_charging.fleet_telemetry.inbox import Counters, Inbox
from scripts.bench_telemetry_cars import State, bench_cars
from tests.fleet_telemetry.frames import payload, stream

ROUNDS = 15
FRAMES_PER_ROUND = 2000


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
    started = time.perf_counter()
    for _ in range(FRAMES_PER_ROUND):
        work(frame)
    return (time.perf_counter() - started) / FRAMES_PER_ROUND * 1e6


def _bench_decoding() -> None:
    print(f"one record, microseconds (median of {ROUNDS} rounds of {FRAMES_PER_ROUND})")
    print(
        f"  {'':28}{'ours':>8}{'parsed':>10}{'ratio':>7}{'taken out':>12}{'ratio':>7}{'by bytes':>11}{'ratio':>7}"
    )
    for name, frame in _frames().items():
        inbox = Inbox("LRW3E7EK0PC000101", State().apply, time.time, Counters())
        sides: tuple[Callable[[bytes], object], ...] = (
            inbox.take,
            lambda frame: _bare(frame, _sliced),
            _taken_out,
            lambda frame: _bare(frame, _byte_by_byte),
        )
        times: tuple[list[float], ...] = ([], [], [], [])
        for n in range(ROUNDS + 1):
            for side, work in enumerate(sides):
                took = _microseconds(work, frame)
                if n:  # the first round warms up
                    times[side].append(took)
        ours, parsed, taken, by_bytes = (statistics.median(side) for side in times)
        print(
            f"  {name:28}{ours:8.1f}{parsed:10.1f}{ours / parsed:7.2f}{taken:12.1f}{ours / taken:7.2f}"
            f"{by_bytes:11.1f}{ours / by_bytes:7.2f}"
        )
    print("  ours: envelope, values checked and named, newest wins, acknowledgement written")
    print("  parsed: the library's slices and protobuf; taken out: and each value touched once;")
    print("  by bytes: parsed, vectors as generated code reads them")


async def bench_telemetry() -> None:
    """Print what a record costs and what a hundred cars do."""
    await asyncio.to_thread(_bench_decoding)
    await asyncio.to_thread(bench_cars)
