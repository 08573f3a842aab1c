"""The transport over which an entry receives its cars' data: chosen in the config flow, stored in the entry's options."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from ..fleet_telemetry import is_hostname, is_topic_base

CONF_TELEMETRY: Final = "telemetry"
DEFAULT_PORT: Final = 8443
"""443 is usually forwarded to Home Assistant itself."""
STORED_TRANSPORT: Final = "road"
"""The name of the transport in an entry's options."""
DEFAULT_TOPIC_BASE: Final = "telemetry"
"""Under which topics records are expected unless the user chooses others."""


class Transport(StrEnum):
    """How the data of a car are received."""

    EMBEDDED = "embedded"
    """The car connects to Home Assistant."""
    MQTT = "mqtt"
    """The car connects to a server that runs Tesla's own program, which publishes to an MQTT broker."""
    POLLING = "polling"
    """Home Assistant polls Tesla."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """The settings of one entry."""

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
    """Path of its key; if empty, the certificate's file contains it too."""
    vehicle_ca_file: str = ""
    """Path of the CAs that sign cars' certificates; those that Tesla publishes if empty."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The user's own files."""
        return tuple(Path(name) for name in self._named_files if name)

    @property
    def shared(self) -> tuple[object, ...]:
        """The settings that all entries of a Home Assistant must have in common, because they share the receiver."""
        return (self.hostname, self.listen_port, self.listen_host, *self._named_files)

    @property
    def _named_files(self) -> tuple[str, str, str]:
        return (self.certificate_file, self.key_file, self.vehicle_ca_file)

    @property
    def public_place(self) -> str:
        """The host and port that cars connect to."""
        return f"{self.hostname}:{self.port}"

    def as_options(self) -> dict[str, Any]:
        """Return the entry's options."""
        options = asdict(self)
        options[STORED_TRANSPORT] = options.pop("transport")
        return {CONF_TELEMETRY: options}

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> TelemetrySettings:
        """Read what as_options() returned; an entry that has none is polled, and what is unknown has its default."""
        stored = options.get(CONF_TELEMETRY)
        if not isinstance(stored, Mapping):
            return cls()
        known = {
            name: stored[name] for name in cls.__slots__ if _is_like_default(cls, stored, name)
        }
        transport = stored.get(STORED_TRANSPORT, Transport.POLLING)
        known["transport"] = Transport(transport) if _is_transport(transport) else Transport.POLLING
        return cls(**known)


def are_known(options: Mapping[str, Any]) -> bool:
    """Return whether the options of an entry hold telemetry settings that this version can follow, or none."""
    stored = options.get(CONF_TELEMETRY)
    if stored is None:
        return True
    if not isinstance(stored, Mapping):
        return False
    if not _is_transport(stored.get(STORED_TRANSPORT, Transport.POLLING)):
        return False
    names = (name for name in TelemetrySettings.__slots__ if name in stored)
    if not all(
        _is_like_default(TelemetrySettings, stored, name) for name in names if name != "transport"
    ):
        return False
    settings = TelemetrySettings.from_options(options)
    return _CAN_BE_FOLLOWED[settings.transport](settings)


_CAN_BE_FOLLOWED: Final[Mapping[Transport, Callable[[TelemetrySettings], bool]]] = {
    Transport.EMBEDDED: lambda settings: (
        is_hostname(settings.hostname)
        and all(0 < port < 65_536 for port in (settings.port, settings.listen_port))
        and "\0" not in settings.listen_host
    ),
    Transport.MQTT: lambda settings: is_topic_base(settings.topic_base),
    Transport.POLLING: lambda _: True,
}
"""Whether the values are those that the config flow accepts; without that, nothing could be opened or sent."""


def _is_transport(stored: object) -> bool:
    return isinstance(stored, str) and stored in Transport


def _is_like_default(
    settings: type[TelemetrySettings], stored: Mapping[str, Any], name: str
) -> bool:
    """Return whether a setting is stored, and of the type of its default."""
    default = getattr(settings(), name)
    return name in stored and type(stored[name]) is type(default)
