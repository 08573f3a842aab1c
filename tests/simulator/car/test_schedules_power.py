"""The power of cars that follow schedules: heat and cold, taper, amps by place, cabins, the sun, and every clock speed."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from simulator import OtherReading, Quirk, clock as simulated

from .days import ELSEWHERE, HOME, HOUR, KW, MONDAY, Days

TUESDAY = "2027-01-12"
CABIN_KW = 3.0 / 0.92


# -- the battery -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reading", [None, OtherReading.HEATS_WHILE_CHARGING])
def test_a_cold_battery_heats_first_power_flows_and_the_level_does_not_rise(
    reading: OtherReading | None,
) -> None:
    days = Days(f"{MONDAY} 18:00", *([reading] if reading else []))
    days.car.set_battery_temperature(-10)
    days.add("22:00", "23:00")
    days.car.plug_in()
    days.until("22:05")
    level = days.car.snapshot().battery_level
    told = days.section("charge_state")
    assert told["charging_state"] == "Charging"
    if reading:
        assert level > 30
        return
    assert level == 30
    assert days.car.ac_kw == pytest.approx(6.0)
    assert told["charge_energy_added"] == 0
    assert (told["battery_heater_on"], told["batt_heat_min_to_start_charge"]) == (True, 14)
    days.until("22:30")
    assert days.car.snapshot().battery_level > 30
    assert days.car.ac_kw == pytest.approx(KW)
    assert days.section("charge_state")["battery_heater_on"] is False


def test_a_cold_battery_at_a_slow_cable_heats_for_long() -> None:
    slow = Days(f"{MONDAY} 18:00")
    slow.car.set_battery_temperature(-10)
    slow.car.plug_in(max_amps=10, phases=1)
    assert slow.section("charge_state")["batt_heat_min_to_start_charge"] == 49


def test_current_tapers_in_steps_and_the_time_to_the_limit_comes_true() -> None:
    days = Days(f"{MONDAY} 18:00", battery_level=94.0, battery_kwh=60.0)
    days.send("set_charge_limit", percent=100)
    days.car.plug_in()
    minutes = days.section("charge_state")["minutes_to_full_charge"]
    powers = []
    for _ in range(int(minutes) - 1):
        days.hours(1 / 60)
        powers.append(round(days.car.ac_kw, 6))
    assert days.state == "Charging"
    assert sorted(set(powers), reverse=True) == list(dict.fromkeys(powers)), "it only sinks"
    assert len(set(powers)) == 11
    days.hours(2 / 60)
    assert days.state == "Complete"
    assert days.car.ac_kwh == pytest.approx(0.06 * 60 / 0.92, abs=1e-6)


def test_the_ceiling_of_current_sinks_when_the_plug_is_hot_and_comes_back() -> None:
    days = Days(f"{MONDAY} 21:00", Quirk.HOT_PLUG)
    days.add("22:00", "23:00", id=1)
    days.add("02:00", "03:00", id=2)
    days.car.plug_in()
    days.until("22:20")
    assert days.section("charge_state")["charge_current_request_max"] == 16
    days.until("22:40")
    told = days.section("charge_state")
    assert (told["charge_current_request_max"], told["charger_actual_current"]) == (10, 10)
    assert told["charge_amps"] == 16, "the setting stays"
    days.until("02:10")
    assert days.section("charge_state")["charge_current_request_max"] == 16
    days.until("03:30")
    assert days.drawn(f"{MONDAY} 22:00", f"{MONDAY} 23:00") == round(0.5 + 0.5 * 10 / 16, 2)


def test_a_car_gives_up_at_a_charger_that_cuts_its_power_again_and_again() -> None:
    days = Days(f"{MONDAY} 21:00", Quirk.GIVES_UP)
    days.car.plug_in()
    for cut in range(10):
        assert days.state == "Charging", cut
        days.car.set_power(False)
        days.car.set_power(True)
    assert days.state == "Stopped"
    assert days.send("charge_start").result
    assert days.state == "Stopped"
    days.car.unplug()
    days.car.plug_in()
    assert days.state == "Charging"


# -- amps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "amps"), [((), (16, 8, 16)), ((OtherReading.AMPS_STAY,), (8, 8, 8))]
)
def test_amps_are_remembered_by_place(
    readings: tuple[OtherReading, ...], amps: tuple[int, ...]
) -> None:
    days = Days(f"{MONDAY} 08:00", *readings)
    days.car.plug_in()
    days.send("set_charging_amps", charging_amps=8)
    told = []
    for place in (ELSEWHERE, HOME, (52.0, 5.0)):
        days.car.drive_away(*place, speed_mph=600)
        days.hours(1)
        days.car.plug_in()
        told.append(days.car.snapshot().charge_amps)
    assert tuple(told) == amps


def test_amps_that_are_set_while_blocked_hold_at_the_start() -> None:
    days = Days(f"{MONDAY} 21:00")
    days.add("22:00", "23:00")
    days.car.plug_in()
    days.send("set_charging_amps", charging_amps=6)
    days.until("22:30")
    assert days.car.ac_kw == pytest.approx(KW * 6 / 16)


@pytest.mark.parametrize(
    ("amps", "readings", "begins_with"),
    [(3, (), 5), (6, (), 6), (6, (OtherReading.AMPS_RESET_AT_START,), 16)],
)
def test_a_scheduled_start_begins_with_the_amps_that_were_set_but_not_below_five(
    amps: int, readings: tuple[OtherReading, ...], begins_with: int
) -> None:
    days = Days(f"{MONDAY} 21:00", *readings)
    days.add("22:00", "23:00")
    days.car.plug_in()
    for _ in range(2):
        days.send("set_charging_amps", charging_amps=amps)
    days.until("22:30")
    assert days.car.snapshot().charge_amps == begins_with


def command(days: Days) -> None:
    days.send("charge_start")


def limit(days: Days) -> None:
    days.send("set_charge_limit", percent=90)


def power(days: Days) -> None:
    days.car.set_power(False)
    days.hours(0.1)
    days.car.set_power(True)


def edit(days: Days) -> None:
    days.once("20:30")


@pytest.mark.parametrize(
    ("begin", "level"), [(command, 30.0), (limit, 80.0), (power, 80.0), (edit, 30.0)]
)
def test_below_five_amps_a_car_falls_back_to_five_at_every_charge_start(
    begin: Callable[[Days], None], level: float
) -> None:
    days = Days(f"{MONDAY} 21:00", OtherReading.LOW_AMPS_LAST, battery_level=level)
    days.car.plug_in()
    days.send("charge_stop")
    for _ in range(2):
        days.send("set_charging_amps", charging_amps=3)
    if begin is power:
        limit(days)
        for _ in range(2):
            days.send("set_charging_amps", charging_amps=3)
    assert days.car.snapshot().charge_amps == 3
    begin(days)
    days.hours(0.001)
    told = days.section("charge_state")
    assert (told["charging_state"], told["charge_amps"]) == ("Charging", 5)
    for _ in range(2):
        days.send("set_charging_amps", charging_amps=3)
    days.hours(0.5)
    assert days.car.snapshot().charge_amps == 3, "until the next start"


@pytest.mark.parametrize(("readings", "amps"), [((), 5), ((OtherReading.LOW_AMPS_LAST,), 3)])
def test_below_five_amps_a_car_falls_back_to_five_after_seconds(
    readings: tuple[OtherReading, ...], amps: int
) -> None:
    days = Days(f"{MONDAY} 21:00", *readings)
    days.car.plug_in()
    for _ in range(2):
        days.send("set_charging_amps", charging_amps=3)
    days.clock.advance(20)
    assert days.car.snapshot().charge_amps == 3
    days.clock.advance(20)
    assert days.car.snapshot().charge_amps == amps
    before = days.clock.physics()
    days.hours(1)
    kwh = days.car.ac_kwh_between(before, before + HOUR)
    assert kwh == pytest.approx(KW * amps / 16)


@pytest.mark.parametrize(
    ("car", "cable", "ceiling"),
    [
        ((16, 3), (32, 1), 32),
        ((16, 3), (32, 3), 16),
        ((16, 3), (40, 1), 32),
        ((32, 1), (40, 1), 32),
    ],
)
def test_a_car_of_three_times_16_amps_takes_32_from_one_phase(
    car: tuple[int, int], cable: tuple[int, int], ceiling: int
) -> None:
    days = Days(f"{MONDAY} 21:00", max_amps=car[0], phases=car[1])
    days.car.plug_in(*cable)
    assert days.section("charge_state")["charge_current_request_max"] == ceiling
    days.send("set_charging_amps", charging_amps=48)
    told = days.section("charge_state")
    assert (told["charge_amps"], told["charger_actual_current"]) == (ceiling, ceiling)


def test_at_a_new_place_all_is_taken_that_one_phase_gives() -> None:
    days = Days(f"{MONDAY} 08:00", OtherReading.AMPS_RESET_AT_START)
    days.car.plug_in()
    days.send("set_charging_amps", charging_amps=8)
    days.car.drive_away(*ELSEWHERE, speed_mph=600)
    days.hours(1)
    days.car.plug_in(32, 1)
    assert days.section("charge_state")["charger_actual_current"] == 32
    days.send("set_charging_amps", charging_amps=8)
    days.once("10:00", lat=ELSEWHERE[0], lon=ELSEWHERE[1])
    days.until("10:01")
    assert days.section("charge_state")["charger_actual_current"] == 32


# -- preconditioning ---------------------------------------------------------------------------------------


def test_a_preconditioning_entry_wakes_the_car_and_draws_from_the_cable() -> None:
    days = Days(f"{MONDAY} 18:00", sleep_after=900.0)
    days.add("22:00", "23:00")
    days.condition("07:30")
    days.car.plug_in()
    days.until("07:00")
    assert (days.reach, days.car.ac_kw) == ("asleep", 0)
    days.until("07:15")
    assert days.reach == "online"
    assert days.car.ac_kw == pytest.approx(CABIN_KW)
    told = days.section("climate_state")
    assert (told["is_climate_on"], told["is_preconditioning"]) == (True, True)
    assert days.state == "Stopped", "it does not charge"
    level = days.car.snapshot().battery_level
    days.until("07:31")
    assert (days.car.ac_kw, days.section("climate_state")["is_preconditioning"]) == (0, False)
    assert days.car.snapshot().battery_level == pytest.approx(level)
    drawn = days.drawn(f"{TUESDAY} 07:00", f"{TUESDAY} 07:31")
    assert drawn == round(CABIN_KW / KW / 3, 2)


@pytest.mark.parametrize("plugged", [True, False])
def test_it_draws_from_the_battery_without_a_cable_and_in_the_other_reading(plugged: bool) -> None:
    readings = (OtherReading.CONDITIONS_FROM_BATTERY,) if plugged else ()
    days = Days(f"{MONDAY} 18:00", *readings)
    if plugged:
        days.add("22:00", "22:15")
        days.car.plug_in()
    days.condition("21:30")
    days.until("21:45")
    assert days.car.ac_kwh == 0
    assert days.car.snapshot().battery_level == pytest.approx(30 - 100 * 1.0 / 200, abs=0.01)


def test_while_it_charges_the_cabin_takes_its_part() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.car.plug_in()
    days.condition("20:00")
    days.until("20:30")
    assert days.drawn(f"{MONDAY} 18:00", f"{MONDAY} 20:30") == 2.5
    assert days.car.charged_kwh == pytest.approx(2.5 * KW * 0.92 - 1.0, abs=0.02)


def test_preconditioning_acts_only_near_its_location_once_if_told_so() -> None:
    days = Days(f"{MONDAY} 06:00", sleep_after=900.0)
    days.condition("07:30", id=1, lat=ELSEWHERE[0], lon=ELSEWHERE[1])
    days.until("07:20")
    assert days.reach == "asleep"
    days.condition("09:30", id=2, one_time=True)
    days.until("09:20")
    assert days.reach == "online"
    days.until("10:00")
    entries = days.section("preconditioning_schedule_data")["precondition_schedules"]
    assert {one["id"]: one["enabled"] for one in entries} == {1: True, 2: False}


def test_preconditioning_ends_when_the_driver_leaves_or_takes_the_entry_back() -> None:
    days = Days(f"{MONDAY} 07:00")
    days.condition("07:30")
    days.until("07:15")
    assert days.send("remove_precondition_schedule", id=9).result
    assert days.section("climate_state")["is_preconditioning"] is False
    days.condition("08:30")
    days.until("08:15")
    days.car.drive_away(*ELSEWHERE)
    days.car.arrive_home()
    assert days.section("climate_state")["is_preconditioning"] is False


def test_an_entry_whose_time_is_near_or_moves_acts_at_once() -> None:
    days = Days(f"{MONDAY} 07:20")
    days.condition("07:30", one_time=True)
    assert days.section("climate_state")["is_preconditioning"] is True
    days.condition("09:00", one_time=True)
    assert days.section("climate_state")["is_preconditioning"] is False
    days.until("08:45")
    assert days.section("climate_state")["is_preconditioning"] is True
    days.until("09:00")
    (entry,) = days.section("preconditioning_schedule_data")["precondition_schedules"]
    assert entry["enabled"] is False


def test_a_nearly_empty_battery_is_spared() -> None:
    days = Days(f"{MONDAY} 07:00", battery_level=15.0)
    days.condition("07:30")
    days.until("07:20")
    assert days.section("climate_state")["is_preconditioning"] is False


# -- the sun -----------------------------------------------------------------------------------------------


def solar_state(days: Days) -> object:
    managed = days.section("charge_state")["managed_charging_state"]
    return managed["charge_on_solar_state"]


def test_charge_on_solar_takes_what_the_sun_leaves() -> None:
    days = Days(f"{MONDAY} 12:00", Quirk.CHARGES_ON_SOLAR)
    assert solar_state(days) == {"not_allowed": {}}
    days.car.plug_in()
    assert (days.state, solar_state(days)) == ("Stopped", {"waiting_for_server": {}})
    days.hours(0.3)
    assert solar_state(days) == {"error": {}}
    days.car.set_solar_surplus(3.0)
    assert solar_state(days) == {"no_charge_recommended": {"reason": 2}}
    days.car.set_solar_surplus(5.0)
    assert (days.state, solar_state(days)) == ("Charging", {"charging_on_excess_solar": {}})
    assert days.car.ac_kw == pytest.approx(7 * 0.69)
    days.send("charge_stop")
    assert solar_state(days) == {"user_stopped": {}}
    assert days.section("charge_state")["managed_charging_active"] is True


def test_charge_on_solar_takes_anything_below_its_lower_limit() -> None:
    days = Days(f"{MONDAY} 12:00", Quirk.CHARGES_ON_SOLAR, battery_level=19.0, battery_kwh=60.0)
    days.car.plug_in()
    assert (days.state, solar_state(days)) == ("Charging", {"charging_on_anything": {}})
    days.hours(2)
    assert days.state == "Stopped"
    assert days.car.snapshot().battery_level == pytest.approx(20)


def test_charge_on_solar_is_of_the_home_only() -> None:
    days = Days(f"{MONDAY} 12:00", Quirk.CHARGES_ON_SOLAR)
    days.car.drive_away(*ELSEWHERE)
    days.hours(3)
    days.car.plug_in()
    assert (days.state, solar_state(days)) == ("Charging", {"not_allowed": {}})


def test_without_charge_on_solar_nothing_is_told_of_it() -> None:
    days = Days(f"{MONDAY} 12:00")
    assert "managed_charging_state" not in days.section("charge_state")


# -- the house's meter, and the clock ----------------------------------------------------------------------


def test_a_house_sees_what_the_car_draws_between_any_two_moments() -> None:
    days = Days(f"{MONDAY} 21:00", battery_level=94.0, battery_kwh=60.0)
    days.send("set_charge_limit", percent=100)
    days.add("22:00")
    days.car.plug_in()
    days.until(f"{TUESDAY} 12:00")
    since, until = (days.clock.physics_at(days.unix(at)) for at in ("00:00", "12:00"))
    begin = since - 3 * HOUR
    parts = [days.car.ac_kwh_between(begin + n * 60, begin + (n + 1) * 60) for n in range(15 * 60)]
    assert sum(parts) == pytest.approx(days.car.ac_kwh, abs=1e-9)
    assert days.car.ac_kwh_between(begin, until) == pytest.approx(days.car.ac_kwh, abs=1e-9)
    assert days.car.ac_kwh == pytest.approx(0.06 * 60 / 0.92, abs=1e-6)
    assert max(parts) == pytest.approx(KW / 60, abs=1e-6)


class Virtual:
    """A machine's clocks that move only when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        clocks = SimpleNamespace(monotonic=lambda: self.seconds, time=lambda: self.seconds)
        monkeypatch.setattr(simulated, "time", clocks)


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> Virtual:
    return Virtual(monkeypatch)


