"""The public key at the well-known path: for everybody, and nothing but that."""

from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.tesla_charging.fleet_api import KEY_PATH
from tests.support.home import KEY_FILE, PEARL, Home


@pytest.fixture
async def client(charging_home: Home, hass_client_no_auth: Any) -> Any:
    return await hass_client_no_auth()


async def test_get_and_head_answer_without_a_login(charging_home: Home, client: Any) -> None:
    answer = await client.get(KEY_PATH)
    assert answer.status == 200
    assert await answer.text() == charging_home.key.public_pem
    answer = await client.head(KEY_PATH)
    assert (answer.status, await answer.text()) == (200, "")
    assert answer.headers["Content-Length"] == str(len(charging_home.key.public_pem))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
async def test_nothing_else_is_understood(client: Any, method: str) -> None:
    assert (await getattr(client, method)(KEY_PATH, data=b"x")).status in {403, 405}


async def test_no_input_changes_the_answer(charging_home: Home, client: Any) -> None:
    answer = await client.get(KEY_PATH + "?file=/etc/passwd", headers={"Accept": "text/html"})
    assert await answer.text() == charging_home.key.public_pem
    assert "PRIVATE" not in await answer.text()


async def test_it_stays_while_the_entry_cannot_be_loaded(charging_home: Home, client: Any) -> None:
    assert charging_home.entry is not None
    charging_home.tesla.faults.status(500, "products", times=None)
    await charging_home.hass.config_entries.async_reload(charging_home.entry.entry_id)
    assert charging_home.entry.state is ConfigEntryState.SETUP_RETRY
    assert (await client.get(KEY_PATH)).status == 200


async def test_it_is_gone_with_the_last_entry(charging_home: Home, client: Any) -> None:
    assert charging_home.entry is not None
    await charging_home.hass.config_entries.async_remove(charging_home.entry.entry_id)
    assert (await client.get(KEY_PATH)).status == 404
    # cars are paired with the key, so its file stays
    assert Path(charging_home.hass.config.path(KEY_FILE)).exists()


@pytest.mark.parametrize(("content", "key"), [(None, "key_missing"), ("damaged", "key_unreadable")])
async def test_a_missing_or_damaged_key_file_is_named(
    home: Home, content: str | None, key: str
) -> None:
    home.add_car(PEARL, "Pearl")
    entry = await home.set_up()
    path = Path(home.hass.config.path(KEY_FILE))
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    home.hass.data.pop("tesla_charging_key_store")
    home.hass.http.app._router.freeze = lambda: None  # type: ignore[method-assign]  # as Home Assistant itself does
    await home.hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == key
