"""An entry with content of another version, or damaged content: words and a way out, no exception."""

from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.tesla_charging.client import (
    ENVIRONMENT_VARIABLE,
    active_endpoints,
    async_report_simulator,
    is_loopback,
)
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.diagnostics import async_get_config_entry_diagnostics
from custom_components.tesla_charging.fleet_api import TESLA
from tests.support.flows import is_changed, options, sign_in, submit
from tests.support.home import PEARL, Home
from tests.support.repairs import issue_of
from tests.support.streaming import embedded
from tests.support.translations import ENGLISH


async def broken(home: Home, *, data: Any = None, options: Any = None) -> None:
    """Set an entry up whose stored data are changed behind its back."""
    home.add_car(PEARL, "Pearl")
    entry = await home.set_up()
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    home.hass.data.pop("tesla_charging_authorizations")
    for file in await home.hass.async_add_executor_job(sign_in_files, home):
        await home.hass.async_add_executor_job(file.unlink)
    home.hass.config_entries.async_update_entry(
        entry, data={**entry.data, **(data or {})}, options={**entry.options, **(options or {})}
    )
    assert not await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()


def sign_in_files(home: Home) -> list[Any]:
    return [*Path(home.hass.config.path(".storage")).glob("*.sign_in")]


def reauth_flows(home: Home) -> list[Any]:
    flows = home.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return [flow for flow in flows if flow["context"]["source"] == "reauth"]


@pytest.mark.parametrize(
    "token",
    [
        None,
        [],
        "word",
        {},
        {"access_token": 5, "refresh_token": "x", "expires_at": 1e10},
        {"access_token": "x", "refresh_token": "x"},
        {"access_token": "x", "refresh_token": "x", "expires_at": "soon"},
        {"access_token": "x", "refresh_token": None, "expires_at": 1e10},
    ],
)
async def test_a_token_of_another_shape_asks_for_a_new_sign_in(home: Home, token: Any) -> None:
    await broken(home, data={"token": token})
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    assert home.entry.error_reason_translation_key == "sign_in_unusable"
    assert len(reauth_flows(home)) == 1
    await async_get_config_entry_diagnostics(home.hass, home.entry)
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)


@pytest.mark.usefixtures("current_request_with_host")
@pytest.mark.parametrize("name", [None, 7, ["tesla_charging"]])
async def test_an_entry_that_names_no_application_asks_for_a_new_sign_in(
    home: Home, name: object
) -> None:
    await broken(home, data={"auth_implementation": name})
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    assert home.entry.error_reason_translation_key == "sign_in_unusable"
    (flow,) = reauth_flows(home)
    await sign_in(home, await submit(home, flow))
    await home.settle()
    assert home.entry in home.hass.config_entries.async_loaded_entries(DOMAIN)
    assert home.entry.data["auth_implementation"] == DOMAIN


NOT_TOKENS = ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "é"]
"""No tokens of Tesla's, though texts: the third one is one without claims."""


@pytest.mark.parametrize("text", NOT_TOKENS)
async def test_an_access_token_that_cannot_be_read_asks_for_a_new_sign_in(
    home: Home, text: str
) -> None:
    token = {"access_token": text, "refresh_token": "x", "expires_at": 1e10}
    await broken(home, data={"token": token})
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    assert home.entry.error_reason_translation_key == "login_required"
    assert len(reauth_flows(home)) == 1
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)


@pytest.mark.parametrize("text", NOT_TOKENS)
async def test_an_access_token_that_cannot_be_read_is_refreshed(home: Home, text: str) -> None:
    home.add_car(PEARL, "Pearl")
    entry = await home.set_up()
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    token = {**entry.data["token"], "access_token": text, "expires_at": 1e10}
    home.hass.data.pop("tesla_charging_authorizations")
    for file in await home.hass.async_add_executor_job(sign_in_files, home):
        await home.hass.async_add_executor_job(file.unlink)
    home.hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
    assert await home.hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["token"]["access_token"] != text


@pytest.mark.parametrize("region", ["mars", "", None, 7, "EU", ["eu"]])
async def test_an_unknown_region_asks_for_a_new_sign_in(home: Home, region: Any) -> None:
    await broken(home, data={"region": region})
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    assert home.entry.error_reason_translation_key == "region_unknown"
    assert len(reauth_flows(home)) == 1
    await async_get_config_entry_diagnostics(home.hass, home.entry)
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)


EMBEDDED = embedded(8443).as_options()["telemetry"]


@pytest.mark.parametrize(
    "settings",
    [
        {"road": "pigeon"},
        {"road": None},
        [],
        7,
        {"road": "embedded", "port": "8443"},
        {"road": "embedded"},
        {**EMBEDDED, "hostname": "localhost"},
        {**EMBEDDED, "hostname": "cars.ü.example"},
        {**EMBEDDED, "port": 0},
        {**EMBEDDED, "listen_port": 70_000},
        {**EMBEDDED, "listen_port": -1},
        {**EMBEDDED, "listen_host": "127.0.0.1\0"},
        {"road": "mqtt", "topic_base": "telemetry/#"},
        {"road": "mqtt", "topic_base": ""},
    ],
)
async def test_unknown_telemetry_settings_are_chosen_again(home: Home, settings: Any) -> None:
    await broken(home, options={"telemetry": settings})
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    assert home.entry.error_reason_translation_key == "telemetry_unknown"
    await async_get_config_entry_diagnostics(home.hass, home.entry)
    step = await submit(home, await options(home), next_step_id="telemetry")
    assert step["step_id"] == "telemetry"
    step = await submit(home, step, next_step_id="telemetry_polling")
    assert is_changed(step)
    await home.settle()
    assert home.state("binary_sensor", "awake") == "on"


def test_every_way_out_has_its_words() -> None:
    for key in ("sign_in_unusable", "region_unknown", "telemetry_unknown"):
        assert (
            "again" in ENGLISH["exceptions"][key]["message"]
            or "Configure" in (ENGLISH["exceptions"][key]["message"])
        )


# -- the variable of the simulated Tesla ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("https://127.9.9.9", True),
        ("http://192.168.1.5:8080", False),
        ("https://tesla.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://127.0.0.1@example.com", False),
        ("http://localhost.example.com", False),
        ("http://0.0.0.0:8080", False),
        ("ftp://127.0.0.1", False),
        ("127.0.0.1:8080", False),
        ("http://[::1", False),
        ("anything", False),
    ],
)
def test_only_a_loopback_address_is_followed(
    monkeypatch: pytest.MonkeyPatch, url: str, followed: bool
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, url)
    active_endpoints.cache_clear()
    try:
        assert (active_endpoints() is not TESLA) is followed is is_loopback(url)
    finally:
        active_endpoints.cache_clear()


async def test_a_simulated_tesla_is_a_repair_issue(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    found = issue_of(home, "simulated_tesla")
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["url"] == home.tesla.base_url


async def test_another_address_is_ignored_and_said(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "http://tesla.invalid")
    async_report_simulator(home.hass)
    assert issue_of(home, "simulator_ignored").translation_placeholders


@pytest.mark.parametrize("vin", ["AAAAA", "7SAYG", "LRW3E7EK0", "LRW3E7EK0PC000101XYZ"])
async def test_diagnostics_survive_any_vin(home: Home, vin: str) -> None:
    home.witness.vins_are_forgotten = True
    home.add_car(vin, "Short")
    entry = await home.set_up()
    assert entry.state is ConfigEntryState.LOADED
    found = await async_get_config_entry_diagnostics(home.hass, entry)
    assert len(found["cars"]) == 1
    assert vin not in str(found)
