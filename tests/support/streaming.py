"""What a home needs to receive its cars itself: a port and the settings."""

import socket

from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.waiting import until


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        found: int = listener.getsockname()[1]
        return found


def embedded(port: int) -> TelemetrySettings:
    return TelemetrySettings(Transport.EMBEDDED, HOME_DOMAIN, 8443, port, "127.0.0.1")


async def cut(home: Home) -> None:
    """End the stream; from now on the car can only be polled."""
    home.tesla.telemetry_hosts.clear()

    def is_cut() -> bool:
        # a connection that was being made when the host name went away is cut too
        home.tesla.telemetry(PEARL).disconnect()
        return home.state("sensor", "telemetry") in {"configured", "synced"}

    await until(is_cut)
