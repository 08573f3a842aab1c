"""A configuration folder that version 0.1.0 has written: loaded, shown, acted upon and written again, nothing is lost.

Only files and the front door count here, so that nothing inside the integration is named. What that version itself
showed and asked for when it loaded the folder is in `shown.json`; `UPGRADE_RECORD=1` writes it anew, on that version.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
import json
import logging
import os
from pathlib import Path
import shutil
import socket
import ssl
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    async_list_statistic_ids,
    validate_statistics,
)
from homeassistant.config import async_hass_config_yaml
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    RecorderInstanceContextManager,
    RecorderInstanceGenerator,
)

from custom_components.tesla_charging.const import DOMAIN
from simulator import Car, TeslaSimulator
from tests.support.repairs import SIMULATOR
from tests.support.streaming import free_port

FOLDER = Path(__file__).parents[1] / "fixtures" / "config_0_1_0"
SHOWN = FOLDER / "shown.json"
TESLA: dict[str, Any] = json.loads((FOLDER / "tesla.json").read_text())
"""What Tesla and the cars knew when the folder was written."""
BREAK = timedelta(minutes=5)
"""How long Home Assistant was off."""
KEY_FILE = f"{DOMAIN}.key"
CERTIFICATES = tuple(
    f"{DOMAIN}_telemetry/{name}" for name in ("telemetry_ca.pem", "telemetry_server.pem")
)
PUBLIC_KEY = "/.well-known/appspecific/com.tesla.3p.public-key.pem"
PEARL, COBALT, MIDNIGHT = "LRW3E7EK0PC000101", "LRWYGCEK0PC000303", "5YJ3E1EA8NF000202"
ONLINE = COBALT
"""The one car that is awake when Home Assistant starts, and asked for its data once."""
LOCATION = "vehicle_location"
SCOPES = {"openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds", LOCATION}
SAID = "TESLA_CHARGING_SIMULATOR is set"
"""The one warning of ours that is meant."""
RUN_DECIDES = {"modified_at", "updated_at"}
"""Of a registry's row."""
META = (
    "mean_type",
    "has_sum",
    "name",
    "source",
    "statistic_id",
    "unit_class",
    "unit_of_measurement",
)
"""Of a row of the recorder's, what it is told of statistics that are imported."""

pytestmark = pytest.mark.freeze_time(
    datetime.fromisoformat(TESLA["at"]) + BREAK, tick=True, real_asyncio=True
)


@dataclass
class Past:
    """The folder in use, and the Tesla that it was used with."""

    hass: HomeAssistant
    tesla: TeslaSimulator
    config: dict[str, Any]
    """configuration.yaml, as Home Assistant reads it."""

    def path(self, name: str) -> Path:
        """Return where a file of the folder is."""
        return Path(self.hass.config.path(name))

    async def load(self) -> None:
        """Start as Home Assistant does, as far as this integration is concerned."""
        for component in ("application_credentials", "zone", "automation", DOMAIN):
            assert await async_setup_component(self.hass, component, self.config)
        await self.settle()

    async def settle(self) -> None:
        """Let everything that is under way come to its end."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def end(self) -> None:
        """Unload everything, and have everything written."""
        for entry in self.hass.config_entries.async_entries(DOMAIN):
            assert await self.hass.config_entries.async_unload(entry.entry_id)
        await self.settle()
        self.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await self.settle()

    def entity_id(self, vin: str, platform: str, key: str) -> str:
        """Return the id of a car's entity."""
        found = er.async_get(self.hass).async_get_entity_id(platform, DOMAIN, f"{vin}_{key}")
        assert found is not None
        return found

    def state(self, vin: str, platform: str, key: str) -> str:
        """Return what a car's entity shows."""
        state = self.hass.states.get(self.entity_id(vin, platform, key))
        assert state is not None
        return state.state

    def shown(self) -> dict[str, Any]:
        """Return the state and the attributes of every entity of ours that is enabled."""
        rows = [row for row in ours(er.async_get(self.hass)) if not is_new(row.unique_id)]
        states = {row.entity_id: self.hass.states.get(row.entity_id) for row in rows}
        return {
            entity_id: {"state": state.state, "attributes": json_of(dict(state.attributes))}
            for entity_id, state in sorted(states.items())
            if state is not None
        }

    def billed(self) -> dict[str, int]:
        """Return how often what was asked of Tesla, by category, method and kind of path."""
        lines = self.tesla.billing.requests
        return dict(
            sorted(
                Counter(
                    f"{line.category} {line.method} {line.path.replace(line.vin or '-', 'VIN')}"
                    for line in lines
                ).items()
            )
        )


