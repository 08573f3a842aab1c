"""Who acts: a person by hand, or an automation.

Home Assistant's context of an action has the user who called it; what an automation does has none. A program that
commands Home Assistant with a person's token counts as that person.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from homeassistant.core import Context

_BY_HAND: Final[ContextVar[bool]] = ContextVar("by_hand", default=False)


@contextmanager
def on_behalf(*, person: bool) -> Iterator[None]:
    """Remember the same where it does not follow from who began: a timer that a person's action has set runs on."""
    token = _BY_HAND.set(person)
    try:
        yield
    finally:
        _BY_HAND.reset(token)


@contextmanager
def acting(context: Context | None) -> Iterator[None]:
    """Remember, for what is done meanwhile and for what that starts, who does it."""
    with on_behalf(person=context is not None and context.user_id is not None):
        yield


def by_hand() -> bool:
    """Return whether a person acts."""
    return _BY_HAND.get()
