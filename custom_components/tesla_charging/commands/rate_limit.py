"""How many commands, wake-ups and data requests one car may get in a time; a request beyond that is not sent.

Independent of Home Assistant; `rate_guard.py` uses it. The counts end with the process.
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
    """A command with the same parameters as the previous one of this name. One with other parameters in between resets
    the count, so a charging current that follows the solar power is never a repetition."""
    WAKE = "wake"
    """A billed wake-up, whatever it is sent for."""
    DATA = "data"
    """A data request of a user or an automation; polls are not counted here."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: at most `count` in any `seconds`, and `by_user` more for a user when these are used up."""

    use: Use
    seconds: float
    count: int
    by_user: int
    as_sent: bool = False
    """Whether a command that has to be sent twice counts twice, as it does for Tesla."""


# Per minute, a user still has a part of what Tesla itself allows for a car (30 commands; developer.tesla.com, "Billing and
# limits"). Per hour, a current that is set every ten seconds is within the limit, and per day for more than eight hours.
# A repeated command, a wake-up or a data request is needed a few times an hour: once a minute for five hours is allowed.
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
    """The request was not sent, so nothing was billed.

    `what` is Tesla's name of the command, `until` when it is possible again, in seconds of the limit's clock.
    """

    def __init__(self, limit: Limit, what: str, until: float) -> None:
        super().__init__(f"{what}: more than {limit.count} in {limit.seconds:.0f} s")
        self.limit = limit
        self.what = what
        self.until = until


@dataclass(slots=True)
class _Window:
    """When requests were sent in the last `seconds` of a row: within its count, and the additional ones of a user."""

    common: deque[float] = field(default_factory=deque)
    additional: deque[float] = field(default_factory=deque)

    def remove_old(self, limit: Limit, now: float) -> None:
        for times in (self.common, self.additional):
            # a time in the future is from before the clock was set back
            while times and not 0 <= now - times[0] < limit.seconds:
                times.popleft()

    def has_room(self, limit: Limit, times: int, *, by_user: bool) -> bool:
        additional = limit.by_user - len(self.additional) if by_user else 0
        return limit.count - len(self.common) + additional >= times

    def add(self, limit: Limit, times: int, now: float) -> None:
        for _ in range(times):
            (self.common if len(self.common) < limit.count else self.additional).append(now)


class CommandRateLimit:
    """The counts of one car. A request is counted before it is sent, so parallel requests are limited too."""

    def __init__(self, now: Callable[[], float], limits: Iterable[Limit] = LIMITS) -> None:
        """`now` is a clock in seconds, which may be set back."""
        self._now = now
        self._limits = tuple(limits)
        self._windows: dict[tuple[Limit, str], _Window] = {}
        self._last_request: dict[str, CommandRequest] = {}

    def check_command(self, request: CommandRequest, *, by_user: bool) -> None:
        """Raise LimitReached if a command may not be sent now. It is not counted."""
        what, uses, sent = self._uses(request)
        self._check(what, uses, sent, by_user=by_user)

    def count_command(self, request: CommandRequest, *, by_user: bool) -> None:
        """Count a command before it is sent. Raises LimitReached."""
        name = request.command.name
        if self._last_request.get(name) != request:
            for limit in self._limits:
                if limit.use is Use.REPEAT:
                    self._windows.pop((limit, name), None)
            self._last_request.pop(name, None)
        what, uses, sent = self._uses(request)
        self._count(what, uses, by_user=by_user, sent=sent)
        self._last_request[name] = request

    def _uses(self, request: CommandRequest) -> tuple[str, dict[Use, str], int]:
        """Return what a command is, what it counts as, and how often it is sent."""
        name = request.command.name
        uses = {Use.COMMAND: ""}
        if self._last_request.get(name) in (None, request):
            uses[Use.REPEAT] = name
        return name, uses, 1 + request.command.sent_twice(request.parameters)

    def count_wake(self, *, by_user: bool) -> None:
        """Count a wake-up before it is sent and billed. Raises LimitReached."""
        self._count("wake_up", {Use.WAKE: ""}, by_user=by_user)

    def count_data(self, *, by_user: bool) -> None:
        """Count a data request of a user or an automation. Raises LimitReached."""
        self._count("vehicle_data", {Use.DATA: ""}, by_user=by_user)

    def _count(self, what: str, uses: dict[Use, str], *, by_user: bool, sent: int = 1) -> None:
        for limit, window, times in self._check(what, uses, sent, by_user=by_user):
            window.add(limit, times, self._now())

    def _check(
        self, what: str, uses: dict[Use, str], sent: int, *, by_user: bool
    ) -> list[tuple[Limit, _Window, int]]:
        """Return the windows in which requests count. Raises LimitReached if one of them has no room."""
        now = self._now()
        windows: list[tuple[Limit, _Window, int]] = []
        for limit in self._limits:
            if limit.use not in uses:
                continue
            window = self._windows.setdefault((limit, uses[limit.use]), _Window())
            window.remove_old(limit, now)
            times = sent if limit.as_sent else 1
            if not window.has_room(limit, times, by_user=by_user):
                raise LimitReached(limit, what, window.common[0] + limit.seconds)
            windows.append((limit, window, times))
        return windows
