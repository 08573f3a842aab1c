"""The HTTP request with which a car opens its WebSocket."""

import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .presence import ConnectionInfo

MAX_HEADER_TEXT: Final = 64


def _is_own_error(record: logging.LogRecord) -> bool:
    """Filter out invalid HTTP requests: the HTTP server logs each one as an error."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


HTTP_LOGGER: Final = logging.getLogger(__name__)
"""The logger for internal errors of the HTTP server."""
HTTP_LOGGER.addFilter(_is_own_error)


def wants_websocket(socket: web.WebSocketResponse, request: web.BaseRequest) -> bool:
    """Return whether a request can be answered with this WebSocket."""
    try:
        return socket.can_prepare(request).ok
    except ValueError:  # headers that cannot be decoded
        return False


def connection_info(request: web.BaseRequest, now: float) -> ConnectionInfo:
    """Return what the car reports about itself (headers as sent by cars and read by fleet-telemetry)."""
    version, interface, agent = (
        _text(request.headers.get(name))
        for name in ("Version", "X-Network-Interface", "User-Agent")
    )
    return ConnectionInfo(now, version, interface, agent)


def closing(response: web.Response) -> web.Response:
    """Return the response after setting that the connection is closed after it."""
    response.force_close()
    return response


def _text(value: str | None) -> str | None:
    return "".join(c for c in value[:MAX_HEADER_TEXT] if c.isprintable()) if value else None
