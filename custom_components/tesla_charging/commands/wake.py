"""Wakes a car up. Tesla bills no request higher, so a wake-up is not sent again while an earlier one may still work."""

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
from ..tasks import result_of

WAKE_TIMEOUT: Final = 75.0
"""Seconds a car is given to wake up; Tesla's cars take 10 to 60."""
WAKE_POLL: Final = 3.0
"""Seconds between two polls of a waking car's state, which is a free request."""
FIRST_PAUSE: Final = 120.0
"""Seconds after a failed wake-up in which commands send no other one; doubled by every further failed wake-up."""
LONGEST_PAUSE: Final = 3600.0


class WakeUpPaused(VehicleAsleep):
    """The car did not wake up a while ago, so no other wake-up was sent for this; `until`: in unix seconds."""

    def __init__(self, until: float) -> None:
        super().__init__("the car did not wake up lately")
        self.until = until


class Waker:
    """Wakes one car.

    The pause after a failed wake-up ends with any proof that the car was online: what Tesla reports, a push, a
    connection, or an executed command.
    """

    def __init__(
        self,
        vin: str,
        vehicles: Vehicles,
        *,
        now: Callable[[], float],
        on_connectivity: Callable[[Connectivity], None],
        on_waking: Callable[[bool], None] = lambda _: None,
        before_wake: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """`now` returns unix seconds; `on_connectivity` is called with each connectivity that Tesla reports.

        `on_waking` is called with True when a wake-up begins, and with False when it ends. `before_wake` is called before a wake-up is sent, which is billed; it is not sent if that raises an error.
        """
        self._vin = vin
        self._vehicles = vehicles
        self._now = now
        self._on_connectivity = on_connectivity
        self._on_waking = on_waking
        self._before_wake = before_wake
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._unanswered_since: float | None = None
        """When the last wake-up was sent, if the car has not been online since."""
        self.sent = 0
        """The number of wake-ups that were sent."""
        self.failures = 0
        """How often waking the car up failed."""
        self._failed_in_a_row = 0
        self._failure: FleetApiError = _not_awake()
        self._unseen: FleetApiError | None = None
        """Why Tesla did not tell the car's state, the last time that it did not."""

    @property
    def is_waking(self) -> bool:
        """Whether a wake-up is under way, which is paid for."""
        return self._lock.locked()

    async def wake_up(self, *, insist: bool) -> bool:
        """Wait until the car is awake; return whether it had to be woken, which costs at most one wake-up.

        Callers that wait during another wake-up share its outcome. After failed wake-ups no other one is sent for a
        while, unless `insist` (for a user). Raises VehicleAsleep when the car does not wake in time (WakeUpPaused if no
        wake-up was sent for this), and FleetApiError when Tesla refuses the wake-up.
        """
        sent_before, unseen_before = self.sent, self._unseen
        async with self._lock:
            if self._unseen is not None and self._unseen is not unseen_before:
                raise self._unseen.with_traceback(None)
            try:
                if await self.is_awake():
                    return False
            except FleetApiError as err:
                self._unseen = err
                raise
            elapsed = self._elapsed()
            pause = WAKE_TIMEOUT if insist else self._pause()
            sends = self.sent == sent_before and elapsed >= pause
            if not sends and elapsed >= WAKE_TIMEOUT:
                if self.sent == sent_before and isinstance(self._failure, VehicleAsleep):
                    raise WakeUpPaused(self._now() - elapsed + self._pause())
                raise self._failure.with_traceback(None)
            self._on_waking(True)
            try:
                if sends and await self._send() is Connectivity.ONLINE:
                    self.record_connectivity(Connectivity.ONLINE)
                    self._on_connectivity(Connectivity.ONLINE)
                else:
                    await self._until_awake()
            finally:
                self._on_waking(False)
            return True

    def record_connectivity(self, state: Connectivity) -> None:
        """Record what is known of the car: once it was online, the failed wake-ups count no more."""
        if state is Connectivity.ONLINE:
            self._unanswered_since = None
            self._failed_in_a_row = 0

    def _elapsed(self) -> float:
        """Return the seconds since the unanswered wake-up; infinite without one, or if the clock was set back."""
        if self._unanswered_since is None:
            return float("inf")
        elapsed = self._now() - self._unanswered_since
        return elapsed if elapsed >= 0 else float("inf")

    def _pause(self) -> float:
        return float(min(FIRST_PAUSE * 2 ** min(self._failed_in_a_row - 1, 10), LONGEST_PAUSE))

    async def _send(self) -> Connectivity:
        """Send a wake-up, which is billed. If the caller gives up, the request still comes to its end."""
        return await result_of(asyncio.ensure_future(self._send_now()))

    async def _send_now(self) -> Connectivity:
        """Send a wake-up. A request that may have reached the car counts as one that has."""
        self._before_wake()
        self._unanswered_since = self._now()
        self.sent += 1
        self._failed_in_a_row += 1
        self._failure = _not_awake()
        try:
            return await self._vehicles.wake_up(self._vin)
        except VehicleAsleep, VehicleTimeout:
            return Connectivity.ASLEEP
        except FleetApiError as err:
            if err.may_have_executed:
                return Connectivity.UNKNOWN
            self._failure = err
            self.failures += 1
            if err.status is None or isinstance(err, RateLimited):
                # not sent, or the client delays the next request itself: it counts for nothing, and needs no pause
                self._unanswered_since = None
                self.sent -= 1
                self._failed_in_a_row -= 1
            else:
                # refused for a reason that lasts longer than seconds: soon after, callers get the same error
                self._unanswered_since -= WAKE_TIMEOUT
            raise

    async def _until_awake(self) -> None:
        """Poll the car's state until it is online. Raises the failure of the wake-up when that takes too long.

        A proof that it is online (a push, a connection) ends that too: Tesla's list may lag behind, or not answer.
        """
        for _ in range(int(WAKE_TIMEOUT / WAKE_POLL)):
            if self._unanswered_since is not None and self._elapsed() >= WAKE_TIMEOUT:
                break
            await self._sleep(WAKE_POLL)
            if self._unanswered_since is None:
                return
            try:
                if await self.is_awake():
                    return
            except Unreachable, ServerFailure, VehicleAsleep, VehicleTimeout:
                continue
        self.failures += 1
        raise self._failure

    async def is_awake(self) -> bool:
        """Return whether the car is online now, by a free request. Raises FleetApiError."""
        return await self.connectivity() is Connectivity.ONLINE

    async def connectivity(self) -> Connectivity:
        """Return what Tesla reports of the car now, by a free request. Raises FleetApiError."""
        state = (await self._vehicles.summary(self._vin)).state
        self.record_connectivity(state)
        self._on_connectivity(state)
        return state


def _not_awake() -> VehicleAsleep:
    return VehicleAsleep("the car did not wake up in time")
