"""What the meter computes: prices, bills, months and forecasts, without Home Assistant."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
import json
import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.tesla_charging.billing.ledger import (
    HOLD,
    MAX_CARS,
    MAX_COUNT,
    MAX_MONTHS,
    NO_CAR,
    Ledger,
    month_after,
    month_before,
    start_of,
)
from custom_components.tesla_charging.billing.meter import DAY, Span, forecast
from custom_components.tesla_charging.fleet_api import (
    PRICE_LISTS,
    UNITS_PER_DOLLAR,
    Category,
    price_list,
)

BERLIN = ZoneInfo("Europe/Berlin")
PEARL, MIDNIGHT = "LRW3E7EK0PC000101", "5YJ3E1EA8NF000202"
CATEGORIES = [*UNITS_PER_DOLLAR]
SEEDS = range(20)


def at(*when: int, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime(*when, tzinfo=zone)  # type: ignore[misc,arg-type]  # year, month, day, hour ...


# -- prices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "credit", "wake"),
    [
        ("USD", 10, "0.02"),
        ("EUR", 10, "0.02"),
        ("GBP", 8, "0.016"),
        ("JPY", 1448, "2.896"),
        ("DKK", 70, "0.14"),
        ("MOP", 80, "0.16"),
    ],
)
def test_the_credit_buys_the_same_in_every_currency(currency: str, credit: int, wake: str) -> None:
    prices = price_list(currency)
    assert (prices.currency, prices.credit) == (currency, credit)
    assert prices.price(Category.WAKE) == Fraction(wake)
    assert prices.total({Category.WAKE: 500}) == credit


def test_where_no_price_is_known_it_is_dollars() -> None:
    assert price_list("XXX") is PRICE_LISTS["USD"]
    assert price_list("USD").price(Category.FREE) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_each_category_is_rounded_by_itself_half_a_cent_up(seed: int) -> None:
    chance = random.Random(seed)
    units = {category: chance.randrange(10 ** chance.randrange(1, 7)) for category in CATEGORIES}
    wanted = sum(
        (Decimal(count) / UNITS_PER_DOLLAR[name]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for name, count in units.items()
    )
    assert str(wanted) == f"{float(price_list('EUR').total(units)):.2f}"
    assert abs(price_list("EUR").exact(units) - Fraction(wanted)) <= Fraction(4, 200)


def test_ties_go_up_and_yen_have_no_coins() -> None:
    assert price_list("USD").total({Category.COMMAND: 5}) == Fraction(1, 100)
    assert price_list("USD").total({Category.COMMAND: 4}) == 0
    assert price_list("JPY").total({Category.WAKE: 1}) == 3


# -- months -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_clock_does_no_unit_is_lost_moved_or_doubled(seed: int) -> None:
    chance = random.Random(seed)
    now, ledger = at(2026, 10, 20), Ledger(at(2026, 10, 20))
    counted: Counter[tuple[str, str, Category]] = Counter()
    for _ in range(400):
        # mostly onward, sometimes far ahead, or back
        hours = chance.choices((0.2, 5, 200, -1, -200), (60, 30, 3, 4, 3))[0] * chance.random()
        now = (now.astimezone(ZoneInfo("UTC")) + timedelta(hours=hours)).astimezone(BERLIN)
        now = max(at(2026, 9, 1), min(now, at(2027, 1, 31)))
        ledger.turn(now)
        begun = start_of(ledger.month, BERLIN).timestamp() - HOLD
        assert begun < now.timestamp() < start_of(month_after(ledger.month), BERLIN).timestamp()
        vin, category = chance.choice((PEARL, MIDNIGHT, NO_CAR)), chance.choice(CATEGORIES)
        count = chance.randrange(1, 50)
        ledger.add(vin, category, count)
        counted[ledger.month, vin, category] += count
        if chance.random() < 0.05:  # a restart
            ledger = Ledger.from_dict(json.loads(json.dumps(ledger.as_dict())), now)
    for month in ledger.months:
        for vin in (PEARL, MIDNIGHT, NO_CAR):
            assert ledger.units(month, vin) == {c: counted[month, vin, c] for c in CATEGORIES}
        assert ledger.units(month)[Category.DATA] == sum(
            counted[month, vin, Category.DATA] for vin in (PEARL, MIDNIGHT, NO_CAR)
        )
    assert {month for month, _, _ in counted} == set(ledger.months)


def test_a_month_begins_at_midnight_here_whatever_the_clocks_do_that_day() -> None:
    # clocks go back on 25 October and forward on 28 March; in Havana at midnight
    for zone in (BERLIN, ZoneInfo("America/Havana"), ZoneInfo("Pacific/Apia")):
        for month in ("2026-02", "2026-03", "2026-10", "2026-11"):
            first = start_of(month, zone)
            just_before = (first.astimezone(ZoneInfo("UTC")) - timedelta(seconds=1)).astimezone(
                zone
            )
            ledger = Ledger(just_before)
            assert ledger.month == month_before(month)
            assert ledger.turn(first)
            assert ledger.month == month


def test_a_clock_that_is_put_right_does_not_bring_the_old_month_back() -> None:
    ledger = Ledger(at(2026, 10, 31, 23, 59))
    ledger.add(PEARL, Category.DATA, 7)
    assert ledger.turn(at(2026, 11, 1, 0, 3))
    assert not ledger.turn(at(2026, 10, 31, 23, 58))
    ledger.add(PEARL, Category.DATA, 1)
    assert ledger.units("2026-11")[Category.DATA] == 1
    assert ledger.units("2026-10")[Category.DATA] == 7


def test_a_clock_that_was_months_off_costs_no_count() -> None:
    ledger = Ledger(at(2026, 11, 20))
    ledger.add(PEARL, Category.WAKE, 3)
    for wrong in (at(1970, 1, 1), at(2031, 5, 5), at(2026, 10, 2)):
        assert ledger.turn(wrong)
        assert ledger.units(ledger.month)[Category.WAKE] == 0
        assert ledger.turn(at(2026, 11, 20, 1))
        assert ledger.units("2026-11")[Category.WAKE] == 3


def test_it_does_not_grow_for_ever() -> None:
    ledger = Ledger(at(2026, 1, 1))
    for month in range(1, 13):
        ledger.turn(at(2026, month, 15))
        for car in range(MAX_CARS + 20):
            ledger.add(f"5YJ3E1EA8NF{car:06}", Category.STREAMING, MAX_COUNT)
            ledger.add(f"5YJ3E1EA8NF{car:06}", Category.STREAMING, MAX_COUNT)
            ledger.add(f"5YJ3E1EA8NF{car:06}", Category.DATA, 1)
    assert len(ledger.months) == MAX_MONTHS
    assert len(ledger.vins) <= MAX_CARS
    assert ledger.units("2026-12")[Category.DATA] == MAX_CARS + 20
    assert len(json.dumps(ledger.as_dict())) < 40_000
    again = Ledger.from_dict(ledger.as_dict(), at(2026, 12, 31))
    assert again.as_dict() == ledger.as_dict()


def test_forgetting_the_cars_keeps_the_sums() -> None:
    ledger = Ledger(at(2026, 11, 20))
    ledger.add(PEARL, Category.WAKE, 3)
    ledger.add(NO_CAR, Category.WAKE, 1)
    ledger.add(MIDNIGHT, Category.DATA, 5)
    units = ledger.units("2026-11")
    ledger.anonymize(PEARL)
    assert ledger.vins == {MIDNIGHT}
    ledger.anonymize(MIDNIGHT)
    ledger.anonymize("a stranger")
    assert ledger.vins == frozenset()
    assert ledger.units("2026-11") == units == ledger.units("2026-11", NO_CAR)


# -- what is on disk --------------------------------------------------------------------------------------

JUNK: list[Any] = [
    None,
    7,
    [],
    "2026-11",
    {},
    {"months": []},
    {"months": {"2026-13": {PEARL: {"data": 5}}}},
    {"months": {"0000-01": {PEARL: {"data": 5}}}},
    {"months": {"２０２６-11": {PEARL: {"data": 5}}}},
    {"months": {"2026-11": [5]}},
    {"months": {"2026-11": {PEARL: 5}}},
    {"months": {"2026-11": {PEARL: {"data": -5}}}},
    {"months": {"2026-11": {PEARL: {"data": True}}}},
    {"months": {"2026-11": {PEARL: {"data": 5.5}}}},
    {"months": {"2026-11": {PEARL: {"data": MAX_COUNT + 1}}}},
    {"months": {"2026-11": {PEARL: {"petrol": 5, "free": 5}}}},
    {"began": "yesterday", "month": 7, "months": {}},
    {"began": True, "months": None},
    {"began": -1e300},
    {"began": float("nan")},
    {"month": "2026-11"},
]


@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_what_cannot_have_been_saved_is_left_out(junk: Any) -> None:
    now = at(2026, 11, 20)
    ledger = Ledger.from_dict(junk, now)
    assert ledger.month == "2026-11"
    assert ledger.began == now.timestamp()
    assert sum(ledger.units("2026-11").values()) == 0
    ledger.add(PEARL, Category.DATA, 1)
    assert ledger.units("2026-11", PEARL)[Category.DATA] == 1


def test_what_is_right_beside_what_is_wrong_is_kept() -> None:
    stored = {
        "began": at(2026, 11, 2).timestamp(),
        "month": "2026-11",
        "months": {
            "2026-11": {PEARL: {"data": 5, "wake": None}, "x" * 99: {"data": 2}, MIDNIGHT: None},
            "November": {PEARL: {"data": 9}},
        },
    }
    ledger = Ledger.from_dict(stored, at(2026, 11, 20))
    assert ledger.began == at(2026, 11, 2).timestamp()
    assert ledger.units("2026-11")[Category.DATA] == 7
    assert ledger.units("2026-11", PEARL)[Category.DATA] == 5


# -- forecast ---------------------------------------------------------------------------------------------

MONTH = Span(30 * DAY, 60 * DAY)
EARLIER = Span(0, 30 * DAY)
NOTHING_EARLIER = Span(30 * DAY, 30 * DAY)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_forecast_is_never_less_than_what_was_spent_and_comes_true(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        spent, spent_before = chance.random() * 20, chance.random() * 20
        now = MONTH.start + chance.uniform(-2, 32) * DAY
        for earlier in (EARLIER, NOTHING_EARLIER):
            expected = forecast(spent, MONTH, now, spent_before, earlier)
            assert expected >= spent
            assert expected <= forecast(spent + 1, MONTH, now, spent_before, earlier)
            assert forecast(spent, MONTH, MONTH.end, spent_before, earlier) == spent


def test_who_spends_evenly_is_told_so_from_the_first_day() -> None:
    for day in (0.0, 0.01, 1, 7, 29):
        now = MONTH.start + day * DAY
        assert forecast(0.2 * day, MONTH, now, 6.0, EARLIER) == pytest.approx(6.0)
    assert forecast(0.2 * 10, MONTH, MONTH.start + 10 * DAY, 0, NOTHING_EARLIER) == pytest.approx(6)


def test_a_set_up_of_ten_minutes_is_not_how_the_month_goes_on() -> None:
    set_up = MONTH.start + 600
    assert forecast(0.02, MONTH, set_up, 0, NOTHING_EARLIER) < 0.65
    # and neither is a busy first morning, where there was a month before
    assert forecast(0.5, MONTH, MONTH.start + DAY / 4, 3.0, EARLIER) < 8


def test_who_began_in_the_middle_of_a_month_is_measured_from_there() -> None:
    began = Span(MONTH.start + 20 * DAY, MONTH.end)
    expected = forecast(1.0, began, MONTH.start + 25 * DAY, 0, NOTHING_EARLIER)
    assert expected == pytest.approx(2.0)
