"""The best plan as a mixed-integer programme for HiGHS, written from docs/planner.md alone."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
import math
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, vstack

from custom_components.tesla_charging.smart_charging.model import Model

from .plan_judge import World, energy_of, judge_whole

EPSILON = 2e-4
"""kWh by which an energy has to be away from a border to be on one side of it."""


@dataclass(slots=True)
class Programme:
    """Variables and rows of a mixed-integer programme, to be minimised."""

    cost: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    rows: list[tuple[Mapping[int, float], float, float]] = field(default_factory=list)

    def real(self, low: float = 0.0, high: float = math.inf, cost: float = 0.0) -> int:
        """Add a variable."""
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(0)
        return len(self.cost) - 1

    def binary(self, cost: float = 0.0) -> int:
        """Add a variable that is 0 or 1."""
        index = self.real(0.0, 1.0, cost)
        self.whole[index] = 1
        return index

    def row(self, low: float, high: float, *terms: tuple[float, int]) -> None:
        """Add: low <= sum of factor x variable <= high."""
        summed: dict[int, float] = defaultdict(float)
        for factor, index in terms:
            summed[index] += factor
        self.rows.append((summed, low, high))

    def at_least(self, low: float, *terms: tuple[float, int]) -> None:
        """Add: sum >= low."""
        self.row(low, math.inf, *terms)

    def at_most(self, high: float, *terms: tuple[float, int]) -> None:
        """Add: sum <= high."""
        self.row(-math.inf, high, *terms)

    def matrix(self) -> Any:
        """Return the rows as a sparse matrix."""
        data, columns, starts = [], [], [0]
        for terms, _, _ in self.rows:
            columns += list(terms)
            data += list(terms.values())
            starts.append(len(columns))
        return csr_matrix((data, columns, starts), shape=(len(self.rows), len(self.cost)))

    def solve(self, seconds: float, *, presolve: bool) -> Any:
        """Solve it with HiGHS."""
        return milp(
            np.array(self.cost),
            integrality=np.array(self.whole),
            bounds=Bounds(np.array(self.low), np.array(self.high)),
            constraints=LinearConstraint(
                self.matrix(), [low for _, low, _ in self.rows], [high for *_, high in self.rows]
            ),
            options={"time_limit": seconds, "mip_rel_gap": 0.0, "presolve": presolve},
        )

    def solve_rest(self, solution: Any) -> Any:
        """Solve it again with all binaries as they are, rounded, more exactly."""
        low, high = np.array(self.low), np.array(self.high)
        for index, whole in enumerate(self.whole):
            if whole:
                low[index] = high[index] = round(solution[index])
        matrix = self.matrix()
        lows = np.array([low for _, low, _ in self.rows])
        highs = np.array([high for *_, high in self.rows])
        finite_low, finite_high = np.isfinite(lows), np.isfinite(highs)
        above = vstack([matrix[finite_high], -matrix[finite_low]])
        return linprog(
            np.array(self.cost),
            A_ub=above,
            b_ub=np.concatenate([highs[finite_high], -lows[finite_low]]),
            bounds=list(zip(low, high, strict=True)),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )


@dataclass(frozen=True, slots=True)
class Solved:
    """What HiGHS found."""

    objective: float
    """Recomputed by the judge, binaries rounded."""
    bound: float
    proven: bool


def solve(world: World, seconds: float = 60.0, *, presolve: bool = True) -> Solved | None:
    """Return the best plan of a world; None if there is none, or none was found in time."""
    solve_world = _solve_whole if world.whole else _solve_shares
    return solve_world(world, seconds, presolve=presolve)


def _solve_whole(world: World, seconds: float, *, presolve: bool) -> Solved | None:
    programme = Programme()
    on = whole_slots(programme, world)
    found = programme.solve(seconds, presolve=presolve)
    if found.x is None:
        return None
    amps = [next((a for a, index in levels.items() if found.x[index] > 0.5), 0) for levels in on]
    return Solved(judge_whole(world, amps), found.mip_dual_bound, found.status == 0)


def whole_slots(p: Programme, world: World) -> list[dict[int, int]]:
    """Build the programme for whole slots; return the binaries by slot and current."""
    problem, slots = world.problem, world.slots
    wishes, costs = problem.wishes, problem.costs
    factor = costs.factor
    big = world.limit + sum(max(slot.gain.values(), default=0.0) for slot in slots) + 1
    levels = [{a: p.binary() for a in slot.gain} for slot in slots]
    shares = [{a: p.real(0.0, 1.0, slot.cost[a]) for a in slot.gain} for slot in slots]
    totals = [p.real(0.0, 0.0)] + [p.real(0.0, big) for _ in slots]
    starts = [p.binary(costs.start * factor) for _ in slots]
    changes = [p.real(0.0, 1.0, costs.change * factor) for _ in slots]
    wakes = [p.real(0.0, 1.0, costs.wake_up * factor) for _ in slots]
    stops = p.real(0.0, len(slots) + 1, costs.stop * factor)
    # the draw is cut at the cap; the battery is at the slot's cap at its begin
    cuts = [p.binary() for _ in slots]
    full = [p.binary() for _ in slots]
    value = wishes.value_above_target > 0
    ends_at_target = [
        p.binary() if value and not slot.forced and not any(s.forced for s in slots[t:]) else None
        for t, slot in enumerate(slots)
    ]

    def on(t: int, sign: float = 1.0) -> list[tuple[float, int]]:
        return [(sign, index) for index in levels[t].values()]

    was_on = 1.0 if world.charging else 0.0
    for t, slot in enumerate(slots):
        p.row(1.0 if slot.forced else 0.0, 1.0, *on(t))
        drawn = [(slot.gain[a], shares[t][a]) for a in slot.gain]
        p.row(0.0, 0.0, (1.0, totals[t + 1]), (-1.0, totals[t]), *((-g, i) for g, i in drawn))
        at_target = ends_at_target[t]
        for a, index in levels[t].items():
            p.at_most(0.0, (1.0, shares[t][a]), (-1.0, index))
            cut = [(1.0, cuts[t])] + ([(1.0, at_target)] if at_target is not None else [])
            p.at_least(0.0, (1.0, shares[t][a]), (-1.0, index), *cut)
        # cut at the cap, and never above it
        p.at_least(slot.cap - big, (1.0, totals[t + 1]), (-big, cuts[t]))
        p.at_most(slot.cap + big, (1.0, totals[t + 1]), *on(t, big))
        if not slot.forced:
            p.at_most(slot.cap - EPSILON + big, (1.0, totals[t]), *on(t, big))
        if at_target is not None:
            p.at_least(world.target - big, (1.0, totals[t + 1]), (-big, at_target))
            p.at_most(world.target + big, (1.0, totals[t + 1]), (big, at_target))
            p.at_most(world.target - EPSILON + big, (1.0, totals[t]), (big, at_target))
            p.at_most(0.0, (1.0, at_target), *on(t, -1.0))
            for later in range(t + 1, len(slots)):
                p.at_most(1.0, (1.0, at_target), *on(later))
        # the battery counts as full only if it is
        p.at_least(slot.cap - big, (1.0, totals[t]), (-big, full[t]))
        if slot.forced:
            p.row(0.0, 0.0, (1.0, full[t]))
        before = on(t - 1) if t else []
        fixed = was_on if not t else 0.0
        # starts[t] is exactly on and not on before
        p.at_least(-fixed, (1.0, starts[t]), *on(t, -1.0), *before)
        p.at_most(0.0, (1.0, starts[t]), *on(t, -1.0))
        p.at_most(1.0 - fixed, (1.0, starts[t]), *before)
        _changes(p, world, levels, changes, t)
        _wake_ups(p, world, levels, starts, wakes, t)
    # stops: one less than runs, and one for a running charge that is stopped at now
    goes_on = on(0) if world.charging else []
    runs: list[tuple[float, int]] = [(1.0, s) for s in starts] + goes_on
    stopped = [(-f, i) for f, i in goes_on]
    p.at_least(
        was_on - 1.0, (1.0, stops), *((-f, i) for f, i in runs), *((-f, i) for f, i in stopped)
    )
    p.at_least(was_on, (1.0, stops), *((-f, i) for f, i in stopped))
    if wishes.max_blocks is not None:
        counted = [(1.0, starts[t]) for t, slot in enumerate(slots) if not slot.forced]
        if world.charging and not slots[0].forced:
            counted += on(0)
        p.at_most(wishes.max_blocks, *counted)
    _times(p, world, levels, starts, full, ends_at_target)
    _taper(p, world, levels, totals, big)
    for index, kwh in world.targets:
        p.at_least(kwh, (1.0, totals[index]))
    if value:
        worth = p.real(0.0, big, -wishes.value_above_target)
        above = p.binary()
        p.at_most(0.0, (1.0, worth), (-big, above))
        p.at_most(big - world.target, (1.0, worth), (-1.0, totals[-1]), (big, above))
    return levels


def _changes(
    p: Programme, world: World, levels: list[dict[int, int]], changes: list[int], t: int
) -> None:
    if not t:
        if world.charging:
            other = [(-1.0, i) for a, i in levels[0].items() if a != world.problem.state.amps]
            p.at_least(0.0, (1.0, changes[0]), *other)
        return
    for a, index in levels[t].items():
        others = [(-1.0, i) for b, i in levels[t - 1].items() if b != a]
        p.at_least(-1.0, (1.0, changes[t]), (-1.0, index), *others)


def _wake_ups(
    p: Programme,
    world: World,
    levels: list[dict[int, int]],
    starts: list[int],
    wakes: list[int],
    t: int,
) -> None:
    begin = world.slots[t].start
    # M1 counts a wake-up with every start
    levels_only = world.model is Model.LEVELS
    asleep = world.problem.costs.sleep_after_minutes * 60 if levels_only else 0
    terms: list[tuple[float, int]] = [(1.0, wakes[t]), (-1.0, starts[t])]
    if world.off_at_now(begin) < asleep:
        return
    for before in range(t):
        if (begin - world.slots[before].end).total_seconds() < asleep:
            terms += [(1.0, i) for i in levels[before].values()]
    p.at_least(0.0, *terms)


def _times(
    p: Programme,
    world: World,
    levels: list[dict[int, int]],
    starts: list[int],
    full: list[int],
    ends_at_target: list[int | None],
) -> None:
    """Add the minimum times, and the grid of minutes."""
    slots = world.slots
    on_for = world.problem.wishes.min_on_minutes * 60
    _off_times(p, world, levels, starts)

    def on(t: int, sign: float = 1.0) -> list[tuple[float, int]]:
        return [(sign, index) for index in levels[t].values()]

    for t, slot in enumerate(slots):
        for later in range(t + 1, len(slots)):
            if (slots[later].start - slot.start).total_seconds() >= on_for:
                break
            if slots[later].blocked:
                break
            # the run that began here is still on in the slot before
            p.at_least(
                -1.0, *on(later), (1.0, full[later]), *on(later - 1, -1.0), (-1.0, starts[t])
            )
        if world.charging and on_for:
            on_since = world.on_at_now() + (slot.start - world.problem.now).total_seconds()
            if on_since < on_for and not slot.blocked:
                # the running charge may not end here: on in all slots before is on here
                earlier = [(-1.0, i) for b in range(t) for i in levels[b].values()]
                if all(not slots[b].blocked for b in range(t)):
                    p.at_least(1.0 - t, *on(t), (1.0, full[t]), *earlier)
        grid_free = world.on_grid(slot.start)
        if t and not grid_free:
            if not slot.forced:
                p.row(0.0, 0.0, (1.0, starts[t]))
            if not slot.blocked:
                last = [(1.0, full[t])]
                if (mark := ends_at_target[t - 1]) is not None:
                    last.append((1.0, mark))
                p.at_least(0.0, *on(t), *on(t - 1, -1.0), *last)


def _off_times(p: Programme, world: World, levels: list[dict[int, int]], starts: list[int]) -> None:
    off_for = world.problem.wishes.min_off_minutes * 60
    for t, slot in enumerate(world.slots):
        if not off_for or slot.forced:
            continue
        if world.off_at_now(slot.start) < off_for and (t or not world.charging):
            p.row(0.0, 0.0, (1.0, starts[t]))
        for before in range(t):
            if (slot.start - world.slots[before].end).total_seconds() < off_for:
                p.at_most(1.0, (1.0, starts[t]), *((1.0, i) for i in levels[before].values()))


def _taper(
    p: Programme, world: World, levels: list[dict[int, int]], totals: list[int], big: float
) -> None:
    car = world.problem.car
    for step in car.taper:
        energy = energy_of(world.problem, step.level)
        for t in range(len(world.slots)):
            fast = [(1.0, i) for a, i in levels[t].items() if a > step.amps]
            if not fast:
                continue
            if step.level <= car.level:
                for _, index in fast:
                    p.row(0.0, 0.0, (1.0, index))
                continue
            p.at_most(
                energy - EPSILON + big, (1.0, totals[t]), *((big, index) for _, index in fast)
            )


def _solve_shares(world: World, seconds: float, *, presolve: bool) -> Solved | None:
    """M1 without a grid: any part of a slot, at its begin or at its end, or both."""
    p = Programme()
    slots, problem = world.slots, world.problem
    wishes, costs = problem.wishes, problem.costs
    factor = costs.factor
    change = min(costs.change, costs.start + costs.stop + costs.wake_up) * factor
    start = (costs.start + costs.wake_up) * factor
    big = world.limit + sum(max(slot.gain.values(), default=0.0) for slot in slots) + 1
    x = [p.real(0.0, 0.0 if s.blocked else 1.0, s.cost[s.top] if s.gain else 0.0) for s in slots]
    at_begin = [p.binary() for _ in slots]
    at_end = [p.binary() for _ in slots]
    whole = [p.binary() for _ in slots]
    within = [p.real(0.0, 2.0, start) for _ in slots]
    at_border = [p.real(0.0, 1.0, start) for _ in slots]
    middle = [p.binary() for _ in slots]
    totals = [p.real(0.0, 0.0)] + [p.real(0.0, big) for _ in slots]
    stops = p.real(0.0, 2 * len(slots) + 1, costs.stop * factor)
    was_on = 1.0 if world.charging else 0.0
    for t, slot in enumerate(slots):
        if slot.blocked:
            for index in (at_begin[t], at_end[t], whole[t], middle[t]):
                p.high[index] = 0.0
        if slot.forced:
            p.low[whole[t]] = 1.0
        gain = slot.gain[slot.top] if slot.gain else 0.0
        p.row(0.0, 0.0, (1.0, totals[t + 1]), (-1.0, totals[t]), (-gain, x[t]))
        p.at_least(0.0, (1.0, x[t]), (-1.0, whole[t]))
        p.at_most(0.0, (1.0, whole[t]), (-1.0, at_begin[t]))
        p.at_most(0.0, (1.0, whole[t]), (-1.0, at_end[t]))
        p.at_most(0.0, (1.0, x[t]), (-1.0, at_begin[t]), (-1.0, at_end[t]), (-1.0, middle[t]))
        # a run that begins within the slot: at its end if it is not on as a whole, and in its middle
        p.at_least(0.0, (1.0, within[t]), (-1.0, at_end[t]), (1.0, whole[t]), (-1.0, middle[t]))
        if t:
            p.at_least(0.0, (1.0, at_border[t]), (-1.0, at_begin[t]), (1.0, at_end[t - 1]))
        else:
            p.at_least(-was_on, (1.0, at_border[t]), (-1.0, at_begin[t]))
        for part in (at_begin[t], at_end[t], middle[t]):
            p.at_most(slot.cap + big, (1.0, totals[t + 1]), (big, part))
        if t and slot.top != slots[t - 1].top:
            moment = p.real(0.0, 1.0, change)
            p.at_least(-1.0, (1.0, moment), (-1.0, at_end[t - 1]), (-1.0, at_begin[t]))
    if world.charging and slots[0].top != problem.state.amps:
        p.cost[at_begin[0]] += change
    begins: list[tuple[float, int]] = [(1.0, i) for i in (*within, *at_border)]
    goes_on = [(1.0, at_begin[0])] if world.charging else []
    p.at_least(
        was_on - 1.0,
        (1.0, stops),
        *((-f, i) for f, i in begins),
        *((-f, i) for f, i in goes_on),
        *goes_on,
    )
    p.at_least(was_on, (1.0, stops), *goes_on)
    if wishes.max_blocks is not None:
        counted = [(1.0, i) for i in within]
        counted += [(1.0, at_border[t]) for t, slot in enumerate(slots) if not slot.forced]
        if world.charging and not slots[0].forced:
            counted += goes_on
        p.at_most(wishes.max_blocks, *counted)
    for index, kwh in world.targets:
        p.at_least(kwh, (1.0, totals[index]))
    if wishes.value_above_target > 0:
        worth = p.real(0.0, big, -wishes.value_above_target)
        above = p.binary()
        p.at_most(0.0, (1.0, worth), (-big, above))
        p.at_most(big - world.target, (1.0, worth), (-1.0, totals[-1]), (big, above))
    found = p.solve(seconds, presolve=presolve)
    if found.x is None:
        return None
    exact = p.solve_rest(found.x)
    if exact.x is None:
        return None
    # the switching as the programme counts it: a run of no length is none for the judge
    return Solved(float(exact.fun), found.mip_dual_bound, found.status == 0)
