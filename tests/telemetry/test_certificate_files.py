"""A receiver with the person's own certificate: cars trust it, and it is renewed under them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
import logging
from pathlib import Path
import socket
import ssl

from freezegun.api import FrozenDateTimeFactory
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.certificate import REVIEW_INTERVAL
from custom_components.tesla_charging.telemetry.server import async_get_telemetry_server
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.own_files import OwnFiles
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

CONFIGURED = "fleet_telemetry_config_jws"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnFiles:
    """A certificate as from a public authority."""
    (tmp_path / "ssl").mkdir()
    return OwnFiles(tmp_path / "ssl", monkeypatch)


def with_files(files: OwnFiles, port: int) -> TelemetrySettings:
    return replace(embedded(port), certificate_file=str(files.chain), key_file=str(files.key))


async def stream(home: Home, telemetry: TelemetrySettings) -> None:
    """Set a home up whose car connects."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", telemetry.listen_port)
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up(telemetry=telemetry)


async def connected(home: Home) -> None:
    await until(lambda: home.state("sensor", "telemetry") == "connected")


@pytest.fixture
async def streaming_home(home: Home, files: OwnFiles) -> AsyncIterator[Home]:
    """A home whose car trusts the public authority of the person's certificate, and is connected."""
    await stream(home, with_files(files, free_port()))
    await connected(home)
    yield home
    await leave(home)


async def leave(home: Home) -> None:
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


async def shown(home: Home) -> bytes:
    """Return the certificate (DER) that somebody sees who connects now."""
    port = async_get_telemetry_server(home.hass, active_endpoints()).port

    def call() -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", port), 5) as caller,
            context.wrap_socket(caller, server_hostname=HOME_DOMAIN) as wrapped,
        ):
            return wrapped.getpeercert(binary_form=True) or b""

    return await asyncio.to_thread(call)


async def review(home: Home) -> None:
    """Let the time pass after which files are looked at."""
    async_fire_time_changed(home.hass, dt_util.utcnow() + REVIEW_INTERVAL + timedelta(seconds=1))
    await home.settle()


def issue(home: Home, name: str = "telemetry_certificate_expiry") -> ir.IssueEntry | None:
    return ir.async_get(home.hass).async_get_issue(DOMAIN, name)


def told_ca(home: Home) -> str:
    """Return what the car was told to trust."""
    config = home.tesla.telemetry(PEARL).config(home.application.client_id)
    assert config is not None
    return config.ca


async def test_a_car_trusts_the_public_authority_alone(
    streaming_home: Home, files: OwnFiles
) -> None:
    assert told_ca(streaming_home).encode() == files.root.pem


async def test_a_renewed_certificate_is_shown_to_the_next_and_nobody_is_dropped(
    streaming_home: Home, files: OwnFiles
) -> None:
    home = streaming_home
    connections = home.tesla.telemetry(PEARL).counts.connections
    renewed = files.renew()
    assert await shown(home) != renewed.der
    await review(home)
    assert await shown(home) == renewed.der
    home.car.unplug()
    await until(lambda: home.state("binary_sensor", "plugged_in") == "off")
    assert home.tesla.telemetry(PEARL).counts.connections == connections
    # the CA is the same, so cars are not configured anew
    assert home.tesla.billing.count(path_contains=CONFIGURED) == 1
    home.tesla.telemetry(PEARL).disconnect()
    await until(lambda: home.tesla.telemetry(PEARL).counts.connections == connections + 1)
    await connected(home)


async def test_another_public_authority_is_told_to_the_cars(
    streaming_home: Home, files: OwnFiles
) -> None:
    home = streaming_home
    connections = home.tesla.telemetry(PEARL).counts.connections
    files.write(files.leaf(by=files.other_intermediate), files.other_intermediate)
    await review(home)
    await until(lambda: told_ca(home).encode() == files.other_root.pem)
    assert home.tesla.billing.count(path_contains=CONFIGURED) == 2
    home.tesla.telemetry(PEARL).disconnect()
    await until(lambda: home.tesla.telemetry(PEARL).counts.connections > connections)
    await connected(home)


