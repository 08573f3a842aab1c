"""The meter through the front door: what Tesla bills is what Home Assistant shows, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.tesla_charging import async_remove_config_entry_device
from custom_components.tesla_charging.billing.meter import REQUEST_DELAY, SIGNAL_INTERVAL, Meter
from custom_components.tesla_charging.billing.meter_store import MeterStore, async_get_meters
from custom_components.tesla_charging.const import CONF_CURRENCY, DOMAIN
from custom_components.tesla_charging.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.tesla_charging.fleet_api import Category, FleetApiError, Vehicles
from custom_components.tesla_charging.fleet_api.operations import WAKE_UP, RequestRecord
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from tests.support.home import CLIENT_ID, HOME_DOMAIN, MIDNIGHT, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

FILE = f"{DOMAIN}.meter"
DAWN = "7SAYGDEE0PA000303"


def entry_of(home: Home) -> MockConfigEntry:
    assert home.entry is not None
    return home.entry


def meter_of(home: Home) -> Meter:
    meter: Meter = entry_of(home).runtime_data.meter
    return meter


def account_state(home: Home, key: str, entry: MockConfigEntry | None = None) -> Any:
    """Return the state of a sensor of the account."""
    unique_id = f"{(entry or entry_of(home)).entry_id}_{key}"
    entity_id = er.async_get(home.hass).async_get_entity_id("sensor", DOMAIN, unique_id)
    assert entity_id is not None, key
    return home.hass.states.get(entity_id)


def shown(home: Home, key: str) -> str:
    state: str = account_state(home, key).state
    return state


def spend(home: Home, wakes: int, vin: str = PEARL) -> None:
    """Put wakes on the meter and on Tesla's bill, more than a test has the time for."""
    for _ in range(wakes):
        meter_of(home).add_request(RequestRecord(WAKE_UP, vin, 200))
        home.tesla.billing.record("wake", "POST", "", 200, vin=vin, application=CLIENT_ID)


async def pass_time(home: Home, freezer: FrozenDateTimeFactory, to: datetime) -> None:
    """Let the clock of this home show another time, and everything happen that was due."""
    freezer.move_to(to)
    async_fire_time_changed(home.hass, to)
    await home.hass.async_block_till_done()


# -- what is counted --------------------------------------------------------------------------------------


async def test_what_is_billed_is_shown_at_once(charging_home: Home) -> None:
    home, meter = charging_home, meter_of(charging_home)
    bill = home.tesla.billing
    assert shown(home, "data_requests") == str(bill.count("data"))
    await home.act("set_charge_limit", percent=71)
    assert shown(home, "command_requests") == str(bill.count("command")) == "2"
    home.car.sleep()
    await home.act("wake_up")
    await home.settle()
    assert shown(home, "wake_requests") == str(bill.count("wake")) != "0"
    cost = account_state(home, "cost_this_month")
    assert float(cost.state) == float(bill.invoice(CLIENT_ID)) == meter.cost
    assert cost.attributes["wake"] == meter.units(Category.WAKE) * 0.02
    assert cost.attributes["unit_of_measurement"] == home.hass.config.currency == "EUR"
    assert cost.attributes["last_reset"] == meter.month_start.isoformat()
    assert float(shown(home, "credit_left")) == pytest.approx(10 - meter.cost)
    assert float(home.state("sensor", "car_cost_this_month")) == meter.cost_of(PEARL)
    assert meter.cost_of(PEARL) == pytest.approx(float(meter.exact_cost), abs=0.005)


async def test_refusals_are_billed_and_failures_of_teslas_are_not(charging_home: Home) -> None:
    home, meter = charging_home, meter_of(charging_home)
    vehicles = Vehicles(entry_of(home).runtime_data.client)
    before = meter.units(Category.DATA)
    for status in (404, 408, 412, 423, 500, 503, 540):
        home.tesla.faults.status(status, "mobile_enabled")
        with pytest.raises(FleetApiError):
            await vehicles.mobile_enabled(PEARL)
    assert meter.units(Category.DATA) == before + 4


@pytest.mark.parametrize("times", [1, 5])
async def test_commands_whose_answers_are_lost_are_billed(charging_home: Home, times: int) -> None:
    home = charging_home
    home.tesla.faults.lose_answer_after("signed_command", times=times)
    with nullcontext() if times == 1 else pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=71)
    assert meter_of(home).units(Category.COMMAND) == home.tesla.billing.count("command") > 1
    assert meter_of(home).unanswered > 0


