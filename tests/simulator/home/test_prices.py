"""Prices: what holds, what is known of it and when, and outages."""

from collections import Counter
from datetime import date, timedelta
import itertools
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.home import Home, Tariff
from simulator.home.days import moment, start_of
from simulator.home.outages import Outages
from simulator.home.price_service import ODDS, Kind, PriceService

from .hand import HOUR, make_home

ZONE = ZoneInfo("Europe/Amsterdam")
DAY = date(2026, 6, 12)
EVE = DAY - timedelta(days=1)


def service(kind: Kind = "on_time", **settings: Any) -> PriceService:
    home = make_home(**settings)
    home.prices.force(DAY, kind)
    home.prices.force(EVE, "on_time")
    return home.prices


@pytest.mark.parametrize(
    ("day", "hours"), [(DAY, 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]
)
@pytest.mark.parametrize("hourly", [False, True])
def test_a_day_has_all_its_slots_also_when_the_clock_changes(
    day: date, hours: int, *, hourly: bool
) -> None:
    slots = make_home(tariff=Tariff(hourly=hourly)).market.slots(day)
    assert len(slots) == hours * (1 if hourly else 4)
    assert slots[0].start == start_of(day, ZONE)
    assert slots[-1].end == start_of(day + timedelta(days=1), ZONE)
    assert all(a.end == b.start for a, b in itertools.pairwise(slots))


def test_an_hourly_price_is_the_mean_of_its_quarters() -> None:
    quarters = make_home().market.slots(DAY)
    hours = make_home(tariff=Tariff(hourly=True)).market.slots(DAY)
    for number, hour in enumerate(hours):
        four = quarters[4 * number : 4 * number + 4]
        assert hour.price == pytest.approx(sum(slot.price for slot in four) / 4, abs=1e-5)


def test_what_is_published_is_what_is_paid() -> None:
    home = make_home()
    for slot in home.market.slots(DAY):
        imported, exported = home.market.at(slot.start + 1)[0]
        assert imported == home.settings.tariff.imported(slot.price)
        assert exported == home.settings.tariff.exported(slot.price)


def test_import_costs_fee_tax_and_vat_and_export_earns_less_than_the_market() -> None:
    tariff = Tariff(fee=0.02, tax=0.1, vat=0.2, export_fee=0.01)
    assert tariff.imported(0.08) == pytest.approx(0.24)
    assert tariff.exported(0.08) == pytest.approx(0.07)
    assert tariff.exported(-0.05) == pytest.approx(-0.06)


def test_sunny_weekends_have_negative_prices_and_evenings_are_dear() -> None:
    market = make_home().market
    days = [date(2026, 5, 1) + timedelta(days=n) for n in range(60)]
    noon, evening = [], []
    for day in days:
        slots = market.slots(day)
        noon += [slot.price for slot in slots[50:56]]
        evening += [slot.price for slot in slots[74:80]]
    assert min(noon) < 0
    assert sum(evening) > 2 * sum(noon)


def test_prices_of_tomorrow_are_published_at_13_00() -> None:
    prices = service()
    at = prices.publication(DAY).at
    assert at is not None
    assert 0 <= at - moment(EVE, 13 * HOUR, ZONE) < 180
    assert prices.day(DAY, at - 1) is None
    assert prices.day(DAY, at) == prices.market.slots(DAY)


def test_the_service_knows_today_and_what_is_published_of_tomorrow() -> None:
    prices = service()
    assert len(prices.known(moment(EVE, 12 * HOUR, ZONE))) == 96
    assert len(prices.known(moment(EVE, 14 * HOUR, ZONE))) == 192
    prices.force(DAY + timedelta(days=1), "on_time")
    assert prices.known(moment(DAY, 1, ZONE))[0].start == start_of(DAY, ZONE)


def test_late_prices_come_hours_later_and_still_on_the_day_before() -> None:
    prices = service("late")
    at = prices.publication(DAY).at
    assert at is not None
    assert moment(EVE, 13.5 * HOUR, ZONE) <= at < start_of(DAY, ZONE)


def test_corrected_prices_are_wrong_at_first() -> None:
    prices = service("corrected")
    how = prices.publication(DAY)
    assert how.at is not None
    assert how.corrected_at is not None
    first, right = prices.day(DAY, how.at), prices.day(DAY, how.corrected_at)
    assert first is not None
    assert right == prices.market.slots(DAY)
    wrong = [i for i, (a, b) in enumerate(zip(first, right, strict=True)) if a != b]
    assert wrong
    assert set(wrong) <= {index for index, _ in how.wrong}
    assert how.corrected_at - how.at >= 1800


@pytest.mark.parametrize(("hourly", "size"), [(False, 4), (True, 1)])
def test_a_gap_is_a_hole_that_stays(size: int, *, hourly: bool) -> None:
    prices = service("gap", tariff=Tariff(hourly=hourly))
    slots = prices.day(DAY, start_of(DAY, ZONE))
    assert slots is not None
    missing = len(prices.market.slots(DAY)) - len(slots)
    assert missing % size == 0
    assert size <= missing <= 4 * size


def test_missing_prices_never_come_and_are_paid_all_the_same() -> None:
    prices = service("missing")
    assert prices.day(DAY, start_of(DAY, ZONE) + 20 * HOUR) is None
    assert prices.market.at(start_of(DAY, ZONE) + 20 * HOUR)[0][0] != 0


def test_the_seed_has_days_of_every_kind() -> None:
    prices = make_home().prices
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(1500)]
    counts = Counter(prices.publication(day).kind for day in days)
    for kind, odds in ODDS:
        assert 0.4 * odds < counts[kind] / 1500 < 2 * odds, kind
    assert counts["on_time"] > 1200


def test_who_asks_changes_nothing_of_how_a_day_becomes_known() -> None:
    one, other = make_home(seed=5).prices, make_home(seed=5).prices
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(100)]
    forwards = [one.publication(day) for day in days]
    assert forwards == [other.publication(day) for day in reversed(days)][::-1]


def test_a_service_has_outages_by_chance_and_by_hand() -> None:
    outages = Outages(3, "prices", per_year=36)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(730)]
    spans = [outages.by_chance(day) for day in days]
    real = [(start, end) for start, end in spans if end > start]
    assert 40 < len(real) < 110
    assert all(end - start <= 5 * HOUR for start, end in real)
    start, end = real[0]
    assert outages.now((start + end) / 2)
    assert not outages.now(end)
    outages.never()
    assert not outages.now((start + end) / 2)
    outages.make(100.0, 200.0)
    assert outages.now(150.0)
    outages.end(150.0)
    assert not outages.now(150.0)


def test_homes_of_different_seeds_pay_different_prices() -> None:
    homes: list[Home] = [make_home(seed=seed) for seed in (1, 2)]
    assert homes[0].market.slots(DAY) != homes[1].market.slots(DAY)
