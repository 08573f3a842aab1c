"""The whole way of a newcomer: add, sign in, approve, pair, look, charge."""

from functools import partial
import re
from typing import Any

from playwright.sync_api import Page, expect
import pytest

from devtools.docs.dashboard import create_dashboard, our_devices, our_entities
from devtools.home.config_entry import DOMAIN
from devtools.home.demo_home import data_requests
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend
from tests.e2e.steps import (
    add_integration,
    choose,
    form,
    go_on,
    open_section,
    pair,
    pairing_link,
    settle,
    sign_in,
    text_field,
    tick,
)

pytestmark = pytest.mark.browser


def test_from_nothing_to_a_charging_car(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    pearl = tesla.cars()["Pearl"]["vin"]

    # what is needed, client id and secret, then what is going to happen
    add_integration(browser)
    tick(page)
    settle(page)
    browser.shot("02_permissions")
    with browser.context.expect_page() as opened:
        go_on(page)
    sign_in(browser, opened.value)

    # a wrong domain first, then ours
    domain = text_field(page)
    expect(domain).to_have_value("home.example.com")
    settle(page)
    browser.shot("05_domain")
    domain.fill("home.example.org")
    go_on(page)
    expect(form(page)).to_contain_text("does not fit your application")
    settle(page)
    browser.shot("05_wrong_domain")
    text_field(page).fill("home.example.com")
    settle(page)
    go_on(page)

    # pairing: watched until the owner has approved, and the sleeping car later
    expect(page.get_by_text("4 of 5 · Pair Pearl")).to_be_visible()
    link = pairing_link(page)
    settle(page)
    browser.shot("06_pair")
    assert link == f"{tesla.base_url}/_ak/home.example.com?vin={pearl}"
    go_on(page)
    expect(page.locator("step-flow-progress")).to_contain_text("Waiting until Tesla sees the key")
    browser.shot("06_pairing")
    pair(browser, link, pearl)
    expect(page.get_by_text("4 of 5 · Pair Midnight")).to_be_visible()
    tick(page)
    go_on(page)

    # the car shall connect by itself
    expect(page.locator("step-flow-menu")).to_contain_text(
        "less than 1 EUR a month", ignore_case=True
    )
    settle(page)
    browser.shot("06b_telemetry")
    choose(page, "Straight from the car")
    numbers = page.locator("step-flow-form ha-selector-number input")
    numbers.first.wait_for()
    settle(page)
    browser.shot("06c_proposed")
    open_section(page, "Inside your home")
    numbers.nth(1).fill(str(tesla.telemetry_port))
    text_field(page, 1).fill("127.0.0.1")
    settle(page)
    browser.shot("06c_embedded")
    go_on(page)
    # the public name leads nowhere, which is said; whoever knows better goes on
    expect(form(page)).to_contain_text("To go on anyway, submit again")
    settle(page)
    browser.shot("06d_not_reached")
    go_on(page)
    expect(page.locator("step-flow-create-entry")).to_contain_text(
        "Midnight: shows data, but takes no commands yet"
    )
    settle(page)
    browser.shot("08_created")
    page.get_by_role("button", name=re.compile("finish", re.IGNORECASE)).click()

    # the integration and the device
    page.goto(f"/config/integrations/integration/{DOMAIN}")
    page.get_by_text("Pearl").first.wait_for()
    settle(page)
    browser.shot("09_integration")
    device = next(d["id"] for d in our_devices(home) if d["name"] == "Pearl")
    home.wait_for(lambda: state(home, device, "battery_level") not in {"unknown", ""}, 30, "data")
    page.goto(f"/config/devices/device/{device}")
    page.locator("ha-entity-toggle ha-switch").first.wait_for()
    settle(page)
    browser.shot("10_device")
    assert state(home, device, "at_home") == "on"

    # charging off and on again, at the switch; the car itself is asked whether it obeyed
    switch = page.locator("ha-entity-toggle ha-switch").first
    for shown, in_car in (("off", "Stopped"), ("on", "Charging")):
        switch.click()
        home.wait_for(partial(car_is, tesla, in_car), 20, f"the car to be {in_car}")
        home.wait_for(partial(shows, home, device, shown), 20, f"the switch to be {shown}")
    settle(page)
    browser.shot("11_charging")
    # what happens at the car is pushed: it shows without anything being asked (how fast is measured by the demo)
    home.wait_for(partial(telemetry_connected, home, device), 30, "the car to connect")
    vin, asked = tesla.cars()["Pearl"]["vin"], data_requests(tesla)
    for act, shown in (
        ("unplug", "Unplugged"),
        ("drive_away", "Away"),
        ("arrive_home", "At home"),
        ("plug_in", "Charging"),
    ):
        tesla.control("POST", f"cars/{vin}/{act}", {})
        home.wait_for(partial(has_row, page, shown), 6, f"{act} in the browser")
        browser.shot(f"11b_{act}")
    assert data_requests(tesla) == asked

    # the car that was left for later is not forgotten
    page.goto("/config/repairs")
    page.get_by_text("Midnight does not know the key of this Home Assistant").first.click()
    repair = page.locator("step-flow-form")
    expect(repair).to_contain_text("the owner's is the safest choice")
    pairing_link(page)
    settle(page)
    browser.shot("11c_repair")

    # what a newcomer sees every day
    page.goto(create_dashboard(home, tesla.base_url))
    page.get_by_text("Pearl").first.wait_for()
    settle(page)
    page.wait_for_timeout(1500)
    browser.shot("12_dashboard")

    assert browser.errors == []
    assert browser.outside == []
    assert home.bad_log() == []


def state(home: Home, device: str, key: str) -> str:
    """Return the state of a car's entity, "" if there is none."""
    entity = next(
        (
            row["entity_id"]
            for row in our_entities(home)
            if row["device_id"] == device and row["translation_key"] == key
        ),
        None,
    )
    states: list[dict[str, Any]] = home.rest("GET", "/api/states")
    return next((str(s["state"]) for s in states if s["entity_id"] == entity), "")


def car_is(tesla: SimulatedTesla, charging_state: str) -> bool:
    """Ask the simulated car itself."""
    return bool(tesla.cars()["Pearl"]["charging_state"] == charging_state)


def shows(home: Home, device: str, wanted: str) -> bool:
    """Look at the charging switch."""
    return state(home, device, "charging") == wanted


def has_row(page: Page, shown: str) -> bool:
    """Look whether one of the device's entities is shown in this state."""
    return shown in page.locator("ha-device-entities-card hui-generic-entity-row").all_inner_texts()


def telemetry_connected(home: Home, device: str) -> bool:
    """Look at the telemetry sensor."""
    return state(home, device, "telemetry") == "connected"
