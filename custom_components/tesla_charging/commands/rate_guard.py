"""What is done about an automation that runs away: its commands are refused with words, and its owner is told."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..exceptions import too_often
from ..issues.kinds import RUNAWAY_COMMANDS
from ..issues.registry import EntryIssues
from ..request_origin import is_by_user
from ..vehicle_command import CommandRequest
from .rate_limit import CommandRateLimit, LimitReached

QUIET: Final = 3600.0
"""Seconds without a refusal after which it is over."""

DATA_LIMITS: Final[HassKey[dict[str, CommandRateLimit]]] = HassKey(f"{DOMAIN}_limits")
"""By VIN: how often a car was told, whichever entry does it."""


class CommandRateGuard:
    """The limits of one car, and its repair issue."""

    def __init__(
        self, hass: HomeAssistant, issues: EntryIssues, vin: str, now: Callable[[], float]
    ) -> None:
        """Begin at nothing; `now` is unix seconds."""
        self._hass = hass
        self._issues = issues
        self._vin = vin
        self._now = now
        # a reload does not forget: an automation may answer every error with one
        self._limit = hass.data.setdefault(DATA_LIMITS, {}).setdefault(vin, CommandRateLimit(now))
        self._refused = 0
        self._refused_at = 0.0
        self._cancel: CALLBACK_TYPE | None = None
        self._stopped = False

    def command(self, request: CommandRequest) -> None:
        """Count a command that is about to be sent. Raises LimitReached."""
        self._limit.command(request, by_user=is_by_user())

    def wake(self) -> None:
        """Count a wake-up that is about to be paid for. Raises LimitReached."""
        self._limit.wake(by_user=is_by_user())

    def data(self) -> None:
        """Count a request for data that somebody asked for. Raises LimitReached."""
        self._limit.data(by_user=is_by_user())

    @callback
    def refused(self, err: LimitReached, car: str) -> HomeAssistantError:
        """Tell the owner, and return the error for whoever asked."""
        if self._stopped:  # a command may outlive its account
            return too_often(err, car)
        self._refused += 1
        self._refused_at = self._now()
        if self._refused.bit_count() == 1:  # told anew whenever it has doubled
            self._issues.raise_issue(RUNAWAY_COMMANDS, self._vin, err.what, count=self._refused)
        if self._cancel is None:
            self._cancel = async_call_later(self._hass, QUIET, self._check)
        return too_often(err, car)

    @callback
    def stop(self) -> None:
        """Take it back: after the next start the owner is told anew."""
        self._stopped = True
        if self._cancel is not None:
            self._cancel()
            self._end()

    @callback
    def _check(self, _: datetime) -> None:
        left = self._refused_at + QUIET - self._now()
        if 0 < left <= QUIET:
            self._cancel = async_call_later(self._hass, left, self._check)
        else:
            self._end()

    def _end(self) -> None:
        self._cancel = None
        self._refused = 0
        self._issues.clear(RUNAWAY_COMMANDS, self._vin)
