"""The solar forecast: every provider of the Energy dashboard summed, however long its intervals are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import re
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_integration,
    mock_platform,
)

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.charging.solar_forecast import (
    KEEP,
    SolarForecasts,
    SolarReading,
    SolarState,
)
from custom_components.tesla_charging.charging.solar_series import NoForecast, energies, total
from custom_components.tesla_charging.smart_charging.series import PowerForecast

NOON = datetime(2026, 6, 20, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def kwh(forecast: PowerForecast | None) -> float:
    assert forecast
    return sum(s.median * (s.end - s.start).total_seconds() / 3.6e6 for s in forecast.slots)


def watts_at(forecast: PowerForecast | None, moment: datetime) -> float:
    assert forecast
    return next((s.median for s in forecast.slots if s.start <= moment < s.end), 0.0)


def stamps(
    step: timedelta, count: int, watts: Callable[[int], float], zone: Any = UTC
) -> dict[str, float]:
    """Energies of `count` intervals from noon on, stamped at their start."""
    return {
        (NOON + i * step).astimezone(zone).isoformat(): watts(i) * (step / timedelta(hours=1))
        for i in range(count)
    }


@pytest.mark.parametrize("minutes", [15, 30, 60])
@pytest.mark.parametrize("zone", [UTC, BERLIN, None])
def test_the_length_of_intervals_follows_from_their_stamps(minutes: int, zone: Any) -> None:
    step = timedelta(minutes=minutes)
    wh_hours = stamps(step, 6, lambda i: 1000 + i, zone or BERLIN)
    if zone is None:
        wh_hours = {key[:19]: value for key, value in wh_hours.items()}
    forecast = total([energies(wh_hours, zone=BERLIN)])
    assert forecast
    assert [s.end - s.start for s in forecast.slots] == [step] * 6
    assert [s.median for s in forecast.slots] == [1000 + i for i in range(6)]
    assert forecast.slots[0].start == NOON


def test_nights_that_are_left_out_have_no_sun() -> None:
    wh_hours = stamps(timedelta(minutes=30), 4, lambda _: 500)
    wh_hours |= {(NOON + timedelta(hours=20 + i / 2)).isoformat(): 250.0 for i in range(4)}
    forecast = total([energies(wh_hours, zone=UTC)])
    assert kwh(forecast) == pytest.approx(2.0)
    assert watts_at(forecast, NOON + timedelta(hours=2)) == 0
    assert watts_at(forecast, NOON + timedelta(hours=10)) == 0
    assert watts_at(forecast, NOON + timedelta(hours=20)) == 500


FORECAST_SOLAR = {
    "06:30:25": (0, 0),
    "07:00:00": (1008, 249),
    "08:00:00": (2070, 1539),
    "09:00:00": (2733, 2402),
    "10:00:00": (2905, 2819),
    "11:00:00": (2711, 2808),
    "12:00:00": (2377, 2544),
    "13:00:00": (1719, 2048),
    "14:00:00": (938, 1329),
    "15:00:00": (313, 626),
    "16:00:00": (65, 189),
    "16:45:36": (0, 25),
}
"""A day of Forecast.Solar's public account: the power at each stamp, and the energy."""


def test_forecast_solar_stamps_the_end_of_each_interval() -> None:
    """The energy at a stamp is the trapezoid of the powers at it and at the stamp before."""
    wh_hours = {f"2025-02-17T{at}+00:00": wh for at, (_, wh) in FORECAST_SOLAR.items()}
    read = energies(wh_hours, zone=UTC)
    for energy in read:
        before, after = (FORECAST_SOLAR[f"{t:%H:%M:%S}"][0] for t in (energy.start, energy.end))
        assert energy.watts == pytest.approx((before + after) / 2, abs=10)
    forecast = total([read])
    assert kwh(forecast) == pytest.approx(16.578)
    assert watts_at(forecast, datetime(2025, 2, 17, 7, 30, tzinfo=UTC)) == 1539
    assert watts_at(forecast, datetime(2025, 2, 17, 16, 30, tzinfo=UTC)) > 0
    assert watts_at(forecast, datetime(2025, 2, 17, 17, 0, tzinfo=UTC)) == 0
    assert forecast
    assert all(s.start.minute % 15 == 0 and s.start.second == 0 for s in forecast.slots)