def a_full_night(virtual: Virtual, step: float, *, advance: bool) -> Iterator[object]:
    """Live through two days with everything in them, looking every `step` seconds; yield what is left of them."""
    days = Days(
        f"{MONDAY} 18:00", Quirk.HOT_PLUG, battery_level=85.0, battery_kwh=60.0, sleep_after=900.0
    )
    days.car.set_battery_temperature(-5)
    days.send("set_charge_limit", percent=100)
    days.add("22:00", "22:40", id=1)
    days.once("01:15", "06:00", id=2)
    days.condition("07:30")
    days.car.plug_in()
    end = days.clock.now() + 40 * HOUR
    while (left := end - days.clock.now()) > 1e-6:
        if advance:
            days.clock.advance(min(step, left))
        else:
            virtual.seconds += min(step, left)
        days.car.snapshot()
    since = days.clock.physics_at(days.unix(f"{MONDAY} 18:00"))
    yield [days.car.ac_kwh_between(since + n * 900, since + (n + 1) * 900) for n in range(160)]
    yield [days.car.ac_kwh, days.car.charged_kwh, days.car.snapshot().battery_level]
    assert [entry["enabled"] for entry in days.entries] == [True, False]
    assert (days.state, days.reach) == ("Complete", "asleep")


@pytest.mark.parametrize("step", [61.0, 3600.0, 7 * HOUR])
@pytest.mark.parametrize("advance", [True, False])
def test_two_days_are_alike_however_fast_the_clock_runs_and_however_rarely_one_looks(
    virtual: Virtual, step: float, advance: bool
) -> None:
    at_once = list(a_full_night(virtual, 40 * HOUR, advance=True))
    slowly = list(a_full_night(virtual, step, advance=advance))
    for one, other in zip(at_once, slowly, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize("speed", [0.0, 1.0, 20.0, 3600.0])
def test_at_every_speed_schedules_are_kept_by_the_clock_and_energy_flows_by_physics(
    virtual: Virtual, speed: float
) -> None:
    days = Days(f"{MONDAY} 21:50", battery_kwh=100_000.0)
    days.clock.speed = speed
    days.add("22:00", "22:15")
    days.car.plug_in()
    virtual.seconds += 599
    assert days.state == "Stopped"
    virtual.seconds += 2
    assert days.state == "Charging"
    virtual.seconds += 20 * 60
    assert days.state == "Stopped"
    assert days.car.ac_kwh == pytest.approx(KW * 0.25 * speed, abs=1e-6)
    window = [days.clock.physics_at(days.unix(f"{MONDAY} {at}")) for at in ("22:00", "22:15")]
    assert days.car.ac_kwh_between(*window) == pytest.approx(KW * 0.25 * speed, abs=1e-6)


@pytest.mark.parametrize("speed", [1.0, 20.0, 3600.0])
def test_with_a_calendar_that_runs_with_physics_days_are_alike_at_every_speed(
    virtual: Virtual, speed: float
) -> None:
    days = Days(f"{MONDAY} 21:50", follows="physics")
    days.clock.speed = speed
    days.add("22:00", "22:15")
    days.once("01:00", "02:00", id=8)
    days.car.plug_in()
    virtual.seconds += 599 / speed
    assert days.state == "Stopped"
    virtual.seconds += 2 / speed
    assert days.state == "Charging"
    virtual.seconds += 20 * 60 / speed
    assert days.state == "Stopped"
    assert days.car.ac_kwh == pytest.approx(KW * 0.25, abs=1e-6)
    virtual.seconds += 6 * HOUR / speed
    assert days.car.ac_kwh == pytest.approx(KW * 1.25, abs=1e-6)
    assert [entry["enabled"] for entry in days.entries] == [True, False]


def test_a_house_can_listen_to_every_piece_of_what_flows(virtual: Virtual) -> None:
    days = Days(f"{MONDAY} 21:50", battery_level=94.0, battery_kwh=60.0)
    days.send("set_charge_limit", percent=100)
    pieces: list[tuple[float, float, float]] = []
    charging = days.car._systems.charging
    charging.on_flow = lambda since, until, flow: pieces.append((since, until, flow.ac_kw))
    days.car.plug_in()
    days.condition("07:30")
    virtual.seconds += 20 * HOUR
    drawn = days.car.ac_kwh
    assert drawn == pytest.approx(sum((end - start) * kw / HOUR for start, end, kw in pieces))
    assert drawn == pytest.approx((0.06 * 60 + 1.0) / 0.92, abs=1e-6)
    assert [piece[0] for piece in pieces] == sorted(piece[0] for piece in pieces)


def test_a_clock_knows_the_physics_of_any_past_moment(virtual: Virtual) -> None:
    clock = simulated.SimulatedClock(start=5000.0)
    told = [clock.moment()]
    changes: list[Callable[[], object]] = [
        lambda: setattr(clock, "speed", 20.0),
        lambda: clock.advance(100.0),
        lambda: setattr(clock, "speed", 0.0),
        lambda: setattr(clock, "speed", 1.0),
    ]
    for change in changes:
        virtual.seconds += 10
        told.append(clock.moment())
        change()
        virtual.seconds += 7
        told.append(clock.moment())
    for wall, physics in told:
        assert clock.physics_at(wall) == pytest.approx(physics, abs=1e-6)
    assert clock.physics_at(4990.0) == -10.0
