"""Charging power: from amps at the cable, or from a fast charger, to kilowatts in the battery."""

from dataclasses import dataclass

EFFICIENCY = 0.92
TAPER_FROM = 95.0
TAPER_TO = 0.15
FAST_VOLTS = 390


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
        return self.ac_kw * EFFICIENCY + self.dc_kw


NO_FLOW = Flow(amps=0.0, volts=0, phases=0)


def flow_at(level: float, amps: float, supply: Supply) -> Flow:
    """Return the flow at a state of charge: full current, less and less of it when nearly full."""
    share = 1.0
    if level > TAPER_FROM:
        share = 1.0 - (1.0 - TAPER_TO) * (level - TAPER_FROM) / (100.0 - TAPER_FROM)
    if supply.fast_kw:
        return Flow(amps=0.0, volts=FAST_VOLTS, phases=0, dc_kw=supply.fast_kw * share)
    return Flow(amps=amps * share, volts=supply.volts, phases=supply.phases)


def seconds_to(
    energy_kwh: float, target_kwh: float, capacity: float, amps: float, supply: Supply
) -> float:
    """Return how long charging takes from one energy to another; infinite without current."""
    seconds = 0.0
    step = capacity / 200
    while target_kwh - energy_kwh > 1e-9:
        power = flow_at(100 * energy_kwh / capacity, amps, supply).battery_kw
        if power <= 0:
            return float("inf")
        portion = min(step, target_kwh - energy_kwh)
        seconds += portion / power * 3600
        energy_kwh += portion
    return seconds
