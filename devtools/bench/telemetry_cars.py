"""A hundred cars in a process of their own, and what hearing them does to an event loop."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
import multiprocessing
from pathlib import Path
import selectors
import statistics
import struct
import tempfile
import time

import aiohttp

from custom_components.tesla_charging.fleet_telemetry import (
    ConnectionInfo,
    Record,
    SignalRecord,
    TelemetryReceiver,
    ensure_certificate,
    fingerprints,
    read_bundle,
    server_context,
    settle,
)
from custom_components.tesla_charging.storage import durable_file
from custom_components.tesla_charging.vehicle.push import CLOCK_GRAIN as PUSH_GRAIN
from custom_components.tesla_charging.vehicle.state import VehicleState, pushed_readings
from tests.fleet_telemetry.frames import payload, stream
from tests.fleet_telemetry.pki import VehicleTree, client_context

HOST = "telemetry.example.com"
CARS = 100
SECONDS = 20
MARK = 123456.0
"""Stands where a car writes the time at which it sends."""


class State:
    """What a home does with a record: invalid values settled, meanings checked, the newest of each signal wins."""

    def __init__(self) -> None:
        """Begin without knowing anything."""
        self.known = VehicleState()

    def apply(self, record: Record) -> None:
        """Take over what is newer than what is known."""
        if not isinstance(record, SignalRecord):
            return
        values = settle(record.values, self.known.value("DetailedChargeState"))
        readings = pushed_readings(values, measured_at=record.created_at)
        lag = max(0.0, record.received_at - record.created_at) + PUSH_GRAIN
        self.known = self.known.merge(readings, now=record.received_at, lag=lag)


class _WatchedSelector(selectors.DefaultSelector):
    """Notes how long the event loop works between two looks at its sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = self.longest_cpu = 0.0
        self._left, self._left_cpu = time.perf_counter(), time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.longest = max(self.longest, time.perf_counter() - self._left)
        self.longest_cpu = max(self.longest_cpu, time.thread_time() - self._left_cpu)
        events = super().select(timeout)
        self._left, self._left_cpu = time.perf_counter(), time.thread_time()
        return events

    def restart(self) -> None:
        """Forget the longest so far, by the clock and by the time that it really worked."""
        self.longest = self.longest_cpu = 0.0
        self._left, self._left_cpu = time.perf_counter(), time.thread_time()


@dataclass(slots=True)
class _Home:
    state: dict[str, State] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    connected: int = 0
    first: asyncio.Event = field(default_factory=asyncio.Event)
    everybody: asyncio.Event = field(default_factory=asyncio.Event)
    speaking: asyncio.Event = field(default_factory=asyncio.Event)

    def accepts(self, vin: str) -> bool:
        return True

    def on_record(self, record: Record) -> None:
        self.state.setdefault(record.vin, State()).apply(record)
        if isinstance(record, SignalRecord):
            sent = record.values["PackVoltage"]
            assert isinstance(sent, float)
            self.latencies.append(time.time() - sent)
            if len(self.latencies) == CARS:
                self.speaking.set()

    def on_connection(self, vin: str, connected: bool, info: ConnectionInfo) -> None:
        self.connected += 1 if connected else -1
        self.first.set()
        if self.connected == CARS:
            self.everybody.set()


def _vin(n: int) -> str:
    return f"LRW3E7EK0PC{n:06}"


def _drive_cars(port: int, ca: str, directory: str, seconds: float) -> None:
    """Be a hundred cars (in a process of their own)."""
    asyncio.run(_all_cars(port, ca, Path(directory), seconds))


async def _all_cars(port: int, ca: str, directory: Path, seconds: float) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(
            *(_one_car(http, port, ca, directory, n, seconds) for n in range(CARS))
        )


async def _one_car(
    http: aiohttp.ClientSession, port: int, ca: str, directory: Path, n: int, seconds: float
) -> None:
    frame = bytearray(
        stream(
            payload(
                {
                    "PackVoltage": {"double_value": MARK},
                    "ACChargingPower": {"double_value": 11.04},
                    "ChargeAmps": {"double_value": 16.02},
                }
            )
        )
    )
    at = frame.index(struct.pack("<d", MARK))
    context = client_context(ca, directory / f"{_vin(n)}.pem")
    async with http.ws_connect(
        f"wss://127.0.0.1:{port}/", ssl=context, server_hostname=HOST
    ) as socket:
        await asyncio.sleep(3 + n / CARS)  # everybody is there, and each has a moment of its own
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            struct.pack_into("<d", frame, at, time.time())
            await socket.send_bytes(bytes(frame))
            await socket.receive_bytes()
            await asyncio.sleep(1)


async def _hear_cars(selector: _WatchedSelector, directory: Path) -> None:
    tree = VehicleTree()
    for n in range(CARS):
        tree.car(_vin(n)).save(directory / f"{_vin(n)}.pem")
    server = ensure_certificate(directory, HOST, datetime.now(UTC), durable_file.write)
    trusted = read_bundle(tree.bundle, frozenset(fingerprints(tree.bundle)))
    home = _Home()
    receiver = TelemetryReceiver(home)
    await receiver.start("127.0.0.1", 0, server_context(server.chain, server.key, trusted))
    arguments = (receiver.port, server.ca, str(directory), SECONDS + 4.0)
    cars = multiprocessing.get_context("spawn").Process(target=_drive_cars, args=arguments)
    await asyncio.to_thread(cars.start)
    try:
        async with asyncio.timeout(60):
            await home.first.wait()
            selector.restart()
            started, cpu = time.monotonic(), time.thread_time()
            await home.everybody.wait()
            print(f"{CARS} cars come at once")
            print(f"  {'until the last one is there':32}{time.monotonic() - started:10.2f} s")
            print(f"  {'share of one core meanwhile':32}{_share(cpu, started):10.1%}")
            print(f"  {'longest event-loop block':32}{_block(selector)}")
            await home.speaking.wait()
        home.latencies.clear()
        selector.restart()
        started, cpu = time.monotonic(), time.thread_time()
        await asyncio.sleep(SECONDS)
        share, block, latencies = _share(cpu, started), _block(selector), sorted(home.latencies)
    finally:
        cars.terminate()
        await asyncio.to_thread(cars.join)
        await receiver.stop()
    print(f"{CARS} cars, a record a second each, for {SECONDS} s ({len(latencies)} records)")
    print(f"  {'share of one core':32}{share:10.1%}")
    print(f"  {'socket to state, median':32}{statistics.median(latencies) * 1e3:10.2f} ms")
    print(f"  {'99th percentile':32}{latencies[int(len(latencies) * 0.99)] * 1e3:10.2f} ms")
    print(f"  {'longest event-loop block':32}{block}")


def _block(selector: _WatchedSelector) -> str:
    """Return the longest block as text; what lies between its two numbers, other processes took."""
    return (
        f"{selector.longest * 1e3:10.2f} ms, of which {selector.longest_cpu * 1e3:.2f} ms of work"
    )


def _share(cpu: float, started: float) -> float:
    return (time.thread_time() - cpu) / (time.monotonic() - started)


def bench_cars() -> None:
    """Run the receiver in an event loop that is watched."""
    selector = _WatchedSelector()
    with (
        tempfile.TemporaryDirectory() as directory,
        asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner,
    ):
        runner.run(_hear_cars(selector, Path(directory)))
