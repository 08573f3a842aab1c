"""The HTTP request with which a car asks for its WebSocket."""

import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .presence import ConnectionInfo

MAX_HEADER_TEXT: Final = 64


def _is_fault_of_ours(record: logging.LogRecord) -> bool:
    """Keep requests that are no HTTP out of the log: the HTTP server calls each one an error."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


HTTP_LOGGER: Final = logging.getLogger(__name__)
"""Where the HTTP server tells what went wrong inside."""
HTTP_LOGGER.addFilter(_is_fault_of_ours)


def wants_websocket(socket: web.WebSocketResponse, request: web.BaseRequest) -> bool:
    """Return whether a request can be answered with this WebSocket."""
    try:
        return socket.can_prepare(request).ok
    except ValueError:  # headers that are not even text
        return False


def connection_info(request: web.BaseRequest, now: float) -> ConnectionInfo:
    """Return what the car tells about itself (headers as seen from cars and read by fleet-telemetry)."""
    version, interface, agent = (
        _text(request.headers.get(name))
        for name in ("Version", "X-Network-Interface", "User-Agent")
    )
    return ConnectionInfo(now, version, interface, agent)


def closing(response: web.Response) -> web.Response:
    """Return a response after which the connection ends."""
    response.force_close()
    return response


def _text(value: str | None) -> str | None:
    return "".join(c for c in value[:MAX_HEADER_TEXT] if c.isprintable()) if value else None
