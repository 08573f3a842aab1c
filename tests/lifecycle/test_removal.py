"""Removing the integration: what is taken back, what the person is told, and what becomes of the files."""

import asyncio
import errno
from pathlib import Path
import time
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    flush_store,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.tesla_charging.auth.key_store import KeyStore, async_get_key_store
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.removal import LeftoversFlow
from custom_components.tesla_charging.telemetry import config_sync
from tests.support.home import KEY_FILE, MIDNIGHT, PEARL, Home
from tests.support.repairs import SIMULATOR
from tests.support.streaming import embedded, free_port
from tests.support.translations import ENGLISH
from tests.support.waiting import until

TOLD = {"configured", "synced"}
FIX = "/api/repairs/issues/fix"
type Step = dict[str, Any]


class Repairs:
    """A person in front of Home Assistant's repairs."""

    def __init__(self, hass: HomeAssistant, client: Any) -> None:
        self.hass = hass
        self.client = client

    async def start(self, issue_id: str = "leftovers") -> Step:
        return await self._post(FIX, handler=DOMAIN, issue_id=issue_id)

    async def submit(self, step: Step, **data: Any) -> Step:
        return await self._post(f"{FIX}/{step['flow_id']}", **data)

    async def choose(self, step: Step, option: str) -> Step:
        assert step["type"] == "menu"
        assert option in step["menu_options"]
        return await self.submit(step, next_step_id=option)

    async def _post(self, path: str, **data: Any) -> Step:
        async with self.client.post(path, json=data) as response:
            assert response.status == 200, await response.text()
            step: Step = await response.json()
            return step


@pytest.fixture
async def repairs(home: Home, hass_client: ClientSessionGenerator) -> Repairs:
    assert await async_setup_component(home.hass, "repairs", {})
    assert await async_setup_component(home.hass, "http", {})
    home.hass.http.app._router.freeze = lambda: None  # type: ignore[method-assign]  # as Home Assistant's own server
    return Repairs(home.hass, await hass_client())


@pytest.fixture
async def configured(home: Home, repairs: Repairs) -> Home:
    """A home whose two cars hold a telemetry configuration."""
    home.add_car(PEARL, "Pearl")
    home.add_car(MIDNIGHT, "Midnight")
    await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: {home.state("sensor", "telemetry", vin) for vin in home.cars} <= TOLD)
    return home


async def remove(home: Home) -> None:
    assert home.entry is not None
    home.witness.vins_are_forgotten = True
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()


def issue(home: Home, issue_id: str = "leftovers") -> ir.IssueEntry | None:
    return ir.async_get(home.hass).async_get_issue(DOMAIN, issue_id)


def issues(home: Home) -> list[str]:
    return [
        key
        for domain, key in ir.async_get(home.hass).issues
        if domain == DOMAIN and key != SIMULATOR
    ]


def files(home: Home) -> list[str]:
    directory = Path(home.hass.config.path("tesla_charging_telemetry"))
    kept = [path.name for path in directory.iterdir()] if directory.exists() else []
    key = Path(home.hass.config.path(KEY_FILE))
    return sorted([*kept, *([key.name] if key.exists() else [])])


FILES = ["telemetry_ca.pem", "telemetry_server.pem", KEY_FILE]


def deletions(home: Home) -> int:
    return [r.method for r in home.tesla.billing.requests].count("DELETE")


async def test_the_person_is_told_and_keeps_the_files(configured: Home, repairs: Repairs) -> None:
    home = configured
    await remove(home)
    assert deletions(home) == 2
    found = issue(home)
    assert found is not None
    assert found.is_fixable
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["cars"] == "Midnight, Pearl"
    step = await repairs.start()
    assert step["step_id"] == "instructions"
    assert step["description_placeholders"]["cars"] == "Midnight, Pearl"
    step = await repairs.submit(step)
    assert step["step_id"] == "files"  # every car was reached
    step = await repairs.choose(step, "keep")
    assert step["type"] == "create_entry"
    assert issue(home) is None
    assert files(home) == FILES


async def test_the_files_are_deleted_when_the_person_says_so_twice(
    configured: Home, repairs: Repairs
) -> None:
    home = configured
    await remove(home)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    assert step["step_id"] == "erase"
    assert files(home) == FILES
    step = await repairs.submit(step)
    assert step["type"] == "create_entry"
    assert issue(home) is None
    assert files(home) == []
    assert not Path(home.hass.config.path("tesla_charging_telemetry")).exists()
    assert await async_get_key_store(home.hass).load() is None


