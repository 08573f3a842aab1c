"""The numbers of docs/planner.md, computed again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
import re

import pytest

from custom_components.tesla_charging.smart_charging.model import (
    Car,
    Costs,
    Deadline,
    Model,
    Problem,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.plan import plan
from custom_components.tesla_charging.smart_charging.result import NowReason, SlotReason
from custom_components.tesla_charging.smart_charging.series import PriceSeries, PriceSlot

NOW = datetime(2026, 1, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
PAGE = Path(__file__).parents[2] / "docs" / "planner.md"


def example(model: Model, *, change: float = 0.0) -> Problem:
    prices = tuple(
        PriceSlot(NOW + k * QUARTER, NOW + (k + 1) * QUARTER, price)
        for k, price in enumerate((0.20, 0.10, 0.10, 0.50))
    )
    return Problem(
        NOW,
        PriceSeries(prices, "EUR"),
        Car(69.0, 50.0),
        Wishes((Deadline(NOW + 4 * QUARTER, 60.0),)),
        costs=Costs(start=0.05, change=change),
        model=model,
    )


def test_on_and_off_starts_half_way_through_the_first_quarter() -> None:
    best = plan(example(Model.ON_OFF))
    assert best.objective == pytest.approx(2.76 * (0.5 * 0.20 + 0.10 + 0.10) + 0.05)
    (block,) = best.blocks
    assert (block.start, block.end) == (
        NOW + timedelta(minutes=7, seconds=30),
        NOW + timedelta(minutes=45),
    )
    assert best.proven
    assert best.reason is not None
    assert best.reason.reason is NowReason.WAITING_CHEAPER
    assert best.reason.at == block.start
    reasons = [slot.explanation.reason for slot in best.slots if slot.explanation]
    assert reasons[1:] == [SlotReason.CHEAP, SlotReason.CHEAP, SlotReason.READY]
    # 37.5 minutes at full power before the deadline
    assert best.latest_safe_start == NOW + timedelta(minutes=22, seconds=30)
    assert best.totals is not None
    assert best.totals.at_plug_in == pytest.approx(2.76 * (0.20 + 0.10 + 0.5 * 0.10))
    assert best.totals.cheapest_slots == pytest.approx(2.76 * (0.10 + 0.10 + 0.5 * 0.20))
    assert best.totals.average_price == pytest.approx(6.9 * 0.225)


@pytest.mark.parametrize(("change", "cost"), [(0.0, 0.878), (0.02, 0.898)])
def test_levels_charge_slower_in_the_first_quarter(change: float, cost: float) -> None:
    best = plan(example(Model.LEVELS, change=change))
    assert best.objective == pytest.approx(cost)
    assert [slot.amps for slot in best.slots] == [8, 16, 16, 0]
    (block,) = best.blocks
    assert (block.start, block.end) == (NOW, NOW + timedelta(minutes=45))


def test_the_page_has_these_numbers() -> None:
    text = PAGE.read_text().partition("## A worked example")[2]
    assert re.findall(r"= \**(\d\.\d{3})", text) == ["1.016", "0.878", "0.878"]
    assert "0.898" in text
