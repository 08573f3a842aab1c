"""The price providers that core knows, each a row: how it is set up, how its network answers, and what is to be found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
import functools
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
import amberelectric
from amberelectric.configuration import Configuration
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .provider_net import ProviderNet

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


@dataclass
class Market:
    """What a provider knows: which days are published."""

    zone: ZoneInfo
    step: timedelta = QUARTER
    published: set[date] = field(default_factory=set)

    def slots(self, day: date, step: timedelta | None = None) -> list[tuple[datetime, datetime]]:
        """Return the slots of a day: 92, 96 or 100 quarters."""
        start, end = (
            datetime.combine(d, time(), self.zone).astimezone(UTC) for d in (day, day + DAY)
        )
        step = step or self.step
        count = (end - start) // step
        return [(start + step * index, start + step * (index + 1)) for index in range(count)]

    @staticmethod
    def price(start: datetime) -> float:
        """Return the price of the market at a moment, per MWh; every quarter hour its own."""
        minutes = int(start.timestamp()) // 900
        return round(40 + (minutes * 37 % 1009) / 10, 2)


type SetUp = Callable[[HomeAssistant, ProviderNet, Market, pytest.MonkeyPatch], Awaitable[str]]


@dataclass(frozen=True)
class Provider:
    """A row."""

    name: str
    """The kind of adapter that has to be proposed."""
    home_zone: str
    zone: str
    """In whose days it counts."""
    set_up: SetUp
    """Sets the core component up, and returns the entity with the price now."""
    per_kwh: Callable[[datetime], float]
    """What has to come out for a slot."""
    publishes: time = time(12, 57)
    """When tomorrow's prices are there, in its zone."""
    within: timedelta = timedelta(minutes=5)
    """How long taking them over may take after core can answer."""
    every: timedelta = timedelta(minutes=5)
    """At most how often its action may be called for one day."""
    step: timedelta = QUARTER
    params: dict[str, Any] = field(default_factory=dict)
    currency: str = "EUR"
    dst: bool = True
    """Whether it can tell the quarters of a day with a clock change."""
    per_quarters: float = 1.0
    """Slots for each quarter hour."""
    per_day: bool = True
    """Whether every day is a request of its own."""
    most_calls: int = 40
    """In the day of the test that counts them."""
    lost_quarters: int = 0
    """How many quarters core loses in spring, for which there are estimates."""
    rolling: bool = False
    """Whether core answers from what it has itself, for the 24 hours from now on."""


async def add(
    hass: HomeAssistant, domain: str, data: dict[str, Any] | None = None, **more: Any
) -> MockConfigEntry:
    """Set a core component up from its config entry."""
    entry = MockConfigEntry(domain=domain, data=data or {}, title=domain, **more)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def entity(hass: HomeAssistant, platform: str, unique_id: str) -> str:
    found = er.async_get(hass).async_get_entity_id("sensor", platform, unique_id)
    assert found is not None, unique_id
    return found


# -- Nord Pool ----------------------------------------------------------------------------------------------


async def _nordpool(
    hass: HomeAssistant, net: ProviderNet, market: Market, _: pytest.MonkeyPatch
) -> str:
    async def answer(request: web.Request) -> web.StreamResponse:
        day = date.fromisoformat(request.query["date"])
        if day not in market.published:
            return web.Response(status=204)
        entries = [
            {
                "deliveryStart": start.isoformat().replace("+00:00", "Z"),
                "deliveryEnd": end.isoformat().replace("+00:00", "Z"),
                "entryPerArea": {"NL": market.price(start)},
            }
            for start, end in market.slots(day)
        ]
        return web.json_response(
            {
                "deliveryDateCET": day.isoformat(),
                "multiAreaEntries": entries,
                "blockPriceAggregates": [],
                "areaStates": [{"state": "Final", "areas": ["NL"]}],
                "areaAverages": [{"areaCode": "NL", "price": 50.0}],
                "updatedAt": f"{day.isoformat()}T10:55:00Z",
                "version": 3,
                "currency": "EUR",
                "exchangeRate": 1,
            }
        )

    net.serve("dataportal-api.nordpoolgroup.com", answer)
    await add(hass, "nordpool", {"areas": ["NL"], "currency": "EUR"})
    return entity(hass, "nordpool", "NL-current_price")


