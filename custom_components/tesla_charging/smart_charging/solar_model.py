"""What goes into the solar controller, and what comes out of it.

Times are seconds of one clock, whichever; powers are watts, currents amperes, prices currency per kWh.
"""

from dataclasses import dataclass
from enum import StrEnum
import math
from typing import Final

MAX_WATTS: Final = 1e6
MAX_AMPS: Final = 500.0
MAX_PRICE: Final = 1e6
PHASES: Final = frozenset({1, 2, 3})
LEAST_VOLTS: Final = 80.0
MOST_VOLTS: Final = 300.0
WATT_SECONDS: Final = 3.6e6
"""Watt-seconds of one kWh."""


def is_sane(value: float, limit: float) -> bool:
    """Return whether a measured number can be one: finite, and not beyond a limit."""
    return abs(value) <= limit


class CarState(StrEnum):
    """What the car says about its charge."""

    UNPLUGGED = "unplugged"
    """Also: anything but an AC charger at home."""
    STOPPED = "stopped"
    CHARGING = "charging"
    COMPLETE = "complete"


class BatteryRule(StrEnum):
    """Who has the sun first, the home battery or the car."""

    BEFORE = "before"
    """The battery: the car gets what the battery cannot take."""
    AFTER = "after"
    """The car: the battery gets what the car does not take."""
    SHARE = "share"
    """Both: the car gets its share, and what the battery cannot take."""


class Outcome(StrEnum):
    """What became of a command."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    """It did not reach the car."""
    REFUSED = "refused"
    """The car said no."""


class Reason(StrEnum):
    """Why the controller does, or does not do, what it does."""

    UNPLUGGED = "unplugged"
    COMPLETE = "complete"
    LIMIT = "limit"
    """The fuse, or a limit of the grid or the car, allows no more."""
    MINIMUM_LEVEL = "minimum_level"
    PLANNED = "planned"
    SOLAR_OFF = "solar_off"
    """Nothing is planned, and the sun is not followed."""
    START = "start"
    RAISE = "raise"
    LOWER = "lower"
    STOP = "stop"
    FOLLOWING = "following"
    """It charges at the current that earns most."""
    WAITING_TO_START = "waiting_to_start"
    WAITING_TO_RAISE = "waiting_to_raise"
    WAITING_TO_LOWER = "waiting_to_lower"
    """Another current would earn more, but what is lost does not pay for the command yet."""
    CLOUD = "cloud"
    """The sun covers too little, and waiting costs less than a restart."""
    NO_SUN = "no_sun"
    BATTERY_FIRST = "battery_first"
    """There is sun, but the home battery takes it."""
    CAR_TAKES_LESS = "car_takes_less"
    ON_THE_WAY = "on_the_way"
    """The car has not shown yet that it obeys the last command."""
    COMMAND_FAILED = "command_failed"
    COMMAND_REFUSED = "command_refused"
    METER_MISSING = "meter_missing"
    BATTERY_MISSING = "battery_missing"
    CAR_MISSING = "car_missing"
    PRICES_MISSING = "prices_missing"
    CONTRADICTION = "contradiction"
    """Two readings cannot both be true."""
    SETTLING = "settling"
    """The readings are of different moments while the current changes."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What flows through the grid connection: positive is import. The cars are included."""

    time: float
    grid_w: float
    phase_a: tuple[float, ...] = ()
    """The current of each phase, positive is import; empty where the meter does not say."""
    pv_w: float | None = None

    @property
    def is_sane(self) -> bool:
        """Return whether all numbers can be true."""
        return (
            math.isfinite(self.time)
            and is_sane(self.grid_w, MAX_WATTS)
            and (self.pv_w is None or is_sane(self.pv_w, MAX_WATTS))
            and all(is_sane(amps, MAX_AMPS) for amps in self.phase_a)
        )


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """What flows into the home battery: positive is charging."""

    time: float
    power_w: float
    level: float
    """In percent."""

    @property
    def is_sane(self) -> bool:
        """Return whether all numbers can be true."""
        return (
            math.isfinite(self.time) and is_sane(self.power_w, MAX_WATTS) and 0 <= self.level <= 100
        )


@dataclass(frozen=True, slots=True)
class CarReading:
    """What the car says."""

    time: float
    """When it was known to be true, at the latest."""
    state: CarState
    request_a: int
    """The current that the car was told to take; it counts only while it charges."""
    drawn_a: float
    """The current of one phase."""
    power_w: float | None = None
    """As measured; None is the product of current, volts and phases."""
    phases: int = 0
    volts: float = 0.0
    """0 is: not known, for both."""
    level: float | None = None
    asleep: bool = False

    @property
    def is_sane(self) -> bool:
        """Return whether all numbers can be true."""
        return (
            math.isfinite(self.time)
            and 0 <= self.request_a <= MAX_AMPS
            and 0 <= self.drawn_a <= MAX_AMPS
            and (self.power_w is None or is_sane(self.power_w, MAX_WATTS))
        )

    @property
    def told_a(self) -> int:
        """Return the current that the car obeys; 0 is: it does not charge."""
        return self.request_a if self.state is CarState.CHARGING else 0


