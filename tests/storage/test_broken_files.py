"""Every stored file, broken in every way, is set aside: set-up works, the user is informed, and removal deletes the secrets.

A new store joins by one row of STORED. The whole matrix takes minutes, so most of it is marked `soak` (see `cells`).
"""

import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import errno
import io
import json
import os
from pathlib import Path
import random
import shutil
import time
from typing import Any
import zlib

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
import pytest

from custom_components.tesla_charging.auth.authorization import DATA_AUTHORIZATIONS
from custom_components.tesla_charging.auth.key_store import DATA_KEY_STORE
from custom_components.tesla_charging.billing.meter_store import DATA_METERS
from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_telemetry import ensure_certificate
from custom_components.tesla_charging.fleet_telemetry.certificates import trust
from custom_components.tesla_charging.storage import durable_file
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from custom_components.tesla_charging.vehicle.signals import SIGNALS
from tests.support.home import HOME_DOMAIN, PEARL, SMART_CHARGING, Home
from tests.support.repairs import issue_of
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
    "charging": ".storage/tesla_charging.{entry}.charging",
    "prices": ".storage/tesla_charging.{entry}.prices",
    "sign_in": ".storage/tesla_charging.{entry}.sign_in",
    "meter": ".storage/tesla_charging.meter",
    "ca": "tesla_charging_telemetry/telemetry_ca.pem",
    "server": "tesla_charging_telemetry/telemetry_server.pem",
    "vehicle_ca": "tesla_charging_telemetry/vehicle_ca.pem",
    "key": "tesla_charging.key",
    "previous_key": "tesla_charging.key.previous",
}
"""Every file that the integration stores, below the configuration directory. A new one is a row here."""
NOT_REPLACED = {"key", "previous_key"}
"""Of these, the ones that are never set aside: the virtual key is kept, and the one before it is not read."""


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
WRITTEN_LATER = {"journal", "silences", "meter", "charging", "prices"}
"""The files that an unloading need not write."""
NOT_FILES = ("directory", "no permission")
ALL_WAYS = (*WAYS, *NOT_FILES)
NOTHING_LOST = {("journal", "empty"), ("vehicle_ca", "truncated")}
"""There is nothing to say about these: the rest of a list of authorities is used, and completed."""
REST = (pytest.mark.soak, pytest.mark.ci)
"""The marks of what is not tried in the plain suite."""
SAMPLE = 2
"""How many cells are tried besides the fewest that reach every row and every column."""


def cells(names: Iterable[str]) -> list[Any]:
    """Return the matrix of files and ways: whole for `soak`, else every row and every column once, and a sample."""
    rows = [*names]
    whole = [(name, way) for name in rows for way in ALL_WAYS]
    longest = range(max(len(rows), len(ALL_WAYS)))
    chosen = {(rows[n % len(rows)], ALL_WAYS[n % len(ALL_WAYS)]) for n in longest}
    chosen |= {*random.Random(len(whole)).sample(whole, SAMPLE)}
    return [
        pytest.param(*cell, id="-".join(cell), marks=[] if cell in chosen else REST)
        for cell in whole
    ]


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
    # the list of the cars' authorities is stored only if it is one that this version knows
    names = dict.fromkeys(trust.fingerprints(home.tesla.vehicle_ca_pem), "an authority")
    monkeypatch.setattr(trust, "PINNED", names)
    async_get_telemetry_server(home.hass, replace(active_endpoints(), vehicle_ca_pinned=True))
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    smart = SMART_CHARGING
    entry = await home.set_up(telemetry=embedded(free_port()), options=smart)
    await home.act("stop_charging")
    await home.act("set_departures", ready_by=None)
    await until(lambda: home.state("sensor", "telemetry") != "unknown")
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    as_after_a_restart(home.hass)
    home.forget_run()
    return home


def path_of(home: Home, name: str) -> Path:
    """Return where a file of STORED is."""
    assert home.entry is not None
    return Path(home.hass.config.path(STORED[name].format(entry=home.entry.entry_id)))


