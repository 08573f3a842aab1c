"""Whether what is done now saves money: a request that ends a stream is worth its price also when money is short."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_SAVING: Final[ContextVar[bool]] = ContextVar("saving", default=False)


@contextmanager
def saving() -> Iterator[None]:
    """Remember it, for what is done meanwhile."""
    token = _SAVING.set(True)
    try:
        yield
    finally:
        _SAVING.reset(token)


def is_saving() -> bool:
    """Return whether what is done now saves money."""
    return _SAVING.get()