@dataclass(frozen=True, slots=True)
class CarSettings:
    """What is known of a car and its charger beforehand."""

    min_a: int = 5
    max_a: int = 16
    phases: int = 3
    volts: float = 230.0
    answer_s: float = 60.0
    """How long the car may take to show that it obeys; longer means that the command was lost."""
    sleep_s: float = 900.0
    """How long the car stays awake when it does not charge."""

    def __post_init__(self) -> None:
        """Refuse what no car can do."""
        if not 1 <= self.min_a <= self.max_a <= MAX_AMPS:
            raise ValueError(f"currents from {self.min_a} to {self.max_a} A")
        if self.phases not in PHASES or not LEAST_VOLTS <= self.volts <= MOST_VOLTS:
            raise ValueError(f"{self.phases} phases of {self.volts} V")


@dataclass(frozen=True, slots=True)
class BatterySettings:
    """The home battery, and who has the sun first."""

    rule: BatteryRule
    max_charge_w: float
    floor: float = 0.0
    """Below this level the battery comes first, whatever the rule."""
    share: float = 0.5
    """The car's part, for the rule SHARE."""
    full: float = 98.0
    """From this level on it wants nothing."""

    def __post_init__(self) -> None:
        """Refuse what no battery can do."""
        if not 0 <= self.share <= 1 or not 0 <= self.max_charge_w <= MAX_WATTS:
            raise ValueError(f"a share of {self.share}, {self.max_charge_w} W")


@dataclass(frozen=True, slots=True)
class Prices:
    """What a kWh costs or earns now, what it will cost in the plan, and what acting costs."""

    grid: float
    export: float
    later: float
    """What the energy that is not charged now will cost later."""
    command: float = 0.001
    wake: float = 0.02
    wear: float = 0.0
    """What a start costs besides, at the owner's estimate."""

    @property
    def is_sane(self) -> bool:
        """Return whether all numbers can be true."""
        energy = (self.grid, self.export, self.later)
        acting = (self.command, self.wake, self.wear)
        return all(is_sane(price, MAX_PRICE) for price in energy + acting) and min(acting) >= 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What must not be exceeded; None is no limit."""

    import_w: float | None = None
    """Of the grid connection: of its operator, or of a tariff."""
    phase_a: float | None = None
    """The main fuse."""
    car_a: int | None = None
    """Of this car."""

    def __post_init__(self) -> None:
        """Refuse what is no limit: nobody knows what to do about it."""
        for limit in (self.import_w, self.phase_a, self.car_a):
            if limit is not None and not limit >= 0:
                raise ValueError(f"a limit of {limit}")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of the car now, besides the sun."""

    planned_a: int = 0
    """The plan's current in this slot: never less."""
    minimum_level: float = 0.0
    """Below this level it charges at once, as fast as it can."""
    follow_sun: bool = True


@dataclass(frozen=True, slots=True)
class ForecastSlot:
    """The power that the sun is expected to leave over in the house."""

    start: float
    end: float
    surplus_w: float


@dataclass(frozen=True, slots=True)
class Others:
    """What other cars of the home do, in watts: those that come before this one, and those that come after it."""

    takes_w: float = 0.0
    """What those before will take besides what they take already."""
    claims_w: float = 0.0
    """The same, with what they want but may not take yet because of a limit."""
    leaves_w: float = 0.0
    """What those after take of the sun, and leave to this one: not what is planned for them."""
    yields_w: float = 0.0
    """What those after take of the limits, and leave to this one."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that one decision depends on."""

    prices: Prices
    car: CarReading | None
    meter: MeterReading | None
    battery: BatteryReading | None = None
    wishes: Wishes = Wishes()
    limits: Limits = Limits()
    forecast: tuple[ForecastSlot, ...] = ()
    others: Others = Others()


@dataclass(frozen=True, slots=True)
class Command:
    """What to send to the car."""

    number: int
    amps: int
    """0 is: stop."""
    start: bool = False
    wake: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now, and why."""

    reason: Reason
    command: Command | None = None
    told_a: int = 0
    """What the car obeys, or will when this or an earlier command arrives."""
    best_a: int | None = None
    """What would earn most at the present reading; None is: not known."""
    floor_a: int = 0
    limit_a: int = 0
    surplus_w: float | None = None
    lost: float = 0.0
    """Currency that was lost by not acting."""
    threshold: float = 0.0
    """Currency at which acting pays."""
    takes_w: float = 0.0
    """What the car takes, or will when the command has arrived."""
    planned_w: float = 0.0
    """What of it is planned, or for the minimum level."""
    claim_w: float = 0.0
    """What cars that come after this one must leave to it of the limits."""
    until: float | None = None
    """When something else is tried at the latest, if it is known."""
