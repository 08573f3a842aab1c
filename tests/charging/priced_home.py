"""A home with one price provider, and a clock that a test turns."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.energy.data import async_get_manager
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CALL_SERVICE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.charging.price_history import PriceHistory
from custom_components.tesla_charging.charging.price_source import PriceSource
from custom_components.tesla_charging.charging.proposal import propose
from custom_components.tesla_charging.charging.settings import SourceSettings

from .provider_net import ProviderNet
from .providers import DAY, Market, Provider

TODAY = date(2026, 11, 18)


class PricedHome:
    """A home with one provider, whose prices are read."""

    def __init__(
        self,
        hass: HomeAssistant,
        net: ProviderNet,
        freezer: FrozenDateTimeFactory,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.hass, self.net, self.freezer = hass, net, freezer
        self._monkeypatch = monkeypatch
        self.provider: Provider
        self.market: Market
        self.entity_id = ""
        self.source: PriceSource | None = None
        self.problems: list[str] = []
        self.solved = 0
        self.calls: list[tuple[datetime, str, dict[str, Any]]] = []
        hass.bus.async_listen(EVENT_CALL_SERVICE, self._called)

    @callback
    def _called(self, event: Event) -> None:
        self.calls.append(
            (datetime.now(UTC), event.data["domain"], dict(event.data["service_data"]))
        )

    async def move_in(
        self, provider: Provider, today: date = TODAY, at: time = time(8), **more: Any
    ) -> None:
        """Set the provider's core component up, with the prices of yesterday and today."""
        self.provider = provider
        await self.hass.config.async_set_time_zone(provider.home_zone)
        self.hass.config.currency = provider.currency
        zone = ZoneInfo(provider.zone)
        self.market = Market(zone, provider.step, {today - DAY, today})
        self.freezer.move_to(datetime.combine(today, at, zone).astimezone(UTC))
        self.entity_id = await provider.set_up(self.hass, self.net, self.market, self._monkeypatch)
        await self.dashboard(entity_energy_price=self.entity_id, **more)

    async def dashboard(self, **grid: Any) -> None:
        """Set the Energy dashboard up, as a person does."""
        manager = await async_get_manager(self.hass)
        source = {
            "type": "grid",
            "stat_energy_from": "sensor.taken",
            "stat_energy_to": None,
            "cost_adjustment_day": 0.0,
            **grid,
        }
        await manager.async_update({"energy_sources": [source]})  # type: ignore[typeddict-item]

    async def proposed(self) -> SourceSettings:
        """Return what is proposed."""
        found = await propose(self.hass)
        assert found is not None
        return found

    async def read(
        self, settings: SourceSettings | None = None, history: PriceHistory | None = None
    ) -> PriceSource:
        """Begin to read the sources."""

        def solved() -> None:
            self.solved += 1

        self.source = PriceSource(
            self.hass, settings or await self.proposed(), self.problems.append, solved, history
        )
        self.source.start()
        await self.settle()
        return self.source

    async def settle(self) -> None:
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def go_to(self, moment: datetime, step: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass in steps, and everything happen that is due."""
        while datetime.now(UTC) < moment:
            self.freezer.move_to(min(moment, datetime.now(UTC) + step))
            async_fire_time_changed(self.hass, datetime.now(UTC))
            await self.settle()

    @property
    def domain(self) -> str:
        """The core component's."""
        return self.entry.domain

    @property
    def entry(self) -> ConfigEntry:
        """The provider's config entry."""
        registered = er.async_get(self.hass).async_get(self.entity_id)
        assert registered is not None
        entry = self.hass.config_entries.async_get_entry(registered.config_entry_id or "")
        assert entry is not None
        return entry

    async def core_can_answer(self, published: datetime) -> None:
        """Go to when core itself has what is published: at once, or when it asks again."""
        if self.provider.rolling:
            await self.refresh_core()
        await self.go_to(published)

    async def refresh_core(self) -> None:
        """Have the component ask its provider, as it does by itself every hour."""
        await self.entry.runtime_data.async_refresh()

    async def core_fails(self) -> None:
        """Have the component notice that its provider does not answer."""
        if self.provider.rolling:
            await self.refresh_core()

    async def core_works(self) -> None:
        """Have the component notice that its provider answers again."""
        if self.provider.rolling:
            await self.refresh_core()

    def expected(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return the slots of a day that the component can know now."""
        slots = self.market.slots(day)
        if not self.provider.rolling:
            return slots
        now = datetime.now(UTC)
        return [
            slot for slot in slots if now < slot[1] and slot[1] <= now + DAY - timedelta(minutes=5)
        ]

    def local(self, day: date, at: time) -> datetime:
        """Return a moment by the provider's clock."""
        return datetime.combine(day, at, self.market.zone).astimezone(UTC)

    def known(self, day: date) -> list[Any]:
        """Return the import slots of a day of the provider."""
        assert self.source is not None
        start, end = self.local(day, time()), self.local(day + DAY, time())
        return [s for s in self.source.feeds[0].slots if start <= s.start < end]
