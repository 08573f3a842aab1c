"""A power cut in the middle of a stream: what was known is known again, what is true is shown, nothing runs backwards."""

from dataclasses import dataclass, field
import hashlib
import json
import logging
import random
import re
import time
from typing import Any

import pytest

from custom_components.tesla_charging.storage import STATE_DELAY
from scripts.config_entry import DOMAIN, add_entry
from scripts.dashboard import our_devices, our_entities
from scripts.demo_home import CAR
from scripts.home import Home
from scripts.simulated_tesla import SimulatedTesla
from tests.e2e.conftest import real_sockets

pytestmark = [pytest.mark.home, pytest.mark.timeout(240)]

LOGGER = logging.getLogger(__name__)
SEED = 20_261
KILLS = 3
WRITING = 2.0
"""Seconds for the file to be written, on a busy machine, and between two of our looks."""
NOT_KEPT = {"awake", "telemetry", "wake_up"}
"""Entities that show the present connection, which is not worth keeping, or nothing."""
UNCLEAN = re.compile(r"homeassistant\.components\.recorder")
"""The recorder complains of power cuts, and of nothing else here."""

type States = dict[str, str]
type Times = dict[str, float]


@dataclass
class Watcher:
    """Looks at one car in Home Assistant, and remembers what was shown when."""

    home: Home
    vin: str
    entry_id: str
    entities: dict[str, str]
    """Entity id -> key."""
    shown: list[tuple[float, States]] = field(default_factory=list)
    times: Times = field(default_factory=dict)

    def states(self) -> States:
        """Return the states by key."""
        return {
            self.entities[state["entity_id"]]: state["state"]
            for state in self.home.rest("GET", "/api/states")
            if state["entity_id"] in self.entities
        }

    def look(self) -> States:
        """Look at everything; nothing may have been measured earlier than what was known before."""
        now, states, times = time.monotonic(), self.states(), self.measured()
        for name, at in self.times.items():
            assert times[name] >= at, f"{name} went back by {at - times[name]} s"
        self.shown.append((now, states))
        self.times = times
        return states

    def measured(self) -> Times:
        """Return when the car measured each signal."""
        told = self.home.rest("GET", f"/api/diagnostics/config_entry/{self.entry_id}")["data"]
        mine = hashlib.sha256(self.vin.encode()).hexdigest()[:8]
        signals = next(car["signals"] for car in told["cars"] if car["car"] == mine)
        return {name: signal["measured_at"] for name, signal in signals.items()}

    def stored(self) -> Times:
        """Return the same out of the file that a restart begins with."""
        path = self.home.directory / ".storage" / f"{DOMAIN}.{self.entry_id}.states"
        record: dict[str, Any] = json.loads(path.read_text())["data"][self.vin]
        return {name: at for name, (_, at) in record.items()}


def test_killed_in_the_middle_of_a_stream(world: tuple[Home, SimulatedTesla]) -> None:
    with real_sockets():
        survive(*world)


def survive(home: Home, tesla: SimulatedTesla) -> None:
    chance = random.Random(SEED)
    entry_id = add_entry(home, tesla)["entry_id"]
    vin = tesla.cars()[CAR]["vin"]
    device = next(d["id"] for d in our_devices(home) if d["name"] == CAR)
    entities = {
        row["entity_id"]: row["translation_key"]
        for row in our_entities(home)
        if row["device_id"] == device and row["translation_key"] not in NOT_KEPT
    }
    telemetry = next(
        row["entity_id"]
        for row in our_entities(home)
        if row["device_id"] == device and row["translation_key"] == "telemetry"
    )

    def connected() -> bool:
        return bool(home.rest("GET", f"/api/states/{telemetry}")["state"] == "connected")

    watcher = Watcher(home, vin, entry_id, entities)
    home.wait_for(connected, 30, "the car to connect")
    lost: list[tuple[int, float]] = []
    for number in range(KILLS):
        ends = time.monotonic() + chance.uniform(1, STATE_DELAY)
        ends += 0 if number else STATE_DELAY + WRITING  # once everything has to be on disk
        plugged = True
        while time.monotonic() < ends:
            watcher.look()
            if chance.random() < 0.1:
                plugged = not plugged
                tesla.control("POST", f"cars/{vin}/{'plug_in' if plugged else 'unplug'}", {})
            time.sleep(chance.uniform(0.05, 0.4))
        home.kill()
        killed, killed_at = time.monotonic(), time.time()
        tesla.control("POST", f"cars/{vin}/offline", {})
        stored = watcher.stored()
        gone = [killed_at - at for name, at in watcher.times.items() if at > stored.get(name, 0.0)]
        lost.append((len(gone), round(max(gone, default=0.0), 1)))
        assert max(gone, default=0.0) <= STATE_DELAY + WRITING

        # the last values are there before the car is, none older than the save delay
        home.start()
        home.wait_for(lambda: "unavailable" not in watcher.states().values(), 10, "the entities")
        oldest = killed - STATE_DELAY - WRITING
        before = [states for at, states in watcher.shown if at <= oldest][-1:]
        recent = before + [states for at, states in watcher.shown if at > oldest]
        for key, value in watcher.states().items():
            assert value in {states[key] for states in recent}, (key, value)
        assert not connected()
        watcher.times = stored

        # then the car comes back, with what it has kept meanwhile, and nothing runs backwards
        tesla.control("POST", f"cars/{vin}/online", {})
        if not plugged:
            tesla.control("POST", f"cars/{vin}/plug_in", {})
        watcher.shown.clear()
        ends = time.monotonic() + 30
        while not (connected() and agrees(watcher.look(), tesla)):
            assert time.monotonic() < ends, (watcher.shown[-1], tesla.cars()[CAR])
            time.sleep(0.1)
        for _ in range(5):  # what was not acknowledged before the cut is sent again
            watcher.look()
            time.sleep(0.2)
    LOGGER.info("acknowledged and not on disk (signals, oldest in seconds): %s", lost)
    bad = [line for line in home.bad_log() if not UNCLEAN.search(line)]
    assert bad == []


def agrees(states: States, tesla: SimulatedTesla) -> bool:
    """Tell whether Home Assistant shows what is true."""
    car = tesla.cars()[CAR]
    return bool(
        states["charging_state"] == car["charging_state"].lower()
        and abs(float(states["battery_level"]) - car["battery_level"]) <= 1
    )
