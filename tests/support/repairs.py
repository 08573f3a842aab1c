"""Being the person who opens Home Assistant's repairs and submits what they show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.const import DOMAIN
from tests.support.flows import KEY_URL
from tests.support.home import HOME_DOMAIN, Home

type Page = dict[str, Any]
"""A step of a fix flow, as the frontend gets it."""

SIMULATOR = "simulator"
"""The id of the issue that is open in every test, because all of them talk to a simulated Tesla."""
URL = "/api/repairs/issues/fix"


def told(home: Home) -> set[str]:
    """Return what the owner is being told of, by the translation keys of the open issues."""
    return {
        str(issue.translation_key)
        for issue in ir.async_get(home.hass).issues.values()
        if issue.domain == DOMAIN and issue.active and issue.issue_id != SIMULATOR
    }


def issue_of(home: Home, key: str) -> ir.IssueEntry:
    """Return the one open issue of a kind."""
    (issue,) = (
        issue
        for issue in ir.async_get(home.hass).issues.values()
        if issue.domain == DOMAIN and issue.active and issue.translation_key == key
    )
    return issue


class Owner:
    """A signed-in person with the repairs page open."""

    def __init__(self, home: Home, client: TestClient[Any, Any]) -> None:
        self.home = home
        self.client = client

    async def opens(self, key: str) -> Page:
        """Open the issue of a kind and return the first page."""
        issue_id = issue_of(self.home, key).issue_id
        answer = await self.client.post(URL, json={"handler": DOMAIN, "issue_id": issue_id})
        assert answer.status == 200, await answer.text()
        page: Page = await answer.json()
        return page

    async def submits(self, page: Page, **entered: Any) -> Page:
        """Submit a page and return the next one."""
        answer = await self.client.post(f"{URL}/{page['flow_id']}", json=entered)
        assert answer.status == 200, await answer.text()
        await self.home.settle()
        following: Page = await answer.json()
        return following


async def owner_of(home: Home, hass_client: Any) -> Owner:
    """Return the owner; the home's domain leads to this Home Assistant's own web server."""
    assert await async_setup_component(home.hass, "repairs", {})
    client = await hass_client()
    home.tesla.dns[HOME_DOMAIN] = str(client.make_url("")).rstrip("/")
    return Owner(home, client)


@asynccontextmanager
async def serving(home: Home, text: str, status: int = 200) -> AsyncIterator[None]:
    """Let somebody else answer at the home's domain."""

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    app = web.Application()
    app.router.add_get(KEY_URL, serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    before = home.tesla.dns.get(HOME_DOMAIN)
    home.tesla.dns[HOME_DOMAIN] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        home.tesla.dns.pop(HOME_DOMAIN)
        if before:
            home.tesla.dns[HOME_DOMAIN] = before
        await runner.cleanup()


async def hours(home: Home, count: int) -> None:
    """Let the domain be looked at."""
    for _ in range(count):
        async_fire_time_changed(home.hass, fire_all=True)
        await home.settle()