def ours(registry: er.EntityRegistry) -> list[er.RegistryEntry]:
    return [row for row in registry.entities.values() if row.platform == DOMAIN]


def json_of(value: Any) -> Any:
    """Return what is left of a value in a file."""
    return json.loads(json.dumps(value, default=str))


def stored(folder: Path, name: str) -> dict[str, Any]:
    """Return a file of .storage."""
    content: dict[str, Any] = json.loads((folder / ".storage" / name).read_text())
    return content


def names(folder: Path) -> set[str]:
    """Return the names of the integration's own files in .storage."""
    return {path.name for path in (folder / ".storage").iterdir() if path.name.startswith(DOMAIN)}


def entry_ids() -> tuple[str, str]:
    """Return the ids of both entries: of the one whose cars push, and of the one whose cars are polled."""
    rows = [
        row
        for row in stored(FOLDER, "core.config_entries")["data"]["entries"]
        if row["domain"] == DOMAIN
    ]
    pushes = next(row for row in rows if row["options"]["telemetry"]["road"] == "embedded")
    polled = next(row for row in rows if row is not pushes)
    return pushes["entry_id"], polled["entry_id"]


PUSHES, POLLED = entry_ids()


def told(entry_id: str) -> dict[str, dict[str, Any]]:
    """Return the readings of each car in an entry's journal, the newest of each, by signal."""
    journal = FOLDER / ".storage" / f"{DOMAIN}.{entry_id}.states.journal"
    cars: dict[str, dict[str, Any]] = {}
    for line in journal.read_text().splitlines():
        if line:
            content = json.loads(line.partition(" ")[2])
            cars.setdefault(content["vin"], {}).update(content["readings"])
    return cars


def known(entry_id: str) -> dict[str, dict[str, Any]]:
    """Return the readings of each car in the states, with those of the journal over them."""
    states = stored(FOLDER, f"{DOMAIN}.{entry_id}.states")["data"]
    journal = told(entry_id)
    return {vin: state | journal.get(vin, {}) for vin, state in states.items()}


# -- the folder and its Tesla ------------------------------------------------------------------------


