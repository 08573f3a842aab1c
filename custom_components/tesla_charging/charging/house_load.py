"""What the home used without its cars, hour by hour, from the recorder's long-term statistics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import math
from typing import Any, Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN

HOUR: Final = timedelta(hours=1)
MOST_DAYS: Final = 60
MOST_KWH: Final = 60.0
"""In an hour; a higher value is an error of the meter, or its correction by hand."""
NOISE_KWH: Final = 0.2
"""By which meters that do not measure at the same moment may differ in an hour."""
AFTER_A_GAP: Final = 3.0
"""Up to so many kWh after a gap are those of the hour after it: an inverter that slept through the night."""
CHARGING_KWH: Final = 0.5
"""From which on a car counts as charging in an hour."""
CAR_ENERGY: Final = "energy_charged_home"
"""Key of the sensors of what our cars charge at home."""


@dataclass(frozen=True, slots=True)
class Meters:
    """The statistics from which the load follows: ids of energies, as in the Energy preferences."""

    imported: tuple[str, ...]
    exported: tuple[str, ...] = ()
    solar: tuple[str, ...] = ()
    battery_out: tuple[str, ...] = ()
    """Out of the home battery."""
    battery_in: tuple[str, ...] = ()
    cars: tuple[str, ...] = ()

    def signed(self) -> tuple[tuple[str, float], ...]:
        """Return all ids, each with the sign with which it counts."""
        plus = (*self.imported, *self.solar, *self.battery_out)
        minus = (*self.exported, *self.battery_in)
        return (*((i, 1.0) for i in plus), *((i, -1.0) for i in minus))


@dataclass(frozen=True, slots=True)
class LoadReading:
    """What the home used in the hour from `start` on, without the cars."""

    start: datetime
    kwh: float


@dataclass(frozen=True, slots=True)
class HouseLoad:
    """The readings of a time, in order; hours without one are left out."""

    readings: tuple[LoadReading, ...] = ()
    missing: tuple[str, ...] = ()
    """Statistics that have nothing in this time: without them the load is not known."""


def meters_of(data: Mapping[str, Any], cars: Sequence[str]) -> Meters:
    """Return the meters that the Energy preferences name, with the statistics of the cars."""
    sources = [s for s in data.get("energy_sources") or () if isinstance(s, Mapping)]

    def ids(kind: str, key: str) -> tuple[str, ...]:
        found = (source.get(key) for source in sources if source.get("type") == kind)
        return tuple(dict.fromkeys(i for i in found if isinstance(i, str)))

    return Meters(
        imported=ids("grid", "stat_energy_from"),
        exported=ids("grid", "stat_energy_to"),
        solar=ids("solar", "stat_energy_from"),
        battery_out=ids("battery", "stat_energy_from"),
        battery_in=ids("battery", "stat_energy_to"),
        cars=tuple(cars),
    )


def car_statistics(hass: HomeAssistant) -> tuple[str, ...]:
    """Return the statistics of what our cars charge at home."""
    entries = er.async_get(hass).entities.values()
    return tuple(
        sorted(
            entry.entity_id
            for entry in entries
            if entry.platform == DOMAIN
            and entry.unique_id.endswith(f"_{CAR_ENERGY}")
            and not entry.disabled
        )
    )


async def async_house_load(
    hass: HomeAssistant, meters: Meters, start: datetime, end: datetime
) -> HouseLoad:
    """Return the load in the whole hours between two moments in UTC, at most the last `MOST_DAYS` days."""
    ids = [*dict.fromkeys((*(i for i, _ in meters.signed()), *meters.cars))]
    first = max(start, end - timedelta(days=MOST_DAYS)).replace(minute=0, second=0, microsecond=0)
    if first < start:
        first += HOUR
    if "recorder" not in hass.config.components or not meters.imported or first >= end:
        return HouseLoad(missing=tuple(ids))
    return await get_instance(hass).async_add_executor_job(_read, hass, meters, ids, first, end)


def _read(
    hass: HomeAssistant, meters: Meters, ids: Sequence[str], start: datetime, end: datetime
) -> HouseLoad:
    """Read and compute; runs in the recorder's executor."""
    # an hour earlier, to know whether the first one follows on another one
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = statistics_during_period(
        hass, start - HOUR, end, set(ids), "hour", {"energy": "kWh"}, {"change"}
    )
    series = {i: _by_hour(rows.get(i, ()), may_sleep=i not in meters.imported) for i in ids}
    missing = tuple(i for i in ids if not series[i])
    if missing:
        return HouseLoad(missing=missing)
    hours = _hours(start, end)
    load = {hour: _sum(series, meters, hour) for hour in hours}
    cars = {hour: _total([series[i].get(hour) for i in meters.cars]) for hour in hours}
    return HouseLoad(tuple(without_cars(load, cars)))


