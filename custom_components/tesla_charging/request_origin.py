"""For whom a request is sent to Tesla. One context variable holds it for what is done meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final

from homeassistant.core import Context


class RequestOrigin(StrEnum):
    """Who wants a request."""

    NOBODY = "nobody"
    """It is sent by itself."""
    AUTOMATION = "automation"
    """A command that no user gave."""
    USER = "user"
    SAVING = "saving"
    """It ends something that costs money, so it is worth its price also when money is short."""


_ORIGIN: Final = ContextVar("request_origin", default=RequestOrigin.NOBODY)

_ENDS_CHARGING: Final = ContextVar("ends_charging", default=False)


@contextmanager
def requested_by(origin: RequestOrigin) -> Iterator[None]:
    """Send what is sent meanwhile, and by what is started meanwhile, for this origin."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def request_origin() -> RequestOrigin:
    """Return for whom requests are sent now."""
    return _ORIGIN.get()


def is_by_user() -> bool:
    """Return whether a user acts."""
    return _ORIGIN.get() is RequestOrigin.USER


def user_or_nobody(*, by_user: bool) -> RequestOrigin:
    """Return the origin of what a user may have caused earlier: a timer that was set then runs on."""
    return RequestOrigin.USER if by_user else RequestOrigin.NOBODY


def origin_of(context: Context | None) -> RequestOrigin:
    """Return who is behind a context of Home Assistant's.

    It names the user who performed an action; what an automation does has none. A program that uses a user's token
    counts as that user.
    """
    return user_or_nobody(by_user=context is not None and context.user_id is not None)


@contextmanager
def ending_charging() -> Iterator[None]:
    """Send what is sent meanwhile to end charging: that is never refused over money."""
    token = _ENDS_CHARGING.set(True)
    try:
        yield
    finally:
        _ENDS_CHARGING.reset(token)


def ends_charging() -> bool:
    """Return whether what is sent now ends charging."""
    return _ENDS_CHARGING.get()
