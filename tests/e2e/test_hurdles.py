"""What stands in the way of a newcomer, and the way out of each, as the pages tell it."""

from collections.abc import Iterator
import re

from playwright.sync_api import expect
import pytest

from custom_components.tesla_charging.fleet_api import KEY_PATH
from custom_components.tesla_charging.vehicle_command import VirtualKey
from devtools.home.config_entry import DOMAIN
from devtools.home.demo_home import PUBLIC_NAME, demo
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend, real_sockets
from tests.e2e.steps import (
    add_integration,
    choose,
    form,
    go_on,
    pair,
    pairing_link,
    settle,
    sign_in,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, SimulatedTesla]]:
    """An account that lives in Europe while its tokens tell North America."""
    directory = tmp_path_factory.mktemp("home") / "config"
    europe = ("--region", "eu", "--token-region", "na")
    with real_sockets(), demo(directory, tesla_options=europe) as running:
        key = VirtualKey.generate()
        (directory / "tesla_fleet.key").write_bytes(key.private_pem())
        home, tesla = running
        vin = tesla.cars()["Pearl"]["vin"]
        tesla.control("POST", f"cars/{vin}/add_key", {"public_key": key.public_key.hex()})
        yield home, tesla


def test_every_hurdle_names_its_way_out(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    midnight = tesla.cars()["Midnight"]["vin"]

    # one permission unticked
    add_integration(browser)
    with browser.context.expect_page() as opened:
        go_on(page)
    sign_in(browser, opened.value, untick=["vehicle_charging_cmds"])
    expect(page.locator("step-flow-menu")).to_contain_text("Vehicle Charging Management")
    settle(page)
    browser.shot("10_permission")
    with browser.context.expect_page() as opened:
        choose(page, "Ask Tesla again")
    sign_in(browser, opened.value)

    # the domain leads to somebody else's server, then to nobody
    expect(form(page)).to_contain_text("Take over the key of Tesla Fleet")
    tesla.control("POST", "dns", {"domain": PUBLIC_NAME, "url": tesla.base_url})
    go_on(page)
    expect(form(page)).to_contain_text("does not know this address")
    settle(page)
    browser.shot("11_somebody_else")
    tesla.control("POST", "dns", {"domain": PUBLIC_NAME, "url": "http://127.0.0.1:9"})
    go_on(page)
    expect(form(page)).to_contain_text("Tesla could not fetch the key")
    expect(form(page)).to_contain_text(KEY_PATH)
    settle(page)
    browser.shot("12_nobody")
    tesla.control("POST", "dns", {"domain": PUBLIC_NAME, "url": home.url})

    # the account lives where its token does not tell, and that region was not registered at first
    tesla.control(
        "POST", "faults", {"kind": "status", "path": "/eu/api/1/partner_accounts", "code": 503}
    )
    go_on(page)

    # with the key of tesla_fleet the first car is paired already; the other one later
    expect(page.get_by_text("4 of 5 · Pair Midnight")).to_be_visible()
    page.locator("step-flow-form ha-selector-boolean ha-switch").first.click()
    go_on(page)
    choose(page, "Polling")
    created = page.locator("step-flow-create-entry")
    expect(created).to_contain_text("Midnight: shows data, but takes no commands yet")
    settle(page)
    browser.shot("13_created")
    page.get_by_role("button", name=re.compile("finish", re.IGNORECASE)).click()

    # pairing done later
    page.goto(f"/config/integrations/integration/{DOMAIN}")
    page.get_by_text("Pearl").first.wait_for()
    settle(page)
    browser.shot("14_integration")
    page.locator("ha-config-entry-row").get_by_role("button", name="Menu").first.click()
    settle(page)
    browser.shot("15_menu")
    page.get_by_role("menuitem", name="Reconfigure").click()
    expect(page.locator("step-flow-menu")).to_contain_text("Pair a car")
    settle(page)
    browser.shot("16_reconfigure")
    choose(page, "Pair a car")
    expect(page.get_by_text("Pair Midnight")).to_be_visible()
    link = pairing_link(page)
    tesla.control("POST", f"cars/{midnight}/wake", {})
    home.wait_for(lambda: tesla.cars()["Midnight"]["state"] == "online", 20, "the car to wake up")
    go_on(page)
    pair(browser, link, midnight)
    expect(page.locator("step-flow-abort")).to_contain_text("No car has to be paired any more")
    settle(page)
    browser.shot("17_paired")
    assert browser.errors == []
    assert home.bad_log() == []