async def test_what_may_have_been_lost_counts_and_what_never_left_does_not(
    charging_home: Home,
) -> None:
    home, meter = charging_home, meter_of(charging_home)
    vehicles = Vehicles(entry_of(home).runtime_data.client)
    home.tesla.faults.lose_request("fleet_status")
    before = meter.units(Category.DATA)
    with pytest.raises(FleetApiError):
        await vehicles.fleet_status(PEARL)
    assert meter.units(Category.DATA) == before + 1
    await home.tesla.stop()
    with pytest.raises(FleetApiError):
        await vehicles.fleet_status(PEARL)
    assert meter.units(Category.DATA) == before + 1


async def test_every_car_has_its_part(home: Home) -> None:
    home.add_car(PEARL, "Pearl").plug_in()
    home.add_car(MIDNIGHT, "Midnight").plug_in()
    await home.set_up()
    spend(home, 3, MIDNIGHT)
    meter = meter_of(home)
    assert meter.units(Category.WAKE, MIDNIGHT) == 3
    assert meter.units(Category.WAKE, PEARL) == 0
    assert float(home.state("sensor", "car_cost_this_month", MIDNIGHT)) == pytest.approx(0.062)
    assert float(home.state("sensor", "car_cost_this_month", PEARL)) == pytest.approx(0.002)
    assert meter.units(Category.WAKE) == 3