@pytest.fixture
def load_registries() -> bool:
    """Leave the registries to the folder."""
    return False


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Leave the stores to the folder: nothing is mocked."""
    return {}


@pytest.fixture
async def mock_recorder_before_hass(async_test_recorder: RecorderInstanceContextManager) -> None:
    """Prepare the recorder's database before there is a Home Assistant."""


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Return a copy of the folder."""
    copy = tmp_path / "config"
    shutil.copytree(FOLDER, copy)
    return str(copy)


@pytest.fixture
async def past(
    hass_config_dir: str,
    simulated_tesla: TeslaSimulator,
    pointed_at_simulator: None,
    hass: HomeAssistant,
    enable_custom_integrations: None,
) -> Past:
    """The folder in a Home Assistant that has not set the integration up yet."""
    folder = Path(hass_config_dir)
    await hass.async_add_executor_job(begin_world, simulated_tesla, folder)
    tokens = {
        account.sub: sign_in(simulated_tesla, email)
        for email, account in simulated_tesla.accounts.items()
    }
    await hass.async_add_executor_job(renew_sign_ins, folder, simulated_tesla, tokens)
    assert await async_load_base_functionality(hass)
    config = await async_hass_config_yaml(hass)
    await async_process_ha_core_config(hass, config["homeassistant"])
    return Past(hass, simulated_tesla, config)


def begin_world(tesla: TeslaSimulator, folder: Path) -> None:
    """Let the accounts, the cars and what they know of this Home Assistant be as they were."""
    tesla.wake_with_charging_scope = True
    application = tesla.add_application(
        TESLA["client_id"], TESLA["client_secret"], allowed_origin=f"https://{TESLA['domain']}"
    )
    key = load_pem_private_key((folder / KEY_FILE).read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    tesla.register(application, public, domain=TESLA["domain"])
    for email, remembered in TESLA["accounts"].items():
        account = tesla.add_account(email, region=remembered["region"])
        account.sub = remembered["sub"]
        for vin, options in remembered["cars"].items():
            shape = {name: value for name, value in options.items() if name != "domains"}
            car = Car(vin, clock=tesla.clock, wake_seconds=0.0, **shape)
            for name, domain in options["domains"].items():
                private = load_pem_private_key(domain["key"].encode(), None)
                assert isinstance(private, ec.EllipticCurvePrivateKey)
                car.domain(name).rekey(private)
                car.domain(name).reboot(epoch=bytes.fromhex(domain["epoch"]))
                car.domain(name).jump_clock(domain["clock_time"] + BREAK.total_seconds())
            tesla.add_car(account, car)
            tesla.pair(car, public)
            if vin != ONLINE:
                car.sleep()


def sign_in(tesla: TeslaSimulator, email: str) -> dict[str, Any]:
    """Return a token of this simulator; the second account has taken a permission back."""
    account = tesla.accounts[email]
    has_all = PEARL in {car.vin for car in account.cars}
    scopes = SCOPES if has_all else SCOPES - {LOCATION}
    token = tesla.sign_in(account, tesla.applications[TESLA["client_id"]], scopes)
    return {**token, "expires_at": time.time() + 28800}


def renew_sign_ins(folder: Path, tesla: TeslaSimulator, tokens: dict[str, dict[str, Any]]) -> None:
    """Write into the copy what is another one each time: tokens, where Tesla is, a port that is free.

    Only the file of the sign-in gets the token, as after a power cut: the one of the config entry is older.
    """
    path = folder / ".storage" / "core.config_entries"
    content = json.loads(path.read_text())
    for row in content["data"]["entries"]:
        if row["domain"] == DOMAIN:
            row["data"]["base_url"] = tesla.region_url(row["data"]["region"])
            if row["entry_id"] == PUSHES:
                row["options"]["telemetry"]["listen_port"] = free_port()
            file = folder / ".storage" / f"{DOMAIN}.{row['entry_id']}.sign_in"
            saved = json.loads(file.read_text())
            saved["token"] |= tokens[row["unique_id"]]
            file.write_text(json.dumps(saved))
    path.write_text(json.dumps(content))


# -- what is seen after the start --------------------------------------------------------------------


async def test_everything_is_there_after_the_start(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    await past.load()
    hass = past.hass
    entries = hass.config_entries.async_entries(DOMAIN)
    assert {entry.state for entry in entries} == {ConfigEntryState.LOADED}
    assert {entry.entry_id for entry in entries} == {PUSHES, POLLED}
    complaints(caplog)

    # the same entities and devices, as the owner arranged them
    before = {
        row["entity_id"]: as_registered_today(row)
        for row in stored(FOLDER, "core.entity_registry")["data"]["entities"]
        if row["platform"] == DOMAIN
    }
    now = {row.entity_id: row for row in ours(er.async_get(hass)) if not is_new(row.unique_id)}
    assert now.keys() == before.keys()
    for entity_id, row in now.items():
        for name in (
            "unique_id",
            "disabled_by",
            "hidden_by",
            "name",
            "icon",
            "device_id",
            "config_entry_id",
            "translation_key",
            "original_name",
            "original_device_class",
            "unit_of_measurement",
            "capabilities",
            "options",
        ):
            assert json_of(getattr(row, name)) == before[entity_id][name], (entity_id, name)
        enabled = row.disabled_by is None
        assert (hass.states.get(entity_id) is not None) == enabled, entity_id

    # what was remembered, with the journal over it
    record({"states": past.shown(), "asked": past.billed()})
    recorded = json.loads(SHOWN.read_text())
    # but for what follows from the field that this version adds to what cars push, and the rounded odometer
    follows = ("_account_budget", "_telemetry", "_odometer")
    bill = ("_cost_this_month", "_data_requests_this_month", "_credit_left", "_cost_of_the_month")
    expected = with_what_is_new(recorded["states"])
    for shown in (states := past.shown(), expected):
        for entity_id in list(shown):
            if entity_id.removesuffix("_2").endswith((*bill, *follows)):
                del shown[entity_id]
    assert states == expected
    # and nothing was asked, paid or free, but what that version asks at a start of its own, and that the cars push a
    # field which this version adds
    billed = past.billed()
    assert {kind: n for kind, n in billed.items() if "fleet_telemetry_config" not in kind} == (
        recorded["asked"]
    )
    assert past.tesla.billing.count(path_contains="vehicle_data") == 1
    assert past.tesla.billing.count("command") == past.tesla.billing.count("wake") == 0
    assert past.tesla.billing.count(path_contains="partner_accounts") == 0

    for entry_id, vin in ((PUSHES, PEARL), (POLLED, MIDNIGHT)):
        readings = known(entry_id)[vin]
        home, away, unplaced, *_ = readings["energy"]
        assert float(past.state(vin, "sensor", "battery_level")) == readings["BatteryLevel"][0]
        assert float(past.state(vin, "number", "charge_limit")) == readings["ChargeLimitSoc"][0]
        charged = float(past.state(vin, "sensor", "energy_charged"))
        assert charged == pytest.approx(home + away + unplaced, abs=1e-3)
        assert past.state(vin, "sensor", "next_schedule") not in {"unknown", "unavailable"}
    states = stored(FOLDER, f"{DOMAIN}.{PUSHES}.states")["data"][PEARL]
    assert states["BatteryLevel"][0] != known(PUSHES)[PEARL]["BatteryLevel"][0]
    assert float(past.state(PEARL, "sensor", "energy_charged")) > 1

    # the last events, exactly
    restored = {
        row["state"]["entity_id"]: row
        for row in stored(FOLDER, "core.restore_state")["data"]
        if row["state"]["entity_id"].startswith("event.")
    }
    events = [row for row in now.values() if row.domain == "event" and row.disabled_by is None]
    assert len(events) >= 8
    for row in events:
        state = hass.states.get(row.entity_id)
        assert state is not None
        assert state.state == restored[row.entity_id]["state"]["state"]
        assert (
            state.attributes["event_type"]
            == restored[row.entity_id]["extra_data"]["last_event_type"]
        )
    assert past.state(PEARL, "event", "charging_session") != "unknown"

    # what the owner does not want to hear of stays unheard
    issues = ir.async_get(hass)
    issue = issues.async_get_issue(DOMAIN, f"permission_location_{POLLED}")
    assert issue is not None
    assert issue.active
    assert issue.dismissed_version is not None


async def test_the_schedules_of_before_are_told(past: Past) -> None:
    await past.load()
    for vin, entry_id in ((PEARL, PUSHES), (MIDNIGHT, POLLED)):
        assert known(entry_id)[vin]["charge_schedules"][0]
        state = past.hass.states.get(past.entity_id(vin, "sensor", "next_schedule"))
        assert state is not None
        assert dt_util.parse_datetime(state.state) is not None


async def test_key_and_certificates_are_the_ones_that_cars_know(
    past: Past, hass_client_no_auth: ClientSessionGenerator
) -> None:
    await past.load()
    assert past.path(KEY_FILE).read_bytes() == (FOLDER / KEY_FILE).read_bytes()
    client = await hass_client_no_auth()
    answer = await client.get(PUBLIC_KEY)
    key = load_pem_private_key((FOLDER / KEY_FILE).read_bytes(), None).public_key()
    expected = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert (await answer.text()).strip() == expected.strip()

    for name in CERTIFICATES:
        assert past.path(name).read_bytes() == (FOLDER / name).read_bytes()
    entry = past.hass.config_entries.async_get_entry(PUSHES)
    assert entry is not None
    shown = await past.hass.async_add_executor_job(
        shown_certificate, entry.options["telemetry"]["listen_port"]
    )
    certificate = load_pem_x509_certificate((FOLDER / CERTIFICATES[1]).read_bytes())
    assert shown == certificate.public_bytes(Encoding.DER)


def shown_certificate(port: int) -> bytes | None:
    """Return what a car is shown that connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return secure.getpeercert(binary_form=True)


