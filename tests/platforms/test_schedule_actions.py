"""Schedules: what the car has after an action, what it costs, and what is refused before it costs anything."""

from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.tesla_charging.const import DOMAIN
from simulator import Car
from tests.support.home import MIDNIGHT, PEARL, Home

GRANNY = "5YJSA1E20HF000303"
CHARGE, PRECONDITION = "charge_schedule_data", "preconditioning_schedule_data"
BEFORE_SCHEDULES = "2024.20.9"


def charge_schedules(car: Car) -> list[dict[str, Any]]:
    data = car.vehicle_data(frozenset({CHARGE}))[CHARGE]["charge_schedules"]
    assert isinstance(data, list)
    return data


def precondition_schedules(car: Car) -> list[dict[str, Any]]:
    data = car.vehicle_data(frozenset({PRECONDITION}))[PRECONDITION]["precondition_schedules"]
    assert isinstance(data, list)
    return data


async def act(home: Home, action: str, **data: Any) -> dict[str, Any]:
    """Perform an action on the first car; return that car's part of the response."""
    (outcome,) = (await home.act(action, **data))["vehicles"]
    assert isinstance(outcome, dict)
    return outcome


async def refused(home: Home, action: str, **data: Any) -> str:
    """Perform an action that must be refused without a billed request; return the error's key."""
    home.tesla.billing.reset()
    with pytest.raises(HomeAssistantError) as caught:
        await home.act(action, **data)
    assert [r for r in home.tesla.billing.requests if r.category != "free"] == []
    assert str(caught.value)
    return caught.value.translation_key or ""


async def test_the_car_has_the_schedule_that_was_added(charging_home: Home) -> None:
    home = charging_home
    await act(home, "stop_charging")
    home.tesla.billing.reset()
    outcome = await act(
        home,
        "add_charge_schedule",
        start_time="02:00:00",
        end_time="06:30:00",
        days=["fri", "mon"],
        name="Cheap",
        location={"latitude": 52.5, "longitude": 13.25},
    )
    assert outcome["outcome"] == "executed"
    assert charge_schedules(home.car) == [
        {
            "id": outcome["schedule_id"],
            "name": "Cheap",
            "days_of_week": 2 + 32,
            "start_enabled": True,
            "start_time": 120,
            "end_enabled": True,
            "end_time": 390,
            "one_time": False,
            "enabled": True,
            "latitude": 52.5,
            "longitude": 13.25,
        }
    ]
    assert home.car.commands[-1].via == "signed"
    assert [r.category for r in home.tesla.billing.requests] == ["command"]


async def test_what_is_left_out_is_every_day_at_home_and_asks_for_no_location(
    charging_home: Home,
) -> None:
    home = charging_home
    await act(home, "add_charge_schedule", start_time="23:00")
    await act(home, "add_precondition_schedule", precondition_time="07:30", one_time=True)
    (charge,), (precondition,) = charge_schedules(home.car), precondition_schedules(home.car)
    for schedule in (charge, precondition):
        assert schedule["days_of_week"] == 127
        assert schedule["latitude"] == pytest.approx(home.hass.config.latitude, abs=1e-4)
        assert schedule["longitude"] == pytest.approx(home.hass.config.longitude, abs=1e-4)
    assert (charge["start_enabled"], charge["end_enabled"]) == (True, False)
    assert precondition["precondition_time"] == 450
    assert precondition["one_time"]


async def test_two_schedules_added_within_one_second_are_two(charging_home: Home) -> None:
    home = charging_home
    for start in ("01:00", "02:00", "03:00"):
        await act(home, "add_charge_schedule", start_time=start)
    await act(home, "add_precondition_schedule", precondition_time="07:30")
    numbers = [one["id"] for one in charge_schedules(home.car) + precondition_schedules(home.car)]
    assert len(set(numbers)) == 4


async def test_a_schedule_whose_answer_got_lost_is_added_once(charging_home: Home) -> None:
    home = charging_home
    await act(home, "stop_charging")
    home.tesla.faults.lose_answer_after("signed_command")
    await act(home, "add_charge_schedule", start_time="01:00")
    assert len(charge_schedules(home.car)) == 1