def _hours(start: datetime, end: datetime) -> list[datetime]:
    count = max(0, int((end - start) / HOUR))
    return [start + i * HOUR for i in range(count)]


def _by_hour(rows: Sequence[Mapping[str, Any]], *, may_sleep: bool) -> dict[datetime, float]:
    """Return the energies of hours that are certain.

    After a gap the recorder has one value for all of it. What `may_sleep` (an inverter at night, a car) had nothing in the
    gap if the value is small; for anything else neither the gap nor the hour after it is known.
    """
    known: dict[datetime, float] = {}
    before: datetime | None = None
    for row in rows:
        hour = datetime.fromtimestamp(row["start"], UTC)
        change = row.get("change")
        if change is None or not math.isfinite(change):
            continue
        follows = before is not None and hour - before == HOUR
        if abs(change) > MOST_KWH or change < -NOISE_KWH:
            pass
        elif follows:
            known[hour] = change
        elif before is not None and may_sleep and change <= AFTER_A_GAP:
            gap = _hours(before + HOUR, hour)
            known |= dict.fromkeys(gap, 0.0)
            known[hour] = change
        before = hour
    return known


def _sum(
    series: Mapping[str, Mapping[datetime, float]], meters: Meters, hour: datetime
) -> float | None:
    return _total(
        [
            None if (value := series[i].get(hour)) is None else sign * value
            for i, sign in meters.signed()
        ]
    )


def _total(values: Sequence[float | None]) -> float | None:
    """Return the sum; None if one of them is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def without_cars(
    load: Mapping[datetime, float | None], cars: Mapping[datetime, float | None]
) -> Iterator[LoadReading]:
    """Yield the load without what the cars took, in order.

    A car that is polled tells its energy up to ten minutes late, so what it took in an hour is not exact; over a whole
    charge with an hour before and after it is. The hours of a charge get the mean of them all.
    """
    hours = sorted(load)
    for block in _blocks(hours, cars):
        total = _total([load[hour] for hour in block])
        taken = _total([cars.get(hour) for hour in block])
        if total is None or taken is None:
            continue
        mean = (total - taken) / len(block)
        if -NOISE_KWH <= mean <= MOST_KWH:
            yield from (LoadReading(hour, round(max(0.0, mean), 4)) for hour in block)


def _blocks(
    hours: Sequence[datetime], cars: Mapping[datetime, float | None]
) -> Iterator[list[datetime]]:
    """Yield the hours of each charge with one before and after it together, every other hour alone."""
    charging = {hour for hour in hours if (cars.get(hour) or 0.0) >= CHARGING_KWH}
    near = {hour + i * HOUR for hour in charging for i in (-1, 0, 1)}
    block: list[datetime] = []
    for hour in hours:
        if block and (hour not in near or hour - block[-1] != HOUR):
            yield block
            block = []
        if hour in near:
            block.append(hour)
        else:
            yield [hour]
    if block:
        yield block
