"""What a household takes: a base that follows the hours, a refrigerator, and appliances that people switch on."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from simulator.home.days import Day, Series, day_of, dice, moment, start_of

type Phases = tuple[float, float, float]
"""Watts, or amperes, on L1, L2 and L3; a home with one phase has all on L1."""

HOUR = 3600
BASE_STEP = 300
"""Seconds for which the base load stays the same."""
BASE_W = (
    *(140, 130, 130, 130, 130, 140, 220, 330, 300, 240, 220, 220),
    *(240, 230, 220, 220, 250, 340, 420, 460, 470, 440, 340, 210),
)
"""Base load of each hour of the day."""
BASE_SPREAD = 0.15
FRIDGE_W, FRIDGE_CYCLE_S, FRIDGE_ON_S = 90.0, 2700, 900


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something that is switched on. `runs` are its steps: seconds and watts; `phases` are where it is connected."""

    name: str
    per_day: float
    """How often on a day, on average."""
    hours: tuple[tuple[float, float], ...]
    """When it is switched on: spans of the day, in hours."""
    runs: tuple[tuple[int, float], ...]
    phases: tuple[int, ...]
    weekend: float = 1.0
    """How much more often at weekends."""
    winter: float = 1.0
    """How much more often in the middle of winter than in that of summer."""


APPLIANCES = (
    Appliance("kettle", 4.0, ((6.5, 9), (10, 17), (19, 22)), ((180, 2200),), (0,)),
    Appliance("coffee", 2.5, ((6.5, 10), (13, 16)), ((60, 1400), (240, 500)), (0,), 1.3),
    Appliance("toaster", 0.7, ((6.8, 9.5),), ((150, 900),), (0,), 1.4),
    Appliance("microwave", 1.2, ((7, 9), (12, 14), (18, 20)), ((200, 1200),), (1,)),
    Appliance("hob", 1.0, ((17, 19),), ((480, 3600), (600, 1800), (900, 900)), (1, 2), 1.2),
    Appliance("oven", 0.4, ((16.5, 18.5),), ((720, 2800), (300, 0), (1500, 1100)), (2,), 1.8),
    Appliance(
        "dishwasher",
        0.8,
        ((13, 15), (20, 22.5)),
        ((900, 60), (1200, 2000), (2400, 80), (900, 2000), (900, 30)),
        (1,),
    ),
    Appliance(
        "washing machine",
        0.6,
        ((8, 12), (17, 20)),
        ((300, 100), (1500, 2100), (3000, 150), (600, 450)),
        (2,),
        1.7,
    ),
    Appliance(
        "dryer", 0.35, ((10, 14), (19, 21)), ((600, 900), (3600, 700), (300, 150)), (2,), 1.7, 2.0
    ),
    Appliance("television", 1.0, ((18.5, 20.5),), ((9000, 130),), (0,), 1.2, 1.3),
    Appliance("vacuum cleaner", 0.25, ((9, 12), (16, 18)), ((1500, 850),), (0,), 2.5),
    Appliance("iron", 0.2, ((10, 12), (19, 21)), ((1800, 1100),), (0,), 1.5),
    Appliance("hair dryer", 0.6, ((6.8, 8.2), (20, 22)), ((300, 1600),), (2,)),
    Appliance("circulation pump", 3.0, ((5.5, 9), (15, 22)), ((5400, 55),), (0,), 1.0, 8.0),
)


class Household:
    """The load of a home without its cars."""

    def __init__(
        self,
        seed: int,
        zone: ZoneInfo,
        phases: int,
        empty: Callable[[date], bool] = lambda _: False,
    ) -> None:
        """Live in a zone, behind one phase or three; `empty` says on which days nobody is there."""
        self._empty = empty
        self._seed = seed
        self._zone = zone
        self._phases = phases
        self._series = Series(self._draw, zone)

    def at(self, at: float) -> tuple[Phases, int]:
        """Return the watts on each phase at a moment (unix seconds), and until when they hold."""
        return self._series.at(at)

    def _draw(self, day: date) -> Day[Phases]:
        start, end = start_of(day, self._zone), start_of(day + timedelta(days=1), self._zone)
        changes: dict[int, list[float]] = {}
        self._base(day, start, end, changes)
        # what was switched on late yesterday may still be on
        for begun in (day - timedelta(days=1), day):
            self._switched_on(begun, start, end, changes)
        level = [0.0, 0.0, 0.0]
        pairs: list[tuple[int, Phases]] = []
        for at in sorted(changes):
            for phase, watts in enumerate(changes[at]):
                # thousandths of a watt: a sum of many differences must not leave a trace
                level[phase] = round(level[phase] + watts, 3)
            pairs.append((at, (level[0], level[1], level[2])))
        return day_of(pairs, end)

    def _base(self, day: date, start: int, end: int, changes: dict[int, list[float]]) -> None:
        rng = dice(self._seed, "base", day)
        before = 0.0
        usual: Sequence[float] = [min(BASE_W)] * 24 if self._empty(day) else BASE_W
        for at in range(start, end, BASE_STEP):
            hour = datetime.fromtimestamp(at, self._zone).hour
            third = round(usual[hour] * max(0.5, rng.gauss(1, BASE_SPREAD)) / 3, 1)
            for phase in range(3):
                self._add(changes, at, phase, third - before)
            before = third
        cold = start + rng.randrange(FRIDGE_CYCLE_S - FRIDGE_ON_S)
        for at in range(cold, end - FRIDGE_ON_S, FRIDGE_CYCLE_S):
            self._add(changes, at, 0, FRIDGE_W)
            self._add(changes, at + FRIDGE_ON_S, 0, -FRIDGE_W)

    def _switched_on(
        self, begun: date, start: int, end: int, changes: dict[int, list[float]]
    ) -> None:
        for appliance in () if self._empty(begun) else APPLIANCES:
            for at in starts(self._seed, appliance, begun, self._zone):
                since = at
                for seconds, watts in appliance.runs:
                    first, last = max(start, since), min(end, since + seconds)
                    since += seconds
                    for phase in appliance.phases if first < last else ():
                        share = watts / len(appliance.phases)
                        self._add(changes, first, phase, share)
                        self._add(changes, last, phase, -share)

    def _add(self, changes: dict[int, list[float]], at: int, phase: int, watts: float) -> None:
        changes.setdefault(at, [0.0, 0.0, 0.0])[phase if self._phases == 3 else 0] += watts


def starts(seed: int, appliance: Appliance, day: date, zone: ZoneInfo) -> list[int]:
    """Return when (unix seconds) an appliance is switched on on a day."""
    rng = dice(seed, "appliance", appliance.name, day)
    often = appliance.per_day * (appliance.weekend if day.weekday() >= 5 else 1.0)
    summer = min(abs(day.timetuple().tm_yday - 15), 365 - abs(day.timetuple().tm_yday - 15)) / 183
    often *= appliance.winter + (1 - appliance.winter) * summer
    spans = [end - begin for begin, end in appliance.hours]
    sums = [sum(spans[: index + 1]) for index in range(len(spans))]
    times = int(often) + (rng.random() < often % 1)
    moments: list[int] = []
    for _ in range(times):
        place = rng.random() * sums[-1]
        index = min(bisect_right(sums, place), len(spans) - 1)
        hour = appliance.hours[index][1] - (sums[index] - place)
        moments.append(moment(day, hour * HOUR, zone))
    return sorted(moments)
