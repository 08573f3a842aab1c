"""The page about sources, and the action that returns the prices, through the front door."""

from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest

from custom_components.tesla_charging.charging.adapter import PriceSettings
from custom_components.tesla_charging.charging.settings import SourceSettings
from custom_components.tesla_charging.const import DOMAIN
from tests.support.flows import Step, is_changed, options, pick, submit
from tests.support.home import PEARL, Home
from tests.support.hours import Hours
from tests.support.repairs import issue_of, told

pytestmark = pytest.mark.usefixtures("current_request_with_host")


@pytest.fixture
async def own_home(home: Home) -> Home:
    """A home with a car, and no source of prices."""
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    assert await async_setup_component(home.hass, "http", {})
    home.hass.config.currency = "EUR"
    return home


async def dashboard(home: Home, *sources: dict[str, Any]) -> None:
    manager = await async_get_manager(home.hass)
    await manager.async_update({"energy_sources": list(sources)})  # type: ignore[typeddict-item]


def grid(**more: Any) -> dict[str, Any]:
    return {
        "type": "grid",
        "stat_energy_from": "sensor.taken",
        "stat_energy_to": "sensor.given",
        "cost_adjustment_day": 0.0,
        **more,
    }


async def page(home: Home) -> Step:
    return await pick(home, await options(home), "sources")


async def get_prices(home: Home, **data: Any) -> Any:
    return await home.hass.services.async_call(
        DOMAIN, "get_prices", data, blocking=True, return_response=True
    )


def words(step: Step) -> dict[str, str]:
    """Return the cells of the table."""
    return {
        key: text
        for key, text in step["description_placeholders"].items()
        if key.endswith(("_source", "_now"))
    }


async def take_over(home: Home, step: Step) -> None:
    assert is_changed(await pick(home, step, "sources_save"))
    await home.settle()


async def test_nothing_is_read_before_a_person_says_so(own_home: Home) -> None:
    assert own_home.entry is not None
    assert own_home.entry.runtime_data.prices is None
    with pytest.raises(ServiceValidationError, match="No sources of prices are set up"):
        await get_prices(own_home)


async def test_a_home_with_nothing_gets_along_with_one_number(own_home: Home) -> None:
    step = await page(own_home)
    assert step["step_id"] == "sources_none"
    step = await submit(own_home, step)
    assert step["errors"] == {"base": "price_needed"}
    step = await submit(own_home, step, price=0.31)
    assert words(step)["import_now"] == "0.3100 EUR/kWh"
    assert words(step)["import_source"] == "0.31"
    await take_over(own_home, step)
    answer = await get_prices(own_home)
    assert {row["import_price"] for row in answer["prices"]} == {0.31}
    assert {row["certainty"] for row in answer["prices"]} == {"known"}
    assert answer["currency"] == "EUR"
    assert answer["sources"]["import"]["kind"] == "fixed"
    assert answer["sources"]["import"]["problem"] is None


async def test_the_table_is_right_in_every_cell(own_home: Home) -> None:
    """Numbers for prices, a meter that counts the other way round, a battery with two sensors."""
    states = own_home.hass.states
    states.async_set(
        "sensor.meter", "-1.5", {"unit_of_measurement": "kW", "friendly_name": "Meter"}
    )
    states.async_set("sensor.out", "200", {"unit_of_measurement": "W", "friendly_name": "Out"})
    states.async_set("sensor.into", "900", {"unit_of_measurement": "W", "friendly_name": "In"})
    states.async_set("sensor.level", "64", {"unit_of_measurement": "%", "friendly_name": "Level"})
    await dashboard(
        own_home,
        grid(
            number_energy_price=0.27,
            number_energy_price_export=0.08,
            power_config={"stat_rate_inverted": "sensor.meter"},
        ),
        {
            "type": "battery",
            "stat_energy_from": "sensor.b_out",
            "stat_energy_to": "sensor.b_in",
            "power_config": {"stat_rate_from": "sensor.out", "stat_rate_to": "sensor.into"},
            "stat_soc": "sensor.level",
        },
    )
    step = await page(own_home)
    assert words(step) == {
        "import_source": "0.27",
        "import_now": "0.2700 EUR/kWh",
        "export_source": "0.08",
        "export_now": "0.0800 EUR/kWh",
        "grid_source": "− Meter",
        "grid_now": "1500 W",
        "solar_source": "–",
        "solar_now": "–",
        "battery_source": "Out, − In, Level",
        "battery_now": "-700 W, 64 %",
    }
    await take_over(own_home, step)
    (first, *_) = (await get_prices(own_home))["prices"]
    assert (first["import_price"], first["export_price"]) == (0.27, 0.08)


