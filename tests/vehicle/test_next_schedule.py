"""When a car begins to charge next: over week ends, when the clocks change, near the place, and in Home Assistant."""

from datetime import datetime, timedelta
import json
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_bytes
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.const import CONFIRM_DELAY, DOMAIN
from custom_components.tesla_charging.diagnostics import async_get_config_entry_diagnostics
from custom_components.tesla_charging.fleet_api import Section
from custom_components.tesla_charging.vehicle.charge_schedules import next_start
from custom_components.tesla_charging.vehicle.state import VehicleState, readings_of
from custom_components.tesla_charging.vehicle_command import DAYS
from tests.support.home import PEARL, Home

BERLIN = ZoneInfo("Europe/Berlin")
HOME, OFFICE = (52.5, 13.25), (52.4, 13.0)
EVERY_DAY = sum(DAYS.values())
WORKDAYS = EVERY_DAY - DAYS["Saturday"] - DAYS["Sunday"]
# a Friday
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=BERLIN)


def schedule(hour: int, minute: int = 0, days: int = EVERY_DAY, **other: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "name": "",
        "days_of_week": days,
        "start_enabled": True,
        "start_time": hour * 60 + minute,
        "end_enabled": False,
        "end_time": 0,
        "one_time": False,
        "enabled": True,
        "latitude": HOME[0],
        "longitude": HOME[1],
        **other,
    }


def car(*schedules: Any, told_at: datetime = NOW, **charge_state: Any) -> VehicleState:
    """Return what is known of a car that was asked."""
    stamp = {"timestamp": told_at.timestamp() * 1000}
    data: dict[str, dict[str, Any]] = {
        Section.CHARGE_SCHEDULES: {"charge_schedules": list(schedules), **stamp}
    }
    if charge_state:
        data[Section.CHARGE_STATE] = charge_state | stamp
    now = told_at.timestamp()
    return VehicleState().merge(readings_of(data, now=now), now=now)


def start(state: VehicleState, now: datetime = NOW, *, at_home: bool | None = None) -> str | None:
    """Return the next start in the home's time."""
    found = next_start(state, HOME, at_home, now)
    return None if found is None else found.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M")


# -- which day ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedules", "expected"),
    [
        ([], None),
        ([schedule(23)], "2026-11-20 23:00"),
        ([schedule(12, 0)], "2026-11-21 12:00"),
        ([schedule(12, 1)], "2026-11-20 12:01"),
        ([schedule(0, 0)], "2026-11-21 00:00"),
        ([schedule(2, days=WORKDAYS)], "2026-11-23 02:00"),
        ([schedule(2, days=DAYS["Friday"])], "2026-11-27 02:00"),
        ([schedule(2, days=DAYS["Sunday"])], "2026-11-22 02:00"),
        ([schedule(2, days=DAYS["Sunday"]), schedule(23, 30)], "2026-11-20 23:30"),
        ([schedule(23, enabled=False), schedule(3)], "2026-11-21 03:00"),
        ([schedule(23, start_enabled=False, end_enabled=True)], None),
        ([schedule(23, days=0)], None),
        ([schedule(2, days=DAYS["Monday"], one_time=True)], "2026-11-23 02:00"),
    ],
)
def test_the_next_start(schedules: list[Any], expected: str | None) -> None:
    assert start(car(*schedules)) == expected


@pytest.mark.parametrize("name", DAYS)
def test_every_day_of_the_week_is_found(name: str) -> None:
    found = next_start(car(schedule(2, days=DAYS[name])), HOME, None, NOW)
    assert found is not None
    assert found.astimezone(BERLIN).strftime("%A") == name
    assert timedelta() < found - NOW <= timedelta(days=7)


def test_what_is_for_once_does_not_come_again_a_week_later() -> None:
    state = car(schedule(2, days=DAYS["Monday"], one_time=True))
    assert start(state, NOW + timedelta(days=2)) == "2026-11-23 02:00"
    assert start(state, NOW + timedelta(days=4)) is None


