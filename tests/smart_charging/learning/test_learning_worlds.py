"""A small sample of scripts/bench learning: cars, habits and homes of which the truth is known."""

from itertools import islice
import math
import random
from statistics import fmean

import pytest

from devtools.bench import learning_car as car, learning_home as home
from devtools.bench.learning import CAR_GOALS, TWICE, car_errors, habit_errors
from devtools.bench.learning_habits import WORLDS as HABIT_WORLDS


def test_a_car_is_known_after_a_few_charges() -> None:
    errors = car_errors(car.CALM, range(3))
    for (name, count), goal in CAR_GOALS.items():
        assert max(errors[name, count]) <= goal, (name, count)


def test_faults_leave_it_within_twice_that() -> None:
    errors = car_errors(car.WORLDS[-1], range(2))
    for (name, count), goal in CAR_GOALS.items():
        assert max(errors[name, count]) <= TWICE * goal, (name, count)


def test_the_truth_is_not_what_is_assumed() -> None:
    truth = car.Truth.drawn(random.Random("car 1"))
    (first,) = islice(car.sessions(1, truth, car.CALM), 1)
    assert abs(truth.capacity / 75 - 1) > 0.02
    assert first.capacity.kwh.value == pytest.approx(truth.capacity, rel=0.05)


@pytest.mark.parametrize("how", ["", "all earlier", "all later"])
def test_departures_are_known_after_some_weeks(how: str) -> None:
    early, middle, noticed = habit_errors(HABIT_WORLDS[0], range(3), how)
    assert fmean(early) <= 10
    assert fmean(middle) <= 10
    assert not how or fmean(noticed) > 0.8


def test_faults_leave_departures_within_twice_that() -> None:
    early, _, _ = habit_errors(HABIT_WORLDS[1], range(2), "")
    assert fmean(early) <= 20


def test_a_home_is_known_after_a_month() -> None:
    rng = random.Random(1)
    noise = [rng.lognormvariate(0, 0.4) for _ in range(96 * 35)]

    def watts(place: int) -> float:
        evening = 1500 if 72 <= place % 96 < 84 else 0
        return (300 + evening + 100 * math.sin(place / 96)) * noise[place]

    found = home.base_load_forecasts(watts, home.CALM, 1, days=35, every=6)
    assert found.error < 0.9 * found.last_week
    assert 0.65 < found.covered < 0.95


def test_a_roof_is_known_after_a_month() -> None:
    day = [
        max(0.0, math.sin(math.pi * (hour - 4) / 14)) if 4 < hour < 18 else 0.0
        for hour in range(24)
    ]
    for faults in (home.CALM, home.WORLDS[2]):
        days = list(home.solar_errors(faults, 1, day * 40, days=31))
        learnt, raw = fmean(error for error, _ in days), fmean(error for _, error in days)
        assert learnt < 0.1
        assert learnt < 0.7 * raw
