"""Calls a listener so that one that raises costs one call and one line in the log, and nothing else."""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from .presence import ConnectionInfo
from .records import Record

if TYPE_CHECKING:
    from .receiver import TelemetryListener

_LOGGER = logging.getLogger(__name__)
MAX_LOGGED: Final = 64


class IsolatedListener:
    """A TelemetryListener whose calls never raise.

    A car that gets no acknowledgement sends a record again, for ever if the record itself is the cause. So a record on
    which the listener raises is acknowledged: it is lost, and the next one is read. The same failure is logged once for
    a car.
    """

    def __init__(self, listener: TelemetryListener) -> None:
        self._listener = listener
        self._logged: set[tuple[str, str, type[BaseException]]] = set()
        self.failures = 0
        """How many calls have raised since the start."""

    def accepts(self, vin: str) -> bool:
        """Return whether this car is accepted; False if the listener raises."""
        try:
            return self._listener.accepts(vin)
        except Exception as err:  # noqa: BLE001  # logged; a car is not accepted by mistake
            self._log("accepts", vin, err)
            return False

    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Pass on a record; return the listener's future, None also if it raises."""
        try:
            return self._listener.on_record(record)
        except Exception as err:  # noqa: BLE001  # logged; costs this record
            self._log("on_record", record.vin, err)
            return None

    def on_connection(self, vin: str, connected: bool, info: ConnectionInfo) -> None:
        """Pass on that a car has connected or disconnected."""
        try:
            self._listener.on_connection(vin, connected, info)
        except Exception as err:  # noqa: BLE001  # logged; the connection itself is not affected
            self._log("on_connection", vin, err)

    def is_settled(self, vin: str, settled: asyncio.Future[bool]) -> bool:
        """Return the result of a future that is done: whether the record may be acknowledged.

        A future with an exception is a listener that raised. A cancelled one has stored nothing.
        """
        if settled.cancelled():
            return False
        if (err := settled.exception()) is None:
            return settled.result()
        self._log("on_record", vin, err)
        return True

    def _log(self, call: str, vin: str, err: BaseException) -> None:
        self.failures += 1
        key = (call, vin, type(err))
        if key in self._logged or len(self._logged) >= MAX_LOGGED:
            return
        self._logged.add(key)
        _LOGGER.error("A telemetry listener failed in %s (…%s)", call, vin[-6:], exc_info=err)
