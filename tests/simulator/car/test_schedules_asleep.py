"""Sleep, reach and the bill of cars that follow schedules."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator import Quirk
from simulator.car import Car

from ..telemetry import Streaming, streaming
from ..telemetry_receiver import until
from ..world import World
from .days import MONDAY, Days

TUESDAY = "2027-01-12"


def blocked(*quirks: Any, **settings: Any) -> Days:
    """A plugged-in car that waits for 22:00."""
    days = Days(f"{MONDAY} 18:00", *quirks, sleep_after=900.0, **settings)
    days.add("22:00", "23:00")
    days.car.plug_in()
    return days


def test_a_blocked_car_falls_asleep() -> None:
    days = blocked()
    days.hours(0.2)
    assert (days.reach, days.state) == ("online", "Stopped")
    days.hours(0.1)
    assert days.reach == "asleep"


def test_a_scheduled_start_wakes_the_car_and_it_sleeps_again_after_the_end() -> None:
    days = blocked()
    days.until("21:59")
    assert days.reach == "asleep"
    days.until("22:00")
    assert (days.reach, days.state) == ("online", "Charging")
    days.until("23:10")
    assert (days.reach, days.state) == ("online", "Stopped")
    days.until("23:16")
    assert days.reach == "asleep"


def test_it_has_been_awake_however_late_one_looks() -> None:
    days = blocked()
    days.until("23:10")
    assert days.reach == "online"
    days.until(f"{TUESDAY} 12:00")
    assert days.reach == "asleep"
    assert days.drawn(f"{MONDAY} 22:00", f"{MONDAY} 23:00") == 1


def test_a_start_that_fails_passes_and_a_renewed_one_works() -> None:
    days = blocked(Quirk.START_FAILS)
    days.until("22:15")
    assert (days.reach, days.state) == ("asleep", "Stopped")
    days.car.wake()
    days.once("22:00", "23:00", id=8)
    assert days.state == "Charging"
    days.until(f"{TUESDAY} 22:00")
    assert days.state == "Charging", "the next one works by itself"


def test_a_start_that_a_sleeping_car_misses() -> None:
    days = blocked(Quirk.SLEEPS_THROUGH_START)
    days.until("22:30")
    assert (days.reach, days.state) == ("asleep", "Stopped")
    awake = blocked(Quirk.SLEEPS_THROUGH_START)
    for _ in range(21):
        awake.hours(0.2)
        awake.section("charge_state")
    assert awake.state == "Charging"


@pytest.mark.parametrize("seconds", [10.0, 60.0])
def test_a_wake_up_takes_its_seconds_and_schedules_go_on_meanwhile(seconds: float) -> None:
    days = blocked(wake_seconds=seconds)
    days.until("21:59:50")
    assert days.reach == "asleep"
    days.car.wake()
    days.clock.advance(seconds - 2)
    started = seconds > 15  # then it is 22:00, and the start wakes it
    assert (days.reach, days.state) == (
        ("online", "Charging") if started else ("asleep", "Stopped")
    )
    early = blocked(wake_seconds=seconds)
    early.until("20:00")
    early.car.wake()
    early.clock.advance(seconds - 2)
    assert early.reach == "asleep"
    early.clock.advance(3)
    assert (early.reach, early.state) == ("online", "Stopped")


@pytest.mark.parametrize("after", [600.0, 900.0])
def test_a_car_that_was_stopped_falls_asleep_and_a_wake_up_charges_nothing(after: float) -> None:
    days = Days(f"{MONDAY} 18:00", sleep_after=after)
    days.car.plug_in()
    days.hours(1)
    assert days.reach == "online", "who charges does not sleep"
    assert days.send("charge_stop").result
    days.clock.advance(after - 5)
    assert days.reach == "online"
    days.clock.advance(10)
    assert days.reach == "asleep"
    days.car.wake()
    days.clock.advance(60)
    assert (days.reach, days.state) == ("online", "Stopped")


def test_without_a_cable_or_elsewhere_or_full_a_start_wakes_nobody() -> None:
    nowhere = Days(f"{MONDAY} 18:00", sleep_after=900.0)
    nowhere.add("22:00", "23:00")
    elsewhere = Days(f"{MONDAY} 18:00", sleep_after=900.0)
    elsewhere.add("22:00", "23:00", lat=48.0, lon=11.0)
    elsewhere.car.plug_in()
    elsewhere.send("charge_stop")
    full = blocked(battery_level=80.0)
    for days in (nowhere, elsewhere, full):
        days.until("22:05")
        assert days.reach == "asleep"


def test_the_plan_is_carried_out_without_internet() -> None:
    days = blocked()
    days.car.set_offline(True)
    days.until("22:30")
    assert (days.reach, days.state) == ("offline", "Charging")
    days.until("23:30")
    assert days.drawn(f"{MONDAY} 18:00", f"{MONDAY} 23:30") == 1


def test_starting_takes_its_seconds() -> None:
    days = blocked(starting_seconds=30.0)
    days.until("22:00")
    assert days.state == "Starting"
    days.hours(0.01)
    assert days.state == "Charging"


@pytest.mark.parametrize("signed", [True, False])
async def test_a_scheduled_start_is_no_wake_up_of_ours_and_costs_nothing(
    world: World, signed: bool
) -> None:
    car = world.car
    if not signed:
        car.protocol = "not_supported"
    add_start(car, world.tesla.clock.now() + 2 * 3600)
    car.plug_in()
    car.sleep()
    world.tesla.billing.reset()
    world.tesla.clock.advance(2.3 * 3600)
    assert (car.state, car.snapshot().charging_state) == ("online", "Charging")
    assert [line for line in world.tesla.billing.requests if line.category != "free"] == []
    answer = await world.car_api("GET", "vehicle_data?endpoints=charge_state;charge_schedule_data")
    assert answer.response["charge_state"]["charging_state"] == "Charging"
    (entry,) = answer.response["charge_schedule_data"]["charge_schedules"]
    assert entry["start_enabled"] is True
    assert world.tesla.billing.count("wake") == 0
    assert world.tesla.billing.count("data") == 1


async def test_a_sleeping_car_may_answer_with_what_it_told_last(world: World) -> None:
    car = world.car
    path = "vehicle_data?endpoints=charge_state;charge_schedule_data"
    car.quirks.add(Quirk.ANSWERS_ASLEEP)
    car.sleep()
    assert (await world.car_api("GET", path)).status == 408, "nothing was told yet"
    car.in_app("set_low_power_mode", enable=True)
    told = (await world.car_api("GET", path)).response
    add_start(car, world.tesla.clock.now() + 2 * 3600)
    car.set_battery_level(33)
    car.sleep()
    stale = (await world.car_api("GET", path)).response
    assert stale["charge_state"] == told["charge_state"]
    assert stale["charge_schedule_data"]["charge_schedules"] == []
    assert (await world.car_api("GET", "")).response["state"] == "asleep"
    assert car.state == "asleep", "it wakes nobody"
    car.set_offline(True)
    assert (await world.car_api("GET", path)).status == 408
    car.set_offline(False)
    car.quirks.remove(Quirk.ANSWERS_ASLEEP)
    assert (await world.car_api("GET", path)).status == 408


def add_start(car: Car, at: float) -> None:
    """Add a start at a unix time (the car lives in UTC), rounded down to a quarter of an hour."""
    place = car.snapshot()
    told: dict[str, object] = {
        "days_of_week": "All",
        "enabled": True,
        "start_enabled": True,
        "end_enabled": False,
    }
    where = {"lat": place.latitude, "lon": place.longitude}
    told |= {"id": 1, "start_time": int(at) % 86400 // 60}
    assert car.in_app("add_charge_schedule", **told, **where).result


@pytest.fixture
async def stream(world: World, tmp_path: Path) -> AsyncIterator[Streaming]:
    fields = {"DetailedChargeState": 1, "ACChargingPower": 1, "Soc": 60}
    async with streaming(world, tmp_path, fields) as made:
        yield made


async def test_a_scheduled_start_streams_and_only_what_is_streamed_is_billed(
    stream: Streaming,
) -> None:
    world, car = stream.world, stream.world.car
    add_start(car, world.tesla.clock.now() + 2 * 3600)
    car.plug_in()
    await stream.begin()
    car.sleep()
    await until(lambda: not stream.car.connected)
    world.tesla.billing.reset()
    before = len(stream.receiver.records)
    world.tesla.clock.advance(2.3 * 3600)
    await until(lambda: len(stream.receiver.records) > before)
    told = stream.receiver.records[-1].values
    assert told["DetailedChargeState"] == pb.DetailedChargeStateCharging
    assert told["ACChargingPower"] == pytest.approx(11.04)
    assert world.tesla.billing.requests == []
    assert world.tesla.billing.signals.total() == 3
