"""The solar controller: a state machine that follows the sun with few commands.

It adds up the money lost by not acting, by direction, and acts when that exceeds what acting costs. The plan, the
minimum level and the limits of the home come first. It reads no clock and sends nothing itself.
"""

from dataclasses import dataclass, field
import math
from typing import Final

from .solar_link import Link
from .solar_model import (
    LEAST_VOLTS,
    MOST_VOLTS,
    PHASES,
    BatteryReading,
    BatterySettings,
    CarReading,
    CarSettings,
    CarState,
    Command,
    Decision,
    Inputs,
    MeterReading,
    Outcome,
    Prices,
    Reason,
)
from .solar_money import best_amps, rate, thresholds
from .solar_surplus import UNLIMITED, Surplus, SurplusTracker, allowed_amps

SKEW_S: Final = 10.0
"""Readings of meter and car that are no further apart are of the same moment."""
MOVED_A: Final = 0.5
"""A current that changes by so much from reading to reading is on its way."""
CAR_MISSING_S: Final = 900.0
HALF_LIFE_S: Final = 60.0
"""In so long half of what was lost in a direction is forgotten while there is nothing to lose in it."""
LIMIT_REST_S: Final = 300.0
"""For so long after a limit was lowest it is not trusted to be higher."""
MINIMUM_REST: Final = 2.0
"""Percent below the minimum level from which it counts again, once it was reached."""
BLIND_LIMIT_S: Final = 120.0
"""After so long without a reading of the meter, only the least current counts as safe for the limits of the home."""

ENDED: Final = {CarState.UNPLUGGED: Reason.UNPLUGGED, CarState.COMPLETE: Reason.COMPLETE}
WAITING: Final = {
    Reason.START: Reason.WAITING_TO_START,
    Reason.RAISE: Reason.WAITING_TO_RAISE,
    Reason.LOWER: Reason.WAITING_TO_LOWER,
}


@dataclass(slots=True)
class Losses:
    """The money that was lost by not acting, by direction."""

    up: float = 0.0
    down: float = 0.0
    off: float = 0.0

    def add(self, seconds: float, up: float, down: float, off: float) -> None:
        """Add what is lost in a second in each direction; 0 lets it fade."""
        fade = 0.5 ** (seconds / HALF_LIFE_S)
        self.up = self.up + up * seconds if up > 0 else self.up * fade
        self.down = self.down + down * seconds if down > 0 else self.down * fade
        self.off = self.off + off * seconds if off > 0 else self.off * fade


@dataclass(frozen=True, slots=True)
class _View:
    """One moment, as the decision needs it."""

    now: float
    inputs: Inputs
    car: CarReading
    surplus: Surplus
    unit_w: float
    current_a: int
    """What the car takes: what it was told, or less."""
    best_a: int | None
    floor_a: int
    floor_reason: Reason
    wanted_a: int
    """The floor, if no limit kept it lower."""
    limit_a: int
    """What must not be exceeded now."""
    raise_a: int
    """Up to where it may be raised now."""


