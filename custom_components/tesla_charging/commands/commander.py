"""Sends commands to a car: wakes it if necessary, and uses the transport that the car accepts, signed or unsigned."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
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
from ..request_origin import ending_charging
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
from .queue import Order, Superseded
from .rate_limit import LimitReached
from .wake import Waker

RETRY_DELAY: Final = 3.0
"""Seconds until a command is sent again to a car that Tesla reports as online, but that did not answer."""
ENDS_CHARGING: Final = "charge_stop"
"""The command that is sent also when the month's budget is used up."""
NO_ANSWER: Final = "no answer before the command's deadline"
HARDLOCKED: Final = "unsigned_cmds_hardlocked"
"""The reason with which a car itself refuses an unsigned command."""


@dataclass(frozen=True, slots=True)
class WakePolicy:
    """What becomes of a command for a car that is asleep."""

    allowed: bool = True
    """Whether the car may be woken for it."""
    insist: bool = False
    """Whether it is woken also in the pause after wake-ups that failed."""
    already: bool = False
    """Whether a sleeping car certainly is as the command wants it: then nothing is sent."""

    @property
    def checks_first(self) -> bool:
        """Whether it is worth a free request to know that the car is awake."""
        return self.already or not self.allowed


ALWAYS_WAKE: Final = WakePolicy()


class NotWoken(VehicleAsleep):
    """The car is asleep, and the command is not worth waking it."""


class _AsWanted(Exception):
    """The car is asleep, and so it is as the command wants it."""