async def test_the_currency_is_teslas(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.hass.config.currency = "SEK"  # Tesla's prices in it are not known
    await home.set_up()
    assert (meter_of(home).currency, meter_of(home).credit) == ("USD", 10)
    home.hass.config_entries.async_update_entry(entry_of(home), options={CONF_CURRENCY: "GBP"})
    await home.restart()
    spend(home, 100)
    assert account_state(home, "cost_this_month").attributes["unit_of_measurement"] == "GBP"
    assert shown(home, "cost_this_month") == "1.61"  # with four data requests
    assert shown(home, "credit_left") == "6.39"
    spend(home, 600)
    assert meter_of(home).credit_left == 0


# -- signals ----------------------------------------------------------------------------------------------


@pytest.fixture
async def streaming(home: Home) -> AsyncIterator[Home]:
    """A home whose car is connected."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await until(lambda: meter_of(home).units(Category.STREAMING) > 0)
    yield home
    for entry in home.hass.config_entries.async_loaded_entries(DOMAIN):
        await home.hass.config_entries.async_unload(entry.entry_id)


def entry_settings(home: Home) -> TelemetrySettings:
    return TelemetrySettings.from_options(entry_of(home).options)


async def told(home: Home) -> None:
    """Let the car say nothing more, and everything that it said arrive."""
    handle = home.tesla.telemetry(PEARL)
    handle.hold()
    await until(lambda: not handle.unacknowledged)


async def test_a_stream_is_on_the_meter_value_by_value(streaming: Home) -> None:
    home, handle = streaming, streaming.tesla.telemetry(PEARL)
    handle.raise_alert("CHG_a001", ("customer", "service"))
    handle.report_error("one", "that is free")
    home.car.unplug()
    await until(lambda: home.state("sensor", "charging_state") == "disconnected")
    await told(home)
    assert meter_of(home).units(Category.STREAMING, PEARL) == home.tesla.billing.signals[PEARL]


async def test_what_is_sent_again_is_billed_again(streaming: Home) -> None:
    home, meter, handle = streaming, meter_of(streaming), streaming.tesla.telemetry(PEARL)
    handle.read(False)  # no acknowledgement reaches the car
    home.car.unplug()
    await until(lambda: home.state("sensor", "charging_state") == "disconnected")
    handle.disconnect()
    handle.read(True)
    await until(lambda: handle.counts.resent > 0)
    await told(home)
    sent = home.tesla.billing.signals[PEARL]
    # what was lost with the connection nobody here has seen
    assert 0 <= sent - meter.units(Category.STREAMING, PEARL) <= 40


async def test_signals_are_told_once_a_minute_and_requests_at_once(charging_home: Home) -> None:
    home, meter = charging_home, meter_of(charging_home)
    home.witness.streams_elsewhere = True
    written: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        written.append(event.data["entity_id"])

    sensor = account_state(home, "signals_this_month").entity_id
    async_track_state_change_event(home.hass, [sensor], note)
    for _ in range(100):
        meter.add_signals(PEARL, 5)
    await home.hass.async_block_till_done()
    assert written == []
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=SIGNAL_INTERVAL + 1))
    await home.hass.async_block_till_done()
    assert written == [sensor]
    assert shown(home, "signals_this_month") == "500"
    meter.add_signals(PEARL, 1)
    spend(home, 1)
    assert shown(home, "signals_this_month") == "501"
    meter.add_signals(PEARL, 0)
    assert meter.units(Category.STREAMING) == 501


# -- months -----------------------------------------------------------------------------------------------


@pytest.fixture
async def in_berlin(charging_home: Home) -> Home:
    await charging_home.hass.config.async_set_time_zone("Europe/Berlin")
    return charging_home


def berlin(*when: int) -> datetime:
    return datetime(*when, tzinfo=dt_util.get_default_time_zone())  # type: ignore[misc,arg-type]  # year, month, day, hour ...


async def test_a_new_month_begins_at_midnight_here(
    in_berlin: Home, freezer: FrozenDateTimeFactory
) -> None:
    home, meter = in_berlin, meter_of(in_berlin)
    await pass_time(home, freezer, berlin(2027, 3, 31, 23, 59, 30))
    spend(home, 155)
    # summer time began on the 28th: this is 21:59 in Greenwich, and half a minute is left
    assert shown(home, "cost_this_month") == "3.1"
    assert meter.month_end == berlin(2027, 4, 1)
    assert meter.projected(dt_util.now()) == pytest.approx(3.1)
    await pass_time(home, freezer, berlin(2027, 4, 1, 0, 0, 1))
    cost = account_state(home, "cost_this_month")
    assert float(cost.state) == 0
    assert cost.attributes["last_reset"] == "2027-04-01T00:00:00+02:00"
    assert shown(home, "wake_requests") == "0"
    assert shown(home, "credit_left") == "10.0"
    assert meter.cost_before == 3.1
    assert home.state("sensor", "car_cost_this_month") == "0.0"
    # what is expected goes by the month before
    assert 2.5 < float(shown(home, "cost_projected")) < 3.5


async def test_a_clock_set_back_takes_nothing_away(
    in_berlin: Home, freezer: FrozenDateTimeFactory
) -> None:
    home, meter = in_berlin, meter_of(in_berlin)
    await pass_time(home, freezer, berlin(2027, 10, 31, 2, 30))
    spend(home, 5)
    await pass_time(home, freezer, berlin(2027, 11, 20))
    spend(home, 40)
    for wrong in (berlin(2027, 10, 31, 12), berlin(2027, 11, 1), berlin(1971, 1, 1)):
        await pass_time(home, freezer, wrong)
        spend(home, 1)
    await pass_time(home, freezer, berlin(2027, 11, 20, 0, 5))
    # one of the three was counted in November, which had begun; nothing is lost, nothing doubled
    assert meter.units(Category.WAKE) == 42
    assert meter.cost_before == 0.1


# -- restarts ---------------------------------------------------------------------------------------------


REAL = {name: getattr(Store, name) for name in ("_async_load", "_async_write_data")}


@pytest.fixture
def real_files(hass: HomeAssistant) -> Iterator[None]:
    """Home Assistant's test plugin keeps files in memory; here they have to be real."""
    with pytest.MonkeyPatch.context() as patch:
        for name, function in REAL.items():
            patch.setattr(Store, name, function)
        yield


async def on_disk(home: Home) -> Meter:
    """Return the meter of a Home Assistant that starts now."""
    book = MeterStore(home.hass)
    await book.load()
    return book.meter(CLIENT_ID)


async def test_loading_the_entry_anew_changes_nothing(charging_home: Home) -> None:
    spend(charging_home, 7)
    await charging_home.restart()
    assert meter_of(charging_home).units(Category.WAKE) == 7
    assert shown(charging_home, "wake_requests") == "7"


async def test_a_restart_of_home_assistant_changes_nothing(
    real_files: None, charging_home: Home
) -> None:
    home = charging_home
    spend(home, 7)
    assert (await on_disk(home)).units(Category.WAKE) == 0
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await home.hass.async_block_till_done()
    again = await on_disk(home)
    assert again.ledger.as_dict() == meter_of(home).ledger.as_dict()
    assert again.cost == pytest.approx(meter_of(home).cost)
    path = Path(home.hass.config.path(".storage", FILE))
    assert path.stat().st_mode & 0o077 == 0


async def test_what_a_kill_takes_is_half_a_minute(real_files: None, charging_home: Home) -> None:
    home = charging_home
    spend(home, 7)
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=REQUEST_DELAY + 1))
    await home.settle()
    spend(home, 1)
    assert (await on_disk(home)).units(Category.WAKE) == 7
    # each time anew, however often it is counted
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=REQUEST_DELAY + 1))
    await home.settle()
    assert (await on_disk(home)).units(Category.WAKE) == 8


