"""Loops to compare the solar controller with: what integrations do today, written from their published rules."""

from collections.abc import Callable
from dataclasses import dataclass, field
import math
from typing import Protocol

from devtools.bench.solar_days import KWH, SOLAR_VALUE, STEP


@dataclass(frozen=True, slots=True)
class Seen:
    """What a loop sees in one step: not the sun and the house apart, only the meter."""

    now: int
    grid_w: float
    car_w: float
    car_a: float
    set_a: int
    phases: int
    min_a: int
    max_a: int
    volts: int = 230
    meter_at: int = 0
    car_at: int = 0
    battery_w: float | None = None
    battery_level: float = 0.0
    battery_at: int = 0
    asleep: bool = False

    @property
    def unit_w(self) -> int:
        """Return the power of one ampere."""
        return self.volts * self.phases

    @property
    def surplus_w(self) -> float:
        """Return what a loop without a home battery takes for the sun."""
        return self.car_w - self.grid_w


class Loop(Protocol):
    """A loop that steers the car: None is no command, 0 a stop."""

    def __call__(self, seen: Seen) -> int | None:
        """Return what to send in this step."""


@dataclass(slots=True)
class Timer:
    """Looks every `interval` s at the mean surplus of `mean` s; whole amperes; starts and stops after a delay."""

    interval: int
    mean: int
    up: int
    down: int
    on_delay: int
    off_delay: int
    _history: list[float] = field(default_factory=list)
    _on: int | None = None
    _off: int | None = None

    def __call__(self, seen: Seen) -> int | None:
        """Return what to send in this step."""
        self._history = [*self._history, seen.surplus_w][-(self.mean // STEP) :]
        now = seen.now
        if now % self.interval:
            return None
        mean = sum(self._history) / len(self._history)
        want = min(math.floor(mean / seen.unit_w), seen.max_a)
        if seen.set_a == 0:
            return self._start(seen, want)
        if want < seen.min_a:
            self._off = now if self._off is None else self._off
            if now - self._off >= self.off_delay:
                self._off = None
                return 0
            return seen.min_a if seen.set_a - seen.min_a >= self.down else None
        self._off = None
        return want if want >= seen.set_a + self.up or want <= seen.set_a - self.down else None

    def _start(self, seen: Seen, want: int) -> int | None:
        if want < seen.min_a:
            self._on = None
            return None
        self._on = seen.now if self._on is None else self._on
        if seen.now - self._on < self.on_delay:
            return None
        self._on = None
        return want


@dataclass(slots=True)
class Event:
    """Acts when the money lost at the present current has added up to a threshold; rounds the surplus down."""

    threshold: float
    off_threshold: float
    on_delay: int
    gap: int = 20
    mean: int = 30
    _history: list[float] = field(default_factory=list)
    _on: int | None = None
    _up: float = 0.0
    _down: float = 0.0
    _off: float = 0.0
    _last: int = -999

    def __call__(self, seen: Seen) -> int | None:
        """Return what to send in this step."""
        exported = -seen.grid_w
        self._history = [*self._history, seen.surplus_w][-(self.mean // STEP) :]
        want = math.floor(sum(self._history) / len(self._history) / seen.unit_w)
        want = min(want, seen.max_a)
        if seen.set_a == 0:
            return self._start(seen, want)
        lost = exported * KWH * SOLAR_VALUE
        if exported > seen.unit_w:
            self._up += lost - seen.unit_w * 0.5 * KWH * SOLAR_VALUE
        else:
            self._up = max(0.0, self._up * 0.97)
        self._down = self._down - lost if exported < 0 else max(0.0, self._down * 0.97)
        if seen.now - self._last < self.gap:
            return None
        if want < seen.min_a:
            return self._too_little(seen, lost)
        self._off = max(0.0, self._off * 0.98)
        raises = self._up > self.threshold and want > seen.set_a
        if raises or (self._down > self.threshold and want < seen.set_a):
            self._up = self._down = 0.0
            self._last = seen.now
            return want
        return None

    def _start(self, seen: Seen, want: int) -> int | None:
        if want < seen.min_a:
            self._on = None
            return None
        self._on = seen.now if self._on is None else self._on
        if seen.now - self._on < self.on_delay:
            return None
        self._on, self._up, self._down, self._off = None, 0.0, 0.0, 0.0
        self._last = seen.now
        return want

    def _too_little(self, seen: Seen, lost: float) -> int | None:
        self._off += max(0.0, -lost)
        if self._off > self.off_threshold:
            self._off, self._last = 0.0, seen.now
            return 0
        if seen.set_a > seen.min_a and self._down > self.threshold:
            self._down, self._last = 0.0, seen.now
            return seen.min_a
        return None


FAST = "timer 30 s 1 A on 60 off 180"
REFERENCES: dict[str, Callable[[], Loop]] = {
    FAST: lambda: Timer(30, 10, 1, 1, 60, 180),
    "timer 30 s 1 A on 300 off 300": lambda: Timer(30, 30, 1, 1, 300, 300),
    "timer 60 s up 2 down 1": lambda: Timer(60, 60, 2, 1, 300, 300),
    "timer 120 s 2 A": lambda: Timer(120, 120, 2, 2, 300, 600),
    "event 0.004 start 60 off 0.03": lambda: Event(0.004, 0.03, 60),
    "event 0.004 start 120 off 0.03": lambda: Event(0.004, 0.03, 120),
    "event 0.008 start 60 off 0.03": lambda: Event(0.008, 0.03, 60),
}
