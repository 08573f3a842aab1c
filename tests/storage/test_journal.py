"""What was acknowledged survives: a real Home Assistant, its real files, and a car that streams."""

import asyncio
from collections.abc import AsyncIterator, Iterator
import json
from pathlib import Path
import shutil
import time
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.storage import journal, vehicle_store
from custom_components.tesla_charging.storage.vehicle_store import VehicleStorage
from custom_components.tesla_charging.vehicle.signals import SIGNALS
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState, expected
from simulator.telemetry import CarTelemetry
from tests.support.home import HOME_DOMAIN, MIDNIGHT, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

ENTRY = "entry"
REAL = {name: getattr(Store, name) for name in ("_async_load", "_async_write_data", "async_remove")}
"""Home Assistant's test plugin keeps files in memory; here they have to be real."""


@pytest.fixture(autouse=True)
def real_files(hass: HomeAssistant) -> Iterator[None]:
    # taken back before the plugin takes its own back
    with pytest.MonkeyPatch.context() as patch:
        for name, function in REAL.items():
            patch.setattr(Store, name, function)
        yield


# -- the file ------------------------------------------------------------------------------------------


def states_file(hass: HomeAssistant, entry_id: str = ENTRY) -> Path:
    return Path(hass.config.path(".storage", f"{DOMAIN}.{entry_id}.states"))


def journal_file(hass: HomeAssistant, entry_id: str = ENTRY) -> Path:
    return states_file(hass, entry_id).with_name(f"{DOMAIN}.{entry_id}.states.journal")


