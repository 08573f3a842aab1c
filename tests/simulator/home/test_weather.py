"""Sun, clouds, forecast and household: what they promise, whoever asks and whenever."""

from datetime import date, timedelta
import itertools
import math
from zoneinfo import ZoneInfo

import pytest

from simulator.home import Home, Roof
from simulator.home.days import dice, local_date, moment, start_of
from simulator.home.household import APPLIANCES, Household, starts
from simulator.home.sun import WEATHER, Sun, weather_on

from .hand import DAY, HOUR, JUNE, kwh, make_home, pass_

ZONE = ZoneInfo("Europe/Amsterdam")
SPRING_FORWARD, FALL_BACK = date(2026, 3, 29), date(2026, 10, 25)


def wh_of(sun: Sun, start: float, end: float) -> float:
    joules, at = 0.0, start
    for _ in range(100_000):
        if at >= end:
            return joules / 3600
        watts, until = sun.at(at)
        joules += watts * (min(until, end) - at)
        at = until
    raise AssertionError("no end of it")


# -- the sun -----------------------------------------------------------------------------------


def test_the_nights_are_dark_and_noon_is_bright() -> None:
    home = make_home()
    noon = max(home.sky.sun.clear(JUNE + hour * HOUR)[0] for hour in range(11, 16))
    assert home.sky.at(JUNE + 2 * HOUR)[0] == 0
    assert 5000 < noon <= 7000


def test_a_year_of_sun_is_that_of_its_latitude() -> None:
    def year(latitude: float) -> float:
        sun = Sun(1, Roof(kwp=1, inverter_w=1000), latitude, 4.4)
        days = range(0, 365, 12)
        start = start_of(date(2026, 1, 1), ZoneInfo("UTC"))
        return sum(wh_of(sun, start + d * DAY, start + (d + 1) * DAY) for d in days) * 12 / 1000

    assert 800 < year(52.0) < 1250
    assert year(60.0) < year(52.0) < year(40.0)


def test_the_inverter_sets_the_limit() -> None:
    sun = Sun(1, Roof(kwp=20, inverter_w=5000), 52.0, 4.4)
    most = max(sun.at(JUNE + day * DAY + 12 * HOUR)[0] for day in range(40))
    assert most == 5000


def test_clouds_come_and_go_by_the_second_and_not_by_who_asks() -> None:
    one, other = Sun(2, Roof(), 52.0, 4.4), Sun(2, Roof(), 52.0, 4.4)
    day = next(
        JUNE + ahead * DAY
        for ahead in range(60)
        if weather_on(2, local_date(JUNE + ahead * DAY + 13 * HOUR, ZoneInfo("UTC"))).name
        == "broken"
    )
    seen = [one.at(day + 10 * HOUR + second)[0] for second in range(7200)]
    backwards = [other.at(day + 10 * HOUR + second)[0] for second in reversed(range(7200))]
    assert seen == backwards[::-1]
    jumps = sum(abs(b - a) > 500 for a, b in itertools.pairwise(seen))
    assert jumps > 8


def test_every_kind_of_weather_comes_and_summers_are_brighter() -> None:
    days = [weather_on(5, date(2026, 1, 1) + timedelta(days=n)) for n in range(3 * 365)]
    assert {weather.name for weather in days} == {weather.name for weather in WEATHER}
    assert sum(weather.share for weather in WEATHER) == pytest.approx(1)
    summer = [days[n].mean for n in range(len(days)) if 150 <= n % 365 < 210]
    winter = [days[n].mean for n in range(len(days)) if n % 365 < 30 or n % 365 >= 335]
    assert sum(summer) / len(summer) > sum(winter) / len(winter)


def test_weather_stays_for_more_than_a_day() -> None:
    means = [weather_on(5, date(2026, 1, 1) + timedelta(days=n)).mean for n in range(1000)]
    middle = sum(means) / len(means)
    spread = sum((mean - middle) ** 2 for mean in means)
    together = sum((a - middle) * (b - middle) for a, b in itertools.pairwise(means))
    assert together / spread > 0.3


def test_clouds_of_a_person_cover_the_sun_and_go() -> None:
    home = make_home(start=JUNE + 12 * 3600)
    bright = home.present().solar
    home.sky.cover(home.now, 600, 0.1)
    pass_(home, [1.0])
    assert home.sky.covered(home.now)
    assert home.present().solar == pytest.approx(0.1 * home.sky.sun.at(home.now)[0])
    pass_(home, [600.0])
    assert not home.sky.covered(home.now)
    assert home.present().solar > 0.3 * bright
    home.sky.cover(home.now, 600, 0.0)
    home.sky.clear(home.now)
    pass_(home, [1.0])
    assert home.present().solar > 0


def test_clouds_of_a_person_are_exact_in_any_steps() -> None:
    totals = []
    for steps in ([1800.0], [1.0] * 1800):
        home = make_home(start=JUNE + 12 * 3600)
        home.sky.cover(home.now, 600, 0.1)
        totals.append(pass_(home, steps).totals.solar)
    assert totals[0] == pytest.approx(totals[1], abs=1)


# -- the forecast ------------------------------------------------------------------------------


