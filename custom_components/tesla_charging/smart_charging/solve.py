"""From a problem to what its best plan does in every slot."""

from dataclasses import dataclass
from typing import Final

from .bound import Bound
from .deadlines import Aiming, Aims
from .levels import LevelSearch
from .model import Model, Problem
from .modes import Rules, modes_of
from .on_off import OnOffSearch
from .search import Found, Search
from .slots import Grid, choose_model

PRECISION: Final = 1e-4
"""Of the bound, currency."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A problem, its targets, and the best plan found."""

    aims: Aims
    rules: Rules
    found: Found

    @property
    def grid(self) -> Grid:
        """Return the slots."""
        return self.aims.grid


def search_of(grid: Grid, rules: Rules) -> Search:
    """Return the search for the model of a grid."""
    bound = Bound(grid, modes_of(grid, rules), rules)
    return LevelSearch(bound) if grid.model is Model.LEVELS else OnOffSearch(bound)


def solve(problem: Problem, work_limit: int | None) -> Solved:
    """Return the best plan for a problem, as uses of slots."""
    aims = Aiming(problem, choose_model(problem)).aims()
    rules = Rules.of(aims.grid)
    search = search_of(aims.grid, rules)
    priced = search.bound.best(PRECISION)
    return Solved(aims, rules, search.solve(priced, work_limit))
