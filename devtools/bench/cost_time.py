"""A month in minutes: one process whose clocks and event loop run on virtual time.

`install()` comes first of all, before anything that may take a clock with it when it is imported. From then on time
passes only while nobody has anything to do: the loop jumps to the next timer as soon as no socket has anything to
read, nothing waits to be run and no thread is at work. Linux delivers what is written to a loopback socket before the
write returns, so nothing is ever on its way.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
import contextvars
from datetime import UTC, datetime, tzinfo
import selectors
import time
from typing import Any, override

_REAL_MONOTONIC = time.monotonic
#: How long (real seconds) a loop without any timer may wait for the world outside before it is called stuck.
PATIENCE = 60.0
_THREAD_WAIT = 0.05


class VirtualTime:
    """The one clock of the process: unix seconds, and how far they have been moved."""

    def __init__(self, start: float) -> None:
        """Begin at a moment."""
        self._start = start
        self.elapsed = 0.0

    def time(self) -> float:
        """Return unix seconds."""
        return self._start + self.elapsed

    def monotonic(self) -> float:
        """Return seconds since the start; never 0, which some take for never."""
        return 1000.0 + self.elapsed

    def utcnow(self) -> datetime:
        """Return the moment, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def now(self, time_zone: tzinfo | None = None) -> datetime:
        """Return the moment in a time zone, UTC if none is given."""
        return datetime.fromtimestamp(self.time(), time_zone or UTC)


def install(start: float) -> VirtualTime:
    """Replace the clocks of this process. Home Assistant must not have been imported yet, but for its dt module."""
    clock = VirtualTime(start)
    time.time = clock.time
    time.monotonic = clock.monotonic
    from homeassistant.util import dt as dt_util

    dt_util.utcnow = clock.utcnow  # type: ignore[assignment]  # a partial of datetime.now, without its argument
    dt_util.now = clock.now
    return clock


class _VirtualSelector(selectors.EpollSelector):
    """Waits for nothing but threads; everybody else's waiting is skipped."""

    def __init__(self, clock: VirtualTime) -> None:
        super().__init__()
        self._clock = clock
        self.threads = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.threads:
            return super().select(_THREAD_WAIT)
        if timeout is None:
            return self._wait_outside()
        self._clock.elapsed += timeout
        return []

    def _wait_outside(self) -> list[tuple[selectors.SelectorKey, int]]:
        if ready := super().select(PATIENCE):
            return ready
        raise RuntimeError("nothing happens any more, and no timer is set")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self, clock: VirtualTime) -> None:
        """Run on a clock."""
        self._virtual = _VirtualSelector(clock)
        self._clock = clock
        super().__init__(self._virtual)

    @override
    def time(self) -> float:
        return self._clock.monotonic()

    @override
    def run_in_executor(  # type: ignore[override]  # typeshed names its parameters by type variables
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self._virtual.threads += 1
        context = contextvars.copy_context()
        future = super().run_in_executor(executor, context.run, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self._virtual.threads += 1  # one that joins the others
        try:
            await super().shutdown_default_executor(timeout)
        finally:
            self._virtual.threads -= 1

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._virtual.threads -= 1


def real_seconds() -> float:
    """Return a clock that virtual time does not move."""
    return _REAL_MONOTONIC()