async def test_schedules_are_listed_in_the_words_in_which_they_are_added(
    charging_home: Home,
) -> None:
    home = charging_home
    charge = {"end_time": "06:30:00", "days": ["mon", "sun"], "name": "Cheap", "enabled": False}
    added = await act(home, "add_charge_schedule", **charge)
    await act(home, "add_precondition_schedule", precondition_time="07:30")
    home.tesla.billing.reset()
    listed = await act(home, "get_schedules")
    assert [r.category for r in home.tesla.billing.requests] == ["free", "data"]
    (one,) = listed["charge_schedules"]
    assert one == {
        "schedule_id": added["schedule_id"],
        "name": "Cheap",
        "days": ["mon", "sun"],
        "start_time": None,
        "end_time": "06:30:00",
        "one_time": False,
        "enabled": False,
        "location": {
            "latitude": one["location"]["latitude"],
            "longitude": pytest.approx(one["location"]["longitude"]),
        },
    }
    (other,) = listed["precondition_schedules"]
    assert (other["precondition_time"], len(other["days"])) == ("07:30:00", 7)
    # what is listed can be given back
    await act(home, "remove_charge_schedule", schedule_id=one["schedule_id"])
    again = {name: one[name] for name in ("end_time", "days", "name", "enabled", "location")}
    await act(home, "add_charge_schedule", **again)
    assert charge_schedules(home.car)[0]["end_time"] == 390


async def test_only_one_kind_is_read_if_only_one_is_asked_for(charging_home: Home) -> None:
    home = charging_home
    listed = await act(home, "get_schedules", kind="charge")
    assert listed["charge_schedules"] == []
    assert "precondition_schedules" not in listed


async def test_a_sleeping_car_is_not_woken_to_read_its_schedules(charging_home: Home) -> None:
    home = charging_home
    home.car.unplug()
    home.car.sleep()
    assert await refused(home, "get_schedules") == "asleep_unread"
    assert home.car.state == "asleep"


async def test_a_change_keeps_what_it_does_not_name(charging_home: Home) -> None:
    home = charging_home
    added = await act(
        home, "add_charge_schedule", start_time="02:00", end_time="06:00", name="Night"
    )
    (before,) = charge_schedules(home.car)
    home.tesla.billing.reset()
    changed = await act(
        home, "change_charge_schedule", schedule_id=added["schedule_id"], start_time="03:15"
    )
    assert changed["outcome"] == "executed"
    assert charge_schedules(home.car) == [{**before, "start_time": 195}]
    assert [r.category for r in home.tesla.billing.requests] == ["free", "data", "command"]


async def test_a_change_does_not_undo_one_that_the_cars_data_do_not_show_yet(
    charging_home: Home,
) -> None:
    """Tesla's answer trails the car by up to 50 seconds."""
    home = charging_home
    sections = frozenset({CHARGE})

    def trail(data: Any) -> None:
        home.tesla.faults.wrong_type("vehicle_data", body={"response": data}, times=1)

    none = home.car.vehicle_data(sections)
    added = await act(home, "add_charge_schedule", start_time="02:00", end_time="06:00")
    number = added["schedule_id"]
    first = home.car.vehicle_data(sections)
    trail(none)
    await act(home, "change_charge_schedule", schedule_id=number, start_time="03:15")
    trail(first)
    await act(home, "change_charge_schedule", schedule_id=number, enabled=False)
    trail(first)
    await act(home, "change_charge_schedule", schedule_id=number, name="Night")
    (after,) = charge_schedules(home.car)
    shown = ("start_time", "end_time", "enabled", "name")
    assert [after[field] for field in shown] == [195, 360, False, "Night"]
    # what somebody has changed in Tesla's app meanwhile is kept
    home.car._systems.schedules.charge[number].end_time = 420
    await act(home, "change_charge_schedule", schedule_id=number, enabled=True)
    (after,) = charge_schedules(home.car)
    assert [after[field] for field in shown] == [195, 420, True, "Night"]
    last = home.car.vehicle_data(sections)
    await act(home, "remove_charge_schedule", schedule_id=number)
    trail(last)
    with pytest.raises(ServiceValidationError):
        await act(home, "change_charge_schedule", schedule_id=number, enabled=False)
    assert charge_schedules(home.car) == []


