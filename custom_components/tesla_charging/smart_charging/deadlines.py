"""What can be met of the wishes: deadlines become targets that some plan meets, in the order of docs/planner.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from .cutting import Cutter
from .model import Deadline, Model, Problem
from .modes import Rules
from .reach import meets, reach
from .slots import KWH, Grid, with_targets

CATCH_UP: Final = timedelta(hours=48)
"""How long after a deadline its level is looked for."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A target by its moment."""

    at: datetime
    kwh: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A deadline that cannot be met."""

    deadline: Deadline
    wanted: float
    """Kwh from now, after the car's limit."""
    caught_up: datetime | None


@dataclass(frozen=True, slots=True)
class Aims:
    """The grid with its targets, and the deadlines that cannot be met."""

    grid: Grid
    goals: tuple[Goal, ...]
    missed: tuple[Missed, ...]
    minimum_until: datetime | None
    """When the minimum level is reached; None if it is not needed."""


class Aiming:
    """Finds the targets of a problem in a model."""

    def __init__(self, problem: Problem, model: Model, cuts: Sequence[datetime] = ()) -> None:
        self.problem, self.model, self.cuts = problem, model, cuts
        self.cutter = Cutter(problem, model)
        self.whole_slots = model is Model.LEVELS or problem.wishes.grid_minutes is not None
        self.goals: list[Goal] = []
        self.exempt_until: datetime | None = None
        self.limit = problem.car.kwh_to(problem.car.limit)

    def grid(self, horizon: datetime, *more: Goal) -> Grid:
        """Return the grid with the targets so far, and more."""
        goals = [*self.goals, *more]
        horizon = max([horizon, *(goal.at for goal in goals)])
        plain = self.cutter.grid(
            horizon,
            extra=[*self.cuts, *(goal.at for goal in goals)],
            exempt_until=self.exempt_until,
        )
        ends = {0: 0}
        for place, slot in enumerate(plain.slots):
            ends[slot.end] = place + 1
        now = self.problem.now
        return with_targets(
            plain, [(ends[int((goal.at - now).total_seconds())], goal.kwh) for goal in goals]
        )

    def highest_by(self, at: datetime, kwh: float) -> float:
        """Return the least of an energy and the highest that a plan can reach by a moment."""
        # the cap follows from the highest target, so the wish itself must be one while it is tried
        if self.possible(self.grid(self.end, Goal(at, kwh))):
            return kwh
        wished = Goal(max(self.end, at), kwh)
        grid = self.grid(self.end, wished)
        count = sum(1 for slot in grid.slots if self.moment(slot.end) <= at)
        so_far = self.grid(self.end).targets
        early = replace(grid, targets=tuple(target for target in so_far if target[0] <= count))
        low, high = 0.0, max(0.0, min(kwh, reach(early, Rules.of(early)).highest[count]))
        if self._reaches(at, high):
            return high
        # a later target, of the minimum level, stands against it
        while high - low > KWH / 2:
            middle = (low + high) / 2
            low, high = (middle, high) if self._reaches(at, middle) else (low, middle)
        # what was found is within the tolerance of what can be reached, and may be above it
        return max(0.0, low - KWH)

    def possible(self, grid: Grid) -> bool:
        """Return whether some plan meets the targets of a grid."""
        return meets(grid, Rules.of(grid))

    def moment(self, seconds: int) -> datetime:
        """Return a moment."""
        return self.problem.now + timedelta(seconds=seconds)

    def earliest(self, after: datetime, kwh: float) -> datetime | None:
        """Return the first moment from one on by which a plan can reach an energy."""
        last = after + CATCH_UP
        slots = self.grid(last, Goal(last, kwh)).slots
        ends = [end for slot in slots if after <= (end := self.moment(slot.end)) <= last]
        place = self._first(len(ends), lambda k: self._reaches(ends[k], kwh))
        if place == len(ends):
            return None
        if self.whole_slots:
            return ends[place]
        begin = ends[place - 1] if place else after
        length = int((ends[place] - begin).total_seconds())
        found = self._first(length, lambda k: self._reaches(begin + timedelta(seconds=k), kwh))
        return begin + timedelta(seconds=found)

    def _reaches(self, at: datetime, kwh: float) -> bool:
        return self.possible(self.grid(self.end, Goal(at, kwh)))

    @staticmethod
    def _first(count: int, holds: Callable[[int], bool]) -> int:
        """Return the first number that holds, by halving; what holds once holds for all above. `count` if none."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if holds(middle):
                high = middle
            else:
                low = middle + 1
        return low

    @property
    def end(self) -> datetime:
        """Return the horizon without catching up."""
        return self.cutter.horizon

    def aims(self) -> Aims:
        """Return the grid with all targets."""
        problem, car, wishes = self.problem, self.problem.car, self.problem.wishes
        now = problem.now
        minimum = min(car.kwh_to(wishes.minimum_level or 0.0), self.limit)
        until: datetime | None = None
        if minimum > KWH:
            self.exempt_until = now + CATCH_UP
            until = self.earliest(now, minimum)
            self.exempt_until = until
            if until is not None:
                self.goals.append(Goal(until, minimum))
        short: list[tuple[Deadline, datetime, float]] = []
        missed: list[Missed] = []
        for deadline in sorted(wishes.deadlines, key=lambda d: (max(d.at, now), d.level)):
            at = max(deadline.at, now)
            wanted = min(car.kwh_to(deadline.level), self.limit)
            reached = self.highest_by(at, wanted)
            if reached > KWH:
                self.goals.append(Goal(at, reached))
            if reached < wanted - KWH:
                short.append((deadline, at, wanted))
            elif deadline.level > car.limit:
                missed.append(Missed(deadline, wanted, None))
        for deadline, at, wanted in short:
            caught_up = self.earliest(at, wanted)
            if caught_up is not None:
                self.goals.append(Goal(caught_up, wanted))
            missed.append(Missed(deadline, wanted, caught_up))
        return Aims(self.grid(self.end), tuple(self.goals), tuple(missed), until)