async def test_each_row_can_be_changed_and_is_shown_so_the_next_time(own_home: Home) -> None:
    await dashboard(own_home, grid(number_energy_price=0.27))
    step = await pick(own_home, await page(own_home), "sources_import")
    step = await submit(own_home, step, price=0.3, table="22:00-06:00 0,18\nnight 3")
    assert step["errors"] == {"base": "source_line"}
    assert step["description_placeholders"]["detail"] == "night 3"
    step = await submit(own_home, step, price=0.3, table="22:00-06:00 0.18\n05:00-07:00 0.2")
    assert step["errors"] == {"base": "source_overlap"}
    step = await submit(own_home, step, price=0.3, table="22:00-06:00 0.18")
    assert "0.1800 … 0.3000" in words(step)["import_now"]
    step = await submit(own_home, await pick(own_home, step, "sources_export"), price=0.07)
    step = await pick(own_home, step, "sources_power")
    step = await submit(own_home, step, grid_taken=["sensor.meter"], co2="sensor.carbon")
    await take_over(own_home, step)
    answer = await get_prices(own_home)
    assert {row["import_price"] for row in answer["prices"]} == {0.3, 0.18}
    assert {row["export_price"] for row in answer["prices"]} == {0.07}
    assert own_home.entry is not None
    stored = own_home.entry.options["sources"]
    assert (stored["grid"]["plus"], stored["co2"]) == (["sensor.meter"], "sensor.carbon")
    step = await page(own_home)
    assert "0.1800 … 0.3000" in words(step)["import_now"]
    assert is_changed(await pick(own_home, step, "sources_off"))
    await own_home.settle()
    assert own_home.entry.runtime_data.prices is None


async def test_an_entity_that_is_not_understood_is_said_with_what_was_found(own_home: Home) -> None:
    own_home.hass.states.async_set(
        "sensor.odd", "3", {"unit_of_measurement": "apples", "colours": ["red"]}
    )
    step = await submit(own_home, await page(own_home), entity="sensor.odd")
    assert step["errors"] == {"base": "source_refused"}
    detail = step["description_placeholders"]["detail"]
    assert "apples" in detail
    assert "colours" in detail


async def test_the_price_now_alone_makes_a_forecast_of_its_own(own_home: Home) -> None:
    own_home.hass.states.async_set("sensor.now", "24.5", {"unit_of_measurement": "ct/kWh"})
    await dashboard(own_home, grid(entity_energy_price="sensor.now"))
    step = await page(own_home)
    assert words(step)["import_now"] == "0.2450 EUR/kWh"
    await take_over(own_home, step)
    answer = await get_prices(own_home)
    assert {row["certainty"] for row in answer["prices"]} == {"known", "estimated"}
    assert {row["import_price"] for row in answer["prices"]} == {0.245}
    own_home.hass.states.async_set("sensor.now", "30", {"unit_of_measurement": "ct/kWh"})
    await own_home.settle()
    answer = await get_prices(own_home)
    assert {row["import_price"] for row in answer["prices"]} >= {0.3}


async def test_any_action_with_a_given_path(own_home: Home) -> None:
    calls = []

    async def prices(call: Any) -> dict[str, Any]:
        calls.append(dict(call.data))
        day = call.data["day"]
        rows = [{"at": f"{day}T{hour:02}:00:00+00:00", "oere": 100 + hour} for hour in range(24)]
        return {"homes": [{"rows": rows}]}

    own_home.hass.services.async_register(
        "other",
        "prices",
        prices,
        supports_response="only",  # type: ignore[arg-type]
    )
    await own_home.hass.config.async_set_time_zone("UTC")
    given = {
        "action": "other.prices",
        "data": {"day": "{date}"},
        "path": "homes.0.rows",
        "start_key": "at",
        "value_key": "oere",
        "unit": "ct/kWh",
    }
    step = await submit(own_home, await page(own_home), action={**given, "strange": 1})
    assert step["errors"] == {"base": "source_refused"}
    step = await submit(own_home, step, action={**given, "unit": "apples"})
    assert step["errors"] == {"base": "source_refused"}
    step = await submit(own_home, step, action=given)
    assert "1.0000 … 1.2300" in words(step)["import_now"]
    await take_over(own_home, step)
    answer = await get_prices(own_home)
    assert [row["import_price"] for row in answer["prices"][:3]] == [1.0, 1.01, 1.02]
    assert answer["sources"]["import"]["action"] == "other.prices"
    # the page, the reload and the source share what was answered
    assert len([call for call in calls if call == calls[0]]) == 1


async def test_missing_prices_are_a_repair_that_goes_away_by_itself(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = Hours(own_home, monkeypatch)
    priced = {"unit_of_measurement": "EUR/kWh"}
    own_home.hass.states.async_set("sensor.now", "0.2", priced)
    await dashboard(own_home, grid(entity_energy_price="sensor.now"))
    await take_over(own_home, await page(own_home))
    own_home.hass.states.async_set("sensor.now", "unavailable", priced)
    await own_home.settle()
    for _ in range(3):
        await hours.pass_by(3700)
    issue = issue_of(own_home, "prices_missing")
    assert "sensor.now is unavailable" in (issue.translation_placeholders or {})["detail"]
    assert (await get_prices(own_home))["prices"], "charging goes on with estimates"
    own_home.hass.states.async_set("sensor.now", "0.3", priced)
    await own_home.settle()
    assert "prices_missing" not in told(own_home)


async def test_a_price_of_a_provider_has_what_the_provider_can_be_asked_for(own_home: Home) -> None:
    """Quarter hours and taxes where it knows them; a formula where the price is not the owner's own number."""
    entry = own_home.entry
    assert entry is not None
    params = {"interval": "hour", "price_type": "market", "incl_vat": True}
    price = PriceSettings("energyzero", "sensor.now", "gone", params)
    own_home.hass.config_entries.async_update_entry(
        entry, options=SourceSettings(price).as_options()
    )
    await own_home.settle()
    step = await pick(own_home, await page(own_home), "sources_import")
    schema = step["data_schema"]
    assert schema is not None
    fields = {str(marker) for marker in schema.schema}
    assert {"quarter_hours", "with_taxes", "addition", "fees", "vat_percent"} <= fields
