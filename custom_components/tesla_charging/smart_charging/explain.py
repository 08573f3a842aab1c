"""Why a plan is as it is: a reason for every slot with what another choice would cost, one for now, and comparisons."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .bound import INFINITE, Bound, Priced
from .evaluate import Cost, Use
from .model import MIN_AMPS, Problem
from .modes import NONE
from .result import Explanation, Now, NowReason, Plan, PlanSlot, SlotReason, Totals
from .series import Certainty
from .slots import KWH, Grid
from .solve import Solved

MONEY: Final = 1e-9
CHARGING: Final = {
    SlotReason.CHEAP: NowReason.CHARGING_CHEAP,
    SlotReason.BRIDGE: NowReason.CHARGING_BRIDGE,
    SlotReason.NEEDED: NowReason.CHARGING_NEEDED,
    SlotReason.MINIMUM_LEVEL: NowReason.CHARGING_MINIMUM_LEVEL,
    SlotReason.FORCED: NowReason.CHARGING_FORCED,
    SlotReason.WARM: NowReason.CHARGING_WARM,
    SlotReason.SUN: NowReason.CHARGING_SUN,
    SlotReason.VALUE: NowReason.CHARGING_VALUE,
}
WAITING: Final = {
    SlotReason.BLOCKED: NowReason.WAITING_BLOCKED,
    SlotReason.NO_CURRENT: NowReason.WAITING_NO_CURRENT,
    SlotReason.ABOVE_CAP: NowReason.WAITING_CAP,
    SlotReason.TOO_EARLY: NowReason.WAITING_EARLIEST_START,
}


def explained(plan: Plan, solved: Solved, uses: Sequence[Use], cost: Cost) -> Plan:
    """Return the plan with its explanations."""
    with_use, without = alternatives(solved.bound, solved.priced)
    rates = solved.bound.rates(solved.priced.nu, solved.priced.mu)
    slots = []
    for place, slot in enumerate(plan.slots):
        reason = _reason(solved, place, slot, cost, rates[place])
        least = without[place] if slot.amps else with_use[place]
        moving = max(0.0, least + solved.priced.worth - plan.objective)
        slots.append(replace(slot, explanation=Explanation(reason, moving)))
    return replace(
        plan,
        slots=tuple(slots),
        totals=totals(plan, solved.grid),
        reason=_now(solved, plan, slots),
    )


def _reason(solved: Solved, place: int, told: PlanSlot, cost: Cost, rate: float) -> SlotReason:
    """Return why a slot is used or not."""
    grid = solved.grid
    slot = grid.slots[place]
    if not told.amps:
        if slot.why_blocked is not None:
            return slot.why_blocked
        if cost.reached[place] >= max(grid.target, grid.caps[place]) - KWH:
            return SlotReason.READY
        cheap = any(c < rate * g - MONEY for c, g in zip(slot.costs, slot.gains, strict=True))
        return SlotReason.EXTRA_START if cheap else SlotReason.DEAR
    until = solved.aims.minimum_until
    if until is not None and told.start < until:
        return SlotReason.MINIMUM_LEVEL
    if slot.forced:
        return SlotReason.WARM if slot.warm else SlotReason.FORCED
    if told.solar_kwh >= told.energy_kwh / 2:
        return SlotReason.SUN
    if cost.reached[place] >= grid.target - KWH:
        return SlotReason.VALUE
    index = slot.levels.index(told.amps)
    price = slot.costs[index] / slot.gains[index]
    if price > rate + MONEY:
        return SlotReason.BRIDGE
    return SlotReason.NEEDED if price > solved.priced.nu + MONEY else SlotReason.CHEAP


def _now(solved: Solved, plan: Plan, slots: Sequence[PlanSlot]) -> Now:
    """Return the one reason for now."""
    if not slots or not plan.blocks:
        wishes = solved.grid.problem.wishes
        wanted = [d.level for d in wishes.deadlines]
        wanted += [wishes.minimum_level] if wishes.minimum_level is not None else []
        ready = bool(wanted) and plan.final_level >= max(wanted) - 1e-6
        return Now(NowReason.READY if ready else NowReason.NO_PLAN, None, None, None)
    first = plan.blocks[0]
    if first.start == plan.now:
        told = slots[0]
        assert told.explanation is not None
        reason = CHARGING[told.explanation.reason]
        if any(missed.caught_up for missed in solved.aims.missed) and reason not in {
            NowReason.CHARGING_MINIMUM_LEVEL,
            NowReason.CHARGING_FORCED,
        }:
            reason = NowReason.CHARGING_LATE
        return Now(reason, first.end, told.import_price, 0)
    place = next(k for k, slot in enumerate(slots) if slot.amps)
    told, here = slots[place], solved.grid.slots[0]
    reason = NowReason.WAITING_CHEAPER
    if here.why_blocked is not None:
        reason = WAITING[here.why_blocked]
    elif told.solar_kwh >= told.energy_kwh / 2:
        reason = NowReason.WAITING_SUN
    return Now(reason, first.start, told.import_price, place)


def totals(plan: Plan, grid: Grid) -> Totals:
    """Return the plan in numbers, beside what is usual."""
    energy = sum(slot.energy_kwh for slot in plan.slots)
    battery = sum(slot.battery_kwh for slot in plan.slots)
    solar = sum(slot.solar_kwh for slot in plan.slots)
    hours = sum((slot.end - slot.start).total_seconds() for slot in plan.slots) / 3600
    mean = sum(
        slot.import_price * (slot.end - slot.start).total_seconds() / 3600 for slot in plan.slots
    )
    offers = _offers(grid)
    return Totals(
        energy_kwh=energy,
        battery_kwh=battery,
        solar_share=solar / energy if energy else 0.0,
        estimated_kwh=sum(
            slot.energy_kwh for slot in plan.slots if slot.certainty is Certainty.ESTIMATED
        ),
        starts=sum(block.starts for block in plan.blocks),
        at_plug_in=_bought(offers, battery),
        cheapest_slots=_bought(sorted(offers, key=lambda offer: offer[1] / offer[0]), battery),
        average_price=energy * mean / hours if hours else None,
    )


def _offers(grid: Grid) -> list[tuple[float, float]]:
    """Return energy and cost of every slot at full power, without carbon dioxide."""
    problem: Problem = grid.problem
    offers = []
    for slot in grid.slots:
        if slot.levels:
            power = problem.car.watts(slot.levels[-1]) / 1000
            bought = sum(weight * max(0.0, power - sun) for weight, sun in slot.surpluses)
            carbon = problem.costs.per_kg_co2 * slot.co2 * bought * slot.hours
            offers.append((slot.gains[-1], slot.costs[-1] - carbon))
    return offers


def _bought(offers: Sequence[tuple[float, float]], kwh: float) -> float | None:
    """Return what an energy costs if the offers are taken in their order; None if they do not suffice."""
    paid = 0.0
    for gain, cost in offers:
        if kwh <= gain:
            return paid + cost * kwh / gain
        kwh -= gain
        paid += cost
    return paid if kwh <= KWH else None


def alternatives(bound: Bound, priced: Priced) -> tuple[list[float], list[float]]:
    """Return for every slot the least priced cost of a plan that uses it, and of one that does not.

    Like the bound itself: no plan is cheaper than this (plus the worth of the targets).
    """
    grid, modes, rules = bound.grid, bound.modes, bound.rules
    running = grid.problem.state.amps
    off = [] if running else [0.0]
    on: list[dict[int, float]] = [{running - MIN_AMPS: 0.0}] if running else []
    done = INFINITE if running or grid.last_forced else 0.0
    with_use, without = [], []
    for place, slot in enumerate(grid.slots):
        costs, shares = priced.reduced[place], bound.least_shares[place]
        may_end = place >= grid.last_forced
        entered = [INFINITE] * len(modes.on[place + 1])
        staying: list[dict[int, float]] = [{} for _ in entered]
        next_off = [INFINITE] * len(modes.off[place + 1])
        for mode, value in enumerate(off):
            if (wait := modes.wait[place][mode]) != NONE:
                next_off[wait] = min(next_off[wait], value)
            if (start := modes.start[place][mode]) != NONE:
                fee = modes.start_cost[place][mode]
                entered[start] = min(entered[start], value + fee)
        for mode, levels in enumerate(on):
            least = min(levels.values(), default=INFINITE)
            free = modes.stop_free[place][mode] or not may_end
            if (stop := modes.stop[place][mode]) != NONE and free:
                next_off[stop] = min(next_off[stop], least + rules.stop)
            if (stay := modes.stay[place][mode]) != NONE:
                entered[stay] = min(entered[stay], least + rules.change)
                for level, value in levels.items():
                    staying[stay][level] = min(staying[stay].get(level, INFINITE), value)
        used, next_on, ended = INFINITE, [], done
        for mode, least in enumerate(entered):
            row: dict[int, float] = {}
            for cost, share, level in zip(costs, shares, bound.places[place], strict=True):
                enter = min(least, staying[mode].get(level, INFINITE))
                rest = priced.on[place + 1][mode][level]
                if may_end:
                    used = min(used, enter + min(cost + rest, cost * share))
                    ended = min(ended, enter + cost * share)
                    row[level] = enter + cost
                else:
                    row[level] = enter + min(cost, cost * share)
                    used = min(used, row[level] + rest)
            next_on.append(row)
        idle = min(
            (value + rest for value, rest in zip(next_off, priced.off[place + 1], strict=True)),
            default=INFINITE,
        )
        with_use.append(used)
        without.append(INFINITE if slot.forced else min(idle, done))
        if place + 1 >= grid.last_forced:
            ended = min([ended, *next_off, *(v for row in next_on for v in row.values())])
        off, on, done = next_off, next_on, ended
    return with_use, without
