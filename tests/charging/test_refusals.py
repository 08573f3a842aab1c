"""What each row must not take: entities of other things, and answers that are no prices."""

from datetime import time
import json
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.charging.adapter import (
    NotPublished,
    NotReady,
    PriceSettings,
    SourceError,
)
from custom_components.tesla_charging.charging.adapters import BY_KIND, recognise
from custom_components.tesla_charging.charging.energy_preferences import Power
from custom_components.tesla_charging.charging.settings import SourceSettings
from custom_components.tesla_charging.charging.time_of_use import BadLine, read_fees, write_fees
from custom_components.tesla_charging.smart_charging.normalise import Fee, Formula

from .priced_home import TODAY

PER_KWH = "EUR/kWh"
ROWS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    # unique id of the price now; of something else; parameters; an answer with one good row
    "nordpool": (
        "NL-current_price",
        "NL-updated_at",
        {"area": "NL"},
        {"NL": [{"start": "2026-11-18T00:00:00+01:00", "end": None, "price": 50}]},
    ),
    "tibber": (
        "home-1",
        "home-1_month_cost",
        {"home": "Home"},
        {"prices": {"Home": [{"start_time": "2026-11-18T00:00:00+01:00", "price": 0.2}]}},
    ),
    "energyzero": (
        "e_today_energy_all_in_current_price",
        "e_today_gas_current_hour_price",
        {"price_type": "all_in", "interval": "hour", "incl_vat": True},
        {"prices": [{"start": "2026-11-18 00:00:00+00:00", "end": None, "price": 0.2}]},
    ),
    "easyenergy": (
        "e_today_energy_usage_current_hour_price",
        "e_today_gas_current_hour_price",
        {"price_type": "market", "granularity": "hour", "incl_vat": True},
        {"prices": [{"timestamp": "2026-11-18 00:00:00+00:00", "price": 0.2}]},
    ),
    "easyenergy_return": (
        "e_today_energy_return_current_hour_price",
        "e_today_gas_current_hour_price",
        {"granularity": "hour"},
        {"prices": [{"timestamp": "2026-11-18 00:00:00+00:00", "price": 0.1}]},
    ),
    "omie": (
        "pt_spot_price",
        "fr_spot_price",
        {"country": "pt"},
        {
            "pt": [
                {"start": f"2026-11-18T{n // 4:02}:{n % 4 * 15:02}:00+01:00", "price": 0.1}
                for n in range(96)
            ]
        },
    ),
    "amberelectric": (
        "site-current-feed_in",
        "site-renewables",
        {"channel": "feed_in"},
        {"forecasts": [{"start_time": "2026-11-18T00:00:01+00:00", "per_kwh": 0.1}]},
    ),
    "green_planet_energy": (
        "gpe_current_price",
        "gpe_highest_price_today",
        {},
        {"prices": [{"start": "2026-11-18T00:00:00+01:00", "end": None, "price": 0.3}]},
    ),
}
every_row = pytest.mark.parametrize("kind", ROWS)


class Stand:
    """An integration that answers what a test says."""

    def __init__(self, hass: HomeAssistant, kind: str) -> None:
        self.hass, self.kind = hass, kind
        self.adapter = BY_KIND[kind]
        self.domain, _, name = self.adapter.service.partition(".")
        self.entry = MockConfigEntry(
            domain=self.domain, data={"currency": "EUR"}, state=ConfigEntryState.LOADED
        )
        self.entry.add_to_hass(hass)
        self.answer: Any = ROWS[kind][3]

        async def act(_: Any) -> Any:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        hass.services.async_register(
            self.domain, name, act, supports_response=SupportsResponse.ONLY
        )

    def entity(self, unique_id: str, unit: str | None) -> str:
        registered = er.async_get(self.hass).async_get_or_create(
            "sensor", self.domain, unique_id, config_entry=self.entry
        )
        self.hass.states.async_set(registered.entity_id, "0.2", {"unit_of_measurement": unit})
        return registered.entity_id

    async def ask(self) -> Any:
        settings = PriceSettings(
            self.kind,
            self.entity(ROWS[self.kind][0], PER_KWH),
            self.entry.entry_id,
            ROWS[self.kind][2],
        )
        assert self.adapter.ask is not None
        return await self.adapter.ask(self.hass, settings, TODAY)


def test_every_row_with_an_action_is_here() -> None:
    assert set(ROWS) == {row.kind for row in BY_KIND.values() if row.service}


@every_row
async def test_it_recognises_the_price_now_and_nothing_else(hass: HomeAssistant, kind: str) -> None:
    stand = Stand(hass, kind)
    now, other, params, _ = ROWS[kind]
    settings = recognise(hass, stand.entity(now, PER_KWH))
    assert settings is not None
    assert (settings.kind, settings.entry_id) == (kind, stand.entry.entry_id)
    if kind != "tibber":  # the home is the device, which this one has not
        assert dict(settings.params).keys() == params.keys()
    found = recognise(hass, stand.entity(other, "EUR/m³"))
    assert found is None


