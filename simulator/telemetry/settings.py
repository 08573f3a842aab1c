"""What all simulated cars have in common when they stream, and what one may do wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.clock import SimulatedClock
from simulator.telemetry.values import Style
from simulator.telemetry.vehicle_ca import CertificateKind, VehicleCa

CONFIGS_PER_CAR = 5


@dataclass(slots=True, eq=False)
class World:
    """The surroundings of every stream."""

    clock: SimulatedClock
    bill: Callable[[str, str, int], object]  # client id, VIN, signals
    ca: VehicleCa = field(default_factory=VehicleCa)
    #: host name -> loopback address and port where its server really listens
    hosts: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: how many third-party configurations fit into one car
    slots: int = CONFIGS_PER_CAR
    #: how much faster the cars' buckets, back-off and time-outs run; not what configurations say
    pace: float = 1.0

    def seconds(self, seconds: float) -> float:
        """Return a duration of the cars' own software in real seconds."""
        return seconds / self.pace


@dataclass(slots=True, eq=False)
class Misbehaviour:
    """What one car does wrong, on all its connections."""

    certificate: CertificateKind = "good"
    certificate_vin: str | None = None  # the CN, if it is not the car's own VIN
    claimed_vin: str | None = None  # the VIN in envelope and payload
    reads: bool = True
    held: bool = False
    style: Style = "typed"
    storm: int = 0  # connections that will be dropped as soon as they stand
    storm_pause: float = 0.0


@dataclass(slots=True, eq=False)
class Counts:
    """What happened on one stream, or on all of a car's."""

    attempts: int = 0
    connections: int = 0
    messages: int = 0
    signals: int = 0
    resent: int = 0
    raw: int = 0
    acked: int = 0
    stray_acks: int = 0  # of frames that were no messages, or of nothing at all
    refused: int = 0  # answered with an error

    def add(self, other: Counts) -> None:
        """Add another stream's figures."""
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
