"""Waking a car up: the dearest request of all, so it is never sent twice where once can do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ..fleet_api import (
    Connectivity,
    FleetApiError,
    RateLimited,
    ServerFailure,
    Unreachable,
    VehicleAsleep,
    Vehicles,
    VehicleTimeout,
)

WAKE_TIMEOUT: Final = 75.0
"""Seconds a car is given to wake up; Tesla's cars take 10 to 60."""
WAKE_POLL: Final = 3.0
"""Seconds between two looks at a waking car (the free state call)."""
FIRST_REST: Final = 120.0
"""Seconds after a vain wake-up in which commands do not pay for another; it doubles with every vain one."""
LONGEST_REST: Final = 3600.0


class Waker:
    """Wakes one car."""

    def __init__(
        self,
        vin: str,
        vehicles: Vehicles,
        *,
        now: Callable[[], float],
        on_connection: Callable[[Connectivity], None],
        before_wake: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Prepare. `now` is unix seconds; `on_connection` hears whether the car was seen awake or asleep.

        `before_wake` is called before a wake-up is paid for; what it raises keeps it from being sent.
        """
        self._vin = vin
        self._vehicles = vehicles
        self._now = now
        self._on_connection = on_connection
        self._before_wake = before_wake
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._asked_at: float | None = None
        """When a wake-up was paid after which the car has not been seen awake."""
        self._asked = 0
        """How many wake-ups were paid in all."""
        self._vain = 0
        """How many of them in a row were in vain."""
        self._failure: FleetApiError = _not_awake()

    async def wake_up(self, *, insist: bool) -> bool:
        """Return when the car is awake: whether it had to be woken, which costs at most one wake-up.

        Whoever waits while another is waking the car shares the outcome. After vain wake-ups the car is left
        alone for a while, unless the caller insists (a person asks). Raises VehicleAsleep when the car does
        not wake in time, and FleetApiError when Tesla does not let it be woken.
        """
        asked = self._asked
        async with self._lock:
            if await self.is_awake():
                return False
            waited = self._waited()
            if self._asked == asked and waited >= (WAKE_TIMEOUT if insist else self._rest()):
                if await self._request() is Connectivity.ONLINE:
                    self.record_connectivity(Connectivity.ONLINE)
                    self._on_connection(Connectivity.ONLINE)
                    return True
            elif waited >= WAKE_TIMEOUT:
                raise self._failure.with_traceback(None)
            await self._until_awake()
            return True

    def record_connectivity(self, state: Connectivity) -> None:
        """Take note of a car that was seen awake: it is worth waking again."""
        if state is Connectivity.ONLINE:
            self._asked_at = None
            self._vain = 0

    def _waited(self) -> float:
        """Return the seconds since the last vain wake-up; endless without one, or if the clock was set back."""
        waited = float("inf") if self._asked_at is None else self._now() - self._asked_at
        return waited if waited >= 0 else float("inf")

    def _rest(self) -> float:
        return float(min(FIRST_REST * 2 ** min(self._vain - 1, 10), LONGEST_REST))

    async def _request(self) -> Connectivity:
        """Pay for a wake-up. A request that may have reached the car counts as one that has."""
        self._before_wake()
        self._asked_at = self._now()
        self._asked += 1
        self._vain += 1
        self._failure = _not_awake()
        try:
            return await self._vehicles.wake_up(self._vin)
        except VehicleAsleep, VehicleTimeout:
            return Connectivity.ASLEEP
        except FleetApiError as err:
            if err.may_have_executed:
                return Connectivity.UNKNOWN
            self._failure = err
            if err.status is None or isinstance(err, RateLimited):
                # not billed, or kept from repetition elsewhere: nothing to wait for here
                self._asked_at = None
            else:
                # refused for a reason that will not pass in seconds: whoever asks soon gets the same answer
                self._asked_at -= WAKE_TIMEOUT
            raise

    async def _until_awake(self) -> None:
        for _ in range(int(WAKE_TIMEOUT / WAKE_POLL)):
            if self._waited() >= WAKE_TIMEOUT:
                break
            await self._sleep(WAKE_POLL)
            try:
                if await self.is_awake():
                    return
            except Unreachable, ServerFailure, VehicleAsleep, VehicleTimeout:
                continue
        raise self._failure

    async def is_awake(self) -> bool:
        """Return whether the car is online now, which Tesla tells for free. Raises FleetApiError."""
        state = (await self._vehicles.summary(self._vin)).state
        self.record_connectivity(state)
        self._on_connection(state)
        return state is Connectivity.ONLINE


def _not_awake() -> VehicleAsleep:
    return VehicleAsleep("the car did not wake up in time")
