"""The browser steps: signing in, giving, reusing, changing and taking back consent."""

from typing import Any

import pytest

from .browser import Browser, Page
from .tokens import claims
from .world import REDIRECT, World

SCOPES = "openid offline_access vehicle_device_data vehicle_charging_cmds"


@pytest.fixture
def browser(world: World) -> Browser:
    world.account.consents.clear()
    return Browser(world.http)


async def link(world: World, browser: Browser, **changes: str) -> Page:
    query = {
        "response_type": "code",
        "client_id": "client-1",
        "redirect_uri": REDIRECT,
        "scope": SCOPES,
        "state": "state-1",
    }
    url = f"{world.tesla.auth_url}/oauth2/v3/authorize"
    wanted = {name: value for name, value in (query | changes).items() if value}
    return await browser.open(url, **wanted)


async def granted(world: World, page: Page) -> list[str]:
    """Exchange the code of a redirect and return the token's scopes."""
    assert page.status == 302, page.text
    assert page.location.startswith(REDIRECT + "?")
    assert page.query["state"] == "state-1"
    answer = await world.token(
        grant_type="authorization_code",
        client_id="client-1",
        client_secret="secret-1",
        code=page.query["code"],
        redirect_uri=REDIRECT,
        audience=world.tesla.region_url("eu"),
    )
    assert answer.status == 200, answer.text
    scopes: list[str] = claims(answer.body["access_token"])["scp"]
    return scopes


async def test_a_person_signs_in_and_allows(world: World, browser: Browser) -> None:
    page = await link(world, browser)
    assert {"email", "password", "signin"} <= page.ids
    assert "driver@example.com" in page.text
    page = await browser.sign_in(page)
    assert {"approve", "deny"} <= page.ids
    page = await browser.press(page, "approve")
    assert page.query["code"].startswith("EU_")
    assert await granted(world, page) == sorted(SCOPES.split())


async def test_it_works_without_cookies(world: World, browser: Browser) -> None:
    page = await browser.sign_in(await link(world, browser))
    world.http.cookie_jar.clear()
    assert await granted(world, await browser.press(page, "approve"))


async def test_a_wrong_password_gets_no_further(world: World, browser: Browser) -> None:
    page = await browser.sign_in(await link(world, browser), password="guess")
    assert page.status == 401
    assert {"error", "signin"} <= page.ids
    assert await granted(world, await browser.press(await browser.sign_in(page), "approve"))


async def test_denying_is_told_to_the_application(world: World, browser: Browser) -> None:
    page = await browser.press(await browser.sign_in(await link(world, browser)), "deny")
    assert page.query == {"error": "access_denied", "state": "state-1"}
    assert not world.account.consents


async def test_a_person_can_allow_less_than_was_asked(world: World, browser: Browser) -> None:
    page = await browser.sign_in(await link(world, browser))
    boxes = page.form_with("approve").boxes
    assert boxes["openid"] == boxes["offline_access"] == (True, True)
    assert boxes["vehicle_device_data"] == (True, False)
    page = await browser.press(page, "approve", untick=frozenset({"vehicle_device_data"}))
    assert await granted(world, page) == ["offline_access", "openid", "vehicle_charging_cmds"]


async def test_required_scopes_cannot_be_unticked(world: World, browser: Browser) -> None:
    page = await browser.sign_in(await link(world, browser, require_requested_scopes="true"))
    assert set(page.form_with("approve").boxes.values()) == {(True, True)}
    page = await browser.press(page, "approve")
    assert await granted(world, page) == sorted(SCOPES.split())


async def test_an_existing_consent_is_reused_and_drops_new_scopes(
    world: World, browser: Browser
) -> None:
    await browser.press(await browser.sign_in(await link(world, browser)), "approve")
    page = await link(world, browser, scope=SCOPES + " vehicle_location")
    assert await granted(world, page) == sorted(SCOPES.split())


async def test_missing_scopes_are_asked_for_if_the_link_says_so(
    world: World, browser: Browser
) -> None:
    await browser.press(await browser.sign_in(await link(world, browser)), "approve")
    more = SCOPES + " vehicle_location"
    page = await link(world, browser, scope=more, prompt_missing_scopes="true")
    page = await browser.press(page, "approve")
    assert await granted(world, page) == sorted(more.split())
    # Nothing is missing now, so nothing is asked.
    page = await link(world, browser, scope=more, prompt_missing_scopes="true")
    assert page.status == 302


async def test_asking_for_less_keeps_the_rest_of_the_consent(
    world: World, browser: Browser
) -> None:
    await browser.press(await browser.sign_in(await link(world, browser)), "approve")
    assert await granted(world, await link(world, browser, scope="openid")) == ["openid"]
    assert world.account.consents["client-1"] == frozenset(SCOPES.split())


async def test_prompt_login_shows_the_form_again(world: World, browser: Browser) -> None:
    await browser.press(await browser.sign_in(await link(world, browser)), "approve")
    page = await link(world, browser, prompt="login")
    assert "signin" in page.ids
    assert await granted(world, await browser.sign_in(page))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": "https://example.com/elsewhere"},
        {"response_type": "token"},
        {"state": ""},
        {"scope": ""},
        {"scope": "vehicle_cmds"},
        {"scope": "openid everything"},
    ],
)
async def test_a_broken_link_goes_nowhere(
    world: World, browser: Browser, changes: dict[str, str]
) -> None:
    page = await link(world, browser, **changes)
    assert page.status == 400
    assert not page.location


async def test_what_a_link_carries_is_escaped(world: World, browser: Browser) -> None:
    page = await link(world, browser, state='"><script>alert(1)</script>')
    assert "<script>alert" not in page.text


async def test_consent_needs_a_session(world: World, browser: Browser) -> None:
    url = f"{world.tesla.auth_url}/oauth2/v3/authorize"
    form: dict[str, Any] = {
        "response_type": "code",
        "client_id": "client-1",
        "redirect_uri": REDIRECT,
        "requested": SCOPES,
        "state": "s",
        "step": "consent",
        "decision": "approve",
    }
    answer = await world.request("POST", url, data=form, allow_redirects=False)
    assert answer.status == 200
    assert 'id="signin"' in answer.text


async def test_a_person_takes_the_consent_back(world: World, browser: Browser) -> None:
    world.sign_in()
    url = f"{world.tesla.auth_url}/user/revoke/consent"
    page = await browser.open(
        url, revoke_client_id="client-1", back_url="https://home.example.com/"
    )
    page = await browser.sign_in(page)
    page = await browser.press(page, "revoke")
    assert "back" in page.ids
    assert (await world.api("GET", "vehicles")).error == "user revoked the consent"


async def test_a_person_takes_one_scope_back(world: World, browser: Browser) -> None:
    world.sign_in()
    url = f"{world.tesla.auth_url}/user/revoke/consent"
    page = await browser.sign_in(await browser.open(url, revoke_client_id="client-1"))
    await browser.press(page, "save", untick=frozenset({"vehicle_device_data"}))
    assert (await world.api("GET", "vehicles")).status == 403


async def test_a_back_link_is_a_web_address(world: World, browser: Browser) -> None:
    url = f"{world.tesla.auth_url}/user/revoke/consent"
    page = await browser.open(url, revoke_client_id="client-1", back_url="javascript:alert(1)")
    assert "back" not in (await browser.sign_in(page)).ids
