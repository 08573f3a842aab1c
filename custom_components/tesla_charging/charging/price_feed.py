"""Reads one price source: asks when its timetable says so, or looks when its entity changes, and keeps the slots."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
import json
from typing import Final
import zlib

from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import (
    async_call_later,
    async_track_state_change_event,
    async_track_utc_time_change,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import DOMAIN, LOGGER
from ..smart_charging.normalise import Refused, normalise, overlay
from ..smart_charging.series import Certainty, PriceSlot
from ..smart_charging.units import PriceUnit, UnknownUnit, price_unit
from .adapter import (
    DAY,
    Adapter,
    NotPublished,
    NotReady,
    PriceSettings,
    RawSeries,
    SourceError,
    Timetable,
)
from .adapters import BY_KIND
from .own_prices import present
from .price_actions import PATIENCE
from .schedule import Asked, bounds, key_of, next_try

SOON: Final = timedelta(minutes=1)
"""After which a source that was not loaded yet is tried again; its provider is not asked for that."""
FEW: Final = 4
"""Rows that are normalised at once; more are handed to a thread."""


def now_utc() -> datetime:
    """Return the time now, whole seconds."""
    return datetime.fromtimestamp(int(clock.now()), UTC)


@dataclass(slots=True)
class _Memory:
    """What a source has answered, whatever is reloaded meanwhile and whoever asked."""

    asked: dict[date, Asked] = field(default_factory=dict)
    answers: dict[date, RawSeries] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


DATA_ANSWERS: Final[HassKey[dict[str, _Memory]]] = HassKey(f"{DOMAIN}_price_answers")


def _memory(hass: HomeAssistant, settings: PriceSettings) -> _Memory:
    """Return what is known of a source, shared by all who read it."""
    key = json.dumps(
        [settings.kind, settings.entity_id, settings.entry_id, dict(settings.params)],
        sort_keys=True,
        default=str,
    )
    return hass.data.setdefault(DATA_ANSWERS, {}).setdefault(key, _Memory())


class PriceFeed:
    """The prices of one source in one direction, from yesterday on."""

    def __init__(
        self,
        hass: HomeAssistant,
        settings: PriceSettings,
        currency: str,
        changed: Callable[[], None],
    ) -> None:
        """Prepare; nothing is read before `start`."""
        self.settings = settings
        self.adapter: Adapter = BY_KIND[settings.kind]
        self.slots: tuple[PriceSlot, ...] = ()
        """In order, from yesterday on; there may be gaps."""
        self.error = ""
        """Why nothing new came the last time; "" if it did."""
        self._hass = hass
        self._currency = currency
        self._changed = changed
        self._memory = _memory(hass, settings)
        self._taken: dict[date, RawSeries] = {}
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._cancel: CALLBACK_TYPE | None = None
        self._ends: list[CALLBACK_TYPE] = []
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._offset = timedelta(seconds=zlib.crc32(settings.entry_id.encode()) % 45)

    @property
    def zone(self) -> dt_util.dt.tzinfo:
        """In whose days the source counts."""
        timetable = self.adapter.timetable
        name = timetable.zone if timetable else ""
        zone = dt_util.get_time_zone(name) if name else None
        return zone or dt_util.get_default_time_zone()

    @property
    def asked_at(self) -> datetime | None:
        """When the source was asked last."""
        return max((asked.at for asked in self._memory.asked.values()), default=None)

    @property
    def known_until(self) -> datetime | None:
        """Until when prices are known without a gap from now on."""
        until = None
        for slot in self.slots:
            if slot.end > now_utc() and slot.start <= (until or now_utc()):
                until = slot.end
        return until

    @callback
    def knows(self, moment: datetime) -> bool:
        """Return whether a price is known for a moment."""
        return any(slot.start <= moment < slot.end for slot in self.slots)

    @callback
    def start(self) -> None:
        """Read what can be read now, and go on reading."""
        if self.adapter.looks:
            watched = self.adapter.watched(self.settings)
            self._ends.append(
                async_track_state_change_event(self._hass, watched, self._state_changed)
            )
            if self.adapter.fleeting:
                self._ends.append(
                    async_track_utc_time_change(
                        self._hass, self._quarter, minute=(0, 15, 30, 45), second=1
                    )
                )
        self._read_soon()

    async def ready(self) -> None:
        """Wait until the reading that is under way has ended, a minute at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=PATIENCE)

    async def read_once(self) -> None:
        """Read what can be read now, and nothing later: for a page that shows it."""
        self._stopped = True
        await self._read()

    @callback
    def stop(self) -> None:
        """Read nothing any more."""
        for end in [*self._ends, *([self._cancel] if self._cancel else [])]:
            end()
        self._ends.clear()
        self._cancel = None
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    @callback
    def _state_changed(self, _: Event[EventStateChangedData]) -> None:
        self._read_soon()

    @callback
    def _quarter(self, _: datetime) -> None:
        self._read_soon()

    @callback
    def _due(self, _: datetime) -> None:
        self._cancel = None
        self._read_soon()

    @callback
    def _read_soon(self) -> None:
        """Read in a task; one that is under way reads what is newest anyway."""
        if self._task is None or self._task.done():
            self._task = self._hass.async_create_background_task(
                self._read(), f"{DOMAIN} prices of {self.settings.kind}"
            )

    async def _read(self) -> None:
        """Read what is due, and set the time of the next reading."""
        try:
            if self.adapter.looks:
                await self._look()
            elif self.adapter.table is not None:
                await self._make()
            elif self.adapter.timetable is not None:
                await self._ask(self.adapter.timetable)
        except Refused as error:
            self._failed(str(error))
        finally:
            # also after an error that nobody expected: what is read later may be right
            if not self._stopped:
                self._plan()
        self._changed()

    @callback
    def _plan(self) -> None:
        """Set the time of the next reading."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        now = now_utc()
        if (timetable := self.adapter.timetable) is not None:
            due = next_try(
                timetable, now, self.zone, self.knows, self._memory.asked, self._offset
            ).at
            at = max(due, self._not_before)
        elif self.adapter.table is not None:
            at = bounds(now.astimezone(self.zone).date(), self.zone)[1]
        else:
            return
        self._cancel = async_call_later(self._hass, max(1.0, (at - now).total_seconds()), self._due)

    # -- the three ways of reading ------------------------------------------------------------------

    async def _look(self) -> None:
        state = self._hass.states.get(self.settings.entity_id)
        if state is None:
            self._failed(f"There is no entity {self.settings.entity_id} (any more)")
            return
        try:
            if self.adapter.look_at is not None:
                raw = self.adapter.look_at(self._hass, self.settings)
            else:
                assert self.adapter.look is not None
                raw = self.adapter.look(state)
        except SourceError as error:
            self._failed(str(error))
            return
        await self._take(date.min, raw)

    async def _make(self) -> None:
        """Have the prices of yesterday to the day after tomorrow, as the options say."""
        assert self.adapter.table is not None
        today = now_utc().astimezone(self.zone).date()
        for days in range(-1, 3):
            day = today + days * DAY
            try:
                raw = self.adapter.table(self.settings, day, self.zone)
            except SourceError as error:
                self._failed(str(error))
                return
            await self._take(day, raw)

    async def _ask(self, timetable: Timetable) -> None:
        """Ask for the days that are due, each at most once; take what another asked for meanwhile."""
        memory = self._memory
        async with memory.lock:
            await self._take_answers()
            for _ in range(2):
                now = now_utc()
                due = next_try(timetable, now, self.zone, self.knows, memory.asked, self._offset)
                if due.day is None or due.at > now or now < self._not_before:
                    return
                await self._ask_for(timetable, due.day)

    async def _ask_for(self, timetable: Timetable, day: date) -> None:
        memory, key = self._memory, key_of(timetable, day)
        before = memory.asked.get(key)
        now = now_utc()
        failures = before.failures if before else 0
        memory.asked[key] = Asked(now, failures)
        assert self.adapter.ask is not None
        try:
            raw = await self.adapter.ask(self._hass, self.settings, day)
            await self._take(day if key != date.min else date.min, raw)
        except NotReady as error:
            # nobody was asked
            self._not_before = now + SOON
            if before is None:
                del memory.asked[key]
            else:
                memory.asked[key] = before
            self._failed(str(error))
        except NotPublished as error:
            today = now.astimezone(self.zone).date()
            memory.asked[key] = Asked(now, failures + 1)
            if day <= today:
                self._failed(str(error))
        except (SourceError, Refused) as error:
            memory.asked[key] = Asked(now, failures + 1)
            self._failed(str(error))
        else:
            memory.asked[key] = Asked(now)
            memory.answers[key] = raw
            for old in [d for d in memory.answers if date.min < d < day - 2 * DAY]:
                memory.answers.pop(old)
                memory.asked.pop(old, None)

    async def _take_answers(self) -> None:
        for key, raw in [*self._memory.answers.items()]:
            await self._take(key, raw)

    @callback
    def _failed(self, why: str) -> None:
        if why != self.error:
            LOGGER.info("No new prices from %s: %s", self.settings.kind, why)
        self.error = why

    async def _take(self, key: date, raw: RawSeries) -> None:
        """Take the rows over; raise Refused for what makes no sense."""
        if self._taken.get(key) == raw:
            self.error = ""
            return
        work = partial(
            _merged,
            self.slots,
            raw,
            unit=raw.unit or f"{self._currency}/kWh",
            zone=self.zone,
            settings=self.settings,
            currency=self._currency,
            price_now=self._price_now(raw),
            oldest=now_utc() - 2 * DAY,
        )
        if len(raw.rows) <= FEW:
            self.slots = work()
        else:
            # one to three hundred rows take milliseconds, which the event loop need not wait for
            self.slots = await self._hass.async_add_executor_job(work)
        self._taken[key] = raw
        for old in [d for d in self._taken if date.min < d < now_utc().date() - 3 * DAY]:
            self._taken.pop(old)
        self.error = ""

    def _price_now(self, raw: RawSeries) -> float | None:
        """Return what the entity says is the price now, in the unit of the rows."""
        state = self._hass.states.get(self.settings.entity_id)
        if self.adapter.looks or state is None or not isinstance(raw.unit, str):
            return raw.price_now
        try:
            value, unit = present(state)
            return value * price_unit(unit).factor / price_unit(raw.unit).factor
        except SourceError, UnknownUnit:
            return None


def _merged(
    known: Sequence[PriceSlot],
    raw: RawSeries,
    *,
    unit: str | PriceUnit,
    zone: dt_util.dt.tzinfo,
    settings: PriceSettings,
    currency: str,
    price_now: float | None,
    oldest: datetime,
) -> tuple[PriceSlot, ...]:
    """Return the slots that were known with those of the rows over them."""
    read = partial(
        normalise,
        unit=unit,
        zone=zone,
        source=settings.kind,
        currency=currency,
        formula=settings.formula,
    )
    new = read(raw.rows, certainty=raw.certainty, price_now=price_now)
    kept = [slot for slot in known if slot.end > oldest]
    if raw.forecast:
        try:
            kept = [*overlay(kept, read(raw.forecast, certainty=Certainty.FORECAST))]
        except Refused as error:
            # what is published counts all the same
            LOGGER.info("No forecast from %s: %s", settings.kind, error)
    return overlay(kept, new)


def as_mapping(feed: PriceFeed) -> Mapping[str, object]:
    """Return what is to be told about a source."""
    until = feed.known_until
    return {
        "kind": feed.settings.kind,
        "entity_id": feed.settings.entity_id or None,
        "action": feed.adapter.service or feed.settings.params.get("action"),
        "asked_at": feed.asked_at.isoformat() if feed.asked_at else None,
        "known_until": until.isoformat() if until else None,
        "problem": feed.error or None,
    }
