"""Builds the problem that the planner solves for one car, out of its record, its state and the home's sources."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ..smart_charging.model import Costs, Limits, Problem, Wishes
from ..vehicle.state import VehicleState
from .car_record import CarRecord
from .car_view import Charger, planner_car, planner_state
from .departures import Departure
from .outlook import Outlook

LOOK_AHEAD: Final = timedelta(hours=36)
"""Until when prices are wanted where no departure needs them for longer."""
MAX_BLOCKS: Final = 3
"""More would fill the list of schedules that the owner sees in the car."""
GRID_MINUTES: Final = 15
"""Steps of a car's schedules, in the reading that is safe."""
START_COST: Final = 0.05
"""Currency: what a start costs in wear and noise, beside Tesla's bill (see docs/planner.md)."""
SAFETY_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Setting:
    """What a plan is made for."""

    record: CarRecord
    state: VehicleState
    charger: Charger
    departures: Sequence[Departure]


def horizon(departures: Sequence[Departure], now: datetime) -> datetime:
    """Return until when a plan needs prices."""
    last = max((one.at for one in departures), default=now)
    return max(now + LOOK_AHEAD, last + timedelta(hours=1))


def problem_of(setting: Setting, outlook: Outlook, now: datetime) -> Problem | None:
    """Return the problem; None if the car's level is not known. `now` is in UTC, in whole seconds."""
    car = planner_car(setting.state, setting.charger)
    if car is None:
        return None
    # what is wanted at once does not wait for the next step of the car's schedules
    is_low = car.level < min(setting.record.minimum_level, car.limit)
    state = planner_state(setting.state, setting.charger.amps)
    if state.since is not None and state.since > now:
        state = replace(state, since=now)
    return Problem(
        now=now,
        prices=outlook.prices,
        car=car,
        wishes=Wishes(
            deadlines=tuple(one.deadline() for one in setting.departures),
            minimum_level=setting.record.minimum_level,
            max_blocks=MAX_BLOCKS,
            grid_minutes=None if is_low else GRID_MINUTES,
            safety_minutes=SAFETY_MINUTES,
        ),
        limits=Limits(fuse=outlook.fuse, ceilings=outlook.ceilings),
        costs=Costs(start=START_COST),
        state=state,
        solar=outlook.solar,
        base_load=outlook.base_load,
        co2=outlook.co2,
    )
