"""What the commands that are under way want: the controls of a car show it until they have ended."""

from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..listeners import Listeners
from ..vehicle.signals import SignalValue
from ..vehicle_command import CommandRequest, CommandResult, Outcome
from .optimistic import wanted_by

SHOWN_AT_LEAST: Final = 0.5
"""Seconds for which what a failed command wanted is shown. The frontend draws a switch or a slider that a person moved
only when its state changes, and it has to see both states: there and back."""
_SETTLED: Final = frozenset({Outcome.EXECUTED, Outcome.SUPERSEDED})
"""After these outcomes the car, or a later command, already says what is shown next."""


@dataclass(slots=True, eq=False)
class _Wanted:
    """What one command wants."""

    signals: Mapping[str, SignalValue]
    since: float
    """By the clock of the event loop."""
    cancel: CALLBACK_TYPE | None = None
    """Cancels the timer that ends it."""


class CommandsUnderWay:
    """The commands of one car that have not ended, whoever gave them."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin without a command."""
        self._hass = hass
        self._under_way: list[_Wanted] = []
        self._listeners = Listeners[()]()

    @callback
    def subscribe(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call whenever a command begins or ends. Return how to end it."""
        return self._listeners.subscribe(listener)

    def wanted(self, name: str) -> SignalValue | None:
        """Return the value that the last command under way wants a signal to have; None without one."""
        found = (item.signals[name] for item in reversed(self._under_way) if name in item.signals)
        return next(found, None)

    def concerns(self, names: Iterable[str]) -> bool:
        """Return whether a command is under way that sets one of these signals."""
        return any(not item.signals.keys().isdisjoint(names) for item in self._under_way)

    async def during(
        self, request: CommandRequest, sending: Awaitable[CommandResult]
    ) -> CommandResult:
        """Show what a command wants while it is being sent, and return its result."""
        item = _Wanted(wanted_by(request), self._hass.loop.time())
        self._under_way.append(item)
        self._listeners.notify()
        settled = False
        try:
            result = await sending
            settled = result.outcome in _SETTLED
            return result
        finally:
            left = SHOWN_AT_LEAST - (self._hass.loop.time() - item.since)
            if settled:
                self._end_earlier(item)
            if settled or left <= 0 or not item.signals:
                self._end(item)
            else:
                end = HassJob(partial(self._end, item), cancel_on_shutdown=True)
                item.cancel = async_call_later(self._hass, left, end)

    @callback
    def _end_earlier(self, item: _Wanted) -> None:
        """End what earlier commands wanted that have failed and are only shown: a later one has settled it."""
        for earlier in self._under_way[: self._under_way.index(item)]:
            if earlier.cancel is not None and not earlier.signals.keys().isdisjoint(item.signals):
                earlier.cancel()
                self._end(earlier)

    @callback
    def _end(self, item: _Wanted, _: datetime | None = None) -> None:
        item.cancel = None
        if item in self._under_way:
            self._under_way.remove(item)
            self._listeners.notify()

    @callback
    def close(self) -> None:
        """Cancel what is to end later."""
        for item in self._under_way:
            if item.cancel is not None:
                item.cancel()
                item.cancel = None
