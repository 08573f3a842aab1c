"""Sending a command: one session and one lock per car and domain, and as few requests as possible.

Retries follow `pkg/vehicle/vehicle.go` and `pkg/protocol/error.go` of vehicle-command, with bounds: every
attempt is a billed request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError
from tesla_protocol.command import car_server_pb2 as car_server

from .commands import CommandRequest
from .errors import (
    AnswerLost,
    HandshakeFailed,
    InvalidAnswer,
    SessionInfoRejected,
    VehicleCommandError,
    VehicleFault,
)
from .faults import Retry, fault_row
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

type Transport = Callable[[bytes], Awaitable[bytes]]
"""Carries a message to the car and returns the car's answer.

Raises AnswerLost when the message may have arrived without an answer coming back; any other error it raises
means that the car did not get the message, and reaches the caller unchanged.
"""

COMMAND_LIFETIME: Final = 10
"""Seconds in which a command must reach the car (Tesla's proxy uses the same)."""
MAX_PAUSES: Final = 2
MAX_RESIGNS: Final = 2
MAX_REPEATS: Final = 1
MAX_HANDSHAKES: Final = 2
PAUSE: Final = 1.5
"""Seconds before a busy car is asked again; Tesla asks for at least one."""


@dataclass(slots=True)
class _Attempts:
    """How often each remedy was used for one command."""

    pauses: int = 0
    resigns: int = 0
    repeats: int = 0
    start_over: bool = False
    """Whether the next attempt opens the session anew."""


@dataclass(slots=True)
class _Channel:
    """One domain of the car."""

    session: Session | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class CommandSender:
    """Signs commands for one car and brings back what the car answered."""

    def __init__(
        self,
        vin: str,
        key: VirtualKey,
        transport: Transport,
        *,
        now: Callable[[], float],
        sessions: Mapping[Domain, SessionState] | None = None,
        on_session_change: Callable[[], None] | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare a sender.

        `now` is unix seconds; `sessions` are the states saved earlier, and `on_session_change` is called
        whenever `sessions()` has something new to save. Raises nothing: a saved session that cannot be used
        is forgotten.
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
        """Return the sessions worth saving."""
        return {
            domain: channel.session.state
            for domain, channel in self._channels.items()
            if channel.session is not None
        }

    async def send(self, request: CommandRequest) -> CommandResult:
        """Send a charging command and say what became of it.

        Outcome UNKNOWN stands for a lost or unreadable answer. Raises VehicleFault when the car refused the
        message, HandshakeFailed when no session could be opened, and whatever the transport raises.
        """
        try:
            payload = await self._exchange(
                Domain.INFOTAINMENT,
                request.action(),
                repeatable=request.command.repeatable,
            )
            return _read_response(request, payload)
        except VehicleCommandError as err:
            if not err.may_have_executed:
                raise
            return CommandResult(Outcome.UNKNOWN, str(err))

    async def _exchange(self, domain: Domain, payload: bytes, *, repeatable: bool) -> bytes:
        """Have a domain execute a payload and return what it answers."""
        channel = self._channels[domain]
        attempts = _Attempts()
        async with channel.lock:
            while True:
                request, session = await self._sign(channel, domain, payload, attempts)
                self._on_session_change()
                try:
                    answer = await self._deliver(request, session)
                except AnswerLost, InvalidAnswer:
                    attempts.repeats += 1
                    if not repeatable or attempts.repeats > MAX_REPEATS:
                        raise
                    await self._pause(PAUSE)
                    continue
                if answer.fault is None:
                    if answer.session_info is not None:
                        raise InvalidAnswer("answer holds session info instead of a result")
                    return answer.payload or b""
                await self._remedy(channel, request, answer, attempts)

    async def _sign(
        self, channel: _Channel, domain: Domain, payload: bytes, attempts: _Attempts
    ) -> tuple[Request, Session]:
        """Sign against the current session, opening one where there is none or it is used up."""
        if channel.session is not None and not attempts.start_over:
            try:
                return self._signed(channel.session, domain, payload), channel.session
            except InvalidSessionState:
                channel.session = None
        attempts.start_over = False
        channel.session = await self._handshake(channel, domain)
        return self._signed(channel.session, domain, payload), channel.session

    def _signed(self, session: Session, domain: Domain, payload: bytes) -> Request:
        return command_request(
            session,
            domain,
            self._key.public_key,
            payload,
            now=self._now(),
            lifetime=COMMAND_LIFETIME,
        )

    async def _remedy(
        self, channel: _Channel, request: Request, answer: Answer, attempts: _Attempts
    ) -> None:
        """Do what makes another attempt promising, or raise the fault."""
        assert answer.fault is not None
        synchronized = self._synchronize(channel, request, answer)
        match answer.fault.retry:
            case Retry.AFTER_PAUSE if attempts.pauses < MAX_PAUSES:
                attempts.pauses += 1
                await self._pause(PAUSE)
            case Retry.RESIGN if attempts.resigns < MAX_RESIGNS:
                attempts.resigns += 1
                # where the car's session info does not come or does not help, a handshake is the last remedy
                attempts.start_over = not synchronized or attempts.resigns > 1
            case _:
                raise answer.fault.exception(answer.fault_number)

    def _synchronize(self, channel: _Channel, request: Request, answer: Answer) -> bool:
        """Take over session info that came along; return whether there was any to believe."""
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

    async def _handshake(self, channel: _Channel, domain: Domain) -> Session:
        """Ask the car for session info and open a session with it.

        Asking twice does no harm, so a lost answer or a busy car is asked once more. What is known of an older
        session stays until the new one is there. Raises HandshakeFailed or the car's VehicleFault.
        """
        for attempt in range(1, MAX_HANDSHAKES + 1):
            if attempt > 1:
                await self._pause(PAUSE)
            request = session_info_request(domain, self._key.public_key, now=self._now())
            try:
                answer = await self._deliver(request, None)
                return self._open(channel, domain, request, answer)
            except (AnswerLost, InvalidAnswer, SessionInfoRejected) as err:
                if attempt == MAX_HANDSHAKES:
                    raise HandshakeFailed(str(err)) from err
            except VehicleFault as err:
                if attempt == MAX_HANDSHAKES or fault_row(err.fault).retry is not Retry.AFTER_PAUSE:
                    raise
        raise AssertionError("unreachable")

    def _open(self, channel: _Channel, domain: Domain, request: Request, answer: Answer) -> Session:
        if (fault := answer.exception()) is not None:
            raise fault
        if answer.session_info is None:
            raise SessionInfoRejected("the answer to the handshake holds no session info")
        now = self._now()
        check_fresh(request, now)
        fresh = Session.from_session_info(
            self._key,
            self._vin,
            domain,
            info=answer.session_info,
            tag=answer.session_info_tag,
            challenge=request.uuid,
            received_at=now,
        )
        if channel.session is not None:
            fresh.succeed(channel.session.state)
        return fresh

    async def _deliver(self, request: Request, session: Session | None) -> Answer:
        return read_answer(await self._transport(request.message), request, session)


def _read_response(request: CommandRequest, payload: bytes) -> CommandResult:
    """Read infotainment's `CarServer.Response`; like Tesla's client, an empty one means done."""
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