class Memory:
    """A car whose readings are kept."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.state = VehicleState()
        self.storage = VehicleStorage(hass, ENTRY)
        self.storage.attach(PEARL, lambda: pytest.fail("no session here"), lambda: self.state)

    def apply(self, at: float, **values: Any) -> asyncio.Future[bool]:
        readings = {name: Reading(value, at) for name, value in values.items()}
        self.state = self.state.merge(readings, now=time.time())
        return self.storage.keep(PEARL, self.state.part(readings))


async def remembered(hass: HomeAssistant, vin: str = PEARL) -> VehicleState:
    """Return what a Home Assistant that starts now knows of a car."""
    storage = VehicleStorage(hass, ENTRY)
    await storage.load()
    return storage.state(vin)


@pytest.fixture
def memory(hass: HomeAssistant) -> Memory:
    return Memory(hass)


async def test_what_is_promised_is_in_the_file(hass: HomeAssistant, memory: Memory) -> None:
    assert await memory.apply(1e9, Soc=60, Location=(52.1, 4.3), Gear=None)
    assert await memory.apply(1e9 + 1, Soc=61)
    assert not states_file(hass).exists()
    assert await remembered(hass) == memory.state
    assert journal_file(hass).stat().st_mode & 0o777 == 0o600


async def test_what_comes_while_a_line_is_written_goes_into_one_more_line(
    hass: HomeAssistant, memory: Memory
) -> None:
    promises = [memory.apply(1e9 + n, Soc=n % 100, ChargeAmps=n % 7) for n in range(1000)]
    assert all(await asyncio.gather(*promises))
    assert len(journal_file(hass).read_bytes().split(b"\n")) < 10
    assert await remembered(hass) == memory.state


async def test_saving_empties_the_journal_and_loses_nothing(
    hass: HomeAssistant, memory: Memory
) -> None:
    assert await memory.apply(1e9, Soc=60)
    async_fire_time_changed(hass, fire_all=True)
    late = memory.apply(1e9 + 1, Soc=61, ChargeAmps=5)
    await hass.async_block_till_done()
    assert await late
    assert await memory.apply(1e9 + 2, ChargeAmps=6)
    assert b"Soc" not in journal_file(hass).read_bytes().split(b"\n")[-2]
    assert "Soc" in states_file(hass).read_text()
    assert await remembered(hass) == memory.state


async def test_reading_a_journal_twice_changes_nothing(hass: HomeAssistant, memory: Memory) -> None:
    for n in range(20):
        assert await memory.apply(1e9 + n, Soc=n, ChargeAmps=20 - n)
    # killed between saving the states and deleting the journal
    shutil.copy(journal_file(hass), kept := states_file(hass).with_name("kept"))
    async_fire_time_changed(hass, fire_all=True)
    await hass.async_block_till_done()
    assert not journal_file(hass).exists()
    shutil.move(kept, journal_file(hass))
    assert await remembered(hass) == memory.state


async def test_the_cars_word_replaces_what_a_command_had_set_also_after_a_restart(
    hass: HomeAssistant, memory: Memory
) -> None:
    now = time.time()
    memory.state = memory.state.merge(expected({"ChargeLimitSoc": 70}, now=now), now=now)
    assert await memory.apply(now, Soc=60)
    async_fire_time_changed(hass, fire_all=True)  # now it is in the file
    await hass.async_block_till_done()
    # the car's clock trails ours
    told = {"ChargeLimitSoc": Reading(80, now - 0.5)}
    memory.state = memory.state.merge(told, now=now, lag=1)
    assert await memory.storage.keep(PEARL, memory.state.part(told))
    assert (await remembered(hass)).value("ChargeLimitSoc") == 80


async def test_a_torn_last_line_costs_only_itself(hass: HomeAssistant, memory: Memory) -> None:
    assert await memory.apply(1e9, Soc=60)
    assert await memory.apply(1e9 + 1, Soc=61)
    whole = journal_file(hass).read_bytes()
    for length in range(len(whole)):
        journal_file(hass).write_bytes(whole[:length])
        assert (await remembered(hass)).value("Soc") in {None, 60, 61}
    journal_file(hass).write_bytes(whole[:-5])
    again = Memory(hass)
    assert await again.apply(1e9 + 2, ChargeAmps=7)
    state = await remembered(hass)
    assert (state.value("Soc"), state.value("ChargeAmps")) == (60, 7)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\0" * 4096,
        b"\n\n\xff\xfe rubbish\n00000000 {}\n",
        journal._line(PEARL, VehicleState()).replace(b'"readings":{}', b'"readings":[]'),
        b"00000000 null\n" * 100,
    ],
    ids=["zeros", "rubbish", "no readings", "no line"],
)
async def test_damaged_lines_are_left_out(
    hass: HomeAssistant, memory: Memory, rubbish: bytes
) -> None:
    assert await memory.apply(1e9, Soc=60)
    journal_file(hass).write_bytes(rubbish + b"\n" + journal_file(hass).read_bytes() + rubbish)
    assert (await remembered(hass)).value("Soc") == 60


async def test_a_line_of_which_one_digit_has_turned_is_left_out(
    hass: HomeAssistant, memory: Memory
) -> None:
    assert await memory.apply(1e9, Soc=60)
    whole = journal_file(hass).read_bytes()
    assert b"1000000000" in whole
    journal_file(hass).write_bytes(whole.replace(b"1000000000", b"9000000000"))
    assert (await remembered(hass)).value("Soc") is None


async def test_a_journal_that_cannot_be_read_stops_nothing(
    hass: HomeAssistant, memory: Memory
) -> None:
    journal_file(hass).mkdir(parents=True)
    assert await remembered(hass) == VehicleState()


async def test_a_failing_disk_promises_nothing_says_so_once_and_is_tried_again(
    hass: HomeAssistant, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    journal_file(hass).mkdir(parents=True)
    for n in range(5):
        assert not await memory.apply(1e9 + n, Soc=n, **({"ChargeAmps": 3} if n == 0 else {}))
    assert [r.levelname for r in caplog.records if "cannot be kept" in r.message] == ["ERROR"]
    journal_file(hass).rmdir()
    assert await memory.apply(1e9 + 6, Soc=6)
    # with what could not be written before
    assert await remembered(hass) == memory.state
    assert memory.state.value("ChargeAmps") == 3


async def test_states_that_cannot_be_saved_leave_the_journal_alone(
    hass: HomeAssistant, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    assert await memory.apply(1e9, Soc=60)
    states_file(hass).mkdir()
    async_fire_time_changed(hass, fire_all=True)
    meanwhile = memory.apply(1e9 + 1, Soc=61)
    await hass.async_block_till_done()
    assert await meanwhile
    assert "Error writing config" in caplog.text
    states_file(hass).rmdir()
    assert (await remembered(hass)).value("Soc") == 61


async def test_a_journal_never_grows_beyond_its_bound(
    hass: HomeAssistant, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SAVE_LENGTH", 2_000)
    monkeypatch.setattr(journal, "MAX_LENGTH", 4_000)
    kept = 0
    for n in range(200):
        kept += await memory.apply(1e9 + n, Soc=n % 100)
    assert 20 < kept < 100
    assert journal_file(hass).stat().st_size <= 4_000
    # saving was asked for long ago, and makes room
    async_fire_time_changed(hass, fire_all=True)
    await hass.async_block_till_done()
    assert await memory.apply(1e9 + 200, Soc=1)
    assert await remembered(hass) == memory.state


async def test_a_long_journal_is_saved_early(
    hass: HomeAssistant, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SAVE_LENGTH", 500)
    monkeypatch.setattr(vehicle_store, "LONG_DELAY", 0.05)
    for n in range(200):
        assert await memory.apply(1e9 + n, Soc=n % 100)
        await asyncio.sleep(0.005)
    assert journal_file(hass).stat().st_size < 10_000
    assert await remembered(hass) == memory.state


async def test_a_stop_of_home_assistant_leaves_one_file(
    hass: HomeAssistant, memory: Memory
) -> None:
    assert await memory.apply(1e9, Soc=60)
    await hass.async_stop(force=True)
    assert not journal_file(hass).exists()
    assert json.loads(states_file(hass).read_text())["data"][PEARL] == {"Soc": [60, 1e9]}


# -- the whole road ------------------------------------------------------------------------------------


@pytest.fixture
async def streaming_home(home: Home) -> AsyncIterator[Home]:
    """A home to which a car has said everything."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("binary_sensor", "at_home") == "on")
    yield home
    assert home.entry is not None
    if home.hass.config_entries.async_get_entry(home.entry.entry_id):
        await home.hass.config_entries.async_unload(home.entry.entry_id)


