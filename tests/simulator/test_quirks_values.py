"""Values that owners' cars were seen to tell, by push and by poll."""

from typing import Any

import pytest

from simulator import Car, Quirk

from .by_hand import make_car
from .world import World


async def poll(world: World) -> dict[str, Any]:
    answer = await world.car_api("GET", "vehicle_data")
    assert answer.status == 200, answer.text
    data: dict[str, Any] = answer.response
    return data


def pushed(car: Car, name: str) -> Any:
    return car.signals([name])[name]


def test_every_quirk_says_what_it_is_and_who_saw_it() -> None:
    for quirk in Quirk:
        assert quirk.about.endswith(".")
        assert quirk.source
        assert Quirk(str(quirk)) is quirk


def test_quirks_come_go_and_are_checked() -> None:
    car, clock = make_car(quirks=[Quirk.TWO_PHASES])
    car.quirks.add(Quirk.NULL_POLL, times=2)
    car.quirks.add(Quirk.SENTINEL_RANGE, lasts=10)
    assert list(car.quirks) == [Quirk.TWO_PHASES, Quirk.NULL_POLL, Quirk.SENTINEL_RANGE]
    clock.advance(11)
    car.quirks.remove(Quirk.TWO_PHASES)
    car.quirks.remove(Quirk.TWO_PHASES)
    assert list(car.quirks) == [Quirk.NULL_POLL]
    for _ in range(2):
        assert Quirk.NULL_POLL in car.quirks
        car.vehicle_data(frozenset({"vehicle_state"}))
        car.vehicle_data(frozenset({"charge_state"}))
    assert list(car.quirks) == []
    with pytest.raises(ValueError, match="times"):
        car.quirks.add(Quirk.NULL_POLL, times=0)
    with pytest.raises(ValueError, match="negative"):
        car.quirks.add(Quirk.NULL_POLL, lasts=-1)


async def test_phases_two_beside_what_only_three_can_give(world: World) -> None:
    world.car.plug_in()
    assert (await poll(world))["charge_state"]["charger_phases"] == 3
    world.car.quirks.add(Quirk.TWO_PHASES)
    told = (await poll(world))["charge_state"]
    assert (told["charger_phases"], told["charger_power"]) == (2, 11)
    assert (told["charger_voltage"], told["charger_actual_current"]) == (230, 16)
    assert pushed(world.car, "ChargerPhases") == 2
    world.car.unplug()
    world.car.plug_in(phases=1)
    assert (await poll(world))["charge_state"]["charger_phases"] == 1


async def test_an_ideal_range_that_is_none(world: World) -> None:
    world.car.quirks.add(Quirk.SENTINEL_RANGE)
    told = (await poll(world))["charge_state"]
    assert told["ideal_battery_range"] == pushed(world.car, "IdealBatteryRange") == 999
    world.car.quirks.add(Quirk.SENTINEL_RANGE, miles=5000.5)
    assert (await poll(world))["charge_state"]["ideal_battery_range"] == 5000.5
    assert pushed(world.car, "IdealBatteryRange") == 5000.5
    assert told["battery_range"] == pushed(world.car, "RatedRange") < 200


async def test_a_fast_charger_beside_which_the_ac_charger_idles(world: World) -> None:
    world.car.quirks.add(Quirk.FAST_CHARGER_READS_IDLE)
    world.car.plug_in_fast(kw=120.0)
    told = (await poll(world))["charge_state"]
    assert (told["charger_voltage"], told["charger_actual_current"]) == (2, 0)
    assert told["charger_power"] == 120
    assert (pushed(world.car, "ChargerVoltage"), pushed(world.car, "ChargeAmps")) == (2.0, 0.0)
    world.car.unplug()
    world.car.plug_in()
    assert (await poll(world))["charge_state"]["charger_voltage"] == 230


async def test_the_odometer_sinks_from_push_to_poll(world: World) -> None:
    world.car.quirks.add(Quirk.ODOMETER_DIFFERS)
    polled = (await poll(world))["vehicle_state"]["odometer"]
    assert pushed(world.car, "Odometer") - polled == pytest.approx(0.00015, abs=1e-6)


async def test_one_poll_of_an_online_car_knows_nothing(world: World) -> None:
    world.car.plug_in()
    world.car.quirks.add(Quirk.NULL_POLL)
    data = await poll(world)
    told = data["charge_state"]
    assert data["state"] == "online"
    for name in ("charging_state", "charge_port_door_open", "charge_port_latch", "charger_power"):
        assert told[name] is None
    assert told["battery_level"] == 62
    assert (await poll(world))["charge_state"]["charging_state"] == "Charging"


async def test_words_that_nobody_knows(world: World) -> None:
    fields = frozenset({"DetailedChargeState", "ChargePortLatch", "FastChargerType"})
    world.car.quirks.add(Quirk.UNKNOWN_WORD, fields=fields)
    told = (await poll(world))["charge_state"]
    assert told["charging_state"] == told["charge_port_latch"] == told["fast_charger_type"]
    assert told["charging_state"] not in {"Disconnected", "Charging", None}
    assert told["conn_charge_cable"] == "<invalid>"


def test_the_maximum_without_a_cable_is_that_of_the_last_one() -> None:
    car, _ = make_car(max_amps=32, quirks=[Quirk.LAST_CABLE_MAXIMUM])
    assert pushed(car, "ChargeCurrentRequestMax") == 16, "there was none yet"
    car.plug_in(max_amps=13)
    car.unplug()
    assert pushed(car, "ChargeCurrentRequestMax") == 13
    car.quirks.remove(Quirk.LAST_CABLE_MAXIMUM)
    assert pushed(car, "ChargeCurrentRequestMax") == 16


def test_a_departure_keeps_the_date_on_which_it_was_set() -> None:
    car, clock = make_car(protocol="not_supported", quirks=[Quirk.DEPARTURE_KEEPS_ITS_DATE])
    body = {"enable": True, "departure_time": 450, "end_off_peak_time": 360}
    body |= {"preconditioning_enabled": True, "preconditioning_weekdays_only": False}
    body |= {"off_peak_charging_enabled": False, "off_peak_charging_weekdays_only": False}
    set_on = int(clock.now()) // 86400 * 86400
    assert car.rest_command("set_scheduled_departure", body).result
    clock.advance(5 * 86400)
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["scheduled_departure_time"] == set_on + 450 * 60
    car.quirks.remove(Quirk.DEPARTURE_KEEPS_ITS_DATE)
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert int(str(data["scheduled_departure_time"])) > clock.now()
