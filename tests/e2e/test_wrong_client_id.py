"""Somebody enters a wrong client ID: it is seen on the next try, and another one can be entered there."""

from playwright.sync_api import expect
import pytest

from devtools.home.config_entry import DOMAIN
from devtools.home.home import Home
from devtools.home.simulated_tesla import CLIENT_ID, CLIENT_SECRET, SimulatedTesla
from tests.e2e.harness import Frontend
from tests.e2e.steps import form, go_on, settle, sign_in

pytestmark = pytest.mark.browser
WRONG = "demo-clint"
OTHER = "Enter another client ID and secret"


def test_a_wrong_client_id_is_shown_and_replaced(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    home.ws(
        {
            "type": "application_credentials/create",
            "domain": DOMAIN,
            "client_id": WRONG,
            "client_secret": CLIENT_SECRET,
            "name": "Tesla",
        }
    )

    # Tesla shows an error, and Home Assistant cannot know
    begin(browser)
    with browser.context.expect_page() as opened:
        go_on(page)
    expect(opened.value.locator("body")).to_contain_text("client")
    browser.shot("1_tesla", opened.value)
    opened.value.close()

    # the second try says which client ID it is, and takes another one
    begin(browser)
    expect(form(page)).to_contain_text(f"Tesla: {WRONG}")
    settle(page)
    browser.shot("2_wrong")
    form(page).locator("ha-selector-select").first.click()
    page.get_by_text(OTHER).last.click()
    settle(page)
    browser.shot("3_another")
    go_on(page)
    credentials = page.locator("dialog-add-application-credential")
    credentials.locator("input").first.wait_for()
    for position, value in enumerate(("Tesla again", CLIENT_ID, CLIENT_SECRET)):
        credentials.locator("input").nth(position).fill(value)
    credentials.get_by_role("button", name="Add", exact=True).click()

    # the latest is proposed, and Tesla knows it
    expect(form(page)).to_contain_text(f"Tesla again: {CLIENT_ID}")
    settle(page)
    browser.shot("4_right")
    with browser.context.expect_page() as opened:
        go_on(page)
    sign_in(browser, opened.value)
    expect(page.get_by_text("3 of 5 · Domain and key")).to_be_visible()
    assert home.bad_log() == []


def begin(browser: Frontend) -> None:
    """Add the integration, as somebody who has entered a client ID before."""
    page = browser.page
    page.goto("/config/integrations/dashboard")
    page.get_by_role("button", name="Add integration").click()
    page.locator("dialog-add-integration ha-input-search input").fill("tesla charging")
    page.locator("ha-integration-list-item", has_text="Tesla Charging").click()
    expect(form(page)).to_contain_text("Tesla application")