def test_the_same_stamps_with_energy_from_sunrise_on_are_starts() -> None:
    values = [wh for _, wh in FORECAST_SOLAR.values()]
    moved = dict(zip(FORECAST_SOLAR, [*values[1:], 0], strict=True))
    wh_hours = {f"2025-02-17T{at}+00:00": wh for at, wh in moved.items()}
    read = energies(wh_hours, zone=UTC, stamped_at_end=True)
    assert read[0].start == datetime(2025, 2, 17, 6, 30, 25, tzinfo=UTC)
    assert watts_at(total([read]), datetime(2025, 2, 17, 7, 30, tzinfo=UTC)) == 1539


def test_several_roofs_are_summed() -> None:
    hours = energies(stamps(timedelta(hours=1), 4, lambda _: 1000), zone=UTC)
    halves = energies(stamps(timedelta(minutes=30), 3, lambda i: 100 * (i + 1)), zone=UTC)
    forecast = total([hours, halves])
    assert forecast
    assert [(s.median, (s.start - NOON).total_seconds() / 60) for s in forecast.slots] == [
        (1100, 0),
        (1200, 30),
        (1300, 60),
        (1000, 90),
    ]


@pytest.mark.parametrize(
    "wh_hours",
    [
        {},
        {"soon": 1},
        {"2026-06-20T12:00:00+00:00": "much"},
        {"2026-06-20T12:00:00+00:00": None},
        {"2026-06-20T12:00:00+00:00": float("nan")},
        {"2026-06-20T12:00:00+00:00": -5},
        {"2026-06-20T12:00:00+00:00": 1e12},
        {"9999-12-31T23:00:00-12:00": 1},
        {str(i): 1 for i in range(10_000)},
        {7: 1},
        {"2026-06-20T12:00:00+00:00": 10**400},
    ],
    ids=range(11),
)
def test_a_forecast_that_cannot_be_is_refused(wh_hours: Any) -> None:
    with pytest.raises(NoForecast) as caught:
        energies(wh_hours, zone=UTC)
    assert 5 < len(str(caught.value)) < 200


# -- through Home Assistant --------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def turned(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock by which the integration decides."""
    at = SimpleNamespace(now=NOON)

    def now() -> float:
        moment: datetime = at.now
        return moment.timestamp()

    monkeypatch.setattr(clock, "now", now)
    return at


class Roof:
    """An integration with an energy platform, whose answer a test decides."""

    def __init__(self, hass: HomeAssistant, domain: str, answer: Any) -> None:
        self.answer = answer
        self.asked = 0
        mock_integration(hass, MockModule(domain))
        mock_platform(hass, f"{domain}.energy", Mock(async_get_solar_forecast=self.ask))
        self.entry = MockConfigEntry(domain=domain, title=domain.title())
        self.entry.add_to_hass(hass)
        self.entry.mock_state(hass, ConfigEntryState.LOADED)
        hass.config.components.add(domain)

    async def ask(self, hass: HomeAssistant, entry_id: str) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def of(reading: SolarReading) -> list[SolarState]:
    return [p.state for p in reading.providers]


async def test_all_providers_are_asked_once_and_summed(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    roofs = [
        Roof(
            hass,
            f"roof{minutes}",
            {"wh_hours": stamps(timedelta(minutes=minutes), 4, lambda _: 400)},
        )
        for minutes in (15, 30, 60)
    ]
    ids = [roof.entry.entry_id for roof in roofs]
    reading = await SolarForecasts(hass).read([*ids, ids[0]])
    assert of(reading) == [SolarState.CURRENT] * 3
    assert [roof.asked for roof in roofs] == [1, 1, 1]
    assert watts_at(reading.forecast, NOON) == 1200
    assert kwh(reading.forecast) == pytest.approx(0.4 * (1 + 2 + 4))


async def test_what_has_not_changed_is_not_summed_again(hass: HomeAssistant) -> None:
    wh_hours = stamps(timedelta(hours=1), 4, lambda _: 400)
    roofs = [Roof(hass, name, {"wh_hours": dict(wh_hours)}) for name in ("south", "north")]
    forecasts, ids = SolarForecasts(hass), [roof.entry.entry_id for roof in roofs]
    first = (await forecasts.read(ids)).forecast
    roofs[0].answer = {"wh_hours": dict(wh_hours)}
    assert (await forecasts.read(ids)).forecast is first
    # a provider that changes its dictionary instead of making a new one
    roofs[1].answer["wh_hours"][NOON.isoformat()] = 800
    assert watts_at((await forecasts.read(ids)).forecast, NOON) == 1200
    assert watts_at((await forecasts.read(ids[:1])).forecast, NOON) == 400
    assert (await forecasts.read([])).forecast is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "no forecast now"),
        ({"wh_hours": {}}, "empty"),
        ({}, "KeyError"),
        ("nonsense", "TypeError"),
        ({"wh_hours": 5}, "TypeError"),
        (AttributeError("'NoneType' has no attribute 'solcast'"), "AttributeError: 'NoneType'"),
        (TimeoutError(), "TimeoutError"),
    ],
    ids=range(7),
)
async def test_a_provider_without_an_answer_has_its_last_one_for_a_day(
    hass: HomeAssistant, turned: SimpleNamespace, answer: Any, words: str
) -> None:
    good = Roof(hass, "good", {"wh_hours": stamps(timedelta(hours=1), 48, lambda _: 100)})
    bad = Roof(hass, "bad", {"wh_hours": stamps(timedelta(hours=1), 48, lambda _: 1000)})
    forecasts = SolarForecasts(hass)
    ids = [good.entry.entry_id, bad.entry.entry_id]
    assert watts_at((await forecasts.read(ids)).forecast, NOON) == 1100
    bad.answer = answer
    turned.now += KEEP - timedelta(minutes=1)
    reading = await forecasts.read(ids)
    assert of(reading) == [SolarState.CURRENT, SolarState.LAST_KNOWN]
    assert words in reading.providers[1].reason
    assert reading.providers[1].answered == NOON
    assert watts_at(reading.forecast, turned.now) == 1100
    turned.now += timedelta(minutes=1)
    reading = await forecasts.read(ids)
    assert of(reading) == [SolarState.CURRENT, SolarState.NONE]
    assert watts_at(reading.forecast, turned.now) == 100
    bad.answer = good.answer
    assert watts_at((await forecasts.read(ids)).forecast, turned.now) == 200


