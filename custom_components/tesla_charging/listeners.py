"""Whom to call when something happens: the one idiom of this integration for that."""

from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback


class Listeners[*Ts]:
    """Functions that are called with the same arguments, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[*Ts], None]] = []

    @callback
    def subscribe(self, listener: Callable[[*Ts], None]) -> CALLBACK_TYPE:
        """Call from now on. Return how to end it, which may be called more than once."""
        self._listeners.append(listener)

        @callback
        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    @callback
    def notify(self, *args: *Ts) -> None:
        """Call all who subscribed, also if one of them ends its subscription meanwhile."""
        for listener in [*self._listeners]:
            listener(*args)
