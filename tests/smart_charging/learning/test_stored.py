"""What is read back is not trusted."""

import math

import pytest

from custom_components.tesla_charging.smart_charging.learning.stored import (
    entries,
    items,
    number,
    numbers,
    row,
)


@pytest.mark.parametrize("bad", [None, "1", True, [], math.nan, math.inf, -0.1, 10.1, 10**400])
def test_what_is_no_number_within_its_bounds_is_none(bad: object) -> None:
    assert number(bad, 0, 10) is None
    assert numbers([bad, 3], 0, 10, 5) == (3.0,)
    assert row([bad, 3], 2, 0, 10) is None


def test_the_bounds_are_allowed() -> None:
    assert (number(0, 0, 10), number(10, 0, 10)) == (0.0, 10.0)
    assert isinstance(number(3, 0, 10), float)


def test_never_more_is_read_than_is_kept() -> None:
    assert numbers([1, 2, 3], 0, 10, 2) == (2.0, 3.0)
    assert items([1, 2, 3], 2) == [2, 3]
    assert items({"a": 1}, 2) == []


def test_a_row_has_its_length() -> None:
    assert row([1, 2], 2, 0, 10) == (1.0, 2.0)
    assert row([1, 2, 3], 2, 0, 10) is None
    assert row("12", 2, 0, 10) is None


def test_entries_have_names() -> None:
    assert entries({"a": 1, 2: 3}) == {"a": 1}
    assert entries([1]) == {}
