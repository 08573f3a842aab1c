"""The steps of the config flow about telemetry, and reconfiguring: what is asked, tried out, said and kept."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
import ssl
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.fleet_telemetry import ensure_certificate
from custom_components.tesla_charging.storage import durable_file
from custom_components.tesla_charging.telemetry import reachability
from custom_components.tesla_charging.telemetry.server import DIRECTORY, async_get_telemetry_server
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.setup_flow.telemetry_pages import (
    done,
    fields,
    is_open,
    listening,
    place,
    reconfigure,
    somebody,
    somebody_with_tls,
    submit,
)
from tests.support import flows
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.repairs import told
from tests.support.streaming import free_port

pytestmark = pytest.mark.usefixtures("current_request_with_host", "internet")


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def speaks_plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


# -- setting up --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("front_door")
async def test_a_home_that_can_be_reached_is_set_up_at_once(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.application.registrations.clear()
    Path(home.hass.config.path("tesla_charging.key")).write_bytes(home.key.private_pem())
    step = await flows.submit(home, await flows.up_to_domain(home), domain=HOME_DOMAIN)
    step = await flows.choose(home, step, "telemetry_embedded")
    assert (step["step_id"], step["errors"]) == ("telemetry_embedded", {})
    shown = fields(step)
    assert shown["hostname"].default() == HOME_DOMAIN
    assert shown["port"].default() == shown["listen_port"].default() == 8443

    port = free_port()
    assert not is_open(port)
    result = await submit(home, step, place(port))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert TelemetrySettings.from_options(entry.options) == TelemetrySettings(
        Transport.EMBEDDED, HOME_DOMAIN, port, port, "127.0.0.1"
    )
    assert listening(home) == port
    assert await home.hass.config_entries.async_remove(entry.entry_id)
    assert not is_open(port)


@pytest.mark.usefixtures("front_door")
async def test_the_menu_tells_the_cost_and_polling_is_one_click(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    Path(home.hass.config.path("tesla_charging.key")).write_bytes(home.key.private_pem())
    step = await flows.submit(home, await flows.up_to_domain(home), domain=HOME_DOMAIN)
    words = step["description_placeholders"]
    assert (words["pushed_cost"], words["polled_cost"], words["credit"]) == (
        "1 EUR",
        "3 EUR",
        "10 EUR",
    )
    result = await flows.choose(home, step, "telemetry_polling")
    assert TelemetrySettings.from_options(result["result"].options).transport is Transport.POLLING
    assert listening(home) == 0


async def test_an_abandoned_flow_leaves_nothing_open(polled_home: Home) -> None:
    home, port = polled_home, free_port()
    step = await submit(home, await reconfigure(home), place(port, public=free_port()))
    assert step["errors"] == {"base": "reach_refused"}
    assert not is_open(port)
    flows.leave(home, step)
    assert listening(home) == 0


# -- what the try-out finds --------------------------------------------------------------------------------


async def test_a_home_that_cannot_be_seen_from_inside_may_be_insisted_on(polled_home: Home) -> None:
    home = polled_home
    entered = place(free_port(), public=free_port())
    step = await submit(home, await reconfigure(home), entered)
    assert step["errors"] == {"base": "reach_refused"}
    assert step["description_placeholders"]["detail"] == f"{HOME_DOMAIN}:{entered['port']}"
    # something else than was tried is tried first
    changed = entered | {"port": free_port()}
    step = await submit(home, step, changed)
    assert step["errors"] == {"base": "reach_refused"}
    step = await submit(home, step, entered)
    assert step["errors"] == {"base": "reach_refused"}
    assert done(await submit(home, step, entered))
    assert listening(home) == entered["inside"]["listen_port"]


async def test_a_name_without_an_address(polled_home: Home) -> None:
    home = polled_home
    entered = place(free_port(), hostname=f"Nowhere.{HOME_DOMAIN}")
    step = await submit(home, await reconfigure(home), entered)
    assert step["errors"] == {"base": "reach_no_name"}
    assert done(await submit(home, step, entered))


async def test_a_port_that_swallows_everything(
    polled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = polled_home
    monkeypatch.setattr(reachability, "TIMEOUT", 0.3)
    async with somebody(says_nothing) as public:
        entered = place(free_port(), public=public)
        step = await submit(home, await reconfigure(home), entered)
        assert step["errors"] == {"base": "reach_silent"}
        assert not is_open(entered["inside"]["listen_port"])
    assert done(await submit(home, step, entered))


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_somebody_with_another_certificate(
    polled_home: Home, tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    home = polled_home
    other = ensure_certificate(
        tmp_path / "other", HOME_DOMAIN, datetime.now(UTC), durable_file.write
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.load_cert_chain(other.chain)
    with somebody_with_tls(context) as public:
        entered = place(free_port(), public=public)
        step = await submit(home, await reconfigure(home), entered)
        assert step["errors"] == {"base": "reach_foreign"}
        assert done(await submit(home, step, entered))


async def test_somebody_who_speaks_no_tls(polled_home: Home) -> None:
    home = polled_home
    async with somebody(speaks_plain_http) as public:
        step = await submit(home, await reconfigure(home), place(free_port(), public=public))
        assert step["errors"] == {"base": "reach_foreign"}


async def test_a_taken_port_has_to_be_changed(polled_home: Home) -> None:
    home = polled_home
    async with somebody(says_nothing) as taken:
        step = await reconfigure(home)
        for _ in range(2):
            step = await submit(home, step, place(taken))
            assert step["errors"] == {"inside": "telemetry_port"}
            said = step["description_placeholders"]
            assert said["detail"] == "Address already in use"
            # the router is to forward to the port that was entered
            assert said["listen_port"] == str(taken)
    assert done(await submit(home, step, place(taken)))
    assert listening(home) == taken


@pytest.mark.parametrize(
    ("entered", "errors"),
    [
        ({"hostname": "home"}, {"hostname": "hostname_invalid"}),
        ({"hostname": "https://home.example.com"}, {"hostname": "hostname_invalid"}),
        ({"hostname": "home.example.org"}, {"hostname": "hostname_foreign"}),
        (
            {"inside": {"listen_port": 8443, "listen_host": "localhost"}},
            {"inside": "listen_host_invalid"},
        ),
        *(({"port": port}, {"port": "port_invalid"}) for port in (0, -1, 99999, 8443.5, 1e300)),
        *(
            (
                {"inside": {"listen_port": port, "listen_host": "127.0.0.1"}},
                {"inside": "port_invalid"},
            )
            for port in (0, 65536, 0.5)
        ),
    ],
)
async def test_what_cannot_work_is_said_without_trying(
    polled_home: Home, entered: dict[str, Any], errors: dict[str, str]
) -> None:
    step = await submit(polled_home, await reconfigure(polled_home), place(8443) | entered)
    assert step["errors"] == errors
    assert not Path(polled_home.hass.config.path(DIRECTORY)).exists()


async def test_a_damaged_certificate_is_set_aside_and_said(polled_home: Home) -> None:
    home = polled_home
    folder = Path(home.hass.config.path(DIRECTORY))
    folder.mkdir()
    (folder / "telemetry_ca.pem").write_text("damaged")
    assert done(await submit(home, await reconfigure(home), place(free_port())))
    assert len([*folder.glob("telemetry_ca.pem.unusable.*")]) == 1
    assert "files_set_aside" in told(home)


async def test_the_cars_authorities_cannot_be_downloaded(home: Home) -> None:
    nothing = replace(active_endpoints(), vehicle_ca_url=f"{home.tesla.base_url}/_sim/nothing.pem")
    async_get_telemetry_server(home.hass, nothing)
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    step = await submit(home, await reconfigure(home), place(free_port()))
    assert step["errors"] == {"base": "telemetry_no_vehicle_ca"}


# -- reconfiguring -----------------------------------------------------------------------------------------


async def test_reconfiguring_keeps_the_entry_the_entities_and_their_ids(polled_home: Home) -> None:
    home = polled_home
    assert home.entry is not None
    registry = er.async_get(home.hass)
    registry.async_update_entity(
        home.entity_id("sensor", "battery_level"), new_entity_id="sensor.my_own_name"
    )

    def entities() -> set[tuple[str, str, str]]:
        assert home.entry is not None
        return {
            (row.id, row.entity_id, row.unique_id)
            for row in er.async_entries_for_config_entry(registry, home.entry.entry_id)
        }

    before, data, device = entities(), dict(home.entry.data), home.device_id()
    port = free_port()
    assert done(await submit(home, await reconfigure(home), place(port)))
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.state("sensor", "telemetry") != "off"
    assert listening(home) == port
    assert (entities(), dict(home.entry.data), home.device_id()) == (before, data, device)

    # what was entered is proposed the next time
    step = await reconfigure(home)
    shown = fields(step)
    assert shown["listen_port"].default() == port
    assert shown["listen_host"].description == {"suggested_value": "127.0.0.1"}
    flows.leave(home, step)

    assert done(await reconfigure(home, "telemetry_polling"))
    await home.settle()
    assert home.state("sensor", "telemetry") == "off"
    assert listening(home) == 0
    assert (entities(), dict(home.entry.data), home.device_id()) == (before, data, device)


async def test_an_open_receiver_is_tried_as_it_is_and_moved_only_on_success(
    polled_home: Home,
) -> None:
    home, first, second = polled_home, free_port(), free_port()
    assert done(await submit(home, await reconfigure(home), place(first)))
    # the same again
    assert done(await submit(home, await reconfigure(home), place(first)))
    # another name at the same port
    moved = place(first, hostname=f"cars.{HOME_DOMAIN}")
    assert done(await submit(home, await reconfigure(home), moved))
    # another port, which somebody has; then a free one
    async with somebody(says_nothing) as taken:
        step = await submit(home, await reconfigure(home), place(taken))
        assert step["errors"] == {"inside": "telemetry_port"}
        assert listening(home) == first
    assert done(await submit(home, step, place(second)))
    assert listening(home) == second
    assert not is_open(first)


async def test_all_entries_share_one_place(polled_home: Home, front_door: None) -> None:
    home, port = polled_home, free_port()
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    assert done(await submit(home, await reconfigure(home), place(port)))
    assert listening(home) == port
    other = home.tesla.add_account("else@example.com", region="eu")
    neighbour = replace(home, account=other, cars={})
    neighbour.add_car("5YJ3E1EA8NF000202", "Midnight")
    step = await flows.submit(neighbour, await flows.up_to_domain(neighbour), domain=HOME_DOMAIN)
    step = await flows.choose(neighbour, step, "telemetry_embedded")
    step = await submit(neighbour, step, place(free_port()))
    assert step["errors"] == {"base": "telemetry_other_place"}
    step = await submit(neighbour, step, place(port))
    assert step["type"] is FlowResultType.CREATE_ENTRY
    assert listening(home) == port
