"""The page about sources in a browser: a table from the Energy dashboard, right in every cell, without a typed value."""

from contextlib import suppress
from typing import Any

from playwright.sync_api import Page, expect
import pytest

from devtools.home.config_entry import DOMAIN, add_entry
from devtools.home.home import Home, HomeError
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend
from tests.e2e.steps import choose, form, go_on, settle

pytestmark = pytest.mark.browser

METER = {"unit_of_measurement": "kW", "friendly_name": "Meter"}
STATES: dict[str, tuple[str, dict[str, str]]] = {
    "sensor.meter": ("-1.5", METER),
    "sensor.price_now": ("24.5", {"unit_of_measurement": "ct/kWh", "friendly_name": "Price"}),
    "sensor.out": ("200", {"unit_of_measurement": "W", "friendly_name": "Battery power"}),
    "sensor.level": ("64", {"unit_of_measurement": "%", "friendly_name": "Battery level"}),
}
DASHBOARD = [
    {
        "type": "grid",
        "stat_energy_from": "sensor.taken",
        "stat_energy_to": "sensor.given",
        "entity_energy_price": "sensor.price_now",
        "number_energy_price_export": 0.08,
        "power_config": {"stat_rate_inverted": "sensor.meter"},
        "cost_adjustment_day": 0,
    },
    {
        "type": "battery",
        "stat_energy_from": "sensor.b_out",
        "stat_energy_to": "sensor.b_in",
        "stat_rate": "sensor.out",
        "stat_soc": "sensor.level",
    },
]
TABLE = [
    ["Price", "Price (price_now)", "0.2450 EUR/kWh"],
    ["Feeding in", "0.08", "0.0800 EUR/kWh"],
    ["Grid", "\N{MINUS SIGN} Meter", "1500 W"],
    ["Sun", "\N{EN DASH}", "\N{EN DASH}"],
    ["Home battery", "Battery power, Battery level", "200 W, 64 %"],
]


def table(page: Page) -> list[list[str]]:
    """Return the cells of the table that the dialog shows."""
    rows = page.locator("step-flow-menu ha-markdown tbody tr")
    return [[cell.inner_text().strip() for cell in row.locator("td").all()] for row in rows.all()]


def open_sources(page: Page) -> None:
    page.goto(f"/config/integrations/integration/{DOMAIN}")
    page.locator("ha-config-entry-row").get_by_role("button", name="Configure").first.click()
    choose(page, "Smart charging: sources")


def prices(home: Home) -> Any:
    """Return what the action answers, as soon as the account is loaded with its sources."""
    return home.wait_for(lambda: _answer(home), 30, "the prices")


def _answer(home: Home) -> Any:
    with suppress(HomeError):
        return _asked(home)
    return None


def _asked(home: Home) -> Any:
    return home.rest("POST", f"/api/services/{DOMAIN}/get_prices?return_response", {})[
        "service_response"
    ]


def test_a_home_gets_its_table_and_one_without_anything_gets_along_with_a_number(
    home: Home, tesla: SimulatedTesla, browser: Frontend
) -> None:
    page = browser.page
    add_entry(home, tesla)
    home.ws({"type": "config/core/update", "currency": "EUR"})

    # nothing is known: one number
    open_sources(page)
    form(page).locator("input[type=number], input[inputmode=decimal]").first.fill("0.31")
    settle(page)
    browser.shot("1_nothing")
    go_on(page)
    page.locator("step-flow-menu").get_by_text("Use these").first.wait_for()
    assert table(page)[0] == ["Price", "0.31", "0.3100 EUR/kWh"]
    choose(page, "Use these")
    page.locator("step-flow-create-entry").wait_for()
    assert {row["import_price"] for row in prices(home)["prices"]} == {0.31}
    page.reload()
    open_sources(page)
    choose(page, "Read nothing any more")
    page.locator("step-flow-create-entry").wait_for()

    # an Energy dashboard: nothing is typed
    for entity_id, (state, attributes) in STATES.items():
        home.rest("POST", f"/api/states/{entity_id}", {"state": state, "attributes": attributes})
    home.ws({"type": "energy/save_prefs", "energy_sources": DASHBOARD})
    page.reload()
    open_sources(page)
    page.locator("step-flow-menu").get_by_text("Use these").first.wait_for()
    expect(page.locator("step-flow-menu ha-markdown tbody tr")).to_have_count(len(TABLE))
    settle(page)
    browser.shot("2_table")
    assert table(page) == TABLE
    choose(page, "Use these")
    page.locator("step-flow-create-entry").wait_for()
    first = prices(home)["prices"][0]
    assert (first["import_price"], first["export_price"]) == (0.245, 0.08)
    assert browser.errors == []
    assert browser.outside == []
