"""The file with the past prices of a home, from which those to come are estimated also after a restart."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..const import DOMAIN
from ..smart_charging.series import PriceSlot
from ..storage.loading import SafeStore

VERSION: Final = 1
DELAY: Final = 300
"""Seconds after which what changed is written."""
MOST: Final = 60_000
"""Slots in a file: more than 42 days of five minutes are not from here."""

type _Stored = list[tuple[int, int, float, float | None]]


class PriceHistory:
    """The past prices of the home of one config entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str, source: str = "") -> None:
        """Prepare; nothing is read yet. Prices of another `source` say nothing about those of this one."""
        self._source = source
        self._store = SafeStore(hass, VERSION, f"{DOMAIN}.{entry_id}.prices", _is_usable)
        self._unsaved: tuple[PriceSlot, ...] | None = None

    async def load(self) -> tuple[PriceSlot, ...]:
        """Return the prices of the file, in order; none if there is no file."""
        stored = await self._store.async_load()
        if stored is None or stored["source"] != self._source:
            return ()
        return _slots(stored["slots"])

    def save(self, slots: tuple[PriceSlot, ...]) -> None:
        """Write the prices, soon."""
        self._unsaved = slots
        self._store.async_delay_save(self._data, DELAY)

    async def flush(self) -> None:
        """Write what is not written yet."""
        if self._unsaved is not None:
            await self._store.async_save(self._data())

    async def remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()

    def _data(self) -> dict[str, Any]:
        slots, self._unsaved = self._unsaved or (), None
        return {"source": self._source, "slots": _stored(slots)}


def _stored(slots: Sequence[PriceSlot]) -> _Stored:
    return [
        (
            int(slot.start.timestamp()),
            int(slot.end.timestamp()),
            round(slot.import_price, 6),
            None if slot.export_price is None else round(slot.export_price, 6),
        )
        for slot in slots
    ]


def _slots(stored: _Stored) -> tuple[PriceSlot, ...]:
    return tuple(
        PriceSlot(
            datetime.fromtimestamp(start, UTC),
            datetime.fromtimestamp(end, UTC),
            import_price,
            export_price,
        )
        for start, end, import_price, export_price in stored
    )


def _is_usable(content: dict[str, Any]) -> bool:
    """Return whether a file's content is what `save` writes."""
    try:
        slots = _slots(content["slots"])
        str(content["source"])
    except LookupError, TypeError, ValueError, OverflowError, OSError:
        return False
    ordered = all(a.end <= b.start for a, b in pairwise(slots))
    return len(slots) <= MOST and ordered
