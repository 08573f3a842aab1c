"""Cars heard over MQTT: a real broker in its own process, and Home Assistant's own MQTT integration."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
import functools
import logging
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.tesla_charging import telemetry_mqtt
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.coordinator import VehicleCoordinator
from custom_components.tesla_charging.fleet_telemetry import SignalRecord
from custom_components.tesla_charging.telemetry_settings import Road, TelemetrySettings
from tests.conftest import CLIENT_ID, MIDNIGHT, PEARL, Home
from tests.mqtt_broker import BASE, Broker, TelemetryPublisher
from tests.test_config_flow import choose, submit
from tests.test_telemetry import embedded, free_port, until

MQTT_ROAD = TelemetrySettings(Road.MQTT, topic_base=BASE)
STRANGER = "5YJ3E1EA8NF000909"
HEARD = 30.0
"""Seconds in which a published value is shown: Home Assistant subscribes after up to a second."""


class Antenna:
    """A home, a broker, and somebody who publishes to it."""

    def __init__(self, home: Home, broker: Broker, publisher: TelemetryPublisher) -> None:
        self.home = home
        self.broker = broker
        self.publisher = publisher

    async def publish(self, vin: str = PEARL, **options: Any) -> None:
        await self._block(self.publisher.values, vin, **options)

    async def connectivity(self, connected: bool, connection: str = "one", **options: Any) -> None:
        await self._block(self.publisher.connectivity, PEARL, connected, connection, **options)

    async def raw(self, rest: str, payload: bytes, vin: str = PEARL) -> None:
        await self._block(self.publisher.raw, f"{BASE}/{vin}/{rest}", payload)

    async def _block(self, call: Any, *args: Any, **options: Any) -> None:
        await self.home.hass.async_add_executor_job(functools.partial(call, *args, **options))

    @property
    def car(self) -> VehicleCoordinator:
        assert self.home.entry is not None
        car: VehicleCoordinator = self.home.entry.runtime_data.cars[PEARL]
        return car

    async def becomes(self, platform: str, key: str, state: str, patience: float = HEARD) -> None:
        try:
            await until(lambda: self.home.state(platform, key) == state, patience)
        except TimeoutError:
            assert self.home.state(platform, key) == state


async def set_up_mqtt(hass: HomeAssistant, port: int) -> MockConfigEntry:
    """Set up Home Assistant's own MQTT integration."""
    Path(hass.config.path("configuration.yaml")).touch()  # it looks there for devices
    entry = MockConfigEntry(
        domain="mqtt",
        data={"broker": "127.0.0.1", "port": port, "protocol": "3.1.1"},
        options={"discovery": False, "birth_message": {}},
        version=2,
        minor_version=1,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


@pytest.fixture
def broker(socket_enabled: None, tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


@pytest.fixture
async def bare_road(home: Home, broker: Broker) -> AsyncIterator[Antenna]:
    """A home with a sleeping-capable car and a broker, before anything is set up."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    publisher = await home.hass.async_add_executor_job(TelemetryPublisher, broker)
    yield Antenna(home, broker, publisher)
    for entry in home.hass.config_entries.async_loaded_entries(DOMAIN):
        await home.hass.config_entries.async_unload(entry.entry_id)
    for entry in home.hass.config_entries.async_loaded_entries("mqtt"):
        await home.hass.config_entries.async_unload(entry.entry_id)
    await home.hass.async_add_executor_job(publisher.close)


@pytest.fixture
async def road(bare_road: Antenna) -> Antenna:
    """The same with MQTT and the integration set up, and the car asleep for Tesla's cloud."""
    home = bare_road.home
    await set_up_mqtt(home.hass, bare_road.broker.port)
    await home.set_up(telemetry=MQTT_ROAD)
    assert home.state("sensor", "telemetry") == "waiting"
    await subscribed(bare_road)
    return bare_road


async def subscribed(road: Antenna) -> None:
    """Wait until Home Assistant has told the broker what it wants."""
    client = road.home.hass.data["mqtt"].client
    topic = f"{BASE}/{PEARL}/v/+"
    await until(
        lambda: (
            client.connected
            and client.is_active_subscription(topic)
            and not client.is_pending_subscription(topic)
        )
    )


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_what_a_car_publishes_is_shown_without_a_single_poll(road: Antenna, qos: int) -> None:
    home = road.home
    await road.publish(
        qos=qos, BatteryLevel=71.4, DetailedChargeState="DetailedChargeStateCharging"
    )
    await road.becomes("sensor", "telemetry", "connected")
    await road.becomes("sensor", "charging_state", "charging")
    await home.settle()
    home.tesla.billing.reset()
    await road.publish(qos=qos, DetailedChargeState="DetailedChargeStateDisconnected")
    await road.becomes("binary_sensor", "plugged_in", "off")
    await road.publish(qos=qos, BatteryLevel=72, LocatedAtHome=True)
    await road.becomes("sensor", "battery_level", "72")
    await road.becomes("binary_sensor", "at_home", "on")
    await home.poll()
    assert home.tesla.billing.requests == []


async def test_nothing_is_sent_to_a_car_whose_server_somebody_else_runs(road: Antenna) -> None:
    await road.publish(BatteryLevel=70)
    await road.becomes("sensor", "battery_level", "70")
    assert road.home.tesla.billing.count(path_contains="fleet_telemetry") == 0


async def test_the_fields_of_one_record_count_together_in_any_order(road: Antenna) -> None:
    await road.publish(
        DetailedChargeState="DetailedChargeStateStopped", ChargingCableType="CableTypeIEC"
    )
    await until(lambda: road.car.data.value("ChargingCableType") == "IEC")
    # "no cable" says so only together with "disconnected", which comes after it here
    await road.publish(
        ChargingCableType=None, DetailedChargeState="DetailedChargeStateDisconnected"
    )
    await until(lambda: road.car.data.value("DetailedChargeState") == "Disconnected")
    assert road.car.data.value("ChargingCableType") is None


async def test_only_our_cars_are_heard_and_nonsense_is_left_out(
    road: Antenna, caplog: pytest.LogCaptureFixture
) -> None:
    await road.publish(STRANGER, BatteryLevel=11)
    for rest, payload in (
        ("v/BatteryLevel", b"\xff\xfe"),
        ("v/BatteryLevel", b'"' + b"x" * 70_000 + b'"'),
        ("v/BatteryLevel", b"{" * 5_000),
        ("v/BatteryLevel", b"1e999"),
        ("v/BatteryLevel", b"[1,2]"),
        ("v/NoSuchField", b"1"),
        ("v/999999999999", b"1"),
        ("connectivity", b'{"Status": 7}'),
        ("errors/broken", b"[]"),
        ("alerts/broken/current", b"null"),
        ("v/BatteryLevel", b""),
    ):
        await road.raw(rest, payload)
    await road.publish(BatteryLevel=64)
    await road.becomes("sensor", "battery_level", "64")
    ours = [r for r in caplog.records if r.name.startswith("custom_components")]
    assert [r.getMessage() for r in ours if r.levelno > logging.INFO] == []


async def test_the_server_says_when_a_car_comes_and_goes(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    # however busy this machine is, the late value below is to come within that time
    monkeypatch.setattr(telemetry_mqtt, "LINGER", 60.0)
    await road.connectivity(True)
    await road.becomes("sensor", "telemetry", "connected")
    # another network: the new connection is there before the old one ends
    await road.connectivity(True, "two")
    await road.connectivity(False, "one")
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "battery_level", "50")
    assert road.home.state("sensor", "telemetry") == "connected"
    await road.connectivity(False, "two")
    await road.becomes("sensor", "telemetry", "synced")
    # values that were still on their way do not bring it back
    await road.publish(BatteryLevel=49)
    await road.becomes("sensor", "battery_level", "49")
    assert road.home.state("sensor", "telemetry") == "synced"


async def test_a_server_that_falls_silent_is_not_believed_for_ever(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        telemetry_mqtt, "SILENT_AFTER", telemetry_mqtt.SILENT_AFTER.__class__(seconds=1)
    )
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "telemetry", "connected")
    await road.becomes("sensor", "telemetry", "synced")
    await road.publish(BatteryLevel=51)
    await road.becomes("sensor", "telemetry", "connected")


async def test_without_its_broker_a_car_is_asked_again_and_with_it_heard_again(
    road: Antenna,
) -> None:
    hass = road.home.hass
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "telemetry", "connected")
    await hass.async_add_executor_job(road.broker.stop)
    await road.becomes("sensor", "telemetry", "synced")
    await hass.async_add_executor_job(road.broker.start)
    await until(lambda: hass.data["mqtt"].client.connected, 30)
    await subscribed(road)
    await until(road.publisher._client.is_connected, 30)
    await road.publish(BatteryLevel=51)
    await road.becomes("sensor", "battery_level", "51")
    await road.becomes("sensor", "telemetry", "connected")