async def test_a_change_that_changes_nothing_is_no_command(charging_home: Home) -> None:
    home = charging_home
    added = await act(home, "add_precondition_schedule", precondition_time="07:30")
    home.tesla.billing.reset()
    changed = await act(
        home,
        "change_precondition_schedule",
        schedule_id=added["schedule_id"],
        precondition_time="07:30",
        enabled=True,
    )
    assert changed["outcome"] == "already"
    assert home.tesla.billing.count("command") == 0


async def test_an_empty_end_takes_the_end_away(charging_home: Home) -> None:
    home = charging_home
    added = await act(home, "add_charge_schedule", start_time="02:00", end_time="06:00")
    number = added["schedule_id"]
    await act(home, "change_charge_schedule", schedule_id=number, end_time=None)
    (after,) = charge_schedules(home.car)
    assert (after["start_enabled"], after["start_time"], after["end_enabled"]) == (True, 120, False)
    with pytest.raises(ServiceValidationError) as caught:
        await act(home, "change_charge_schedule", schedule_id=number, start_time=None)
    assert caught.value.translation_key == "schedule_without_time"


async def test_a_schedule_that_the_car_does_not_have_cannot_be_changed(charging_home: Home) -> None:
    home = charging_home
    with pytest.raises(ServiceValidationError) as caught:
        await act(home, "change_charge_schedule", schedule_id=12, start_time="02:00")
    assert caught.value.translation_key == "no_such_schedule"
    assert "12" in str(caught.value)
    assert charge_schedules(home.car) == []


async def test_a_removed_schedule_is_gone_and_removing_it_again_changes_nothing(
    charging_home: Home,
) -> None:
    home = charging_home
    for kind, what in (
        ("charge", {"start_time": "02:00"}),
        ("precondition", {"precondition_time": "07:30"}),
    ):
        added = await act(home, f"add_{kind}_schedule", **what)
        number = added["schedule_id"]
        outcomes = [
            (await act(home, f"remove_{kind}_schedule", schedule_id=number))["outcome"]
            for _ in range(2)
        ]
        assert outcomes == ["executed", "already"]
    assert charge_schedules(home.car) == precondition_schedules(home.car) == []


async def test_a_sleeping_car_is_woken_to_change_its_schedule(charging_home: Home) -> None:
    home = charging_home
    added = await act(home, "add_charge_schedule", start_time="02:00")
    home.car.unplug()
    home.car.sleep()
    changed = await act(
        home, "change_charge_schedule", schedule_id=added["schedule_id"], enabled=False
    )
    assert changed["outcome"] == "executed"
    assert not charge_schedules(home.car)[0]["enabled"]
    assert home.tesla.billing.count("wake") == 1


async def test_a_car_without_the_protocol_takes_schedules_over_plain_rest(home: Home) -> None:
    car = home.add_car(GRANNY, "Granny", protocol="not_supported")
    await home.set_up()
    added = await act(home, "add_charge_schedule", start_time="02:00", days="sat")
    await act(home, "add_precondition_schedule", precondition_time="07:30")
    assert [command.via for command in car.commands] == ["rest", "rest"]
    (schedule,) = charge_schedules(car)
    assert (schedule["days_of_week"], schedule["id"]) == (64, added["schedule_id"])
    await act(home, "remove_charge_schedule", schedule_id=added["schedule_id"])
    assert charge_schedules(car) == []


async def test_several_cars_get_the_same_schedule(home: Home) -> None:
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name, sleep_after=None)
    await home.set_up()
    answer = await home.act(
        "add_charge_schedule",
        start_time="02:00",
        device_id=[home.device_id(PEARL), home.device_id(MIDNIGHT)],
    )
    numbers = {car["schedule_id"] for car in answer["vehicles"]}
    assert len(numbers) == 1
    assert {charge_schedules(car)[0]["id"] for car in home.cars.values()} == numbers


