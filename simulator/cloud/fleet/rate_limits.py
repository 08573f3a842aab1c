"""Requests per minute, for each device together with each account."""

from collections import deque
from dataclasses import dataclass
import math
from typing import Literal

from simulator.clock import SimulatedClock
from simulator.cloud.errors import ApiError

type RateClass = Literal["data", "wakes", "commands", "auth"]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests in any `seconds`."""

    count: int
    seconds: float
    label: str  # the word in RateLimit-<label>-Limit


#: developer.tesla.com, billing and limits (2026-01) and best practices.
LIMITS: dict[RateClass, Limit] = {
    "data": Limit(60, 60, "Data"),
    "wakes": Limit(3, 60, "Wakes"),
    "commands": Limit(30, 60, "Commands"),
    "auth": Limit(20, 1, "Auth"),
}


class RateLimits:
    """Sliding windows. `enabled = False` lets everything through."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Start with empty windows."""
        self._clock = clock
        self._windows: dict[tuple[RateClass, str, str], deque[float]] = {}
        self.enabled = True

    def take(self, rate_class: RateClass, device: str, account: str) -> dict[str, str]:
        """Count one request and return the headers that tell how many are left.

        Raises ApiError 429 with Retry-After when the window is full; such a request is not counted.
        """
        if not self.enabled:
            return {}
        limit = LIMITS[rate_class]
        now = self._clock.now()
        window = self._windows.setdefault((rate_class, device, account), deque())
        while window and window[0] <= now - limit.seconds:
            window.popleft()
        reset = math.ceil(window[0] + limit.seconds - now) if window else math.ceil(limit.seconds)
        full = len(window) >= limit.count
        if not full:
            window.append(now)
        headers = {
            f"RateLimit-{limit.label}-Limit": str(limit.count),
            f"RateLimit-{limit.label}-Remaining": str(limit.count - len(window)),
            f"RateLimit-{limit.label}-Reset": str(reset),
        }
        if full:
            raise ApiError(
                429,
                "too many requests",
                f"{limit.count} {rate_class} requests in {limit.seconds:g} seconds",
                headers=headers | {"RateLimit-Reset": str(reset), "Retry-After": str(reset)},
                extra={"after": reset},
            )
        return headers
