"""The pause in automatic data requests after Tesla refused the application because of its bill.

Only Tesla knows when the refusal ends. A refusal has a status below 500, so it may be billed. Whether free requests are
refused too is not documented, so their refusals are recorded.
"""

from typing import Final

from .errors import AccountUnpaid
from .prices import Category

RESTS: Final = (300.0, 3600.0, 7200.0, 14_400.0)
"""Seconds: the first pause is short, because a single refusal may be an error of Tesla's."""


class Suspension:
    """The suspension of one application at one account."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._until = float("-inf")
        self._refusals = 0
        self._refused_free = False

    @property
    def is_doubtful(self) -> bool:
        """Whether a request was refused because of the bill, and no later answer shows that this has ended."""
        return self._refusals > 0

    def check(self, category: Category, now: float) -> None:
        """Raise AccountUnpaid for a data request during the pause. A command is sent all the same."""
        if category is Category.DATA and now < self._until:
            minutes = round((self._until - now) / 60)
            raise AccountUnpaid(f"Tesla refused, and is asked again in {minutes} minutes")

    def refused(self, category: Category, now: float) -> None:
        """Record a refusal because of the bill."""
        self._refused_free |= category is Category.FREE
        if now >= self._until:
            self._until = now + RESTS[min(self._refusals, len(RESTS) - 1)]
            self._refusals += 1

    def served(self, category: Category) -> None:
        """Record a served request; it ends the suspension if it is billed, or if free ones were refused too."""
        if category is not Category.FREE or self._refused_free:
            self._reset()
