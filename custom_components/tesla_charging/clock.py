"""The clocks by which the integration decides. Tests turn these, and no others."""

from datetime import datetime
import time

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