async def test_the_owner_s_automation_commands_a_car_with_one_request(past: Past) -> None:
    await past.load()
    automation = past.hass.states.get("automation.charge_less")
    assert automation is not None
    assert automation.state == "on"  # its device trigger is still one
    car = past.tesla.cars[PEARL]
    car.wake()
    assert car.state == "online"
    paid = past.tesla.billing.count("command")
    await past.hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.charge_less"}, blocking=True
    )
    assert car.snapshot().charge_limit == 71
    assert [command.name for command in car.commands] == ["set_charge_limit"]
    assert car.commands[0].via == "signed"
    # the session of before: no handshake, which is paid for as a command is
    assert past.tesla.billing.count("command") == paid + 1
    assert past.tesla.billing.count("wake") == 0
    remembered = stored(FOLDER, f"{DOMAIN}.{PUSHES}.sessions")["data"][PEARL]["sessions"]
    assert car.domain("infotainment").executed[-1].counter > remembered["INFOTAINMENT"]["counter"]


async def test_statistics_go_on(
    past: Past, async_setup_recorder_instance: RecorderInstanceGenerator
) -> None:
    told: dict[str, Any] = json.loads((FOLDER / "statistics.json").read_text())
    hass = past.hass
    await async_setup_recorder_instance(hass)
    for meta in told["statistics_meta"]:
        rows = [
            {
                "start": dt_util.utc_from_timestamp(row["start_ts"]),
                **{name: row[name] for name in ("mean", "min", "max", "state", "sum")},
            }
            for row in told["statistics"]
            if row["metadata_id"] == meta["id"]
        ]
        kept = {name: meta[name] for name in META} | {"has_sum": bool(meta["has_sum"])}
        async_import_statistics(hass, kept, rows)  # type: ignore[arg-type]
    assert await async_setup_component(hass, "sensor", past.config)
    await past.load()
    await get_instance(hass).async_block_till_done()

    ids = {row.entity_id for row in ours(er.async_get(hass))}
    of_ours = {m["statistic_id"] for m in told["statistics_meta"] if m["statistic_id"] in ids}
    assert past.entity_id(PEARL, "sensor", "energy_charged") in of_ours
    assert past.entity_id(MIDNIGHT, "sensor", "energy_charged") == "sensor.midnight_counter"
    assert "sensor.big_car_charge" in of_ours
    # nothing that had statistics has lost them: unit, class and kind are as they were
    problems = await get_instance(hass).async_add_executor_job(validate_statistics, hass)
    assert {k: v for k, v in problems.items() if k in of_ours} == {}
    now = {row["statistic_id"]: row for row in await async_list_statistic_ids(hass)}
    for meta in told["statistics_meta"]:
        if meta["statistic_id"] in of_ours:
            row = now[meta["statistic_id"]]
            state = hass.states.get(meta["statistic_id"])
            assert state is not None
            assert row["statistics_unit_of_measurement"] == meta["unit_of_measurement"]
            assert row["has_sum"] == bool(meta["has_sum"])
            assert ("state_class" in state.attributes) is True


