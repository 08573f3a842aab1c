"""Which cars are connected. Who is back within moments was never away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What a car tells about itself when it connects; texts are the car's own, cut to length."""

    connected_at: float
    """Unix seconds."""
    client_version: str | None = None
    """Version of its telemetry client, "1.1.0" for instance."""
    network_interface: str | None = None
    user_agent: str | None = None


type OnConnection = Callable[[str, bool, ConnectionInfo], None]


class Presence:
    """Counts the connections of each car and tells when the first came or the last is gone for good."""

    def __init__(self, on_connection: OnConnection, grace: float) -> None:
        """Prepare; `grace` is seconds between the loss of the last connection and its being told."""
        self._on_connection = on_connection
        self._grace = grace
        self._counts: dict[str, int] = {}
        self._told: dict[str, ConnectionInfo] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    def info(self, vin: str) -> ConnectionInfo | None:
        """Return what is known of a car that counts as connected, else None."""
        return self._told.get(vin)

    def arrived(self, vin: str, info: ConnectionInfo) -> None:
        """Note a new connection."""
        self._counts[vin] = self._counts.get(vin, 0) + 1
        if (leaving := self._leaving.pop(vin, None)) is not None:
            leaving.cancel()
        told = self._told.get(vin)
        if told is not None and replace(info, connected_at=told.connected_at) == told:
            return
        self._told[vin] = info
        self._on_connection(vin, True, info)

    def left(self, vin: str) -> None:
        """Note the end of a connection."""
        remaining = self._counts.get(vin, 0) - 1
        if remaining > 0:
            self._counts[vin] = remaining
            return
        self._counts.pop(vin, None)
        if vin in self._told and vin not in self._leaving:
            loop = asyncio.get_running_loop()
            self._leaving[vin] = loop.call_later(self._grace, self.forget, vin)

    def forget(self, vin: str) -> None:
        """Tell now that a car is gone."""
        if (leaving := self._leaving.pop(vin, None)) is not None:
            leaving.cancel()
        if (info := self._told.pop(vin, None)) is not None:
            self._on_connection(vin, False, info)

    def forget_all(self) -> None:
        """Tell now that all cars are gone."""
        for vin in [*self._told]:
            self.forget(vin)