# -- Tibber -------------------------------------------------------------------------------------------------


async def _tibber(
    hass: HomeAssistant, net: ProviderNet, market: Market, _: pytest.MonkeyPatch
) -> str:
    def prices(day: date) -> list[dict[str, Any]]:
        return [
            {
                "total": market.price(start) / 1000,
                "startsAt": start.astimezone(market.zone).isoformat(timespec="milliseconds"),
                "level": "NORMAL",
            }
            for start, _ in (market.slots(day) if day in market.published else [])
        ]

    async def graph(request: web.Request) -> web.StreamResponse:
        now = datetime.now(market.zone)
        today, hour_ago = now.date(), f"{now - HOUR:%Y-%m-%dT%H:00:00%:z}"
        home = {
            "id": "home-1",
            "appNickname": "Cabin",
            "features": {"realTimeConsumptionEnabled": False},
            "address": {"address1": "Road 1", "country": "NO"},
            "meteringPointData": {
                "gridCompany": "Grid",
                "estimatedAnnualConsumption": 9000,
                "productionEan": None,
                "consumptionEan": "1",
            },
            "currentSubscription": {
                "status": "running",
                "priceInfo": {
                    "current": {"currency": "NOK"},
                    "today": prices(today),
                    "tomorrow": prices(today + DAY),
                },
            },
            "consumption": {
                "pageInfo": {"hasPreviousPage": False, "startCursor": ""},
                "nodes": [{"from": hour_ago, "consumption": 1.0, "cost": 0.2, "unitPrice": 0.2}],
            },
        }
        return web.json_response(
            {
                "data": {
                    "viewer": {
                        "name": "Person",
                        "userId": "1",
                        "homes": [{"id": "home-1", "subscriptions": [{"status": "running"}]}],
                        "home": home,
                    }
                }
            }
        )

    async def devices(request: web.Request) -> web.StreamResponse:
        return web.json_response({"homes": []})

    net.serve("api.tibber.com", graph)
    net.serve("data-api.tibber.com", devices)
    assert await async_setup_component(hass, "application_credentials", {})
    from homeassistant.components.application_credentials import (
        ClientCredential,
        async_import_client_credential,
    )

    await async_import_client_credential(
        hass, "tibber", ClientCredential("client", "secret"), "tibber"
    )
    token = {
        "access_token": "token",
        "refresh_token": "refresh",
        "expires_at": datetime.now(UTC).timestamp() + 30 * 86_400,
        "expires_in": 30 * 86_400,
        "token_type": "Bearer",
    }
    await add(hass, "tibber", {"auth_implementation": "tibber", "token": token})
    return entity(hass, "tibber", "home-1")


# -- EnergyZero and easyEnergy ------------------------------------------------------------------------------


def _energyzero(interval: str) -> SetUp:
    async def set_up(
        hass: HomeAssistant, net: ProviderNet, market: Market, _: pytest.MonkeyPatch
    ) -> str:
        async def answer(request: web.Request) -> web.StreamResponse:
            day = datetime.strptime(request.query["date"], "%d-%m-%Y").replace(tzinfo=UTC).date()
            if day not in market.published:
                return web.json_response({"base": []})
            step = QUARTER if request.query["interval"] == "INTERVAL_QUARTER" else HOUR

            def stream(price: Callable[[datetime], float]) -> list[dict[str, Any]]:
                return [
                    {
                        "start": start.isoformat().replace("+00:00", "Z"),
                        "end": end.isoformat().replace("+00:00", "Z"),
                        "price": {"value": f"{price(start):.6f}"},
                    }
                    for start, end in market.slots(day, step)
                ]

            return web.json_response(
                {
                    "base": stream(_market),
                    "base_with_vat": stream(lambda start: _market(start) * 1.21),
                    "all_in": stream(lambda start: _market(start) + 0.1),
                    "all_in_with_vat": stream(_all_in),
                }
            )

        net.serve("public.api.energyzero.nl", answer)
        entry = await add(hass, "energyzero", options={"electricity_price_interval": interval})
        return entity(hass, "energyzero", f"{entry.entry_id}_today_energy_all_in_current_price")

    return set_up


