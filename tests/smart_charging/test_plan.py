"""What a plan tells, what cannot be met, and what a problem may not be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from custom_components.tesla_charging.smart_charging.model import (
    AmpsWindow,
    Car,
    Costs,
    Deadline,
    Fuse,
    Limits,
    Model,
    Problem,
    State,
    TaperStep,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.plan import plan, plan_together
from custom_components.tesla_charging.smart_charging.result import NowReason, SlotReason
from custom_components.tesla_charging.smart_charging.series import (
    Certainty,
    PowerForecast,
    PowerSlot,
    PriceSeries,
    PriceSlot,
    Window,
)
from custom_components.tesla_charging.smart_charging.stability import replan
from devtools.bench.plan_instances import night

from .rules import check

NOW = datetime(2026, 1, 10, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def prices(*values: float, known: int | None = None) -> PriceSeries:
    """Return hourly prices from now on, of which some are known."""
    return PriceSeries(
        tuple(
            PriceSlot(
                NOW + k * HOUR,
                NOW + (k + 1) * HOUR,
                value,
                certainty=Certainty.KNOWN if known is None or k < known else Certainty.ESTIMATED,
            )
            for k, value in enumerate(values)
        ),
        "EUR",
    )


def simple(**more: object) -> Problem:
    """Return a night of eight hours: 22.08 kWh, two hours of 11.04 kW."""
    base = Problem(
        NOW,
        prices(0.3, 0.4, 0.3, 0.2, 0.1, 0.1, 0.2, 0.3),
        Car(73.6, 50.0, 90.0),
        Wishes((Deadline(NOW + 8 * HOUR, 80.0),)),
        costs=Costs(start=0.05),
    )
    return replace(base, **more)  # type: ignore[arg-type]


def test_a_night_is_charged_in_its_cheapest_hours() -> None:
    best = plan(simple())
    check(simple(), best)
    (block,) = best.blocks
    assert (block.start, block.end) == (NOW + 4 * HOUR, NOW + 6 * HOUR)
    assert best.model is Model.ON_OFF
    assert best.objective == pytest.approx(22.08 * 0.1 + 0.05)
    assert best.final_level == pytest.approx(80.0)
    assert best.latest_safe_start == NOW + 6 * HOUR
    assert best.gap == 0.0
    assert best.currency == "EUR"


def test_what_is_late_is_said_honestly() -> None:
    problem = simple(wishes=Wishes((Deadline(NOW + HOUR, 80.0),)))
    best = plan(problem)
    check(problem, best)
    (short,) = best.shortfalls
    assert short.level == pytest.approx(65.0)
    assert short.missing_kwh == pytest.approx(11.04)
    assert short.ready_at == NOW + 2 * HOUR
    assert short.late == HOUR
    assert str(short) == "80 % at 20:00, 60 minutes late"
    assert best.reason is not None
    assert best.reason.reason is NowReason.CHARGING_LATE
    assert best.latest_safe_start == NOW


def test_a_level_above_the_limit_is_never_reached() -> None:
    problem = simple(wishes=Wishes((Deadline(NOW + 8 * HOUR, 95.0),)))
    best = plan(problem)
    (short,) = best.shortfalls
    assert short.ready_at is None
    assert str(short) == "90 % instead of 95 % at 02:00"


def test_the_minimum_level_comes_first_whatever_it_costs() -> None:
    wishes = replace(
        simple().wishes,
        minimum_level=57.5,
        price_cap=0.15,
        earliest_start=NOW + 4 * HOUR,
    )
    problem = simple(wishes=wishes)
    best = plan(problem)
    check(problem, best)
    first, second = best.blocks
    assert (first.start, first.end) == (NOW, NOW + HOUR / 2)
    assert NOW + 4 * HOUR <= second.start < second.end <= NOW + 6 * HOUR
    assert second.end - second.start == 1.5 * HOUR
    assert best.reason is not None
    assert best.reason.reason is NowReason.CHARGING_MINIMUM_LEVEL
    reasons = {slot.start: slot.explanation.reason for slot in best.slots if slot.explanation}
    assert reasons[NOW + HOUR] is SlotReason.TOO_EARLY
    assert reasons[NOW + 6 * HOUR] is SlotReason.ABOVE_CAP


def test_the_battery_is_warm_at_departure() -> None:
    wishes = Wishes((Deadline(NOW + 8 * HOUR, 80.0, warm_minutes=30),))
    for model in Model:
        problem = simple(wishes=wishes, model=model)
        best = plan(problem, None)
        check(problem, best)
        assert best.blocks[-1].end == NOW + 8 * HOUR
        assert best.blocks[-1].start <= NOW + 7.5 * HOUR


def test_with_a_value_every_cheaper_kwh_is_taken() -> None:
    wishes = replace(simple().wishes, value_above_target=0.25)
    best = plan(simple(wishes=wishes))
    assert best.final_level == pytest.approx(90.0)
    assert best.value == pytest.approx(7.36 * 0.25)
    assert best.objective == pytest.approx(22.08 * 0.1 + 7.36 * (0.2 - 0.25) + 0.05)


def test_sun_is_followed_in_whole_amps() -> None:
    sun = PowerForecast((PowerSlot(NOW, NOW + 4 * HOUR, 5000.0),))
    problem = simple(solar=sun)
    best = plan(problem)
    check(problem, best)
    assert best.model is Model.LEVELS
    assert best.totals is not None
    assert best.totals.solar_share > 0.5
    assert best.slots[0].amps == 7
    assert best.reason is not None
    assert best.reason.reason is NowReason.CHARGING_SUN


def test_a_running_charge_is_not_stopped_for_little() -> None:
    problem = simple(
        prices=prices(0.1, 0.104, 0.1, 0.3, 0.3, 0.3, 0.3, 0.3), state=State(16, NOW - HOUR)
    )
    best = plan(problem)
    (block,) = best.blocks
    assert not block.starts
    assert (block.start, block.end) == (NOW, NOW + 2 * HOUR)


def test_estimated_prices_do_not_move_the_latest_safe_start() -> None:
    problem = simple(
        prices=prices(0.3, 0.4, 0.3, 0.2, 0.1, 0.1, 0.2, 0.3, known=3),
        car=replace(simple().car, reliable_share=0.8),
        wishes=replace(simple().wishes, safety_minutes=10),
    )
    best = plan(problem)
    assert best.totals is not None
    assert best.totals.estimated_kwh == pytest.approx(22.08)
    assert best.latest_safe_start == NOW + 8 * HOUR - timedelta(minutes=160)


def test_nothing_wished_is_nothing_planned() -> None:
    best = plan(simple(wishes=Wishes()))
    assert best.blocks == ()
    assert best.objective == 0.0
    assert best.reason is not None
    assert best.reason.reason is NowReason.NO_PLAN
    ready = plan(simple(wishes=Wishes((Deadline(NOW + HOUR, 40.0),))))
    assert ready.reason is not None
    assert ready.reason.reason is NowReason.READY


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(blocked=(Window(NOW, NOW + HOUR),)), NowReason.WAITING_BLOCKED),
        (Limits(ceilings=(AmpsWindow(NOW, NOW + HOUR, 4.9),)), NowReason.WAITING_NO_CURRENT),
        (
            Limits(Fuse(20.0), reserved=(AmpsWindow(NOW, NOW + HOUR, 16),)),
            NowReason.WAITING_NO_CURRENT,
        ),
    ],
)
def test_waiting_has_a_reason_with_its_time(limits: Limits, reason: NowReason) -> None:
    problem = simple(limits=limits, wishes=Wishes((Deadline(NOW + 4 * HOUR, 80.0),)))
    problem = replace(problem, prices=prices(0.1, 0.2, 0.3, 0.4))
    best = plan(problem)
    check(problem, best)
    assert best.reason is not None
    assert best.reason.reason is reason
    assert best.reason.at == NOW + HOUR
    assert best.reason.price == 0.2


# ---- the running plan


def test_a_reading_that_wavers_moves_no_start() -> None:
    problem = night(3, Model.ON_OFF, hours=14, energy=(15, 25))
    running = plan(problem)
    starts = [block.start for block in running.blocks]
    now = problem.now
    for step, change in enumerate((0.8, -0.9, 0.5, -0.3, 0.9)):
        now += timedelta(minutes=7)
        if now >= running.blocks[0].start:
            break
        car = replace(problem.car, level=problem.car.level + change)
        running = replan(replace(problem, now=now, car=car), running)
        assert not running.shortfalls
        moved = [block.start for block in running.blocks]
        assert len(moved) <= len(starts), step


def test_a_new_plan_must_save_enough() -> None:
    running = plan(simple())
    little = simple(prices=prices(0.3, 0.4, 0.098, 0.098, 0.1, 0.1, 0.2, 0.3))
    much = simple(prices=prices(0.3, 0.4, 0.05, 0.05, 0.1, 0.1, 0.2, 0.3))
    assert plan(little).blocks[0].start == NOW + 2 * HOUR
    assert replan(little, running).blocks[0].start == running.blocks[0].start
    assert replan(much, running).blocks[0].start == NOW + 2 * HOUR


def test_a_plan_that_fails_is_replaced() -> None:
    running = plan(simple())
    sooner = simple(wishes=Wishes((Deadline(NOW + 5 * HOUR, 80.0),)))
    new = replan(sooner, running)
    assert not new.shortfalls
    assert new.blocks[0].start == NOW + 3 * HOUR


def test_a_running_plan_does_not_keep_a_car_below_its_minimum_level() -> None:
    running = plan(simple())
    low = simple(wishes=replace(simple().wishes, minimum_level=60.0))
    assert running.blocks[0].start > NOW
    assert replan(low, running).blocks[0].start == NOW


def test_without_a_running_plan_the_best_is_taken() -> None:
    assert replan(simple(), None) == plan(simple())


# ---- several cars


def two_cars(seed: int, hours: float = 7.0) -> list[Problem]:
    first = night(seed, Model.LEVELS, hours=hours, energy=(10, 40))
    second = night(1000 + seed, Model.LEVELS, hours=hours, energy=(10, 40))
    at = first.wishes.deadlines[0].at
    wishes = Wishes((replace(second.wishes.deadlines[0], at=at),))
    return [first, replace(first, car=second.car, wishes=wishes)]


def most_together(plans: tuple[object, ...]) -> int:
    """Return the highest sum of currents."""
    borders = sorted({s.start for p in plans for s in p.slots})  # type: ignore[attr-defined]
    return max(
        sum(s.amps for p in plans for s in p.slots if s.start <= at < s.end)  # type: ignore[attr-defined]
        for at in borders
    )


def test_two_cars_share_a_fuse() -> None:
    for seed in range(4):
        problems = two_cars(seed)
        joint = plan_together(problems, Fuse(25.0))
        assert most_together(joint.plans) <= 25
        assert not any(p.shortfalls for p in joint.plans)
        alone = sum(plan(p, None).objective for p in problems)
        assert alone - 1e-9 <= joint.objective
        assert joint.lower_bound <= joint.objective + 1e-9
        assert joint.gap <= 0.02 * joint.objective
        assert joint.objective == pytest.approx(sum(p.objective for p in joint.plans))


def test_cars_that_do_not_meet_are_planned_as_if_alone() -> None:
    problems = two_cars(1)
    joint = plan_together(problems, Fuse(63.0))
    assert joint.objective == pytest.approx(sum(plan(p, None).objective for p in problems))
    assert joint.proven
    assert joint.gap == pytest.approx(0.0, abs=1e-9)


def test_cars_that_need_the_whole_fuse_all_night_are_both_charged() -> None:
    # 25 A for seven hours are 120 kWh; the one needs 60, the other 55
    first, second = two_cars(2)
    hours = (first.wishes.deadlines[0].at - first.now) / HOUR
    kwh = 25 * 0.69 * hours
    cars = [
        replace(
            p,
            car=replace(p.car, capacity_kwh=100.0),
            wishes=Wishes((Deadline(p.wishes.deadlines[0].at, 10 + share * kwh),)),
        )
        for p, share in ((first, 0.5), (second, 0.45))
    ]
    joint = plan_together(cars, Fuse(25.0))
    assert not any(p.shortfalls for p in joint.plans)
    assert most_together(joint.plans) <= 25


# ---- what a problem may not be


def test_times_are_whole_seconds_in_utc() -> None:
    east = timezone(HOUR)
    with pytest.raises(ValueError, match="not in UTC"):
        Window(NOW.astimezone(east), NOW + HOUR)
    with pytest.raises(ValueError, match="not in UTC"):
        simple(now=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="not a whole second"):
        simple(now=NOW + timedelta(microseconds=1))
    with pytest.raises(ValueError, match="ends after it starts"):
        Window(NOW, NOW)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PriceSeries(()), "at least one slot"),
        (
            lambda: PriceSeries(
                (PriceSlot(NOW, NOW + HOUR, 1), PriceSlot(NOW + 2 * HOUR, NOW + 3 * HOUR, 1))
            ),
            "gap",
        ),
        (
            lambda: PriceSeries(
                (PriceSlot(NOW, NOW + 2 * HOUR, 1), PriceSlot(NOW + HOUR, NOW + 3 * HOUR, 1))
            ),
            "overlap",
        ),
        (lambda: PriceSlot(NOW, NOW + HOUR, float("nan")), "import_price"),
        (lambda: PriceSlot(NOW, NOW + HOUR, 1, float("inf")), "export_price"),
        (lambda: PowerSlot(NOW, NOW + HOUR, -1), "median"),
        (lambda: PowerSlot(NOW, NOW + HOUR, 1, 0.5), "both low and high"),
        (lambda: PowerSlot(NOW, NOW + HOUR, 1, 2, 3), "low"),
        (lambda: Car(75, 101), "level"),
        (lambda: Car(75, 50, max_amps=4), "max_amps"),
        (lambda: Car(75, 50, phases=4), "phases"),
        (lambda: Car(75, 50, efficiency=1.1), "efficiency"),
        (lambda: Car(75, 50, standing_loss_w=9000), "standing_loss_w"),
        (lambda: Car(75, 50, taper=(TaperStep(80, 10), TaperStep(90, 12))), "rising levels"),
        (lambda: TaperStep(80, 3), "amps"),
        (lambda: Wishes(max_blocks=0), "max_blocks"),
        (lambda: Wishes(grid_minutes=7), "grid_minutes"),
        (lambda: Wishes(value_above_target=-1), "value_above_target"),
        (lambda: Costs(start=-1), "start"),
        (lambda: State(3), "amps"),
        (lambda: Fuse(16, 4), "phases"),
        (lambda: simple(prices=prices(1, 2)), "Prices end"),
        (lambda: simple(now=NOW - HOUR), "after now"),
        (lambda: simple(state=State(0, NOW + HOUR)), "since"),
        (
            lambda: simple(model=Model.ON_OFF, wishes=replace(simple().wishes, min_on_minutes=15)),
            "minimum times",
        ),
    ],
)
def test_nonsense_is_refused_with_a_reason(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