async def test_a_provider_that_repeats_an_old_forecast_is_said(
    hass: HomeAssistant, turned: SimpleNamespace
) -> None:
    roof = Roof(hass, "roof", {"wh_hours": stamps(timedelta(hours=1), 4, lambda _: 100)})
    forecasts = SolarForecasts(hass)
    turned.now = NOON + timedelta(hours=27)
    assert of(await forecasts.read([roof.entry.entry_id])) == [SolarState.CURRENT]
    turned.now += timedelta(hours=25)
    reading = await forecasts.read([roof.entry.entry_id])
    assert reading.providers[0].reason == "Its forecast ended at 2026-06-20 16:00 UTC"
    assert of(reading) == [SolarState.NONE]


async def test_a_winter_without_sun_is_a_forecast(hass: HomeAssistant) -> None:
    roof = Roof(hass, "roof", {"wh_hours": stamps(timedelta(hours=1), 48, lambda _: 0)})
    reading = await SolarForecasts(hass).read([roof.entry.entry_id])
    assert of(reading) == [SolarState.CURRENT]
    assert reading.forecast is None


async def test_entries_that_are_gone_or_not_loaded_are_said(hass: HomeAssistant) -> None:
    roof = Roof(hass, "roof", {"wh_hours": stamps(timedelta(hours=1), 4, lambda _: 100)})
    roof.entry.mock_state(hass, ConfigEntryState.SETUP_RETRY)
    other = MockConfigEntry(domain="sun")
    other.add_to_hass(hass)
    other.mock_state(hass, ConfigEntryState.LOADED)
    reading = await SolarForecasts(hass).read([roof.entry.entry_id, "gone", other.entry_id])
    assert reading.forecast is None
    assert [p.reason for p in reading.providers] == [
        "The config entry is not loaded (setup_retry)",
        "The config entry is gone",
        "sun has no solar forecast",
    ]
    assert of(reading) == [SolarState.NONE] * 3
    assert (await SolarForecasts(hass).read([])).forecast is None


