"""The pages of the config flow, as a person walks through them."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from homeassistant import config_entries
from homeassistant.const import CONF_SOURCE
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_entry_oauth2_flow

from custom_components.tesla_charging.const import DOMAIN
from simulator import Account
from tests.simulator.browser import Browser
from tests.support.home import HOME_DOMAIN, REDIRECT_URI, Home

type Step = Any
"""A step of the flow, as Home Assistant returns it."""

KEY_URL = "/.well-known/appspecific/com.tesla.3p.public-key.pem"


async def start(home: Home) -> Step:
    return await home.hass.config_entries.flow.async_init(
        DOMAIN, context={CONF_SOURCE: config_entries.SOURCE_USER}
    )


async def options(home: Home, entry: config_entries.ConfigEntry | None = None) -> Step:
    """Open the options of an entry."""
    entry = entry or home.entry
    assert entry is not None
    return await home.hass.config_entries.options.async_init(entry.entry_id)


def manager_of(home: Home, result: Step) -> Any:
    """Return the manager of the config flow, or of the options flow, to which a step belongs."""
    managers = home.hass.config_entries.options, home.hass.config_entries.flow
    flow_id = result["flow_id"]
    known = (
        one for one in managers if flow_id in {flow["flow_id"] for flow in one.async_progress(True)}
    )
    return next(known, managers[1])


async def configure(home: Home, result: Step, data: dict[str, Any]) -> Step:
    return await manager_of(home, result).async_configure(result["flow_id"], data)


def leave(home: Home, result: Step) -> None:
    """Close the dialog."""
    manager_of(home, result).async_abort(result["flow_id"])


def is_changed(result: Step) -> bool:
    """Return whether a flow has changed an entry: its data, or its options."""
    return result["type"] is FlowResultType.CREATE_ENTRY or (
        result["type"] is FlowResultType.ABORT and result["reason"] == "reconfigure_successful"
    )


async def submit(home: Home, result: Step, **data: Any) -> Step:
    return await configure(home, result, data)


async def sign_in(
    home: Home,
    result: Step,
    *,
    account: Account | None = None,
    grant: set[str] | None = None,
) -> Step:
    """Be the person at Tesla's page: grant what is asked (or less) and come back with a code."""
    assert result["type"] is FlowResultType.EXTERNAL_STEP, result
    asked = set(parse_qs(urlsplit(result["url"]).query)["scope"][0].split())
    person = account or home.account
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        browser = Browser(session)
        page = await browser.open(result["url"])
        page = await browser.press(page, "signin", email=person.email, password=person.password)
        if "approve" in page.ids:
            untick = frozenset(asked - grant if grant is not None else ())
            page = await browser.press(page, "approve", untick=untick)
    assert page.location.startswith(REDIRECT_URI), page.text
    result = await home.hass.config_entries.flow.async_configure(
        result["flow_id"],
        {
            "state": config_entry_oauth2_flow._decode_jwt(home.hass, page.query["state"]),
            "code": page.query["code"],
        },
    )
    assert result["type"] is FlowResultType.EXTERNAL_STEP_DONE, result
    return await home.hass.config_entries.flow.async_configure(result["flow_id"])


async def pick(home: Home, result: Step, choice: str) -> Step:
    """Choose from a menu."""
    assert result["type"] is FlowResultType.MENU, result
    assert choice in result["menu_options"], result
    return await configure(home, result, {"next_step_id": choice})


async def choose(home: Home, result: Step, choice: str = "telemetry_polling") -> Step:
    """Choose how data come from the car."""
    if result["step_id"] == "init":
        result = await pick(home, result, "telemetry")
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "telemetry"), result
    return await configure(home, result, {"next_step_id": choice})


async def check(home: Home, result: Step) -> Step:
    """Press Submit on the page of a car, and wait until Tesla was asked often enough."""
    assert result["step_id"] == "pair", result
    result = await submit(home, result, later=False)
    if (
        result["type"] is not FlowResultType.SHOW_PROGRESS
    ):  # it was paired already, or could not be asked
        return result
    assert result["step_id"] == "pairing", result
    await home.settle()
    return await home.hass.config_entries.flow.async_configure(result["flow_id"])


async def up_to_domain(home: Home) -> Step:
    result = await start(home)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    return await sign_in(home, await submit(home, result, location=False))


def told(result: Step) -> dict[str, str]:
    """Return what Home Assistant's last page tells of cars for which something is left to do."""
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    words = result["description_placeholders"]
    return {kind: words[kind] for kind in (result["description"] or "").split("_") if kind}


async def served_key(home: Home) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(home.tesla.dns[HOME_DOMAIN] + KEY_URL) as response,
    ):
        return response.status, await response.text()
