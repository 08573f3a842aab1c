"""Whom to call when something happens: the one idiom of this integration for that."""

from collections.abc import Callable
import logging

from homeassistant.core import CALLBACK_TYPE, callback

_LOGGER = logging.getLogger(__name__)


class Isolation:
    """Calls listeners so that one that raises costs its own call and one line in the log, and nothing else.

    Neither the other listeners nor the part that notifies them are to be affected. The same failure of the same listener
    is logged once.
    """

    def __init__(self) -> None:
        self._logged: set[tuple[str, type[Exception]]] = set()

    @callback
    def call[*Ts, R](self, listener: Callable[[*Ts], R], *args: *Ts) -> R | None:
        """Return what a listener returns, None if it raises."""
        try:
            return listener(*args)
        except Exception as err:
            name = getattr(listener, "__qualname__", type(listener).__qualname__)
            if (name, type(err)) not in self._logged:
                self._logged.add((name, type(err)))
                _LOGGER.exception("A listener failed: %s", name)
            return None


class Listeners[*Ts]:
    """Functions that are called with the same arguments, in the order in which they subscribed.

    One that raises does not keep the others from being called (`Isolation`).
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[*Ts], None]] = []
        self._isolation = Isolation()

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
            self._isolation.call(listener, *args)