async def test_only_its_own_files_are_deleted(configured: Home, repairs: Repairs) -> None:
    home = configured
    own = Path(home.hass.config.path("tesla_charging_telemetry"))
    await home.hass.async_add_executor_job((own / "mine.txt").write_text, "kept")
    core_key = Path(home.hass.config.path("tesla_fleet.key"))
    await home.hass.async_add_executor_job(core_key.write_text, "core's")
    await remove(home)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    await repairs.submit(step)
    assert files(home) == ["mine.txt"]
    assert core_key.exists()


async def test_files_that_cannot_be_deleted_are_named(configured: Home, repairs: Repairs) -> None:
    home = configured
    await remove(home)
    key = Path(home.hass.config.path(KEY_FILE))
    await home.hass.async_add_executor_job(key.unlink)
    await home.hass.async_add_executor_job(key.mkdir)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    step = await repairs.submit(step)
    assert (step["type"], step["reason"]) == ("abort", "not_erased")
    assert step["description_placeholders"]["key_file"] == KEY_FILE
    assert issue(home) is not None


LEFT_BY_A_POWER_CUT = (
    f".{KEY_FILE}.new",
    f".{KEY_FILE}.0a1b2c3d",
    f".{KEY_FILE}.previous.new",
    "tesla_charging_telemetry/.telemetry_server.pem.new",
    "tesla_charging_telemetry/.telemetry_ca.pem.0a1b2c3d",
)
"""What a write that a power cut interrupted left, by this version and by earlier ones."""


def put(home: Home, *names: str) -> list[Path]:
    """Put a private key into files."""
    paths = [Path(home.hass.config.path(name)) for name in names]
    for path in paths:
        path.write_bytes(home.key.private_pem())
    return paths


def private_keys(home: Home) -> list[str]:
    """Return the names of all files with a private key."""
    found = Path(home.hass.config.config_dir).rglob("*")
    return sorted(p.name for p in found if p.is_file() and b"PRIVATE KEY" in p.read_bytes())


async def test_what_a_power_cut_left_of_a_key_is_deleted_with_it(
    configured: Home, repairs: Repairs
) -> None:
    home = configured
    await home.hass.async_add_executor_job(put, home, *LEFT_BY_A_POWER_CUT)
    await remove(home)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    assert (await repairs.submit(step))["type"] == "create_entry"
    assert await home.hass.async_add_executor_job(private_keys, home) == []


@pytest.mark.parametrize("name", LEFT_BY_A_POWER_CUT)
async def test_the_files_are_offered_also_if_only_a_power_cut_left_something(
    configured: Home, repairs: Repairs, name: str
) -> None:
    home = configured
    await remove(home)
    for file in await home.hass.async_add_executor_job(private_keys, home):
        folder = "" if file == KEY_FILE else "tesla_charging_telemetry/"
        await home.hass.async_add_executor_job(Path(home.hass.config.path(folder, file)).unlink)
    await home.hass.async_add_executor_job(put, home, name)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    assert (await repairs.submit(step))["type"] == "create_entry"
    assert await home.hass.async_add_executor_job(private_keys, home) == []


async def test_a_new_key_leaves_nothing_of_the_write_that_a_power_cut_ended(home: Home) -> None:
    await home.hass.async_add_executor_job(put, home, *LEFT_BY_A_POWER_CUT[:3])
    await KeyStore(home.hass).save(home.key)
    assert await home.hass.async_add_executor_job(private_keys, home) == [KEY_FILE]


@pytest.mark.parametrize("stuck", [KEY_FILE, f"{KEY_FILE}.previous", "telemetry_ca.pem"])
async def test_a_file_that_cannot_be_deleted_keeps_no_other_key(
    configured: Home, repairs: Repairs, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    home = configured
    await home.hass.async_add_executor_job(put, home, f"{KEY_FILE}.previous")
    await remove(home)
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.name == stuck:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    step = await repairs.submit(step)
    assert (step["type"], step["reason"]) == ("abort", "not_erased")
    assert step["description_placeholders"]["detail"] == "Permission denied"
    assert await home.hass.async_add_executor_job(private_keys, home) == [stuck]


async def test_cars_that_could_not_be_reached_are_named(configured: Home, repairs: Repairs) -> None:
    home = configured
    home.tesla.faults.status(503, "fleet_telemetry_config", vin=PEARL, times=None)
    await remove(home)
    assert deletions(home) == 1
    step = await repairs.submit(await repairs.start())
    assert step["step_id"] == "unreached"
    assert step["description_placeholders"]["unreached"] == "Pearl"
    assert (await repairs.submit(step))["step_id"] == "files"


async def test_nothing_is_left_waiting_when_tesla_is_away(configured: Home) -> None:
    home = configured
    await home.tesla.stop()
    await remove(home)
    found = issue(home)
    assert found is not None
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["unreached"] == "Midnight, Pearl"
    await home.tesla.start()


async def test_a_slow_tesla_keeps_nobody_waiting(
    configured: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = configured
    monkeypatch.setattr(config_sync, "REMOVAL_TIMEOUT", 0.3)
    home.tesla.faults.delay(1.5, "fleet_telemetry_config", vin=PEARL, times=None)
    began = time.monotonic()
    await remove(home)
    assert time.monotonic() - began < 1.4
    found = issue(home)
    assert found is not None
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["unreached"] == "Pearl"
    await asyncio.sleep(1.5)  # the simulated Tesla finishes what it was asked


async def test_a_sign_in_that_expired_meanwhile_is_renewed_for_the_last_time(
    configured: Home,
) -> None:
    home = configured
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    token = {**home.entry.data["token"], "expires_at": time.time() - 60}
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "token": token}
    )
    home.tesla.clock.advance(9 * 3600)
    await remove(home)
    assert deletions(home) == 2


