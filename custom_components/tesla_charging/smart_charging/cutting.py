"""Cuts the time from now to the horizon into slots."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
import math
from typing import Final

from .model import MIN_AMPS, Model, Problem
from .result import SlotReason
from .series import Certainty, Co2Slot, PowerSlot, PriceSlot, Window
from .slots import KWH, Grid, Slot, part

FIVE_MINUTES: Final = 300
QUARTER: Final = 900
WEIGHTS: Final = (0.3, 0.4, 0.3)
"""Of the low, median and high forecast (Swanson's rule for the mean of three percentiles)."""


class Timeline[W: Window]:
    """Finds the window that holds at a moment."""

    def __init__(self, windows: Sequence[W]) -> None:
        self._windows = windows
        self._starts = [window.start for window in windows]

    def at(self, moment: datetime) -> W | None:
        """Return the window that a moment is in."""
        place = bisect_right(self._starts, moment) - 1
        if place >= 0 and moment < self._windows[place].end:
            return self._windows[place]
        return None


def choose_model(problem: Problem) -> Model:
    """Return the model asked for, or the one that the problem needs."""
    if problem.model is not None:
        return problem.model
    wishes, car = problem.wishes, problem.car
    if wishes.min_on_minutes or wishes.min_off_minutes:
        return Model.LEVELS
    highest = max((d.level for d in wishes.deadlines), default=0.0)
    highest = max(highest, wishes.minimum_level or 0.0)
    if (
        wishes.value_above_target
        or problem.limits.forced
        or any(d.warm_minutes for d in wishes.deadlines)
    ):
        highest = car.limit
    if any(step.level < min(highest, car.limit) for step in car.taper):
        return Model.LEVELS
    if problem.solar is not None:
        slots = Cutter(problem, Model.ON_OFF).grid(horizon_of(problem)).slots
        if any(surplus > 0 for slot in slots if slot.levels for _, surplus in slot.surpluses):
            return Model.LEVELS
    return Model.ON_OFF


def horizon_of(problem: Problem) -> datetime:
    """Return the last deadline, or the end of the prices without one; a quarter hour at least."""
    deadlines = [d.at for d in problem.wishes.deadlines]
    last = max(deadlines) if deadlines else problem.prices.slots[-1].end
    return last if last > problem.now else problem.now + timedelta(seconds=QUARTER)


def borders(
    problem: Problem, model: Model, horizon: datetime, extra: Iterable[datetime]
) -> list[int]:
    """Return all cuts between now and the horizon, seconds from now, with both ends."""
    now, wishes, limits = problem.now, problem.wishes, problem.limits
    end = int((horizon - now).total_seconds())
    rows: list[Sequence[Window]] = [
        problem.prices.slots,
        limits.reserved,
        limits.ceilings,
        limits.blocked,
        limits.forced,
    ]
    rows += [series.slots for series in (problem.solar, problem.base_load) if series is not None]
    if problem.co2 is not None:
        rows.append(problem.co2.slots)
    moments = {moment for row in rows for window in row for moment in (window.start, window.end)}
    moments.update(d.at for d in wishes.deadlines)
    moments.update(d.at - timedelta(minutes=d.warm_minutes) for d in wishes.deadlines)
    moments.update(extra)
    if wishes.earliest_start is not None:
        moments.add(wishes.earliest_start)
    cuts = {0, end} | {int((moment - now).total_seconds()) for moment in moments}
    since_epoch = int(now.timestamp())
    if wishes.grid_minutes is not None:
        step = wishes.grid_minutes * 60
        cuts.update(range(-since_epoch % step, end, step))
    if model is Model.LEVELS:
        cuts.add(-since_epoch % FIVE_MINUTES)
        cuts.update(range(-since_epoch % QUARTER, end, QUARTER))
    return sorted(cut for cut in cuts if 0 <= cut <= end)


@dataclass(frozen=True, slots=True)
class Sources:
    """The series of a problem, ready to be looked up."""

    prices: Timeline[PriceSlot]
    solar: Timeline[PowerSlot]
    base: Timeline[PowerSlot]
    co2: Timeline[Co2Slot]

    @classmethod
    def of(cls, problem: Problem) -> Sources:
        """Return those of a problem."""
        return cls(
            Timeline(problem.prices.slots),
            Timeline(problem.solar.slots if problem.solar else ()),
            Timeline(problem.base_load.slots if problem.base_load else ()),
            Timeline(problem.co2.slots if problem.co2 else ()),
        )


def surpluses_of(
    solar: PowerSlot | None, base: PowerSlot | None
) -> tuple[tuple[float, float], ...]:
    """Return the surplus of sun in each forecast with its weight, kW."""
    if solar is None:
        return ((1.0, 0.0),)
    median = max(0.0, solar.median - (base.median if base else 0.0)) / 1000
    if solar.low is None and (base is None or base.low is None):
        return ((1.0, median),)

    def bound(power: PowerSlot | None, end: str) -> float:
        value = getattr(power, end) if power else 0.0
        return float(value if value is not None else power.median if power else 0.0)

    low = max(0.0, bound(solar, "low") - bound(base, "high")) / 1000
    high = max(0.0, bound(solar, "high") - bound(base, "low")) / 1000
    return tuple(zip(WEIGHTS, (low, median, high), strict=True))


def top_amps(problem: Problem, start: datetime, base: PowerSlot | None) -> int:
    """Return the highest whole current that car, ceilings and fuse allow in the slot that begins then."""
    limits, car = problem.limits, problem.car
    most = float(car.max_amps)
    for ceiling in limits.ceilings:
        if ceiling.start <= start < ceiling.end:
            most = min(most, ceiling.amps)
    if limits.fuse is not None:
        free = limits.fuse.amps
        if base is not None:
            watts = base.median if base.high is None else base.high
            free -= watts / (car.volts * limits.fuse.phases)
        for window in limits.reserved:
            if window.start <= start < window.end:
                free -= window.amps
        most = min(most, free)
    return max(0, math.floor(most + 1e-9))


def covered(windows: Iterable[Window], moment: datetime) -> bool:
    """Return whether a moment is in one of the windows."""
    return any(window.start <= moment < window.end for window in windows)


class Cutter:
    """Cuts the time of a problem into slots, and keeps them: the search for what can be met needs many grids."""

    def __init__(self, problem: Problem, model: Model) -> None:
        self.problem, self.model = problem, model
        self.sources = Sources.of(problem)
        loss = problem.car.standing_loss_w / problem.car.watts(1)
        self.loss_quarters = round(4 * loss)
        self.loss_amps = self.loss_quarters / 4 if model is Model.LEVELS else loss
        self.horizon = horizon_of(problem)
        self.tails = [
            Window(d.at - timedelta(minutes=d.warm_minutes), d.at)
            for d in problem.wishes.deadlines
            if d.warm_minutes
        ]
        # slots that end at or before this mark offer few currents
        self.five_minutes = -int(problem.now.timestamp()) % FIVE_MINUTES
        self._known: dict[tuple[int, int, bool], Slot] = {}

    def grid(
        self,
        horizon: datetime,
        *,
        extra: Iterable[datetime] = (),
        exempt_until: datetime | None = None,
    ) -> Grid:
        """Return the grid without targets. Slots up to `exempt_until` know no price cap and no earliest start."""
        problem, model = self.problem, self.model
        exempt = 0
        if exempt_until is not None:
            exempt = int((exempt_until - problem.now).total_seconds())
        slots = []
        for start, end in pairwise(borders(problem, model, horizon, extra)):
            key = start, end, start < exempt
            slot = self._known.get(key)
            if slot is None:
                slot = self._known[key] = self._slot(start, end, exempt=start < exempt)
            slots.append(slot)
        limit = problem.car.kwh_to(problem.car.limit)
        slots = _fit_forced(problem, model, slots, limit)
        last_forced = max((place + 1 for place, slot in enumerate(slots) if slot.forced), default=0)
        return Grid(
            problem, model, tuple(slots), (), (), 0.0, limit, last_forced, self.loss_quarters
        )

    def _slot(self, start: int, end: int, *, exempt: bool) -> Slot:
        """Return the slot between two cuts."""
        problem, sources = self.problem, self.sources
        car, wishes = problem.car, problem.wishes
        moment = problem.now + timedelta(seconds=start)
        price = sources.prices.at(moment) or self._after_the_prices()
        base = sources.base.at(moment)
        surpluses = surpluses_of(sources.solar.at(moment), base)
        carbon = sources.co2.at(moment)
        co2 = carbon.kg_per_kwh if carbon else 0.0
        top = top_amps(problem, moment, base)
        levels = self._levels(end, top)
        why = None
        if covered(problem.limits.blocked, moment):
            why = SlotReason.BLOCKED
        elif top < MIN_AMPS:
            why = SlotReason.NO_CURRENT
        elif not exempt and wishes.earliest_start is not None and moment < wishes.earliest_start:
            why = SlotReason.TOO_EARLY
        elif not exempt and wishes.price_cap is not None and price.import_price > wishes.price_cap:
            median = surpluses[len(surpluses) // 2][1]
            levels = tuple(amps for amps in levels if car.watts(amps) / 1000 <= median + KWH)
            why = None if levels else SlotReason.ABOVE_CAP
        if why is not None:
            levels = ()
        warm = covered(self.tails, moment)
        # while a missed deadline is caught up with, nothing is forced
        forced = moment < self.horizon and (warm or covered(problem.limits.forced, moment))
        hours = (end - start) / 3600
        kw = car.efficiency * car.watts(1) / 1000
        grid = wishes.grid_minutes
        return Slot(
            start=start,
            end=end,
            levels=levels,
            gains=tuple(kw * (amps - self.loss_amps) * hours for amps in levels),
            costs=self._costs(levels, hours, price, co2, surpluses),
            forced=bool(levels) and forced,
            mark=grid is None or start == 0 or int(moment.timestamp()) % (grid * 60) == 0,
            why_blocked=why,
            top=top,
            price=price,
            co2=co2,
            surpluses=surpluses,
            warm=warm,
        )

    def _costs(
        self,
        levels: tuple[int, ...],
        hours: float,
        price: PriceSlot,
        co2: float,
        surpluses: tuple[tuple[float, float], ...],
    ) -> tuple[float, ...]:
        """Return what a slot costs at each current."""
        paid = price.import_price + self.problem.costs.per_kg_co2 * co2
        earned = price.export_price or 0.0
        each = self.problem.car.watts(1) / 1000
        if not any(sun for _, sun in surpluses):
            return tuple(hours * paid * each * amps for amps in levels)
        return tuple(
            hours
            * sum(
                weight * (paid * max(0.0, each * amps - sun) + earned * min(each * amps, sun))
                for weight, sun in surpluses
            )
            for amps in levels
        )

    def _levels(self, end: int, top: int) -> tuple[int, ...]:
        """Return the currents that the model has in a slot."""
        if top < MIN_AMPS:
            return ()
        if self.model is Model.ON_OFF:
            return (top,)
        if end <= self.five_minutes:
            running = self.problem.state.amps
            return (running, top) if MIN_AMPS <= running < top else (top,)
        return tuple(range(MIN_AMPS, top + 1))

    def _after_the_prices(self) -> PriceSlot:
        """Return the price that is estimated after the end of the prices: the last one."""
        last = self.problem.prices.slots[-1]
        return PriceSlot(
            last.end,
            last.end + timedelta(days=7),
            last.import_price,
            last.export_price,
            Certainty.ESTIMATED,
            last.source,
        )


def _fit_forced(problem: Problem, model: Model, slots: list[Slot], limit: float) -> list[Slot]:
    """Return the slots with only so many forced ones, the last, as fit below the car's limit."""
    room = limit + KWH
    fitted: list[Slot] = []
    for slot in reversed(slots):
        if not slot.forced:
            fitted.append(slot)
        elif slot.gains[0] <= room:
            room -= slot.gains[0]
            fitted.append(slot)
        else:
            whole = model is Model.LEVELS or problem.wishes.grid_minutes is not None
            cut = slot.end if whole else slot.end - math.floor(room / slot.gains[0] * slot.seconds)
            fitted += [
                part(slot, at, until, forced=at >= cut)
                for at, until in ((cut, slot.end), (slot.start, cut))
                if until > at
            ]
            room = 0.0
    return fitted[::-1]
