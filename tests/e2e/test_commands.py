"""What a person sees of a command: what is wanted at once, the way back after a refusal, and a tidy Activity page."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page, ViewportSize, expect
import pytest

from devtools.docs.dashboard import create_dashboard, our_devices, our_entities
from devtools.home.config_entry import DOMAIN, add_entry
from devtools.home.demo_home import known_states
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend

pytestmark = pytest.mark.browser

TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / DOMAIN / "translations"
WORDS: dict[str, dict[str, Any]] = {
    language: json.loads((TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8"))
    for language in ("en", "de")
}
DESK: ViewportSize = {"width": 1280, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
type Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[str, ViewportSize, Scheme], ...] = (
    ("en", DESK, "light"),
    ("de", PHONE, "dark"),
    ("de", DESK, "dark"),
    ("en", PHONE, "light"),
)
NOT_AUTHORIZED = 7
"""The fault with which a car refuses a command at once."""


def test_commands_and_the_activity(home: Home, tesla: SimulatedTesla, browser: Frontend) -> None:
    page = browser.page
    add_entry(home, tesla)
    home.wait_for(lambda: len(known_states(home)) > 30, 60, "the entities of the cars")
    home.wait_for(lambda: state(home, "Pearl", "telemetry") == "connected", 60, "the stream")
    path = create_dashboard(home, tesla.base_url)
    # what the demo is for, too: blueprints can be tried
    blueprints = home.ws({"type": "blueprint/list", "domain": "automation"})[0]
    assert sum(name.startswith(f"{DOMAIN}/") for name in blueprints) == 6
    vin = tesla.cars()["Pearl"]["vin"]
    tesla.control("POST", f"cars/{vin}/unplug", {})
    home.wait_for(lambda: state(home, "Pearl", "plugged_in") == "off", 30, "the cable to be out")
    for language, viewport, scheme in LOOKS:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        speak(page, path, language)
        name = f"{language}_{'phone' if viewport is PHONE else 'desk'}_{scheme}"
        said = WORDS[language]["exceptions"]["refused_disconnected"]["message"]

        toggle = tile(home, page, "Pearl", "charging").locator("ha-control-switch").first
        with goes_there_and_back(page, toggle, "checked", real=False):
            toggle.click()
        expect(
            page.get_by_text(WORDS["en"]["exceptions"]["refused_disconnected"]["message"])
            .or_(page.get_by_text(said))
            .first
        ).to_be_visible()
        browser.shot(f"{name}_refused_switch")

        slider = tile(home, page, "Pearl", "charge_limit").locator("ha-control-slider").first
        tesla.control("POST", f"cars/{vin}/message_fault", {"fault": NOT_AUTHORIZED, "times": 1})
        with goes_there_and_back(page, slider, "value", real=80):
            box = slider.bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
        browser.shot(f"{name}_refused_slider")

    # the charge port, seen while it moves
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    tesla.control("POST", "faults", {"kind": "delay", "path": "signed_command", "seconds": 2.0})
    speak(page, path, "en")
    port = tile(home, page, "Pearl", "charge_port")
    port.locator("ha-control-button").first.click()
    expect(port.get_by_text("Opening")).to_be_visible()
    browser.shot("charge_port_opening")
    expect(port.get_by_text("Open", exact=True)).to_be_visible()

    # a car that is asleep, and is woken up
    midnight = tesla.cars()["Midnight"]["vin"]
    tesla.control("POST", f"cars/{midnight}/sleep", {})
    home.wait_for(lambda: state(home, "Midnight", "status") == "asleep", 60, "Midnight to sleep")
    tile(home, page, "Midnight", "wake_up").click()
    expect(tile(home, page, "Midnight", "status").get_by_text("Waking up")).to_be_visible()
    browser.shot("waking_up")
    home.wait_for(lambda: state(home, "Midnight", "status") == "online", 60, "Midnight to wake")

    # the Activity of the car, also after a reload
    device = next(d["id"] for d in our_devices(home) if d["name"] == "Pearl")
    entry = home.ws({"type": "config_entries/get", "domain": DOMAIN})[0][0]["entry_id"]
    home.rest("POST", f"/api/config/config_entries/entry/{entry}/reload")
    home.wait_for(lambda: state(home, "Pearl", "charging_state") == "disconnected", 60, "a reload")
    page.goto(f"/logbook?device_id={device}")
    expect(page.get_by_text("Plugged in").first).to_be_visible()
    page.wait_for_timeout(1000)
    browser.shot("activity")
    rows = page.locator("ha-logbook-renderer").first.inner_text()
    for key in ("last_message", "full_charge_time"):
        assert WORDS["en"]["entity"]["sensor"][key]["name"] not in rows
    # the frontend itself leaves the refusal of an action unhandled, after it has shown it
    assert set(browser.errors) <= {"script: Object"}
    assert browser.outside == []
    said_by_us = ("is not plugged in", "does not let the virtual key")
    assert [row for row in home.bad_log() if not any(said in row for said in said_by_us)] == []


def speak(page: Page, path: str, language: str) -> None:
    """Open a page in a language, as a person chooses it in the profile."""
    page.goto(path)
    page.evaluate(f"localStorage.setItem('selectedLanguage', '\"{language}\"')")
    page.goto(path)
    expect(page.locator("hui-tile-card").first).to_be_visible()
    page.wait_for_timeout(800)


def entity_id(home: Home, car: str, key: str) -> str:
    """Return the id of a car's entity."""
    device = next(d["id"] for d in our_devices(home) if d["name"] == car)
    return next(
        str(row["entity_id"])
        for row in our_entities(home)
        if row["device_id"] == device and row["translation_key"] == key
    )


def state(home: Home, car: str, key: str) -> str:
    """Return the state of a car's entity."""
    return str(home.rest("GET", f"/api/states/{entity_id(home, car, key)}")["state"])


def tile(home: Home, page: Page, car: str, key: str) -> Locator:
    """Return the tile of an entity."""
    wanted = entity_id(home, car, key)
    tiles = page.locator("hui-tile-card")
    ids: list[str] = tiles.evaluate_all("cards => cards.map(card => card._config?.entity)")
    return tiles.nth(ids.index(wanted))


@contextmanager
def goes_there_and_back(page: Page, control: Locator, name: str, real: object) -> Iterator[None]:
    """Look whether a control that is used inside shows something else, and then what is real again."""
    handle = control.element_handle()
    yield
    page.wait_for_function(f"([control, real]) => control.{name} !== real", arg=[handle, real])
    page.wait_for_function(f"([control, real]) => control.{name} === real", arg=[handle, real])
    # and it stays so
    page.wait_for_timeout(300)
    assert control.evaluate(f"control => control.{name}") == real
