"""How often one car may be told, woken or asked: what no person and no sensible automation does is refused unsent.

Nothing here knows Home Assistant; `runaway.py` puts it to use. What has been is forgotten with the process.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ..vehicle_command import CommandRequest

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0


class Use(StrEnum):
    """What is counted."""

    COMMAND = "command"
    """Any command."""
    REPEAT = "repeat"
    """A command that says what the one before of the same name said; one that says something else in between starts
    the count anew, so that a current that follows the sun is never a repetition."""
    WAKE = "wake"
    """A wake-up that is paid for, of whoever wants the car awake."""
    DATA = "data"
    """A request for data that somebody asked for; what polling asks is not counted here."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: at most `count` in any `seconds`, and `by_hand` more for a person when these are used up."""

    use: Use
    seconds: float
    count: int
    by_user: int
    as_sent: bool = False
    """Whether a command that a car is told twice counts twice, as it does for Tesla."""


# By the minute, what Tesla itself allows a car (30 commands; developer.tesla.com, "Billing and limits") stays free for
# a person. By the hour, a current that is set every ten seconds passes, and by the day for more than eight hours. The
# same thing, a wake-up or a question is needed a few times an hour: once a minute for five hours passes all the same.
LIMITS: Final = (
    Limit(Use.COMMAND, MINUTE, 20, 10, as_sent=True),
    Limit(Use.COMMAND, HOUR, 400, 100),
    Limit(Use.COMMAND, DAY, 3000, 300),
    Limit(Use.REPEAT, HOUR, 60, 30),
    Limit(Use.REPEAT, DAY, 300, 60),
    Limit(Use.WAKE, HOUR, 12, 6),
    Limit(Use.WAKE, DAY, 60, 20),
    Limit(Use.DATA, HOUR, 30, 15),
    Limit(Use.DATA, DAY, 300, 60),
)


class LimitReached(Exception):
    """Refused here, before a request was spent.

    `what` is Tesla's name of the command, `until` when this is possible again, seconds on the clock of the limit.
    """

    def __init__(self, limit: Limit, what: str, until: float) -> None:
        """Remember the row and what it was about."""
        super().__init__(f"{what}: more than {limit.count} in {limit.seconds:.0f} s")
        self.limit = limit
        self.what = what
        self.until = until


@dataclass(slots=True)
class _Window:
    """What happened in the time of one row: within its count, and beyond it by hand."""

    common: deque[float] = field(default_factory=deque)
    beyond: deque[float] = field(default_factory=deque)

    def slide(self, limit: Limit, now: float) -> None:
        for times in (self.common, self.beyond):
            # a time to come is from before the clock was set back
            while times and not 0 <= now - times[0] < limit.seconds:
                times.popleft()

    def has_room(self, limit: Limit, times: int, *, by_user: bool) -> bool:
        beyond = limit.by_user - len(self.beyond) if by_user else 0
        return limit.count - len(self.common) + beyond >= times

    def add(self, limit: Limit, times: int, now: float) -> None:
        for _ in range(times):
            (self.common if len(self.common) < limit.count else self.beyond).append(now)


class CommandRateLimit:
    """Counts for one car; whoever is let through is counted at once, so that a hundred at the same time are too."""

    def __init__(self, now: Callable[[], float], limits: Iterable[Limit] = LIMITS) -> None:
        """Begin at nothing; `now` is a clock in seconds, which may be set back."""
        self._now = now
        self._limits = tuple(limits)
        self._windows: dict[tuple[Limit, str], _Window] = {}
        self._last_request: dict[str, CommandRequest] = {}

    def command(self, request: CommandRequest, *, by_user: bool) -> None:
        """Count a command that is about to be sent. Raises LimitReached."""
        name = request.command.name
        if self._last_request.get(name) != request:
            for limit in self._limits:
                if limit.use is Use.REPEAT:
                    self._windows.pop((limit, name), None)
        sent = 1 + request.command.sent_twice(request.parameters)
        self._take(name, {Use.COMMAND: "", Use.REPEAT: name}, by_user=by_user, sent=sent)
        self._last_request[name] = request

    def wake(self, *, by_user: bool) -> None:
        """Count a wake-up that is about to be paid for. Raises LimitReached."""
        self._take("wake_up", {Use.WAKE: ""}, by_user=by_user)

    def data(self, *, by_user: bool) -> None:
        """Count a request for data that somebody asked for. Raises LimitReached."""
        self._take("vehicle_data", {Use.DATA: ""}, by_user=by_user)

    def _take(self, what: str, uses: dict[Use, str], *, by_user: bool, sent: int = 1) -> None:
        now = self._now()
        concerned: list[tuple[Limit, _Window, int]] = []
        for limit in self._limits:
            if limit.use not in uses:
                continue
            window = self._windows.setdefault((limit, uses[limit.use]), _Window())
            window.slide(limit, now)
            times = sent if limit.as_sent else 1
            if not window.has_room(limit, times, by_user=by_user):
                raise LimitReached(limit, what, window.common[0] + limit.seconds)
            concerned.append((limit, window, times))
        for limit, window, times in concerned:
            window.add(limit, times, now)
