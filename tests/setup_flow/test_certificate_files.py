"""Files of the person's own in the config flow: what can be wrong with them is said before a car ever sees them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
import os
from pathlib import Path
import ssl
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import translation
import pytest

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.fleet_telemetry.certificates.certificate import AUTHORITY_FILE
from custom_components.tesla_charging.telemetry import reachability
from custom_components.tesla_charging.telemetry.server import DIRECTORY, async_get_telemetry_server
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.fleet_telemetry.pki import issue
from tests.setup_flow import telemetry_pages as pages
from tests.support import flows
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.own_files import OwnFiles
from tests.support.streaming import free_port

pytestmark = pytest.mark.usefixtures("current_request_with_host", "internet")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnFiles:
    """A certificate as from a public authority."""
    (tmp_path / "ssl").mkdir()
    return OwnFiles(tmp_path / "ssl", monkeypatch)


def place(files: dict[str, str], port: int | None = None, **more: Any) -> dict[str, Any]:
    return pages.place(port or free_port(), **more) | {"certificate": files}


async def enter(home: Home, entered: dict[str, Any]) -> Any:
    return await pages.submit(home, await pages.reconfigure(home), entered)


async def words(home: Home, key: str) -> str:
    """Return what a person reads of an error."""
    texts = await translation.async_get_translations(home.hass, "en", "config", ["tesla_charging"])
    return texts[f"component.tesla_charging.config.error.{key}"]


async def test_a_certificate_of_a_public_authority_is_tried_and_used(
    polled_home: Home, files: OwnFiles
) -> None:
    home = polled_home
    step = await pages.reconfigure(home)
    section = step["data_schema"].schema["certificate"]
    assert section.options == {"collapsed": True}
    assert {str(field) for field in section.schema.schema} == {
        "certificate_file",
        "key_file",
        "vehicle_ca_file",
    }
    entered = place(files.entered())
    assert pages.done(await pages.submit(home, step, entered))
    assert home.entry is not None
    settings = TelemetrySettings.from_options(home.entry.options)
    assert (settings.certificate_file, settings.key_file) == (str(files.chain), str(files.key))
    assert settings.vehicle_ca_file == ""
    port = pages.listening(home)
    assert port == entered["inside"]["listen_port"]
    # nothing is made here when nothing is needed
    made = Path(home.hass.config.path(DIRECTORY), AUTHORITY_FILE)
    assert not made.exists()

    # what was entered is proposed the next time, in plain sight
    step = await pages.reconfigure(home)
    section = step["data_schema"].schema["certificate"]
    assert section.options == {"collapsed": False}
    proposed = {
        str(field): field.description["suggested_value"]
        for field in section.schema.schema
        if field.description
    }
    assert proposed == files.entered()
    # and may be taken back
    assert pages.done(await pages.submit(home, step, place({}, port)))
    assert TelemetrySettings.from_options(home.entry.options).files == ()
    assert made.exists()


async def test_key_and_certificate_may_be_one_file_and_a_wildcard_will_do(
    polled_home: Home, files: OwnFiles
) -> None:
    files.write(files.leaf("*.example.com"))
    files.chain.write_bytes(files.chain.read_bytes() + files.key.read_bytes())
    assert pages.done(await enter(polled_home, place({"certificate_file": f" {files.chain} "})))


async def test_an_authority_of_the_persons_own_is_the_last_of_the_chain(
    polled_home: Home, files: OwnFiles
) -> None:
    root = issue("Root of this home", ca=True)
    leaf = files.leaf(by=root)
    files.write(leaf, root)
    assert pages.done(await enter(polled_home, place(files.entered())))


def encrypted(files: OwnFiles) -> None:
    key = files.leaf().key
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )


def valid(files: OwnFiles, begins: float, ends: float) -> None:
    """Have a certificate that is valid between these hours from now."""
    files.write(files.leaf(begins=timedelta(hours=begins), ends=timedelta(hours=ends)))


def no_file(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


WRONG: dict[str, tuple[str, str, Callable[[OwnFiles], object]]] = {
    "no certificate file": ("file_missing", "chain", lambda f: f.chain.unlink()),
    "no key file": ("file_missing", "key", lambda f: f.key.unlink()),
    "a directory": ("file_missing", "key", lambda f: no_file(f.key, Path.mkdir)),
    "a pipe": ("file_missing", "chain", lambda f: no_file(f.chain, os.mkfifo)),
    "no PEM": ("certificate_not_pem", "chain", lambda f: f.chain.write_bytes(f.root.der)),
    "far too large": (
        "certificate_not_pem",
        "chain",
        lambda f: f.chain.write_bytes(b" " * 300_000),
    ),
    "no key in it": ("certificate_no_key", "key", lambda f: f.key.write_bytes(f.root.pem)),
    "a key that is too large": (
        "certificate_no_key",
        "key",
        lambda f: f.key.write_bytes(b" " * 300_000),
    ),
    "a key with a password": ("certificate_key_encrypted", "key", encrypted),
    "the key of another": (
        "certificate_key_mismatch",
        "key",
        lambda f: f.key.write_bytes(f.leaf().key_pem),
    ),
    "another host": (
        "certificate_wrong_hostname",
        "chain",
        lambda f: f.write(f.leaf(f"www.{HOME_DOMAIN}")),
    ),
    "a wildcard for another level": (
        "certificate_wrong_hostname",
        "chain",
        lambda f: f.write(f.leaf(f"*.{HOME_DOMAIN}")),
    ),
    "over": ("certificate_expired", "chain", lambda f: valid(f, -9, -1)),
    "not yet": ("certificate_not_yet_valid", "chain", lambda f: valid(f, 1, 9)),
    "for clients": (
        "certificate_not_for_servers",
        "chain",
        lambda f: f.write(f.leaf(usages=(ExtendedKeyUsageOID.CLIENT_AUTH,))),
    ),
    "signed by itself": (
        "certificate_self_signed",
        "chain",
        lambda f: f.write(issue(HOME_DOMAIN, hosts=(HOME_DOMAIN,))),
    ),
    "without its intermediate": (
        "certificate_incomplete",
        "chain",
        lambda f: f.chain.write_bytes(f.chain.read_bytes().replace(f.intermediate.pem, b"")),
    ),
    "of an unknown authority": (
        "certificate_incomplete",
        "chain",
        lambda f: f.write(f.leaf(by=(i := issue("I", issue("R", ca=True), ca=True))), i),
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_with_a_file_is_said(
    polled_home: Home, files: OwnFiles, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    home, (error, blamed, spoil) = polled_home, WRONG[case]
    spoil(files)
    entered = place(files.entered())
    step = await enter(home, entered)
    assert step["errors"] == {"certificate": error}
    # the page is shown with the section open, which the error belongs to
    assert step["data_schema"].schema["certificate"].options == {"collapsed": False}
    assert step["description_placeholders"]["detail"] == str(getattr(files, blamed))
    assert "{detail}" in await words(home, error)
    assert not pages.is_open(entered["inside"]["listen_port"])
    assert "PRIVATE KEY" not in caplog.text
    # insisting does not help, a repaired file does
    step = await pages.submit(home, step, entered)
    assert step["errors"] == {"certificate": error}
    for path in (files.chain, files.key):
        if path.exists() and not path.is_file():
            path.rmdir() if path.is_dir() else path.unlink()
    files.renew()
    assert pages.done(await pages.submit(home, step, entered))


@pytest.mark.parametrize("name", ["fullchain.pem", "ssl/fullchain.pem", "/ssl/full\0chain.pem"])
async def test_only_a_whole_path_is_a_path(polled_home: Home, files: OwnFiles, name: str) -> None:
    step = await enter(polled_home, place(files.entered(certificate_file=name)))
    assert step["errors"] == {"certificate": "file_missing"}


async def test_a_file_that_may_not_be_read(
    polled_home: Home, files: OwnFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    # whoever runs the tests may be allowed to read everything
    real = Path.open

    def guarded(path: Path, *args: Any, **options: Any) -> Any:
        if path == files.key:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(Path, "open", guarded)
    step = await enter(polled_home, place(files.entered()))
    assert step["errors"] == {"certificate": "file_denied"}
    assert step["description_placeholders"]["detail"] == str(files.key)


async def test_a_key_alone_is_nothing(polled_home: Home, files: OwnFiles) -> None:
    step = await enter(polled_home, place({"key_file": str(files.key)}))
    assert step["errors"] == {"certificate": "certificate_alone"}


# -- the authorities of the cars ---------------------------------------------------------------------------


async def test_the_persons_authorities_of_the_cars_need_no_download(
    home: Home, files: OwnFiles
) -> None:
    """They are trusted as they are: none of them is among the pinned ones."""
    home.add_car(PEARL, "Pearl")
    bundle = files.directory / "cars.pem"
    bundle.write_bytes(files.root.pem)
    nothing = replace(
        active_endpoints(),
        vehicle_ca_url=f"{home.tesla.base_url}/_sim/nothing.pem",
        vehicle_ca_pinned=True,
    )
    async_get_telemetry_server(home.hass, nothing)
    await home.set_up()
    step = await enter(home, place({}))
    assert step["errors"] == {"base": "telemetry_no_vehicle_ca"}
    assert pages.done(await pages.submit(home, step, place({"vehicle_ca_file": str(bundle)})))
    assert "trusted as it is" in await hint(home, "vehicle_ca_file")


async def hint(home: Home, field: str) -> str:
    texts = await translation.async_get_translations(home.hass, "en", "config", ["tesla_charging"])
    step = "component.tesla_charging.config.step.telemetry_embedded"
    return texts[f"{step}.sections.certificate.data_description.{field}"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "file_missing"),
        (b"", "vehicle_ca_unusable"),
        (b"not PEM", "vehicle_ca_unusable"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "vehicle_ca_unusable",
        ),
        (b" " * 300_000, "vehicle_ca_unusable"),
    ],
)
async def test_a_file_without_authorities_is_said(
    polled_home: Home, files: OwnFiles, content: bytes | None, error: str
) -> None:
    bundle = files.directory / "cars.pem"
    if content is not None:
        bundle.write_bytes(content)
    step = await enter(polled_home, place({"vehicle_ca_file": str(bundle)}))
    assert step["errors"] == {"certificate": error}
    assert step["description_placeholders"]["detail"] == str(bundle)


# -- who answers -------------------------------------------------------------------------------------------


async def test_a_web_server_with_the_same_certificate_is_somebody_else(
    polled_home: Home, files: OwnFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "TIMEOUT", 1.0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    with pages.somebody_with_tls(context) as public:
        entered = place(files.entered(), public=public)
        step = await enter(polled_home, entered)
        assert step["errors"] == {"base": "reach_foreign"}


async def test_another_certificate_of_the_same_authority_is_somebody_else(
    polled_home: Home, files: OwnFiles
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    context.verify_mode = ssl.CERT_REQUIRED
    files.renew()
    with pages.somebody_with_tls(context) as public:
        step = await enter(polled_home, place(files.entered(), public=public))
        assert step["errors"] == {"base": "reach_foreign"}


@pytest.mark.parametrize("inside", ["192.168.1.10", "10.0.0.4", "127.0.1.1", "100.64.0.9"])
async def test_a_name_that_leads_inside_says_nothing_about_the_router(
    polled_home: Home, internet: dict[str, str], inside: str
) -> None:
    home = polled_home
    internet[HOME_DOMAIN] = inside
    entered = place({})
    step = await enter(home, entered)
    assert step["errors"] == {"base": "reach_inside"}
    assert step["description_placeholders"]["detail"] == f"{HOME_DOMAIN}:{entered['port']}"
    assert "private address" in await words(home, "reach_inside")
    assert pages.done(await pages.submit(home, step, entered))


# -- several entries, and a receiver that is open ----------------------------------------------------------


async def test_other_files_are_tried_while_the_receiver_shows_its_certificate(
    polled_home: Home, files: OwnFiles
) -> None:
    home, port = polled_home, free_port()
    assert pages.done(await enter(home, place({}, port)))
    good = files.key.read_bytes()
    files.key.write_bytes(files.leaf().key_pem)
    step = await enter(home, place(files.entered(), port))
    assert step["errors"] == {"certificate": "certificate_key_mismatch"}
    assert pages.listening(home) == port
    files.key.write_bytes(good)
    assert pages.done(await pages.submit(home, step, place(files.entered(), port)))
    assert shown(home) == "own files"


def shown(home: Home) -> str:
    server = async_get_telemetry_server(home.hass, active_endpoints())
    assert server.certificate is not None
    return "made here" if server.certificate.own else "own files"


async def test_all_entries_share_one_certificate(
    polled_home: Home, files: OwnFiles, front_door: None
) -> None:
    home, port = polled_home, free_port()
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    assert pages.done(await enter(home, place(files.entered(), port)))
    other = home.tesla.add_account("else@example.com", region="eu")
    neighbour = replace(home, account=other, cars={})
    neighbour.add_car("5YJ3E1EA8NF000202", "Midnight")
    step = await flows.submit(neighbour, await flows.up_to_domain(neighbour), domain=HOME_DOMAIN)
    step = await flows.choose(neighbour, step, "telemetry_embedded")
    # the first one's place is proposed
    assert pages.fields(step)["listen_port"].default() == port
    assert pages.fields(step)["certificate_file"].description["suggested_value"]

    step = await pages.submit(neighbour, step, place({}, port))
    assert step["errors"] == {"base": "telemetry_other_place"}
    step = await pages.submit(neighbour, step, place(files.entered(), port))
    assert step["type"] is FlowResultType.CREATE_ENTRY
    assert pages.listening(home) == port


# -- options -----------------------------------------------------------------------------------------------


def test_options_keep_the_files_and_old_options_have_none() -> None:
    settings = TelemetrySettings(
        Transport.EMBEDDED, HOME_DOMAIN, 443, 8443, "", "telemetry", "/ssl/a", "/ssl/b", "/ssl/c"
    )
    assert TelemetrySettings.from_options(settings.as_options()) == settings
    old = {"telemetry": {"road": "embedded", "hostname": HOME_DOMAIN, "port": 443}}
    assert TelemetrySettings.from_options(old) == TelemetrySettings(
        Transport.EMBEDDED, HOME_DOMAIN, 443
    )
