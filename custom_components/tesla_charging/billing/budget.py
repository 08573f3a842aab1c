"""How a month's money is divided: pure arithmetic, from what was spent to what may be spent now, and by whom.

Nothing is remembered but the stage of before: every answer follows from the bill, the calendar and the amount, so a
restart, a clock that is put right and an amount that is changed in mid-month need no care of their own.

What happens by itself may use all but a reserve for commands (RESERVE). Its pace is held against the calendar: what
spends faster than its share is slowed down long before the share is gone, by as much as it is too fast. What automations
command may use the reserve as well, and what nothing else has used, but leaves enough for the rest of the month: of what
is not reserved about twice an even share a day, of the reserve an even one. A part of it (USER_RESERVE) is for people only.
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
"""Part of the amount, within the reserve, that is for a person's commands only."""
DEFAULT: Final = Fraction(95, 100)
"""Part of Tesla's free credit that is the amount unless somebody sets another one."""

DAY: Final = 86_400.0
HEAD_START: Final = 3 * DAY
"""What may be spent ahead of the calendar before it counts as too fast: the first days tell little of a month."""
LEAD: Final = DAY
"""The same for what automations command."""


class Stage(StrEnum):
    """How far the saving goes, in the order in which it gets there; the values are keys of translations."""

    NORMAL = "normal"
    SLOWER = "slower"
    """Polling is less frequent."""
    FEWER_FIELDS = "fewer_fields"
    """Cars push only what is essential, as well."""
    NO_REFRESH = "no_refresh"
    """Nothing is asked or pushed by itself; commands are sent."""
    BY_USER = "by_hand"
    """Only a person's own commands are sent."""
    SPENT = "spent"
    """Nothing is sent that Tesla bills."""


class Streaming(StrEnum):
    """What cars may push."""

    FULL = "full"
    ESSENTIAL = "essential"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetInput:
    """What counts. Amounts are exact, in the currency of the bill; times are unix seconds."""

    limit: Fraction | None
    """What may be spent in this month; None for whatever it costs, 0 for nothing."""
    spent: Fraction
    on_commands: Fraction
    """How much of that was for commands and waking cars, of people and automations."""
    now: float
    start: float
    end: float
    """The first moments of this month and of the next one."""
    least: Fraction
    """What the cheapest request costs that is worth going on for."""

    @property
    def length(self) -> int:
        """Seconds of the month."""
        return max(1, round(self.end - self.start))

    @property
    def left(self) -> Fraction:
        """What is left of the month: 1 at its beginning, 0 at its end, also by a clock that is wrong."""
        seconds = min(max(0, round(self.end - self.now)), self.length)
        return Fraction(seconds, self.length)


@dataclass(frozen=True, slots=True)
class BudgetDecision:
    """What follows from a situation."""

    stage: Stage
    stretch: float
    """By how much pauses between questions are longer; at least 1, infinite for no question.

    It is the square of how much too fast the money goes: polling stretches the questions of a charging car, which are
    most of the bill, by its root only (`polling.py`).
    """
    streaming: Streaming
    automatic_left: Fraction | None
    """What may still be spent by itself; None for whatever it costs."""


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
# (stage, stretch from which on it begins, stretch below which it is over): apart, so that it does not come and go
_PACES: Final = (
    (Stage.FEWER_FIELDS, Fraction(2), Fraction(5, 4)),
    (Stage.SLOWER, Fraction(5, 4), Fraction(1)),
)


def decide(situation: BudgetInput, before: Stage = Stage.NORMAL) -> BudgetDecision:
    """Return what is done in a situation, having been at a stage before."""
    stretch = stretch_of(situation)
    stage = _stage(situation, stretch, before)
    room = ceiling(situation, RequestOrigin.NOBODY)
    left = None if room is None else max(Fraction(0), room - situation.spent)
    if STAGES.index(stage) >= STAGES.index(Stage.NO_REFRESH):
        stretch = None
    pauses = float("inf") if stretch is None else float(stretch) ** 2
    return BudgetDecision(stage, pauses, _STREAMING[stage], left)


def ceiling(situation: BudgetInput, origin: RequestOrigin) -> Fraction | None:
    """Return up to what a month's bill may rise for a request of this origin; None for any amount."""
    limit = situation.limit
    if limit is None or origin in {RequestOrigin.USER, RequestOrigin.SAVING}:
        return limit
    automatic = limit * (1 - RESERVE)
    if origin is RequestOrigin.NOBODY:
        return automatic
    # what is left for the rest of the month: of the reserve an even share; of what is not reserved, and was not spent on
    # anything else, the square of one, which begins at twice the pace of the calendar and never uses it up
    lead = Fraction(round(LEAD), situation.length)
    left = situation.left - min(lead, situation.left / 4)
    free = max(Fraction(0), automatic - (situation.spent - situation.on_commands))
    return limit * (1 - USER_RESERVE) - limit * (RESERVE - USER_RESERVE) * left - free * left * left


def stretch_of(situation: BudgetInput) -> Fraction | None:
    """Return how many times faster the month's money was spent than what is left of it may be; None if none is left.

    At least 1. The head start makes the first days count less.
    """
    room = ceiling(situation, RequestOrigin.NOBODY)
    if room is None:
        return Fraction(1)
    left = room - situation.spent
    if left < situation.least:
        return None
    head_start = Fraction(round(HEAD_START), situation.length)
    so_far = situation.spent / (1 - situation.left + head_start)
    return max(Fraction(1), so_far * situation.left / left)


def _stage(situation: BudgetInput, stretch: Fraction | None, before: Stage) -> Stage:
    # of automations what they may spend in the end: that they are told to wait is no stage
    for stage, origin, now in (
        (Stage.SPENT, RequestOrigin.USER, situation.now),
        (Stage.BY_USER, RequestOrigin.AUTOMATION, situation.end),
    ):
        room = ceiling(replace(situation, now=now), origin)
        if room is not None and room - situation.spent < situation.least:
            return stage
    if stretch is None:
        return Stage.NO_REFRESH
    for stage, begins, ends in _PACES:
        if stretch >= begins or (stretch > ends and STAGES.index(before) >= STAGES.index(stage)):
            return stage
    return Stage.NORMAL