# -- retained ------------------------------------------------------------------------------------------


async def test_what_a_broker_kept_fills_gaps_and_overwrites_nothing(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await road.publish(
        retain=True,
        BatteryLevel=5,
        LocatedAtHome=False,
        DetailedChargeState="DetailedChargeStateCharging",
        EstimatedHoursToChargeTermination=2.0,
    )
    await road.connectivity(True, retain=True)
    await set_up_mqtt(home.hass, road.broker.port)
    await home.set_up(telemetry=MQTT_ROAD)
    # only the car itself tells this; no poll does
    await road.becomes("binary_sensor", "at_home", "off")
    assert home.state("sensor", "battery_level") == "62"
    assert home.state("binary_sensor", "plugged_in") == "off"
    assert home.state("sensor", "telemetry") == "waiting"
    assert road.car.pushed_at is None
    # and live the same value counts
    await road.publish(retain=True, BatteryLevel=6, LocatedAtHome=True)
    await road.becomes("sensor", "battery_level", "6")
    await road.becomes("binary_sensor", "at_home", "on")
    await road.becomes("sensor", "telemetry", "connected")


async def test_a_kept_value_beats_neither_what_was_just_set_nor_a_remembered_one(
    road: Antenna,
) -> None:
    home = road.home
    await home.act("set_charge_limit", percent=66)
    assert road.car.data.assumed
    now = 1.0 + road.car.data.readings["ChargeLimitSoc"].measured_at
    kept = SignalRecord(PEARL, 0.0, now, {"ChargeLimitSoc": 90, "BatteryLevel": 3}, retained=True)
    road.car.on_record(kept)
    assert road.car.data.value("ChargeLimitSoc") == 66
    assert road.car.data.value("BatteryLevel") == 62
    # without a time nobody knows when two hours are over
    road.car.data = road.car.data.__class__()
    road.car.on_record(
        SignalRecord(
            PEARL, 0.0, now, {"EstimatedHoursToChargeTermination": 2.0, "Soc": 3}, retained=True
        )
    )
    assert set(road.car.data.readings) == {"Soc"}
    live = SignalRecord(PEARL, now, now, {"Soc": 4})
    road.car.on_record(live)
    road.car.on_record(SignalRecord(PEARL, 0.0, now + 9, {"Soc": 3}, retained=True))
    assert road.car.data.value("Soc") == 4


# -- coming and going ----------------------------------------------------------------------------------


async def test_an_unloaded_entry_hears_nothing(road: Antenna) -> None:
    home = road.home
    assert home.entry is not None
    car = road.car
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    client = home.hass.data["mqtt"].client
    assert not client.is_active_subscription(f"{BASE}/{PEARL}/v/+")
    await road.publish(BatteryLevel=12)
    await home.settle()
    assert car.data.value("BatteryLevel") == 62


async def test_mqtt_that_comes_later_is_used_then(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    entry = await home.set_up(telemetry=MQTT_ROAD)
    issues = ir.async_get(home.hass)
    issue = issues.async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}")
    assert issue is not None
    assert issue.translation_key == "telemetry_no_mqtt"
    assert home.state("sensor", "battery_level") == "62"
    await set_up_mqtt(home.hass, road.broker.port)
    async_fire_time_changed(home.hass, fire_all=True)
    await home.settle()
    assert issues.async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}") is None
    await subscribed(road)
    await road.publish(BatteryLevel=33)
    await road.becomes("sensor", "battery_level", "33")