# -- what is written again ---------------------------------------------------------------------------


async def test_everything_is_written_again_as_it_was(past: Past) -> None:
    before = Path(past.hass.config.config_dir)
    signed_in = {name: json.loads((before / ".storage" / name).read_text()) for name in sign_ins()}
    entries = stored(before, "core.config_entries")
    await past.load()
    await past.end()
    after = Path(past.hass.config.config_dir)

    journals = {f"{DOMAIN}.{entry_id}.states.journal" for entry_id in (PUSHES, POLLED)}
    assert journals <= names(FOLDER)
    assert names(after) == names(FOLDER) - journals  # they are in the states now
    for name in names(after) - sign_ins():
        was, now = stored(FOLDER, name), stored(after, name)
        assert {k: v for k, v in now.items() if k != "data"} == {
            k: v for k, v in was.items() if k != "data"
        }
    for name, token in signed_in.items():
        assert json.loads((after / ".storage" / name).read_text()) == token
    assert past.tesla.refreshes == 0
    for row in entries["data"]["entries"]:
        if row["domain"] == DOMAIN:  # the newer one counts
            row["data"]["token"] = signed_in[f"{DOMAIN}.{row['entry_id']}.sign_in"]["token"]

    for entry_id in (PUSHES, POLLED):
        mine = f"{DOMAIN}.{entry_id}"
        assert data(after, f"{mine}.sessions") == data(FOLDER, f"{mine}.sessions")
        states = data(after, f"{mine}.states")
        expected = {vin: as_written_today(row) for vin, row in known(entry_id).items()}
        assert states.keys() == expected.keys()
        for vin, readings in expected.items():
            check_readings(vin, readings, states[vin])
    telemetry = f"{DOMAIN}.{PUSHES}.telemetry"
    assert without_fields(data(after, telemetry)) == without_fields(data(FOLDER, telemetry))

    silences, was = (
        data(after, f"{DOMAIN}.{PUSHES}.silences"),
        data(FOLDER, f"{DOMAIN}.{PUSHES}.silences"),
    )
    assert silences["place"] == was["place"]
    assert silences["cars"].keys() == was["cars"].keys()
    assert silences["cars"][COBALT][0] == was["cars"][COBALT][0] > 0  # since when it is silent
    assert silences["cars"][PEARL] == was["cars"][PEARL]

    check_meter(data(FOLDER, f"{DOMAIN}.meter"), data(after, f"{DOMAIN}.meter"), past)

    for name, kind in (
        ("core.entity_registry", "entities"),
        ("core.device_registry", "devices"),
    ):
        now, then = stored(after, name), stored(FOLDER, name)
        assert now["version"] == then["version"]
        assert now["minor_version"] >= then["minor_version"]
        expected_rows = [
            as_registered_today(with_maker_of_today(row)) for row in then["data"][kind]
        ]
        assert_kept(rows_of(expected_rows), rows_of(now["data"][kind]))
    assert rows_of(stored(after, "core.config_entries")["data"]["entries"]) == rows_of(
        entries["data"]["entries"]
    )
    assert stored(after, "application_credentials") == stored(FOLDER, "application_credentials")
    repairs, were = (stored(place, "repairs.issue_registry") for place in (after, FOLDER))
    rows = repairs["data"]["issues"]
    repairs["data"]["issues"] = [row for row in rows if row["issue_id"] != SIMULATOR]
    assert_kept(were["data"], repairs["data"])
    for name in (KEY_FILE, *CERTIFICATES):
        assert (after / name).read_bytes() == (FOLDER / name).read_bytes()