@pytest.mark.parametrize(
    ("action", "data", "key"),
    [
        ("add_charge_schedule", {}, "schedule_without_time"),
        (
            "add_charge_schedule",
            {"start_time": "02:00", "end_time": "02:00:30"},
            "schedule_without_duration",
        ),
        ("set_scheduled_charging", {}, "scheduled_without_time"),
        ("set_scheduled_departure", {}, "scheduled_without_time"),
        (
            "set_scheduled_departure",
            {"departure_time": "07:30", "off_peak_charging": "weekdays"},
            "off_peak_without_end",
        ),
        ("set_scheduled_charging", {"time": "02:00"}, "firmware_with_schedules"),
        ("set_scheduled_departure", {"departure_time": "02:00"}, "firmware_with_schedules"),
    ],
)
async def test_what_makes_no_sense_is_explained_before_it_costs_anything(
    charging_home: Home, action: str, data: dict[str, Any], key: str
) -> None:
    assert await refused(charging_home, action, **data) == key


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("add_charge_schedule", {"start_time": "25:00"}),
        ("add_charge_schedule", {"start_time": "soon"}),
        ("add_charge_schedule", {"start_time": "02:00", "days": []}),
        ("add_charge_schedule", {"start_time": "02:00", "days": ["someday"]}),
        ("add_charge_schedule", {"start_time": "02:00", "name": "x" * 51}),
        ("add_charge_schedule", {"start_time": "02:00", "location": {"latitude": 52.5}}),
        (
            "add_charge_schedule",
            {"start_time": "02:00", "location": {"latitude": 91, "longitude": 0}},
        ),
        ("add_charge_schedule", {"start_time": None}),
        ("add_precondition_schedule", {}),
        ("change_charge_schedule", {"start_time": "02:00"}),
        ("change_precondition_schedule", {"schedule_id": 5, "precondition_time": None}),
        ("remove_charge_schedule", {"schedule_id": 0}),
        ("remove_charge_schedule", {"schedule_id": 2**64}),
        ("remove_charge_schedule", {"schedule_id": "night"}),
        ("get_schedules", {"kind": "all"}),
        ("set_scheduled_departure", {"departure_time": "07:00", "preconditioning": "mon"}),
    ],
    ids=str,
)
async def test_what_cannot_be_meant_never_leaves_the_house(
    charging_home: Home, action: str, data: dict[str, Any]
) -> None:
    charging_home.tesla.billing.reset()
    with pytest.raises(vol.Invalid) as caught:
        await charging_home.act(action, **data)
    assert "<" not in str(caught.value)  # a value as a person writes it, not as Python does
    assert charging_home.tesla.billing.requests == []


async def test_a_home_without_a_place_has_to_name_one(charging_home: Home) -> None:
    home = charging_home
    home.hass.config.latitude = home.hass.config.longitude = 0
    assert await refused(home, "add_charge_schedule", start_time="02:00") == "no_home_location"
    place = {"latitude": 0, "longitude": 0}
    outcome = await act(home, "add_charge_schedule", start_time="02:00", location=place)
    assert outcome["outcome"] == "executed"


# -- firmware before 2024.26 --------------------------------------------------------------------


@pytest.fixture(params=["required", "not_supported"])
async def old_home(home: Home, request: pytest.FixtureRequest) -> Home:
    """A car whose firmware has no schedules yet, with and without signed commands."""
    vin = PEARL if request.param == "required" else GRANNY
    home.add_car(vin, "Granny", protocol=request.param, firmware=BEFORE_SCHEDULES)
    await home.set_up()
    return home


async def test_older_firmware_takes_the_one_time_to_charge(old_home: Home) -> None:
    home = old_home
    await act(home, "set_scheduled_charging", time="02:30")
    data = home.car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["scheduled_charging_mode"] == "StartAt"
    assert data["scheduled_charging_start_time_minutes"] == 150
    await act(home, "set_scheduled_charging", enabled=False)
    data = home.car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["scheduled_charging_mode"] == "Off"


