"""The integration in the list of those that can be added."""

from playwright.sync_api import expect
import pytest

from devtools.home.home import Home
from tests.e2e.harness import Frontend

pytestmark = pytest.mark.browser


def test_it_is_offered_with_its_own_icon(home: Home, browser: Frontend) -> None:
    page = browser.page
    page.goto("/config/integrations/dashboard")
    page.get_by_role("button", name="Add integration").click()
    page.locator("dialog-add-integration ha-input-search input").fill("tesla charging")
    row = page.locator("ha-integration-list-item", has_text="Tesla Charging")
    icon = row.locator("img")
    expect(icon).to_be_visible()
    assert "/api/brands/integration/tesla_charging/" in (icon.get_attribute("src") or "")
    expect(icon).to_have_js_property("naturalWidth", 256)
    browser.shot("offered")
    assert browser.errors == []
    assert browser.outside == []
    assert home.bad_log() == []
