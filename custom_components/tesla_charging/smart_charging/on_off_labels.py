"""The partial plans of M1: points, and segments in which one slot is partly used."""

from typing import Final, NamedTuple

GRAIN: Final = 1e9
"""Energies are compared as whole numbers of so many parts of a kWh."""


class Step(NamedTuple):
    """What a partial plan did in a slot, and before."""

    before: Step | None
    place: int
    share: float
    """Of the slot; `OPEN` while it is still to be chosen."""
    late: bool


OPEN: Final = -1.0
NOTHING: Final = 1e-9
"""A share that is only an error of rounding."""


class Point(NamedTuple):
    """A partial plan."""

    cost: float
    energy: float
    trace: Step | None


class Segment(NamedTuple):
    """Partial plans that differ in the share of one slot."""

    left_cost: float
    right_cost: float
    left: float
    right: float
    left_share: float
    right_share: float
    trace: Step | None
    """Its steps include the open one."""


class Labels:
    """Partial plans in one mode: the cheapest point of every energy, and the segments that are not dominated."""

    __slots__ = ("points", "segments")

    def __init__(self) -> None:
        self.points: dict[int, Point] = {}
        self.segments: dict[tuple[int, int], list[Segment]] = {}

    def copy(self) -> Labels:
        """Return labels that can be added to without changing these."""
        labels = Labels()
        labels.points = dict(self.points)
        labels.segments = {key: list(several) for key, several in self.segments.items()}
        return labels

    def add(self, point: Point) -> None:
        """Add a point."""
        key = round(point.energy * GRAIN)
        known = self.points.get(key)
        if known is None or point.cost < known.cost:
            self.points[key] = point

    def add_segment(self, segment: Segment) -> None:
        """Add a segment."""
        key = round(segment.left * GRAIN), round(segment.right * GRAIN)
        known = self.segments.get(key)
        if known is None:
            self.segments[key] = [segment]
            return
        for other in known:
            if other.left_cost <= segment.left_cost and other.right_cost <= segment.right_cost:
                return
        known[:] = [
            other
            for other in known
            if other.left_cost < segment.left_cost or other.right_cost < segment.right_cost
        ]
        known.append(segment)

    def narrow(self, count: int) -> None:
        """Keep only the cheapest points and segments."""
        self.points = dict(sorted(self.points.items(), key=lambda item: item[1].cost)[:count])
        self.segments = dict(
            sorted(
                self.segments.items(),
                key=lambda item: min(min(s.left_cost, s.right_cost) for s in item[1]),
            )[:count]
        )


def closed(trace: Step | None, share: float) -> Step | None:
    """Return the steps with the share of the open one."""
    rest: list[Step] = []
    while trace is not None and trace.share != OPEN:
        rest.append(trace)
        trace = trace.before
    assert trace is not None
    done: Step | None = Step(trace.before, trace.place, share, trace.late)
    for step in reversed(rest):
        done = Step(done, step.place, step.share, step.late)
    return done


def at(segment: Segment, energy: float) -> tuple[float, float]:
    """Return the cost and the share of a segment at an energy."""
    width = segment.right - segment.left
    part = (energy - segment.left) / width if width > 0 else 0.0
    cost = segment.left_cost + part * (segment.right_cost - segment.left_cost)
    share = segment.left_share + part * (segment.right_share - segment.left_share)
    return cost, share
