"""The prices of a home: import and export read by their feeds, and estimates where nothing is known."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..listeners import Listeners
from ..smart_charging.estimate import estimate
from ..smart_charging.normalise import combine
from ..smart_charging.series import PriceSeries, PriceSlot
from .adapter import DAY, HOUR
from .price_actions import PATIENCE
from .price_feed import PriceFeed, as_mapping, now_utc
from .price_history import PriceHistory
from .settings import SourceSettings

GRACE: Final = HOUR
"""For how long no price may be known for the moment before the person is told."""
KEPT: Final = timedelta(days=42)
"""Of past prices, from which those to come are estimated."""
FALLBACK: Final = 0.0
"""The price where none was ever known: then any time is as good as another."""


class PriceSource:
    """The prices of one home."""

    def __init__(
        self,
        hass: HomeAssistant,
        settings: SourceSettings,
        problem: Callable[[str], None],
        solved: Callable[[], None],
        history: PriceHistory | None = None,
    ) -> None:
        """Prepare; `problem` tells the person once that prices are missing and why, `solved` that they are there."""
        self._history = history
        self._begun: asyncio.Task[None] | None = None
        self.settings = settings
        self.currency = hass.config.currency
        self.changed: Listeners[()] = Listeners()
        """When prices have changed."""
        self._hass = hass
        self._imports = PriceFeed(hass, settings.imports, self.currency, self._feed_changed)
        self._exports = (
            None
            if settings.exports is None
            else PriceFeed(hass, settings.exports, self.currency, self._feed_changed)
        )
        self._problem, self._solved = problem, solved
        self._told = False
        self._covered_at: datetime | None = None
        self._seen: tuple[tuple[PriceSlot, ...], ...] = ()
        self._past: tuple[PriceSlot, ...] = ()
        self._ends: list[CALLBACK_TYPE] = []

    @property
    def feeds(self) -> tuple[PriceFeed, ...]:
        """The feeds: of import prices, and of export prices if there are any."""
        return (self._imports,) if self._exports is None else (self._imports, self._exports)

    @callback
    def start(self) -> None:
        """Begin to read."""
        self._covered_at = now_utc()
        self._ends.append(async_track_time_interval(self._hass, self._check, GRACE))
        self._begun = self._hass.async_create_background_task(self._begin(), f"{DOMAIN} prices")

    async def _begin(self) -> None:
        """Read what was known before, then the sources."""
        if self._history is not None:
            self._past = await self._history.load()
        for feed in self.feeds:
            feed.start()

    async def ready(self) -> None:
        """Wait until the sources that are being read just now have been read, a minute at most each."""
        if self._begun is not None:
            await asyncio.wait([self._begun], timeout=PATIENCE)
        for feed in self.feeds:
            await feed.ready()

    async def close(self) -> None:
        """Read nothing any more, and save what is over."""
        self.stop()
        if self._history is not None:
            await self._history.flush()

    @callback
    def stop(self) -> None:
        """Read nothing any more."""
        if self._begun is not None:
            self._begun.cancel()
        for feed in self.feeds:
            feed.stop()
        for end in self._ends:
            end()
        self._ends.clear()

    async def series(self, start: datetime, end: datetime) -> PriceSeries:
        """Return the prices of a time without a gap: known ones, and estimates where there is none."""
        return await self._hass.async_add_executor_job(
            partial(
                _series,
                self._past,
                self._imports.slots,
                self._exports.slots if self._exports else (),
                start,
                end,
                dt_util.get_default_time_zone(),
                self.currency,
            )
        )

    def report(self) -> dict[str, Any]:
        """Return what is to be told about the sources."""
        return {
            name: dict(as_mapping(feed))
            for name, feed in zip(("import", "export"), self.feeds, strict=False)
        }

    @callback
    def _feed_changed(self) -> None:
        self._check(now_utc())
        slots = tuple(feed.slots for feed in self.feeds)
        if slots == self._seen:
            return
        self._seen = slots
        self._keep_past()
        self.changed.notify()

    @callback
    def _keep_past(self) -> None:
        """Keep what is over, before the feeds let go of it."""
        now = now_utc()
        last = self._past[-1].end if self._past else now - KEPT
        over = [slot for slot in self._imports.slots if slot.start >= last and slot.end <= now]
        if over and over[-1].end - last > DAY / 4:
            exports = self._exports.slots if self._exports else ()
            kept = [slot for slot in self._past if slot.end > now - KEPT]
            self._past = (*kept, *combine(over, [s for s in exports if s.end > over[0].start]))
            if self._history is not None:
                self._history.save(self._past)

    @callback
    def _check(self, _: datetime) -> None:
        """Tell the person once when no price is known for the moment, and when there is one again."""
        now = now_utc()
        missing = [feed for feed in self.feeds if not feed.knows(now)]
        if not missing:
            self._covered_at = now
            if self._told:
                self._told = False
                self._solved()
        elif not self._told and self._covered_at is not None and now - self._covered_at >= GRACE:
            self._told = True
            self._problem(missing[0].error or "-")


def _series(
    past: tuple[PriceSlot, ...],
    imports: tuple[PriceSlot, ...],
    exports: tuple[PriceSlot, ...],
    start: datetime,
    end: datetime,
    zone: dt_util.dt.tzinfo,
    currency: str,
) -> PriceSeries:
    known = combine(imports, exports) if exports else imports
    # what is over is kept as it was, what is still known counts more
    older = [slot for slot in past if not known or slot.end <= known[0].start]
    return estimate([*older, *known], start, end, zone=zone, currency=currency, fallback=FALLBACK)