def test_a_forecast_covers_three_days_hour_by_hour() -> None:
    home = make_home()
    hours = home.forecast.known(JUNE + 9.5 * HOUR)
    assert len(hours) == 72
    assert hours[0].start == JUNE
    assert all(a.end == b.start for a, b in itertools.pairwise(hours))
    assert all(hour.low <= hour.wh <= hour.high for hour in hours)


@pytest.mark.parametrize(("day", "hours"), [(SPRING_FORWARD, 71), (FALL_BACK, 73)])
def test_a_forecast_over_a_change_of_the_clock_has_all_its_hours(day: date, hours: int) -> None:
    home = make_home()
    known = home.forecast.known(moment(day, 12 * HOUR, ZONE))
    assert len(known) == hours
    assert all(hour.end - hour.start == HOUR for hour in known)


def test_a_forecast_is_made_anew_every_hour_and_is_the_same_for_everybody() -> None:
    home, other = make_home(), make_home()
    at = JUNE + 9.5 * HOUR
    assert home.forecast.known(at) == other.forecast.known(at + 60)
    assert home.forecast.known(at) != home.forecast.known(at + HOUR)


def errors_of(home: Home, ahead: int, days: int) -> list[float]:
    """Return by how many kWh the forecasts made at 08:00 missed a day's sun."""
    found = []
    for number in range(days):
        issued = start_of(date(2026, 5, 1) + timedelta(days=number), ZONE) + 8 * 3600
        target = date(2026, 5, 1) + timedelta(days=number + ahead)
        start, end = start_of(target, ZONE), start_of(target + timedelta(days=1), ZONE)
        expected = sum(hour.wh for hour in home.forecast.known(issued) if start <= hour.start < end)
        found.append((expected - wh_of(home.sky.sun, start, end)) / 1000)
    return found


def test_a_forecast_is_wrong_and_less_so_the_nearer_the_day() -> None:
    home = make_home(seed=8)
    spread = [
        math.sqrt(sum(error**2 for error in errors_of(home, ahead, 40)) / 40) for ahead in range(3)
    ]
    assert 1 < spread[0] < spread[1] < spread[2] < 25


# -- the household -----------------------------------------------------------------------------


def test_a_household_takes_what_a_household_takes() -> None:
    home = pass_(make_home(roof=None, battery=None), [14 * DAY])
    assert 8 < kwh(home.totals.load) / 14 < 20


def test_evenings_take_more_than_nights() -> None:
    home = make_home(roof=None, battery=None)
    night = evening = 0.0
    for _ in range(7):
        pass_(home, [2 * HOUR])
        before = home.totals.load
        pass_(home, [2 * HOUR])
        night += home.totals.load - before
        pass_(home, [14 * HOUR])
        before = home.totals.load
        pass_(home, [2 * HOUR])
        evening += home.totals.load - before
        pass_(home, [4 * HOUR])
    assert evening > 2 * night


def test_what_was_switched_on_before_midnight_goes_on_after_it() -> None:
    house = Household(3, ZONE, 1)
    dishwasher = next(one for one in APPLIANCES if one.name == "dishwasher")
    length = sum(seconds for seconds, _ in dishwasher.runs)
    for number in range(200):
        day = date(2026, 6, 1) + timedelta(days=number)
        midnight = start_of(day + timedelta(days=1), ZONE)
        late = [at for at in starts(3, dishwasher, day, ZONE) if at + length > midnight + 60]
        if late:
            at = late[-1]
            assert house.at(midnight - 1)[0][0] - house.at(midnight)[0][0] < 500
            assert house.at(at + length - 901)[0][0] > 1900
            return
    pytest.fail("nobody washes dishes late")


@pytest.mark.parametrize("day", [SPRING_FORWARD, FALL_BACK])
def test_the_load_has_no_hole_where_the_clock_changes(day: date) -> None:
    house = Household(3, ZONE, 3)
    start, end = start_of(day, ZONE), start_of(day + timedelta(days=1), ZONE)
    assert (end - start) // 3600 in {23, 25}
    at = float(start)
    for _ in range(10_000):
        if at >= end:
            break
        watts, until = house.at(at)
        assert sum(watts) > 60
        assert min(watts) >= 0
        assert until > at
        at = until
    assert at == end


def test_an_empty_house_takes_less() -> None:
    lived_in = Household(3, ZONE, 1)
    empty = Household(3, ZONE, 1, lambda _: True)
    noons = [JUNE + day * DAY + 18.5 * HOUR for day in range(30)]
    assert sum(empty.at(at)[0][0] for at in noons) < sum(lived_in.at(at)[0][0] for at in noons) / 2


# -- time --------------------------------------------------------------------------------------


def test_chance_depends_on_seed_and_subject_only() -> None:
    assert dice(1, "a", 2).random() == dice(1, "a", 2).random()
    assert len({dice(s, w).random() for s in (1, 2) for w in ("a", "b")}) == 4


def test_a_day_with_a_change_of_the_clock_has_23_or_25_hours() -> None:
    for day, hours in ((SPRING_FORWARD, 23), (FALL_BACK, 25), (date(2026, 6, 1), 24)):
        length = start_of(day + timedelta(days=1), ZONE) - start_of(day, ZONE)
        assert length == hours * 3600
