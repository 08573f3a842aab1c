"""Sends the commands of smart charging: as an automation does, inside the budget, and what failed not again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from homeassistant.exceptions import HomeAssistantError

from .. import clock
from ..coordinator import VehicleCoordinator
from ..vehicle_command import CommandRequest, Outcome

RETRY: Final = timedelta(minutes=2)
"""So long a command that failed rests; after each further failure for twice the time."""
LONGEST_RETRY: Final = timedelta(hours=1)
LONGEST_REFUSED: Final = timedelta(hours=12)
"""A car that refuses does so for reasons that last, and what is refused is billed."""
MOST_DOUBLINGS: Final = 10


class Refused(HomeAssistantError):
    """The car did not do what it was told."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A command that failed is not sent again for a while."""

    error: HomeAssistantError
    failures: int
    """In a row."""
    until: float
    """Seconds of `clock.monotonic`."""


class Sender:
    """Sends the commands of smart charging to one car."""

    def __init__(self, car: VehicleCoordinator, try_in: Callable[[float], None]) -> None:
        """`try_in` is called with the seconds after which a command that failed may be tried again."""
        self._car = car
        self._try_in = try_in
        self._rests: dict[str, Rest] = {}
        """By the commands' names: a command that rests keeps no other from being sent."""

    def try_again(self) -> None:
        """Let every command be sent at once again: a person has asked for it."""
        self._rests.clear()

    def failures(self, name: str) -> int:
        """Return how often in a row a command has failed."""
        rest = self._rests.get(name)
        return 0 if rest is None else rest.failures

    async def send(self, request: CommandRequest, *, may_wake: bool = False) -> None:
        """Send a command, if it does not rest. Raises HomeAssistantError, Refused if the car refused it."""
        name = request.command.name
        rest = self._rests.get(name)
        if rest is not None and clock.monotonic() < rest.until:
            raise rest.error
        try:
            result = await self._car.send(request, may_wake=may_wake)
            if not result.achieved:
                kind = Refused if result.outcome is Outcome.REFUSED else HomeAssistantError
                raise kind(f"{name}: {result.reason or result.outcome}")
        except HomeAssistantError as err:
            failures = self.failures(name)
            longest = LONGEST_REFUSED if isinstance(err, Refused) else LONGEST_RETRY
            wait = min(RETRY * 2 ** min(failures, MOST_DOUBLINGS), longest).total_seconds()
            self._rests[name] = Rest(err, failures + 1, clock.monotonic() + wait)
            self._try_in(wait)
            raise
        self._rests.pop(name, None)
