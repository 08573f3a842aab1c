"""Getting a command to a car: awake, over the road that the car understands, and as cheaply as possible."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from ..fleet_api import (
    Connectivity,
    FleetApiError,
    Section,
    SigningRequired,
    SigningUnsupported,
    VehicleAsleep,
    VehicleData,
    Vehicles,
    VehicleTimeout,
)
from ..vehicle_command import (
    AnswerLost,
    CommandRequest,
    CommandResult,
    CommandSender,
    Domain,
    NotDelivered,
    Outcome,
    SessionState,
    VehicleCommandError,
    VirtualKey,
)
from ..vehicle_command.results import read_result
from .wake import Waker

SECOND_LOOK: Final = 3.0
"""Seconds until a car that was called online, but did not answer, is tried again."""
HARDLOCKED: Final = "unsigned_cmds_hardlocked"
"""The reason with which a car itself refuses an unsigned command."""


class VehicleCommander:
    """Commands for one car.

    A car with the vehicle command protocol gets them signed; one without (Model S and X before 2021) gets the same
    commands over plain REST. Which of both a car wants is found out once and remembered.
    """

    def __init__(
        self,
        vin: str,
        vehicles: Vehicles,
        key: VirtualKey,
        *,
        now: Callable[[], float],
        signed: bool | None = None,
        sessions: Mapping[Domain, SessionState] | None = None,
        on_change: Callable[[], None],
        on_connection: Callable[[Connectivity], None],
        before_wake: Callable[[], None] = lambda: None,
        before_read: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare a commander.

        `signed` is what is known of the car (None: not yet); `on_change` is called when there is something new
        to save, `on_connection` when the car was seen awake or asleep. `before_wake` and `before_read` are called
        before a wake-up, or a request for data, is paid for; what they raise keeps it from being sent.
        """
        self._vin = vin
        self._vehicles = vehicles
        self._on_change = on_change
        self._on_connection = on_connection
        self._sleep = sleep
        self._before_read = before_read
        self.waker = Waker(
            vin,
            vehicles,
            now=now,
            on_connection=on_connection,
            before_wake=before_wake,
            sleep=sleep,
        )
        self.signed = signed
        self.sender = CommandSender(
            vin,
            key,
            self._carry,
            now=now,
            sessions=sessions,
            on_session_change=on_change,
            pause=sleep,
        )

    async def send(self, request: CommandRequest, *, believed_awake: bool) -> CommandResult:
        """Send a command, waking the car if it sleeps, and say what became of it.

        `believed_awake` is what was last seen; a belief to the contrary is checked for free before a wake-up
        is paid for. Raises FleetApiError or VehicleCommandError when the command certainly did not execute.
        """
        woken = not believed_awake and await self.waker.wake_up(insist=False)
        result = await self._send_awake(request, woken=woken)
        if result.outcome is Outcome.EXECUTED and request.command.sent_twice(request.parameters):
            try:
                return await self._send_awake(request, woken=False)
            except (FleetApiError, VehicleCommandError) as err:
                return CommandResult(Outcome.UNKNOWN, str(err))
        return result

    async def wake_up(self) -> bool:
        """Return when the car is awake: whether it had to be woken, which costs at most one wake-up.

        Raises FleetApiError, VehicleAsleep when the car does not wake in time.
        """
        return await self.waker.wake_up(insist=True)

    async def is_awake(self) -> bool:
        """Return whether the car is online now, which Tesla tells for free. Raises FleetApiError."""
        return await self.waker.is_awake()

    async def read(self, sections: Iterable[Section], *, wake: bool) -> VehicleData:
        """Return sections of the car's data that are asked for by hand: one data request.

        Raises FleetApiError, VehicleAsleep if it sleeps and is not to be woken (`wake`).
        """
        if wake:
            await self.waker.wake_up(insist=False)
        self._before_read()
        return await self._vehicles.data(self._vin, sections, insist=True)

    def record_connectivity(self, state: Connectivity) -> None:
        """Take note of what others saw of the car."""
        self.waker.record_connectivity(state)

    async def _send_awake(self, request: CommandRequest, *, woken: bool) -> CommandResult:
        """Send to a car that ought to be awake (`woken`: just now), and once more if it was not quite."""
        try:
            return await self._send(request)
        except VehicleAsleep:
            self._on_connection(Connectivity.ASLEEP)
            if not await self.waker.wake_up(insist=False):
                # Tesla's list still calls it online, which it may do for a moment
                await self._sleep(SECOND_LOOK)
                await self.waker.wake_up(insist=False)
        except VehicleTimeout:
            if not woken:
                raise
            # online before its computers are up
            await self._sleep(SECOND_LOOK)
        return await self._send(request)

    async def _send(self, request: CommandRequest) -> CommandResult:
        """Send over the road that the car wants, and learn which one that is."""
        if self.signed is not False:
            try:
                result = await self._send_signed(request)
            except SigningUnsupported:
                self._learn(signed=False)
            else:
                self._learn(signed=True)
                return result
        try:
            return await self._send_unsigned(request)
        except SigningRequired:
            self._learn(signed=True)
            return await self._send_signed(request)

    async def _send_signed(self, request: CommandRequest) -> CommandResult:
        try:
            return await self.sender.send(request)
        except NotDelivered as err:
            if isinstance(err.__cause__, FleetApiError):
                raise err.__cause__ from None
            raise

    async def _send_unsigned(self, request: CommandRequest) -> CommandResult:
        lost: FleetApiError | None = None
        while True:
            try:
                accepted, reason = await self._vehicles.command(
                    self._vin, request.command.name, request.body()
                )
            except FleetApiError as err:
                if lost is None and not err.may_have_executed:
                    raise
                if lost is None and request.command.repeatable:
                    lost = err
                    continue
                # that a repetition failed does not take back the first attempt
                return CommandResult(Outcome.UNKNOWN, err.detail)
            if not accepted and reason.lower() == HARDLOCKED:
                raise SigningRequired(reason)
            return read_result(request.command, accepted=accepted, reason=reason)

    async def _carry(self, message: bytes) -> bytes:
        """Carry a signed message; an error after which it may have been executed is a lost answer."""
        try:
            return await self._vehicles.signed_command(self._vin, message)
        except FleetApiError as err:
            if err.may_have_executed:
                raise AnswerLost(err.detail) from err
            raise NotDelivered(err.detail) from err

    def _learn(self, *, signed: bool) -> None:
        if self.signed is not signed:
            self.signed = signed
            self._on_change()
