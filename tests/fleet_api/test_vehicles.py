"""Cars: what Tesla says of them, and what is believed of it."""

import base64

import orjson
import pytest

from custom_components.tesla_charging.fleet_api import (
    Connectivity,
    FleetApiClient,
    FleetStatus,
    InvalidApiAnswer,
    InvalidRequest,
    NotFound,
    Section,
    SigningRequired,
    SigningUnsupported,
    VehicleAsleep,
    Vehicles,
    VehicleSummary,
)
from custom_components.tesla_charging.fleet_api.vehicles import vin_requires_protocol
from custom_components.tesla_charging.vehicle_command import Domain, VirtualKey
from custom_components.tesla_charging.vehicle_command.messages import session_info_request
from simulator import Car

from .world import VIN, Hostile, World, http_answer, refused

OTHER_VIN = "5YJ3E1EA8NF000202"
STRANGE: tuple[object, ...] = (None, 7, 1.5, True, "x", [], ["x"], [[]], {}, {"x": 1}, 2**63)
"""One of each JSON type; a test takes out what is right where it looks."""


@pytest.fixture
def vehicles(client: FleetApiClient) -> Vehicles:
    return Vehicles(client)


def says(hostile: Hostile, response: object) -> None:
    hostile.answers = [http_answer(200, orjson.dumps({"response": response}))]


def other_than(*kinds: type) -> list[object]:
    return [value for value in STRANGE if type(value) not in kinds]


# -- the simulated Tesla ------------------------------------------------------------------------------


async def test_the_account_has_cars(world: World) -> None:
    second = Car(OTHER_VIN, name="", clock=world.tesla.clock)
    world.tesla.add_car(world.account, second, access_type="DRIVER")
    second.sleep()
    assert await world.vehicles.list() == (
        VehicleSummary(VIN, "Pearl", Connectivity.ONLINE, "OWNER", in_service=False),
        VehicleSummary(OTHER_VIN, "Tesla 000202", Connectivity.ASLEEP, "DRIVER", in_service=False),
    )
    assert world.tesla.billing.cost() == 0


async def test_a_sleeping_car_is_seen_and_woken(world: World) -> None:
    world.consent("openid", "vehicle_device_data", "vehicle_cmds")
    world.car.sleep()
    vehicles = world.vehicles
    assert (await vehicles.summary(VIN)).state is Connectivity.ASLEEP
    assert await vehicles.wake_up(VIN) is Connectivity.ASLEEP
    world.tesla.clock.advance(6)
    assert (await vehicles.summary(VIN)).state is Connectivity.ONLINE
    assert world.tesla.billing.cost() == pytest.approx(0.02)


async def test_data_holds_the_sections_asked_for(world: World) -> None:
    data = await world.vehicles.data(VIN, (Section.CHARGE_STATE, Section.VEHICLE_CONFIG))
    assert {"charge_state", "vehicle_config"} <= set(data)
    assert "vehicle_state" not in data
    assert isinstance(data["charge_state"]["battery_level"], int)


async def test_whether_the_key_is_paired(world: World) -> None:
    status = await world.vehicles.fleet_status(VIN)
    assert status == FleetStatus(VIN, True, True, world.car.firmware, "1.3.0")
    assert not status.needs_pairing
    world.car.keychain.remove(world.public_key)
    assert (await world.vehicles.fleet_status(VIN)).needs_pairing


async def test_an_old_car_takes_plain_commands(world: World) -> None:
    old = Car(OTHER_VIN, name="Old", clock=world.tesla.clock, protocol="not_supported")
    world.tesla.add_car(world.account, old)
    old.plug_in()
    status = await world.vehicles.fleet_status(OTHER_VIN)
    # what Tesla says of an unpaired car can be wrong: this VIN is of a Model 3
    assert (status.protocol_required, status.needs_pairing) == (False, True)
    assert await world.vehicles.command(OTHER_VIN, "set_charge_limit", {"percent": 70}) == (
        True,
        "",
    )
    assert await world.vehicles.command(OTHER_VIN, "set_charge_limit", {"percent": 70}) == (
        False,
        "already_set",
    )


