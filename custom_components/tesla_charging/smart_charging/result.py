"""What a plan says: when to charge with how many amps, what that costs, how sure that is, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto

from .model import Deadline, Model
from .series import Certainty


class SlotReason(StrEnum):
    """Why a slot is used, or why it is not."""

    CHEAP = auto()
    """Used: no dearer than energy is worth then."""
    BRIDGE = auto()
    """Used, though dear: to stop and start again would cost more."""
    NEEDED = auto()
    """Used, though dear: a deadline needs it."""
    MINIMUM_LEVEL = auto()
    """Used: the car is below its minimum level."""
    FORCED = auto()
    """Used: a forced window."""
    WARM = auto()
    """Used: the battery is to be warm at departure."""
    SUN = auto()
    """Used: at least half of the energy comes from the sun."""
    VALUE = auto()
    """Used: cheaper than energy above the target is worth."""
    DEAR = auto()
    """Not used: energy costs less in other slots."""
    EXTRA_START = auto()
    """Not used, though cheap: it is not worth another start."""
    READY = auto()
    """Not used: the car is ready, and more has no value."""
    BLOCKED = auto()
    """Not used: a blocked window."""
    NO_CURRENT = auto()
    """Not used: fuse, other cars or a ceiling leave less than the least current."""
    ABOVE_CAP = auto()
    """Not used: dearer than the price cap."""
    TOO_EARLY = auto()
    """Not used: before the earliest start."""


class NowReason(StrEnum):
    """Why the car charges now, or does not. One of these is the answer to the question."""

    CHARGING_CHEAP = auto()
    CHARGING_SUN = auto()
    CHARGING_NEEDED = auto()
    CHARGING_BRIDGE = auto()
    CHARGING_MINIMUM_LEVEL = auto()
    CHARGING_FORCED = auto()
    CHARGING_WARM = auto()
    CHARGING_VALUE = auto()
    CHARGING_LATE = auto()
    """A deadline is missed: the car charges until it is made up for."""
    WAITING_CHEAPER = auto()
    WAITING_SUN = auto()
    WAITING_BLOCKED = auto()
    WAITING_NO_CURRENT = auto()
    WAITING_CAP = auto()
    WAITING_EARLIEST_START = auto()
    READY = auto()
    NO_PLAN = auto()
    """Nothing is wished, or nothing is possible."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a slot is used or not."""

    reason: SlotReason
    moving_costs: float
    """What it would cost more to use the slot if it is not used, or to charge at another time if it is, currency."""


@dataclass(frozen=True, slots=True)
class PlanSlot:
    """A slot of the plan. It is on from `on_from` to `on_until`, at `amps`; both are the slot's start where it is off.

    All energies and costs are of the slot. A slot may be on for a part of it only at one of its ends.
    """

    start: datetime
    end: datetime
    amps: int
    on_from: datetime
    on_until: datetime
    energy_kwh: float
    """AC."""
    battery_kwh: float
    solar_kwh: float
    """The share of `energy_kwh` that is expected from the sun."""
    cost: float
    """Energy from the grid, and what the sun's share would have earned."""
    co2_kg: float
    import_price: float
    certainty: Certainty
    most_amps: int
    """The highest current allowed; 0 where charging is not possible."""
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A time of charging without a break. `end` is when it ends by itself or is to be stopped."""

    start: datetime
    end: datetime
    amps: int
    """The highest in the block."""
    energy_kwh: float
    battery_kwh: float
    cost: float
    """Energy only."""
    starts: bool
    """It begins with a start; not so a charge that goes on."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A deadline that cannot be met: by how much, and when it is made up for."""

    deadline: Deadline
    level: float
    """Reached at the deadline, percent."""
    missing_kwh: float
    """In the battery."""
    ready_at: datetime | None
    """When its level is reached; None: not in sight (or above the car's limit)."""

    @property
    def late(self) -> timedelta | None:
        """Return how much later than wished the car is ready."""
        return None if self.ready_at is None else self.ready_at - self.deadline.at

    def __str__(self) -> str:
        """Say it honestly: "80 % at 06:10, 25 minutes late"; times in UTC."""
        wanted = f"{self.deadline.level:g} %"
        if self.ready_at is None or self.late is None:
            return f"{self.level:.0f} % instead of {wanted} at {self.deadline.at:%H:%M}"
        minutes = -(-self.late // timedelta(minutes=1))
        return f"{wanted} at {self.ready_at:%H:%M}, {minutes} minutes late"


@dataclass(frozen=True, slots=True)
class Target:
    """What the plan really aims at: an energy in the battery by a moment, after what is impossible was cut off."""

    at: datetime
    kwh: float
    """In the battery, counted from now."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The plan in numbers, beside what is usual. Costs are of energy, without switching; None: not possible."""

    energy_kwh: float
    battery_kwh: float
    solar_share: float
    """Of the energy, 0 to 1."""
    estimated_kwh: float
    """Energy in slots whose price is an estimate."""
    starts: int
    at_plug_in: float | None
    """Cost of the same energy at full power from now on."""
    cheapest_slots: float | None
    """Cost of the same energy in the cheapest slots, however many starts they need."""
    average_price: float | None
    """Cost of the same energy at the mean price of the time from now to the last deadline."""


@dataclass(frozen=True, slots=True)
class Now:
    """The one reason for what happens now."""

    reason: NowReason
    at: datetime | None
    """Until when it holds: the end of charging, or the start that is waited for."""
    price: float | None
    """The price then, or now if it charges; currency per kWh."""
    slot: int | None
    """The index of the slot that decides: now's, or the one that is waited for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The best plan for a problem, or the best that was found within the work limit."""

    model: Model
    now: datetime
    currency: str
    slots: tuple[PlanSlot, ...]
    blocks: tuple[Block, ...]
    objective: float
    """What was minimised: energy_cost + switching_cost + co2_cost - value."""
    energy_cost: float
    switching_cost: float
    co2_cost: float
    value: float
    """Of the energy above the target."""
    proven: bool
    """No plan is cheaper (relative 1e-9)."""
    lower_bound: float
    """No plan is cheaper than this; the objective where it is proven."""
    labels: int
    """Work done: how many partial plans were looked at."""
    targets: tuple[Target, ...]
    shortfalls: tuple[Shortfall, ...]
    latest_safe_start: datetime | None
    """Charging from then on still meets every deadline that can be met; None if nothing is needed."""
    final_level: float
    """Percent."""
    totals: Totals | None = None
    reason: Now | None = None

    @property
    def gap(self) -> float:
        """Return by how much a plan could at most be cheaper, currency."""
        return 0.0 if self.proven else max(0.0, self.objective - self.lower_bound)


@dataclass(frozen=True, slots=True)
class JointPlan:
    """Plans of several cars under one fuse."""

    plans: tuple[Plan, ...]
    """In the order of the problems."""
    objective: float
    lower_bound: float
    """No set of plans is cheaper than this."""
    proven: bool
    labels: int

    @property
    def gap(self) -> float:
        """Return by how much a set of plans could at most be cheaper, currency."""
        return max(0.0, self.objective - self.lower_bound)
