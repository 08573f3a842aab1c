"""What is kept of a run."""

from itertools import chain
from typing import Any

from devtools.bench.cost_age import quantile
from devtools.bench.cost_world import World

DAYS_OF_A_MONTH = 30


def _spread(values: list[float]) -> dict[str, float | int | None]:
    middle, late = quantile(values, 0.5), quantile(values, 0.95)
    return {
        "median": None if middle is None else round(middle, 1),
        "p95": None if late is None else round(late, 1),
        "count": len(values),
    }


def _by_activity(ages: dict[str, list[float]]) -> dict[str, Any]:
    together = list(chain.from_iterable(ages.values()))
    return {"all": _spread(together), **{name: _spread(ages[name]) for name in sorted(ages)}}


def result_of(world: World, contender: str, driver: str, days: float) -> dict[str, Any]:
    """Return a run as JSON can hold it; ages and delays in seconds, money in dollars for thirty such days."""
    bill = world.bill()
    return {
        "contender": contender,
        "driver": driver,
        "days": days,
        "dollars_a_month": bill["dollars"] * DAYS_OF_A_MONTH / days,
        **bill,
        "level_measured": _by_activity(world.level.measured),
        "level_seen": _by_activity(world.level.seen),
        "charging_delay": _spread(world.charging.delays),
        "awake_hours": round(world.awake / 60, 1),
        "needless_minutes": round(world.needlessly_awake),
    }