# -- when the clocks change --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "hour", "minute", "utc"),
    [
        # 2027-03-28: from 2 to 3 o'clock
        (datetime(2027, 3, 27, 12, tzinfo=BERLIN), 1, 30, "2027-03-28T00:30:00+00:00"),
        (datetime(2027, 3, 27, 12, tzinfo=BERLIN), 2, 30, "2027-03-28T01:30:00+00:00"),
        (datetime(2027, 3, 27, 12, tzinfo=BERLIN), 6, 0, "2027-03-28T04:00:00+00:00"),
        (datetime(2027, 3, 28, 4, tzinfo=BERLIN), 2, 30, "2027-03-29T00:30:00+00:00"),
        # 2026-10-25: from 3 back to 2 o'clock
        (datetime(2026, 10, 24, 12, tzinfo=BERLIN), 6, 0, "2026-10-25T05:00:00+00:00"),
        (datetime(2026, 10, 24, 12, tzinfo=BERLIN), 2, 30, "2026-10-25T00:30:00+00:00"),
        # the second half past two is not another start
        (datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN), 2, 30, "2026-10-26T01:30:00+00:00"),
        (datetime(2026, 10, 25, 2, 15, fold=1, tzinfo=BERLIN), 2, 30, "2026-10-26T01:30:00+00:00"),
    ],
)
def test_a_start_is_in_local_time_also_when_the_clocks_change(
    now: datetime, hour: int, minute: int, utc: str
) -> None:
    found = next_start(car(schedule(hour, minute), told_at=now), HOME, None, now)
    assert found is not None
    assert found.isoformat() == utc


# -- which place -------------------------------------------------------------------------------------------


def test_only_the_schedules_of_the_place_where_the_car_is_count() -> None:
    office = schedule(13, latitude=OFFICE[0], longitude=OFFICE[1])
    state = car(office, schedule(23))
    assert start(state) == "2026-11-20 23:00"
    assert start(state, at_home=True) == "2026-11-20 23:00"
    # it is somewhere, and nobody knows where
    assert start(state, at_home=False) is None
    for place, hour in ((OFFICE, 13), ((HOME[0] + 0.003, HOME[1]), 23)):
        placed = state.merge(
            readings_of(
                {"drive_state": {"latitude": place[0], "longitude": place[1]}}, now=NOW.timestamp()
            ),
            now=NOW.timestamp(),
        )
        assert start(placed, at_home=place is not OFFICE) == f"2026-11-20 {hour}:00"


# -- older firmware ----------------------------------------------------------------------------------------


def test_the_one_setting_of_older_firmware_is_daily() -> None:
    first = datetime(2026, 11, 20, 23, 15, tzinfo=BERLIN)
    state = car(
        scheduled_charging_mode="StartAt",
        scheduled_charging_pending=False,
        scheduled_charging_start_time=int(first.timestamp()),
    )
    assert start(state) == "2026-11-20 23:15"
    assert start(state, NOW + timedelta(days=3)) == "2026-11-23 23:15"


def test_a_start_that_the_car_works_out_for_a_departure_counts_until_it_has_passed() -> None:
    first = datetime(2026, 11, 20, 23, 15, tzinfo=BERLIN)
    state = car(
        scheduled_charging_mode="DepartBy",
        scheduled_charging_pending=True,
        scheduled_charging_start_time=int(first.timestamp()),
    )
    assert start(state) == "2026-11-20 23:15"
    assert start(state, first) is None


@pytest.mark.parametrize(
    "rubbish",
    [
        None,
        "x",
        {},
        schedule(23, days_of_week="7"),
        schedule(23, days_of_week=128),
        schedule(24),
        schedule(23, start_time=-1),
        schedule(23, latitude=91),
        schedule(23, longitude=float("nan")),
        schedule(23, longitude=None),
        schedule(23, enabled="yes"),
    ],
    ids=str,
)
def test_what_cannot_be_a_schedule_hides_no_other(rubbish: Any) -> None:
    assert start(car(rubbish)) is None
    assert start(car(rubbish, schedule(3), rubbish)) == "2026-11-21 03:00"


# -- in Home Assistant -------------------------------------------------------------------------------------


def shown(home: Home) -> str:
    return home.state("sensor", "next_schedule")


async def test_a_schedule_that_is_added_shows_at_the_next_poll_for_no_extra_request(
    charging_home: Home,
) -> None:
    home = charging_home
    # a car without a schedule has no entity that would say "unknown" for ever
    registry = er.async_get(home.hass)
    assert registry.async_get_entity_id("sensor", DOMAIN, f"{PEARL}_next_schedule") is None
    await home.act("add_charge_schedule", start_time="02:30:00")
    home.tesla.billing.reset()
    await home.poll()
    assert home.tesla.billing.count("data") == 1
    expected = dt_util.now().replace(hour=2, minute=30, second=0, microsecond=0)
    if expected <= dt_util.now():
        expected += timedelta(days=1)
    assert dt_util.parse_datetime(shown(home)) == expected


