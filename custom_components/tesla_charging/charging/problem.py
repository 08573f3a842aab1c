"""Builds the problem that the planner solves for one car, out of its record, its state and the home's sources."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ..smart_charging.model import Costs, Fuse, Limits, Problem, Wishes
from ..smart_charging.series import PowerForecast, PriceSeries
from ..vehicle.state import VehicleState
from .car_record import CarRecord
from .car_view import Charger, planner_car, planner_state
from .departures import Departure

LOOK_AHEAD: Final = timedelta(hours=36)
"""Until when prices are wanted where no departure needs them for longer."""
MAX_BLOCKS: Final = 3
"""More would fill the list of schedules that the owner sees in the car."""
GRID_MINUTES: Final = 15
"""Steps of a car's schedules, in the reading that is safe."""
START_COST: Final = 0.05
"""Currency: what a start costs in wear and noise, beside Tesla's bill (see docs/planner.md)."""
SAFETY_MINUTES: Final = 15


class Sources(Protocol):
    """What the home knows about prices, sun and limits."""

    def prices(self, start: datetime, end: datetime) -> PriceSeries | None:
        """Return prices without a gap, estimated where they are not published; None if nothing is known."""

    @property
    def solar(self) -> PowerForecast | None:
        """What the roof will yield."""

    @property
    def base_load(self) -> PowerForecast | None:
        """What the home will use without the cars."""

    @property
    def fuse(self) -> Fuse | None:
        """The main fuse."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a plan is made for."""

    record: CarRecord
    state: VehicleState
    charger: Charger
    departures: Sequence[Departure]


def problem_of(setting: Setting, sources: Sources, now: datetime) -> Problem | None:
    """Return the problem; None if the car's level or all prices are unknown. `now` is cut to whole seconds."""
    now = now.astimezone(UTC).replace(microsecond=0)
    car = planner_car(setting.state, setting.charger)
    if car is None:
        return None
    last = max((one.at for one in setting.departures), default=now)
    prices = sources.prices(now, max(now + LOOK_AHEAD, last + timedelta(hours=1)))
    if prices is None:
        return None
    record = setting.record
    state = planner_state(setting.state, setting.charger.amps)
    if state.since is not None and state.since > now:
        state = replace(state, since=now)
    return Problem(
        now=now,
        prices=prices,
        car=car,
        wishes=Wishes(
            deadlines=tuple(one.deadline() for one in setting.departures),
            minimum_level=record.minimum_level,
            max_blocks=MAX_BLOCKS,
            grid_minutes=GRID_MINUTES,
            safety_minutes=SAFETY_MINUTES,
        ),
        limits=Limits(fuse=sources.fuse),
        costs=Costs(start=START_COST),
        state=state,
        solar=sources.solar,
        base_load=sources.base_load,
    )