async def test_core_forecast_solar(
    hass: HomeAssistant, aioclient_mock: Any, freezer: Any, turned: SimpleNamespace
) -> None:
    """Core's own component with its library; only the network is answered here."""
    pytest.importorskip("forecast_solar")
    freezer.move_to("2025-02-17 12:30:00+00:00")
    turned.now = datetime(2025, 2, 17, 12, 30, tzinfo=UTC)
    rows = {f"2025-02-17T{at}+00:00": value for at, value in FORECAST_SOLAR.items()}
    aioclient_mock.get(
        re.compile(r"https://api\.forecast\.solar/.*"),
        json={
            "result": {
                "watts": {at: watts for at, (watts, _) in rows.items()},
                "watt_hours_period": {at: wh for at, (_, wh) in rows.items()},
                "watt_hours": {},
                "watt_hours_day": {"2025-02-17": 16578},
            },
            "message": {
                "info": {"timezone": "Europe/Berlin"},
                "ratelimit": {"period": 3600, "limit": 12, "remaining": 11},
            },
        },
        headers={
            "Content-Type": "application/json",
            "X-Ratelimit-Limit": "12",
            "X-Ratelimit-Period": "3600",
            "X-Ratelimit-Remaining": "11",
        },
    )
    plane = {"declination": 37, "azimuth": 143, "modules_power": 5390}
    entry = MockConfigEntry(
        domain="forecast_solar",
        title="Roof",
        version=3,
        data={"latitude": 52.4, "longitude": 4.9},
        subentries_data=[
            ConfigSubentryData(data=plane, subentry_type="plane", title="South", unique_id=None)
        ],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    reading = await SolarForecasts(hass).read([entry.entry_id])
    assert of(reading) == [SolarState.CURRENT]
    assert kwh(reading.forecast) == pytest.approx(16.578)
    assert watts_at(reading.forecast, datetime(2025, 2, 17, 7, 30, tzinfo=UTC)) == 1539


# -- how sure it is ----------------------------------------------------------------------------------------


def detailed(count: int, **kw: float) -> list[dict[str, Any]]:
    """Solcast's half hours from noon on, kW."""
    return [
        {
            "period_start": NOON + i * timedelta(minutes=30),
            "pv_estimate": kw.get("middle", 1.0),
            "pv_estimate10": kw.get("low", 0.4),
            "pv_estimate90": kw.get("high", 1.5),
        }
        for i in range(count)
    ]


async def solcast(hass: HomeAssistant, wh_hours: dict[str, float], rows: Any) -> SolarReading:
    """A home with Solcast for one roof, and a provider without percentiles for another."""
    roof = Roof(hass, "solcast_solar", {"wh_hours": wh_hours})
    other = Roof(hass, "other", {"wh_hours": stamps(timedelta(hours=1), 2, lambda _: 100)})
    sensor = er.async_get(hass).async_get_or_create(
        "sensor", "solcast_solar", "total_kwh_forecast_today", config_entry=roof.entry
    )
    hass.states.async_set(sensor.entity_id, "28.8", {"detailedForecast": rows})
    return await SolarForecasts(hass).read([roof.entry.entry_id, other.entry.entry_id])


@pytest.mark.parametrize("minutes", [30, 60])
async def test_percentiles_of_solcast(hass: HomeAssistant, minutes: int) -> None:
    step = timedelta(minutes=minutes)
    wh_hours = stamps(step, 120 // minutes, lambda _: 1000)
    reading = await solcast(hass, wh_hours, detailed(4))
    assert reading.forecast
    (slot,) = reading.forecast.slots
    assert (slot.low, slot.median, slot.high) == (500, 1100, 1600)


async def test_percentiles_that_cover_a_part(hass: HomeAssistant) -> None:
    reading = await solcast(hass, stamps(timedelta(hours=1), 2, lambda _: 1000), detailed(3))
    assert reading.forecast
    assert [(s.low, s.high) for s in reading.forecast.slots] == [(500, 1600), (1100, 1100)]


async def test_a_percentile_that_is_the_forecast(hass: HomeAssistant) -> None:
    reading = await solcast(
        hass, stamps(timedelta(hours=1), 2, lambda _: 400), detailed(4, low=0.6)
    )
    assert reading.forecast
    (slot,) = reading.forecast.slots
    assert (slot.low, slot.median, slot.high) == (500, 500, 1600)


@pytest.mark.parametrize(
    "rows",
    [
        None,
        "text",
        [1, 2],
        [{"period_start": "soon", "pv_estimate10": 1, "pv_estimate90": 2}],
        [{"period_start": NOON, "pv_estimate10": "nan", "pv_estimate90": 2}],
        [{"period_start": NOON, "pv_estimate10": 3, "pv_estimate90": 2}],
        [{"period_start": NOON, "pv_estimate10": 1}],
        [
            {
                "period_start": datetime.max.replace(tzinfo=UTC),
                "pv_estimate10": 1,
                "pv_estimate90": 2,
            }
        ],
        detailed(10_000),
    ],
    ids=range(9),
)
async def test_percentiles_that_make_no_sense_are_left_out(hass: HomeAssistant, rows: Any) -> None:
    reading = await solcast(hass, stamps(timedelta(hours=1), 2, lambda _: 1000), rows)
    assert reading.forecast
    (slot,) = reading.forecast.slots
    assert (slot.low, slot.median, slot.high) == (None, 1100, None)
