"""Which cars are connected; a short interruption of a connection is not reported."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What a car reports about itself when it connects; texts are the car's own, cut to a maximum length."""

    connected_at: float
    """Unix seconds."""
    client_version: str | None = None
    """Version of its telemetry client, "1.1.0" for instance."""
    network_interface: str | None = None
    user_agent: str | None = None


type OnConnection = Callable[[str, bool, ConnectionInfo], None]


class Presence:
    """Counts the connections of each car, and reports when the first was opened and the last has ended."""

    def __init__(self, on_connection: OnConnection, grace: float) -> None:
        """Start without cars; `grace` is the seconds between the end of the last connection and the report."""
        self._on_connection = on_connection
        self._grace = grace
        self._counts: dict[str, int] = {}
        self._connected: dict[str, ConnectionInfo] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    def info(self, vin: str) -> ConnectionInfo | None:
        """Return the information about a car that counts as connected, else None."""
        return self._connected.get(vin)

    def arrived(self, vin: str, info: ConnectionInfo) -> None:
        """Record a new connection."""
        self._counts[vin] = self._counts.get(vin, 0) + 1
        if (leaving := self._leaving.pop(vin, None)) is not None:
            leaving.cancel()
        known = self._connected.get(vin)
        if known is not None and replace(info, connected_at=known.connected_at) == known:
            return
        self._connected[vin] = info
        self._on_connection(vin, True, info)

    def left(self, vin: str) -> None:
        """Record the end of a connection."""
        remaining = self._counts.get(vin, 0) - 1
        if remaining > 0:
            self._counts[vin] = remaining
            return
        self._counts.pop(vin, None)
        if vin in self._connected and vin not in self._leaving:
            loop = asyncio.get_running_loop()
            self._leaving[vin] = loop.call_later(self._grace, self.forget, vin)

    def forget(self, vin: str) -> None:
        """Report at once that a car is disconnected."""
        if (leaving := self._leaving.pop(vin, None)) is not None:
            leaving.cancel()
        if (info := self._connected.pop(vin, None)) is not None:
            self._on_connection(vin, False, info)

    def forget_all(self) -> None:
        """Report at once that all cars are disconnected."""
        for vin in [*self._connected]:
            self.forget(vin)