def on_disk(home: Home) -> dict[str, Any]:
    """Return the readings that a restart would begin with, read without any help of the integration."""
    assert home.entry is not None
    readings: dict[str, Any] = {}
    if (states := states_file(home.hass, home.entry.entry_id)).exists():
        readings |= json.loads(states.read_text())["data"].get(PEARL, {})
    for line in journal_file(home.hass, home.entry.entry_id).read_text().splitlines():
        if line:
            readings |= json.loads(line.split(" ", 1)[1])["readings"]
    return readings


def telemetry(home: Home) -> CarTelemetry:
    return home.tesla.telemetry(PEARL)


def acknowledged(home: Home) -> dict[str, float]:
    """Return of which measurement of each signal the car knows that it arrived."""
    (stream,) = telemetry(home).streams.values()
    return {
        name: at
        for name, (at, value) in stream.outbox.acknowledged.items()
        if name in SIGNALS and value is not None
    }


def changes(home: Home) -> list[str]:
    """Return a list to which every written state of the integration's entities will be added."""
    written: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData] | Event[EventStateReportedData]) -> None:
        written.append(event.data["entity_id"])

    @callback
    def everything(data: EventStateReportedData) -> bool:
        return True

    home.hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    home.hass.bus.async_listen(EVENT_STATE_REPORTED, note, everything)
    return written


async def test_whatever_the_car_knows_to_have_arrived_is_on_disk(streaming_home: Home) -> None:
    home = streaming_home
    seen = 0
    for n in range(30):
        (home.car.plug_in if n % 2 else home.car.unplug)()
        home.tesla.clock.advance(1)  # the shortest interval
        for _ in range(10):
            await asyncio.sleep(0.02)
            told = acknowledged(home)
            disk = on_disk(home)
            seen += len(told)
            # by our clock: what a car dates ahead of it counts from its arrival
            ahead = home.tesla.clock.now() - time.time() + 1e-3
            assert {name: at for name, at in told.items() if disk[name][1] < at - ahead} == {}
    assert seen > 1000
    assert telemetry(home).counts.acked > 20


async def test_a_failing_disk_is_not_acknowledged_and_home_assistant_goes_on(
    streaming_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = streaming_home
    assert home.entry is not None
    await until(lambda: telemetry(home).unacknowledged == 0)
    file = journal_file(home.hass, home.entry.entry_id)
    file.unlink()
    file.mkdir()
    before = telemetry(home).counts.acked
    home.car.unplug()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "off")
    await until(lambda: telemetry(home).unacknowledged > 0)
    await asyncio.sleep(0.3)
    assert telemetry(home).counts.acked == before
    assert telemetry(home).connected
    assert [r.levelname for r in caplog.records if "cannot be kept" in r.message] == ["ERROR"]
    await home.settle()
    written = changes(home)
    file.rmdir()
    # sent again, acknowledged now, and nothing changes because of it
    await until(lambda: telemetry(home).unacknowledged == 0)
    assert telemetry(home).counts.resent > 0
    await asyncio.sleep(0.5)
    assert on_disk(home)["DetailedChargeState"][0] == "Disconnected"
    assert [entity for entity in written if "plug" in entity or "charging" in entity] == []


