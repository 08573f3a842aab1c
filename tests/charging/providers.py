"""The price providers that core knows, each a row: how it is set up, how its network answers, and what is to be found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
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
    export: bool = False


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
        today = datetime.now(market.zone).date()
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
            "consumption": {"nodes": []},
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


def _market(start: datetime) -> float:
    return Market.price(start) / 1000


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
    params={"home": "Cabin"},
    currency="NOK",
)
PROVIDERS = (NORDPOOL, TIBBER)
