"""Records by local day, and what a clock that was wrong for a while did to them.

A record of the future is of a clock that ran ahead, or the clock runs behind now. It is not used, and it goes when some days
have been recorded after it: by then the clock is believed. A clock before `EARLIEST` was not set yet: nothing is recorded.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from .stored import entries

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
BELIEVED_DAYS: Final = 3
"""After so many days the clock is believed, not the records of the future."""


def recorded[T](
    days: Mapping[date, T], day: date, row: T, *, today: date, most: int
) -> dict[date, T]:
    """Return the records, at most so many, in the order in which they were made, with a new one at the end."""
    kept = {of: known for of, known in days.items() if of != day} | {day: row}
    if max(kept) > today:
        order = list(kept)
        kept = {
            of: known
            for place, (of, known) in enumerate(kept.items())
            if of <= today or sum(later < of for later in order[place + 1 :]) < BELIEVED_DAYS
        }
    dropped = sorted(kept)[:-most]
    return {of: known for of, known in kept.items() if of not in dropped}


def read_days(data: object, most: int) -> dict[date, object]:
    """Return stored records by their days, the last ones; what is no day is left out."""
    found = {}
    for text, row in entries(data).items():
        try:
            found[date.fromisoformat(text)] = row
        except ValueError:
            continue
    dropped = sorted(found)[:-most]
    return {day: row for day, row in found.items() if day not in dropped}