async def lose_acknowledgements(home: Home) -> None:
    """Have the car unplugged and told so, without its seeing that that arrived."""
    await home.act("stop_charging")
    await until(lambda: home.state("sensor", "charging_state") == "stopped")
    home.tesla.clock.speed = 0  # so that nothing changes by itself
    await until(lambda: telemetry(home).unacknowledged == telemetry(home).queued == 0)
    await home.settle()
    telemetry(home).read(False)
    home.car.unplug()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "off")
    await until(lambda: telemetry(home).unacknowledged > 0)
    await asyncio.sleep(0.5)  # longer than a burst


async def test_what_is_sent_again_because_the_acknowledgement_was_lost_changes_nothing(
    streaming_home: Home,
) -> None:
    home = streaming_home
    await lose_acknowledgements(home)
    resent, written = telemetry(home).counts.resent, changes(home)
    await until(lambda: telemetry(home).counts.resent > resent + 3)
    telemetry(home).read(True)
    await until(lambda: telemetry(home).unacknowledged == telemetry(home).queued == 0)
    await asyncio.sleep(0.5)
    assert written == []


async def test_nor_does_it_if_the_cars_clock_is_wrong(streaming_home: Home) -> None:
    home = streaming_home
    home.tesla.clock.advance(300)  # by as much its time is not believed, so all seems to be of now
    await lose_acknowledgements(home)
    home.tesla.clock.advance(2)
    home.car.plug_in()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "on")
    resent, written = telemetry(home).counts.resent, changes(home)
    await until(lambda: telemetry(home).counts.resent > resent + 4)
    await asyncio.sleep(0.5)
    assert home.entity_id("binary_sensor", "plugged_in") not in written


@pytest.mark.parametrize("restart", [False, True], ids=["reconnected", "restarted"])
async def test_nor_does_it_after_a_new_connection(streaming_home: Home, restart: bool) -> None:
    home = streaming_home
    await lose_acknowledgements(home)
    telemetry(home).hold()
    telemetry(home).disconnect()
    if restart:
        await home.restart()
        assert home.state("binary_sensor", "plugged_in") == "off"
    await until(lambda: telemetry(home).connected)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await asyncio.sleep(0.5)
    resent, written = telemetry(home).counts.resent, changes(home)
    home.tesla.billing.reset()
    telemetry(home).read(True)
    telemetry(home).hold(False)
    await until(lambda: telemetry(home).counts.resent > resent)
    await until(lambda: telemetry(home).unacknowledged == telemetry(home).queued == 0)
    await asyncio.sleep(0.5)
    told_again = {
        home.entity_id(platform, key)
        for platform, key in (
            ("binary_sensor", "plugged_in"),
            ("sensor", "charging_state"),
            ("cover", "charge_port"),
            ("switch", "charging"),
        )
    }
    assert told_again.intersection(written) == set()
    assert home.tesla.billing.count("data") == 0


async def test_what_came_from_a_car_that_is_gone_today_is_not_lost(streaming_home: Home) -> None:
    home = streaming_home
    assert home.entry is not None
    file = journal_file(home.hass, home.entry.entry_id)
    line = journal._line(MIDNIGHT, VehicleState({"Soc": Reading(44, 1e9)}))
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert not file.exists()
    file.write_bytes(line)
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert not file.exists()
    stored = json.loads(states_file(home.hass, home.entry.entry_id).read_text())["data"]
    assert stored[MIDNIGHT] == {"Soc": [44, 1e9]}


async def test_removing_the_entry_removes_the_journal(streaming_home: Home) -> None:
    home = streaming_home
    assert home.entry is not None
    file = journal_file(home.hass, home.entry.entry_id)
    home.car.unplug()
    await until(file.exists)
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    # of what the application cost this month the sum is kept
    left = [p.name for p in file.parent.iterdir() if p.name.startswith(f"{DOMAIN}.")]
    assert left in ([], [f"{DOMAIN}.meter"])