def sign_ins() -> set[str]:
    return {f"{DOMAIN}.{entry_id}.sign_in" for entry_id in (PUSHES, POLLED)}


def data(folder: Path, name: str) -> Any:
    """Return what a store holds."""
    return stored(folder, name)["data"]


def without_fields(records: dict[str, Any]) -> dict[str, Any]:
    """Return the configurations without what follows from the list of fields, to which this version adds."""
    follows = {"fingerprint", "complete", "checked_at", "refused_at", "stage"}
    return {vin: {k: v for k, v in row.items() if k not in follows} for vin, row in records.items()}


NEW_ENTITIES = frozenset({"status"})
"""Keys of entities that the earlier version did not have."""


def is_new(unique_id: str) -> bool:
    """Return whether an entity of a car did not exist in the earlier version."""
    return unique_id.partition("_")[2] in NEW_ENTITIES


def assert_kept(was: Any, now: Any) -> None:
    """See that everything is there as it was. A newer Home Assistant adds columns to rows of its own registries."""
    if isinstance(was, dict) and {"id", "entity_id", "issue_id"} & was.keys():
        now = {key: now[key] for key in was}
    elif isinstance(was, dict):
        assert now.keys() == was.keys()
    elif isinstance(was, list):
        assert len(now) == len(was)
    else:
        assert now == was
        return
    for key in was if isinstance(was, dict) else range(len(was)):
        assert_kept(was[key], now[key])


def rows_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the integration's rows of a registry by their ids, without what each run decides."""
    return {
        row.get("id") or row["entry_id"]: {k: v for k, v in row.items() if k not in RUN_DECIDES}
        for row in rows
        if (
            DOMAIN in {row.get("platform"), row.get("domain")}
            or any(name == DOMAIN for name, _ in row.get("identifiers", ()))
        )
        and not is_new(row.get("unique_id") or "")
    }


