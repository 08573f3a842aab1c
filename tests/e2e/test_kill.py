"""Killed in the middle of a stream: nothing that was acknowledged is lost, nothing is asked, nothing runs backwards."""

from dataclasses import dataclass, field
import json
import logging
import random
import re
import time
from typing import Any

import pytest

from custom_components.tesla_charging.vehicle.signals import SIGNALS
from devtools.docs.dashboard import our_devices, our_entities
from devtools.home.config_entry import DOMAIN, add_entry
from devtools.home.demo_home import CAR
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import real_sockets

pytestmark = [pytest.mark.home, pytest.mark.timeout(180)]

LOGGER = logging.getLogger(__name__)
SEED = 20_261
KILLS = 5
STREAM_SECONDS = (0.3, 2.5)
PACE = 5
"""How much faster than a real one the car gathers values and comes back."""
MAX_LEAD = 50.0
"""Seconds by which the car's clock may be turned in all: beyond a minute nobody would believe it."""
NOT_KEPT = {"status", "telemetry", "wake_up"}
"""Entities that show the present connection, which is not worth keeping, or nothing."""
UNCLEAN = re.compile(r"homeassistant\.components\.recorder")
"""The recorder complains of power cuts, and of nothing else here."""
ROUNDING = 1e-3
LIVE = frozenset({"Charging", "Starting"})
AGES = 0.5
"""Seconds to which Home Assistant tells an age."""

type States = dict[str, str]
type Times = dict[str, float]
type Readings = dict[str, list[Any]]
"""By signal: the value, and when the car measured it (unix seconds)."""


@dataclass
class Watcher:
    """Looks at one car in Home Assistant, and remembers what was shown when."""

    home: Home
    vin: str
    entry_id: str
    device: str
    entities: dict[str, str]
    """Entity id -> key."""
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
        states, times = self.states(), self.measured()
        for name, at in self.times.items():
            assert times[name] >= at - AGES, f"{name} went back by {at - times[name]} s"
        self.times = times
        return states

    def measured(self) -> Times:
        """Return when the car measured each signal, to AGES."""
        asked = time.time()
        told = self.home.rest("GET", f"/api/diagnostics/config_entry/{self.entry_id}")["data"]
        mine = next(car["signals"] for car in told["cars"] if car["device"] == self.device)
        return {name: asked - signal["measured_ago"] for name, signal in mine.items()}

    def on_disk(self) -> Readings:
        """Return what a restart begins with, read without any help of the integration."""
        states = self.home.directory / ".storage" / f"{DOMAIN}.{self.entry_id}.states"
        journal = states.with_name(f"{states.name}.journal")
        readings: Readings = {}
        if states.exists():
            readings |= json.loads(states.read_text())["data"].get(self.vin, {})
        if journal.exists():
            for line in journal.read_text().splitlines():
                told = json.loads(line.partition(" ")[2]) if line else {}
                readings |= told["readings"] if told.get("vin") == self.vin else {}
        return {name: reading[:2] for name, reading in readings.items() if name in SIGNALS}


@dataclass
class SimulatedCar:
    """The car at the other end of the stream."""

    tesla: SimulatedTesla
    vin: str
    chance: random.Random
    plugged: bool = True
    lead: float = 0.0

    def act(self, action: str) -> None:
        """Do something to the car."""
        self.tesla.control("POST", f"cars/{self.vin}/{action}", {})

    def stream(self, **what: Any) -> None:
        """Do something to its streaming."""
        self.tesla.control("POST", f"cars/{self.vin}/telemetry", what)

    def live(self) -> None:
        """Give the car something to tell."""
        self.plugged = not self.plugged
        self.act("plug_in" if self.plugged else "unplug")
        if self.lead < MAX_LEAD:  # so that fields with longer intervals have their turn too
            seconds = self.chance.uniform(0.2, 1.2)
            self.lead += seconds
            self.tesla.control("POST", "clock", {"advance": seconds})

    def speaks(self) -> bool:
        """Give it something to tell, and tell whether it waits for an acknowledgement a little later."""
        self.live()
        time.sleep(1.2)  # no field is told more often
        return bool(self.telemetry()["unacknowledged"])

    def telemetry(self) -> dict[str, Any]:
        """Return what is to be seen of its streaming."""
        seen: dict[str, Any] = self.tesla.control("GET", f"cars/{self.vin}/telemetry")
        return seen

    def data_requests(self) -> int:
        """Count the requests for its data that Tesla has billed."""
        requests = self.tesla.control("GET", "billing")["requests"]
        return sum(r["category"] == "data" and r["vin"] == self.vin for r in requests)

    def clock(self) -> float:
        """Return what time it is for the car, unix seconds."""
        return float(self.tesla.control("GET", "state")["clock"]["now"])

    def acknowledged(self) -> Readings:
        """Return the newest value of each signal of which the car knows that it arrived."""
        (config,) = self.telemetry()["configs"].values()
        told: Readings = config["acknowledged"]
        return {
            name: [value, at]
            for name, (at, value) in told.items()
            if name in SIGNALS and value is not None  # what is invalid now keeps its last value
        }


