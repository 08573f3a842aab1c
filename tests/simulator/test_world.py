"""The rest of the internet, as a domain's name leads there."""

import aiohttp
import pytest

from .world import DOMAIN, KEY_PATH, KeyHost, World


async def test_what_a_domain_serves_is_seen_from_outside(world: World, key_host: KeyHost) -> None:
    url = f"{world.tesla.base_url}/_sim/world/{DOMAIN}{KEY_PATH}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert (answer.status, await answer.read()) == (200, key_host.body)
        key_host.status, key_host.headers = 302, {"Location": "https://example.com/"}
        async with session.get(url, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "https://example.com/")


@pytest.mark.parametrize("lead", [None, "http://127.0.0.1:1"])
async def test_a_name_that_leads_nowhere_gets_no_answer(world: World, lead: str | None) -> None:
    if lead is not None:
        world.tesla.dns["nobody.example.com"] = lead
    url = f"{world.tesla.base_url}/_sim/world/nobody.example.com{KEY_PATH}"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(url)
