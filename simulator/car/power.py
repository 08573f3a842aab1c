"""Charging power: from amps at the cable, or from a fast charger, to kilowatts in the battery."""

from dataclasses import dataclass, replace
import math

EFFICIENCY = 0.92
TAPER_FROM = 95.0
TAPER_TO = 0.15
#: In steps of so many percent the current sinks.
TAPER_STEP = 0.5
FAST_VOLTS = 390
#: What a car takes of one phase (amps) whose own charger takes 16 A of each of three.
ONE_PHASE_AMPS = 32
_EDGE = 1e-7


@dataclass(frozen=True, slots=True)
class Supply:
    """What a wall connector or socket offers: amps per phase, phases, volts per phase; or a fast charger, in kW."""

    max_amps: int
    phases: int
    volts: int = 230
    powered: bool = True
    fast_kw: float = 0.0
    """DC, straight into the battery; then amps and phases say nothing."""
    fast_charger: str = ""
    """Its kind, as fast_charger_type tells it."""
    brand: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """Power on its way into the battery."""

    amps: float
    volts: int
    phases: int
    dc_kw: float = 0.0
    """Power that a fast charger gives."""
    aside_kw: float = 0.0
    """Of the power behind the car's charger: what does not reach the battery, because something else draws it."""

    @property
    def ac_kw(self) -> float:
        """Power drawn from the wall through the car's own charger."""
        return self.amps * self.volts * self.phases / 1000

    @property
    def kw(self) -> float:
        """Power at the charge port."""
        return self.ac_kw + self.dc_kw

    @property
    def battery_kw(self) -> float:
        """Power that reaches the battery."""
        return self.ac_kw * EFFICIENCY + self.dc_kw - self.aside_kw


def taken_of(offered: Supply, amps: int, phases: int) -> Supply:
    """Return what a car takes of an offer whose own charger takes so many amps of each of so many phases."""
    of_three = (amps, phases) == (16, 3)
    phases = min(offered.phases, phases)
    amps = ONE_PHASE_AMPS if of_three and phases == 1 else amps
    if offered.max_amps <= amps and offered.phases == phases:
        return offered
    return replace(offered, max_amps=min(offered.max_amps, amps), phases=phases)


NO_FLOW = Flow(amps=0.0, volts=0, phases=0)


def flow_at(level: float, amps: float, supply: Supply) -> Flow:
    """Return the flow at a state of charge: full current, step by step less of it when nearly full."""
    share = _share(level)
    if supply.fast_kw:
        return Flow(amps=0.0, volts=FAST_VOLTS, phases=0, dc_kw=supply.fast_kw * share)
    return Flow(amps=amps * share, volts=supply.volts, phases=supply.phases)


def edges(level: float) -> tuple[float, float]:
    """Return the levels around one at which the current changes; an edge belongs to what is above it."""
    if level < TAPER_FROM - _EDGE:
        return -math.inf, TAPER_FROM
    step = math.floor((level - TAPER_FROM) / TAPER_STEP + _EDGE)
    lower = TAPER_FROM + step * TAPER_STEP
    return lower, min(100.0, lower + TAPER_STEP)


def _share(level: float) -> float:
    """Return the share of the current that flows; within a step that of its middle."""
    lower, upper = edges(min(level, 100.0 - TAPER_STEP / 2))
    if lower < TAPER_FROM:
        return 1.0
    middle = (lower + upper) / 2
    return 1.0 - (1.0 - TAPER_TO) * (middle - TAPER_FROM) / (100.0 - TAPER_FROM)


def seconds_to(
    energy_kwh: float, target_kwh: float, capacity: float, amps: float, supply: Supply
) -> float:
    """Return how long charging takes from one energy to another; infinite without current."""
    seconds = 0.0
    while target_kwh - energy_kwh > 1e-9:
        level = 100 * energy_kwh / capacity
        power = flow_at(level, amps, supply).battery_kw
        if power <= 0:
            return math.inf
        _, upper = edges(level)
        reached = target_kwh if upper >= 100 else min(target_kwh, capacity * upper / 100)
        seconds += (reached - energy_kwh) / power * 3600
        energy_kwh = reached
    return seconds
