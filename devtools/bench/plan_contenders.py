"""What others would do with a night, written from their published rules: shares of quarter hours at full power."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
import math

from custom_components.tesla_charging.smart_charging.model import (
    Car,
    Costs,
    Deadline,
    Model,
    Problem,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.plan import plan
from custom_components.tesla_charging.smart_charging.series import PriceSeries

from .plan_data import Night

KW = 3 * 16 * 230 / 1000
START = 0.05
"""What a start costs everybody, currency."""
SHORT_GAP = timedelta(minutes=14)
"""evcc does not stop for a shorter break, nor start for a shorter slot on its own."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A quarter hour, or what is left of it."""

    start: datetime
    end: datetime
    price: float

    @property
    def kwh(self) -> float:
        """Return what the car takes in it at full power."""
        return KW * ((self.end - self.start) / timedelta(hours=1))


type Times = list[tuple[datetime, datetime]]
"""When charging is on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a night has cost."""

    energy_cost: float
    starts: int
    missing_kwh: float
    objective: float


def cells(night: Night) -> list[Cell]:
    """Return the quarter hours of a night, the first and the last one cut."""
    result = []
    for slot in night.prices:
        start, end = max(slot.start, night.arrival), min(slot.end, night.departure)
        if start < end:
            result.append(Cell(start, end, slot.import_price))
    return result


def outcome(night: Night, times: Times) -> Outcome:
    """Return what a night costs; the car stops by itself when it has what it needs."""
    left, cost, starts = night.kwh, 0.0, 0
    on_until: datetime | None = None
    for start, end in sorted(times):
        if left <= 1e-9:
            break
        starts += start != on_until
        on_until = end
        for cell in cells(night):
            low, high = max(cell.start, start), min(cell.end, end)
            if low < high:
                kwh = min(left, KW * ((high - low) / timedelta(hours=1)))
                cost += kwh * cell.price
                left -= kwh
    missing = max(0.0, left) if left > 1e-6 else 0.0
    worst = max(cell.price for cell in cells(night))
    late = missing * worst + START if missing else 0.0
    return Outcome(cost, starts, missing, cost + START * starts + late)


def at_plug_in(night: Night) -> Times:
    """Charge from the arrival on."""
    return [(night.arrival, night.departure)]


def cheapest_slots(night: Night) -> Times:
    """Take quarter hours by price, later ones first among equals, until the time is enough (evcc)."""
    row = sorted(cells(night), key=lambda c: (c.price, -c.start.timestamp()))
    taken: Times = []
    for _ in range(len(row)):
        taken = _cheapest(row, night)
        alone = {start for start, end in taken if end - start < SHORT_GAP}
        rest = [c for c in row if not any(c.start <= start < c.end for start in alone)]
        if not alone or sum(c.kwh for c in rest) < night.kwh:
            break
        # what is too short on its own is left out, and the next plan does without it
        row = rest
    return taken


def _cheapest(row: Sequence[Cell], night: Night) -> Times:
    left = timedelta(hours=night.kwh / KW)
    chosen = []
    for cell in row:
        if left <= timedelta():
            break
        use = min(left, cell.end - cell.start)
        left -= use
        chosen.append((cell, use))
    first = min((cell.start for cell, _ in chosen), default=night.arrival)
    taken: Times = []
    for cell, use in sorted(chosen, key=lambda c: c[0].start):
        # the slot that is only partly needed starts late if it is the first one
        late = cell.start == first and use < cell.end - cell.start
        start = cell.end - use if late else cell.start
        end = cell.end if late else cell.start + use
        if taken and start - taken[-1][1] < SHORT_GAP:
            taken[-1] = (taken[-1][0], end)
        else:
            taken.append((start, end))
    return taken


def best_block(night: Night) -> Times:
    """Take the cheapest time without a break that begins at a quarter hour."""
    length = timedelta(hours=night.kwh / KW)
    starts = [c.start for c in cells(night) if c.start + length <= night.departure]
    best = min(
        starts or [night.arrival],
        key=lambda start: outcome(night, [(start, start + length)]).energy_cost,
    )
    return [(best, min(best + length, night.departure))]


def greedy(night: Night) -> Times:
    """Seed with each quarter hour, add the one that is cheapest with the cost of a start if it stands alone (TSC)."""
    row = cells(night)
    best: tuple[float, Times] | None = None
    for seed in range(len(row)):
        taken, left = {seed}, night.kwh - row[seed].kwh
        while left > 1e-9 and len(taken) < len(row):
            following = min(
                (i for i in range(len(row)) if i not in taken),
                key=lambda i: (
                    row[i].price
                    + (0.0 if i - 1 in taken or i + 1 in taken else START / max(row[i].kwh, 0.1)),
                    i,
                ),
            )
            taken.add(following)
            left -= row[following].kwh
        times = joined([(row[i].start, row[i].end) for i in sorted(taken)])
        cost = outcome(night, times).energy_cost
        if best is None or cost < best[0]:
            best = (cost, times)
    return best[1] if best else []


def whole_hours(night: Night) -> Times:
    """Round the need up to whole hours, and take the cheapest ones (ev_smart_charging)."""
    hours: dict[datetime, list[Cell]] = {}
    for cell in cells(night):
        hours.setdefault(cell.start.replace(minute=0, second=0), []).append(cell)
    needed = math.ceil(night.kwh / KW)
    chosen = sorted(
        sorted(hours, key=lambda h: sum(c.price for c in hours[h]) / len(hours[h]))[:needed]
    )
    return joined([(hours[h][0].start, hours[h][-1].end) for h in chosen])


def joined(times: Times) -> Times:
    """Return times that follow each other as one."""
    result: Times = []
    for start, end in times:
        if result and result[-1][1] == start:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def problem_of(night: Night, model: Model = Model.ON_OFF) -> Problem:
    """Return a night as the planner's problem."""
    capacity = 200.0
    level = 90.0 - night.kwh / capacity * 100
    return Problem(
        night.arrival,
        PriceSeries(night.prices, "EUR"),
        Car(capacity, level, phases=3, volts=230.0, max_amps=16),
        Wishes(deadlines=(Deadline(night.departure, 90.0),)),
        costs=Costs(start=START),
        model=model,
    )


def ours(night: Night) -> Times:
    """Take the exact plan."""
    found = plan(problem_of(night), None)
    return [(block.start, block.end) for block in found.blocks]


CONTENDERS: dict[str, Callable[[Night], Times]] = {
    "at plug-in": at_plug_in,
    "cheapest slots (evcc)": cheapest_slots,
    "best aligned block": best_block,
    "greedy with start cost (TSC)": greedy,
    "whole hours (ev_smart_charging)": whole_hours,
    "this planner": ours,
}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table; the first one is the head."""
    head, *body = rows
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body)]
    return "\n".join(lines)
