"""Checks a plan by the words of docs/planner.md, from nothing but the problem and the plan."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from custom_components.tesla_charging.smart_charging.model import MIN_AMPS, Model, Problem
from custom_components.tesla_charging.smart_charging.result import Plan, PlanSlot
from custom_components.tesla_charging.smart_charging.series import Window

SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
KWH = 1e-7


def in_any(windows: tuple[Window, ...], moment: datetime) -> bool:
    return any(window.start <= moment < window.end for window in windows)


def price_at(problem: Problem, moment: datetime) -> tuple[float, float]:
    slots = problem.prices.slots
    slot = next((s for s in slots if s.start <= moment < s.end), slots[-1])
    return slot.import_price, slot.export_price or 0.0


def power_at(series: object, moment: datetime) -> tuple[float, float, float]:
    if series is None:
        return 0.0, 0.0, 0.0
    for slot in series.slots:  # type: ignore[attr-defined]
        if slot.start <= moment < slot.end:
            low = slot.median if slot.low is None else slot.low
            high = slot.median if slot.high is None else slot.high
            return low, slot.median, high
    return 0.0, 0.0, 0.0


def free_amps(problem: Problem, moment: datetime) -> float:
    limits = problem.limits
    most = float(problem.car.max_amps)
    for ceiling in limits.ceilings:
        if ceiling.start <= moment < ceiling.end:
            most = min(most, ceiling.amps)
    if limits.fuse is not None:
        load = power_at(problem.base_load, moment)[2]
        taken = sum(w.amps for w in limits.reserved if w.start <= moment < w.end)
        most = min(most, limits.fuse.amps - load / problem.car.volts / limits.fuse.phases - taken)
    return most + 1e-9


def slot_cost(problem: Problem, slot: PlanSlot) -> float:
    """Return the cost of a slot, with carbon dioxide."""
    hours = (slot.on_until - slot.on_from).total_seconds() / 3600
    kw = problem.car.watts(slot.amps) / 1000
    paid, earned = price_at(problem, slot.start)
    if problem.co2 is not None:
        grams = [s.kg_per_kwh for s in problem.co2.slots if s.start <= slot.start < s.end]
        paid += problem.costs.per_kg_co2 * sum(grams)
    sun, load = power_at(problem.solar, slot.start), power_at(problem.base_load, slot.start)
    total = 0.0
    for weight, solar, base in zip((0.3, 0.4, 0.3), sun, reversed(load), strict=True):
        surplus = max(0.0, solar - base) / 1000
        total += weight * (paid * max(0.0, kw - surplus) + earned * min(kw, surplus))
    return total * hours


def check(problem: Problem, plan: Plan) -> None:
    """Fail if a plan breaks a rule, or does not cost what it says."""
    car, wishes, costs, limits = problem.car, problem.wishes, problem.costs, problem.limits
    levels = plan.model is Model.LEVELS
    whole = levels or wishes.grid_minutes is not None
    assert plan.slots[0].start == problem.now
    for before, after in pairwise(plan.slots):
        assert before.end == after.start
    minimum_until = min(
        (
            t.at
            for t in plan.targets
            if wishes.minimum_level is not None
            and abs(t.kwh - car.kwh_to(min(wishes.minimum_level, car.limit))) < KWH
        ),
        default=problem.now,
    )
    energy = 0.0
    reached = {problem.now: 0.0}
    for slot in plan.slots:
        if slot.amps:
            assert MIN_AMPS <= slot.amps <= free_amps(problem, slot.start)
            assert not in_any(limits.blocked, slot.start)
            if slot.end > minimum_until:
                assert wishes.earliest_start is None or slot.start >= wishes.earliest_start
                if wishes.price_cap is not None and slot.import_price > wishes.price_cap:
                    sun = power_at(problem.solar, slot.start)[1]
                    base = power_at(problem.base_load, slot.start)[1]
                    assert car.watts(slot.amps) <= max(0.0, sun - base) + 1e-6
            if not levels:
                assert slot.amps == int(free_amps(problem, slot.start))
            for step in car.taper:
                assert slot.amps <= step.amps or energy < car.kwh_to(step.level) + KWH
        assert slot.start <= slot.on_from <= slot.on_until <= slot.end
        hours = (slot.on_until - slot.on_from).total_seconds() / 3600
        loss = car.standing_loss_w
        if levels:
            loss = car.watts(1) * round(4 * loss / car.watts(1)) / 4
        drawn = car.efficiency * (car.watts(slot.amps) - loss) / 1000 * hours if slot.amps else 0.0
        assert slot.battery_kwh == pytest.approx(drawn, abs=1e-5)
        assert slot.energy_kwh == pytest.approx(car.watts(slot.amps) / 1000 * hours, abs=1e-5)
        energy += slot.battery_kwh
        reached[slot.end] = energy
        if whole and slot.amps and slot.on_until < slot.end - MILLISECOND:
            assert slot.on_from == slot.start
    assert energy <= car.kwh_to(car.limit) + KWH
    forced = any(_forced(problem, s) for s in plan.slots)
    target = max([0.0, *(t.kwh for t in plan.targets)])
    if not wishes.value_above_target and not forced:
        assert energy == pytest.approx(target, abs=KWH)
    for goal in plan.targets:
        assert reached[goal.at] >= goal.kwh - KWH
    _check_switching(problem, plan, whole=whole)
    paid = sum(slot_cost(problem, slot) for slot in plan.slots)
    assert paid == pytest.approx(plan.energy_cost + plan.co2_cost, abs=1e-5)
    value = wishes.value_above_target * max(0.0, energy - target)
    assert plan.value == pytest.approx(value, abs=1e-6)
    total = plan.energy_cost + plan.co2_cost + plan.switching_cost - plan.value
    assert plan.objective == pytest.approx(total, abs=1e-9)
    assert costs.factor >= 0


def _check_switching(problem: Problem, plan: Plan, *, whole: bool) -> None:
    """Check blocks, minimum times and the grid of minutes, and count what switching costs."""
    wishes, costs, state = problem.wishes, problem.costs, problem.state
    slots, levels = plan.slots, plan.model is Model.LEVELS
    on = [s for s in slots if s.amps]
    starts = stops = changes = wakes = counted = 0
    # a run is a list of slots on without a break
    runs: list[list[PlanSlot]] = []
    for slot in on:
        last = runs[-1][-1] if runs else None
        joined = last is not None and (
            last.end == slot.start
            if whole
            else abs(last.on_until - slot.on_from) < timedelta(microseconds=5)
        )
        if joined:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    goes_on = bool(state.amps and runs and runs[0][0].on_from == plan.now)
    off_since = problem.now if state.amps else state.since
    for number, run in enumerate(runs):
        first = run[0]
        begin = first.start if whole else first.on_from
        end = run[-1].end if whole else run[-1].on_until
        first_forced = _forced(problem, first)
        if number == 0 and goes_on:
            changes += first.amps != state.amps
            begin = state.since or problem.now - timedelta(days=9)
        else:
            starts += 1
            slept = off_since is None or begin - off_since >= timedelta(
                minutes=costs.sleep_after_minutes
            )
            wakes += slept if levels else 1
            if not first_forced and off_since is not None:
                assert begin - off_since >= timedelta(minutes=wishes.min_off_minutes)
            if wishes.grid_minutes and not first_forced and begin != problem.now:
                assert int(begin.timestamp()) % (wishes.grid_minutes * 60) == 0
        counted += not first_forced
        changes += sum(a.amps != b.amps for a, b in pairwise(run))
        following = next((s for s in slots if s.start >= end), None)
        nothing_next = (
            following is None or following.most_amps == 0 or run[-1].on_until < run[-1].end - SECOND
        )
        energy = sum(s.battery_kwh for s in slots if s.end <= end)
        target = max([0.0, *(t.kwh for t in plan.targets)])
        full = energy >= min(target, problem.car.kwh_to(problem.car.limit)) - KWH
        if not nothing_next and not full:
            assert end - begin >= timedelta(minutes=wishes.min_on_minutes)
            if wishes.grid_minutes:
                assert int(end.timestamp()) % (wishes.grid_minutes * 60) == 0
        off_since = end
    stops = max(0, len(runs) - 1) + (1 if state.amps and not goes_on else 0)
    if wishes.max_blocks is not None:
        assert counted <= wishes.max_blocks
    change = costs.change
    if not levels:
        change = min(change, costs.start + costs.stop + costs.wake_up)
    switching = costs.factor * (
        costs.start * starts + costs.stop * stops + change * changes + costs.wake_up * wakes
    )
    assert plan.switching_cost == pytest.approx(switching, abs=1e-9)
    assert len(plan.blocks) == len(runs)
    assert sum(block.starts for block in plan.blocks) == starts


def _forced(problem: Problem, slot: PlanSlot) -> bool:
    tails = tuple(
        Window(d.at - timedelta(minutes=d.warm_minutes), d.at)
        for d in problem.wishes.deadlines
        if d.warm_minutes
    )
    return slot.most_amps > 0 and in_any((*problem.limits.forced, *tails), slot.start)
