"""What asking costs in a month, and how fresh it is, beside Home Assistant's own integration: no HTTP, no waiting."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
import itertools
import random
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging.fleet_api import Connectivity
from custom_components.tesla_charging.polling.decision import MAX_POLLS_A_DAY, PollTarget
from custom_components.tesla_charging.polling.observations import PollObservations
from custom_components.tesla_charging.polling.usage_pattern import UsagePattern
from custom_components.tesla_charging.vehicle.location import HomeProximity
from custom_components.tesla_charging.vehicle.push import PushChannel
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState
from tests.support.month_of_a_car import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    Seen,
    Timeline,
    ask_as_core,
    ask_as_we_do,
    commuter,
    mostly_parked,
    night_charger,
)


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    """Habits are learnt in the home's time zone."""
    before = dt_util.get_default_time_zone()
    dt_util.set_default_time_zone(UTC)
    yield
    dt_util.set_default_time_zone(before)


def is_no_staler(ours: Seen, core: Seen) -> None:
    other = core.ages()
    for what, (median, late) in ours.ages().items():
        assert median <= other[what][0], what
        assert late <= other[what][1], what


@pytest.mark.parametrize("month", [commuter, lambda **car: commuter(7.0, **car), night_charger])
def test_a_commuter_costs_no_more_than_with_the_built_in_integration_and_is_no_staler(
    month: Callable[..., Timeline],
) -> None:
    """With a newer car, that is, which sleeps although it is asked: that makes asking every ten minutes cheapest."""
    ours, core = (who(month(kept_by_asking=False)) for who in (ask_as_we_do, ask_as_core))
    assert ours.car.asks <= core.car.asks
    is_no_staler(ours, core)
    assert max(ours.delays()) < 10 * MINUTE


def test_a_commuter_whose_car_is_kept_awake_by_questions_costs_an_eighth_and_lets_it_sleep() -> (
    None
):
    ours, core = (who(night_charger()) for who in (ask_as_we_do, ask_as_core))
    assert ours.car.asks <= core.car.asks / 8
    is_no_staler(ours, core)
    # what a drive has used, and whether the cable is in, is asked after it: that cannot be had for nothing
    drives = sum(doing.kind == "drive" for doing in ours.car.doings)
    assert ours.car.needless < drives * 10 * MINUTE
    assert core.car.needless > 600 * HOUR


@pytest.mark.parametrize("tells_sentry", [True, False])
def test_a_parked_car_that_sentry_keeps_awake_costs_a_quarter(tells_sentry: bool) -> None:
    ours, core = (
        who(mostly_parked(tells_sentry=tells_sentry)) for who in (ask_as_we_do, ask_as_core)
    )
    assert ours.car.asks <= core.car.asks / 4
    ages, other = ours.ages(), core.ages()
    for what in ("data", "level"):
        assert ages[what] <= other[what]
    # that it is unplugged one day nothing tells for free: by then it has become a habit
    assert max(ours.delays()) <= HOUR
    charges = [doing.start for doing in ours.car.doings if doing.kind == "charge"]
    begins = [
        late for at, late in zip(ours.car.changes(), ours.delays(), strict=True) if at in charges
    ]
    assert len(begins) == len(charges) == 4
    assert max(begins) < 10 * MINUTE


def test_a_car_that_nobody_uses_costs_nothing_and_sleeps() -> None:
    timeline = Timeline()
    timeline.drive(MONDAY + HOUR, 18)
    ours = ask_as_we_do(timeline)
    assert ours.car.asks <= 6
    # after the drive: until it is seen to be parked, and once more for the cable
    assert ours.car.needless < 20 * MINUTE


def test_a_car_whose_position_is_known_is_not_asked_on_long_drives() -> None:
    """It drives for six hours, and is plugged in when it comes home."""

    def journey() -> Timeline:
        timeline = Timeline(level=99)
        home = timeline.drive(MONDAY + HOUR, 280, 280 / 6)
        timeline.charge(home + 2 * MINUTE, 11.0, limit=90)
        return timeline

    def where(now: float) -> HomeProximity:
        left = MONDAY + 7 * HOUR - now
        # thirty metres a second is a little more than it drives
        return HomeProximity(left <= 0, max(0.0, left * 0.9))

    asked: Counter[str] = Counter()
    ours = ask_as_we_do(journey(), 2, whereabouts=where, on_ask=lambda _, why: asked.update([why]))
    assert asked["driving"] <= 6 * 2 + 4
    blind = ask_as_we_do(journey(), 2)
    assert ours.car.asks < blind.car.asks - 15
    assert ours.delays()[0] < 10 * MINUTE


def test_a_budget_makes_it_cheaper_the_more_it_is_stretched() -> None:
    months = [
        ask_as_we_do(commuter(), 8, stretch=stretch).car.asks
        for stretch in (1.0, 2.0, 6.0, float("inf"))
    ]
    assert months == sorted(months, reverse=True)
    assert months[1] < 0.8 * months[0]
    assert months[-1] == 0