async def test_from_a_certificate_made_here_to_the_persons_own(home: Home, files: OwnFiles) -> None:
    port = free_port()
    await stream(home, embedded(port))
    await connected(home)
    made_here = told_ca(home)
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, options=with_files(files, port).as_options()
    )
    await home.restart()
    await until(lambda: told_ca(home) != made_here)
    assert told_ca(home).encode() == files.root.pem
    await connected(home)
    await leave(home)


async def test_a_damaged_renewal_leaves_the_old_and_is_logged_once(
    streaming_home: Home, files: OwnFiles, caplog: pytest.LogCaptureFixture
) -> None:
    home = streaming_home
    before = await shown(home)
    caplog.set_level(logging.ERROR)
    files.key.write_bytes(files.leaf().key_pem)
    for _ in range(3):
        await review(home)
    assert caplog.text.count("do not belong together") == 1
    files.chain.unlink()
    for _ in range(2):
        await review(home)
    assert caplog.text.count(str(files.chain)) == 1
    assert "PRIVATE KEY" not in caplog.text
    assert await shown(home) == before
    assert issue(home) is None
    # the time that passes here may end connections, also for the car's own timers; it comes back
    await connected(home)
    renewed = files.renew()
    await review(home)
    assert await shown(home) == renewed.der


async def test_a_certificate_that_nobody_renews_is_a_repair_that_goes_away(
    home: Home, files: OwnFiles, freezer: FrozenDateTimeFactory
) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up(telemetry=with_files(files, free_port()))
    await review(home)
    assert issue(home) is None

    freezer.tick(timedelta(days=80))
    await review(home)
    found = issue(home)
    assert found is not None
    assert (found.translation_key, found.severity) == (
        "telemetry_files_expiring",
        ir.IssueSeverity.WARNING,
    )
    placeholders = found.translation_placeholders or {}
    assert placeholders["file"] == str(files.chain)
    assert placeholders["trouble"] == "-"

    # the renewal fails in the end
    files.key.write_bytes(b"no key")
    freezer.tick(timedelta(days=11))
    await review(home)
    found = issue(home)
    assert found is not None
    assert found.translation_key == "telemetry_files_expired"
    assert "holds no private key" in (found.translation_placeholders or {})["trouble"]

    files.write(files.leaf(ends=timedelta(days=900)))
    await review(home)
    assert issue(home) is None
    await leave(home)


async def test_a_receiver_that_found_no_certificate_opens_when_it_is_there(
    home: Home, files: OwnFiles, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program may put the files there only after Home Assistant has started."""
    good = files.chain.read_bytes()
    files.chain.unlink()
    await stream(home, with_files(files, free_port()))
    assert home.entry is not None
    found = issue(home, f"telemetry_{home.entry.entry_id}")
    assert found is not None
    assert found.translation_key == "telemetry_files"
    assert str(files.chain) in (found.translation_placeholders or {})["detail"]
    await review(home)
    assert caplog.text.count("Cars cannot connect") == 1
    files.chain.write_bytes(good)
    await review(home)
    await connected(home)
    assert issue(home, f"telemetry_{home.entry.entry_id}") is None
    await leave(home)


async def test_cars_come_in_by_the_persons_own_list_of_authorities(
    home: Home, files: OwnFiles
) -> None:
    port = free_port()
    bundle = files.directory / "cars.pem"
    bundle.write_bytes(files.root.pem)  # somebody else's
    await stream(home, replace(embedded(port), vehicle_ca_file=str(bundle)))
    server = async_get_telemetry_server(home.hass, active_endpoints())
    await until(lambda: server.refusals.get("certificate of no trusted CA", 0) > 0)
    assert home.state("sensor", "telemetry") != "connected"
    bundle.write_bytes(home.tesla.vehicle_ca_pem)
    await review(home)
    await connected(home)
    await leave(home)
