"""Reading back what was stored: numbers that cannot be are dropped, and never more is read than is kept."""

from collections.abc import Mapping
import math


def number(data: object, low: float, high: float) -> float | None:
    """Return a finite number within its bounds; None for anything else."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        return None
    # an integer may be too large for a float
    if not low <= data <= high or not math.isfinite(data):
        return None
    return float(data)


def numbers(data: object, low: float, high: float, most: int) -> tuple[float, ...]:
    """Return the last numbers of a list that can be."""
    found = (number(item, low, high) for item in items(data, most))
    return tuple(value for value in found if value is not None)


def row(data: object, count: int, low: float, high: float) -> tuple[float, ...] | None:
    """Return a list of so many numbers; None if one of them cannot be."""
    if not isinstance(data, list) or len(data) != count:
        return None
    found = numbers(data, low, high, count)
    return found if len(found) == count else None


def items(data: object, most: int) -> list[object]:
    """Return the last entries of a list; none of anything else."""
    return data[-most:] if isinstance(data, list) else []


def entries(data: object) -> Mapping[str, object]:
    """Return the entries of a dictionary that have strings as keys; none of anything else."""
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(key, str)}