@every_row
async def test_a_good_answer_is_taken(hass: HomeAssistant, kind: str) -> None:
    raw = await Stand(hass, kind).ask()
    assert raw.rows


@every_row
@pytest.mark.parametrize(
    "answer", [{}, {"prices": "soon"}, {"prices": 3}, {"prices": [1]}, {"prices": [{"a": 1}]}]
)
async def test_an_answer_of_another_shape_is_refused(
    hass: HomeAssistant, kind: str, answer: Any
) -> None:
    stand = Stand(hass, kind)
    stand.answer = answer
    with pytest.raises(SourceError):
        await stand.ask()


@every_row
async def test_an_empty_list_is_not_published_yet(hass: HomeAssistant, kind: str) -> None:
    stand = Stand(hass, kind)

    def emptied(answer: Any) -> Any:
        if isinstance(answer, list):
            return []
        return {key: emptied(value) for key, value in answer.items()}

    stand.answer = emptied(ROWS[kind][3])
    with pytest.raises(NotPublished):
        await stand.ask()


@every_row
@pytest.mark.parametrize(
    "error", [ServiceValidationError("no way"), KeyError("x"), TimeoutError(), AttributeError("y")]
)
async def test_whatever_an_integration_raises_is_told(
    hass: HomeAssistant, kind: str, error: Exception
) -> None:
    stand = Stand(hass, kind)
    stand.answer = error
    with pytest.raises(SourceError, match=stand.domain):
        await stand.ask()


@every_row
async def test_an_integration_that_is_not_loaded_is_not_asked(
    hass: HomeAssistant, kind: str
) -> None:
    stand = Stand(hass, kind)
    stand.entry.mock_state(hass, ConfigEntryState.SETUP_RETRY)
    with pytest.raises(NotReady):
        await stand.ask()


async def test_a_tibber_home_that_is_gone_is_named(hass: HomeAssistant) -> None:
    stand = Stand(hass, "tibber")
    stand.answer = {"prices": {"Cabin": [], "Boat": []}}
    with pytest.raises(SourceError, match="no home 'Home'; it has Cabin, Boat"):
        await stand.ask()


async def test_omie_with_another_number_of_quarters_on_the_day_of_a_clock_change(
    hass: HomeAssistant,
) -> None:
    stand = Stand(hass, "omie")
    settings = PriceSettings("omie", "", stand.entry.entry_id, {"country": "pt"})
    assert stand.adapter.ask is not None
    with pytest.raises(SourceError, match="96 prices for a day of 92"):
        await stand.adapter.ask(hass, settings, TODAY.replace(month=3, day=29))


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {},
        {"import": None},
        {"import": {"kind": "of another version"}},
        {"import": {"kind": "nordpool"}},
        {"import": {"kind": "fixed", "params": {"price": 1}, "formula": {"vat_percent": 900}}},
        {"import": {"kind": "fixed", "params": {"price": 1}}, "grid": {"plus": 3}},
        "damaged",
    ],
)
def test_options_that_make_no_sense_read_nothing(stored: Any) -> None:
    assert SourceSettings.from_options({"sources": stored}) is None


def test_sources_are_stored_and_read_as_they_are() -> None:
    fees = (Fee(0.05, time(6), time(22), frozenset(range(5)), frozenset({10, 11})),)
    settings = SourceSettings(
        PriceSettings(
            "nordpool", "sensor.now", "entry", {"area": "NL"}, Formula(1.0, 0.1, 21.0, fees)
        ),
        PriceSettings("fixed", params={"price": 0.08}, export=True),
        grid=Power(("sensor.in",), ("sensor.out",)),
        forecasts=("one",),
        battery_levels=("sensor.level",),
        co2="sensor.carbon",
    )
    stored = json.loads(json.dumps(settings.as_options()))
    assert SourceSettings.from_options(stored) == settings


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("22:00-06:00 0.18", None),
        ("22-6 0,18", "22:00-06:00 0.18"),
        ("00:00-24:00 0.1", "00:00-24:00 0.1"),
        ("17:00-21:00 0.42 mon-fri oct-mar", None),
        ("17:00-21:00 -0.1 sat sun", "17:00-21:00 -0.1 sat sun"),
    ],
)
def test_lines_of_a_table_are_read_and_written_alike(text: str, same: str | None) -> None:
    fees = read_fees(text)
    assert read_fees(write_fees(fees)) == fees
    assert same is None or write_fees(fees) == same


@pytest.mark.parametrize(
    "line",
    ["cheap", "22:00 0.1", "25:00-26:00 1", "22:00-06:00", "1-2 x", "1-2 3 someday", "1-2 nan"],
)
def test_lines_that_cannot_be_read(line: str) -> None:
    with pytest.raises(BadLine):
        read_fees(f"22:00-06:00 0.18\n{line}")