async def test_requests_do_not_wait_for_the_slower_signals(
    real_files: None, charging_home: Home
) -> None:
    home = charging_home
    home.witness.streams_elsewhere = True
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=REQUEST_DELAY + 1))
    await home.settle()
    meter_of(home).add_signals(PEARL, 9)
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=REQUEST_DELAY + 1))
    await home.settle()
    assert (await on_disk(home)).units(Category.STREAMING) == 0
    spend(home, 1)
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=REQUEST_DELAY + 1))
    await home.settle()
    assert (await on_disk(home)).units(Category.STREAMING) == 9


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 1, "data": "nothing"},
        {"version": 1, "data": {"applications": [1, 2]}},
        {"version": 1, "data": {"applications": {CLIENT_ID: {"months": {"2026-11": 5}}}}},
        {"version": 9, "data": {"applications": {CLIENT_ID: {"months": {}}}}},
    ],
    ids=["text", "list", "month", "a newer version"],
)
async def test_a_file_that_cannot_be_read_is_a_fresh_start(
    home: Home, hass_storage: dict[str, Any], stored: dict[str, Any]
) -> None:
    hass_storage[FILE] = {"minor_version": 1, "key": FILE, **stored}
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up()
    assert shown(home, "data_requests") == str(home.tesla.billing.count("data"))


async def test_only_the_applications_of_late_are_kept(home: Home) -> None:
    book = await async_get_meters(home.hass)
    for number in range(20):
        book.meter(f"application {number}")
    kept = book._data()["applications"]
    assert [*kept] == [f"application {number}" for number in range(12, 20)]


# -- one application, several entries ---------------------------------------------------------------------


async def second_account(home: Home, **options: Any) -> MockConfigEntry:
    """Add another Tesla account that works with the same application: it drives Pearl, and owns another car."""
    first, owner = entry_of(home), home.account
    home.account = home.tesla.add_account("partner@example.com", region="eu")
    home.tesla.add_car(home.account, home.cars[PEARL], access_type="DRIVER")
    home.add_car(DAWN, "Dawn", sleep_after=None)
    entry = await home.set_up(**options)
    home.entry, home.account = first, owner
    return entry


async def test_two_accounts_with_one_application_share_its_bill(charging_home: Home) -> None:
    home = charging_home
    second = await second_account(home)
    assert second.runtime_data.meter is meter_of(home)
    spend(home, 2, DAWN)
    both = {account_state(home, "wake_requests", entry).state for entry in (entry_of(home), second)}
    assert both == {"2"}
    assert float(account_state(home, "cost_this_month", second).state) == meter_of(home).cost
    # the part of an account that goes stays on the bill, under its name as long as others work with the application
    assert await home.hass.config_entries.async_remove(second.entry_id)
    await home.settle()
    assert meter_of(home).units(Category.WAKE, DAWN) == 2
    assert shown(home, "wake_requests") == "2"


async def test_a_car_that_leaves_one_of_two_accounts_keeps_its_part(charging_home: Home) -> None:
    home = charging_home
    home.witness.vins_are_forgotten = True
    second = await second_account(home)
    spend(home, 5)
    await second.runtime_data.account.forget(PEARL)
    assert meter_of(home).units(Category.WAKE, PEARL) == 5
    await entry_of(home).runtime_data.account.forget(PEARL)
    assert meter_of(home).ledger.vins == {DAWN}
    assert meter_of(home).units(Category.WAKE) == 5


