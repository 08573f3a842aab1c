"""Weighted quantiles and means that one wrong value cannot spoil."""

import pytest

from custom_components.tesla_charging.smart_charging.learning.robust import (
    Weighted,
    by_rank,
    deviation,
    half,
    median,
    quantile,
    robust_mean,
    trust,
)


def values(*numbers: float) -> list[Weighted]:
    return [Weighted(number) for number in numbers]


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 1.0), (0.125, 1.0), (0.25, 1.5), (0.5, 3.0), (0.75, 6.0), (0.875, 8.0), (1.0, 8.0)],
)
def test_a_quantile_lies_between_the_middles_of_the_weights(share: float, expected: float) -> None:
    # their middles are at 1/8, 3/8, 5/8 and 7/8
    assert quantile(values(8, 1, 4, 2), share) == pytest.approx(expected)


def test_a_weight_is_like_so_many_equal_values() -> None:
    heavy = [Weighted(10, 3), Weighted(20, 1)]
    assert quantile(heavy, 0.375) == 10
    assert quantile(heavy, 0.875) == 20
    assert quantile(heavy, 0.625) == pytest.approx(15)


def test_what_weighs_nothing_is_not_there() -> None:
    assert quantile([Weighted(1, 0), Weighted(5), Weighted(9, -1)], 0.0) == 5
    with pytest.raises(ValueError, match="weight"):
        quantile([Weighted(1, 0)], 0.5)


def test_the_deviation_is_the_usual_distance_as_of_a_normal_distribution() -> None:
    assert deviation(values(-1, 0, 1, 100, 2), 0.0) == pytest.approx(1.4826)


def test_an_age_halves_a_weight_and_nothing_is_younger_than_new() -> None:
    assert [half(age, 10) for age in (-5, 0, 10, 20)] == [1, 1, 0.5, 0.25]
    assert by_rank("abc", 1) == [("a", 0.25), ("b", 0.5), ("c", 1)]


@pytest.mark.parametrize(
    ("distance", "expected"),
    [(0, 1), (3, 1), (-3, 1), (6, 0.5), (-6, 0.5), (7.9, 1.5 / 3.95), (8, 0), (99, 0)],
)
def test_what_is_far_counts_less_and_what_is_very_far_nothing(
    distance: float, expected: float
) -> None:
    assert trust(distance, 2.0) == pytest.approx(expected)


def test_a_mean_forgets_what_is_far_from_the_others() -> None:
    assert robust_mean(values(10, 11, 12), 1.0) == pytest.approx(11)
    assert robust_mean(values(10, 11, 12, 500), 1.0) == pytest.approx(11)
    assert robust_mean([Weighted(10, 3), Weighted(11, 1)], 1.0) == pytest.approx(10.25)
    # all alike: the least deviation decides what is far
    assert robust_mean(values(10, 10, 10, 12), 0.1) == pytest.approx(10)
    assert robust_mean(values(10, 10, 10, 12), 2.0) == pytest.approx(10.5)


def test_a_mean_counts_what_is_a_bit_far_in_part() -> None:
    # -1, 0, 1 and 6 of deviation 2: 6 counts less, and the mean is where that balances
    found = robust_mean(values(-1, 0, 1, 6), 2.0)
    weight = trust(6 - found, 2.0)
    assert 0 < weight < 1
    assert found == pytest.approx(6 * weight / (3 + weight), abs=1e-4)
    assert median(values(-1, 0, 1, 6)) == 0.5


def test_two_heavy_values_do_not_outweigh_four_that_agree() -> None:
    heavy = [Weighted(50, 9), Weighted(51, 9)]
    agreeing = [Weighted(value, 2) for value in (10, 11, 12, 11)]
    assert robust_mean([*heavy, *agreeing], 1.0) == pytest.approx(11)


def test_small_weights_are_weights() -> None:
    assert robust_mean([Weighted(10, 0.1), Weighted(11, 0.3)], 1.0) == pytest.approx(10.75)
