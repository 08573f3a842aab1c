"""The page about the budget: what it tells, what it takes, and what it changes at once."""

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.const import DOMAIN
from tests.support.calendar import Calendar
from tests.support.flows import Step, is_changed, options, pick, submit
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.spending import spend, stage, told

pytestmark = pytest.mark.usefixtures("current_request_with_host")


@pytest.fixture
async def dated_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a polled car on the tenth of March."""
    Calendar(home, monkeypatch)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up()
    assert await async_setup_component(home.hass, "http", {})
    return home


async def page(home: Home, entry: MockConfigEntry | None = None) -> Step:
    entry = entry or home.entry
    assert entry is not None
    return await pick(home, await options(home, entry), "budget")


def suggested(result: Step) -> float:
    """Return the amount that the page proposes."""
    (amount,) = [
        name.description["suggested_value"]
        for name in result["data_schema"].schema
        if name == "budget"
    ]
    return float(amount)


async def done(home: Home, result: Step) -> None:
    assert is_changed(result)
    await home.settle()


async def second_account(home: Home) -> MockConfigEntry:
    """Set up another account with the same application."""
    account = home.account = home.tesla.add_account("partner@example.com", region="eu")
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    assert home.entry is not None
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=account.sub,
        title="Partner",
        data={**home.entry.data, "token": home.sign_in()},
    )
    entry.add_to_hass(home.hass)
    assert await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()
    return entry


async def test_the_page_tells_what_the_month_came_to(dated_home: Home) -> None:
    home = dated_home
    spend(home, 1.5)
    result = await page(home)
    said = result["description_placeholders"]
    assert said["cost"] == "1.50 EUR"
    assert said["projected"].endswith(" EUR")
    assert float(said["projected"].split()[0]) > 3
    assert (said["until"], said["credit"], said["default"]) == (
        "2030-04-01",
        "10.00 EUR",
        "9.50 EUR",
    )
    await done(home, await submit(home, result, currency="EUR", budget=4))
    assert home.account_state("budget").attributes["limit"] == 4.0
    assert (stage(home), told(home)) == ("slower", [])


async def test_more_money_brings_everything_back_at_once(dated_home: Home) -> None:
    home = dated_home
    spend(home, 9.52)
    assert stage(home) == "spent"
    await done(home, await submit(home, await page(home), currency="EUR", budget=50))
    assert (stage(home), told(home)) == ("normal", [])
    data = home.tesla.billing.count("data")
    await home.poll()
    assert home.tesla.billing.count("data") >= data


async def test_less_money_counts_at_once_and_an_empty_amount_is_the_default(
    dated_home: Home,
) -> None:
    home = dated_home
    result = await submit(home, await page(home), currency="EUR", budget=0)
    assert result["errors"] == {"base": "budget_used_up"}
    await done(home, await submit(home, result, currency="EUR", budget=0))
    assert stage(home) == "spent"
    await done(home, await submit(home, await page(home), currency="EUR"))
    assert stage(home) == "normal"
    assert home.account_state("budget").attributes["limit"] == 9.5


@pytest.mark.parametrize("amount", [-1, 20_000])
async def test_an_amount_that_makes_no_sense_is_asked_again(
    dated_home: Home, amount: float
) -> None:
    home = dated_home
    result = await submit(home, await page(home), currency="EUR", budget=amount)
    assert result["errors"] == {"base": "budget_out_of_range"}
    assert suggested(result) == amount
    await done(home, await submit(home, result, currency="EUR", budget=7))


async def test_an_amount_that_is_used_up_already_is_asked_about_first(dated_home: Home) -> None:
    home = dated_home
    spend(home, 3)
    result = await submit(home, await page(home), currency="EUR", budget=0.001)
    assert result["errors"] == {"base": "budget_used_up"}
    assert result["description_placeholders"]["cost"] == "3.00 EUR"
    assert suggested(result) == 0.001
    assert stage(home) == "normal"
    # another one that is used up is asked about, too; the same is taken
    result = await submit(home, result, currency="EUR", budget=2)
    assert result["errors"] == {"base": "budget_used_up"}
    await done(home, await submit(home, result, currency="EUR", budget=2))
    assert stage(home) == "spent"


async def test_an_amount_that_is_not_zero_is_never_told_as_zero(
    dated_home: Home, hass_admin_user: User
) -> None:
    home = dated_home
    spend(home, 3)
    result = await submit(home, await page(home), currency="EUR", budget=0.001)
    await done(home, await submit(home, result, currency="EUR", budget=0.001))
    with pytest.raises(HomeAssistantError) as refused:
        await home.hass.services.async_call(
            DOMAIN,
            "refresh",
            {"device_id": home.device_id()},
            blocking=True,
            context=Context(user_id=hass_admin_user.id),
        )
    assert refused.value.translation_placeholders is not None
    assert refused.value.translation_placeholders["amount"] == "0.001 EUR"


async def test_in_another_language_than_english_amounts_have_a_comma(dated_home: Home) -> None:
    home = dated_home
    home.hass.config.language = "de"
    spend(home, 1.5)
    said = (await page(home))["description_placeholders"]
    assert (said["cost"], said["default"]) == ("1,50 EUR", "9,50 EUR")


async def test_an_amount_in_another_currency_is_converted_and_shown_again(
    dated_home: Home,
) -> None:
    home = dated_home
    result = await submit(home, await page(home), currency="JPY", budget=9.5)
    assert result["errors"] == {"base": "currency_changed"}
    assert suggested(result) == 1375
    await done(home, await submit(home, result, currency="JPY", budget=suggested(result)))
    shown = home.account_state("budget")
    assert (shown.attributes["limit"], shown.attributes["currency"]) == (1375, "JPY")


async def test_accounts_with_one_application_share_bill_and_budget(dated_home: Home) -> None:
    home = dated_home
    second = await second_account(home)
    await done(home, await submit(home, await page(home), currency="EUR", budget=4))
    assert second.options["budget"] == 4
    spend(home, 3.5)
    assert stage(home) == "no_refresh"
    assert told(home) == ["budget_no_refresh"] * 2
    assert second.runtime_data.budget is home.entry.runtime_data.budget  # type: ignore[union-attr]  # it is set up
    # raised at one of them, it is raised for both
    await done(home, await submit(home, await page(home, second), currency="EUR", budget=40))
    assert (stage(home), told(home)) == ("normal", [])


async def test_an_account_that_is_not_set_up_gets_the_shared_amount_for_later(
    dated_home: Home,
) -> None:
    home = dated_home
    second = await second_account(home)
    assert await home.hass.config_entries.async_unload(second.entry_id)
    await done(home, await submit(home, await page(home), currency="EUR", budget=4))
    assert second.options["budget"] == 4
    assert second.state is ConfigEntryState.NOT_LOADED


async def test_without_its_application_an_entry_has_no_budget_to_choose(dated_home: Home) -> None:
    home = dated_home
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "auth_implementation": "gone"}
    )
    result = await options(home)
    assert result["menu_options"] == ["telemetry", "home", "sources"]


async def test_what_decides_at_home_is_an_option(dated_home: Home) -> None:
    home = dated_home
    assert home.entry is not None
    result = await submit(home, await pick(home, await options(home), "home"), home_source="zone")
    assert is_changed(result)
    await home.settle()
    assert home.entry.options["home_source"] == "zone"
