"""What a person is led through when a car took something away: the card, the page, the check, and nothing left."""

from collections.abc import Iterator
import re

from playwright.sync_api import Page, expect
import pytest

from custom_components.tesla_charging.auth.key_store import KEY_FILE
from custom_components.tesla_charging.vehicle_command import VirtualKey
from devtools.home.config_entry import add_entry
from devtools.home.demo_home import demo
from devtools.home.home import Home, HomeError
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend, real_sockets
from tests.e2e.steps import form, go_on, pair, pairing_link, settle

pytestmark = pytest.mark.browser
LIMIT = "number.pearl_charge_limit"
PAIRED = "does not know the key of this Home Assistant"
ACCESS = "does not let any app in"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, SimulatedTesla]]:
    """A home that is set up, with paired cars."""
    with real_sockets(), demo(tmp_path_factory.mktemp("home") / "config") as running:
        home, tesla = running
        add_entry(home, tesla)
        home.wait_for(lambda: tesla.cars()["Pearl"]["state"] == "online", 30, "a car that is awake")
        yield running


def set_limit(home: Home, percent: int) -> None:
    home.rest("POST", "/api/services/number/set_value", {"entity_id": LIMIT, "value": percent})


def open_repair(page: Page, title: str) -> None:
    page.get_by_text(title).first.click()
    form(page).wait_for()
    settle(page)


def test_what_a_car_takes_away_is_given_back(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    vin = tesla.cars()["Pearl"]["vin"]
    key = VirtualKey.load(home.directory / KEY_FILE).public_key.hex()

    # the key is deleted in the car; the next command tells
    tesla.control("POST", f"cars/{vin}/remove_key", {"public_key": key})
    with pytest.raises(HomeError, match=r"does not know the virtual key"):
        set_limit(home, 71)
    page.goto("/config/repairs")
    expect(page.get_by_text(f"Pearl {PAIRED}")).to_be_visible()
    settle(page)
    browser.shot("1_card")
    open_repair(page, f"Pearl {PAIRED}")
    expect(form(page)).to_contain_text("scan the code with the phone that has the Tesla app")
    pairing_link(page)
    browser.shot("2_code")
    go_on(page)
    expect(form(page)).to_contain_text("Tesla did not see the key on Pearl yet")
    settle(page)
    browser.shot("3_not_yet")
    pair(browser, pairing_link(page), vin)
    go_on(page)
    page.locator("step-flow-create-entry").wait_for()
    settle(page)
    browser.shot("4_paired")
    page.get_by_role("button", name=re.compile("close|finish|done", re.IGNORECASE)).last.click()
    expect(page.get_by_text(f"Pearl {PAIRED}")).to_be_hidden()
    set_limit(home, 72)

    # mobile access is switched off in the car
    tesla.control("POST", f"cars/{vin}/mobile_access", {"allowed": False})
    with pytest.raises(HomeError, match=r"[Mm]obile access"):
        set_limit(home, 73)
    open_repair(page, f"Pearl {ACCESS}")
    expect(form(page)).to_contain_text("Controls, Safety, Allow Mobile Access")
    browser.shot("5_access")
    go_on(page)
    expect(form(page)).to_contain_text("Tesla still said that mobile access is off")
    settle(page)
    browser.shot("6_still_off")
    tesla.control("POST", f"cars/{vin}/mobile_access", {"allowed": True})
    go_on(page)
    page.locator("step-flow-create-entry").wait_for()
    page.get_by_role("button", name=re.compile("close|finish|done", re.IGNORECASE)).last.click()
    expect(page.get_by_text(f"Pearl {ACCESS}")).to_be_hidden()
    settle(page)
    browser.shot("7_nothing_left")
    set_limit(home, 74)
    assert browser.outside == []
    assert browser.errors == []
    # the two commands that could not work, and nothing else
    told = home.bad_log()
    assert len(told) == 2
    assert all("Error during service call to number.set_value" in line for line in told)
