"""The line of commands of one car: first in, first out, one at a time, each with one deadline from its arrival.

A command keeps its place for all that belongs to it: wake-up, sending, remedies, repetitions and a second sending. A
later command for the same thing makes an earlier one that was not sent superfluous. One whose caller is stopped (a script)
is not sent either; if a request is under way, the next command waits until that has ended.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from homeassistant.util.async_ import create_eager_task
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import DOMAIN
from ..fleet_api import FleetApiError
from ..tasks import result_of
from ..vehicle_command import CommandRequest, CommandResult, Outcome, VehicleCommandError

DEADLINE: Final = 60.0
"""Seconds from a command's arrival in which it may be sent and answered. Wake-ups meanwhile do not count."""
LONGEST_WAKE: Final = 90.0
"""At most so many seconds of wake-ups do not count: the machine may have been suspended meanwhile."""
CHECK_INTERVAL: Final = 1.0
"""Seconds between two looks at the deadline. A timer alone does not notice that the machine was suspended."""

DATA_QUEUES: Final[HassKey[dict[str, CommandQueue]]] = HassKey(f"{DOMAIN}_queues")
"""By VIN: one line per car, shared by all entries that have the car."""

_THINGS: Final[Mapping[str, str]] = {
    "charge_start": "charging",
    "charge_stop": "charging",
    "charge_standard": "charge_limit",
    "charge_max_range": "charge_limit",
    "set_charge_limit": "charge_limit",
    "charge_port_door_open": "charge_port",
    "charge_port_door_close": "charge_port",
    "add_charge_schedule": "charge_schedule",
    "remove_charge_schedule": "charge_schedule",
    "add_precondition_schedule": "precondition_schedule",
    "remove_precondition_schedule": "precondition_schedule",
}
"""By command: the thing that it sets, if another command sets it too."""


class Withdrawn(VehicleCommandError):
    """The command is not sent, or not again."""


class Superseded(Withdrawn):
    """A later command for the same thing has come."""


class Stopped(Withdrawn):
    """Nobody waits for it any more."""


class CommandExpired(Withdrawn):
    """The deadline has passed: the user may no longer want it."""


class WakeTime:
    """How long a car's wake-ups took: the waiting of commands does not count meanwhile."""

    def __init__(self) -> None:
        self._total = 0.0
        self._since: float | None = None

    def until(self, now: float) -> float:
        """Return the seconds of all wake-ups so far."""
        return self._total + (0.0 if self._since is None else now - self._since)

    def begin(self) -> None:
        """A wake-up begins."""
        self._since = clock.boottime()

    def end(self) -> None:
        """It has ended."""
        if self._since is not None:
            self._total += clock.boottime() - self._since
            self._since = None


