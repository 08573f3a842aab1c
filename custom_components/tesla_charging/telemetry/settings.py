"""How an entry hears its cars: what was chosen in the flow, and how it is kept in the entry's options."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

CONF_TELEMETRY: Final = "telemetry"
DEFAULT_PORT: Final = 8443
"""443 usually leads to Home Assistant itself."""
STORED_TRANSPORT: Final = "road"
"""The name of the transport in an entry's options."""
DEFAULT_TOPIC_BASE: Final = "telemetry"
"""Where records are looked for unless the person says otherwise."""


class Transport(StrEnum):
    """How data come from the car."""

    EMBEDDED = "embedded"
    """The car connects to Home Assistant."""
    MQTT = "mqtt"
    """The car connects to a server of Tesla's own program, which publishes to an MQTT broker."""
    POLLING = "polling"
    """Home Assistant asks Tesla."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """The choice of one entry."""

    transport: Transport = Transport.POLLING
    hostname: str = ""
    """The public name that cars connect to."""
    port: int = DEFAULT_PORT
    """The public port that cars connect to."""
    listen_port: int = DEFAULT_PORT
    """The port of this machine to which the public one is forwarded."""
    listen_host: str = ""
    """The address of this machine to listen on; all if empty."""
    topic_base: str = DEFAULT_TOPIC_BASE
    """Under which topics records are published."""
    certificate_file: str = ""
    """Path of the receiver's own certificate with its chain; one is made here if empty."""
    key_file: str = ""
    """Path of its key; the certificate's file holds it too if empty."""
    vehicle_ca_file: str = ""
    """Path of the CAs that vouch for cars; those that Tesla publishes if empty."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The person's own files."""
        return tuple(Path(name) for name in self._named_files if name)

    @property
    def shared(self) -> tuple[object, ...]:
        """What all entries of a Home Assistant have in common, because they share the receiver."""
        return (self.hostname, self.listen_port, self.listen_host, *self._named_files)

    @property
    def _named_files(self) -> tuple[str, str, str]:
        return (self.certificate_file, self.key_file, self.vehicle_ca_file)

    @property
    def public_place(self) -> str:
        """Where cars connect to, host and port."""
        return f"{self.hostname}:{self.port}"

    def as_options(self) -> dict[str, Any]:
        """Return the entry's options."""
        options = asdict(self)
        options[STORED_TRANSPORT] = options.pop("transport")
        return {CONF_TELEMETRY: options}

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> TelemetrySettings:
        """Read back as_options(); an entry from before there were any is polled."""
        stored = options.get(CONF_TELEMETRY)
        if not isinstance(stored, dict):
            return cls()
        known = {name: stored[name] for name in cls.__slots__ if name in stored}
        transport = Transport(stored.get(STORED_TRANSPORT, Transport.POLLING))
        return cls(**{**known, "transport": transport})
