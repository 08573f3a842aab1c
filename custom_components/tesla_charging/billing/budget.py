"""How a month's budget is divided: pure arithmetic from the amount, the bill and the calendar to what may be spent now.

Nothing is stored but the previous stage, so a restart, a corrected clock and a changed amount need no special handling.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from ..request_origin import RequestOrigin

RESERVE: Final = Fraction(15, 100)
"""Part of the amount that is for commands only."""
USER_RESERVE: Final = Fraction(5, 100)
"""Part of the amount, within the reserve, that is for a user's commands only."""
DEFAULT: Final = Fraction(95, 100)
"""Part of Tesla's free credit that is the default amount."""

DAY: Final = 86_400.0
HEAD_START: Final = 3 * DAY
"""Seconds that spending may be ahead of the calendar: the first days show little of the month's rate."""
LEAD: Final = DAY
"""The same for commands of automations."""


class Stage(StrEnum):
    """How much has to be saved, in ascending order; the values are translation keys."""

    NORMAL = "normal"
    SLOWER = "slower"
    """Polling is less frequent."""
    FEWER_FIELDS = "fewer_fields"
    """Also, cars push only the essential signals."""
    NO_REFRESH = "no_refresh"
    """No polls, and cars push nothing; commands are sent."""
    BY_USER = "by_hand"
    """Only commands of users are sent."""
    SPENT = "spent"
    """Nothing that Tesla bills is sent."""


class Streaming(StrEnum):
    """What cars may push."""

    FULL = "full"
    ESSENTIAL = "essential"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetInput:
    """What the decision depends on. Amounts are exact, in the currency of the bill; times are unix seconds."""

    limit: Fraction | None
    """What may be spent in this month; None for no limit, 0 for nothing."""
    spent: Fraction
    on_commands: Fraction
    """How much of that was for commands and wake-ups, of users and automations."""
    now: float
    start: float
    end: float
    """The first moments of this month and of the next one."""
    least: Fraction
    """The cost of the cheapest request that matters: with less than this left, a stage begins."""

    @property
    def length(self) -> int:
        """Seconds of the month."""
        return max(1, round(self.end - self.start))

    @property
    def left(self) -> Fraction:
        """The part of the month that is left: 1 at its beginning, 0 at its end; never outside, even with a wrong clock."""
        seconds = min(max(0, round(self.end - self.now)), self.length)
        return Fraction(seconds, self.length)


@dataclass(frozen=True, slots=True)
class BudgetDecision:
    """What may be sent now."""

    stage: Stage
    stretch: float
    """Factor by which the intervals between polls are longer; at least 1, infinite for no polls.

    It is the square of how much too fast the budget is spent: for a charging car, whose polls are most of the bill, the
    intervals are longer by its square root only (`polling/decision.py`).
    """
    streaming: Streaming
    automatic_left: Fraction | None
    """What polls and pushed signals may still cost; None for no limit."""


_STREAMING: Final[Mapping[Stage, Streaming]] = MappingProxyType(
    {
        Stage.NORMAL: Streaming.FULL,
        Stage.SLOWER: Streaming.FULL,
        Stage.FEWER_FIELDS: Streaming.ESSENTIAL,
        Stage.NO_REFRESH: Streaming.OFF,
        Stage.BY_USER: Streaming.OFF,
        Stage.SPENT: Streaming.OFF,
    }
)
STAGES: Final = tuple(Stage)
# (stage, stretch at which it begins, stretch at which it ends): different, so that the stage does not switch often
_PACES: Final = (
    (Stage.FEWER_FIELDS, Fraction(2), Fraction(5, 4)),
    (Stage.SLOWER, Fraction(5, 4), Fraction(1)),
)


def decide(current: BudgetInput, before: Stage = Stage.NORMAL) -> BudgetDecision:
    """Return what may be sent now, after the stage before."""
    stretch = stretch_of(current)
    stage = _stage(current, stretch, before)
    limit = ceiling(current, RequestOrigin.NOBODY)
    left = None if limit is None else max(Fraction(0), limit - current.spent)
    if STAGES.index(stage) >= STAGES.index(Stage.NO_REFRESH):
        stretch = None
    factor = float("inf") if stretch is None else float(stretch) ** 2
    return BudgetDecision(stage, factor, _STREAMING[stage], left)


def ceiling(current: BudgetInput, origin: RequestOrigin) -> Fraction | None:
    """Return up to which amount the month's bill may rise for a request of this origin; None for no limit."""
    limit = current.limit
    if limit is None or origin in {RequestOrigin.USER, RequestOrigin.SAVING}:
        return limit
    automatic = limit * (1 - RESERVE)
    if origin is RequestOrigin.NOBODY:
        return automatic
    # kept for the rest of the month: of the reserve the part of the month that is left; of what is not reserved, and not
    # spent on anything else, the square of that part: it allows twice an even share a day at first, and is never used up
    lead = Fraction(round(LEAD), current.length)
    left = current.left - min(lead, current.left / 4)
    free = max(Fraction(0), automatic - (current.spent - current.on_commands))
    return limit * (1 - USER_RESERVE) - limit * (RESERVE - USER_RESERVE) * left - free * left * left


def stretch_of(current: BudgetInput) -> Fraction | None:
    """Return how many times faster the budget was spent than its rest may be spent; None if nothing is left.

    At least 1. The head start makes the first days count less.
    """
    limit = ceiling(current, RequestOrigin.NOBODY)
    if limit is None:
        return Fraction(1)
    left = limit - current.spent
    if left < current.least:
        return None
    head_start = Fraction(round(HEAD_START), current.length)
    rate = current.spent / (1 - current.left + head_start)
    return max(Fraction(1), rate * current.left / left)


def _stage(current: BudgetInput, stretch: Fraction | None, before: Stage) -> Stage:
    # for automations, what they may spend by the end of the month: that they have to wait for now is no stage
    for stage, origin, now in (
        (Stage.SPENT, RequestOrigin.USER, current.now),
        (Stage.BY_USER, RequestOrigin.AUTOMATION, current.end),
    ):
        limit = ceiling(replace(current, now=now), origin)
        if limit is not None and limit - current.spent < current.least:
            return stage
    if stretch is None:
        return Stage.NO_REFRESH
    for stage, begins, ends in _PACES:
        if stretch >= begins or (stretch > ends and STAGES.index(before) >= STAGES.index(stage)):
            return stage
    return Stage.NORMAL
