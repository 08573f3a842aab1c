"""Waiting for work that goes on when its caller is stopped."""

import asyncio


async def result_of[T](task: asyncio.Task[T]) -> T:
    """Wait for a task that does not end when the caller is cancelled; return its result, or raise its error.

    Not asyncio.shield: if the caller was cancelled (a stopped script), that reports the later failure of the task as an
    unhandled exception, with a stack in the log. Here it counts as noted: every other caller gets it.
    """
    task.add_done_callback(_note_failure)
    await asyncio.wait({task})
    return task.result()


def succeeded(task: asyncio.Task[object]) -> bool:
    """Return whether a task has ended without an error, which counts as noted from then on."""
    return task.done() and not task.cancelled() and task.exception() is None


def _note_failure(task: asyncio.Task[object]) -> None:
    succeeded(task)