async def _easyenergy(
    hass: HomeAssistant, net: ProviderNet, market: Market, _: pytest.MonkeyPatch
) -> str:
    async def answer(request: web.Request) -> web.StreamResponse:
        day = date.fromisoformat(request.query["start"])
        step = QUARTER if request.query["granularity"] == "quarter" else HOUR
        rows = [
            {
                "from": start.isoformat().replace("+00:00", "Z"),
                "until": end.isoformat().replace("+00:00", "Z"),
                "price": _market(start),
                "priceIncVat": round(_market(start) * 1.21, 6),
                "energyTax": 0.1,
                "purchasePrice": 0.02,
                "invoicePrice": round(_market(start) * 1.21 + 0.12, 6),
                "average": 0.05,
                "averageInc": 0.06,
                "unit": "kWh",
                "granularity": request.query["granularity"],
            }
            for start, end in (market.slots(day, step) if day in market.published else [])
        ]
        return web.json_response({"prices": rows})

    net.serve("price-graph.mijn.easyenergy.com", answer)
    entry = await add(hass, "easyenergy")
    return entity(hass, "easyenergy", f"{entry.entry_id}_today_energy_usage_current_hour_price")


# -- OMIE, Green Planet Energy, Amber -----------------------------------------------------------------------

OMIE_ROWS = (
    "Precio marginal en el sistema español (EUR/MWh)",
    "Precio marginal en el sistema portugués (EUR/MWh)",
    "Potencia total de compra sistema español (MW)",
    "Potencia total de venta sistema español (MW)",
    "Potencia total de compra sistema portugués (MW)",
    "Potencia total de venta sistema portugués (MW)",
    "Potencia total del mercado Ibérico (MW)",
    "Exportación de España a Portugal (MW)",
    "Importación de España desde Portugal (MW)",
    "Potencia total con bilaterales del mercado Ibérico (MW)",
)


