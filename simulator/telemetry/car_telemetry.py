"""Everything about one car's streaming: its configurations, and what a person can make it do."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any
from uuid import uuid4

from simulator.car import Car
from simulator.telemetry import garbage
from simulator.telemetry.config import TelemetryConfig
from simulator.telemetry.fields import ATOM_STREAMING_FROM, STREAMING_FROM, client_version, firmware
from simulator.telemetry.messages import Alert, CarError, Message, encode
from simulator.telemetry.settings import Counts, Misbehaviour, World
from simulator.telemetry.stream import Stream
from simulator.telemetry.values import Style
from simulator.telemetry.vehicle_ca import CERTIFICATE_KINDS, CertificateKind

MAX_ERRORS = 100


@dataclass(frozen=True, slots=True)
class ReportedError:
    """A line of fleet_telemetry_errors."""

    client_id: str
    vin: str
    txid: str
    error: CarError


class CarTelemetry:
    """The handle of one car's streaming; `client_id` tells applications apart.

    Attributes that a test sets: `other_configs` (places taken by applications nobody sees),
    `swallows_configs` (accepts one, then has none: what a real car does when it is full),
    `synced_late` (it streams by a configuration at once, but counts as having fetched it only when it next wakes up or
    drives), `hardware_supported`, `safety_screen_switch` (on an Intel Atom Model S or X, whether its owner lets
    third parties stream; None for cars without that switch).
    """

    def __init__(self, car: Car, world: World) -> None:
        """Begin without any configuration."""
        self.car = car
        self.streams: dict[str, Stream] = {}
        self.errors: deque[ReportedError] = deque(maxlen=MAX_ERRORS)
        self.misbehaviour = Misbehaviour()
        self.other_configs = 0
        self.swallows_configs = False
        self.synced_late = False
        self.hardware_supported = True
        self.safety_screen_switch: bool | None = None
        self._world = world
        self._running = False
        self._alerts: dict[str, Alert] = {}
        self._past = Counts()  # of configurations that are gone

    @property
    def version(self) -> str | None:
        """The version of the car's streaming client, None for a car that cannot stream."""
        obstacles = {"unsupported_hardware", "unsupported_firmware"}
        known = firmware(self.car.firmware)
        return None if self.obstacle("") in obstacles else client_version(known)

    @property
    def needs_key(self) -> bool:
        """Whether it streams only for who holds a key of it; an Intel Atom Model S or X asks its owner instead."""
        return self.safety_screen_switch is None

    # -- configurations ---------------------------------------------------------------------

    @property
    def limit_reached(self) -> bool:
        """Whether no further application fits in."""
        return self.swallows_configs or self._taken() >= self._world.slots

    def obstacle(self, client_id: str) -> str | None:
        """Say why this car cannot take an application's configuration, in the API's words."""
        if not self.hardware_supported or (self.needs_key and self.car.protocol != "required"):
            return "unsupported_hardware"
        since = STREAMING_FROM if self.needs_key else ATOM_STREAMING_FROM
        if firmware(self.car.firmware) < since:
            return "unsupported_firmware"
        if self.config(client_id) is None and self._taken() >= self._world.slots:
            return "max_configs"
        return None

    def config(self, client_id: str) -> TelemetryConfig | None:
        """Return what the cloud wants the car to follow for an application."""
        stream = self.streams.get(client_id)
        if stream is not None:
            stream.review()
        return stream.target if stream else None

    def synced(self, client_id: str) -> bool:
        """Whether the car has fetched it."""
        stream = self.streams.get(client_id)
        if stream is None:
            return True
        return stream.synced and (stream.was_up_and_about or not self.synced_late)

    def install(
        self, client_id: str, config: TelemetryConfig, authorised: Callable[[], bool]
    ) -> None:
        """Have the car follow a configuration as long as it is authorised."""
        if self.swallows_configs:
            self.remove(client_id)
            return
        stream = self.streams.get(client_id)
        if stream is None:
            stream = self.streams[client_id] = Stream(
                self.car,
                self._world,
                self.misbehaviour,
                lambda error: self._report(client_id, error),
                lambda signals: self._world.bill(client_id, self.car.vin, signals),
            )
        stream.target, stream.authorised = config, authorised
        if self._running:
            self._start(client_id, stream)

    def remove(self, client_id: str) -> bool:
        """Take a configuration away; False if there is none."""
        if self.config(client_id) is None:
            return False
        self.streams[client_id].target = None
        return True

    def start(self) -> None:
        """Stream from now on."""
        self._running = True
        for client_id, stream in self.streams.items():
            self._start(client_id, stream)

    async def stop(self) -> None:
        """Stop streaming; configurations stay."""
        self._running = False
        for stream in list(self.streams.values()):
            await stream.stop()

    # -- what can be seen -------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether any of its connections stands."""
        return any(stream.connected for stream in self.streams.values())

    @property
    def counts(self) -> Counts:
        """What happened so far, over all applications."""
        total = Counts()
        total.add(self._past)
        for stream in self.streams.values():
            total.add(stream.counts)
        return total

    @property
    def unacknowledged(self) -> int:
        """Messages that were sent and not acknowledged."""
        return sum(stream.outbox.unacknowledged for stream in self.streams.values())

    @property
    def queued(self) -> int:
        """Messages that wait to be sent."""
        return sum(stream.outbox.queued for stream in self.streams.values())

    @property
    def last_error(self) -> str:
        """The newest thing that went wrong, "" if nothing did."""
        return self.errors[-1].error.body if self.errors else ""

    # -- what it can be told ----------------------------------------------------------------

    def raise_alert(self, name: str, audiences: tuple[str, ...] = ("service",)) -> None:
        """Begin an alert and tell the servers that want to know."""
        alert = self._alerts[name] = Alert(name, audiences, self._world.clock.now())
        for stream in self.streams.values():
            stream.send(alerts=(alert,))

    def end_alert(self, name: str) -> None:
        """End an alert; KeyError if there is none of that name."""
        begun = self._alerts.pop(name)
        alert = Alert(name, begun.audiences, begun.started_at, self._world.clock.now())
        for stream in self.streams.values():
            stream.send(alerts=(alert,))

    def report_error(self, name: str, body: str, tags: dict[str, str] | None = None) -> None:
        """Report an error to every server and to Tesla's cloud."""
        error = CarError(name, body, self._world.clock.now(), tags or {})
        for client_id, stream in self.streams.items():
            self._report(client_id, error)
            stream.send(errors=(error,))

    def disconnect(self) -> None:
        """Lose all connections; the car connects again by itself."""
        for stream in self.streams.values():
            if stream.link is not None:
                stream.link.abort()

    def hold(self, held: bool = True) -> None:
        """Stay connected but say nothing, or speak again."""
        self.misbehaviour.held = held

    def read(self, reads: bool = True) -> None:
        """Read what servers say, or never do."""
        self.misbehaviour.reads = reads
        for stream in self.streams.values():
            if stream.link is not None:
                stream.link.read(reads)

    def present(self, kind: CertificateKind = "good", *, vin: str | None = None) -> None:
        """Show this kind of certificate (for this VIN) from the next connection on, which is now."""
        if kind not in CERTIFICATE_KINDS:
            raise ValueError(f"unknown certificate {kind}")
        self.misbehaviour.certificate = kind
        self.misbehaviour.certificate_vin = vin
        self.disconnect()

    def claim(self, vin: str | None) -> None:
        """Name another VIN in every message, or the own one again."""
        self.misbehaviour.claimed_vin = vin

    def speak(self, style: Style) -> None:
        """Send what its firmware sends ("typed"), texts as firmware of 2024 did, or texts in extra quotes."""
        self.misbehaviour.style = style

    def storm(self, times: int, pause: float = 0.0) -> None:
        """Connect and drop the connection so many times, `pause` seconds apart, without back-off."""
        self.misbehaviour.storm_pause = pause
        self.misbehaviour.storm = times
        self.disconnect()

    def send_garbage(self, kind: str = "random", times: int = 1) -> None:
        """Send frames that are not what they should be; ValueError for an unknown kind."""
        make = garbage.maker(kind)
        self._send_raw(lambda: (make(self.car.vin) for _ in repeat(None, times)))

    def flood(self, times: int) -> None:
        """Send so many well-formed messages at once. They are not on the bill."""
        self._send_raw(lambda: (self._ordinary() for _ in repeat(None, times)))

    # ---------------------------------------------------------------------------------------

    def _ordinary(self) -> bytes:
        readings = self.car.signals(("Soc", "DetailedChargeState"))
        message = Message(
            "V", self._world.clock.now(), readings=readings, txid=f"flood-{uuid4()}".encode()
        )
        return encode(message, self.misbehaviour.claimed_vin or self.car.vin)

    def _send_raw(self, frames: Callable[[], Iterator[bytes | str] | Iterator[bytes]]) -> None:
        for stream in self.streams.values():
            stream.outbox.put_raw(iter(frames()))

    def _taken(self) -> int:
        own = sum(self.config(client_id) is not None for client_id in self.streams)
        return self.other_configs + own

    def _start(self, client_id: str, stream: Stream) -> None:
        stream.start(lambda: self._clear(client_id, stream))

    def _clear(self, client_id: str, stream: Stream) -> None:
        if self.streams.get(client_id) is not stream:
            return
        if stream.target is not None:
            # A new configuration arrived while the old one was being given up.
            self._start(client_id, stream)
        else:
            self._past.add(stream.counts)
            del self.streams[client_id]

    def _report(self, client_id: str, error: CarError) -> None:
        self.errors.append(ReportedError(client_id, self.car.vin, uuid4().hex, error))

    def overview(self) -> dict[str, Any]:
        """Return all of it as JSON can show it."""
        counts = self.counts
        return {
            "connected": self.connected,
            "unacknowledged": self.unacknowledged,
            "queued": self.queued,
            "limit_reached": self.limit_reached,
            "configs": {
                client_id: {
                    "synced": stream.synced,
                    "config": dict(stream.target.claims) if stream.target else None,
                    "acknowledged": {
                        name: [at, sorted(value) if isinstance(value, frozenset) else value]
                        for name, (at, value) in stream.outbox.acknowledged.items()
                    },
                }
                for client_id, stream in self.streams.items()
            },
            "counts": {name: getattr(counts, name) for name in Counts.__slots__},
            "errors": [f"{one.error.name}: {one.error.body}" for one in self.errors],
            "misbehaviour": {
                name: getattr(self.misbehaviour, name) for name in Misbehaviour.__slots__
            },
        }