def with_maker_of_today(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the device registry; for that version the account was made by the maker of the cars."""
    ours = any(name == DOMAIN for name, _ in row.get("identifiers", ()))
    return row | {"manufacturer": "Tesla Fleet API"} if ours and row["entry_type"] else row


NEW_NAMES = {
    "car_cost_this_month": "Share of Tesla's bill this month",
    "charge_current": "Measured current",
    "charge_current_max": "Current that the cable allows",
    "charging_current": "Current limit",
    "connected": "Connected to Home Assistant",
    "cost_projected": "Expected bill this month",
    "cost_this_month": "Bill this month",
    "energy_added": "Session energy",
    "energy_charged": "Total energy charged",
    "next_schedule": "Next scheduled start",
    "scheduled_charging_start": "Daily start time, older software",
    "why_not_charging": "Reason for not charging",
}
"""By translation key: the names that this version gives to entities of that version. Their ids stay."""
NEW_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "refresh": {"pending": False},
    "wake_up": {"pending": False},
    "last_message": {"unit_of_measurement": ""},
    "full_charge_time": {"unit_of_measurement": ""},
}
"""By translation key: what this version shows besides."""


def as_registered_today(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the entity registry, with its new name; that version bounded the charging current by the cable."""
    if row.get("platform") != DOMAIN:
        return row
    key = row["translation_key"]
    if key == "charging_current":
        row = row | {"capabilities": row["capabilities"] | {"max": 32.0}}
    name = NEW_NAMES.get(key, row["original_name"])
    new = {"original_name": name, "object_id_base": name}
    return row | {column: value for column, value in new.items() if row.get(column)}


def with_what_is_new(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what that version showed, with new names and attributes, and the wider bound of the charging current."""
    rows = {
        row["entity_id"]: row
        for row in stored(FOLDER, "core.entity_registry")["data"]["entities"]
        if row["platform"] == DOMAIN
    }
    return {
        entity_id: state | {"attributes": attributes_of_today(rows[entity_id], state)}
        for entity_id, state in shown.items()
    }


def attributes_of_today(row: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that this version shows of an entity of that version."""
    key, attributes = row["translation_key"], dict(state["attributes"])
    if row["name"] is None and key in NEW_NAMES:
        name = attributes["friendly_name"].removesuffix(row["original_name"])
        attributes["friendly_name"] = name + NEW_NAMES[key]
    if key == "charging_current":
        attributes |= {"max": 32.0, "effective_current": int(state["state"])}
    return attributes | NEW_ATTRIBUTES.get(key, {})


def as_written_today(readings: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its charge schedules as lists: they alone are stored in another form than by that version.

    That version wrote a text of words: days, minutes, 1 for once, latitude, longitude.
    """
    text, *rest = readings["charge_schedules"]
    assert isinstance(text, str)
    rows = []
    for word in text.split():
        days, minutes, once, latitude, longitude = word.split(",")
        rows.append([int(days), int(minutes), once == "1", float(latitude), float(longitude)])
    return readings | {"charge_schedules": [sorted(rows), *rest]}


def check_readings(vin: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """See that a car's record is what it was: exactly, or with what the one that was asked has answered."""
    if vin != ONLINE:
        changed = {"followed", "habits"}
        assert {k: v for k, v in after.items() if k not in changed} == {
            k: v for k, v in before.items() if k not in changed
        }
    assert after.keys() >= before.keys()
    for name in before:
        assert shape(after[name]) == shape(before[name]), name
    assert after["energy"][:3] == before["energy"][:3]


def shape(value: Any) -> Any:
    """Return of what a record is made."""
    match value:
        case dict():
            return {key: shape(item) for key, item in value.items()}
        case list():
            return [shape(item) for item in value]
        case bool() | None | str():
            return type(value).__name__
    return "number"


def check_meter(before: Any, after: Any, past: Past) -> None:
    """See that the bill is what it was and what was asked since."""
    assert after["applications"].keys() == before["applications"].keys() == {TESLA["client_id"]}
    then = before["applications"][TESLA["client_id"]]
    now = after["applications"][TESLA["client_id"]]
    assert {k: v for k, v in now.items() if k != "months"} == {
        k: v for k, v in then.items() if k != "months"
    }
    asked = Counter(
        (line.vin or "", line.category)
        for line in past.tesla.billing.requests
        if line.category != "free"
    )
    expected = json.loads(json.dumps(then["months"]))
    for (vin, category), count in asked.items():
        units = expected[then["month"]].setdefault(vin, {})
        units[category] = units.get(category, 0) + count
    assert now["months"] == expected


# -- the record --------------------------------------------------------------------------------------


def complaints(caplog: pytest.LogCaptureFixture) -> None:
    """See that the integration has not complained of anything."""
    bad = [
        entry.getMessage()
        for entry in caplog.records
        if entry.levelno >= logging.WARNING
        and DOMAIN in entry.name + entry.getMessage()
        and SAID not in entry.getMessage()
        and "has not been tested by Home Assistant" not in entry.getMessage()
        # asyncio's debug mode reports slow steps: they depend on the load of the machine
        and not (entry.name == "asyncio" and entry.getMessage().startswith("Executing "))
    ]
    assert bad == []


def record(seen: dict[str, Any]) -> None:
    """Write the record if that is asked for."""
    if os.environ.get("UPGRADE_RECORD"):
        SHOWN.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