async def _omie(
    hass: HomeAssistant, net: ProviderNet, market: Market, _: pytest.MonkeyPatch
) -> str:
    async def answer(request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        parts = [int(part) for part in name.removesuffix(".TXT").split("_")[5:8]]
        day = date(parts[2], parts[1], parts[0])
        if day not in market.published:
            return web.Response(status=404)
        slots = market.slots(day)
        lines = ["OMIE - Mercado de electricidad", "", ";".join(["", *map(str, range(1, 101)), ""])]
        for row in OMIE_ROWS:
            values = (f"{market.price(start):.2f}".replace(".", ",") for start, _ in slots)
            lines.append(";".join([row, *values, ""]))
        return web.Response(body="\r\n".join(lines).encode("latin-1"), content_type="text/plain")

    net.serve("www.omie.es", answer)
    await add(hass, "omie")
    return entity(hass, "omie", "es_spot_price")


async def _green_planet(
    hass: HomeAssistant, net: ProviderNet, market: Market, _: pytest.MonkeyPatch
) -> str:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["params"]
        days = {date.fromisoformat(asked["von"]), date.fromisoformat(asked["bis"])}
        slots = [s for day in sorted(days & market.published) for s in market.slots(day)]
        return web.json_response(
            {
                "result": {
                    "errorCode": 0,
                    "datum": [
                        f"{start.astimezone(market.zone):%d.%m.%y, %H:%M} Uhr" for start, _ in slots
                    ],
                    "wert": [f"{_cents(start):.2f}".replace(".", ",") for start, _ in slots],
                }
            }
        )

    net.serve("mein.green-planet-energy.de", answer)
    await add(hass, "green_planet_energy")
    return entity(hass, "green_planet_energy", "gpe_current_price")


def _cents(start: datetime) -> float:
    return round(Market.price(start) / 10 + 20, 2)


async def _amber(
    hass: HomeAssistant, net: ProviderNet, market: Market, monkeypatch: pytest.MonkeyPatch
) -> str:
    half = timedelta(minutes=30)

    async def answer(request: web.Request) -> web.StreamResponse:
        now = datetime.now(UTC)
        first = datetime.fromtimestamp(now.timestamp() // 1800 * 1800, UTC)
        rows = []
        for index in range(48):
            start = first + half * index
            rows.append(
                {
                    "type": "ForecastInterval" if index else "CurrentInterval",
                    "duration": 30,
                    "spotPerKwh": 10.0,
                    "perKwh": _cents(start),
                    "date": f"{start:%Y-%m-%d}",
                    "nemTime": (start + half).isoformat(),
                    "startTime": (start + timedelta(seconds=1)).isoformat(),
                    "endTime": (start + half).isoformat(),
                    "renewables": 40.0,
                    "channelType": "general",
                    "spikeStatus": "none",
                    "descriptor": "neutral",
                    **({"range": {"min": 1.0, "max": 90.0}} if index else {"estimate": False}),
                }
            )
        return web.json_response(rows)

    net.serve("", answer)
    configuration = functools.partial(Configuration, host=net.url)
    monkeypatch.setattr(amberelectric, "Configuration", configuration)
    await add(hass, "amberelectric", {"api_token": "psk_test", "site_id": "site"})
    return entity(hass, "amberelectric", "site-current-general")


# -- the rows -----------------------------------------------------------------------------------------------


def _market(start: datetime) -> float:
    return Market.price(start) / 1000


def _all_in(start: datetime) -> float:
    return round((_market(start) + 0.1) * 1.21, 6)


NETHERLANDS = "Europe/Amsterdam"
NORDPOOL = Provider(
    "nordpool", "Europe/Amsterdam", "Europe/Oslo", _nordpool, _market, params={"area": "NL"}
)
TIBBER = Provider(
    "tibber",
    "Europe/Oslo",
    "Europe/Oslo",
    _tibber,
    _market,
    publishes=time(13, 7),
    within=timedelta(minutes=30),
    every=timedelta(minutes=30),
    per_day=False,
    most_calls=10,
    params={"home": "Cabin"},
    currency="NOK",
)
HOURLY = {"price_type": "all_in", "interval": "hour", "incl_vat": True}
ENERGYZERO = Provider(
    "energyzero",
    NETHERLANDS,
    NETHERLANDS,
    _energyzero("hourly"),
    _all_in,
    step=HOUR,
    per_quarters=0.25,
    params=HOURLY,
)
ENERGYZERO_QUARTERS = replace(
    ENERGYZERO,
    set_up=_energyzero("quarter_hourly"),
    step=QUARTER,
    per_quarters=1.0,
    params={**HOURLY, "interval": "quarter"},
)
EASYENERGY = Provider(
    "easyenergy",
    NETHERLANDS,
    NETHERLANDS,
    _easyenergy,
    lambda start: round(_market(start) * 1.21, 5),
    step=HOUR,
    per_quarters=0.25,
    params={"price_type": "market", "granularity": "hour", "incl_vat": True},
)
OMIE = Provider(
    "omie",
    "Europe/Madrid",
    "Europe/Madrid",
    _omie,
    _market,
    params={"country": "es"},
    lost_quarters=4,
)
GREEN_PLANET = Provider(
    "green_planet_energy",
    "Europe/Berlin",
    "Europe/Berlin",
    _green_planet,
    lambda start: _cents(start) / 100,
    dst=False,
    per_day=False,
    rolling=True,
    most_calls=60,
)
AMBER = Provider(
    "amberelectric",
    "Australia/Brisbane",
    "Australia/Brisbane",
    _amber,
    lambda start: _cents(start) / 100,
    step=timedelta(minutes=30),
    params={"channel": "general"},
    currency="AUD",
    dst=False,
    per_day=False,
    rolling=True,
    most_calls=330,
)
PROVIDERS = {
    "nordpool": NORDPOOL,
    "tibber": TIBBER,
    "energyzero": ENERGYZERO,
    "energyzero quarters": ENERGYZERO_QUARTERS,
    "easyenergy": EASYENERGY,
    "omie": OMIE,
    "green planet": GREEN_PLANET,
    "amber": AMBER,
}
