"""Timers that poll one car once for several requests: after commands, and for simultaneous refreshes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later

from ..const import CONFIRM_DELAY
from ..request_origin import is_by_user
from ..tasks import result_of, succeeded


class ConfirmationTimer:
    """Polls a car a little later, once for all commands of the next seconds."""

    def __init__(
        self, hass: HomeAssistant, name: str, poll: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Create the timer; it calls `poll`."""
        self.wanted = False
        """Whether a poll is needed to confirm a command."""
        self._by_user = False
        self._hass = hass
        self._name = name
        self._poll = poll
        self._cancel: CALLBACK_TYPE | None = None
        self._closed = False

    @property
    def is_pending(self) -> bool:
        """Whether the timer runs."""
        return self._cancel is not None

    @callback
    def schedule(self, delay: timedelta = CONFIRM_DELAY) -> None:
        """Poll the car to confirm a command.

        A car that pushes its data usually reports the result earlier.
        """
        self.wanted = True
        self._by_user |= is_by_user()
        self.schedule_check(delay)

    @callback
    def record_poll(self) -> bool:
        """Note that the car is being polled; return whether a user's command waits for it."""
        by_user, self._by_user, self.wanted = self._by_user, False, False
        return by_user

    @callback
    def schedule_check(self, delay: timedelta = CONFIRM_DELAY) -> None:
        """Decide on a poll after the delay, without a command to confirm."""
        # a command may outlive its account
        if self._cancel is None and not self._closed:
            job = HassJob(self._due, f"confirm {self._name}", cancel_on_shutdown=True)
            self._cancel = async_call_later(self._hass, delay, job)

    async def _due(self, _: datetime) -> None:
        self._cancel = None
        await self._poll()

    @callback
    def close(self) -> None:
        """Stop the timer; it does not start again."""
        self._closed = True
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


FRESH_FOR: Final = 5.0
"""Seconds for which data count as current: Tesla's own answer lags the car by more."""


class SharedRefresh:
    """Polls one car's data, once for all callers that wait at the same time."""

    def __init__(
        self, poll: Callable[[], Awaitable[None]], start: Callable[..., asyncio.Task[None]]
    ) -> None:
        """Poll with `poll`, in a task that `start` creates. `start` has to end it when the entry is unloaded."""
        self._poll = poll
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._task_by_user = False
        self._refreshed_at = float("-inf")

    async def refresh(self) -> bool:
        """Return when the data are current: True if this call sent a request, False if it shared one.

        Raises what the poll raises, to every caller that shares it; but a user shares only the success of a poll that
        no user requested, because such a poll is refused for reasons that do not count for a user.
        """
        clock = asyncio.get_running_loop().time
        while (task := self._task) is not None:
            by_user = self._task_by_user
            try:
                await result_of(task)
            except HomeAssistantError:
                if by_user or not is_by_user():
                    raise
            else:
                return False
        if clock() - self._refreshed_at < FRESH_FOR:
            return False
        began = clock()
        self._task_by_user = is_by_user()
        self._task = task = self._start(self._poll())
        task.add_done_callback(lambda done: self._finished(done, began))
        # the request outlives this caller: if a script is stopped, the next caller shares its request
        await result_of(task)
        return True

    def _finished(self, task: asyncio.Task[None], began: float) -> None:
        self._task = None
        if succeeded(task):
            self._refreshed_at = began