@pytest.mark.parametrize("foreign", [False, True])
async def test_a_configuration_of_ours_is_taken_back_and_one_of_others_is_not(
    bare_road: Antenna, foreign: bool
) -> None:
    road, home = bare_road, bare_road.home
    entry = await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: home.state("sensor", "telemetry") != "waiting")
    await home.settle()
    if foreign:
        # the operator's own tool, with the same application
        stream = home.tesla.telemetry(PEARL).streams[CLIENT_ID]
        assert stream.target is not None
        claims = {**stream.target.claims, "hostname": "fleet.example.com"}
        stream.target = replace(stream.target, hostname="fleet.example.com", claims=claims)
    home.hass.config_entries.async_update_entry(entry, options=MQTT_ROAD.as_options())
    await set_up_mqtt(home.hass, road.broker.port)
    await home.restart()
    deleted = [r.method for r in home.tesla.billing.requests].count("DELETE")
    assert deleted == (0 if foreign else 1)
    home.tesla.billing.reset()
    await home.restart()
    assert home.tesla.billing.count(path_contains="fleet_telemetry") == 0


# -- the flow ------------------------------------------------------------------------------------------


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_mqtt, "CHECK_SECONDS", 3.0)


async def reconfigure(home: Home) -> Any:
    assert home.entry is not None
    return await home.entry.start_reconfigure_flow(home.hass)