class VehicleCommander:
    """Commands for one car.

    A car with the vehicle command protocol gets them signed; one without (Model S and X before 2021) gets the same
    commands over plain REST. Which of both a car accepts is found out once and stored.
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
        on_connectivity: Callable[[Connectivity], None],
        on_reported: Callable[[Connectivity], None] | None = None,
        on_waking: Callable[[bool], None] = lambda _: None,
        before_wake: Callable[[], None] = lambda: None,
        before_read: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`signed` is whether the car accepts signed commands (None: not known yet).

        `on_change` is called when there is something new to save, `on_connectivity` when the answer to a command shows
        that the car is asleep, `on_reported` with each connectivity that Tesla reports (else `on_connectivity`), `on_waking` when a wake-up begins and ends. `before_wake` and `before_read` are called before a wake-up, or a data request, is sent and billed; it is
        not sent if they raise an error.
        """
        self._vin = vin
        self._vehicles = vehicles
        self._on_change = on_change
        self._on_connectivity = on_connectivity
        self._sleep = sleep
        self._before_read = before_read
        self.waker = Waker(
            vin,
            vehicles,
            now=now,
            on_connectivity=on_reported or on_connectivity,
            on_waking=on_waking,
            before_wake=before_wake,
            sleep=sleep,
        )
        self.signed = signed
        self._is_in_step = False
        """Whether the session's counter is known to be the car's: a stored one may be older."""
        self.sender = CommandSender(
            vin,
            key,
            self._transmit,
            now=now,
            sessions=sessions,
            on_session_change=on_change,
            pause=sleep,
        )

    async def send(
        self,
        request: CommandRequest,
        *,
        believed_awake: bool,
        order: Order | None = None,
        policy: WakePolicy = ALWAYS_WAKE,
        before_send: Callable[[], None] = lambda: None,
    ) -> CommandResult:
        """Send a command, waking the car if it is asleep; return the result.

        `believed_awake` is whether the car was online last. If it was not, that is checked by a free request before a
        wake-up is sent. `order` is the command's place in the line of its car. `before_send` is called before the
        command is sent for the first time; it is not sent if that raises an error. Raises FleetApiError or
        VehicleCommandError when the command certainly did not execute.
        """
        order = order or Order(request)
        try:
            woken = not believed_awake and await self._wake(order, policy)
            before_send()
            result = await self._send_awake(order, policy, woken=woken)
        except _AsWanted:
            return CommandResult(Outcome.ALREADY)
        if result.outcome is Outcome.EXECUTED and request.command.sent_twice(request.parameters):
            return await self._send_second(order, policy, result)
        return result

    async def _send_second(
        self, order: Order, policy: WakePolicy, first: CommandResult
    ) -> CommandResult:
        """Send a command again that was executed and needs that.

        Whatever becomes of it, the result does not hide that the first sending was executed: a failure or a refusal
        leaves open what the car made of it.
        """
        try:
            second = await self._send_awake(order, policy, woken=False)
        except Superseded:
            return CommandResult(Outcome.SUPERSEDED)
        except (FleetApiError, VehicleCommandError, LimitReached, _AsWanted) as err:
            problem = str(err)
        else:
            if second.achieved:
                return first
            problem = second.reason
        return CommandResult(
            Outcome.UNKNOWN, f"executed once, but not for the second time: {problem}"
        )

    async def _wake(self, order: Order, policy: WakePolicy) -> bool:
        """Wait until the car is awake; return whether it had to be woken.

        Raises NotWoken when it may not be woken, and _AsWanted when that is not necessary.
        """
        async with order.waking():
            if policy.checks_first:
                state = await self.waker.connectivity()
                if state is Connectivity.ONLINE:
                    return False
                if policy.already and state is Connectivity.ASLEEP:
                    raise _AsWanted
                if not policy.allowed:
                    raise NotWoken("the car is asleep and is not woken for this command")
            return await self.waker.wake_up(insist=policy.insist)

    async def wake_up(self) -> bool:
        """Wait until the car is awake; return whether it had to be woken, which costs at most one wake-up.

        Raises FleetApiError, VehicleAsleep when the car does not wake in time.
        """
        return await self.waker.wake_up(insist=True)

    async def is_awake(self) -> bool:
        """Return whether the car is online now, by a free request. Raises FleetApiError."""
        return await self.waker.is_awake()

    async def read(self, sections: Iterable[Section]) -> VehicleData:
        """Return sections of the car's data for a user or an automation: one data request.

        Raises FleetApiError, and VehicleAsleep if it is asleep.
        """
        self._before_read()
        return await self._vehicles.data(self._vin, sections, insist=True)

    async def read_for(
        self, order: Order, sections: Iterable[Section], policy: WakePolicy
    ) -> VehicleData:
        """Return sections of the car's data that a command depends on, within its deadline; the car is woken for it.

        Raises FleetApiError or VehicleCommandError.
        """
        await self._wake(order, policy)
        async with order.waiting():
            return await self.read(sections)

    def record_connectivity(self, state: Connectivity) -> None:
        """Record what Tesla reports of the car in another request."""
        self.waker.record_connectivity(state)

    async def _send_awake(self, order: Order, policy: WakePolicy, *, woken: bool) -> CommandResult:
        """Send to a car that should be awake (`woken`: since a moment ago), and once again if it was not ready."""
        try:
            return await self._send(order)
        except VehicleAsleep:
            self._on_connectivity(Connectivity.ASLEEP)
            if not await self._wake(order, policy):
                # Tesla's list still reports it as online, which it may do for a moment
                await self._pause(order, RETRY_DELAY)
                await self._wake(order, policy)
        except VehicleTimeout:
            if not woken:
                raise
            # the car is online before its computers have started
            await self._pause(order, RETRY_DELAY)
        return await self._send(order)

    async def _pause(self, order: Order, seconds: float) -> None:
        async with order.waiting():
            await self._sleep(seconds)

    async def _send(self, order: Order) -> CommandResult:
        """Send signed or unsigned, as the car accepts it, and record which of them it accepts."""
        result = await self._send_either(order)
        if result.outcome is not Outcome.UNKNOWN:  # the car itself has answered
            self.waker.record_connectivity(Connectivity.ONLINE)
        return result

    async def _send_either(self, order: Order) -> CommandResult:
        if order.request.command.name != ENDS_CHARGING:
            return await self._send_as_accepted(order)
        with ending_charging():
            return await self._send_as_accepted(order)

    async def _send_as_accepted(self, order: Order) -> CommandResult:
        if self.signed is not False:
            try:
                result = await self._send_signed(order)
            except SigningUnsupported:
                self._set_signed(signed=False)
            else:
                self._set_signed(signed=True)
                return result
        try:
            return await self._send_unsigned(order)
        except SigningRequired:
            self._set_signed(signed=True)
            return await self._send_signed(order)

    async def _send_signed(self, order: Order) -> CommandResult:
        """Send signed.

        A car that refuses an old counter may as well have executed the first copy of the message, so what must not be
        repeated is not sent with a counter that may be old. What Tesla delivers after the deadline, the car refuses.
        """
        try:
            result = await self.sender.send(
                order.request,
                transport=partial(self._transmit, order=order),
                pause=partial(self._pause, order),
                start_over=not (self._is_in_step or order.request.command.repeatable),
                time_left=order.remaining,
            )
        except NotDelivered as err:
            if isinstance(err.__cause__, FleetApiError):
                raise err.__cause__ from None
            raise
        self._is_in_step |= result.outcome is not Outcome.UNKNOWN
        return result

    async def _send_unsigned(self, order: Order) -> CommandResult:
        request = order.request
        lost = False
        while True:
            try:
                accepted, reason = await order.attempt(
                    lambda: self._vehicles.command(self._vin, request.command.name, request.body())
                )
            except (FleetApiError, VehicleCommandError, TimeoutError) as err:
                certain = not isinstance(err, TimeoutError) and not err.may_have_executed
                if certain and not lost:
                    raise
                if not lost and request.command.repeatable:
                    lost = True
                    continue
                # the first attempt may have executed, although the repetition failed
                return CommandResult(Outcome.UNKNOWN, str(err) or NO_ANSWER)
            if not accepted and reason.lower() == HARDLOCKED:
                raise SigningRequired(reason)
            return read_result(request.command, accepted=accepted, reason=reason)

    async def _transmit(self, message: bytes, order: Order | None = None) -> bytes:
        """Transmit a signed message; after an error with which it may have been executed the answer is lost."""
        try:
            if order is None:
                return await self._vehicles.signed_command(self._vin, message)
            return await order.attempt(lambda: self._vehicles.signed_command(self._vin, message))
        except TimeoutError:
            raise AnswerLost(NO_ANSWER) from None
        except FleetApiError as err:
            if err.may_have_executed:
                raise AnswerLost(err.detail) from err
            raise NotDelivered(err.detail) from err

    def _set_signed(self, *, signed: bool) -> None:
        if self.signed is not signed:
            self.signed = signed
            self._on_change()
