"""Waiting for something that happens by itself, with a limit."""

import asyncio
from collections.abc import Callable

PATIENCE = 60.0


async def until(what: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(patience):
        while not what():
            await asyncio.sleep(0.02)