async def test_without_the_client_id_nothing_can_be_taken_back(configured: Home) -> None:
    home = configured
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "auth_implementation": "gone"}
    )
    await remove(home)
    assert deletions(home) == 0
    found = issue(home)
    assert found is not None
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["unreached"] == "Midnight, Pearl"


async def test_a_nameless_car_is_not_named_by_its_vin(home: Home, repairs: Repairs) -> None:
    home.add_car(PEARL, "")
    await home.set_up()
    await remove(home)
    found = issue(home)
    assert found is not None
    assert PEARL[-6:] not in str(found)


async def test_other_accounts_keep_the_files(configured: Home, repairs: Repairs) -> None:
    home = configured
    first = home.entry
    other = MockConfigEntry(domain=DOMAIN, unique_id="another account", data={})
    other.add_to_hass(home.hass)
    await remove(home)
    (issue_id,) = issues(home)
    assert issue_id.startswith("leftovers_")
    assert home.account.sub not in issue_id
    found = issue(home, issue_id)
    assert found is not None
    assert found.translation_key == "leftovers_account"
    step = await repairs.submit(await repairs.start(issue_id))
    assert step["type"] == "create_entry"
    assert issues(home) == []
    assert files(home) == FILES
    assert first is not None


async def test_the_message_goes_when_the_integration_is_added_again(
    configured: Home, repairs: Repairs
) -> None:
    home = configured
    await remove(home)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    await home.set_up()
    assert issue(home) is None
    step = await repairs.submit(step)
    assert (step["type"], step["reason"]) == ("abort", "in_use")
    assert KEY_FILE in files(home)


async def test_the_key_is_not_deleted_under_somebody_who_adds_the_integration(
    configured: Home, repairs: Repairs
) -> None:
    home = configured
    await remove(home)
    step = await repairs.choose(await repairs.submit(await repairs.start()), "erase")
    async_get_key_store(home.hass).show("a config flow")
    step = await repairs.submit(step)
    assert (step["type"], step["reason"]) == ("abort", "in_use")
    assert files(home) == FILES


async def test_after_a_restart_home_assistant_itself_shows_the_instructions(
    configured: Home, repairs: Repairs, hass_storage: dict[str, Any]
) -> None:
    """Without an entry the integration is not loaded, so its flow is not there: the text of `confirm` has to do."""
    home = configured
    await remove(home)
    await flush_store(ir.async_get(home.hass)._store)
    kept = hass_storage["repairs.issue_registry"]["data"]["issues"]
    assert [row["issue_id"] for row in kept if row["issue_id"] != SIMULATOR] == ["leftovers"]
    async with async_test_home_assistant(load_registries=False) as after:
        await ir.async_load(after)
        assert await async_setup_component(after, "repairs", {})
        manager = after.data["repairs"]["flow_manager"]
        step = await manager.async_init(DOMAIN, context={"issue_id": "leftovers"})
        assert step["step_id"] == "confirm"
        assert step["description_placeholders"]["key_file"] == KEY_FILE
        assert step["description_placeholders"]["cars"] == "Midnight, Pearl"
        await manager.async_configure(step["flow_id"], {})
        assert ir.async_get(after).async_get_issue(DOMAIN, "leftovers") is None
        await after.async_stop(force=True)
    assert files(home) == FILES


@pytest.mark.parametrize("key", ["leftovers", "leftovers_account"])
def test_every_page_has_its_words(key: str) -> None:
    words = ENGLISH["issues"][key]["fix_flow"]
    steps = {name for name in dir(LeftoversFlow) if name.startswith("async_step_")}
    pages = {name.removeprefix("async_step_") for name in steps} - {"init", "keep"}
    assert set(words["step"]) == pages | {"confirm"}
    assert set(words["step"]["files"]["menu_options"]) == {"keep", "erase"}
    assert set(words["abort"]) == {"in_use", "not_erased"}
