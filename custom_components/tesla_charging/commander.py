"""Getting a command to a car: awake, over the road that the car understands, and as cheaply as possible."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from .fleet_api import (
    FleetApiError,
    SigningRequired,
    SigningUnsupported,
    VehicleAsleep,
    Vehicles,
    VehicleState,
)
from .vehicle_command import (
    AnswerLost,
    CommandRequest,
    CommandResult,
    CommandSender,
    Domain,
    Outcome,
    SessionState,
    VirtualKey,
)
from .vehicle_command.results import read_result

WAKE_TIMEOUT: Final = 75.0
"""Seconds a car is given to wake up; Tesla's cars take 10 to 60."""
WAKE_POLL: Final = 3.0
"""Seconds between two looks at a waking car (the free state call)."""


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
        on_connection: Callable[[VehicleState], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare a commander.

        `signed` is what is known of the car (None: not yet); `on_change` is called when there is something new
        to save, `on_connection` when the car was seen awake or asleep.
        """
        self._vin = vin
        self._vehicles = vehicles
        self._on_change = on_change
        self._on_connection = on_connection
        self._sleep = sleep
        self._wake_lock = asyncio.Lock()
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
        if not believed_awake:
            await self.wake_up()
        try:
            return await self._send(request)
        except VehicleAsleep:
            self._on_connection(VehicleState.ASLEEP)
            await self.wake_up()
            return await self._send(request)

    async def wake_up(self) -> None:
        """Return when the car is awake. Costs nothing if it already is, one wake-up otherwise.

        Raises VehicleAsleep when it does not wake in time.
        """
        async with self._wake_lock:
            if await self._is_awake():
                return
            if await self._vehicles.wake_up(self._vin) is not VehicleState.ONLINE:
                await self._until_awake()
            self._on_connection(VehicleState.ONLINE)

    async def _until_awake(self) -> None:
        for _ in range(int(WAKE_TIMEOUT / WAKE_POLL)):
            await self._sleep(WAKE_POLL)
            if await self._is_awake():
                return
        raise VehicleAsleep("the car did not wake up in time")

    async def _is_awake(self) -> bool:
        state = (await self._vehicles.summary(self._vin)).state
        self._on_connection(state)
        return state is VehicleState.ONLINE

    async def _send(self, request: CommandRequest) -> CommandResult:
        """Send over the road that the car wants, and learn which one that is."""
        if self.signed is not False:
            try:
                result = await self.sender.send(request)
            except SigningUnsupported:
                self._learn(signed=False)
            else:
                self._learn(signed=True)
                return result
        try:
            return await self._send_unsigned(request)
        except SigningRequired:
            self._learn(signed=True)
            return await self.sender.send(request)

    async def _send_unsigned(self, request: CommandRequest) -> CommandResult:
        for attempt in (1, 2):
            try:
                accepted, reason = await self._vehicles.command(
                    self._vin, request.command.name, request.body()
                )
            except FleetApiError as err:
                if not err.may_have_executed:
                    raise
                if attempt == 1 and request.command.repeatable:
                    continue
                return CommandResult(Outcome.UNKNOWN, err.detail)
            return read_result(request.command, accepted=accepted, reason=reason)
        raise AssertionError("unreachable")

    async def _carry(self, message: bytes) -> bytes:
        """Carry a signed message; an error after which it may have been executed is a lost answer."""
        try:
            return await self._vehicles.signed_command(self._vin, message)
        except FleetApiError as err:
            if err.may_have_executed:
                raise AnswerLost(err.detail) from err
            raise

    def _learn(self, *, signed: bool) -> None:
        if self.signed is not signed:
            self.signed = signed
            self._on_change()
