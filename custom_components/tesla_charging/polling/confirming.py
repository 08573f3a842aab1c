"""Looking at a car a little later, once for everything that happened meanwhile."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..acting import by_hand
from ..const import CONFIRM_DELAY


class ConfirmationTimer:
    """The one timer of a car for that."""

    def __init__(
        self, hass: HomeAssistant, name: str, look: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Nothing is to be seen yet; `look` is called when it is time."""
        self.wanted = False
        """Whether it is to be seen what came of a command, until the car was asked."""
        self._of_person = False
        self._hass = hass
        self._name = name
        self._look = look
        self._cancel: CALLBACK_TYPE | None = None
        self._closed = False

    @property
    def is_pending(self) -> bool:
        """Whether a look is coming."""
        return self._cancel is not None

    @callback
    def schedule(self, delay: timedelta = CONFIRM_DELAY) -> None:
        """See what came of a command, once for all commands of the next seconds.

        A car that pushes its data usually tells by itself before.
        """
        self.wanted = True
        self._of_person |= by_hand()
        self.schedule_check(delay)

    @callback
    def take_request(self) -> bool:
        """Take note that the car is being asked; return whether a person's command waits for it."""
        of_person, self._of_person, self.wanted = self._of_person, False, False
        return of_person

    @callback
    def schedule_check(self, delay: timedelta = CONFIRM_DELAY) -> None:
        """Look, for whatever is worth asking then."""
        # a command may outlive its account
        if self._cancel is None and not self._closed:
            job = HassJob(self._due, f"confirm {self._name}", cancel_on_shutdown=True)
            self._cancel = async_call_later(self._hass, delay, job)

    async def _due(self, _: datetime) -> None:
        self._cancel = None
        await self._look()

    @callback
    def close(self) -> None:
        """Look no more."""
        self._closed = True
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