async def test_older_firmware_takes_the_one_departure(old_home: Home) -> None:
    home = old_home
    await act(
        home,
        "set_scheduled_departure",
        departure_time="07:30",
        preconditioning="weekdays",
        off_peak_charging="every_day",
        off_peak_end_time="06:00",
    )
    data = home.car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["scheduled_charging_mode"] == "DepartBy"
    assert data["scheduled_departure_time_minutes"] == 450
    assert (data["preconditioning_enabled"], data["preconditioning_times"]) == (True, "weekdays")
    assert data["off_peak_charging_enabled"]
    assert (data["off_peak_charging_times"], data["off_peak_hours_end_time"]) == ("all_week", 360)
    await act(home, "set_scheduled_departure", enabled=False)
    data = home.car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert (data["scheduled_charging_mode"], data["preconditioning_enabled"]) == ("Off", False)


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("get_schedules", {}),
        ("add_charge_schedule", {"start_time": "02:00"}),
        ("change_charge_schedule", {"schedule_id": 1, "enabled": False}),
        ("remove_charge_schedule", {"schedule_id": 1}),
        ("add_precondition_schedule", {"precondition_time": "02:00"}),
    ],
)
async def test_older_firmware_has_no_schedules(
    old_home: Home, action: str, data: dict[str, Any]
) -> None:
    assert await refused(old_home, action, **data) == "firmware_without_schedules"


async def test_a_car_whose_firmware_is_not_known_speaks_for_itself(home: Home) -> None:
    """Asleep since the start: nothing is known of it, so it is woken and answers, or says that it cannot."""
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", firmware=BEFORE_SCHEDULES, sleep_after=None)
    car.sleep()
    await home.set_up()
    outcome = await act(home, "add_charge_schedule", start_time="02:00")
    assert (outcome["outcome"], outcome["reason"]) == ("refused", "not_supported")
    assert "software" in outcome["message"]


async def test_an_old_car_whose_firmware_is_not_known_says_that_it_cannot(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(
        GRANNY, "Granny", protocol="not_supported", firmware=BEFORE_SCHEDULES, sleep_after=None
    )
    car.sleep()
    await home.set_up()
    with pytest.raises(HomeAssistantError) as caught:
        await act(home, "add_charge_schedule", start_time="02:00")
    assert caught.value.translation_key == "command_unsupported"


@pytest.mark.parametrize(
    "section",
    [
        None,
        {},
        {"charge_schedules": None},
        {"charge_schedules": {"id": 1}},
    ],
    ids=str,
)
async def test_an_answer_without_schedules_is_an_explained_error(
    charging_home: Home, section: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer(charging_home, section, monkeypatch)
    with pytest.raises(HomeAssistantError) as caught:
        await act(charging_home, "get_schedules", kind="charge")
    assert caught.value.translation_key == "schedules_not_given"


async def test_what_cannot_be_a_schedule_is_left_out(
    charging_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {
        "id": 7,
        "name": "n" * 500,
        "days_of_week": 127,
        "start_enabled": True,
        "start_time": 99999,
        "end_enabled": True,
        "end_time": 60,
        "enabled": True,
        "latitude": 1,
        "longitude": 2.5,
    }
    bad: tuple[dict[str, Any], ...] = (
        {"id": 0},
        {"id": "7"},
        {"id": 2**70},
        {"latitude": 95},
        {"longitude": None},
        {"days_of_week": "All"},
    )
    items: list[Any] = [*({**good, **wrong} for wrong in bad), None, 5, "x", [], good]
    _answer(charging_home, {"charge_schedules": items}, monkeypatch)
    listed = await act(charging_home, "get_schedules", kind="charge")
    (one,) = listed["charge_schedules"]
    assert (one["schedule_id"], one["start_time"], one["end_time"]) == (7, None, "01:00:00")
    assert len(one["name"]) == 50


def _answer(home: Home, section: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the car tell this instead of its charge schedules."""
    told = type(home.car).vehicle_data

    def other(car: Car, sections: frozenset[str]) -> dict[str, Any]:
        data: dict[str, Any] = {**told(car, sections)}
        return {**data, CHARGE: section} if section is not None else data | {CHARGE: None}

    monkeypatch.setattr(type(home.car), "vehicle_data", other)


async def test_without_any_car_of_this_account_it_is_said(charging_home: Home) -> None:
    with pytest.raises(ServiceValidationError):
        await charging_home.hass.services.async_call(
            DOMAIN, "get_schedules", {"device_id": "none"}, blocking=True, return_response=True
        )
