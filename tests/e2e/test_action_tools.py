"""Our actions among Home Assistant's developer tools: found by name, each field with its description."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import ViewportSize, expect
import pytest

from devtools.home.config_entry import DOMAIN, add_entry
from devtools.home.demo_home import known_states
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend

TALL: ViewportSize = {"width": 1100, "height": 1300}
MAP = "/api/map_tiles/"
"""Home Assistant's own picker of a place draws a map, which it has from the internet."""
pytestmark = pytest.mark.browser

ENGLISH = json.loads(
    Path("custom_components", DOMAIN, "translations", "en.json").read_text(encoding="utf-8")
)


def test_an_action_is_found_filled_in_and_answers(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    add_entry(home, tesla)
    home.wait_for(lambda: len(known_states(home)) > 25, 60, "the entities of the cars")
    words: dict[str, Any] = ENGLISH["services"]["add_charge_schedule"]
    page.set_viewport_size(TALL)
    page.goto("/config/developer-tools/action")
    page.locator("ha-service-picker").click()
    page.locator("ha-service-picker input").last.fill(words["name"])
    page.get_by_text(f"{DOMAIN}.add_charge_schedule").click()
    for field in words["fields"].values():
        expect(page.get_by_text(field["description"], exact=True)).to_be_visible()

    page.get_by_text("Select a device").click()
    expect(page.get_by_text("Midnight").last).to_be_visible()
    browser.shot("cars_only")
    expect(page.get_by_text("Tesla account")).to_have_count(0)
    page.get_by_text("Pearl").last.click()
    perform = page.get_by_role("button", name="Perform action")
    perform.click()
    nothing_given = ENGLISH["exceptions"]["schedule_without_time"]["message"]
    expect(page.get_by_text(nothing_given)).to_be_visible()
    browser.shot("nothing_given")

    start = page.locator("ha-settings-row", has_text=words["fields"]["start_time"]["description"])
    start.locator("ha-checkbox").click()
    for name, value in ("hours", "1"), ("minutes", "30"):
        start.locator(f"[name={name}] input, input[name={name}]").first.fill(value)
    perform.click()
    expect(page.get_by_text("outcome: executed")).to_be_visible()
    page.get_by_text("outcome: executed").scroll_into_view_if_needed()
    browser.shot("answer")
    page.get_by_text(words["description"]).scroll_into_view_if_needed()
    browser.shot("filled_in")
    assert [error for error in browser.errors if MAP not in error] == []
    assert browser.outside == []
    wanted = nothing_given.rstrip(".")  # we provoked this one
    assert [line for line in home.bad_log() if wanted not in line and "map_tiles" not in line] == []
