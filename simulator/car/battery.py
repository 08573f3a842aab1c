"""The traction battery: energy in, energy out, and what the driver sees of it."""

from dataclasses import dataclass

COLD_BELOW_CELSIUS = 5.0
COLD_PERCENT_PER_DEGREE = 0.4
COLD_PERCENT_AT_MOST = 8.0


@dataclass(slots=True)
class Battery:
    """A pack of `capacity_kwh`, holding `energy_kwh`, good for `rated_range_miles` when full."""

    capacity_kwh: float
    energy_kwh: float
    rated_range_miles: float
    temperature_c: float = 18.0

    @property
    def level(self) -> float:
        """State of charge in percent, with decimals."""
        return 100 * self.energy_kwh / self.capacity_kwh

    @property
    def usable_level(self) -> float:
        """State of charge without what the cold withholds."""
        degrees = max(0.0, COLD_BELOW_CELSIUS - self.temperature_c)
        withheld = min(COLD_PERCENT_AT_MOST, degrees * COLD_PERCENT_PER_DEGREE)
        return max(0.0, self.level - withheld)

    @property
    def range_miles(self) -> float:
        """Rated range left."""
        return self.rated_range_miles * self.level / 100

    @property
    def kwh_per_mile(self) -> float:
        """Rated consumption."""
        return self.capacity_kwh / self.rated_range_miles

    def kwh_to(self, level: float) -> float:
        """Return the energy missing to a level in percent; negative above it."""
        return self.capacity_kwh * level / 100 - self.energy_kwh

    def add(self, kwh: float) -> None:
        """Take energy in (or give it, when negative) within what the pack can hold."""
        self.energy_kwh = min(self.capacity_kwh, max(0.0, self.energy_kwh + kwh))