async def test_after_the_moment_the_next_one_is_shown(
    charging_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = charging_home
    await home.act("add_charge_schedule", start_time="02:30:00")
    await home.poll()
    first = dt_util.parse_datetime(shown(home))
    assert first is not None
    home.tesla.billing.reset()
    with monkeypatch.context() as later:
        later.setattr(dt_util, "now", lambda *_: dt_util.as_local(first + timedelta(seconds=1)))
        async_fire_time_changed(home.hass, first + timedelta(seconds=1))
        await home.hass.async_block_till_done()
        second = dt_util.parse_datetime(shown(home))
    assert second is not None
    assert second.astimezone(dt_util.UTC).date() > first.astimezone(dt_util.UTC).date()
    assert dt_util.as_local(second).strftime("%H:%M") == "02:30"


async def test_a_schedule_that_is_removed_is_gone(charging_home: Home) -> None:
    home = charging_home
    (added,) = (await home.act("add_charge_schedule", start_time="02:30:00"))["vehicles"]
    await home.poll()
    assert shown(home) != "unknown"
    await home.act("remove_charge_schedule", schedule_id=added["schedule_id"])
    await home.poll()
    assert shown(home) == "unknown"


async def test_a_car_that_pushes_is_asked_once_after_its_schedules_were_changed(
    streaming_home: Home,
) -> None:
    home = streaming_home
    await home.poll()
    home.tesla.billing.reset()
    await home.poll()
    assert home.tesla.billing.count("data") == 0
    await home.act("add_charge_schedule", start_time="02:30:00")
    async_fire_time_changed(home.hass, dt_util.utcnow() + CONFIRM_DELAY + timedelta(seconds=1))
    await home.settle()
    await home.poll()
    assert home.tesla.billing.count("data") == 1
    assert shown(home) != "unknown"


async def test_a_car_with_old_software_has_it_only_once_it_is_set(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", firmware="2024.20.9", sleep_after=None).plug_in()
    await home.set_up()
    with pytest.raises(AssertionError):
        shown(home)
    await home.act("set_scheduled_charging", enabled=True, time="03:15:00")
    await home.poll()
    assert shown(home) == home.state("sensor", "scheduled_charging_start")
    assert ":15:00" in shown(home)
    assert all("charge_schedule_data" not in line.path for line in home.tesla.billing.requests)


async def test_where_schedules_are_is_in_no_diagnostics(charging_home: Home) -> None:
    home = charging_home
    await home.act("add_charge_schedule", start_time="02:30:00")
    await home.poll()
    assert home.entry is not None
    told = str(await async_get_config_entry_diagnostics(home.hass, home.entry))
    assert f"{home.hass.config.latitude:.5f}" not in told
    assert f"{home.hass.config.longitude:.5f}" not in told


@pytest.mark.parametrize(
    "word",
    ["rubbish", "1,2,3", "127,60,0,inf,nan", "127,9999,0,52.50000,13.25000", "127,٣,0,1.0,1.0"],
)
def test_what_a_damaged_file_of_version_0_1_holds_is_no_schedule(word: str) -> None:
    told = f"{word} 127,1380,0,52.50000,13.25000"
    state = VehicleState.from_dict({"charge_schedules": [told, NOW.timestamp()]})
    assert start(state) == "2026-11-20 23:00"


@pytest.mark.parametrize(
    "row",
    [
        "rubbish",
        None,
        [],
        {"days": 127},
        [127, 60, False, 52.5],
        [127, 60, False, float("nan"), 13.25],
        [127, 9999, False, 52.5, 13.25],
        [True, 60, False, 52.5, 13.25],
        [128, 60, False, 52.5, 13.25],
    ],
    ids=str,
)
def test_what_a_damaged_file_holds_is_no_schedule(row: object) -> None:
    rows = [row, [127, 1380, False, 52.5, 13.25]]
    state = VehicleState.from_dict({"charge_schedules": [rows, NOW.timestamp()]})
    assert start(state) == "2026-11-20 23:00"


def test_schedules_are_stored_as_lists_and_the_text_of_version_0_1_means_the_same() -> None:
    once = schedule(2, 30, days=WORKDAYS, one_time=True, latitude=-33.123456789, longitude=-7)
    state = car(schedule(23), once)
    stored = json.loads(json_bytes(state.as_dict()))
    assert stored["charge_schedules"] == [
        [[WORKDAYS, 150, True, -33.12346, -7.0], [EVERY_DAY, 1380, False, 52.5, 13.25]],
        NOW.timestamp(),
    ]
    text = f"{EVERY_DAY},1380,0,52.50000,13.25000 {WORKDAYS},150,1,-33.12346,-7.00000"
    for value in (stored["charge_schedules"][0], text):
        assert (
            VehicleState.from_dict({"charge_schedules": [value, NOW.timestamp()]}).changes(state)
            == set()
        )
    nothing: tuple[str | list[Any], ...] = ("", [])
    for none in nothing:
        read = VehicleState.from_dict({"charge_schedules": [none, NOW.timestamp()]})
        assert read.changes(car()) == set()
        assert read.value("charge_schedules") == ()
