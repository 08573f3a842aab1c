"""Write the configuration folder that tests/lifecycle/test_upgrade.py loads: run it on a checkout of the version it is named after.

    python -m devtools.upgrade_fixture DIRECTORY

A real Home Assistant and a simulated Tesla run in DIRECTORY, for some six minutes: the recorder compiles statistics
every five. Its first life ends as it should, its second is killed, so that the journal holds what the states do not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import shutil
import sqlite3
import sys
from threading import Thread
import time
from typing import Any, override

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devtools.docs.dashboard import our_devices
from devtools.home.config_entry import DOMAIN, FLOW, PROGRESS_SECONDS, answer
from devtools.home.home import Home, HomeError
from devtools.home.person import Person
from devtools.home.process import ROOT, free_port
from devtools.home.simulated_tesla import CLIENT_ID, CLIENT_SECRET, PASSWORD, SimulatedTesla
from simulator import Car, TeslaSimulator
from simulator.clock import SimulatedClock

TARGET = ROOT / "tests" / "fixtures" / "config_0_1_0"
TESLA_FILE = "tesla.json"
STATISTICS_FILE = "statistics.json"
PUBLIC_NAME = "home.example.com"
FIRST, SECOND = "driver@example.com", "second@example.com"
PEARL, COBALT, MIDNIGHT = "LRW3E7EK0PC000101", "LRWYGCEK0PC000303", "5YJ3E1EA8NF000202"
CARS: dict[str, dict[str, Any]] = {
    PEARL: {"account": FIRST, "name": "Pearl", "battery_level": 54.0, "charge_limit": 80},
    COBALT: {"account": FIRST, "name": "Cobalt", "battery_level": 66.0, "charge_limit": 85},
    MIDNIGHT: {"account": SECOND, "name": "Midnight", "battery_level": 71.0, "charge_limit": 90},
}
DOMAINS = ("vehicle_security", "infotainment")
SPEED = 60
"""How much faster than a real one a car charges."""

KEPT = (
    "configuration.yaml",
    "automations.yaml",
    f"{DOMAIN}.key",
    f"{DOMAIN}_telemetry",
    *(
        f".storage/{name}"
        for name in (
            "application_credentials",
            "core.area_registry",
            "core.config_entries",
            "core.device_registry",
            "core.entity_registry",
            "core.label_registry",
            "core.restore_state",
            "repairs.issue_registry",
        )
    ),
)
"""Of the whole folder; and every file of the integration in .storage."""


class World(SimulatedTesla):
    """A simulated Tesla with two accounts, in a thread: what its cars know of the key is to be written down, too."""

    def __init__(self, directory: Path, port: int) -> None:
        """Nothing runs yet; `port` is where the Home Assistant listens."""
        self._home = f"http://127.0.0.1:{port}"
        self._redirect = f"http://localhost:{port}/auth/external/callback"
        super().__init__(directory, redirect_uri=self._redirect, domains={PUBLIC_NAME: self._home})
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self.keys: dict[tuple[str, str], ec.EllipticCurvePrivateKey] = {}

    def do[T](self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something in the thread of the simulator."""

        async def run() -> T:
            return await act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    @override
    def start(self, timeout: float = 30) -> None:
        self._thread.start()
        self.do(self._start)

    @override
    def stop(self) -> None:
        self.do(self.tesla.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _start(self) -> None:
        self.tesla = tesla = TeslaSimulator(clock=SimulatedClock(speed=SPEED))
        tesla.wake_with_charging_scope = True
        tesla.dns[PUBLIC_NAME] = self._home
        tesla.telemetry_hosts[PUBLIC_NAME] = ("127.0.0.1", self.telemetry_port)
        self.application = tesla.add_application(
            CLIENT_ID,
            CLIENT_SECRET,
            allowed_origin=f"https://{PUBLIC_NAME}",
            redirect_uris=(self._redirect,),
        )
        for email in (FIRST, SECOND):
            tesla.add_account(email, region="eu", password=PASSWORD)
        for vin, told in CARS.items():
            options = {name: value for name, value in told.items() if name != "account"}
            car = Car(vin, clock=tesla.clock, wake_seconds=1, sleep_after=None, **options)
            for name in DOMAINS:
                key = self.keys[vin, name] = ec.generate_private_key(ec.SECP256R1())
                car.domain(name).rekey(key)  # type: ignore[arg-type]  # one of the two names
            tesla.add_car(tesla.accounts[told["account"]], car)
        await tesla.start()
        self.base_url = tesla.base_url

    @override
    def pair_cars(self) -> None:
        """Pair every car that is not paired yet."""

        async def pair() -> None:
            key = self.application.registrations["eu"].public_key
            for car in self.tesla.cars.values():
                self.tesla.pair(car, key)

        self.do(pair)

    def act(self, vin: str, action: str, **body: Any) -> None:
        """Do something to a car."""
        self.control("POST", f"cars/{vin}/{action}", body)

    def as_dict(self) -> dict[str, Any]:
        """Return what Tesla and the cars know of this Home Assistant."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "domain": PUBLIC_NAME,
            "accounts": {
                email: {"sub": account.sub, "region": account.region, "cars": self._cars(email)}
                for email, account in self.tesla.accounts.items()
            },
        }

    def _cars(self, email: str) -> dict[str, Any]:
        return {
            car.vin: {
                "name": car.name,
                "battery_level": car.snapshot().battery_level,
                "charge_limit": car.snapshot().charge_limit,
                "odometer_miles": car.snapshot().odometer_miles,
                "domains": {name: self._domain(car, name) for name in DOMAINS},
            }
            for car in self.tesla.accounts[email].cars
        }

    def _domain(self, car: Car, name: str) -> dict[str, Any]:
        domain = car.domain(name)  # type: ignore[arg-type]  # one of the two names
        pem = self.keys[car.vin, name].private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        return {"key": pem.decode(), "epoch": domain.epoch.hex(), "clock_time": domain.clock_time}


def walk(home: Home, world: World, step: dict[str, Any], choices: dict[str, str]) -> dict[str, Any]:
    """Walk a flow from a step to its end, as a person would; return the last step."""
    for _ in range(300):
        if step["type"] in {"create_entry", "abort"}:
            return step
        path, name = f"{FLOW}/{step['flow_id']}", step.get("step_id", "")
        if name == "pair":
            world.pair_cars()
        match step["type"]:
            case "form":
                answers = {"budget": 25.0} if name == "budget" else {}
                step = home.rest("POST", path, answer(step, world) | answers, timeout=90)
            case "menu":
                step = home.rest("POST", path, {"next_step_id": choices[name]})
            case "external":
                world.consent(step["url"])
                step = home.rest("GET", path)
            case "progress":
                time.sleep(PROGRESS_SECONDS)
                step = home.rest("GET", path)
    raise HomeError(f"the flow goes on and on: {step}")


def add_entries(home: Home, world: World) -> tuple[str, str]:
    """Add both accounts and set the month's budget; return the ids of the entries."""
    home.ws(
        {
            "type": "application_credentials/create",
            "domain": DOMAIN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "name": "Home application",
        }
    )
    ids = []
    for email, road in ((FIRST, "telemetry_embedded"), (SECOND, "telemetry_polling")):
        world.person = Person(email, PASSWORD)
        step = home.rest("POST", FLOW, {"handler": DOMAIN, "show_advanced_options": False})
        done = walk(home, world, step, {"telemetry": road})
        ids.append(done["result"]["entry_id"])
    step = home.rest("POST", FLOW, {"handler": DOMAIN, "entry_id": ids[0]})
    done = walk(home, world, step, {"reconfigure": "budget"})
    if done.get("reason") != "reconfigure_successful":
        raise HomeError(f"the budget was not set: {done}")
    return ids[0], ids[1]


class Owner:
    """Who lives in that home, and changes things there."""

    def __init__(self, home: Home) -> None:
        """Know the cars by their devices."""
        self.home = home
        self.devices = {device["serial_number"]: device["id"] for device in our_devices(home)}

    def entity(self, vin: str, platform: str, key: str) -> str:
        """Return the id of a car's entity."""
        rows = self.home.ws({"type": "config/entity_registry/list"})[0]
        return next(
            str(row["entity_id"])
            for row in rows
            if row["unique_id"] == f"{vin}_{key}" and row["entity_id"].startswith(f"{platform}.")
        )

    def shows(self, vin: str, platform: str, key: str, *states: str, timeout: float = 60) -> None:
        """Wait until an entity has one of these states."""
        path = f"/api/states/{self.entity(vin, platform, key)}"
        self.home.wait_for(
            lambda: self.home.rest("GET", path)["state"] in states, timeout, f"{key} {states}"
        )

    def acts(self, vin: str, action: str, **data: Any) -> None:
        """Perform one of the integration's actions on a car."""
        path = f"/api/services/{DOMAIN}/{action}?return_response"
        self.home.rest("POST", path, {"device_id": self.devices[vin], **data}, timeout=90)

    def edits(self, vin: str, platform: str, key: str, **changes: Any) -> None:
        """Change an entity in its dialog."""
        entity_id = self.entity(vin, platform, key)
        self.home.ws({"type": "config/entity_registry/update", "entity_id": entity_id, **changes})


def live(home: Home, world: World, second: str) -> None:
    """Let the first life happen: trips, charges, schedules, and an owner who likes other names."""
    owner = Owner(home)
    for vin in (PEARL, COBALT):
        owner.shows(vin, "sensor", "telemetry", "connected")
    owner.shows(MIDNIGHT, "sensor", "charging_state", "disconnected")

    world.act(PEARL, "drive_away", lat=52.02, lon=4.45)
    owner.shows(PEARL, "binary_sensor", "at_home", "off")
    world.act(PEARL, "arrive_home")
    owner.shows(PEARL, "binary_sensor", "at_home", "on")
    world.act(PEARL, "plug_in")
    owner.shows(PEARL, "sensor", "charging_state", "charging")
    place = {"latitude": 52.0, "longitude": 4.4}
    owner.acts(
        PEARL,
        "add_charge_schedule",
        start_time="01:30",
        end_time="05:45",
        days=["mon", "tue", "sat"],
        name="Night",
        location=place,
    )
    owner.acts(PEARL, "add_precondition_schedule", precondition_time="07:15", location=place)
    owner.acts(PEARL, "set_charge_limit", percent=82)
    owner.acts(PEARL, "set_charging_current", current=12)
    owner.acts(COBALT, "set_charge_limit", percent=75)
    owner.acts(MIDNIGHT, "set_charge_limit", percent=88)
    owner.acts(MIDNIGHT, "add_charge_schedule", start_time="23:00", days=["sun"], location=place)
    owner.acts(MIDNIGHT, "refresh")
    time.sleep(20)
    owner.acts(PEARL, "stop_charging")
    owner.shows(PEARL, "sensor", "charging_state", "stopped")

    # a car that is online and says nothing any more
    world.do(world.tesla.telemetry(COBALT).stop)
    owner.shows(COBALT, "sensor", "telemetry", "synced", "configured")

    # a permission that was taken back, and an owner who does not want to hear of it
    world.control(
        "POST",
        f"accounts/{SECOND}/remove_scope",
        {"client_id": CLIENT_ID, "scope": "vehicle_location"},
    )
    owner.acts(MIDNIGHT, "refresh")
    issue = f"permission_location_{second}"
    home.wait_for(
        lambda: (
            issue in {i["issue_id"] for i in home.ws({"type": "repairs/list_issues"})[0]["issues"]}
        ),
        30,
        "the issue",
    )
    home.ws({"type": "repairs/ignore_issue", "domain": DOMAIN, "issue_id": issue, "ignore": True})
    arrange(home, owner)
    remember(home, owner)


def arrange(home: Home, owner: Owner) -> None:
    """Rename, disable, enable and hide."""
    area = home.ws({"type": "config/area_registry/create", "name": "Carport"})[0]["area_id"]
    label = home.ws({"type": "config/label_registry/create", "name": "Car"})[0]["label_id"]
    home.ws(
        {
            "type": "config/device_registry/update",
            "device_id": owner.devices[PEARL],
            "name_by_user": "Mother-of-pearl",
            "area_id": area,
            "labels": [label],
        }
    )
    owner.edits(PEARL, "sensor", "firmware", disabled_by=None)
    owner.edits(PEARL, "button", "wake_up", disabled_by="user")
    owner.edits(PEARL, "sensor", "charge_voltage", hidden_by="user")
    owner.edits(
        PEARL,
        "sensor",
        "range",
        options_domain="sensor",
        options={"unit_of_measurement": "km", "display_precision": 1},
    )
    owner.edits(
        PEARL,
        "sensor",
        "battery_level",
        name="Charge of the big car",
        icon="mdi:battery-heart",
        labels=[label],
        new_entity_id="sensor.big_car_charge",
    )
    owner.edits(MIDNIGHT, "sensor", "energy_charged", new_entity_id="sensor.midnight_counter")
    owner.edits(MIDNIGHT, "event", "cable", disabled_by="user")
    automation = {
        "alias": "Charge less",
        "triggers": [
            {
                "trigger": "device",
                "domain": DOMAIN,
                "device_id": owner.devices[PEARL],
                "type": "plugged_in",
                "late": True,
            },
        ],
        "actions": [
            {
                "action": f"{DOMAIN}.set_charge_limit",
                "data": {"device_id": [owner.devices[PEARL]], "percent": 71},
            }
        ],
        "mode": "single",
    }
    home.rest("POST", "/api/config/automation/config/charge_less", automation)


def remember(home: Home, owner: Owner) -> None:
    """Give the energy sensors a longer past, then wait for the recorder to add the present."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for vin in (PEARL, MIDNIGHT):
        home.ws(
            {
                "type": "recorder/import_statistics",
                "metadata": {
                    "mean_type": 0,
                    "has_sum": True,
                    "name": None,
                    "source": "recorder",
                    "statistic_id": owner.entity(vin, "sensor", "energy_charged"),
                    "unit_class": "energy",
                    "unit_of_measurement": "kWh",
                },
                "stats": [
                    {
                        "start": (hour - timedelta(hours=ago)).isoformat(),
                        "state": 0.0,
                        "sum": 0.0,
                    }
                    for ago in (3, 2)
                ],
            }
        )
    time.sleep(320 - time.time() % 300)


def charged_statistics(directory: Path) -> dict[str, Any]:
    """Return what the recorder keeps of our sensors for ever."""
    with sqlite3.connect(directory / "home-assistant_v2.db") as database:
        database.row_factory = sqlite3.Row
        meta = [dict(row) for row in database.execute("select * from statistics_meta order by id")]
        names = ("metadata_id", "start_ts", "mean", "min", "max", "state", "sum")
        rows = [
            {name: row[name] for name in names}
            for row in database.execute("select * from statistics order by id")
        ]
    return {"statistics_meta": meta, "statistics": rows}


def keep(directory: Path, world: World) -> None:
    """Put what belongs to the integration, or tells of it, beside the tests."""
    if TARGET.exists():
        for path in TARGET.iterdir():
            if path.name == "README.md":
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    ours = [f".storage/{path.name}" for path in (directory / ".storage").glob(f"{DOMAIN}*")]
    for name in (*KEPT, *ours):
        source, target = directory / name, TARGET / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    for name, told in (
        (TESLA_FILE, world.as_dict()),
        (STATISTICS_FILE, charged_statistics(directory)),
    ):
        (TARGET / name).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run both lives."""
    directory = Path(sys.argv[1]).resolve()
    port = free_port(8123)
    world = World(directory, port)
    environment: dict[str, str] = {}
    home = Home(
        directory,
        port=port,
        components=[ROOT / "custom_components" / DOMAIN],
        external_url=f"https://{PUBLIC_NAME}",
        yaml="config:\nrepairs:\n",
        environment=environment,
    )
    home.prepare()
    (directory / "automations.yaml").write_text("[]\n", encoding="utf-8")
    world.start()
    try:
        environment["TESLA_CHARGING_SIMULATOR"] = world.base_url
        home.start()
        _, second = add_entries(home, world)
        live(home, world, second)
        home.stop()

        home.start()
        owner = Owner(home)
        owner.shows(PEARL, "sensor", "telemetry", "connected")
        world.act(PEARL, "battery_level", percent=63.4)
        home.wait_for(
            lambda: (
                round(float(home.rest("GET", "/api/states/sensor.big_car_charge")["state"])) == 63
            ),
            60,
            "the last value",
        )
        time.sleep(3)
        home.kill()
        keep(directory, world)
        print("\n".join(home.bad_log()))
    finally:
        home.stop()
        world.stop()


if __name__ == "__main__":
    main()