async def test_without_mqtt_the_road_is_not_offered(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    result = await reconfigure(home)
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["telemetry_embedded", "telemetry_polling"]


async def test_a_road_on_which_something_arrives_is_taken_at_once(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    home.add_car(MIDNIGHT, "Midnight")
    await set_up_mqtt(home.hass, road.broker.port)
    await home.set_up()
    before = {home.entity_id("sensor", "battery_level", vin) for vin in home.cars}
    await road.publish(MIDNIGHT, retain=True, BatteryLevel=44)
    result = await choose(home, await reconfigure(home), "telemetry_mqtt")
    assert (result["step_id"], result["errors"]) == ("telemetry_mqtt", {})
    for wrong in ("", "a//b", "tele+metry", "#", "x" * 201):
        result = await submit(home, result, topic_base=wrong)
        assert result["errors"] == {"topic_base": "topic_base_invalid"}, wrong
    result = await submit(home, result, topic_base=f"{BASE}/")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await home.settle()
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.LOADED
    assert TelemetrySettings.from_options(home.entry.options) == MQTT_ROAD
    assert home.state("sensor", "telemetry") == "waiting"
    assert {home.entity_id("sensor", "battery_level", vin) for vin in home.cars} == before


@pytest.mark.usefixtures("short_patience")
async def test_a_road_on_which_nothing_arrives_is_told_and_can_be_insisted_on(
    bare_road: Antenna,
) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker.port)
    await home.set_up()
    await road.publish(STRANGER, retain=True, BatteryLevel=44)
    result = await choose(home, await reconfigure(home), "telemetry_mqtt")
    for base in ("elsewhere", BASE):  # insisting counts for the same base only
        result = await submit(home, result, topic_base=base)
        assert result["errors"] == {"base": "mqtt_nothing_heard"}
    result = await submit(home, result, topic_base=BASE)
    assert result["reason"] == "reconfigure_successful"
    await home.settle()


@pytest.mark.usefixtures("short_patience")
async def test_a_broker_that_is_away_is_told(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker.port)
    await home.set_up()
    await until(lambda: home.hass.data["mqtt"].client.connected)
    await home.hass.async_add_executor_job(road.broker.stop)
    await until(lambda: not home.hass.data["mqtt"].client.connected)
    result = await choose(home, await reconfigure(home), "telemetry_mqtt")
    result = await submit(home, result, topic_base=BASE)
    assert result["errors"] == {"base": "mqtt_no_broker"}
    result = await submit(home, result, topic_base=BASE)
    assert result["reason"] == "reconfigure_successful"
    # Home Assistant tries to connect in the background as long as it takes
    await home.hass.async_block_till_done()
