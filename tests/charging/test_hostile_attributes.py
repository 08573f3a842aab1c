"""Attributes that nobody would write: thousands of random ones end in prices or in a reason, and in nothing else."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.charging.attribute_reader import (
    NotUnderstood,
    read_attributes,
)
from custom_components.tesla_charging.charging.attribute_shapes import (
    ENDS,
    FORECASTS,
    LISTS,
    PRICES,
    STARTS,
)
from custom_components.tesla_charging.smart_charging.normalise import RawPrice, Refused, normalise

ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Amsterdam",
        "Europe/London",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Atlantic/Azores",
        "Asia/Kathmandu",
        "UTC",
    )
]
NAMES = [
    *(name for row in LISTS for name in row),
    *FORECASTS,
    *("tomorrow_valid", "price_in_cents", "unit", "currency", "price_02h", "price_02h_d"),
    *("price_next_day_23h", "2026-11-28T00:00:00+01:00"),
]
KEYS = [*STARTS, *ENDS, *(price.key for price in PRICES), "amount"]
SCALARS = [
    *(None, True, False, 0, 1, -1, 0.1, 0.25, 12.5, -0.3, float("nan"), float("inf"), 1e300),
    *(10**400, 10**5000, 2512345, 1.7e9, 1.7e12, "", "0.1", "31,60", "x", "nan"),
    *("2026-10-25T02:30:00", "2026-03-29 02:30:00", "2026-10-25T02:30:00+01:00"),
    *("2026-11-28T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-12:00"),
    *("[1,2", "{}", "[]", "[" * 5000, '[{"start": "2026-11-28T00:00Z", "price": 0.1}]'),
    *(datetime(2026, 10, 25, 2, 30, tzinfo=ZONES[0]), datetime(2026, 3, 29, 2, 30)),  # noqa: DTZ001
    *(datetime.max, datetime.min, datetime.max.replace(tzinfo=UTC)),  # noqa: DTZ901
    *(b"x", object(), {1, 2}, (1, 2), date(2026, 1, 1), time(3)),
]


class Nonsense:
    """Makes attributes from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kind = self._random.random()
        if depth > 2 or kind < 0.3:
            return self._random.choice(SCALARS)
        if kind < 0.75:
            return [self.row(depth) for _ in range(self._random.choice([1, 2, 3, 24, 96]))]
        if kind < 0.85:
            return {self._random.choice([*KEYS, 3, None]): self.value(depth + 1) for _ in range(3)}
        count = self._random.choice([1, 23, 24, 25, 96])
        return [self._random.choice(SCALARS) for _ in range(count)]

    def row(self, depth: int) -> Any:
        if self._random.random() < 0.1:
            return self.value(depth + 1)
        keys = self._random.sample(KEYS, self._random.randint(1, 5))
        return {key: self._random.choice(SCALARS) for key in keys}

    def attributes(self) -> dict[str, Any]:
        """Nonsense, or a list of prices with a few things wrong."""
        if self._random.random() < 0.5:
            return {self._random.choice(NAMES): self.value() for _ in range(4)}
        zone = self._random.choice(ZONES)
        start = datetime(2026, self._random.choice([3, 4, 10, 11]), 24, tzinfo=UTC)
        step = timedelta(minutes=self._random.choice([5, 15, 30, 60]))
        rows = []
        for index in range(self._random.randint(1, 150)):
            moment = (start + index * step).astimezone(zone)
            written = self._random.choice(
                [moment, moment.isoformat(), moment.replace(tzinfo=None), moment.timestamp()]
            )
            wrong = self._random.random() < 0.01
            rows.append({"start": written, "value": self._random.choice(SCALARS) if wrong else 0.2})
        return {"data": rows}


@pytest.mark.parametrize("seed", range(0, 300, 50))
def test_attributes_end_in_prices_or_in_a_reason(seed: int) -> None:
    for number in range(seed, seed + 50):
        zone = ZONES[number % len(ZONES)]
        reason = ""
        try:
            found = read_attributes(
                *("0.2", Nonsense(number).attributes()),
                unit="EUR/kWh",
                zone=zone,
                written=datetime(2026, 10, 25, 12, tzinfo=UTC),
            )
            for rows in filter(None, (found.rows, found.forecast)):
                slots = normalise(
                    rows, unit=found.unit, zone=zone, source="", price_now=found.price_now
                )
                assert all(before.end <= after.start for before, after in pairwise(slots))
        except (NotUnderstood, Refused) as error:
            reason = str(error)
        assert reason == "" or 5 < len(reason) < 1_500, number


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("step", [timedelta(minutes=15), timedelta(minutes=30)])
def test_local_times_are_told_apart(zone: ZoneInfo, step: timedelta) -> None:
    """Quarter hours as wall clocks show them, in order: each is one moment, also where the clock jumps by half an hour."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=i) for i in range(365 * 24)]
    jumps = [
        after
        for before, after in pairwise(hours)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()
    ]
    for jump in jumps or [start]:
        day = [jump - timedelta(days=1) + i * step for i in range(int(timedelta(days=2) / step))]
        rows = [RawPrice(m.astimezone(zone).replace(tzinfo=None), 0.1) for m in day]
        slots = normalise(rows, unit="EUR/kWh", zone=zone, source="")
        assert [slot.start for slot in slots] == day