def test_killed_in_the_middle_of_a_stream(world: tuple[Home, SimulatedTesla]) -> None:
    with real_sockets():
        survive(*world)


def survive(home: Home, tesla: SimulatedTesla) -> None:
    chance = random.Random(SEED)
    entry_id = add_entry(home, tesla)["entry_id"]
    vin = tesla.cars()[CAR]["vin"]
    tesla.control("POST", "telemetry", {"pace": PACE})
    rows = our_entities(home)
    device = next(d["id"] for d in our_devices(home) if d["name"] == CAR)
    mine = {r["translation_key"]: r["entity_id"] for r in rows if r["device_id"] == device}

    def connected() -> bool:
        return bool(home.rest("GET", f"/api/states/{mine['telemetry']}")["state"] == "connected")

    watcher = Watcher(
        home, vin, entry_id, device, {mine[key]: key for key in mine.keys() - NOT_KEPT if key}
    )
    car = SimulatedCar(tesla, vin, chance)
    home.wait_for(connected, 30, "the car to connect")
    home.stop()  # Home Assistant itself forgets what was set up in the last ten seconds
    home.start()
    home.wait_for(connected, 30, "the car to come back")
    compared = 0
    for number in range(KILLS):
        watcher.look()
        ends = time.monotonic() + chance.uniform(*STREAM_SECONDS)
        while (left := ends - time.monotonic()) > 0:
            car.live()
            time.sleep(chance.uniform(0.0, min(0.3, max(0.0, left))))
        if number % 2:  # the last acknowledgements get lost
            car.stream(action="read", reads=False)
            home.wait_for(car.speaks, 15, "a message")
        home.kill()
        car.act("offline")
        told, disk = car.acknowledged(), watcher.on_disk()
        compared += len(told)
        # the car's clock is ahead, and nothing is dated after its arrival
        ahead = max(0.0, car.clock() - time.time())
        assert lost(told, {name: at for name, (_, at) in disk.items()}, ROUNDING + ahead) == {}
        for name, (value, at) in told.items():
            newer = disk[name][1] > at - ahead + ROUNDING
            assert newer or same(disk[name][0], value), name

        # all of it is there again before the car is, and nobody has asked for it
        asked = car.data_requests()
        home.start()
        home.wait_for(lambda: "unavailable" not in watcher.states().values(), 10, "the entities")
        known = watcher.measured()
        assert lost(told, known, AGES + ahead) == {}
        assert known == pytest.approx({name: at for name, (_, at) in disk.items()}, abs=AGES)
        assert shown(watcher.states(), disk) == []
        assert car.data_requests() == asked
        assert not connected()
        watcher.times = known

        # then the car comes back, with what it has kept meanwhile, and nothing runs backwards
        car.stream(action="read", reads=True)
        car.act("online")
        if not car.plugged:
            car.live()
        ends = time.monotonic() + 30
        while not (connected() and agrees(states := watcher.look(), tesla)):
            assert time.monotonic() < ends, (states, tesla.cars()[CAR])
            time.sleep(0.1)
        assert car.data_requests() == asked
    counts = car.telemetry()["counts"]
    LOGGER.info("%s signals compared, %s messages sent again", compared, counts["resent"])
    assert compared >= 10 * KILLS
    assert counts["resent"] >= KILLS // 2
    assert [line for line in home.bad_log() if not UNCLEAN.search(line)] == []


def lost(told: Readings, known: Times, within: float = ROUNDING) -> Times:
    """Return by how many seconds what is known is older than what was acknowledged."""
    return {
        name: at - known.get(name, 0.0)
        for name, (_, at) in told.items()
        if known.get(name, 0.0) < at - within
    }


def same(stored: Any, told: Any) -> bool:
    """Tell whether a stored value is what the car has told."""
    if isinstance(told, float):
        return bool(stored == pytest.approx(told, rel=1e-5))
    return bool(stored == told)


def shown(states: States, disk: Readings) -> list[tuple[str, str]]:
    """Return which entities do not show what is known.

    Of a car that charged when it was reached last, what changes by itself is not known any more.
    """
    charging = str(disk["DetailedChargeState"][0])
    stale = {"charging_state", "plugged_in"} if charging in LIVE else set()
    words = {
        "charging_state": charging.lower(),
        "plugged_in": "off" if charging == "Disconnected" else "on",
        "charge_port": "open" if disk["ChargePortDoorOpen"][0] else "closed",
    }
    numbers = {
        "battery_level": disk["BatteryLevel"][0],
        "charge_limit": disk["ChargeLimitSoc"][0],
    }
    unknown = {key for key in stale if states[key] == "unknown"}
    wrong = [key for key, word in words.items() if key not in unknown and states[key] != word]
    wrong += [
        key
        for key, n in numbers.items()
        if key not in unknown and float(states[key]) != pytest.approx(n, abs=0.5)
    ]
    return [(key, states[key]) for key in wrong]


def agrees(states: States, tesla: SimulatedTesla) -> bool:
    """Tell whether Home Assistant shows what is true."""
    car = tesla.cars()[CAR]
    return bool(
        states["charging_state"] == car["charging_state"].lower()
        and abs(float(states["battery_level"]) - car["battery_level"]) <= 1
    )
