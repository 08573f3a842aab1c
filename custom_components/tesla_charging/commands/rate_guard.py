"""Stops an automation that sends too many commands: they are not sent, and a repair issue informs the user."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..issues.kinds import RUNAWAY_COMMANDS
from ..issues.registry import EntryIssues
from ..request_origin import is_by_user
from ..vehicle_command import CommandRequest
from .rate_limit import CommandRateLimit, LimitReached

QUIET: Final = 3600.0
"""Seconds without a refusal after which the repair issue is removed."""

DATA_LIMITS: Final[HassKey[dict[str, CommandRateLimit]]] = HassKey(f"{DOMAIN}_limits")
"""By VIN: one limit per car, shared by all entries that have the car."""


class CommandRateGuard:
    """The rate limit of one car, and its repair issue."""

    def __init__(
        self, hass: HomeAssistant, issues: EntryIssues, vin: str, now: Callable[[], float]
    ) -> None:
        """`now` returns unix seconds."""
        self._hass = hass
        self._issues = issues
        self._vin = vin
        self._now = now
        # the counts survive a reload of the entry: an automation may answer every error with a reload
        self._limit = hass.data.setdefault(DATA_LIMITS, {}).setdefault(vin, CommandRateLimit(now))
        self._refusals = 0
        self._refused_at = 0.0
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._stopped = False

    def check_command(self, request: CommandRequest) -> None:
        """Raise LimitReached if a command may not be sent now."""
        self._limit.check_command(request, by_user=is_by_user())

    def has_room(self, request: CommandRequest) -> bool:
        """Return whether a command may be sent now."""
        try:
            self.check_command(request)
        except LimitReached:
            return False
        return True

    def count_command(self, request: CommandRequest) -> None:
        """Count a command before it is sent. Raises LimitReached."""
        self._limit.count_command(request, by_user=is_by_user())

    def count_wake(self) -> None:
        """Count a wake-up before it is sent and billed. Raises LimitReached."""
        self._limit.count_wake(by_user=is_by_user())

    def count_data(self) -> None:
        """Count a data request of a user or an automation. Raises LimitReached."""
        self._limit.count_data(by_user=is_by_user())

    @callback
    def record_refusal(self, err: LimitReached) -> None:
        """Inform the user, through a repair issue, that a request was not sent."""
        if self._stopped:  # a command may still run after its entry was unloaded
            return
        self._refusals += 1
        self._refused_at = self._now()
        if self._refusals.bit_count() == 1:  # reported again each time the number has doubled
            self._issues.raise_issue(RUNAWAY_COMMANDS, self._vin, err.what, count=self._refusals)
        if self._cancel_timer is None:
            self._cancel_timer = async_call_later(self._hass, QUIET, self._check)

    @callback
    def stop(self) -> None:
        """Remove the repair issue: after the next start it is raised again if it is needed."""
        self._stopped = True
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._end()

    @callback
    def _check(self, _: datetime) -> None:
        left = self._refused_at + QUIET - self._now()
        if 0 < left <= QUIET:
            self._cancel_timer = async_call_later(self._hass, left, self._check)
        else:
            self._end()

    def _end(self) -> None:
        self._cancel_timer = None
        self._refusals = 0
        self._issues.clear(RUNAWAY_COMMANDS, self._vin)
