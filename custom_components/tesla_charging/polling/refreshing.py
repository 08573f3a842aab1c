"""A car's data asked for by hand: one request for everybody who asks at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

SAME_MOMENT: Final = 5.0
"""Seconds in which data is as good as asked for now: Tesla's own answer lags the car by more."""


class SharedRefresh:
    """Asks for one car's data."""

    def __init__(
        self, ask: Callable[[], Awaitable[None]], start: Callable[..., asyncio.Task[None]]
    ) -> None:
        """Ask with `ask`, in a task that `start` makes and somebody ends."""
        self._ask = ask
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")

    async def refresh(self) -> bool:
        """Return when the data are of now: whether a request was sent for it, or somebody else's was shared.

        Raises what asking raises, at everybody who shares it.
        """
        clock = asyncio.get_running_loop().time
        if (task := self._task) is not None:
            await asyncio.shield(task)
            return False
        if clock() - self._asked_at < SAME_MOMENT:
            return False
        began = clock()
        self._task = task = self._start(self._ask())
        # not when this caller ends: a script that is stopped leaves its question to whoever asks next
        task.add_done_callback(lambda done: self._asked(done, began))
        await asyncio.shield(task)
        return True

    def _asked(self, task: asyncio.Task[None], began: float) -> None:
        self._task = None
        if not task.cancelled() and task.exception() is None:
            self._asked_at = began
