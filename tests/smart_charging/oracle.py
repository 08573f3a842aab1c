"""The plain way to the best plan: try everything, slot by slot. Slow, and nothing in it is shared with the planner but the slots.

M1 needs problems whose energies are whole multiples of a unit: then some best plan has whole shares of it.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
import math

from custom_components.tesla_charging.smart_charging.cutting import Cutter, horizon_of
from custom_components.tesla_charging.smart_charging.model import Model, Problem
from custom_components.tesla_charging.smart_charging.slots import Slot

NO = math.inf
SAME = 1e-8


@dataclass
class Oracle:
    """All plans of a row of slots."""

    problem: Problem
    model: Model
    slots: tuple[Slot, ...]
    goals: dict[int, float]
    """Energy needed by the end of so many slots."""
    target: float
    unit: float
    count_only: int | None = None
    """Instead of the least cost, find the most energy after so many slots (as a negative cost)."""

    def caps(self) -> list[float]:
        wishes, limit = self.problem.wishes, self.problem.car.kwh_to(self.problem.car.limit)
        caps = []
        for place, slot in enumerate(self.slots):
            later = sum(s.gains[0] for s in self.slots[place + 1 :] if s.forced)
            most = limit if slot.forced or wishes.value_above_target else self.target
            caps.append(min(most, limit - later))
        return caps

    def least(self) -> float:  # noqa: C901
        """Return the least cost of all plans."""
        slots, car, wishes = self.slots, self.problem.car, self.problem.wishes
        costs, state = self.problem.costs, self.problem.state
        caps, goals, count_only = self.caps(), self.goals, self.count_only
        last_forced = max((k + 1 for k, s in enumerate(slots) if s.forced), default=0)
        continuous = self.model is Model.ON_OFF and not wishes.grid_minutes
        min_on, min_off = wishes.min_on_minutes * 60, wishes.min_off_minutes * 60
        money = 0.0 if count_only is not None else costs.factor
        sleep = costs.sleep_after_minutes * 60
        before = 10**6 if state.since is None else (self.problem.now - state.since).total_seconds()
        value = wishes.value_above_target
        change = costs.change
        if continuous:
            change = min(change, costs.start + costs.stop + costs.wake_up)

        def energy_cost(slot: Slot, index: int) -> float:
            return 0.0 if count_only is not None else slot.costs[index]

        def allowed(amps: int, n: float) -> bool:
            return all(amps <= step.amps or n < car.kwh_to(step.level) - SAME for step in car.taper)

        def end(n: float) -> float:
            return 0.0 if count_only is not None else -value * max(0.0, n - self.target)

        @cache
        def rest(  # noqa: C901
            place: int, n: float, amps: int, age: float, left: int, ran: bool
        ) -> float:
            """Return the least cost from a border on. `amps` 0: off for `age`; `ran`: a further start follows a stop."""
            if n < goals.get(place, 0.0) - SAME:
                return NO
            if count_only == place:
                return -n
            if place == len(slots):
                return end(n)
            slot = slots[place]
            sec, full = slot.seconds, n >= caps[place] - SAME
            nothing_here = not slot.levels or full
            best = NO
            # off in this slot
            if not slot.forced:
                if not amps:
                    best = rest(place + 1, n, 0, age + sec, left, ran)
                elif nothing_here or (slot.mark and age >= min_on):
                    if place == 0:
                        stop = costs.stop * money
                        best = stop + rest(place + 1, n, 0, sec, left, False)
                    else:
                        best = rest(place + 1, n, 0, sec, left, True)
            if nothing_here and not (slot.forced and slot.levels):
                return best
            if full and not (slot.forced and continuous):
                return best
            block = 1 if wishes.max_blocks is not None and not slot.forced else 0
            for index, level in enumerate(slot.levels):
                if not allowed(level, n):
                    continue
                fee, used, new_age = 0.0, 0, age + sec
                if amps:
                    fee = change * money if level != amps else 0.0
                    used = block if place == 0 else 0
                if amps and left >= used:
                    best = min(best, self_on(place, n, index, fee, new_age, left - used, ran, amps))
                if amps and not place and continuous and not slot.forced and left >= block:
                    # stopped at now, and on at the end of the first slot
                    fee = (costs.stop + costs.start + costs.wake_up) * money
                    best = min(best, self_on(place, n, index, fee, sec, left - block, False, 0))
                if not amps and (slot.forced or (slot.mark and age >= min_off and left >= block)):
                    woken = self.model is not Model.LEVELS or age >= sleep
                    fee = (costs.start + (costs.wake_up if woken else 0.0)) * money
                    fee += costs.stop * money if ran else 0.0
                    best = min(best, self_on(place, n, index, fee, sec, left - block, False, 0))
            return best

        def self_on(
            place: int,
            n: float,
            index: int,
            fee: float,
            age: float,
            left: int,
            ran: bool,
            amps: int,
        ) -> float:
            slot, cap = slots[place], caps[place]
            gain, cost, level = slot.gains[index], energy_cost(slot, index), slot.levels[index]
            if continuous:
                whole = rest(place + 1, round(n + gain, 9), level, age, left, ran) + fee + cost
                if slot.forced:
                    return whole
                best = whole if n + gain <= cap + SAME else NO
                units = math.floor(min(gain, cap - n) / self.unit + 1e-6)
                for k in range(1, units + 1):
                    x = k * self.unit
                    if x > gain - SAME:
                        break
                    part = fee + cost * x / gain
                    after = round(n + x, 9)
                    if not amps:  # late, and on at the border
                        best = min(best, part + rest(place + 1, after, level, age, left, False))
                    else:  # early, and off at the border
                        best = min(best, part + rest(place + 1, after, 0, 0, left, True))
                return best
            drawn = min(gain, cap - n)
            best = (
                fee
                + cost * drawn / gain
                + rest(place + 1, round(n + drawn, 9), level, age, left, ran)
            )
            low = self.target
            if (
                value
                and place >= last_forced
                and (age >= min_on or place + 1 == len(slots) or not slots[place + 1].levels)
                and n < low - SAME
                and n + gain > low + SAME
                and all(energy <= low + SAME for energy in goals.values())
                and count_only is None
            ):
                best = min(best, fee + cost * (low - n) / gain + end(low))
            return best

        age = before
        return rest(0, 0.0, state.amps, age, wishes.max_blocks or 0, False)


def answer(  # noqa: C901
    problem: Problem, model: Model, unit: float
) -> tuple[float, list[tuple[float, float]]]:
    """Return the least cost and the goals (seconds, energy), by the words of docs/planner.md."""
    car, wishes, now = problem.car, problem.wishes, problem.now
    limit = car.kwh_to(car.limit)
    horizon, cutter = horizon_of(problem), Cutter(problem, model)
    goals: list[tuple[float, float]] = []
    exempt = None
    whole = model is Model.LEVELS or wishes.grid_minutes is not None

    def try_all(
        extra: list[tuple[float, float]], until: float | None = None, count: float | None = None
    ) -> float:
        """Return the least cost with the goals so far and more, or the most energy by a moment as a negative number."""
        every = goals + extra
        last = max([horizon, *(now + timedelta(seconds=s) for s, _ in every)])
        grid = cutter.grid(
            last,
            extra=[now + timedelta(seconds=s) for s, _ in every],
            exempt_until=exempt if until is None else now + timedelta(seconds=until),
        )
        needed: dict[int, float] = {}
        for second, energy in every:
            if count is not None and (second, energy) in extra:
                continue
            k = sum(1 for slot in grid.slots if slot.end <= second)
            needed[k] = max(needed.get(k, 0.0), energy)
        target = max([0.0, *(energy for _, energy in every)])
        only = None
        if count is not None:
            only = sum(1 for slot in grid.slots if slot.end <= count)
        return Oracle(problem, model, grid.slots, needed, target, unit, only).least()

    def soonest(after: float, energy: float, until: bool) -> float | None:
        last = now + timedelta(seconds=after + 48 * 3600)
        grid = cutter.grid(last, exempt_until=last if until else exempt)
        ends = sorted({after, *(s.end for s in grid.slots if s.end > after)}) if whole else None
        candidates = ends or [after + k for k in range(4 * 3600)]
        # what can be reached by a moment can be reached later as well
        low, high = 0, 1
        while high < len(candidates):
            second = candidates[high]
            if try_all([(second, energy)], after + 48 * 3600 if until else None) < NO:
                break
            low, high = high + 1, 2 * high + 1
        high = min(high, len(candidates))
        while low < high:
            middle = (low + high) // 2
            second = candidates[middle]
            if try_all([(second, energy)], after + 48 * 3600 if until else None) < NO:
                high = middle
            else:
                low = middle + 1
        return candidates[low] if low < len(candidates) else None

    minimum = min(car.kwh_to(wishes.minimum_level or 0), limit)
    if minimum > SAME:
        second = soonest(0, minimum, True)
        if second is not None:
            exempt = now + timedelta(seconds=second)
            goals.append((second, minimum))
    short = []
    for deadline in sorted(wishes.deadlines, key=lambda d: (max(d.at, now), d.level)):
        second = max(0.0, (deadline.at - now).total_seconds())
        wanted = min(car.kwh_to(deadline.level), limit)
        most = -try_all([(second, wanted)], count=second)
        low, high = 0.0, min(most, wanted)
        if try_all([(second, high)]) == NO:
            while high - low > 1e-9:
                middle = (low + high) / 2
                low, high = (middle, high) if try_all([(second, middle)]) < NO else (low, middle)
            most = low
        if min(most, wanted) > SAME:
            goals.append((second, min(most, wanted)))
        if most < wanted - SAME:
            short.append((second, wanted))
    for second, wanted in short:
        found = soonest(second, wanted, False)
        if found is not None:
            goals.append((found, wanted))
    return try_all([]), goals
