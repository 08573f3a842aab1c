"""The dashboards to take over, and a device trigger in the automation editor, in a real browser."""

from pathlib import Path
from typing import Any, Literal

from homeassistant.util.yaml import load_yaml_dict
from playwright.sync_api import Page, ViewportSize, expect
import pytest

from devtools.docs.dashboard import our_devices
from devtools.home.config_entry import DOMAIN, add_entry
from devtools.home.demo_home import known_states
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend

pytestmark = pytest.mark.browser

DASHBOARDS = Path(__file__).parents[2] / "docs" / "dashboard"
NAMES = {"one_car": "tesla-one", "several_cars": "tesla-several"}
WIDTHS: dict[str, ViewportSize] = {
    "desk": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WRONG = "hui-error-card, hui-warning, .error-card"


def test_the_dashboards_on_a_phone_and_a_desk_in_light_and_dark(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    add_entry(home, tesla)
    home.wait_for(lambda: len(known_states(home)) > 25, 60, "the entities of the cars")
    vin = tesla.cars()["Midnight"]["vin"]
    tesla.control("POST", f"cars/{vin}/plug_in", {})
    home.wait_for(lambda: plugged_in(home) == "on", 30, "the cable to be in")
    for name, path in NAMES.items():
        create(home, path, load_yaml_dict(str(DASHBOARDS / f"{name}.yaml")))
    for name, path in NAMES.items():
        page.set_viewport_size(WIDTHS["desk"])
        page.goto(f"/{path}/0")
        # what the Activity tells; the tile of the same sensor has another name
        expect(page.get_by_text("Charging state").first).to_be_visible()
        for width, viewport in WIDTHS.items():
            page.set_viewport_size(viewport)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                settle(page)
                assert page.locator(WRONG).count() == 0
                assert overflow(page) <= 0
                assert is_dark(page) is (scheme == "dark")
                browser.shot(f"{name}_{width}_{scheme}")

    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDTHS["desk"])
    page.goto(f"/config/automation/edit/{automate(home)}")
    page.get_by_text("Charging complete").click()
    expect(page.get_by_text("Also when it is noticed late")).to_be_visible()
    browser.shot("automation_editor")
    assert browser.errors == []
    assert browser.outside == []
    assert home.bad_log() == []


def plugged_in(home: Home) -> str:
    return str(home.rest("GET", "/api/states/binary_sensor.midnight_plugged_in")["state"])


def create(home: Home, path: str, config: dict[str, Any]) -> None:
    """Take a dashboard over as a person does in the raw configuration editor."""
    row = {"url_path": path, "title": path, "show_in_sidebar": True, "require_admin": False}
    home.ws({"type": "lovelace/dashboards/create", **row})
    home.ws({"type": "lovelace/config/save", "url_path": path, "config": config})


def automate(home: Home) -> str:
    """Make an automation of a device trigger; return its id."""
    device = next(d["id"] for d in our_devices(home) if d["name"] == "Pearl")
    trigger = {
        "trigger": "device",
        "domain": DOMAIN,
        "device_id": device,
        "type": "charging_complete",
        "late": True,
    }
    config = {"alias": "Tell me", "mode": "single", "triggers": [trigger], "actions": []}
    home.rest("POST", "/api/config/automation/config/tell-me", config)
    return "tell-me"


def settle(page: Page) -> None:
    """Wait until every card is there and the graphs are drawn."""
    expect(page.locator("hui-tile-card").first).to_be_visible()
    page.locator("hui-history-graph-card canvas").first.wait_for()
    page.wait_for_timeout(400)


def is_dark(page: Page) -> bool:
    """Tell whether the frontend shows its dark theme."""
    dark: bool = page.evaluate("document.querySelector('home-assistant').hass.themes.darkMode")
    return dark


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return wide
