"""Looking at a car a little later, once for everything that happened meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import CONFIRM_DELAY
from ..request_origin import is_by_user


class ConfirmationTimer:
    """The one timer of a car for that."""

    def __init__(
        self, hass: HomeAssistant, name: str, poll: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Nothing is to be seen yet; `look` is called when it is time."""
        self.wanted = False
        """Whether it is to be seen what came of a command, until the car was asked."""
        self._by_user = False
        self._hass = hass
        self._name = name
        self._poll = poll
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
        self._by_user |= is_by_user()
        self.schedule_check(delay)

    @callback
    def record_poll(self) -> bool:
        """Take note that the car is being asked; return whether a person's command waits for it."""
        by_user, self._by_user, self.wanted = self._by_user, False, False
        return by_user

    @callback
    def schedule_check(self, delay: timedelta = CONFIRM_DELAY) -> None:
        """Look, for whatever is worth asking then."""
        # a command may outlive its account
        if self._cancel is None and not self._closed:
            job = HassJob(self._due, f"confirm {self._name}", cancel_on_shutdown=True)
            self._cancel = async_call_later(self._hass, delay, job)

    async def _due(self, _: datetime) -> None:
        self._cancel = None
        await self._poll()

    @callback
    def close(self) -> None:
        """Look no more."""
        self._closed = True
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


FRESH_FOR: Final = 5.0
"""Seconds in which data is as good as asked for now: Tesla's own answer lags the car by more."""


class SharedRefresh:
    """Asks for one car's data."""

    def __init__(
        self, poll: Callable[[], Awaitable[None]], start: Callable[..., asyncio.Task[None]]
    ) -> None:
        """Ask with `ask`, in a task that `start` makes and somebody ends."""
        self._poll = poll
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._refreshed_at = float("-inf")

    async def refresh(self) -> bool:
        """Return when the data are of now: whether a request was sent for it, or somebody else's was shared.

        Raises what asking raises, at everybody who shares it.
        """
        clock = asyncio.get_running_loop().time
        if (task := self._task) is not None:
            await asyncio.shield(task)
            return False
        if clock() - self._refreshed_at < FRESH_FOR:
            return False
        began = clock()
        self._task = task = self._start(self._poll())
        # not when this caller ends: a script that is stopped leaves its question to whoever asks next
        task.add_done_callback(lambda done: self._finished(done, began))
        await asyncio.shield(task)
        return True

    def _finished(self, task: asyncio.Task[None], began: float) -> None:
        self._task = None
        if not task.cancelled() and task.exception() is None:
            self._refreshed_at = began
