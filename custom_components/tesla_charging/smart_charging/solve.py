"""From a problem to what its best plan does in every slot."""

from dataclasses import dataclass
from typing import Final

from .bound import Bound, Priced
from .cutting import choose_model
from .deadlines import Aiming, Aims
from .levels import LevelSearch
from .model import Model, Problem
from .modes import Rules, modes_of
from .on_off import OnOffSearch
from .search import Found, Search
from .slots import Grid

PRECISION: Final = 1e-4
"""Of the bound, currency."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A problem, its targets and its bound: `priced.value` is what every plan costs at least."""

    aims: Aims
    bound: Bound
    priced: Priced


@dataclass(frozen=True, slots=True)
class Solved(Bounded):
    """A problem, its targets, its bound, and the best plan found."""

    found: Found

    @property
    def grid(self) -> Grid:
        """Return the slots."""
        return self.aims.grid


def bound_of(grid: Grid) -> Bound:
    """Return the bound of a grid."""
    rules = Rules.of(grid)
    return Bound(grid, modes_of(grid, rules), rules)


def search_of(bound: Bound) -> Search:
    """Return the search for the model of a grid."""
    return LevelSearch(bound) if bound.grid.model is Model.LEVELS else OnOffSearch(bound)


def solve(problem: Problem, work_limit: int | None) -> Solved:
    """Return the best plan for a problem."""
    return searched(bounded(problem), work_limit)


def solve_for(aims: Aims, work_limit: int | None) -> Solved:
    """Return the best plan for a grid with targets."""
    return searched(_bounded(aims), work_limit)


def bounded(problem: Problem) -> Bounded:
    """Return what a plan for a problem costs at least: a fraction of the work of the best plan."""
    return _bounded(Aiming(problem, choose_model(problem)).aims())


def _bounded(aims: Aims) -> Bounded:
    bound = bound_of(aims.grid)
    return Bounded(aims, bound, bound.best(PRECISION))


def searched(known: Bounded, work_limit: int | None) -> Solved:
    """Return the best plan for a problem whose bound is known."""
    found = search_of(known.bound).solve(known.priced, work_limit)
    return Solved(known.aims, known.bound, known.priced, found)
