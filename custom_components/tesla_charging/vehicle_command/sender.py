"""Sends commands: one session and one lock per car and domain, and as few requests as possible.

Retries follow `pkg/vehicle/vehicle.go` and `pkg/protocol/error.go` of vehicle-command, but their number is limited,
because every attempt is a billed request.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from google.protobuf.message import DecodeError
from tesla_protocol.command import car_server_pb2 as car_server

from .commands import CommandRequest
from .errors import (
    AnswerLost,
    HandshakeFailed,
    InvalidAnswer,
    OutcomeUnknownFault,
    SessionInfoRejected,
    VehicleBusy,
    VehicleCommandError,
)
from .faults import COUNTER_FAULTS, Retry
from .messages import (
    Answer,
    Request,
    check_fresh,
    command_request,
    read_answer,
    session_info_request,
)
from .results import CommandResult, Outcome, read_result
from .session import Domain, InvalidSessionState, Session, SessionState
from .virtual_key import VirtualKey

type Pause = Callable[[float], Awaitable[None]]
"""Waits for some seconds. It may raise a VehicleCommandError instead: then the command is not sent again."""
type Transport = Callable[[bytes], Awaitable[bytes]]
"""Sends a message to the car and returns the car's answer.

Raises AnswerLost when the message may have reached the car but no answer was received, and NotDelivered when the car
certainly did not receive it.
"""

COMMAND_LIFETIME: Final = 10
"""Seconds in which a command must reach the car (Tesla's proxy uses the same)."""
MAX_QUEUE: Final = 60.0
"""Seconds that a command waits for earlier ones; after that the user may no longer want it."""
MAX_PAUSES: Final = 3
MAX_RESIGNS: Final = 2
MAX_REPEATS: Final = 1
MAX_HANDSHAKES: Final = 2
PROMPT: Final = COMMAND_LIFETIME / 2
"""Seconds after which a refusal may be about a second copy of a message whose first copy came in time."""
PAUSE: Final = 1.5
"""Seconds before the next request to a busy car, doubled each time: together the ten that Tesla's proxy gives a car
that is still waking up, with far fewer requests."""


class _AttemptAgain(Exception):
    """The command is to be sent again."""


@dataclass(slots=True)
class _Attempts:
    """One command on its way: how it is transmitted, and how often each remedy was used."""

    transport: Transport
    pause: Pause
    repeatable: bool
    time_left: Callable[[], float]
    pauses: int = 0
    resigns: int = 0
    repeats: int = 0
    lost: bool = False
    """Whether a message may still be under way."""
    start_over: bool = False
    """Whether the next attempt opens a new session."""


@dataclass(slots=True)
class _Channel:
    """One domain of the car."""

    session: Session | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until earlier commands have ended. Raises VehicleBusy when that takes too long."""
        try:
            async with asyncio.timeout(MAX_QUEUE):
                await self.lock.acquire()
        except TimeoutError:
            raise VehicleBusy(0, "earlier commands are still under way") from None
        try:
            yield
        finally:
            self.lock.release()


class CommandSender:
    """Signs and sends commands for one car, and returns their results."""

    def __init__(
        self,
        vin: str,
        key: VirtualKey,
        transport: Transport,
        *,
        now: Callable[[], float],
        sessions: Mapping[Domain, SessionState] | None = None,
        on_session_change: Callable[[], None] | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        """Create a sender.

        `now` returns unix seconds. `sessions` are the states saved earlier; `on_session_change` is called whenever
        `sessions()` has changed. A saved session that cannot be used is discarded without an error.
        """
        self._vin = vin
        self._key = key
        self._transport = transport
        self._now = now
        self._pause = pause
        self._on_session_change = on_session_change or (lambda: None)
        self._channels = {domain: _Channel() for domain in Domain}
        for domain, state in (sessions or {}).items():
            try:
                self._channels[domain].session = Session(key, vin, domain, state)
            except VehicleCommandError:
                continue

    def sessions(self) -> dict[Domain, SessionState]:
        """Return the sessions to save."""
        return {
            domain: channel.session.state
            for domain, channel in self._channels.items()
            if channel.session is not None
        }

    async def send(
        self,
        request: CommandRequest,
        *,
        transport: Transport | None = None,
        pause: Pause | None = None,
        start_over: bool = False,
        time_left: Callable[[], float] = lambda: COMMAND_LIFETIME,
    ) -> CommandResult:
        """Send a charging command and return its result.

        `start_over`: open a new session first, because the present one may have old counters. `time_left`: the seconds
        after which the car must not execute it any more, if these are fewer than COMMAND_LIFETIME. `transport` and `pause` are used for this command instead of the sender's own. Both may raise another
        VehicleCommandError to end it. Outcome UNKNOWN means a lost or unreadable answer, also if a repetition failed
        or did not take place. Raises VehicleFault when the car refused the message, HandshakeFailed when no session
        could be opened, and NotDelivered.
        """
        attempts = _Attempts(
            transport or self._default_transport,
            pause or self._default_pause,
            request.command.repeatable,
            time_left,
            start_over=start_over,
        )
        try:
            payload = await self._exchange(Domain.INFOTAINMENT, request.action(), attempts)
            return _read_response(request, payload)
        except VehicleCommandError as err:
            if not err.may_have_executed:
                raise
            return CommandResult(Outcome.UNKNOWN, str(err))

    async def _default_transport(self, message: bytes) -> bytes:
        return await self._transport(message)

    async def _default_pause(self, seconds: float) -> None:
        await self._pause(seconds)

    async def _exchange(self, domain: Domain, payload: bytes, attempts: _Attempts) -> bytes:
        """Send a payload to a domain and return the payload of its answer."""
        channel = self._channels[domain]
        async with channel.turn():
            try:
                return await self._until_answered(channel, domain, payload, attempts)
            finally:
                if attempts.lost and channel.session is not None:
                    channel.session.outrun()

    async def _until_answered(
        self, channel: _Channel, domain: Domain, payload: bytes, attempts: _Attempts
    ) -> bytes:
        while True:
            try:
                return await self._attempt(channel, domain, payload, attempts)
            except _AttemptAgain:
                continue
            except VehicleCommandError as err:
                if attempts.repeats and not err.may_have_executed:
                    # the repetition failed, but the first attempt may have been executed
                    raise AnswerLost(f"repeated without success: {err}") from err
                raise

    async def _attempt(
        self, channel: _Channel, domain: Domain, payload: bytes, attempts: _Attempts
    ) -> bytes:
        """Send once and return the payload of the answer. Raises _AttemptAgain after a remedy was applied."""
        try:
            request, session = await self._sign(channel, domain, payload, attempts)
            self._on_session_change()
            answer = await self._deliver(request, session, attempts)
            if answer.fault is None:
                return self._payload_of(channel, request, answer)
        except (AnswerLost, InvalidAnswer) as err:
            attempts.lost |= isinstance(err, AnswerLost)
            attempts.repeats += 1
            if not attempts.repeatable or attempts.repeats > MAX_REPEATS:
                raise
        else:
            await self._remedy(channel, request, answer, attempts)
            raise _AttemptAgain
        await attempts.pause(PAUSE)
        raise _AttemptAgain

    def _payload_of(self, channel: _Channel, request: Request, answer: Answer) -> bytes:
        """Return the payload of an answer to a command. Raises InvalidAnswer for session info without a fault."""
        if answer.session_info is None:
            return answer.payload or b""
        self._synchronize(channel, request, answer)
        raise InvalidAnswer("answer holds session info instead of a result")

    async def _sign(
        self, channel: _Channel, domain: Domain, payload: bytes, attempts: _Attempts
    ) -> tuple[Request, Session]:
        """Sign with the current session; open a new one if there is none or it is exhausted."""
        if channel.session is not None and not attempts.start_over:
            try:
                return self._signed(channel.session, domain, payload, attempts), channel.session
            except InvalidSessionState:
                channel.session = None
        attempts.start_over = False
        channel.session = await self._handshake(channel, domain, attempts)
        try:
            return self._signed(channel.session, domain, payload, attempts), channel.session
        except InvalidSessionState as err:
            raise HandshakeFailed(str(err)) from err

    def _signed(
        self, session: Session, domain: Domain, payload: bytes, attempts: _Attempts
    ) -> Request:
        return command_request(
            session,
            domain,
            self._key.public_key,
            payload,
            now=self._now(),
            lifetime=max(1, min(COMMAND_LIFETIME, ceil(attempts.time_left()))),
        )

    async def _remedy(
        self, channel: _Channel, request: Request, answer: Answer, attempts: _Attempts
    ) -> None:
        """Apply the remedy before another attempt, or raise the fault."""
        assert answer.fault is not None
        synchronized = self._synchronize(channel, request, answer)
        if not attempts.repeatable and self._may_be_second_copy(request, answer):
            raise OutcomeUnknownFault(answer.fault_number, answer.fault.name)
        match answer.fault.retry:
            case Retry.AFTER_PAUSE if attempts.pauses < MAX_PAUSES:
                await self._wait(attempts)
            case Retry.RESIGN if attempts.resigns < MAX_RESIGNS:
                attempts.resigns += 1
                # if the car sends no session info, or it did not help, a handshake is the last remedy
                attempts.start_over = not synchronized or attempts.resigns > 1
            case _:
                raise answer.fault.exception(answer.fault_number)

    def _may_be_second_copy(self, request: Request, answer: Answer) -> bool:
        """Return whether the car may refuse a second copy of the message, after it executed the first one.

        The network may deliver a message twice. A used counter, or a refusal that comes late, does not show that the
        first copy was refused too.
        """
        assert answer.fault is not None
        if answer.fault.retry is not Retry.RESIGN:
            return False
        return (
            answer.fault_number in COUNTER_FAULTS
            or not 0 <= self._now() - request.sent_at <= PROMPT
        )

    async def _wait(self, attempts: _Attempts) -> None:
        """Wait for a busy car, each time longer."""
        attempts.pauses += 1
        await attempts.pause(PAUSE * 2 ** (attempts.pauses - 1))

    def _synchronize(self, channel: _Channel, request: Request, answer: Answer) -> bool:
        """Apply session info from an answer; return whether there was valid session info."""
        if answer.session_info is None or channel.session is None:
            return False
        now = self._now()
        try:
            check_fresh(request, now)
            channel.session.update(
                info=answer.session_info,
                tag=answer.session_info_tag,
                challenge=request.uuid,
                received_at=now,
            )
        except SessionInfoRejected:
            return False
        self._on_session_change()
        return True

    async def _handshake(self, channel: _Channel, domain: Domain, attempts: _Attempts) -> Session:
        """Request session info from the car and open a session with it.

        A second request does no harm, so it is repeated once after a lost answer, and a busy car gets the same time as
        for a command. The older session stays until the new one is open. Raises HandshakeFailed or the car's
        VehicleFault.
        """
        lost = 0
        while True:
            request = session_info_request(domain, self._key.public_key, now=self._now())
            try:
                answer = await self._deliver(request, None, attempts)
                if answer.fault is None:
                    return self._open(channel, domain, request, answer)
            except (AnswerLost, InvalidAnswer, SessionInfoRejected) as err:
                lost += 1
                if lost == MAX_HANDSHAKES:
                    raise HandshakeFailed(str(err)) from err
                await attempts.pause(PAUSE)
                continue
            if answer.fault.retry is not Retry.AFTER_PAUSE or attempts.pauses == MAX_PAUSES:
                raise answer.fault.exception(answer.fault_number)
            await self._wait(attempts)

    def _open(self, channel: _Channel, domain: Domain, request: Request, answer: Answer) -> Session:
        if answer.session_info is None:
            raise SessionInfoRejected("the answer to the handshake holds no session info")
        now = self._now()
        check_fresh(request, now)
        session = Session.from_session_info(
            self._key,
            self._vin,
            domain,
            info=answer.session_info,
            tag=answer.session_info_tag,
            challenge=request.uuid,
            received_at=now,
        )
        if channel.session is not None:
            session.succeed(channel.session.state)
        return session

    async def _deliver(
        self, request: Request, session: Session | None, attempts: _Attempts
    ) -> Answer:
        return read_answer(await attempts.transport(request.message), request, session)


def _read_response(request: CommandRequest, payload: bytes) -> CommandResult:
    """Read infotainment's `CarServer.Response`; as in Tesla's client, an empty one means executed."""
    response = car_server.Response()
    try:
        response.ParseFromString(payload)
    except DecodeError:
        raise InvalidAnswer("the car's response does not decode") from None
    status = response.actionStatus
    return read_result(
        request.command,
        accepted=status.result == car_server.OPERATIONSTATUS_OK,
        reason=status.result_reason.plain_text,
    )