async def removed(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Remove the account, and assert that nothing of it is left, and that nobody is referred to what is gone."""
    assert home.entry is not None
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    assert "Error calling entry remove callback" not in caplog.text
    assert secrets(home) == []
    assert home.entry.entry_id not in str(told_of_files(home))


def told_of_files(home: Home) -> list[str]:
    """Return what is said of files that were set aside, by Home Assistant or by the integration."""
    issues = ir.async_get(home.hass).issues.values()
    return [str(issue.translation_placeholders) for issue in issues if issue.domain == DOMAIN]


async def test_every_stored_file_has_its_row(stored_home: Home) -> None:
    home = stored_home
    root = Path(home.hass.config.config_dir)
    written = {
        file
        for file in await home.hass.async_add_executor_job(lambda: [*root.rglob("*")])
        if file.is_file() and DOMAIN in str(file.relative_to(root))
    }
    rows = {path_of(home, name): name for name in STORED}
    assert written <= rows.keys()
    assert {rows[path] for path in rows.keys() - written} <= {"journal", "meter", "previous_key"}


@pytest.mark.parametrize(
    ("name", "way"), cells(name for name in STORED if name not in NOT_REPLACED)
)
async def test_a_broken_file_is_set_aside_and_never_in_the_way(
    stored_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    way: str,
) -> None:
    home = stored_home
    assert home.entry is not None
    path = path_of(home, name)
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
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert path.is_file() or name in WRITTEN_LATER
    await removed(home, caplog)


@pytest.mark.parametrize(("name", "way"), cells(STORED))
async def test_a_file_that_broke_before_the_removal_leaves_no_secret(
    stored_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    way: str,
) -> None:
    home = stored_home
    await home.hass.async_add_executor_job(damage, monkeypatch, path_of(home, name), way)
    await removed(home, caplog)


@pytest.mark.parametrize(("name", "way"), cells(sorted(NOT_REPLACED)))
async def test_a_broken_key_is_kept_and_said_until_the_user_decides(
    stored_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    way: str,
) -> None:
    home = stored_home
    assert home.entry is not None
    path = path_of(home, name)
    await home.hass.async_add_executor_job(damage, monkeypatch, path, way)
    home.hass.data.pop(DATA_KEY_STORE)
    home.hass.http.app._router.freeze = lambda: None  # type: ignore[method-assign]  # as Home Assistant itself does
    is_whole = await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert is_whole is (name == "previous_key")
    if not is_whole:
        assert home.entry.error_reason_translation_key == "key_unreadable"
    assert path.exists()
    assert not [*path.parent.glob(f"{path.name}*.unusable.*")]
    await removed(home, caplog)
    assert path.exists()


def with_values(name: str, value: object) -> bytes:
    """Return a file of states, or a journal, in which every signal has the same value: from a newer version."""
    record = {signal: [value, time.time()] for signal in SIGNALS}
    if name == "states":
        return json.dumps({"version": 1, "minor_version": 1, "data": {PEARL: record}}).encode()
    line = json.dumps({"vin": PEARL, "readings": record, "brokered_at": 0.0}).encode()
    return b"%08x %s\n" % (zlib.crc32(line), line)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(["a", "list"], id="list"),
        pytest.param(10**18, id="number", marks=REST),
        pytest.param("word", id="word", marks=REST),
    ],
)
@pytest.mark.parametrize("name", ["states", "journal"])
@pytest.mark.parametrize("what", ["set up", "remove"])
async def test_what_a_newer_version_stored_of_a_signal_is_left_out(
    stored_home: Home, caplog: pytest.LogCaptureFixture, name: str, value: object, what: str
) -> None:
    home = stored_home
    assert home.entry is not None
    path_of(home, name).write_bytes(with_values(name, value))
    if what == "set up":
        assert await home.hass.config_entries.async_setup(home.entry.entry_id)
        await home.settle()
        assert home.entry.state is ConfigEntryState.LOADED
        await home.poll()
        assert home.state("sensor", "battery_level") == "62"
        assert "Traceback" not in caplog.text
    await removed(home, caplog)


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


async def test_a_file_that_cannot_be_renamed_is_said_once(
    stored_home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home = stored_home
    assert home.entry is not None
    path = path_of(home, "telemetry")
    path.write_bytes(b"[]")
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    home.tesla.faults.status(500, "products", times=None)
    for _ in range(3):
        assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
        await home.hass.config_entries.async_unload(home.entry.entry_id)
    assert issue_of(home, "files_set_aside").translation_placeholders == {
        "files": f"- `{path.name}` → `{path.name}`",
        "detail": "it holds other data than expected; it could not be renamed: Permission denied",
    }
    assert caplog.text.count("cannot be used") == 1
    await removed(home, caplog)


async def test_certificates_from_a_clock_that_ran_ahead_are_made_again(stored_home: Home) -> None:
    home = stored_home
    assert home.entry is not None
    folder = path_of(home, "ca").parent

    def make_a_year_ahead() -> None:
        for name in ("ca", "server"):
            path_of(home, name).unlink()
        ahead = datetime.now(UTC) + timedelta(days=365)
        ensure_certificate(folder, HOME_DOMAIN, ahead, durable_file.write)

    await home.hass.async_add_executor_job(make_a_year_ahead)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    server = async_get_telemetry_server(home.hass, active_endpoints())
    assert server.certificate is not None
    assert server.certificate.not_before < datetime.now(UTC)
    said = issue_of(home, "files_set_aside").translation_placeholders
    assert said is not None
    assert "telemetry_ca.pem" in said["files"]
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


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
