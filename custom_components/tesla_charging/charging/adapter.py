"""The description of a price adapter: a row with what it recognises, what it needs, and how often it may ask."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta, tzinfo
from enum import StrEnum, auto
from typing import Any, Final

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.entity_registry import RegistryEntry

from ..smart_charging.normalise import Formula, RawPrice
from ..smart_charging.series import Certainty
from ..smart_charging.units import PriceUnit

QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
NO_FORMULA: Final = Formula()
"""For prices that are what is paid."""


class SourceError(Exception):
    """A source that gives no prices; the text says why, with what was found."""


class NotPublished(SourceError):
    """The prices of a day that are not there yet."""


class NotReady(SourceError):
    """A source that is not set up, or not loaded yet: its provider was not asked."""


class Scope(StrEnum):
    """For what one request answers."""

    DAY = auto()
    """For the day that is asked for."""
    KNOWN = auto()
    """For all that the source knows: today, and tomorrow once it is published; or some hours from now on."""


@dataclass(frozen=True, slots=True)
class RawSeries:
    """What a reader found, as the source writes it: what `smart_charging.normalise.normalise` takes."""

    rows: tuple[RawPrice, ...]
    unit: str | PriceUnit
    """Such as "EUR/MWh" or "ct/kWh"."""
    certainty: Certainty = Certainty.KNOWN
    found: str = ""
    """In words, where: the name of an attribute, or of an action."""
    forecast: tuple[RawPrice, ...] = ()
    """What the provider expects where `rows` have nothing."""
    price_now: float | None = field(default=None, compare=False)
    """What the entity says is the price now, in this unit; None if it says none."""


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """One price source of a home, as the options hold it: for import or for export."""

    kind: str
    """The `kind` of a row of the table of adapters."""
    entity_id: str = ""
    """The entity with the price now, if there is one."""
    entry_id: str = ""
    """The config entry that an action wants."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """What else the row needs: area, channel, home, table, ..."""
    formula: Formula = NO_FORMULA
    export: bool = False
    """Whether it is for what is fed in."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a provider may be asked for the prices of a day that are missing."""

    first_try: time
    """For tomorrow's prices, in the provider's zone: shortly before they can be there."""
    give_up: time
    """After it tomorrow's prices are not asked for any more; as today's they are, from midnight on."""
    every: timedelta
    """Between two requests for the same day, at least."""
    zone: str = ""
    """In whose days the provider counts; "" is the home's."""
    scope: Scope = Scope.DAY
    again: timedelta | None = None
    """After which it is asked anew although nothing is missing: for an answer that begins now and ends some hours later."""

    @property
    def rolling(self) -> bool:
        """Whether the answers begin now, and tomorrow's come hour by hour."""
        return self.again is not None


type Ask = Callable[[HomeAssistant, PriceSettings, date], Awaitable[RawSeries]]
"""Asks for a day of the provider; raises SourceError."""
type Table = Callable[[PriceSettings, date, tzinfo], RawSeries]
"""Returns the prices of a day that the options hold; raises SourceError."""
type Look = Callable[[State], RawSeries]
"""Reads a state, without any I/O; raises SourceError."""
type LookAt = Callable[[HomeAssistant, PriceSettings], RawSeries]
"""Reads the states of all entities of a source, without any I/O; raises SourceError."""
type Watched = Callable[[PriceSettings], tuple[str, ...]]
"""Returns the entities whose states tell of new prices."""
type Recognise = Callable[[HomeAssistant, State, RegistryEntry | None], PriceSettings | None]
"""Returns the settings for an entity with the price now; None if it is not of this adapter."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One row: a kind of price source. One of `ask`, `look`, `look_at` and `table` is set; with none only the price now is known."""

    kind: str
    """Its name in the options and translations."""
    recognise: Recognise
    ask: Ask | None = None
    look: Look | None = None
    look_at: LookAt | None = None
    """Instead of `look`, where the prices may be with other entities than the one with the price now."""
    watched: Watched = lambda settings: (settings.entity_id,)
    """For rows that look."""
    table: Table | None = None
    timetable: Timetable | None = None
    """For rows with `ask`. A row that looks reads whenever the state changes."""
    fleeting: bool = False
    """Whether `look` tells no more than the price now, so that it looks every quarter hour."""
    resolution: timedelta = QUARTER
    """Of its prices, usually."""
    market: bool = False
    """Whether its prices are those of the market, so that fees and VAT have to be added."""
    needs: tuple[str, ...] = ()
    """Names of `PriceSettings.params` without which it cannot be read."""
    service: str = ""
    """The action that it calls, as domain.name."""

    @property
    def looks(self) -> bool:
        """Whether it reads states."""
        return self.look is not None or self.look_at is not None