def test_no_two_cars_of_an_account_are_asked_at_the_same_instant() -> None:
    moments: list[float] = []
    for car in range(3):
        ask_as_we_do(
            mostly_parked(seed=1),
            6,
            vin=f"LRW3E7EK0PC00010{car}",
            on_ask=lambda now, _: moments.append(now),
        )
    # the first question comes when Home Assistant starts
    later = sorted(moment for moment in moments if moment > MONDAY)
    assert len(later) > 200
    assert all(after - before > 1.0 for before, after in itertools.pairwise(later))


# -- cars that mean it badly ------------------------------------------------------------------------------

type Trick = Callable[[float, random.Random], tuple[bool, dict[str, Any]]]
"""From the time, whether the car is online and what it says."""


def flaps(now: float, _: random.Random) -> tuple[bool, dict[str, Any]]:
    return int(now / 60) % 2 == 0, {}


def flaps_and_says_another_thing_each_time(now: float, _: random.Random) -> Any:
    return int(now / 60) % 2 == 0, {"ChargeLimitSoc": int(now) % 50 + 50}


def charges_every_other_minute(now: float, _: random.Random) -> Any:
    return True, {"DetailedChargeState": ("Charging", "Complete")[int(now / 60) % 2]}


def charges_like_nobody(now: float, _: random.Random) -> Any:
    said = {"DetailedChargeState": "Charging", "BatteryLevel": now % 50, "RatedRange": 1.0}
    return True, said | {"ChargeRateMilePerHour": 300.0}


def is_always_nearly_full(now: float, _: random.Random) -> Any:
    said = {"DetailedChargeState": "Charging", "BatteryLevel": 99, "ChargeLimitSoc": 100}
    return True, said | {"EstimatedHoursToChargeTermination": 1 / 60}


def will_always_begin_soon(now: float, _: random.Random) -> Any:
    said = {"DetailedChargeState": "Stopped", "ScheduledChargingPending": True}
    return True, said | {"ScheduledChargingStartTime": now + 60}


def is_always_just_parked(now: float, _: random.Random) -> Any:
    return True, {"Odometer": now % 1_000_000, "Gear": "P", "is_user_present": now % 2 < 1}


def does_anything(now: float, dice: random.Random) -> Any:
    said = {
        "DetailedChargeState": dice.choice(["Charging", "Complete", "Disconnected", None]),
        "BatteryLevel": dice.choice([None, dice.uniform(0, 100)]),
        "RatedRange": dice.uniform(0, 400),
        "ChargeRateMilePerHour": dice.uniform(-10, 1_000),
        "EstimatedHoursToChargeTermination": dice.uniform(0, 0.2),
        "ChargeLimitSoc": dice.choice([50, 80, 100]),
        "Gear": dice.choice(["D", "P", None]),
        "Odometer": dice.choice([1.0, now % 1_000]),
        "sentry_mode": dice.choice([True, False, None]),
        "is_user_present": dice.choice([True, False, None]),
    }
    return dice.random() < 0.7, said


@pytest.mark.parametrize(
    ("trick", "most"),
    [
        # its connection comes and goes, and nothing happens
        (flaps, 40),
        (charges_every_other_minute, 200),
        (is_always_just_parked, 180),
        *(
            (trick, MAX_POLLS_A_DAY)
            for trick in (
                flaps_and_says_another_thing_each_time,
                charges_like_nobody,
                is_always_nearly_full,
                will_always_begin_soon,
                does_anything,
            )
        ),
    ],
)
def test_whatever_a_car_does_a_day_has_its_price(trick: Trick, most: int) -> None:
    assert MAX_POLLS_A_DAY * 0.002 < 0.52
    dice, push, state = random.Random(1), PushChannel(), VehicleState()
    now, days, asked = MONDAY, 3, []
    asking = PollObservations("LRW3E7EK0PC000101", UsagePattern(), now)
    while now < MONDAY + days * DAY:
        online, said = trick(now, dice)
        if asking.decide(state, push, now).target is PollTarget.STATE:
            seen = Connectivity.ONLINE if online else Connectivity.ASLEEP
            asking.record_connectivity(seen, state.connectivity, now)
            state = state.with_connectivity(seen)
            if asking.decide(state, push, now, connectivity=seen).target is PollTarget.DATA:
                assert online
                asked.append(now)
                asking.record_poll(now)
                new = {name: Reading(value, now) for name, value in said.items()}
                after = state.merge(new, now=now)
                asking.record_answer(after, state, now)
                state = after
                asking.decide(state, push, now, connectivity=seen)
        now += asking.wait(now).total_seconds()
    for start in asked:
        assert sum(start <= at < start + DAY for at in asked) <= most