class Order:
    """One command in its car's line. What is done for it runs through these methods."""

    def __init__(self, request: CommandRequest, wake_time: WakeTime | None = None) -> None:
        self.request = request
        self.was_sent = False
        """Whether a request that carries the command has left."""
        self.begins = asyncio.Event()
        self.task: asyncio.Task[CommandResult] | None = None
        """What executes it, kept here until it has ended."""
        self._wake_time = wake_time or WakeTime()
        self._arrived = clock.boottime()
        self._woken_before = self._wake_time.until(self._arrived)
        self._scope: asyncio.Timeout | None = None
        self._withdrawn: Withdrawn | None = None

    @property
    def superseded(self) -> bool:
        """Whether a later command for the same thing has come."""
        return isinstance(self._withdrawn, Superseded)

    @property
    def thing(self) -> tuple[str, object]:
        """What the command sets: the later one of two commands with the same thing decides."""
        name = self.request.command.name
        return _THINGS.get(name, name), self.request.parameters.get("id")

    def check(self) -> None:
        """Raise Withdrawn if the command is not to be sent any more."""
        if self._withdrawn is not None:
            raise self._withdrawn.with_traceback(None)
        if self.remaining() <= 0:
            raise CommandExpired(f"it could not be sent within {DEADLINE:.0f} seconds")

    def withdraw(self, reason: Withdrawn) -> None:
        """Do not send it, or not again: what it waits for ends at once. A request under way is awaited."""
        self._withdrawn = self._withdrawn or reason
        self._cut()

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait inside for something else than an answer to the command. Raises Withdrawn."""
        self.check()
        try:
            async with self._limited():
                yield
        except TimeoutError:
            self.check()
            raise
        self.check()

    async def attempt[Answer](self, sending: Callable[[], Awaitable[Answer]]) -> Answer:
        """Send a request that carries the command. Raises TimeoutError when the deadline passes before its answer."""
        self.check()
        self.was_sent = True
        async with self._limited(withdrawable=False):
            return await sending()

    @asynccontextmanager
    async def waking(self) -> AsyncIterator[None]:
        """Wake the car up inside: this time does not count."""
        self._wake_time.begin()
        try:
            async with self.waiting():
                yield
        finally:
            self._wake_time.end()

    def remaining(self) -> float:
        """Return the seconds that are left until its deadline."""
        now = clock.boottime()
        woken = min(self._wake_time.until(now) - self._woken_before, LONGEST_WAKE)
        return DEADLINE - (now - self._arrived - woken)

    @asynccontextmanager
    async def _limited(self, *, withdrawable: bool = True) -> AsyncIterator[None]:
        """End with TimeoutError what runs inside when the command expires, or is withdrawn."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal timer
            if (remaining := self.remaining()) <= 0:
                scope.reschedule(loop.time())
            else:
                timer = loop.call_later(min(remaining, CHECK_INTERVAL), look)

        try:
            async with asyncio.timeout(None) as scope:
                self._scope = scope if withdrawable else None
                look()
                yield
        finally:
            self._scope = None
            if timer is not None:
                timer.cancel()

    def _cut(self) -> None:
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())


class CommandQueue:
    """The commands of one car that are not done yet, in the order of their arrival; the first one is under way.

    The rule: the car ends as the last command for each thing has it, and no command reaches it later than its deadline.
    """

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._wake_time = WakeTime()

    async def run(
        self,
        request: CommandRequest,
        execute: Callable[[Order], Awaitable[CommandResult]],
        *,
        supersedes: bool = True,
    ) -> CommandResult:
        """Wait for the command's turn, execute it and return its result.

        Raises CommandExpired, and what `execute` raises. `supersedes`: whether earlier commands for the same thing
        become superfluous; not if this one will be refused, by a rate limit or for want of money.
        """
        order = Order(request, self._wake_time)
        for earlier in self._orders:
            if supersedes and earlier.thing == order.thing:
                earlier.withdraw(Superseded("a later command for the same thing has come"))
        self._orders.append(order)
        order.task = create_eager_task(self._carry_out(order, execute))
        try:
            return await result_of(order.task)
        except asyncio.CancelledError:
            order.withdraw(Stopped("its caller was stopped"))
            raise

    async def _carry_out(
        self, order: Order, execute: Callable[[Order], Awaitable[CommandResult]]
    ) -> CommandResult:
        """Execute a command in its turn, in a task of its own: its caller may be stopped while a request is under way."""
        self._begin_next()
        try:
            async with order.waiting():
                await order.begins.wait()
            return await execute(order)
        except FleetApiError, VehicleCommandError:
            if order.superseded:  # it certainly did not execute
                return CommandResult(Outcome.SUPERSEDED)
            raise
        finally:
            self._orders.remove(order)
            self._begin_next()

    def unsent_before(self, request: CommandRequest) -> int:
        """Return how many commands for other things have to be sent before this one."""
        thing = Order(request).thing
        return sum(not order.was_sent and order.thing != thing for order in self._orders)

    def others_wait(self) -> bool:
        """Return whether a command waits behind the one that is under way."""
        return len(self._orders) > 1

    def _begin_next(self) -> None:
        if self._orders:
            self._orders[0].begins.set()
