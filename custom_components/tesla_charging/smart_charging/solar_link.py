"""What the car was told last, whether it obeys, and when it may be told again."""

from dataclasses import dataclass, field
import math
from typing import Final

from .solar_model import CarReading, CarSettings, Command, Outcome, Reason

FAILED_PAUSE_S: Final = 15.0
FAILED_LONGEST_S: Final = 900.0
REFUSED_PAUSE_S: Final = 300.0
REFUSED_LONGEST_S: Final = 3600.0
"""The pause after a failed or refused command doubles from the first to the second."""
WAKE_S: Final = 60.0
"""How much longer a sleeping car takes to obey."""
URGENT_S: Final = 20.0
"""After so long an urgent command is sent again, whatever became of it."""


@dataclass(slots=True)
class Link:
    """The commands to one car."""

    settings: CarSettings
    target_a: int = 0
    """What the car obeys, or will once the command on its way has arrived."""
    changed_at: float = -math.inf
    """When a command was sent last."""
    problem: Reason | None = None
    retry_at: float = -math.inf
    numbers: int = 0
    """How many commands there were; the last one has this number."""
    _sent: Command | None = field(default=None)
    _accepted: bool = False
    _failures: int = 0

    def forget(self) -> None:
        """Begin anew: the car was unplugged, or the clock was corrected."""
        self._sent = self.problem = None
        self._failures = 0
        self.changed_at = self.retry_at = -math.inf

    @property
    def is_busy(self) -> bool:
        """Return whether a command is on its way."""
        return self._sent is not None

    def is_late(self, now: float) -> bool:
        """Return whether a command has been on its way for so long that an urgent one is sent again."""
        return self._sent is not None and now - self.changed_at >= URGENT_S

    def update(self, now: float, car: CarReading) -> None:
        """See in the car's reading what became of the last command."""
        sent = self._sent
        if sent is None:
            self.target_a = car.told_a
            return
        seen = car.time > self.changed_at
        patience = self.settings.answer_s + (WAKE_S if sent.wake else 0.0)
        if seen and car.told_a == sent.amps:
            self._sent = self.problem = None
            self._failures = 0
        elif now - self.changed_at >= patience and (seen or not self._accepted):
            self._missed(now - FAILED_PAUSE_S, Reason.COMMAND_FAILED)
            self.target_a = car.told_a

    def answered(self, now: float, number: int, outcome: Outcome) -> None:
        """Note what became of a command; of an older one than the last it does not matter any more."""
        if self._sent is None or self._sent.number != number:
            return
        match outcome:
            case Outcome.ACCEPTED:
                self._accepted = True
            case Outcome.FAILED:
                self._missed(now, Reason.COMMAND_FAILED)
            case Outcome.REFUSED:
                self._missed(now, Reason.COMMAND_REFUSED)

    def _missed(self, now: float, problem: Reason) -> None:
        first, longest = (
            (FAILED_PAUSE_S, FAILED_LONGEST_S)
            if problem is Reason.COMMAND_FAILED
            else (REFUSED_PAUSE_S, REFUSED_LONGEST_S)
        )
        self.retry_at = now + min(first * 2.0 ** min(self._failures, 10), longest)
        self._failures += 1
        self.problem = problem
        self._sent = None

    def send(
        self, now: float, amps: int, car: CarReading, *, urgent: bool = False
    ) -> Command | None:
        """Return the command that changes the current, unless it would be futile or must wait."""
        if urgent:
            is_same = self._sent is not None and self._sent.amps == amps
            if (is_same or self.problem) and now - self.changed_at < URGENT_S:
                return None
        elif self._sent is not None or now < self.retry_at or amps == self.target_a:
            return None
        if amps == car.told_a and self._sent is None:
            return None
        self.numbers += 1
        start = amps > 0 and car.told_a == 0
        command = Command(self.numbers, amps, start, start and car.asleep)
        self._sent, self._accepted = command, False
        self.target_a, self.changed_at = amps, now
        return command
