"""Whole lives of a car: what is counted of its charging, beside what it really charged."""

from collections.abc import Iterable
import statistics

import pytest

from tests.support.energy_lives import Life, Session, lives

SAMPLE, BATCH = 150, 10
SOAK = 3000
MOST_TOO_MUCH = 1.0
"""Percent of the battery."""


def check_excess(life: Life) -> None:
    """See that no session, nor all of them, counts too much."""
    name = f"life {life.seed}, {life.road}"
    heard = [session for session in life.sessions if session.heard]
    assert all(session.too_much <= MOST_TOO_MUCH for session in heard), name
    assert life.worst_excess <= MOST_TOO_MUCH, name
    assert life.shown <= life.true + life.capacity * MOST_TOO_MUCH / 100, name
    at_home, away = life.state.energy.home, life.state.energy.away
    # what nobody saw counts nowhere, or as unplaced
    assert at_home <= life.car.charged_home_kwh + life.capacity / 100 * len(life.sessions), name
    assert away <= life.car.charged_away_kwh + life.capacity / 100 * len(life.sessions), name


def check(lived: Iterable[Life]) -> None:
    """See that every error is small, and none in the car's favour large."""
    sessions: list[Session] = []
    for life in lived:
        check_excess(life)
        heard = [session for session in life.sessions if session.heard]
        sessions += [session for session in heard if session.true > 2]
    errors = [session.error for session in sessions]
    assert len(errors) > 20
    assert statistics.median(errors) < 0.01
    assert statistics.quantiles(errors, n=20)[-1] < 0.1


@pytest.mark.parametrize("first", range(0, SAMPLE, BATCH))
def test_a_sample_of_lives(first: int) -> None:
    check(lives(range(first, first + BATCH), days=3))


@pytest.mark.parametrize(
    "seed",
    [
        # the level was eleven minutes older than the counter of a car that had stopped
        10_147, 10_165, 10_037, 10_178,
        # the cable was told before the car moved, the odometer after the counter
        10_238, 10_237, 10_259, 10_300, 10_315, 10_381, 10_553,
        # the capacity was learned from a counter and a level of different moments
        10_686,
        # a counter that read 0 as the session began came back, beside the lifetime counter
        10_697,
        # a counter that read 0 until the charge had ended
        11_912,
        # the state that says that it is plugged in was lost
        11_716,
    ],
)  # fmt: skip
def test_lives_that_were_counted_wrong(seed: int) -> None:
    for life in lives([seed]):
        heard = [session for session in life.sessions if session.heard]
        assert max(abs(session.too_much) for session in heard) <= 1.5 * MOST_TOO_MUCH
        check_excess(life)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(0, SOAK, 30))
def test_thousands_of_lives(first: int) -> None:
    check(lives(range(10_000 + first, 10_000 + first + 30), days=8))
