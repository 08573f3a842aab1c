"""A signer and a simulated car with nothing in between but a function call."""

from collections.abc import Callable
from dataclasses import dataclass, field

from custom_components.tesla_charging.vehicle_command import (
    AnswerLost,
    CommandSender,
    Domain,
    SessionState,
    VirtualKey,
)
from simulator import Car
from simulator.clock import SimulatedClock

VIN = "LRW3E7EK0PC000101"


class WireAsleepError(Exception):
    """What the road to the car says when the car sleeps."""


@dataclass
class Wire:
    """The road between signer and car: it counts, and it can be tampered with."""

    car: Car
    sent: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    tamper: list[Callable[[bytes], bytes]] = field(default_factory=list)
    """One function per answer to come; the rest arrive unharmed."""
    lose: int = 0
    """How many answers get lost on their way back."""
    asleep: bool = False

    async def carry(self, message: bytes) -> bytes:
        if self.asleep:
            raise WireAsleepError
        self.sent.append(message)
        answer = self.car.exchange(message)
        if self.lose:
            self.lose -= 1
            raise AnswerLost("lost")
        assert answer is not None
        self.answers.append(answer)
        return self.tamper.pop(0)(answer) if self.tamper else answer


@dataclass
class Pair:
    """A car that knows the key, and the sender that holds it."""

    key: VirtualKey
    car: Car
    wire: Wire
    clock: SimulatedClock
    sender: CommandSender
    saves: list[dict[Domain, SessionState]] = field(default_factory=list)
    time_shift: float = 0.0

    def now(self) -> float:
        return self.clock.now() + self.time_shift

    def restart(self) -> None:
        """Begin anew with the sessions that were saved last."""
        self.sender = self.make_sender(self.saves[-1] if self.saves else {})

    def make_sender(self, sessions: dict[Domain, SessionState] | None = None) -> CommandSender:
        return CommandSender(
            VIN,
            self.key,
            self.wire.carry,
            now=self.now,
            sessions=sessions,
            on_session_change=lambda: self.saves.append(self.sender.sessions()),
            pause=no_pause,
        )


async def no_pause(_: float) -> None:
    """Do not wait in tests."""


class Pauses:
    """Remembers how long the sender waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def waiting_sender(pair: Pair) -> tuple[CommandSender, Pauses]:
    pauses = Pauses()
    return CommandSender(VIN, pair.key, pair.wire.carry, now=pair.now, pause=pauses), pauses
