"""The pages of the config flow about streaming: what is entered there, and who listens afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
import contextlib
from contextlib import asynccontextmanager, contextmanager
import socket
import ssl
import threading
from typing import Any

from homeassistant.data_entry_flow import section

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from tests.support import flows
from tests.support.home import HOME_DOMAIN, Home

type Step = Any
type Somebody = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


def place(port: int, public: int | None = None, hostname: str = HOME_DOMAIN) -> dict[str, Any]:
    """Return what a person enters."""
    return {
        "hostname": hostname,
        "port": public or port,
        "inside": {"listen_port": port, "listen_host": "127.0.0.1"},
        "certificate": {},
    }


def fields(step: Step) -> dict[str, Any]:
    """Return the page's fields by name, those of its sections too."""
    found: dict[str, Any] = {}
    for name, kind in step["data_schema"].schema.items():
        if isinstance(kind, section):
            found |= {str(inner): inner for inner in kind.schema.schema}
        found[str(name)] = name
    return found


def listening(home: Home) -> int:
    return async_get_telemetry_server(home.hass, active_endpoints()).port


def is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def somebody(answers: Somebody) -> AsyncIterator[int]:
    """Have somebody else listen; give the port."""
    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()


@contextmanager
def somebody_with_tls(context: ssl.SSLContext) -> Iterator[int]:
    """Have somebody else listen with a certificate, apart from the event loop; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller, contextlib.suppress(OSError):
                caller.settimeout(5)
                context.wrap_socket(caller, server_side=True).recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


async def reconfigure(home: Home, choice: str = "telemetry_embedded") -> Step:
    assert home.entry is not None
    return await flows.choose(home, await flows.options(home), choice)


async def submit(home: Home, step: Step, entered: dict[str, Any]) -> Step:
    result = await flows.configure(home, step, entered)
    await home.settle()
    return result


def done(result: Step) -> bool:
    return flows.is_changed(result)
