"""The planner finds the very best plan: compared with one that tries everything."""

import pytest

from custom_components.tesla_charging.smart_charging.model import Model, Problem
from custom_components.tesla_charging.smart_charging.plan import plan
from devtools.bench.plan_instances import crowded, features_of, instance, mixed, pairs_of

from .oracle import answer
from .rules import check

UNIT = 0.0025
"""All energies of the instances are whole multiples of it (and of the phases), kWh."""


def compare(problem: Problem, model: Model, *, unit: float = UNIT) -> bool:
    """Fail if a plan is not the best one. Return whether the oracle could be compared exactly."""
    ours = plan(problem, None)
    check(problem, ours)
    assert ours.proven
    assert ours.model is model
    least, goals = answer(problem, model, unit * problem.car.phases)
    told = [((goal.at - problem.now).total_seconds(), goal.kwh) for goal in ours.targets]
    same = len(told) == len(goals) and all(
        a == b and c == pytest.approx(d, abs=1e-7)
        for (a, c), (b, d) in zip(told, goals, strict=True)
    )
    if model is Model.LEVELS:
        assert same
        assert ours.objective == pytest.approx(least, abs=1e-8)
        return True
    # the oracle of M1 knows only shares of a unit: a plan between them may be a little better, and was checked
    if same:
        assert ours.objective <= least + 1e-8
    return same and ours.objective == pytest.approx(least, abs=1e-8)


def unit_of(problem: Problem) -> float:
    return UNIT if problem.car.standing_loss_w else 0.01


@pytest.mark.parametrize("part", range(5))
def test_levels_are_the_best_with_any_features(part: int) -> None:
    for problem in mixed(1000 * part, 18, Model.LEVELS, hours=1.0):
        compare(problem, Model.LEVELS)


@pytest.mark.parametrize("part", range(5))
def test_on_and_off_is_the_best_with_any_features(part: int) -> None:
    exact = [
        compare(problem, Model.ON_OFF, unit=unit_of(problem))
        for problem in mixed(1000 * part, 12, Model.ON_OFF, hours=0.75)
    ]
    assert sum(exact) >= 10


@pytest.mark.parametrize("feature", ["wake-up", "minimum times", "grid", "blocks", "already on"])
def test_what_a_start_and_a_stop_may_cost_is_exact(feature: str) -> None:
    for seed in range(12):
        problem = instance(seed, Model.LEVELS, frozenset({feature}), hours=1.25)
        compare(problem, Model.LEVELS)


@pytest.mark.parametrize("seed", [11, 722, 961, 972, 1340, 5550, 23034, *range(20)])
def test_many_features_at_once_are_exact(seed: int) -> None:
    problem = crowded(seed)
    assert problem.model is not None
    compare(problem, problem.model, unit=unit_of(problem))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_many_more_features_at_once_are_exact(part: int) -> None:
    for seed in range(100 * part, 100 * part + 100):
        problem = crowded(seed)
        assert problem.model is not None
        compare(problem, problem.model, unit=unit_of(problem))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(12))
@pytest.mark.parametrize("model", list(Model))
def test_every_pair_of_features_is_exact(model: Model, part: int) -> None:
    exact = []
    for number, pair in list(enumerate(pairs_of(model)))[part::12]:
        for seed in range(10):
            problem = instance(1000 * number + seed, model, frozenset(pair), hours=0.75)
            exact.append(compare(problem, model, unit=unit_of(problem)))
    assert sum(exact) > 0.95 * len(exact)
    assert len(features_of(model)) >= 20
