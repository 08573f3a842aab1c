"""The meter at the grid: it reports from time to time, later than it measured, and its power is not quite right."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
import math

from simulator.home.days import dice
from simulator.home.household import Phases


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """How a meter reports: every `interval` seconds, `lag` seconds late; power with a deviation of `noise_w` watts."""

    interval: float = 10.0
    lag: float = 2.0
    noise_w: float = 8.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured at a moment (seconds). Power is positive for import; the counters never go back."""

    at: float
    watts: float
    amps: Phases
    import_kwh: float
    export_kwh: float


class Meter:
    """Measures at multiples of its interval, whoever asks; a reading is out when its lag has passed."""

    def __init__(self, seed: int, settings: MeterSettings) -> None:
        """Be installed."""
        self._seed = seed
        self._settings = settings
        kept = math.ceil(settings.lag / settings.interval) + 2
        self._readings: deque[Reading] = deque(maxlen=kept)

    def due(self, after: float, until: float) -> Iterator[float]:
        """Yield the moments (seconds) at which it has to measure; older ones nobody will see any more."""
        interval = self._settings.interval
        kept = self._readings.maxlen or 1
        last = math.floor(until / interval)
        for number in range(last - kept + 1, last + 1):
            if after < number * interval:
                yield number * interval

    def measure(self, reading: Reading) -> None:
        """Measure."""
        self._readings.append(reading)

    def reported(self, now: float) -> Reading | None:
        """Return what it has reported by now (seconds), None before its first report."""
        for reading in reversed(self._readings):
            if reading.at + self._settings.lag <= now:
                number = round(reading.at / self._settings.interval)
                error = dice(self._seed, "meter", number).gauss(0, self._settings.noise_w)
                return replace(reading, watts=reading.watts + error)
        return None
