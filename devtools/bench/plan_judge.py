"""Recomputes what a plan costs and whether it keeps the rules of docs/planner.md; written from that page alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
import math

from custom_components.tesla_charging.smart_charging.model import MIN_AMPS, Model, Problem
from custom_components.tesla_charging.smart_charging.result import Plan
from custom_components.tesla_charging.smart_charging.series import Window

SAME = 1e-9
"""kWh below which two energies are the same."""
WEIGHTS = (0.3, 0.4, 0.3)


class RuleBroken(AssertionError):
    """A plan that is not allowed."""


@dataclass(slots=True)
class Slot:
    """A slot with all that can be done in it."""

    start: datetime
    end: datetime
    gain: dict[int, float]
    """Energy into the battery, kWh, by allowed current; empty where the slot is blocked."""
    cost: dict[int, float]
    forced: bool = False
    cap: float = 0.0
    """Energy in the battery above which it is not filled."""

    @property
    def top(self) -> int:
        """Return the highest current, 0 where the slot is blocked."""
        return max(self.gain, default=0)

    @property
    def blocked(self) -> bool:
        """Whether nothing can be done in it."""
        return not self.gain


@dataclass(slots=True)
class World:
    """A problem, cut into slots, with hard targets."""

    problem: Problem
    model: Model
    slots: list[Slot]
    targets: list[tuple[int, float]]
    """How many slots have passed by then, and the energy that is needed, kWh."""
    target: float
    """The highest of them."""
    limit: float

    @property
    def whole(self) -> bool:
        """Whether slots are on or off as a whole."""
        return self.model is Model.LEVELS or self.problem.wishes.grid_minutes is not None

    @property
    def charging(self) -> bool:
        """Whether the car charges at now."""
        return self.problem.state.amps > 0

    def on_grid(self, moment: datetime) -> bool:
        """Whether a run may begin or end at a moment as far as the grid of minutes goes."""
        grid = self.problem.wishes.grid_minutes
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        return grid is None or seconds % (grid * 60) == 0

    def off_at_now(self, moment: datetime) -> float:
        """Return for how many seconds the car is off at a moment if it is off from now on."""
        since = self.problem.state.since
        if self.charging:
            return (moment - self.problem.now).total_seconds()
        return math.inf if since is None else (moment - since).total_seconds()

    def on_at_now(self) -> float:
        """Return for how many seconds the car has charged at now; infinite if that is long."""
        since = self.problem.state.since
        return math.inf if since is None else (self.problem.now - since).total_seconds()


def energy_of(problem: Problem, level: float) -> float:
    """Return the energy from the level now to another, kWh in the battery."""
    return max(0.0, (level - problem.car.level) / 100 * problem.car.capacity_kwh)


def level(result: World, energy: float) -> float:
    """Return the level at an energy counted from now, percent."""
    return result.problem.car.level + energy / result.problem.car.capacity_kwh * 100


def world(problem: Problem, plan: Plan) -> World:
    """Cut a problem into slots; targets and horizon are those of the plan, which are checked elsewhere."""
    horizon = plan.slots[-1].end
    targets = [(target.at, target.kwh) for target in plan.targets]
    limit = energy_of(problem, problem.car.limit)
    exempt = problem.now
    if problem.wishes.minimum_level is not None:
        least = min(energy_of(problem, problem.wishes.minimum_level), limit)
        reached = [at for at, kwh in targets if abs(kwh - least) <= SAME]
        if least > 0 and reached:
            exempt = min(reached)
    moments = [at for at, _ in targets]
    slots = _slots(problem, plan.model, horizon, moments, exempt)
    result = World(problem, plan.model, slots, [], max((k for _, k in targets), default=0.0), limit)
    _force(result)
    ends = [slot.end for slot in result.slots]
    result.targets = [(sum(end <= at for end in ends), kwh) for at, kwh in targets]
    return result


def _slots(
    problem: Problem,
    model: Model,
    horizon: datetime,
    moments: Iterable[datetime],
    exempt: datetime,
) -> list[Slot]:
    now, wishes, limits = problem.now, problem.wishes, problem.limits
    cuts = {now, horizon, *moments}
    rows: list[Sequence[Window]] = [problem.prices.slots, limits.reserved, limits.ceilings]
    rows += [limits.blocked, limits.forced]
    rows += [series.slots for series in (problem.solar, problem.base_load, problem.co2) if series]
    cuts |= {moment for row in rows for window in row for moment in (window.start, window.end)}
    for deadline in wishes.deadlines:
        cuts |= {deadline.at, deadline.at - timedelta(minutes=deadline.warm_minutes)}
    if wishes.earliest_start is not None:
        cuts.add(wishes.earliest_start)
    if wishes.grid_minutes is not None:
        cuts |= set(_multiples(now, horizon, wishes.grid_minutes))
    five = None
    if model is Model.LEVELS:
        cuts |= set(_multiples(now, horizon, 15))
        marks = [m for m in _multiples(now, now + timedelta(minutes=10), 5) if m >= now]
        if marks[0] > now:
            five = marks[0]
            cuts.add(five)
    borders = sorted(cut for cut in cuts if now <= cut <= horizon)
    return [_slot(problem, model, start, end, exempt, five) for start, end in pairwise(borders)]


def _multiples(start: datetime, end: datetime, minutes: int) -> list[datetime]:
    midnight = start.replace(hour=0, minute=0, second=0)
    step = timedelta(minutes=minutes)
    count = (end - midnight) // step
    return [midnight + k * step for k in range(count + 1) if midnight + k * step >= start]


def _at[W: Window](row: Sequence[W] | None, moment: datetime) -> list[W]:
    return [window for window in row or () if window.start <= moment < window.end]


def _slot(
    problem: Problem,
    model: Model,
    start: datetime,
    end: datetime,
    exempt: datetime,
    five: datetime | None,
) -> Slot:
    car, wishes, limits = problem.car, problem.wishes, problem.limits
    hours = (end - start).total_seconds() / 3600
    price = (_at(problem.prices.slots, start) or [problem.prices.slots[-1]])[0]
    sun = _at(problem.solar.slots if problem.solar else None, start)
    base = _at(problem.base_load.slots if problem.base_load else None, start)
    suns = _three(sun[0].median, sun[0].low, sun[0].high) if sun else (0.0, 0.0, 0.0)
    bases = _three(base[0].median, base[0].low, base[0].high) if base else (0.0, 0.0, 0.0)
    tops = [float(car.max_amps), *(window.amps for window in _at(limits.ceilings, start))]
    if limits.fuse is not None:
        taken = sum(window.amps for window in _at(limits.reserved, start))
        tops.append(limits.fuse.amps - bases[2] / (car.volts * limits.fuse.phases) - taken)
    top = math.floor(min(tops) + 1e-9)
    amps = list(range(MIN_AMPS, top + 1)) if model is Model.LEVELS else [top]
    if five is not None and end <= five:
        amps = [a for a in amps if a in {top, problem.state.amps}]
    if top < MIN_AMPS or _at(limits.blocked, start):
        amps = []
    if end > exempt:
        if wishes.earliest_start is not None and start < wishes.earliest_start:
            amps = []
        if wishes.price_cap is not None and price.import_price > wishes.price_cap:
            surplus = max(0.0, suns[1] - bases[1])
            amps = [a for a in amps if car.watts(a) <= surplus + 1e-9]
    loss = car.standing_loss_w
    if model is Model.LEVELS:
        unit = car.volts * car.phases
        loss = unit * round(4 * loss / unit) / 4
    gain = {a: car.efficiency * (car.watts(a) - loss) / 1000 * hours for a in amps}
    carbon = _at(problem.co2.slots if problem.co2 else None, start)
    dear = problem.costs.per_kg_co2 * (carbon[0].kg_per_kwh if carbon else 0.0)
    paid, earned = price.import_price + dear, price.export_price or 0.0
    wide = (sun and sun[0].low is not None) or (base and base[0].low is not None)
    cases = (
        [(1.0, max(0.0, suns[1] - bases[1]))]
        if not wide
        else list(
            zip(
                WEIGHTS,
                (
                    max(0.0, suns[0] - bases[2]),
                    max(0.0, suns[1] - bases[1]),
                    max(0.0, suns[2] - bases[0]),
                ),
                strict=True,
            )
        )
    )
    cost = {}
    for a in amps:
        kw = car.watts(a) / 1000
        cost[a] = sum(
            weight * hours * (paid * max(0.0, kw - s / 1000) + earned * min(kw, s / 1000))
            for weight, s in cases
        )
    forced = bool(_at(limits.forced, start)) or any(
        deadline.at - timedelta(minutes=deadline.warm_minutes) <= start < deadline.at
        for deadline in wishes.deadlines
    )
    last = max((deadline.at for deadline in wishes.deadlines), default=None)
    forced &= last is None or start < last
    return Slot(start, end, gain, cost, forced and bool(amps))


def _three(median: float, low: float | None, high: float | None) -> tuple[float, float, float]:
    return (median if low is None else low, median, median if high is None else high)


def _force(result: World) -> None:
    """Keep the forced slots that fit below the limit, and set the caps."""
    after, fits = 0.0, True
    caps_after: list[float] = []
    slots = result.slots
    index = len(slots) - 1
    while index >= 0:
        slot = slots[index]
        caps_after.insert(0, after)
        if slot.forced:
            amps = min(slot.gain) if result.model is Model.LEVELS else slot.top
            energy = slot.gain[amps]
            if fits and after + energy <= result.limit + SAME:
                after += energy
            elif fits and not result.whole:
                fits = False
                slot.forced = False
                span = (slot.end - slot.start).total_seconds()
                seconds = math.floor((result.limit - after) / energy * span + 1e-6)
                if seconds:
                    share = seconds / span
                    at = slot.end - timedelta(seconds=seconds)
                    later = Slot(
                        at, slot.end, _part(slot.gain, share), _part(slot.cost, share), True
                    )
                    slots[index] = Slot(
                        slot.start, at, _part(slot.gain, 1 - share), _part(slot.cost, 1 - share)
                    )
                    slots.insert(index + 1, later)
                    after += energy * share
                    caps_after.insert(0, after)
            else:
                slot.forced = False
                fits = False
        index -= 1
    value = result.problem.wishes.value_above_target > 0
    for slot, later_energy in zip(slots, caps_after, strict=True):
        room = result.limit - later_energy
        slot.cap = room if slot.forced or value else min(result.target, room)


def _part(table: dict[int, float], share: float) -> dict[int, float]:
    return {amps: value * share for amps, value in table.items()}


@dataclass(slots=True)
class Run:
    """A time without a break in which charging is on."""

    first: int
    begin: datetime
    end: datetime
    goes_on: bool = False
    """It goes on from before now."""
    changes: int = 0
    slots: list[int] = field(default_factory=list)


def judge_whole(result: World, amps: Sequence[int]) -> float:
    """Return what whole slots at these currents cost, cut at the target or not; RuleBroken if neither is allowed."""
    runs = _runs(result, amps)
    last = runs[-1].slots[-1] if runs else None
    forced_later = last is not None and any(s.forced for s in result.slots[last:])
    choices: list[int | None] = [None]
    if result.problem.wishes.value_above_target > 0 and last is not None and not forced_later:
        choices.append(last)
    costs, broken = [], RuleBroken("no plan")
    for cut in choices:
        try:
            drawn, cost = _draw(result, amps, cut)
            _check_runs(result, amps, runs, drawn, cut)
        except RuleBroken as found:
            broken = broken if cut is not None else found
        else:
            costs.append(cost - _value(result, drawn[-1]))
    if not costs:
        raise broken
    return min(costs) + _switching(result, runs)


def _draw(result: World, amps: Sequence[int], cut: int | None) -> tuple[list[float], float]:
    """Return the energy at each border, and the cost of all slots, of which one may be cut at the target."""
    cost, totals = 0.0, [0.0]
    for t, (slot, a) in enumerate(zip(result.slots, amps, strict=True)):
        n = totals[-1]
        if slot.forced and not a:
            raise RuleBroken(f"forced slot {t} is off")
        if not a:
            totals.append(n)
            continue
        if a not in slot.gain:
            raise RuleBroken(f"slot {t} at {a} A is not allowed: {sorted(slot.gain)}")
        for step in result.problem.car.taper:
            if level(result, n) >= step.level - 1e-7 and a > step.amps:
                raise RuleBroken(f"slot {t} at {a} A in spite of the taper")
        if not slot.forced and n >= slot.cap - SAME:
            raise RuleBroken(f"slot {t} is on above its cap")
        cap = slot.cap
        if t == cut:
            if not n < result.target - SAME or n + slot.gain[a] <= result.target + SAME:
                raise RuleBroken(f"slot {t} cannot be cut at the target")
            cap = min(cap, result.target)
        energy = max(0.0, min(slot.gain[a], cap - n))
        cost += slot.cost[a] * energy / slot.gain[a]
        totals.append(n + energy)
    return totals, cost


def _runs(result: World, amps: Sequence[int]) -> list[Run]:
    runs: list[Run] = []
    before = result.problem.state.amps
    for t, (slot, a) in enumerate(zip(result.slots, amps, strict=True)):
        if a and (not before or not t):
            runs.append(Run(t, slot.start, slot.end, goes_on=not t and before > 0))
        if a:
            run = runs[-1]
            run.end = slot.end
            run.slots.append(t)
            run.changes += bool(before) and before != a
        before = a
    return runs


def _check_runs(
    result: World,
    amps: Sequence[int],
    runs: Sequence[Run],
    totals: Sequence[float],
    last_cut: int | None,
) -> None:
    wishes, slots = result.problem.wishes, result.slots
    for index, kwh in result.targets:
        if totals[index] < kwh - SAME:
            raise RuleBroken(f"{totals[index]} kWh instead of {kwh} after {index} slots")
    if wishes.max_blocks is not None and sum(not slots[r.first].forced for r in runs) > (
        wishes.max_blocks
    ):
        raise RuleBroken("too many blocks")
    stopped = result.charging and not amps[0]
    early = result.on_at_now() < wishes.min_on_minutes * 60
    if stopped and early and not _offers_nothing(result, 0, totals):
        raise RuleBroken("stopped at now too early")
    previous_end: datetime | None = None
    for run in runs:
        if not run.goes_on:
            off = (
                result.off_at_now(run.begin)
                if previous_end is None
                else (run.begin - previous_end).total_seconds()
            )
            if off < wishes.min_off_minutes * 60 and not slots[run.first].forced:
                raise RuleBroken(f"on again after {off} s")
            if run.first and not result.on_grid(run.begin) and not slots[run.first].forced:
                raise RuleBroken(f"a run begins beside the grid at {run.begin}")
        on = (run.end - run.begin).total_seconds() + (result.on_at_now() if run.goes_on else 0.0)
        following = run.slots[-1] + 1
        free = _offers_nothing(result, following, totals)
        if on < wishes.min_on_minutes * 60 and not free:
            raise RuleBroken(f"off after {on} s")
        if not result.on_grid(run.end) and not free and run.slots[-1] != last_cut:
            raise RuleBroken(f"a run ends beside the grid at {run.end}")
        previous_end = run.end


def _offers_nothing(result: World, index: int, totals: Sequence[float]) -> bool:
    if index >= len(result.slots):
        return True
    slot = result.slots[index]
    return slot.blocked or (not slot.forced and totals[index] >= slot.cap - SAME)


def _switching(result: World, runs: Sequence[Run]) -> float:
    costs, wakes = result.problem.costs, 0
    previous: datetime | None = None
    for run in runs:
        if not run.goes_on:
            off = (
                result.off_at_now(run.begin)
                if previous is None
                else (run.begin - previous).total_seconds()
            )
            wakes += result.model is Model.ON_OFF or off >= costs.sleep_after_minutes * 60
        previous = run.end
    starts = sum(not run.goes_on for run in runs)
    stopped = result.charging and not any(run.goes_on for run in runs)
    stops = max(0, len(runs) - 1) + stopped
    change = costs.change
    if result.model is Model.ON_OFF and not result.whole:
        change = min(change, costs.start + costs.stop + costs.wake_up)
    return costs.factor * (
        costs.start * starts
        + costs.stop * stops
        + change * sum(run.changes for run in runs)
        + costs.wake_up * wakes
    )


def _value(result: World, energy: float) -> float:
    return result.problem.wishes.value_above_target * max(0.0, energy - result.target)


def judge_shares(result: World, parts: Sequence[tuple[float, float]]) -> float:
    """Return what M1 without a grid costs: of each slot the part from a share to a share of its time is on."""
    n, cost, totals = 0.0, 0.0, [0.0]
    runs: list[Run] = []
    before = result.charging
    amps = result.problem.state.amps
    for t, (slot, (low, high)) in enumerate(zip(result.slots, parts, strict=True)):
        share = high - low
        if slot.forced and share < 1 - 1e-9:
            raise RuleBroken(f"forced slot {t} is not on")
        if share > 1e-12:
            if slot.blocked:
                raise RuleBroken(f"slot {t} is blocked")
            n += share * slot.gain[slot.top]
            cost += share * slot.cost[slot.top]
            if n > slot.cap + 1e-8:
                raise RuleBroken(f"slot {t} goes above its cap: {n} > {slot.cap}")
            span = slot.end - slot.start
            begin, end = slot.start + span * low, slot.start + span * high
            if before and low <= 1e-12:
                if runs:
                    run = runs[-1]
                else:
                    run = Run(t, begin, end, goes_on=True)
                    runs.append(run)
                run.changes += amps != slot.top
                run.end = end
            else:
                run = Run(t, begin, end)
                runs.append(run)
            run.slots.append(t)
            amps = slot.top
        before = share > 1e-12 and high >= 1 - 1e-12
        totals.append(n)
    for index, kwh in result.targets:
        if totals[index] < kwh - SAME:
            raise RuleBroken(f"{totals[index]} kWh instead of {kwh} after {index} slots")
    most = result.problem.wishes.max_blocks
    if most is not None and sum(not result.slots[r.first].forced for r in runs) > most:
        raise RuleBroken("too many blocks")
    return cost + _switching(result, runs) - _value(result, n)


def judge(problem: Problem, plan: Plan) -> float:
    """Return what a plan costs; RuleBroken if it keeps not all rules."""
    result = world(problem, plan)
    if result.whole:
        amps: list[int] = []
        for slot in result.slots:
            at = next(s for s in plan.slots if s.start <= slot.start < s.end)
            on = at.on_until > at.on_from
            amps.append(at.amps if on else 0)
        return judge_whole(result, amps)
    parts = []
    for slot in result.slots:
        at = next(s for s in plan.slots if s.start <= slot.start < s.end)
        on = at.on_until > at.on_from and at.on_until > slot.start and at.on_from < slot.end
        share = min(1.0, at.battery_kwh / slot.gain[slot.top]) if on and slot.gain else float(on)
        parts.append((1 - share, 1.0) if at.on_from > slot.start else (0.0, share))
    return judge_shares(result, parts)
