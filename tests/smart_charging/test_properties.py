"""What holds for every best plan, whatever the problem."""

from dataclasses import replace
from datetime import timedelta
import random

import pytest

from custom_components.tesla_charging.smart_charging.model import (
    Costs,
    Model,
    Problem,
    State,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.plan import plan
from custom_components.tesla_charging.smart_charging.result import Plan
from custom_components.tesla_charging.smart_charging.series import PriceSeries, Window
from devtools.bench.plan_instances import features_of, instance, mixed, night

from .rules import check

MODELS = list(Model)
DAY = timedelta(days=1)


def nights(model: Model, count: int = 6, *more: str) -> list[Problem]:
    """Return some nights of different kinds."""
    kinds: list[tuple[str, ...]] = [
        (),
        ("deadlines",),
        ("blocks",),
        ("fuse",),
        ("already on",),
        ("value",),
    ]
    if model is Model.LEVELS:
        kinds += [("sun",), ("standing loss",)]
    return [
        night(seed, model, frozenset({*kinds[seed % len(kinds)], *more}), hours=14, energy=(5, 30))
        for seed in range(count)
    ]


@pytest.mark.parametrize("model", MODELS)
def test_a_later_deadline_never_costs_more(model: Model) -> None:
    for problem in nights(model, 8):
        first, *others = sorted(problem.wishes.deadlines, key=lambda d: -d.at.timestamp())
        costs = []
        for quarters in (12, 6, 1, 0):
            earlier = replace(first, at=first.at - timedelta(minutes=15 * quarters))
            wishes = replace(problem.wishes, deadlines=(earlier, *others))
            planned = plan(replace(problem, wishes=wishes), None)
            assert not planned.shortfalls
            costs.append(planned.objective)
        assert costs == sorted(costs, reverse=True) or costs == pytest.approx(
            sorted(costs, reverse=True)
        )


def test_a_higher_current_never_costs_more() -> None:
    for problem in nights(Model.LEVELS, 8):
        costs = []
        for amps in (10, 13, 16, 20):
            state = replace(problem.state, amps=min(amps, problem.state.amps))
            car = replace(problem.car, max_amps=amps)
            planned = plan(
                replace(problem, car=car, state=replace(state, amps=min(10, state.amps))), None
            )
            assert not planned.shortfalls
            costs.append(planned.objective)
        assert costs == pytest.approx(sorted(costs, reverse=True))


def test_a_higher_current_never_costs_more_on_and_off_where_starts_are_free() -> None:
    for problem in nights(Model.ON_OFF, 6):
        wishes = replace(problem.wishes, max_blocks=None)
        costs = [
            plan(
                replace(
                    problem,
                    car=replace(problem.car, max_amps=amps),
                    costs=Costs(),
                    wishes=wishes,
                    state=State(),
                ),
                None,
            ).objective
            for amps in (10, 13, 16, 20)
        ]
        assert costs == pytest.approx(sorted(costs, reverse=True))


@pytest.mark.parametrize("model", MODELS)
def test_a_lower_start_cost_never_costs_more(model: Model) -> None:
    for problem in nights(model, 8):
        costs = [
            plan(replace(problem, costs=replace(problem.costs, start=start)), None).objective
            for start in (0.2, 0.1, 0.03, 0.0)
        ]
        assert costs == pytest.approx(sorted(costs, reverse=True))


def times(problem: Problem, factor: float) -> Problem:
    """Return a problem in another currency."""
    slots = tuple(
        replace(
            slot,
            import_price=slot.import_price * factor,
            export_price=None if slot.export_price is None else slot.export_price * factor,
        )
        for slot in problem.prices.slots
    )
    wishes, costs = problem.wishes, problem.costs
    return replace(
        problem,
        prices=PriceSeries(slots),
        wishes=replace(
            wishes,
            value_above_target=wishes.value_above_target * factor,
            price_cap=None if wishes.price_cap is None else wishes.price_cap * factor,
        ),
        costs=replace(
            costs,
            start=costs.start * factor,
            stop=costs.stop * factor,
            change=costs.change * factor,
            wake_up=costs.wake_up * factor,
            per_kg_co2=costs.per_kg_co2 * factor,
        ),
    )


def some_of_everything(model: Model, count: int) -> list[Problem]:
    return list(mixed(77, count, model, hours=2.0))


@pytest.mark.parametrize("model", MODELS)
def test_twice_the_prices_are_twice_the_cost(model: Model) -> None:
    for problem in some_of_everything(model, 40):
        once, twice = plan(problem, None), plan(times(problem, 2.0), None)
        assert twice.objective == pytest.approx(2 * once.objective, abs=1e-9)
        assert [t.kwh for t in twice.targets] == [t.kwh for t in once.targets]


def later(problem: Problem, by: timedelta) -> Problem:
    """Return a problem with all its times moved."""

    def moved[W: Window](windows: tuple[W, ...]) -> tuple[W, ...]:
        return tuple(replace(w, start=w.start + by, end=w.end + by) for w in windows)

    limits, wishes, state = problem.limits, problem.wishes, problem.state
    return replace(
        problem,
        now=problem.now + by,
        prices=PriceSeries(moved(problem.prices.slots)),
        wishes=replace(
            wishes,
            deadlines=tuple(replace(d, at=d.at + by) for d in wishes.deadlines),
            earliest_start=wishes.earliest_start and wishes.earliest_start + by,
        ),
        limits=replace(
            limits,
            reserved=moved(limits.reserved),
            ceilings=moved(limits.ceilings),
            blocked=moved(limits.blocked),
            forced=moved(limits.forced),
        ),
        state=replace(state, since=state.since and state.since + by),
        solar=problem.solar and replace(problem.solar, slots=moved(problem.solar.slots)),
        base_load=problem.base_load
        and replace(problem.base_load, slots=moved(problem.base_load.slots)),
        co2=problem.co2 and replace(problem.co2, slots=moved(problem.co2.slots)),
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_same_a_day_later_is_the_same(model: Model) -> None:
    for problem in some_of_everything(model, 40):
        today, tomorrow = plan(problem, None), plan(later(problem, DAY), None)
        assert tomorrow.objective == today.objective
        assert [(b.start + DAY, b.end + DAY, b.amps) for b in today.blocks] == [
            (b.start, b.end, b.amps) for b in tomorrow.blocks
        ]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_ever_beyond_a_limit(model: Model) -> None:
    for problem in some_of_everything(model, 120):
        check(problem, plan(problem, None))
    for problem in nights(model, 8):
        check(problem, plan(problem))


@pytest.mark.parametrize("model", MODELS)
def test_a_car_that_is_ready_has_an_empty_plan(model: Model) -> None:
    quiet = set(features_of(model)) - {"value", "warm tail", "forced"}
    rng = random.Random(5)
    for seed in range(60):
        problem = instance(seed, model, frozenset(rng.sample(sorted(quiet), 3)))
        ready = replace(problem, car=replace(problem.car, level=problem.car.limit))
        planned = plan(ready, None)
        assert planned.blocks == ()
        assert planned.objective == pytest.approx(
            problem.costs.stop * problem.costs.factor if problem.state.amps else 0.0
        )


def after_a_slot(problem: Problem, planned: Plan, place: int) -> tuple[Problem, float]:
    """Return the problem at the end of a slot, if all went as planned, and what was paid by then."""
    done = planned.slots[: place + 1]
    now = done[-1].end
    paid = sum(slot.cost for slot in done)
    starts = stops = changes = 0
    amps, since, blocks = problem.state.amps, problem.state.since, 0
    for slot in done:
        here = slot.amps if slot.on_until > slot.on_from else 0
        if here and (not amps or slot.on_from > slot.start):
            stops += bool(amps)
            starts, blocks, since = starts + 1, blocks + 1, slot.on_from
        elif here and amps != here:
            changes += 1
        elif not here and amps:
            stops, since = stops + 1, slot.start
        amps = here
        if here and slot.on_until < slot.end:
            stops, amps, since = stops + 1, 0, slot.on_until
    costs = problem.costs
    paid += costs.start * starts + costs.stop * stops + costs.change * changes
    wishes = problem.wishes
    kwh = sum(slot.battery_kwh for slot in done)
    gone = kwh / problem.car.capacity_kwh * 100
    target = max((t.kwh for t in planned.targets), default=0.0)
    paid -= wishes.value_above_target * max(0.0, kwh - target)
    running = blocks - bool(amps)
    left = None if wishes.max_blocks is None else wishes.max_blocks - running
    new: Wishes = replace(
        wishes,
        deadlines=tuple(d for d in wishes.deadlines if d.at > now),
        max_blocks=left if left is None or left > 0 else 1,
    )
    state = State(amps, since and since.replace(microsecond=0))
    car = replace(problem.car, level=problem.car.level + gone)
    return replace(problem, now=now, wishes=new, state=state, car=car), paid


@pytest.mark.parametrize("model", MODELS)
def test_replanning_a_slot_later_changes_no_cost(model: Model) -> None:
    compared = 0
    for problem in nights(model, 12):
        planned = plan(problem, None)
        assert planned.blocks
        for place in range(0, len(planned.slots) - 1, 9):
            # after the last block nothing is left to plan, and its own end is free only as a plan's
            if planned.slots[place].end >= planned.blocks[-1].end:
                break
            new, paid = after_a_slot(problem, planned, place)
            again = plan(new, None)
            assert again.objective + paid == pytest.approx(planned.objective, abs=1e-6)
            compared += 1
    assert compared > 20


@pytest.mark.parametrize("model", MODELS)
def test_what_moving_a_slot_costs_is_never_said_too_high(model: Model) -> None:
    for problem in nights(model, 6):
        planned = plan(problem, None)
        for slot in planned.slots[::7]:
            assert slot.explanation is not None
            limits = problem.limits
            window = (Window(slot.start, slot.end),)
            if slot.amps:
                changed = replace(limits, blocked=window)
            else:
                changed = replace(limits, forced=window)
            other = plan(replace(problem, limits=changed), None)
            if (
                not other.shortfalls
                and slot.most_amps
                and not (model is Model.ON_OFF and not slot.amps)
            ):
                assert other.objective - planned.objective >= slot.explanation.moving_costs - 1e-7


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("limit", [0, 300, 3000])
def test_past_the_work_limit_the_gap_is_honest(model: Model, limit: int) -> None:
    unproven = 0
    for problem in nights(model, 8, "deadlines"):
        best, quick = plan(problem, None), plan(problem, limit)
        check(problem, quick)
        assert quick.lower_bound <= best.objective + 1e-9
        assert quick.objective >= best.objective - 1e-9
        assert quick.objective - quick.gap <= best.objective + 1e-9
        assert best.gap == 0.0
        unproven += not quick.proven
        assert plan(problem, limit) == quick
    assert unproven or limit
