"""What a budget changes for one entry: how often cars are asked, what they push, and what its owner is told."""

from collections.abc import Callable
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .account import Account
from .billing.budget import Stage, Streaming
from .billing.budget_manager import BudgetManager
from .coordinator import VehicleCoordinator
from .issues.kinds import (
    BUDGET_BY_USER,
    BUDGET_FEWER_FIELDS,
    BUDGET_NO_REFRESH,
    BUDGET_SLOWER,
    BUDGET_SPENT,
    IssueType,
)
from .issues.registry import async_get_issues

TOLD: Final[dict[Stage, IssueType]] = {
    Stage.SLOWER: BUDGET_SLOWER,
    Stage.FEWER_FIELDS: BUDGET_FEWER_FIELDS,
    Stage.NO_REFRESH: BUDGET_NO_REFRESH,
    Stage.BY_USER: BUDGET_BY_USER,
    Stage.SPENT: BUDGET_SPENT,
}


class BudgetEffects:
    """Has one entry follow the budget of its application."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, budget: BudgetManager) -> None:
        """Nothing is changed yet."""
        self._issues = async_get_issues(hass, entry)
        self._budget = budget
        self._told: tuple[Stage, str, str] | None = None

    @callback
    def follow(
        self, entry: ConfigEntry, account: Account, stream: Callable[[Streaming], None]
    ) -> None:
        """Follow from now on, until the entry is unloaded; `stream` is told what cars may push."""
        account.for_each(self._stretch)

        @callback
        def look() -> None:
            self._tell()
            stream(self._budget.decision.streaming)

        entry.async_on_unload(self._budget.subscribe(look))
        look()

    @callback
    def _stretch(self, car: VehicleCoordinator) -> None:
        car.observations.stretch = lambda: self._budget.decision.stretch

    @callback
    def _tell(self) -> None:
        """Tell the owner of the present stage, and no more of another one."""
        stage, amount = self._budget.decision.stage, self._budget.amount
        told = (stage, amount, self._budget.until.isoformat())
        if told == self._told:
            return
        self._told = told
        for kind in TOLD.values():
            self._issues.clear(kind)
        if stage in TOLD:
            self._issues.raise_issue(TOLD[stage], None, amount)
