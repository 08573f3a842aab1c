"""Restless cars: whatever they do and whoever hears it, what is counted is what was charged."""

from collections.abc import Iterable
import statistics

import pytest

from tests.support.restless_cars import Books, RestlessCar

SAMPLE = 60
SOAK = 3000
MOST_TOO_MUCH = 1.0
"""Percent of the battery, for each session."""


def too_much(car: RestlessCar, before: Books, after: Books) -> float:
    """Return what was counted too much between two moments, percent of the battery per session."""
    sessions = max(1, after.plug_ins - before.plug_ins)
    excess = (after.shown - after.true) - (before.shown - before.true)
    if car.saw_lifetime:  # which makes up for what was missed
        assert car.first is not None
        excess = after.shown - after.true + car.first
        excess -= max(0.0, before.shown - before.true + car.first)
    return excess / car.percent / sessions


def check(cars: Iterable[RestlessCar], most: float = MOST_TOO_MUCH) -> None:
    errors: list[float] = []
    for car in cars:
        for before, after in zip(car.steps, car.steps[1:], strict=False):
            assert too_much(car, before, after) <= most, f"car {car.seed}"
            true, shown = after.true - before.true, after.shown - before.shown
            if true > 2 and after.plug_ins - before.plug_ins <= 1:
                errors.append(abs(shown - true) / true)
    assert len(errors) > 20
    assert statistics.median(errors) < 0.01


@pytest.mark.parametrize("tame", [True, False])
def test_a_sample_of_restless_cars(tame: bool) -> None:
    check(RestlessCar(seed, tame).run(3) for seed in range(SAMPLE))


@pytest.mark.parametrize(
    ("seed", "days", "tame"),
    [
        # a cable pulled unheard, while the counter sank
        (1222, 6, True),
        # the end of a drive that the odometer told late
        (1087, 6, True),
        # a doubt from before a gap used up the time to wait for the level
        (14, 3, True),
        # the state that says that it is plugged in again was lost
        (3088, 3, True),
        # a counter that read 0 for a whole session came back beside the lifetime counter
        (10_465, 6, True),
        # the odometer told the way to the charger only while the car charged there
        (10_699, 6, True),
        # the drive after a gap was taken for one before it
        (10_411, 6, True),
        # a counter that read 0 came back after the battery had shown a part, of a capacity not known
        (83, 6, True),
        (12_128, 6, True),
        # a level was lost at a fast charger, and the drive after it seemed to explain the counter
        (12_108, 6, False),
        # a car that had stopped charging told 199 kWh once
        (10_136, 6, False),
    ],
)
def test_restless_cars_that_were_counted_wrong(seed: int, days: int, tame: bool) -> None:
    car = RestlessCar(seed, tame).run(days)
    steps = zip(car.steps, car.steps[1:], strict=False)
    assert max(too_much(car, before, after) for before, after in steps) <= MOST_TOO_MUCH


@pytest.mark.soak
@pytest.mark.parametrize("tame", [True, False])
@pytest.mark.parametrize("first", range(0, SOAK, 30))
def test_thousands_of_restless_cars(first: int, tame: bool) -> None:
    check(
        (RestlessCar(seed, tame).run(6) for seed in range(10_000 + first, 10_000 + first + 30)),
        # a false word may cost more, but no whole session
        MOST_TOO_MUCH if tame else 5 * MOST_TOO_MUCH,
    )
