"""Somebody enters a wrong client secret: Tesla refuses the sign-in, and the page says what to do."""

from playwright.sync_api import expect
import pytest

from devtools.home.home import Home
from tests.e2e.harness import Frontend
from tests.e2e.steps import add_integration, go_on, settle, sign_in

pytestmark = pytest.mark.browser


def test_a_wrong_client_secret_says_what_to_do(home: Home, browser: Frontend) -> None:
    page = browser.page
    add_integration(browser, secret="made anew at Tesla")
    settle(page)
    browser.shot("02_sign_in")
    with browser.context.expect_page() as opened:
        go_on(page)
    sign_in(browser, opened.value)
    expect(page.locator("step-flow-abort")).to_contain_text("Most likely the secret is wrong")
    settle(page)
    browser.shot("1_refused")
    # Home Assistant's own line; nothing of ours
    assert all("Error resolving OAuth token" in line for line in home.bad_log())