@pytest.mark.parametrize(
    ("vin", "required"),
    [
        *((f"LRW{model}E7EK0{year}C000101", True) for model in "3YC" for year in "HJKLMNPRSTVW"),
        *((f"5YJ{model}E7EK0{year}F000101", False) for model in "SX" for year in "CDEFGHJKL"),
        *((f"5YJ{model}E7EK0{year}F000101", True) for model in "SX" for year in "MNPRSTVWXY19"),
        ("7SARE7EK0PF000101", None),  # another model
        ("5YJSE7EK00F000101", None),  # no such year
        ("5YJSE7EK0", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("said", [True, False, None])
def test_model_and_year_decide_whether_a_key_is_needed(
    vin: str, required: bool | None, said: bool | None
) -> None:
    def needs_pairing(*, paired: bool) -> bool:
        return FleetStatus(vin, paired, said, None, None).needs_pairing

    assert vin_requires_protocol(vin) is required
    assert not needs_pairing(paired=True)
    if required:
        assert needs_pairing(paired=False)
    else:  # an older car that needs a key all the same is believed
        assert needs_pairing(paired=False) is (said is True or (required is None and said is None))


async def test_each_car_names_the_road_it_wants(world: World) -> None:
    with refused(SigningRequired):
        await world.vehicles.command(VIN, "charge_start", {})
    old = Car(OTHER_VIN, name="Old", clock=world.tesla.clock, protocol="not_supported")
    world.tesla.add_car(world.account, old)
    with refused(InvalidRequest):
        await world.vehicles.signed_command(OTHER_VIN, b"\xff")
    world.tesla.faults.status(422, body={"error": "vehicle does not support signed commands"})
    with refused(SigningUnsupported):
        await world.vehicles.signed_command(OTHER_VIN, b"\x00")


async def test_somebody_elses_car(world: World) -> None:
    with refused(NotFound):
        await world.vehicles.summary(OTHER_VIN)
    with refused(NotFound):
        await world.vehicles.fleet_status(OTHER_VIN)


async def test_a_cut_message_is_a_lost_answer(world: World) -> None:
    request = session_info_request(
        Domain.INFOTAINMENT, VirtualKey.generate().public_key, now=world.tesla.clock.now()
    )
    assert await world.vehicles.signed_command(VIN, request.message)
    world.tesla.faults.truncated_base64()
    with refused(InvalidApiAnswer, may_have_executed=True):
        await world.vehicles.signed_command(VIN, request.message)
    world.car.sleep()
    with refused(VehicleAsleep):
        await world.vehicles.signed_command(VIN, request.message)


# -- answers of other shapes --------------------------------------------------------------------------


async def test_mobile_access_can_be_asked_for_of_a_sleeping_car(world: World) -> None:
    world.car.sleep()
    assert await world.vehicles.mobile_enabled(VIN)
    world.car.mobile_access = False
    assert not await world.vehicles.mobile_enabled(VIN)
    assert world.car.state == "asleep"


@pytest.mark.parametrize("said", [{"result": value} for value in other_than(bool)] + [{}, []])
async def test_an_answer_that_does_not_tell_of_mobile_access(
    hostile: Hostile, vehicles: Vehicles, said: object
) -> None:
    says(hostile, said)
    with refused(InvalidApiAnswer):
        await vehicles.mobile_enabled(VIN)


@pytest.mark.parametrize("response", other_than(list))
async def test_a_list_that_is_none(response: object, hostile: Hostile, vehicles: Vehicles) -> None:
    says(hostile, response)
    with refused(InvalidApiAnswer):
        await vehicles.list()


async def test_strange_products_do_not_hide_the_cars(hostile: Hostile, vehicles: Vehicles) -> None:
    strange = [*STRANGE, *({"vin": vin} for vin in STRANGE if vin != "x")]
    strange += [
        {"vin": vin} for vin in ("", "x", "a/../b", VIN + "?", "é" * 17, "A" * 21, "A B C D")
    ]
    energy = {"energy_site_id": 7, "resource_type": "battery"}
    says(hostile, [*strange, energy, {"vin": VIN}, {"vin": VIN, "state": "online"}])
    assert await vehicles.list() == (
        VehicleSummary(VIN, "Tesla 000101", Connectivity.UNKNOWN, "OWNER", in_service=False),
    )
    says(hostile, [{"vin": f"LRW3E7EK0PC{number:06}"} for number in range(5000)])
    assert len(await vehicles.list()) == 200


@pytest.mark.parametrize("value", STRANGE)
async def test_a_summary_of_other_types(
    value: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    says(
        hostile,
        {
            "vin": VIN,
            "display_name": value,
            "state": value,
            "access_type": value,
            "in_service": value,
        },
    )
    summary = await vehicles.summary(VIN)
    assert summary.state is Connectivity.UNKNOWN
    assert summary.in_service is (value is True)
    text = value == "x"
    assert (summary.name, summary.access_type) == (
        ("x", "x") if text else ("Tesla 000101", "OWNER")
    )


async def test_a_name_that_is_a_book(hostile: Hostile, vehicles: Vehicles) -> None:
    says(hostile, {"vin": VIN, "display_name": "n" * 500_000, "access_type": "a" * 400_000})
    summary = await vehicles.summary(VIN)
    assert (len(summary.name), len(summary.access_type)) == (100, 100)


@pytest.mark.parametrize("response", [*other_than(dict), {}, {"vin": 7}, {"vin": "../.."}])
async def test_a_summary_that_is_none(
    response: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    says(hostile, response)
    with refused(InvalidApiAnswer):
        await vehicles.summary(VIN)


@pytest.mark.parametrize("response", other_than(dict))
async def test_data_that_is_none(response: object, hostile: Hostile, vehicles: Vehicles) -> None:
    says(hostile, response)
    with refused(InvalidApiAnswer):
        await vehicles.data(VIN, (Section.CHARGE_STATE,))


async def test_sections_of_other_types_are_left_out(hostile: Hostile, vehicles: Vehicles) -> None:
    sections = {f"section_{number}": value for number, value in enumerate(STRANGE)}
    says(hostile, {**sections, "charge_state": {"battery_level": [7]}})
    data = await vehicles.data(VIN, (Section.CHARGE_STATE,))
    assert all(isinstance(section, dict) for section in data.values())
    assert data["charge_state"] == {"battery_level": [7]}


@pytest.mark.parametrize("response", other_than(dict))
async def test_a_wake_up_with_a_strange_answer_may_have_woken_the_car(
    response: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    says(hostile, response)
    with refused(InvalidApiAnswer, may_have_executed=True):
        await vehicles.wake_up(VIN)
    says(hostile, {"state": response})
    assert await vehicles.wake_up(VIN) is Connectivity.UNKNOWN


@pytest.mark.parametrize(
    "response",
    [
        *other_than(dict),
        {},
        {"result": None, "reason": ""},
        {"result": 1, "reason": ""},
        {"result": "true"},
        {"result": []},
        {"reason": "already_set"},
    ],
)
async def test_a_command_with_a_strange_answer_may_have_been_executed(
    response: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    says(hostile, response)
    with refused(InvalidApiAnswer, may_have_executed=True):
        await vehicles.command(VIN, "charge_start", {})


@pytest.mark.parametrize("reason", [value for value in STRANGE if value != "x"])
async def test_a_reason_that_is_no_text(
    reason: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    says(hostile, {"result": False, "reason": reason})
    assert await vehicles.command(VIN, "charge_start", {}) == (False, "")


@pytest.mark.parametrize(
    "response",
    [
        *other_than(dict),
        {},
        {"key_paired_vins": [VIN]},
        {"unpaired_vins": [VIN]},
        *({"key_paired_vins": value, "unpaired_vins": []} for value in other_than(list)),
        *({"key_paired_vins": [], "unpaired_vins": value} for value in other_than(list)),
    ],
)
async def test_a_fleet_status_that_says_nothing(
    response: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    says(hostile, response)
    with refused(InvalidApiAnswer):
        await vehicles.fleet_status(VIN)


@pytest.mark.parametrize("value", other_than(str, bool))
async def test_a_fleet_status_of_other_types(
    value: object, hostile: Hostile, vehicles: Vehicles
) -> None:
    fields = (
        "vehicle_command_protocol_required",
        "firmware_version",
        "fleet_telemetry_version",
    )
    for info in (value, {VIN: value}, {VIN: dict.fromkeys(fields, value)}):
        says(hostile, {"key_paired_vins": [7, [], VIN], "unpaired_vins": [], "vehicle_info": info})
        status = await vehicles.fleet_status(VIN)
        assert status == FleetStatus(VIN, True, None, None, None)


# -- what leaves --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vin",
    ["", "../products", "A" * 21, "A/B", "A?B=C#DEF", "LRW3E7EK0PC00010\n", "é" * 17, "%2e%2e%2f"],
)
async def test_what_is_no_vin_does_not_get_into_a_url(
    vin: str, hostile: Hostile, vehicles: Vehicles
) -> None:
    calls = (
        vehicles.summary(vin),
        vehicles.data(vin, ()),
        vehicles.wake_up(vin),
        vehicles.fleet_status(vin),
        vehicles.signed_command(vin, b""),
        vehicles.command(vin, "charge_start", {}),
    )
    for call in calls:
        with refused(InvalidRequest):
            await call
    assert hostile.received == []


async def test_a_message_is_carried_unchanged(hostile: Hostile, vehicles: Vehicles) -> None:
    message = bytes(range(256)) * 3
    says(hostile, base64.b64encode(message).decode())
    assert await vehicles.signed_command(VIN, message) == message
    sent = orjson.loads(hostile.received[0].body)
    assert sent == {"routable_message": base64.b64encode(message).decode()}
    says(hostile, "")
    assert await vehicles.signed_command(VIN, b"") == b""
