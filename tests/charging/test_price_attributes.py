"""Price entities with lists in attributes, in Home Assistant: recognised by themselves, read where the lists are."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.tesla_charging.charging.adapter import (
    NotPublished,
    NotReady,
    PriceSettings,
    SourceError,
)
from custom_components.tesla_charging.charging.adapters import recognise
from custom_components.tesla_charging.charging.preview import preview
from custom_components.tesla_charging.charging.price_attributes import (
    look_at,
    not_understood,
    watched,
)
from custom_components.tesla_charging.charging.price_form import FIELD_ENTITY, BadForm, from_form
from custom_components.tesla_charging.charging.price_source import PriceSource
from custom_components.tesla_charging.charging.settings import SourceSettings
from custom_components.tesla_charging.smart_charging.normalise import normalise
from custom_components.tesla_charging.smart_charging.series import Certainty

from .price_shapes import (
    AMSTERDAM,
    HALF,
    HOUR,
    Priced,
    amber,
    entsoe,
    hacs_nordpool,
    octopus,
    prices_of,
    template_sensor,
    zonneplan_quarters,
)

DAY = date(2026, 11, 28)
TODAY, TOMORROW = prices_of(DAY), prices_of(DAY + timedelta(days=1))


@pytest.fixture(autouse=True)
async def in_amsterdam(hass: HomeAssistant) -> None:
    await hass.config.async_set_time_zone("Europe/Amsterdam")


def entity(
    hass: HomeAssistant,
    platform: str,
    unique_id: str,
    state: str,
    domain: str = "sensor",
    **attributes: Any,
) -> str:
    """Register an entity and write its state."""
    entry = er.async_get(hass).async_get_or_create(domain, platform, unique_id)
    hass.states.async_set(entry.entity_id, state, attributes)
    return entry.entity_id


def slots(hass: HomeAssistant, settings: PriceSettings) -> int:
    found = look_at(hass, settings)
    made = normalise(
        *(found.rows,),
        unit=found.unit,
        zone=AMSTERDAM,
        source="test",
        price_now=found.price_now,
    )
    return len(made)


def found(hass: HomeAssistant, entity_id: str) -> PriceSettings:
    settings = recognise(hass, entity_id)
    assert settings
    assert settings.kind == "attributes"
    assert settings.entity_id == entity_id
    return settings


async def test_an_entity_with_its_own_lists(hass: HomeAssistant) -> None:
    entity_id = entity(
        *(hass, "nordpool", "nordpool_kwh_nl_eur_3_10_021", str(TODAY[0].price)),
        unit_of_measurement="EUR/kWh",
        **hacs_nordpool(TODAY, TOMORROW),
    )
    settings = found(hass, entity_id)
    assert watched(settings) == (entity_id,)
    assert slots(hass, settings) == 192
    assert look_at(hass, settings).found == "raw_today, raw_tomorrow"


async def test_a_copy_of_today_is_said(hass: HomeAssistant) -> None:
    again = [Priced(p.start + timedelta(days=1), p.step, p.price) for p in TODAY]
    hass.states.async_set(
        "sensor.mine", "0.1", {"unit_of_measurement": "EUR/kWh", **hacs_nordpool(TODAY, again)}
    )
    assert slots(hass, found(hass, "sensor.mine")) == 96
    assert "today's list again" in look_at(hass, found(hass, "sensor.mine")).found


async def test_an_entity_nobody_knows(hass: HomeAssistant) -> None:
    """A template sensor from configuration.yaml without a unique id is in no registry."""
    hass.states.async_set(
        *("sensor.my_price", "0.1"), {"unit_of_measurement": "€/kWh", **template_sensor(TODAY, [])}
    )
    assert slots(hass, found(hass, "sensor.my_price")) == 96


async def test_the_lists_of_entsoe_are_with_its_average(hass: HomeAssistant) -> None:
    now = entity(hass, "entsoe", "entsoe.current_price", "0.1", unit_of_measurement="EUR/kWh")
    average = entity(
        *(hass, "entsoe", "entsoe.avg_price", "0.2"),
        unit_of_measurement="EUR/kWh",
        **entsoe(TODAY, TOMORROW),
    )
    settings = found(hass, now)
    assert watched(settings) == (average,)
    assert slots(hass, settings) == 192
    assert look_at(hass, settings).price_now == 0.1


async def test_octopus_has_an_entity_for_each_day(hass: HomeAssistant) -> None:
    today, tomorrow = (prices_of(day, HALF) for day in (DAY, DAY + timedelta(days=1)))
    stem = "octopus_energy_electricity_22L4_1900_"
    now = entity(
        hass, "octopus_energy", f"{stem}current_rate", "0.1", unit_of_measurement="GBP/kWh"
    )
    lists = [
        entity(
            *(hass, "octopus_energy", f"{stem}{day}_day_rates", "2026-11-28T00:05:00+00:00"),
            domain="event",
            **octopus(rates, []),
        )
        for day, rates in (("current", today), ("next", []))
    ]
    settings = found(hass, now)
    assert watched(settings) == tuple(lists)
    assert slots(hass, settings) == 48
    hass.states.async_set(lists[1], "2026-11-28T16:30:00+00:00", octopus(tomorrow, []))
    assert slots(hass, settings) == 96
    hass.states.async_set(lists[0], "unavailable", {})
    assert slots(hass, settings) == 48


async def test_whole_numbers_are_compared_with_the_state_in_euros(hass: HomeAssistant) -> None:
    entity_id = entity(
        *(hass, "zonneplan_one", "x_current_quarter_hourly_tariff", "0.1"),
        unit_of_measurement="€/kWh",
        **zonneplan_quarters(TODAY, TOMORROW),
    )
    assert slots(hass, found(hass, entity_id)) == 192


async def test_what_is_only_expected_is_a_forecast(hass: HomeAssistant) -> None:
    hass.states.async_set(
        *("sensor.amber_forecast", "0.1"),
        {"unit_of_measurement": "$/kWh", **amber(prices_of(DAY, HALF), [])},
    )
    series = look_at(hass, found(hass, "sensor.amber_forecast"))
    assert series.certainty is Certainty.FORECAST
    assert len(series.rows) == 48


async def test_a_known_integration_without_prices_now_stays_its_own(hass: HomeAssistant) -> None:
    entity_id = entity(
        *(hass, "nordpool", "nordpool_kwh", "unknown"),
        unit_of_measurement="EUR/kWh",
        **hacs_nordpool([], []) | {"today": [], "tomorrow": []},
    )
    settings = found(hass, entity_id)
    with pytest.raises(NotPublished, match="raw_today"):
        look_at(hass, settings)
    hass.states.async_set(entity_id, "unavailable", {})
    with pytest.raises(NotReady):
        look_at(hass, settings)
    # core has a nordpool too: which one it is cannot be seen
    assert recognise(hass, entity_id) is None
    other = entity(hass, "energidataservice", "eds", "unavailable")
    assert found(hass, other)


@pytest.mark.parametrize(
    "attributes",
    [
        {"unit_of_measurement": "EUR/kWh"},
        {"unit_of_measurement": "EUR/kWh", "options": ["a", "b"]},
        {
            "unit_of_measurement": "°C",
            "forecast": [{"datetime": "2026-11-28T00:00Z", "temperature": 3}],
        },
        {"unit_of_measurement": "€/m³", **template_sensor(prices_of(DAY, HOUR), [])},
        {"unit_of_measurement": "EUR/kWh", "prices": []},
        {"detailedForecast": [{"period_start": "2026-11-28T00:00Z", "pv_estimate": 3}]},
    ],
)
async def test_other_entities_are_not_recognised(
    hass: HomeAssistant, attributes: dict[str, Any]
) -> None:
    hass.states.async_set("sensor.other", "0.3", attributes)
    settings = recognise(hass, "sensor.other")
    assert settings is None or settings.kind != "attributes"


async def test_attributes_and_unit_that_a_person_gives(hass: HomeAssistant) -> None:
    rows = template_sensor(TODAY, [])["prices_today"]
    hass.states.async_set("sensor.mine", "ok", {"strompreise": rows})
    with pytest.raises(SourceError, match="strompreise \\(list of 96"):
        look_at(hass, PriceSettings("attributes", "sensor.mine"))
    given = {"attributes": ["strompreise"], "unit": "ct/kWh"}
    series = look_at(hass, PriceSettings("attributes", "sensor.mine", params=given))
    assert len(series.rows) == 96
    assert series.price_now is None


# -- read for a home --------------------------------------------------------------------------------------


class Counted:
    """What a source tells the person, and how often its prices changed."""

    def __init__(self, hass: HomeAssistant, settings: PriceSettings) -> None:
        self.hass = hass
        self.problems: list[str] = []
        self.changes = 0
        self.source = PriceSource(
            hass, SourceSettings(settings), self.problems.append, lambda: None
        )
        self.source.changed.subscribe(self._changed)
        self.feed = self.source.feeds[0]

    def _changed(self) -> None:
        self.changes += 1

    async def settle(self) -> None:
        await self.hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
async def at_noon(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(datetime(2026, 11, 28, 12, tzinfo=UTC))


async def test_new_prices_are_taken_over_at_once(hass: HomeAssistant, at_noon: None) -> None:
    given = {"unit_of_measurement": "EUR/kWh"}
    entity_id = entity(hass, "nordpool", "nordpool_kwh", "0.1", **given, **hacs_nordpool(TODAY, []))
    home = Counted(hass, found(hass, entity_id))
    home.source.start()
    await home.settle()
    assert len(home.feed.slots) == 96
    # the next quarter hour: another price now, the same lists
    hass.states.async_set(entity_id, "0.2", {**given, **hacs_nordpool(TODAY, [])})
    await home.settle()
    assert home.changes == 1
    hass.states.async_set(entity_id, "0.2", {**given, **hacs_nordpool(TODAY, TOMORROW)})
    await home.settle()
    assert home.changes == 2
    assert home.feed.known_until == TOMORROW[-1].end
    hass.states.async_set(entity_id, "unavailable", {})
    await home.settle()
    assert len(home.feed.slots) == 192
    assert home.feed.error == f"{entity_id} is not available"
    home.source.stop()


async def test_a_forecast_holds_where_nothing_is_published(
    hass: HomeAssistant, at_noon: None
) -> None:
    later = prices_of(DAY + timedelta(days=1), HOUR)
    attributes = {
        "unit_of_measurement": "EUR/kWh",
        **hacs_nordpool(TODAY, []),
        "forecast": [{"hour": p.start, "price": p.price} for p in (*prices_of(DAY, HOUR), *later)],
    }
    entity_id = entity(hass, "energidataservice", "eds", "0.1", **attributes)
    home = Counted(hass, found(hass, entity_id))
    home.source.start()
    await home.settle()
    assert [s.certainty for s in home.feed.slots] == [
        *[Certainty.KNOWN] * 96,
        *[Certainty.FORECAST] * 24,
    ]
    home.source.stop()


async def test_prices_in_another_unit_are_refused_and_the_old_ones_kept(
    hass: HomeAssistant, at_noon: None
) -> None:
    given = {"unit_of_measurement": "EUR/kWh"}
    entity_id = entity(hass, "nordpool", "nordpool_kwh", "0.1", **given, **hacs_nordpool(TODAY, []))
    home = Counted(hass, found(hass, entity_id))
    home.source.start()
    await home.settle()
    cents = [Priced(p.start, p.step, p.price * 100) for p in TODAY]
    hass.states.async_set(entity_id, "0.1", {**given, **hacs_nordpool(cents, [])})
    await home.settle()
    assert "unit" in home.feed.error
    assert max(s.import_price for s in home.feed.slots) < 1
    home.source.stop()


async def test_entities_with_the_lists_are_watched(hass: HomeAssistant, at_noon: None) -> None:
    now = entity(hass, "entsoe", "entsoe.current_price", "0.1", unit_of_measurement="EUR/kWh")
    given = {"unit_of_measurement": "EUR/kWh"}
    average = entity(hass, "entsoe", "entsoe.avg_price", "0.2", **given, **entsoe(TODAY, []))
    home = Counted(hass, found(hass, now))
    home.source.start()
    await home.settle()
    assert len(home.feed.slots) == 96
    hass.states.async_set(average, "0.2", {**given, **entsoe(TODAY, TOMORROW)})
    await home.settle()
    assert len(home.feed.slots) == 192
    home.source.stop()


# -- what is not understood is said ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (
            {"data": [{"from": "00:00", "euro": 0.3}]},
            "data have no time that is understood, but from: 00:00",
        ),
        ({"prices": [{"start": "2026-11-28T00:00Z", "euro": 0.3}]}, "no price that is understood"),
        ({"today": [0.1] * 7}, "today has 7 prices, and the day 24 hours"),
        ({}, ""),
        ({"prices": []}, ""),
        ({"options": ["a", "b"]}, ""),
    ],
)
async def test_lists_that_are_not_understood_are_said(
    hass: HomeAssistant, attributes: dict[str, Any], words: str
) -> None:
    hass.states.async_set("sensor.mine", "0.3", {"unit_of_measurement": "EUR/kWh", **attributes})
    settings = recognise(hass, "sensor.mine")
    assert settings
    assert settings.kind == "price_now"
    shown = await preview(hass, SourceSettings(settings))
    assert ("⚠" in shown["import_source"]) is bool(words)
    assert words in shown["import_source"]
    assert words in not_understood(hass, "sensor.mine")


async def test_an_entity_without_a_price_is_refused_with_what_was_found(
    hass: HomeAssistant,
) -> None:
    hass.states.async_set(
        "sensor.rank", "3", {"data": [{"start_time": "2026-11-28T00:00Z", "rank": 3}]}
    )
    with pytest.raises(BadForm, match=r"no price that is understood, but .*rank: 3"):
        from_form(hass, {FIELD_ENTITY: "sensor.rank"}, None, export=False)
    assert not_understood(hass, "sensor.gone") == ""
