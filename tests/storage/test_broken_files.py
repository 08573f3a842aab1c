"""Every stored file, broken in every way, is set aside: set-up works, the user is informed, and removal deletes the secrets."""

import builtins
from collections.abc import Callable, Iterator
import errno
import io
import json
import os
from pathlib import Path
import shutil
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
import pytest

from custom_components.tesla_charging.auth.authorization import DATA_AUTHORIZATIONS
from custom_components.tesla_charging.billing.meter_store import DATA_METERS
from tests.support.home import PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

REAL = {name: getattr(Store, name) for name in ("_async_load", "_async_write_data", "async_remove")}
"""Home Assistant's test plugin keeps files in memory; here they have to be real."""

STORED = {
    "sessions": ".storage/tesla_charging.{entry}.sessions",
    "states": ".storage/tesla_charging.{entry}.states",
    "journal": ".storage/tesla_charging.{entry}.states.journal",
    "telemetry": ".storage/tesla_charging.{entry}.telemetry",
    "silences": ".storage/tesla_charging.{entry}.silences",
    "sign_in": ".storage/tesla_charging.{entry}.sign_in",
    "meter": ".storage/tesla_charging.meter",
    "ca": "tesla_charging_telemetry/telemetry_ca.pem",
    "server": "tesla_charging_telemetry/telemetry_server.pem",
}
"""Every file that the integration stores and reads back, below the configuration directory. A new one is a row here."""


def _content(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_bytes())
    except ValueError, OSError:
        stored = {"version": 1, "minor_version": 1, "key": path.name, "data": {}}
    return dict(stored)


def _without(name: str) -> Callable[[Path], bytes]:
    def change(path: Path) -> bytes:
        stored = _content(path)
        stored.pop("token" if name == "data" and "token" in stored else name, None)
        return json.dumps(stored).encode()

    return change


def _with(**values: Any) -> Callable[[Path], bytes]:
    return lambda path: json.dumps(_content(path) | values).encode()


def _truncated(path: Path) -> bytes:
    content = path.read_bytes() if path.exists() else b'{"version": 1, "da'
    return content[: len(content) // 3]


WAYS: dict[str, Callable[[Path], bytes]] = {
    "newer version": _with(version=99),
    "older version": _with(version=0),
    "version is a word": _with(version="one"),
    "list": lambda _: b"[]",
    "null": lambda _: b"null",
    "number": lambda _: b"17",
    "word": lambda _: b'"word"',
    "empty object": lambda _: b"{}",
    "no data": _without("data"),
    "no version": _without("version"),
    "data is a list": _with(data=[], token=[]),
    "data is null": _with(data=None, token=None),
    "truncated": _truncated,
    "empty": lambda _: b"",
    "binary": lambda _: bytes(range(256)) * 40,
}
NOT_FILES = ("directory", "no permission")
NOTHING_LOST = {("journal", "empty")}
"""There is nothing to say about these."""


@pytest.fixture(autouse=True)
def real_files(hass: HomeAssistant) -> Iterator[None]:
    # taken back before the plugin takes its own back
    with pytest.MonkeyPatch.context() as patch:
        for name, function in REAL.items():
            patch.setattr(Store, name, function)
        yield


def refuse(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let the operating system refuse to open a file, not another one of its name: root may read all files."""
    real, inode = io.open, path.stat().st_ino

    def is_refused(file: Any) -> bool:
        named = isinstance(file, str | os.PathLike) and os.fspath(file) == str(path)
        return named and path.exists() and path.stat().st_ino == inode

    def opened(file: Any, *args: Any, **more: Any) -> Any:
        if is_refused(file):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(file, *args, **more)

    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr(builtins, "open", opened)


def damage(monkeypatch: pytest.MonkeyPatch, path: Path, way: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if way == "directory":
        path.unlink(missing_ok=True)
        path.mkdir()
    elif way == "no permission":
        path.touch()
        refuse(monkeypatch, path)
    else:
        path.write_bytes(WAYS[way](path))


def as_after_a_restart(hass: HomeAssistant) -> None:
    """Forget what is in memory only, so that all files are read again."""
    hass.data.pop(DATA_METERS, None)
    hass.data.pop(DATA_AUTHORIZATIONS, None)


def secrets(home: Home) -> list[str]:
    """Return the files that a removed account has left, and its set-aside files."""
    assert home.entry is not None
    folder = Path(home.hass.config.path(".storage"))
    return sorted(p.name for p in folder.iterdir() if home.entry.entry_id in p.name)


@pytest.fixture
async def stored_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that has stored everything, and is not loaded."""
    # the meter begins again without what was billed before
    monkeypatch.setattr(home.witness, "compare", home.settle)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    entry = await home.set_up(telemetry=embedded(free_port()))
    await home.act("stop_charging")
    await until(lambda: home.state("sensor", "telemetry") != "unknown")
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    as_after_a_restart(home.hass)
    home.forget_run()
    return home


@pytest.mark.parametrize("way", [*WAYS, *NOT_FILES])
@pytest.mark.parametrize("name", STORED)
async def test_a_broken_file_is_set_aside_and_never_in_the_way(
    stored_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    way: str,
) -> None:
    home = stored_home
    assert home.entry is not None
    path = Path(home.hass.config.path(STORED[name].format(entry=home.entry.entry_id)))
    await home.hass.async_add_executor_job(damage, monkeypatch, path, way)
    caplog.clear()
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.entry.state is ConfigEntryState.LOADED
    await home.poll()
    assert home.state("sensor", "battery_level") == "62"
    issues = ir.async_get(home.hass).issues.values()
    said = [i for i in issues if path.name in str(i.translation_placeholders)]
    assert len(said) == ((name, way) not in NOTHING_LOST)
    if said:
        assert [r.levelname for r in caplog.records if path.name in r.getMessage()]
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert "Error calling entry remove callback" not in caplog.text
    assert secrets(home) == []


@pytest.mark.parametrize("way", ["newer version", "list", "no data", *NOT_FILES])
@pytest.mark.parametrize("name", [name for name, path in STORED.items() if "{entry}" in path])
async def test_a_file_that_broke_before_the_removal_leaves_no_secret(
    stored_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    way: str,
) -> None:
    home = stored_home
    assert home.entry is not None
    path = Path(home.hass.config.path(STORED[name].format(entry=home.entry.entry_id)))
    await home.hass.async_add_executor_job(damage, monkeypatch, path, way)
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert "Error calling entry remove callback" not in caplog.text
    assert secrets(home) == []


async def test_what_cannot_be_deleted_does_not_keep_the_rest(
    stored_home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home = stored_home
    assert home.entry is not None
    refused = f"tesla_charging.{home.entry.entry_id}.telemetry"
    real = os.unlink

    def unlink(path: Any, *args: Any, **more: Any) -> None:
        if os.fspath(path).endswith(refused):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        real(path, *args, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert secrets(home) == [refused]
    assert refused in caplog.text
    assert "Error calling entry remove callback" not in caplog.text


async def test_a_folder_of_certificates_that_is_a_file_is_set_aside(stored_home: Home) -> None:
    home = stored_home
    assert home.entry is not None
    folder = Path(home.hass.config.path("tesla_charging_telemetry"))
    await home.hass.async_add_executor_job(shutil.rmtree, folder)
    await home.hass.async_add_executor_job(folder.touch)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.entry.state is ConfigEntryState.LOADED
    assert (folder / "telemetry_ca.pem").exists()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
