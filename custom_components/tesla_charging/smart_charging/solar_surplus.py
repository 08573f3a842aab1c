"""The power that the sun leaves for the car, from meter, home battery and car; and what is wrong with the readings."""

from dataclasses import dataclass, field
import math
from typing import Final

from .solar_model import BatteryReading, BatteryRule, BatterySettings, Inputs, MeterReading, Reason

MISSING_S: Final = 180.0
"""After so long without a usable reading nobody knows what the sun does."""
LONGEST_S: Final = 90.0
"""The longest time that one reading speaks for."""
AHEAD_S: Final = 5.0
"""How far a reading's time may be in the future."""
TURNED_BACK_S: Final = 60.0
"""A reading that is older than the last one is late; if it is this much older, the meter's clock was corrected."""
HYSTERESIS: Final = 3.0
"""Percent by which the battery's level must turn back before a rule changes back."""
NOTICEABLE_W: Final = 200.0
UNLIMITED: Final = 1000
ROUNDING: Final = 1e-6
EXPORTS_S: Final = 60.0
"""The battery takes no more if there is export for so long."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """What one reading says."""

    watts: float | None = None
    """The power that the sun leaves for the car; None is: not known now."""
    sun_w: float = 0.0
    """The power that it leaves over in the house, for car and home battery."""
    seconds: float = 0.0
    """The time that the reading speaks for; 0 is: it was seen before."""
    problem: Reason | None = None
    blind: bool = False
    """Whether nothing has been known for so long that the sun counts as gone."""


@dataclass(slots=True)
class SurplusTracker:
    """Reads the meter and the home battery of one home, for one car."""

    settings: BatterySettings | None = None
    _last: Surplus = field(default_factory=Surplus)
    _read_at: float | None = None
    _usable_at: float | None = None
    _is_full: bool = False
    _is_low: bool = False
    _exports_since: float | None = None
    _accepts: tuple[float, float] | None = None
    """The power of the battery while there was export, and its level then."""

    def forget_times(self) -> None:
        """Forget when anything was: the clock has been corrected."""
        self._read_at = self._usable_at = self._exports_since = None
        self._last = Surplus()

    def is_new(self, now: float, meter: MeterReading | None) -> bool:
        """Return whether a reading can be true, and was not seen before."""
        if meter is None or not meter.is_sane or not now - MISSING_S <= meter.time <= now + AHEAD_S:
            return False
        last = self._read_at
        return last is None or meter.time > last or meter.time < last - TURNED_BACK_S

    def read(
        self, now: float, inputs: Inputs, car_w: float, *, steady: bool, fault: Reason | None = None
    ) -> Surplus:
        """Return what is known of the sun now. `steady`: the car's power is of the same moment, or constant."""
        if self._usable_at is None:
            self._usable_at = now
        meter = inputs.meter
        if meter is None or not self.is_new(now, meter):
            blind = now - self._usable_at > MISSING_S
            problem = self._last.problem or Reason.METER_MISSING if blind else self._last.problem
            return Surplus(
                None if blind else self._last.watts, self._last.sun_w, 0.0, problem, blind
            )
        seconds = 0.0 if self._read_at is None else meter.time - self._read_at
        self._read_at = meter.time
        found = self._problem(now, inputs, car_w, steady=steady) or fault
        if found is Reason.SETTLING:
            # it ends by itself, and nothing is wrong
            self._usable_at = now
        if found is not None:
            blind = now - self._usable_at > MISSING_S
            self._last = Surplus(problem=found, blind=blind)
            return self._last
        self._usable_at = now
        sun_w = car_w + inputs.others.leaves_w - meter.grid_w
        watts = sun_w
        if self.settings is not None and inputs.battery is not None:
            sun_w += inputs.battery.power_w
            watts = self._part(self.settings, sun_w, meter, inputs.battery)
        watts -= inputs.others.takes_w
        sun_w -= inputs.others.takes_w
        self._last = Surplus(watts, sun_w)
        return Surplus(watts, sun_w, min(max(seconds, 0.0), LONGEST_S))

    def _problem(self, now: float, inputs: Inputs, car_w: float, *, steady: bool) -> Reason | None:
        battery, meter = inputs.battery, inputs.meter
        assert meter is not None
        if self.settings is not None and (
            battery is None
            or not battery.is_sane
            or not now - MISSING_S <= battery.time <= now + AHEAD_S
        ):
            return Reason.BATTERY_MISSING
        if not steady:
            return Reason.SETTLING
        if meter.pv_w is not None:
            stored_w = battery.power_w if self.settings is not None and battery is not None else 0.0
            house_w = meter.pv_w + meter.grid_w - stored_w - car_w - inputs.others.yields_w
            # a house cannot produce; meters are some percent wrong
            if house_w < -NOTICEABLE_W - 0.1 * (abs(meter.pv_w) + car_w):
                return Reason.CONTRADICTION
        return None

    def _part(
        self,
        settings: BatterySettings,
        sun_w: float,
        meter: MeterReading,
        battery: BatteryReading,
    ) -> float:
        """Return the car's part of the sun, by the rule."""
        wanted_w = self._wanted(settings, meter, battery)
        if battery.level < settings.floor:
            self._is_low = True
        elif battery.level >= min(settings.floor + HYSTERESIS, 100.0):
            self._is_low = False
        if self._is_low or settings.rule is BatteryRule.BEFORE:
            return sun_w - wanted_w
        if settings.rule is BatteryRule.SHARE:
            return max(sun_w * settings.share, sun_w - wanted_w)
        return sun_w

    def _wanted(
        self, settings: BatterySettings, meter: MeterReading, battery: BatteryReading
    ) -> float:
        """Return the power that the battery would take if it could; what it takes of an export is what it can take.

        That is remembered, for no export remains once the car takes it.
        """
        if battery.level >= settings.full:
            self._is_full = True
        elif battery.level < settings.full - HYSTERESIS:
            self._is_full = False
        takes_less = battery.power_w < settings.max_charge_w - NOTICEABLE_W
        if meter.grid_w > -NOTICEABLE_W or not takes_less:
            self._exports_since = None
        elif self._exports_since is None:
            self._exports_since = meter.time
        elif meter.time - self._exports_since >= EXPORTS_S:
            self._accepts = max(battery.power_w, 0.0), battery.level
        if self._accepts is not None and (
            battery.power_w > self._accepts[0] + NOTICEABLE_W
            or battery.level < self._accepts[1] - HYSTERESIS
        ):
            self._accepts = None
        if self._is_full:
            return 0.0
        return settings.max_charge_w if self._accepts is None else self._accepts[0]


def allowed_amps(inputs: Inputs, unit_w: float, drawn_a: float, car_w: float) -> tuple[int, int]:
    """Return the current that the limits of the home allow: if cars that come after this one leave it theirs, and if not.

    It may be negative. Of a meter with phases the fullest counts, since nobody knows which ones the car uses.
    """
    limits, meter = inputs.limits, inputs.meter
    assert meter is not None
    rooms = []
    if limits.import_w is not None:
        rooms.append((limits.import_w - meter.grid_w + car_w) / unit_w)
    if limits.phase_a is not None:
        fullest = max(meter.phase_a, default=meter.grid_w / unit_w)
        rooms.append(limits.phase_a - fullest + drawn_a)
    if not rooms:
        return UNLIMITED, UNLIMITED
    room = min(*rooms, UNLIMITED) - inputs.others.claims_w / unit_w
    return math.floor(room + inputs.others.yields_w / unit_w + ROUNDING), math.floor(
        room + ROUNDING
    )
