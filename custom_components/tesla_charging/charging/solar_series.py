"""From energies per time stamp, as solar forecasts give them, to powers in quarter hours; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
import math
from typing import Final

from ..smart_charging.series import PowerForecast, PowerSlot

MAX_STAMPS: Final = 5_000
MAX_WATTS: Final = 1e7
"""Above it, a home's roof yields nothing."""
HOUR: Final = timedelta(hours=1)
QUARTER: Final = 900
"""Seconds. All slots begin and end at whole quarters: stamps at sunrise would cut plans anywhere."""
NIGHT: Final = 2.0
"""Stamps that are further apart than so many usual steps have a night between them."""
FINEST: Final = timedelta(minutes=1)


type _Watts = tuple[float, float, float]
"""The tenth percentile, the median and the ninetieth percentile."""


class NoForecast(ValueError):
    """A forecast that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Energy:
    """The energy that is expected in a time, watt hours."""

    start: datetime
    end: datetime
    wh: float
    low: float | None = None
    """The tenth percentile of it; None where the provider has none."""
    high: float | None = None
    """The ninetieth."""

    @property
    def watts(self) -> float:
        """The mean power."""
        return self.wh / ((self.end - self.start) / HOUR)


def energies(
    wh_hours: Mapping[str, object], *, zone: tzinfo, stamped_at_end: bool = False
) -> list[Energy]:
    """Return the energies of a forecast in order; how long each lasts follows from the stamps.

    `zone` is that of stamps without one. `stamped_at_end` says whether this provider is known to stamp the end of each
    time: odd stamps at sunrise and sunset show it too, and count more. Raise NoForecast.
    """
    stamps = _read(wh_hours, zone)
    steps = Counter(b - a for (a, _), (b, _) in pairwise(stamps) if b - a >= FINEST)
    usual = min(steps.most_common(1)[0][0], HOUR) if steps else HOUR
    days = list(_days(stamps, usual))
    votes = sum(vote for day in days for vote in _votes(day, usual))
    at_end = votes > 0 or (votes == 0 and stamped_at_end)
    result = [energy for day in days for energy in _lasting(day, usual, at_end=at_end)]
    for energy in result:
        if energy.watts > MAX_WATTS:
            raise NoForecast(f"{energy.watts:g} W at {energy.start:%Y-%m-%d %H:%M} cannot be")
    return result


def _read(wh_hours: Mapping[str, object], zone: tzinfo) -> list[tuple[datetime, float]]:
    if not wh_hours:
        raise NoForecast("It is empty")
    if len(wh_hours) > MAX_STAMPS:
        raise NoForecast(f"{len(wh_hours)} values are no forecast")
    read: dict[datetime, float] = {}
    for stamp, value in wh_hours.items():
        try:
            moment = datetime.fromisoformat(stamp)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
            wh = float(value)  # type: ignore[arg-type]  # whatever can be a number
        except (TypeError, ValueError, OverflowError) as error:
            raise NoForecast(f"{str(stamp)[:40]!r} has no energy: {str(error)[:80]}") from error
        if not math.isfinite(wh) or wh < 0:
            raise NoForecast(f"{stamp!r} has an energy of {wh:g} Wh")
        read[moment.replace(microsecond=0)] = wh
    return sorted(read.items())


def _days(
    stamps: Sequence[tuple[datetime, float]], usual: timedelta
) -> Iterator[list[tuple[datetime, float]]]:
    """Yield the stamps between one night and the next."""
    day = [stamps[0]]
    for before, stamp in pairwise(stamps):
        if stamp[0] - before[0] > NIGHT * usual:
            yield day
            day = []
        day.append(stamp)
    yield day


def _votes(day: Sequence[tuple[datetime, float]], usual: timedelta) -> Iterator[int]:
    """Yield 1 for each sign that a stamp is the end of its time, and -1 for each that it is the start.

    A stamp at sunrise has nothing before it and something after it, one at sunset the other way round.
    """
    for (stamp, wh), sign in ((day[0], -1), (day[-1], 1)):
        if stamp.timestamp() % usual.total_seconds():
            yield sign if wh else -sign


def _lasting(
    day: Sequence[tuple[datetime, float]], usual: timedelta, *, at_end: bool
) -> Iterator[Energy]:
    """Yield the energies of a day that are not nothing."""
    moments = [stamp for stamp, _ in day]
    for index, (stamp, wh) in enumerate(day):
        if not wh:
            continue
        if at_end:
            yield Energy(moments[index - 1] if index else stamp - usual, stamp, wh)
        else:
            following = moments[index + 1] if index + 1 < len(moments) else stamp + usual
            yield Energy(stamp, min(following, stamp + usual), wh)


def total(series: Iterable[Iterable[Energy]]) -> PowerForecast | None:
    """Return the sum of several forecasts, in whole quarter hours; None without any.

    What has no percentiles counts as sure, if anything has some.
    """
    energies_ = [energy for one in series for energy in one]
    quarters: dict[int, _Watts] = defaultdict(lambda: (0.0, 0.0, 0.0))
    for energy in energies_:
        for quarter, share in _in_quarters(energy):
            low = energy.wh if energy.low is None else energy.low
            high = energy.wh if energy.high is None else energy.high
            before = quarters[quarter]
            hourly = share * 3600 / QUARTER
            quarters[quarter] = (
                before[0] + low * hourly,
                before[1] + energy.wh * hourly,
                before[2] + high * hourly,
            )
    if not quarters:
        return None
    sure = all(energy.low is None for energy in energies_)
    return PowerForecast(tuple(_merged(quarters, sure=sure)))


def _in_quarters(energy: Energy) -> Iterator[tuple[int, float]]:
    """Yield which share of the energy falls into each quarter hour, by its number since 1970."""
    start, end = energy.start.timestamp(), energy.end.timestamp()
    at = start
    while at < end:
        quarter = int(at // QUARTER)
        until = min(end, (quarter + 1) * QUARTER)
        yield quarter, (until - at) / (end - start)
        at = until


def _merged(quarters: Mapping[int, _Watts], *, sure: bool) -> Iterator[PowerSlot]:
    """Yield the quarters as slots, those of the same power as one."""
    rounded = {q: tuple(round(watts, 1) for watts in quarters[q]) for q in sorted(quarters)}
    first: int | None = None
    for quarter, (low, median, high) in rounded.items():
        first = quarter if first is None else first
        if rounded.get(quarter + 1) == (low, median, high):
            continue
        start, end = _moment(first), _moment(quarter + 1)
        yield PowerSlot(start, end, median, None if sure else low, None if sure else high)
        first = None


def _moment(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER, UTC)
