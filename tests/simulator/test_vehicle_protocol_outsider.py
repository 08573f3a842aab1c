"""A signer written by somebody else: the tesla_fleet_api package drives this car through its own code."""

import base64
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from tesla_fleet_api.exceptions import NotOnWhitelistFault, TeslaFleetMessageFaultUnknownKeyId
from tesla_fleet_api.tesla.vehicle.signed import VehicleSigned

from simulator.car import Car

from .by_hand import make_car, point_of


class Transport:
    """Stands in for Tesla's HTTP: what is posted to signed_command goes straight to the car."""

    def __init__(self, car: Car) -> None:
        self.car = car
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.requests = 0

    async def _request(self, method: str, path: str, json: dict[str, str]) -> dict[str, str]:
        assert path == f"api/1/vehicles/{self.car.vin}/signed_command"
        self.requests += 1
        reply = self.car.exchange(base64.b64decode(json["routable_message"]))
        assert reply is not None
        return {"response": base64.b64encode(reply).decode()}


@pytest.fixture
def outsider() -> tuple[Car, VehicleSigned[Any], Transport]:
    car, _ = make_car()
    transport = Transport(car)
    car.keychain.add(point_of(transport.private_key))
    return car, VehicleSigned(transport, car.vin), transport


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """The package waits two seconds before it asks a busy car again."""

    async def at_once(_seconds: float) -> None:
        return None

    with patch("tesla_fleet_api.tesla.vehicle.commands.sleep", at_once):
        yield


type Outsider = tuple[Car, VehicleSigned[Any], Transport]

OK = {"response": {"result": True, "reason": ""}}


async def test_it_charges_the_car(outsider: Outsider) -> None:
    car, vehicle, transport = outsider
    assert await vehicle.charge_start() == {"response": {"result": False, "reason": "disconnected"}}
    car.plug_in()
    assert await vehicle.charge_stop() == OK
    assert car.snapshot().charging_state == "Stopped"
    assert await vehicle.set_charging_amps(10) == OK
    assert await vehicle.set_charge_limit(90) == OK
    assert await vehicle.charge_start() == OK
    state = car.snapshot()
    assert (state.charging_state, state.charge_amps, state.charge_limit) == ("Charging", 10, 90)
    assert await vehicle.charge_standard() == OK
    assert await vehicle.charge_max_range() == OK
    # One handshake, then one request per command.
    assert transport.requests == 1 + 7


async def test_it_opens_the_port_through_vehicle_security(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    assert await vehicle.charge_port_door_open() == OK
    assert car.snapshot().charge_port_door_open
    assert await vehicle.charge_port_door_close() == OK
    assert car.domain("vehicle_security").executed[-1].counter == 2


async def test_it_recovers_from_a_reboot(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    car.plug_in()
    await vehicle.charge_stop()
    car.domain("infotainment").reboot()
    assert await vehicle.charge_start() == OK


async def test_it_recovers_from_a_used_counter(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    car.plug_in()
    await vehicle.charge_stop()
    vehicle._sessions[3].counter = 0
    assert await vehicle.charge_start() == OK


async def test_it_waits_for_a_busy_car(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    car.plug_in()
    car.domain("infotainment").busy_next()
    assert await vehicle.charge_stop() == OK


async def test_it_is_told_that_its_key_is_not_paired(outsider: Outsider) -> None:
    car, vehicle, transport = outsider
    car.keychain.remove(point_of(transport.private_key))
    with pytest.raises(NotOnWhitelistFault):
        await vehicle.charge_start()
    car.domain("infotainment").bare_unpaired_handshake = True
    with pytest.raises(NotOnWhitelistFault):
        await vehicle.charge_start()


async def test_it_is_told_that_its_key_was_removed(outsider: Outsider) -> None:
    car, vehicle, transport = outsider
    await vehicle.charge_start()
    car.keychain.remove(point_of(transport.private_key))
    with pytest.raises(TeslaFleetMessageFaultUnknownKeyId):
        await vehicle.charge_start()


async def test_it_keeps_schedules(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    assert (
        await vehicle.add_charge_schedule(
            days_of_week=62, enabled=True, lat=52.0, lon=4.4, start_time=120, id=5
        )
        == OK
    )
    stored = car.vehicle_data(frozenset({"charge_schedule_data"}))["charge_schedule_data"]
    schedules = stored["charge_schedules"]
    assert isinstance(schedules, list)
    assert (schedules[0]["id"], schedules[0]["start_time"]) == (5, 120)
    assert await vehicle.remove_charge_schedule(5) == OK


async def test_it_removes_schedules_by_place_and_sets_the_power_modes(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    for number, (lat, lon) in enumerate(((52.0, 4.4), (48.1, 11.6)), 1):
        added = await vehicle.add_charge_schedule(
            id=number,
            days_of_week="All",
            enabled=True,
            lat=lat,
            lon=lon,
            start_time=60,
            end_time=None,
        )
        assert added == OK
    assert await vehicle.batch_remove_charge_schedules(home=True, work=False, other=False) == OK
    data = car.vehicle_data(frozenset({"charge_schedule_data"}))["charge_schedule_data"]
    schedules: Any = data["charge_schedules"]
    assert [schedule["id"] for schedule in schedules] == [2]
    assert await vehicle.set_low_power_mode(True) == OK
    assert await vehicle.set_keep_accessory_power_mode(True) == OK
    assert [done.params["enable"] for done in car.commands[-2:]] == [True, True]


async def test_it_pings(outsider: Outsider) -> None:
    _, vehicle, _ = outsider
    reply = await vehicle.ping()
    assert reply["response"]["result"] is True


async def test_it_opens_encrypted_answers_where_aes_gcm_is_allowed(outsider: Outsider) -> None:
    car, vehicle, _ = outsider
    car.plug_in()
    for name in ("infotainment", "vehicle_security"):
        car.domain(name).allows_aes_gcm = True
    with patch.object(VehicleSigned, "_auth_method", "aes"):
        assert await vehicle.charge_start() == {
            "response": {"result": False, "reason": "is_charging"}
        }
        assert await vehicle.charge_stop() == OK
        assert await vehicle.charge_port_door_open() == OK
    assert car.snapshot().charging_state == "Stopped"