async def test_the_stream_of_a_car_of_two_accounts_is_counted_once(streaming: Home) -> None:
    home, meter, handle = streaming, meter_of(streaming), streaming.tesla.telemetry(PEARL)
    home.witness.vins_are_forgotten = True
    second = await second_account(home, telemetry=entry_settings(home))
    assert [*second.runtime_data.cars] == [DAWN]
    handle.disconnect()
    await told(home)
    assert meter.units(Category.STREAMING, PEARL) <= home.tesla.billing.signals[PEARL]
    # and if the account that received it is gone, the other one does
    assert await home.hass.config_entries.async_remove(entry_of(home).entry_id)
    await until(lambda: PEARL in second.runtime_data.cars)
    handle.hold(False)
    await until(lambda: second.runtime_data.cars[PEARL].data.telemetry == "connected")
    before = meter.units(Category.STREAMING, PEARL)
    home.car.unplug()
    await until(lambda: meter.units(Category.STREAMING, PEARL) > before)
    await home.hass.config_entries.async_unload(second.entry_id)


async def test_another_application_has_a_meter_of_its_own(charging_home: Home) -> None:
    book = await async_get_meters(charging_home.hass)
    other = book.meter("another application")
    spend(charging_home, 3)
    assert other.units(Category.WAKE) == 0
    assert book.meter(CLIENT_ID) is meter_of(charging_home)


async def test_the_last_account_leaves_the_sums_and_takes_the_cars(
    charging_home: Home, hass_storage: dict[str, Any]
) -> None:
    home = charging_home
    home.witness.vins_are_forgotten = True
    spend(home, 3)
    cost, meter = meter_of(home).cost, meter_of(home)
    assert await home.hass.config_entries.async_remove(entry_of(home).entry_id)
    await home.settle()
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=1))
    await home.settle()
    assert PEARL not in json.dumps(hass_storage[FILE])
    assert meter.cost == cost
    # Tesla's month goes on where somebody comes back to it
    await home.set_up()
    assert meter_of(home).units(Category.WAKE) == 3
    spend(home, 1)
    assert meter_of(home).units(Category.WAKE, PEARL) == 1


# -- the account beside its cars --------------------------------------------------------------------------


def account_device(home: Home) -> dr.DeviceEntry:
    device = dr.async_get(home.hass).async_get_device_by_identifier(
        (DOMAIN, entry_of(home).entry_id), entry_of(home).entry_id
    )
    assert device is not None
    return device


async def test_the_account_is_a_service_and_no_car(charging_home: Home) -> None:
    home, device = charging_home, account_device(charging_home)
    assert (device.name, device.entry_type) == ("Tesla account", dr.DeviceEntryType.SERVICE)
    assert not await async_remove_config_entry_device(home.hass, entry_of(home), device)
    with pytest.raises(ServiceValidationError):
        await home.hass.services.async_call(
            DOMAIN, "wake_up", {"device_id": device.id}, blocking=True, return_response=True
        )
    # nobody takes it for a car that Tesla does not list any more
    assert not entry_of(home).runtime_data.account._missing
    assert await async_setup_component(home.hass, "diagnostics", {})
    found = await async_get_device_diagnostics(home.hass, entry_of(home), device)
    assert found["cars"] == []
    assert found["devices"] == 1


async def test_diagnostics_tell_the_bill_and_no_vin(charging_home: Home) -> None:
    home = charging_home
    await home.act("set_charge_limit", percent=71)
    found = await async_get_config_entry_diagnostics(home.hass, entry_of(home))
    assert found["meter"]["units"]["command"] == 2
    assert found["meter"]["currency"] == "EUR"
    assert found["requests"]["counts"]["signed_command (command)"] == 2
    assert found["requests"]["unanswered"] == 0
    assert PEARL not in json.dumps(found, default=str)


async def test_the_figures_stay_while_tesla_cannot_be_asked(charging_home: Home) -> None:
    home = charging_home
    home.tesla.faults.status(500, times=None)
    for _ in range(3):
        await home.poll()
        await asyncio.sleep(0)
    assert home.state("sensor", "battery_level") == "unavailable"
    # asked for one car, and for the key's status, which names no car in its path
    assert shown(home, "data_requests") == "2"
    assert home.state("sensor", "car_cost_this_month") == "0.002"
