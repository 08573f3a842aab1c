"""The bill in Home Assistant: the meter on the account's page, the budget's page, and what is told when it is used up."""

import re

from playwright.sync_api import expect
import pytest

from devtools.docs.dashboard import our_devices
from devtools.home.config_entry import DOMAIN, add_entry
from devtools.home.demo_home import known_states
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend
from tests.e2e.steps import choose, form, go_on, settle

pytestmark = pytest.mark.browser


def test_a_budget_is_set_used_up_and_raised(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    add_entry(home, tesla)
    home.wait_for(lambda: len(known_states(home)) > 25, 60, "the entities of the cars")
    account = next(row["id"] for row in our_devices(home) if row["name"] == "Tesla account")
    page.goto(f"/config/devices/device/{account}")
    expect(page.get_by_text("Expected bill this month")).to_be_visible()
    expect(page.get_by_text("In budget")).to_be_visible()
    settle(page)
    browser.shot("1_account")

    # less than the month has cost already is asked about, and then taken
    set_budget(browser, "0.001", "2_budget")
    expect(form(page)).to_contain_text("nothing that Tesla charges for is sent")
    settle(page)
    browser.shot("2_budget_asked")
    go_on(page)
    page.locator("step-flow-create-entry").wait_for()
    page.goto(f"/config/devices/device/{account}")
    expect(page.get_by_text("Used up").first).to_be_visible()

    # the repair says so, and has it raised
    page.goto("/config/repairs")
    title = page.get_by_text(re.compile("Budget of .* is used up"))
    title.click()
    form(page).locator("input[type=number], input[inputmode=decimal]").first.fill("5")
    settle(page)
    browser.shot("3_used_up")
    go_on(page)
    page.locator("step-flow-create-entry").wait_for()
    page.goto("/config/repairs")
    expect(page.locator("ha-config-repairs, ha-config-repairs-dashboard").first).to_be_visible()
    expect(title).to_have_count(0)
    assert browser.errors == []
    assert browser.outside == []
    assert [line for line in home.bad_log() if "Budget of" not in line] == []


def set_budget(browser: Frontend, amount: str, shot: str) -> None:
    """Set the monthly budget as a person does."""
    page = browser.page
    page.goto(f"/config/integrations/integration/{DOMAIN}")
    page.locator("ha-config-entry-row").get_by_role("button", name="Configure").first.click()
    choose(page, "The monthly budget")
    field = form(page).locator("input[type=number], input[inputmode=decimal]").first
    field.fill(amount)
    settle(page)
    browser.shot(shot)
    go_on(page)
