"""The clocks by which the integration decides. Tests turn these, and no others."""

from datetime import datetime
import time
from typing import Final

from homeassistant.util import dt as dt_util


def now() -> float:
    """Return unix seconds by the clock of this machine, which may be set."""
    return dt_util.utcnow().timestamp()


def today() -> datetime:
    """Return the local date and time, by which Tesla's bill has its months."""
    return dt_util.now()


def monotonic() -> float:
    """Return seconds of a clock that is never set."""
    return time.monotonic()


def boottime() -> float:
    """Return seconds of a clock that is never set, and that goes on while this machine is suspended."""
    return time.clock_gettime(_BOOTTIME)


_BOOTTIME: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux has a clock of this name; the monotonic clock of other systems goes on by itself."""
