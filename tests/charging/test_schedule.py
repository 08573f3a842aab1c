"""When a provider is asked: never more often than its row allows, whatever it answers and whenever we begin."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
import random
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.charging.adapter import Adapter, Scope, Timetable
from custom_components.tesla_charging.charging.adapters import ADAPTERS
from custom_components.tesla_charging.charging.schedule import Asked, bounds, key_of, next_try

DAY = timedelta(days=1)
ZONE = ZoneInfo("Europe/Amsterdam")
ASKING = [(adapter, adapter.timetable) for adapter in ADAPTERS if adapter.timetable is not None]


def live(
    timetable: Timetable, rng: random.Random, days: int, published: time, reliable: float
) -> list[tuple[datetime, date]]:
    """Let days go by; return when which day was asked for."""
    now = datetime(2026, 10, 23, rng.randrange(20), rng.randrange(60), tzinfo=ZONE).astimezone(UTC)
    end = now + days * DAY
    until = now
    asked: dict[date, Asked] = {}
    requests: list[tuple[datetime, date]] = []
    for _ in range(20_000):

        def known(moment: datetime) -> bool:
            return moment < until  # noqa: B023

        due = next_try(timetable, now, ZONE, known, asked, timedelta(seconds=31))
        assert due.at >= now
        now = max(due.at, now + timedelta(seconds=1))
        if now >= end:
            return requests
        if due.day is None:
            continue
        requests.append((now, due.day))
        key = key_of(timetable, due.day)
        local = now.astimezone(ZONE)
        there = due.day <= local.date() or local.time() >= published
        if there and rng.random() < reliable:
            asked[key] = Asked(now)
            until = now + DAY if timetable.rolling else bounds(due.day, ZONE)[1]
        else:
            asked[key] = Asked(now, (asked[key].failures if key in asked else 0) + 1)
    raise AssertionError("too many requests")


@pytest.mark.parametrize(("adapter", "timetable"), ASKING, ids=[a.kind for a, _ in ASKING])
@pytest.mark.parametrize("reliable", [1.0, 0.3, 0.0])
def test_no_provider_is_asked_more_often_than_its_row_allows(
    adapter: Adapter, timetable: Timetable, reliable: float
) -> None:
    rng = random.Random(f"{adapter.kind} {reliable}")
    for _ in range(3):
        requests = live(timetable, rng, 4, time(13, 20), reliable)
        assert requests
        by_day: dict[date, list[datetime]] = {}
        for at, day in requests:
            by_day.setdefault(key_of(timetable, day), []).append(at)
        for times in by_day.values():
            assert all(b - a >= timetable.every for a, b in pairwise(times))
        if reliable == 1.0 and not timetable.rolling:
            # one for the day of the set-up, then some a day until tomorrow's prices are there
            most = 2 + 5 * (timedelta(hours=1) / timetable.every)
            assert len(requests) <= most


@pytest.mark.parametrize(("adapter", "timetable"), ASKING, ids=[a.kind for a, _ in ASKING])
def test_prices_of_tomorrow_are_asked_for_until_late(
    adapter: Adapter, timetable: Timetable
) -> None:
    """Published at nine in the evening, they are asked for within the time of the row."""
    rng = random.Random(adapter.kind)
    requests = live(timetable, rng, 3, time(21), 1.0)
    late = [at for at, day in requests if at.astimezone(ZONE).time() >= time(21)]
    delays = [at - datetime.combine(at.astimezone(ZONE).date(), time(21), ZONE) for at in late[:1]]
    assert timetable.rolling or delays[0] <= timetable.every


def test_days_that_failed_are_asked_less_often() -> None:
    timetable = Timetable(time(13), time(23), timedelta(minutes=5), "", Scope.DAY)
    now = datetime(2026, 11, 18, 8, tzinfo=UTC)
    today = now.date()

    def at(failures: int) -> timedelta:
        asked = {today: Asked(now, failures)}
        return next_try(timetable, now, ZONE, lambda _: False, asked).at - now

    assert at(1) == timedelta(minutes=5)
    assert at(9) == timedelta(minutes=30)
