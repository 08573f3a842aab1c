"""Which domains can show the key, and what is seen there: real servers on loopback, TLS included."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
import ssl

from aiohttp import ClientSession, TCPConnector, web
import pytest

from custom_components.tesla_charging.fleet_api import KEY_PATH
from custom_components.tesla_charging.setup_flow.domain import (
    KeyCheck,
    RegistrationError,
    bare_domain,
    check_key,
    domain_problem,
)
from custom_components.tesla_charging.vehicle_command import VirtualKey
from tests.fleet_telemetry.pki import SERVER_AUTH, issue

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEY = VirtualKey.generate()
OTHER = VirtualKey.generate()


@asynccontextmanager
async def served(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve an answer at the key's path of a local server; give its address."""
    app = web.Application()
    app.router.add_get(KEY_PATH, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        scheme = "https" if context else "http"
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}{KEY_PATH}"
    finally:
        await runner.cleanup()


async def seen(url: str, context: ssl.SSLContext | None = None) -> KeyCheck:
    async with ClientSession(connector=TCPConnector(ssl=context or True)) as session:
        return await check_key(session, url, KEY.public_key)


def text(body: str, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status, headers=headers)

    return answer


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (text(KEY.public_pem), KeyCheck.OURS),
        (text("\n" + KEY.public_pem.replace("\n", "\r\n")), KeyCheck.OURS),
        (text(OTHER.public_pem), KeyCheck.OTHER_KEY),
        (text("<html>log in</html>"), KeyCheck.NO_KEY),
        (text("<pre>" + KEY.public_pem + "</pre>"), KeyCheck.NO_KEY),
        (text(""), KeyCheck.NO_KEY),
        (text(KEY.public_pem + " " * 10_000), KeyCheck.NO_KEY),
        (text("", 404), KeyCheck.NOT_THERE),
        (text("", 403), KeyCheck.REFUSED),
        (text("", 400), KeyCheck.REFUSED),
        (text("", 500), KeyCheck.REFUSED),
        (text("", 302, Location="https://elsewhere.example.com/"), KeyCheck.REDIRECT),
        (text("", 308, Location=KEY_PATH), KeyCheck.REDIRECT),
    ],
)
async def test_what_is_served_at_the_address(answer: Answer, expected: KeyCheck) -> None:
    async with served(answer) as url:
        assert await seen(url) is expected


@pytest.mark.usefixtures("socket_enabled")
async def test_a_certificate_that_nobody_trusts_is_told_from_silence(tmp_path: Path) -> None:
    root = issue("Somebody", ca=True)
    leaf = issue("localhost", root, hosts=("localhost",), usages=(SERVER_AUTH,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.save(tmp_path / "leaf.pem"))
    trusting = ssl.create_default_context(cadata=root.pem.decode())
    trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    async with served(text(KEY.public_pem), context) as address:
        url = address.replace("127.0.0.1", "localhost")
        assert await seen(url) is KeyCheck.BAD_CERTIFICATE
        assert await seen(url, trusting) is KeyCheck.OURS
        assert await seen(url.replace("https", "http")) is KeyCheck.NO_ANSWER
    assert await seen(url) is KeyCheck.NO_ANSWER


@pytest.mark.usefixtures("socket_enabled")
async def test_a_name_that_leads_nowhere_says_little() -> None:
    sighting = await seen(f"https://nobody.invalid{KEY_PATH}")
    assert sighting is KeyCheck.NO_NAME
    assert not sighting.is_certain
    assert KeyCheck.NO_KEY.is_certain


@pytest.mark.parametrize(
    ("domain", "here", "key"),
    [
        ("home.example.com", True, None),
        ("abc.ui.nabu.casa", True, "domain_nabu_casa"),
        ("abc.ui.nabu.casa", False, "domain_nabu_casa"),
        ("abc.trycloudflare.com", True, "domain_shared"),
        ("me.github.io", True, "domain_file_host"),
        ("me.github.io", False, None),
        ("home.duckdns.org", True, None),
    ],
)
def test_names_that_did_not_work_for_others_are_doubted(
    domain: str, here: bool, key: str | None
) -> None:
    assert domain_problem(domain, served_here=here) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("http://home.example.com", "domain_not_https"),
        ("home.example.com:8123", "domain_with_port"),
        ("https://home.example.com:8123/lovelace", "domain_with_port"),
        ("home.example.com:port", "domain_invalid"),
        ("home.example.com:99999", "domain_invalid"),
        ("homeassistant.local", "domain_private"),
        ("home.home.arpa", "domain_private"),
        ("tesla.example.com", "domain_tesla"),
        ("localhost", "domain_invalid"),
        ("192.168.1.2", "domain_ip_address"),
        ("https://[::1]", "domain_ip_address"),
        ("https://[::1", "domain_invalid"),
        ("", "domain_invalid"),
        ("  ", "domain_invalid"),
        ("a" * 64 + ".example.com", "domain_invalid"),
        ("a." * 200 + "com", "domain_invalid"),
        ("a" * 1_000_000, "domain_invalid"),
        ("-a.example.com", "domain_invalid"),
        ("home..example.com", "domain_invalid"),
        ("home_1.example.com", "domain_invalid"),
        ("bücher.example.com", "domain_invalid"),
        ("home.example.com／x", "domain_invalid"),
        ("home.example。com", "domain_invalid"),
        ("home.example.com\x00", "domain_invalid"),
        ("a b.example.com", "domain_invalid"),
        ("ftp://home.example.com", "domain_invalid"),
        ("https://me:secret@home.example.com", "domain_invalid"),
        ("home.example.com/ha", "domain_with_path"),
        ("https://home.example.com/lovelace?x=1#y", "domain_with_path"),
    ],
)
def test_a_domain_that_cannot_be_registered(text: str, key: str) -> None:
    with pytest.raises(RegistrationError) as info:
        bare_domain(text)
    assert info.value.key == key


@pytest.mark.parametrize(
    "text",
    [
        "home.example.com",
        " HOME.Example.COM ",
        "https://home.example.com",
        "https://home.example.com.",
        "https://home.example.com:443/",
    ],
)
def test_a_pasted_address_is_understood(text: str) -> None:
    assert bare_domain(text) == "home.example.com"