@dataclass(slots=True)
class SolarController:
    """Decides for one car. Call step() at every reading, and every 30 s without one."""

    settings: CarSettings = field(default_factory=CarSettings)
    battery: BatterySettings | None = None
    _link: Link = field(init=False)
    _sun: SurplusTracker = field(init=False)
    _losses: Losses = field(default_factory=Losses)
    _now: float = -math.inf
    _car: CarReading | None = None
    _prices: Prices | None = None
    """The last ones that can be true."""
    _unit_w: float = 0.0
    _moved_at: float = -math.inf
    """When the car was seen last on its way to another current."""
    _drawn_a: float = 0.0
    _limit_a: int = UNLIMITED
    _raise_a: int = UNLIMITED
    _raise_since: float = -math.inf
    _exceeded: bool = False
    """Whether the meter shows more than the limits of the home allow."""
    _blind_since: float | None = None
    _wanted_a: int = 0
    _released: bool = False
    """Whether the floor has just sunk: what the plan began, ends with it."""
    _below_minimum: bool = False
    _minimum_reached: bool = False

    def __post_init__(self) -> None:
        """Begin without a command."""
        self._link = Link(self.settings)
        self._sun = SurplusTracker(self.battery)
        self._unit_w = self.settings.volts * self.settings.phases

    def power_w(self, car: CarReading | None) -> float:
        """Return the power that a reading of the car means; 0 without one that can be true."""
        if car is None or not car.is_sane or car.state in ENDED:
            return 0.0
        return car.drawn_a * self._unit(car) if car.power_w is None else car.power_w

    def answered(self, now: float, number: int, outcome: Outcome) -> None:
        """Tell what became of a command."""
        self._link.answered(now, number, outcome)

    @property
    def commands(self) -> int:
        """Return the number of the last command."""
        return self._link.numbers

    def step(self, now: float, inputs: Inputs) -> Decision:
        """Return what to do now, and why."""
        if not math.isfinite(now):
            raise ValueError("the time is not a number")
        if now < self._now:
            self._forget_times()
        self._now = now
        if inputs.prices.is_sane:
            self._prices = inputs.prices
        car = self._known_car(now, inputs.car)
        if car is None:
            return Decision(reason=Reason.CAR_MISSING)
        if car.state in ENDED:
            self._forget_charge()
            return Decision(reason=ENDED[car.state])
        self._link.update(now, car)
        view = self._look(now, inputs, car)
        return self._obey(view) or self._manage_unknown(view) or self._weigh(view)

    # -- what is known -------------------------------------------------------------------------------------

    def _forget_times(self) -> None:
        self._link.forget()
        self._sun.forget_times()
        self._losses = Losses()
        self._car = None
        self._moved_at = -math.inf
        self._blind_since = None
        self._raise_since = -math.inf

    def _forget_charge(self) -> None:
        self._link.forget()
        self._link.target_a = 0
        self._losses = Losses()
        self._wanted_a, self._released = 0, False
        self._below_minimum = self._minimum_reached = False

    def _known_car(self, now: float, car: CarReading | None) -> CarReading | None:
        """Return the newest reading of the car that can be true."""
        last = self._car
        if (
            car is not None
            and car.is_sane
            and car.time <= now + SKEW_S
            # an older one was late, unless the clock of the readings was corrected
            and (last is None or car.time >= last.time or now - last.time > CAR_MISSING_S)
        ):
            self._car = car
        return self._car

    def _look(self, now: float, inputs: Inputs, car: CarReading) -> _View:
        unit_w = self._unit_w = self._unit(car)
        link = self._link
        car_w = self.power_w(car)
        moved = max(link.changed_at, self._moved_at)
        settled = not link.is_busy and now - moved > self.settings.answer_s
        takes_other = abs(car.drawn_a - link.target_a) >= 1
        moving = link.is_busy or (takes_other and not settled)
        if link.is_busy or abs(car.drawn_a - self._drawn_a) >= MOVED_A:
            self._moved_at = max(self._moved_at, car.time)
            self._drawn_a = car.drawn_a
        steady = self._is_steady(car, inputs.meter, moving=moving) and (
            self.battery is None or self._is_steady(car, inputs.battery, moving=moving)
        )
        fault = self._car_fault(now, inputs, car, car_w, unit_w)
        is_clear = steady and fault is not Reason.CONTRADICTION
        self._read_limits(now, inputs, car, car_w, unit_w, steady=is_clear)
        surplus = self._sun.read(now, inputs, car_w, steady=steady, fault=fault)
        top = min(
            self.settings.max_a, UNLIMITED if inputs.limits.car_a is None else inputs.limits.car_a
        )
        limit = self._at_least_min(min(top, self._limit_a))
        wanted, floor_reason = self._wanted(inputs, car, top)
        floor = min(wanted, limit)
        if wanted != self._wanted_a:
            self._released = wanted < self._wanted_a
        self._wanted_a = wanted
        current = link.target_a
        if settled and takes_other:
            current = min(round(car.drawn_a), current)
        best = None
        if surplus.watts is not None and self._prices is not None:
            best = self._best(inputs, self._prices, surplus.watts, unit_w, floor, limit)
            if 0 < current < link.target_a:
                best = min(best, max(current, floor))
        return _View(
            now=now,
            inputs=inputs,
            car=car,
            surplus=surplus,
            unit_w=unit_w,
            current_a=current,
            best_a=best,
            floor_a=floor,
            floor_reason=floor_reason,
            wanted_a=wanted,
            limit_a=limit,
            raise_a=self._at_least_min(min(top, self._raise_a)),
        )

    def _unit(self, car: CarReading) -> float:
        """Return the power of one ampere; what the car does not say is as it was."""
        if car.phases not in PHASES:
            return self._unit_w
        is_sane = LEAST_VOLTS <= car.volts <= MOST_VOLTS
        return car.phases * (car.volts if is_sane else self.settings.volts)

    def _is_steady(
        self, car: CarReading, other: MeterReading | BatteryReading | None, *, moving: bool
    ) -> bool:
        """Return whether the car's reading and another one are of one current."""
        if other is None or abs(car.time - other.time) <= SKEW_S:
            return True
        return not moving and other.time > self._moved_at

    def _at_least_min(self, amps: int) -> int:
        return amps if amps >= self.settings.min_a else 0

    def _best(
        self,
        inputs: Inputs,
        prices: Prices,
        surplus_w: float,
        unit_w: float,
        floor: int,
        limit: int,
    ) -> int:
        if not inputs.wishes.follow_sun:
            return floor
        low = max(self.settings.min_a, floor)
        best = best_amps(prices, surplus_w, unit_w, low, limit)
        return best or floor

    def _wanted(self, inputs: Inputs, car: CarReading, top: int) -> tuple[int, Reason]:
        """Return the least current that the minimum level and the plan want, and which of them wants it."""
        minimum = inputs.wishes.minimum_level
        if car.level is not None and math.isfinite(car.level):
            rest = MINIMUM_REST if self._minimum_reached and not self._below_minimum else 0.0
            was, self._below_minimum = self._below_minimum, car.level < minimum - rest
            self._minimum_reached |= was
        if self._below_minimum:
            return self._at_least_min(top), Reason.MINIMUM_LEVEL
        planned = inputs.wishes.planned_a
        if planned <= 0:
            return 0, Reason.SOLAR_OFF
        return self._at_least_min(min(max(planned, self.settings.min_a), top)), Reason.PLANNED

    def _car_fault(
        self, now: float, inputs: Inputs, car: CarReading, car_w: float, unit_w: float
    ) -> Reason | None:
        if self._prices is None:
            return Reason.PRICES_MISSING
        # a car that sleeps says nothing, and does nothing
        if now - car.time > CAR_MISSING_S and not car.asleep:
            return Reason.CAR_MISSING
        product_w = car.drawn_a * unit_w
        if abs(car_w - product_w) > 300 + 0.25 * max(car_w, product_w):
            return Reason.CONTRADICTION
        return None

    def _read_limits(
        self,
        now: float,
        inputs: Inputs,
        car: CarReading,
        car_w: float,
        unit_w: float,
        *,
        steady: bool,
    ) -> None:
        """Calculate from a new reading of the meter what the limits of the home allow."""
        limits, meter = inputs.limits, inputs.meter
        if limits.import_w is None and limits.phase_a is None:
            self._limit_a = self._raise_a = UNLIMITED
            self._exceeded = False
            return
        target = self._link.target_a
        if meter is None or not self._sun.is_new(now, meter):
            if self._blind_since is None:
                self._blind_since = now
            # what the house takes is not known: nothing is raised, and after a while only the least is safe
            self._raise_a = min(self._raise_a, target)
            if now - self._blind_since > BLIND_LIMIT_S:
                self._limit_a = self._raise_a = self.settings.min_a
            return
        self._blind_since = None
        self._exceeded = allowed_amps(inputs, unit_w, 0.0, 0.0)[0] < 0
        if steady:
            limit, may_raise = allowed_amps(inputs, unit_w, car.drawn_a, car_w)
        else:
            # the meter's total is true, the car's part is not known better than this
            drawn = min(car.drawn_a, float(target))
            limit, may_raise = allowed_amps(inputs, unit_w, drawn, drawn * unit_w)
            if not self._exceeded:
                limit = max(limit, target)
            may_raise = min(may_raise, target)
        self._limit_a = limit
        if may_raise <= self._raise_a or now - self._raise_since > LIMIT_REST_S:
            self._raise_a, self._raise_since = may_raise, now

    # -- what is decided -----------------------------------------------------------------------------------

    def _decide(
        self,
        view: _View,
        reason: Reason,
        command: Command | None = None,
        *,
        lost: float = 0.0,
        threshold: float = 0.0,
    ) -> Decision:
        if command is not None:
            # a lower current in a cloud does not make the cloud shorter
            self._losses = Losses(off=self._losses.off if command.amps else 0.0)
        asked = max(view.wanted_a, view.best_a or 0)
        claim_a = max(self._link.target_a, min(asked, view.limit_a))
        retry = self._link.retry_at
        return Decision(
            reason=reason,
            command=command,
            told_a=self._link.target_a,
            best_a=view.best_a,
            floor_a=view.floor_a,
            limit_a=view.limit_a,
            surplus_w=view.surplus.watts,
            lost=lost,
            threshold=threshold,
            takes_w=(view.current_a if command is None else command.amps) * view.unit_w,
            planned_w=view.floor_a * view.unit_w,
            claim_w=claim_a * view.unit_w,
            until=retry if retry > view.now else None,
        )

    def _change(
        self,
        view: _View,
        amps: int,
        reason: Reason,
        *,
        urgent: bool = False,
        lost: float = 0.0,
        threshold: float = 0.0,
    ) -> Decision:
        """Send a command if one may be sent now; say why not if not."""
        command = self._link.send(view.now, amps, view.car, urgent=urgent)
        if command is None and reason is not Reason.LIMIT:
            reason = Reason.ON_THE_WAY if self._link.is_busy else self._link.problem or reason
        return self._decide(view, reason, command, lost=lost, threshold=threshold)

    def _obey(self, view: _View) -> Decision | None:
        """Do what does not depend on money: limits, the minimum level, the plan."""
        target = self._link.target_a
        limit = view.limit_a
        told = view.car.told_a
        if target > limit or (self._exceeded and told > limit and self._link.is_late(view.now)):
            return self._change(view, limit, Reason.LIMIT, urgent=True)
        if target < view.floor_a:
            amps = min(max(view.floor_a, view.best_a or 0), view.raise_a)
            if amps <= target:
                return self._decide(view, Reason.LIMIT)
            return self._change(view, amps, view.floor_reason)
        if not view.inputs.wishes.follow_sun:
            if target > view.floor_a:
                return self._change(view, view.floor_a, view.floor_reason)
            return self._decide(view, view.floor_reason)
        if self._released and view.best_a is not None and view.surplus.seconds > 0:
            self._released = False
            if view.best_a < target:
                return self._change(view, view.best_a, Reason.LOWER if view.best_a else Reason.STOP)
        return None

    def _manage_unknown(self, view: _View) -> Decision | None:
        """Go back to what is planned if nothing is known of the sun for long; wait if it is for a moment."""
        reason = view.surplus.problem or Reason.METER_MISSING
        if view.surplus.blind and self._link.target_a > view.floor_a:
            return self._change(view, view.floor_a, reason)
        return self._decide(view, reason) if view.best_a is None else None

    def _weigh(self, view: _View) -> Decision:
        """Add up what is lost by not acting, and act when that exceeds what acting costs."""
        best, current, surplus_w = view.best_a, view.current_a, view.surplus.watts
        assert best is not None
        assert surplus_w is not None
        prices, settings = self._prices, self.settings
        assert prices is not None

        def earned(amps: int) -> float:
            return rate(prices, surplus_w, amps * view.unit_w)

        if self._link.target_a and not current:
            return self._decide(view, Reason.CAR_TAKES_LESS)
        limits = thresholds(
            prices,
            view.inputs.forecast,
            view.now,
            settings.min_a * view.unit_w,
            surplus_w,
            settings.sleep_s,
            asleep=view.car.asleep,
        )
        goal = max(current, min(best, view.raise_a)) if best > current else best
        level = goal if goal or not current else settings.min_a
        gain = earned(level) - earned(current)
        self._losses.add(
            view.surplus.seconds,
            up=gain if level > current else 0.0,
            down=gain if level < current else 0.0,
            off=-earned(settings.min_a) if current and not best else 0.0,
        )
        losses = self._losses
        if not current:
            if not goal:
                return self._decide(view, self._why_off(view))
            return self._act(view, goal, losses.up, limits.start, Reason.START)
        if not best:
            if losses.off > limits.stop:
                return self._act(view, 0, losses.off, limits.stop, Reason.STOP)
            if level < current:
                return self._act(view, level, losses.down, limits.change, Reason.LOWER)
            return self._decide(view, Reason.CLOUD, lost=losses.off, threshold=limits.stop)
        if level > current:
            return self._act(view, level, losses.up, limits.change, Reason.RAISE)
        if level < current:
            return self._act(view, level, losses.down, limits.change, Reason.LOWER)
        return self._decide(view, self._why_steady(view))

    def _act(
        self, view: _View, amps: int, lost: float, threshold: float, reason: Reason
    ) -> Decision:
        if lost > threshold:
            return self._change(view, amps, reason, lost=lost, threshold=threshold)
        return self._decide(view, WAITING[reason], lost=lost, threshold=threshold)

    def _why_off(self, view: _View) -> Reason:
        if view.best_a:
            return Reason.LIMIT
        least_w = self.settings.min_a * view.unit_w
        surplus_w = view.surplus.sun_w
        assert self._prices is not None
        if rate(self._prices, surplus_w, least_w) > 0 and view.limit_a:
            return Reason.BATTERY_FIRST
        return Reason.NO_SUN

    def _why_steady(self, view: _View) -> Reason:
        if view.current_a < self._link.target_a:
            return Reason.CAR_TAKES_LESS
        if view.floor_a and view.best_a == view.floor_a:
            return view.floor_reason
        if view.limit_a < self.settings.max_a and view.best_a == view.limit_a:
            return Reason.LIMIT
        return Reason.FOLLOWING
