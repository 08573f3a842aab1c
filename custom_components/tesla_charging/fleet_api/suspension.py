"""How long nothing is asked of Tesla by itself after it refused to serve the application over its bill.

Nobody but Tesla knows when that is over: a payment, a higher limit, or the next month. A refusal is an answer below 500,
so it may be billed. Whether free requests are refused as well is not documented; what is known goes by what was seen.
"""

from typing import Final

from .errors import AccountUnpaid
from .prices import Category

RESTS: Final = (300.0, 3600.0, 7200.0, 14_400.0)
"""Seconds: the first is short, because a single refusal may be a slip of Tesla's."""


class Suspension:
    """Of one application at one account."""

    def __init__(self) -> None:
        """All is well."""
        self._forget()

    def _forget(self) -> None:
        self._until = float("-inf")
        self._refusals = 0
        self._refused_free = False

    @property
    def is_doubtful(self) -> bool:
        """Whether a request was refused over the bill, and none was served since that shows it to be over."""
        return self._refusals > 0

    def check(self, category: Category, now: float) -> None:
        """Keep data from being asked for meanwhile; a command is a person's wish, and tries. Raises AccountUnpaid."""
        if category is Category.DATA and now < self._until:
            minutes = round((self._until - now) / 60)
            raise AccountUnpaid(f"Tesla refused, and is asked again in {minutes} minutes")

    def refused(self, category: Category, now: float) -> None:
        """Take note of a refusal over the bill."""
        self._refused_free |= category is Category.FREE
        if now >= self._until:
            self._until = now + RESTS[min(self._refusals, len(RESTS) - 1)]
            self._refusals += 1

    def served(self, category: Category) -> None:
        """Take note of a request that was served: one that is billed, or of the free ones if they were refused."""
        if category is not Category.FREE or self._refused_free:
            self._forget()
