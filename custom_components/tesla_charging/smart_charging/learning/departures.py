"""When the car is usually needed next, and how much of its battery: learnt from its trips, by weekday."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
import math
from typing import Any, Final

from ..series import check_moment
from .dated import EARLIEST, read_days, recorded
from .habit_change import (
    LEAST_EARLIER,
    LEAST_SPREAD,
    Change,
    Times,
    changed_alone,
    changed_together,
)
from .robust import Weighted, deviation, median, quantile, robust_mean
from .stored import entries, row
from .told import Saying, Told
from .usable_weeks import Day, over, usable_weeks, week_of

DAY: Final = 24 * 60
DAY_BEGINS: Final = 3 * 60
"""A trip before it belongs to the day before, minutes after midnight."""
WEEKS: Final = 8
"""So many usable weeks teach."""
OLDEST_WEEKS: Final = 26
KEPT_DAYS: Final = 7 * 16
EARLY: Final = 0.25
"""The share of departures that are before the car is ready."""
NEED: Final = 0.6
"""The share of days on which the car used less than is planned for, before `MARGIN`."""
MARGIN: Final = 5.0
"""Percent of the battery on top."""
LEAST_USED: Final = 1.0
"""Percent of the battery: a shorter trip is no trip."""
LEAST_TIMES: Final = 2
"""With fewer departures of a weekday, those of all workdays (or of the weekend) count."""
LEAST_WEEKS: Final = 3
"""With fewer usable weeks it is not told that the car usually stays."""
CHANCE: Final = 0.4
"""A weekday with fewer departures is one on which the car stays."""
PRIOR_MINUTE: Final = 7 * 60.0
PRIOR_NEED: Final = 40.0
PRIOR_WEIGHT: Final = 2.0
"""Departures that the assumption counts for, where confidence is told."""
FEW: Final = 5
FAR: Final = 3.0
"""A time so many deviations from the middle is of no habit."""
WORKDAYS: Final = range(5)
WEEKEND: Final = range(5, 7)


@dataclass(frozen=True, slots=True)
class Departure:
    """When the car is to be ready, and for what."""

    at: datetime
    """The early quartile of the departures, UTC."""
    usual: datetime
    """Their median, UTC."""
    need: float
    """Percent of the battery."""
    confidence: float
    told: Told


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual on a weekday, in minutes after midnight; None: the car stays."""

    early: float | None
    usual: float
    need: float
    weeks: int
    """How many weeks it comes from; 0 is an assumption."""
    changed: bool
    """Only the weeks since it has changed."""


@dataclass(frozen=True, slots=True)
class Departures:
    """The habits around one car; a trip makes a new one."""

    zone: tzinfo
    days: Mapping[date, Day] = field(default_factory=dict)

    def with_trip(
        self, left: datetime, used: float, *, now: datetime, holidays: frozenset[date] = frozenset()
    ) -> Departures:
        """Return what is known after a trip from home that is over: when it began, and what it used, percent of the battery.

        A trip on a holiday, one that cannot be, and one of less than a percent teach nothing.
        """
        check_moment("left", left)
        if now < EARLIEST or not left <= now or not LEAST_USED <= used <= 1000:
            return self
        day, minute = self._day_of(left)
        if day in holidays:
            return self
        before = self.days.get(day)
        if before is not None:
            minute, used = min(before.minute, minute), before.used + used
        days = recorded(
            self.days, day, Day(minute, used), today=self._day_of(now)[0], most=KEPT_DAYS
        )
        return replace(self, days=days)

    def habit(
        self, weekday: int, *, now: datetime, holidays: frozenset[date] = frozenset()
    ) -> Habit:
        """Return what is usual on a weekday, from 0 for Monday."""
        weeks = self._usable_weeks(now, holidays)
        if not weeks:
            return _assumed(weekday)
        of_type = WORKDAYS if weekday in WORKDAYS else WEEKEND
        times = {of: _times(weeks, of) for of in of_type}
        together = changed_together(list(times.values()))
        recent = {of: _recent(times[of], together) for of in of_type}
        spread = _spread(_apart(recent))
        since = {of: _since(recent[of], spread) for of in of_type}
        chance = _chance(weeks, weekday, self._day_of(now)[0], holidays)
        if len(weeks) >= LEAST_WEEKS and chance < CHANCE:
            return Habit(None, PRIOR_MINUTE, 0.0, len(weeks), changed=False)
        own = since[weekday]
        teaching = [weeks[week][weekday] for week in own]
        if len(teaching) < LEAST_TIMES:
            teaching = [weeks[week][of] for of in of_type for week in since[of]]
        if len(teaching) < LEAST_TIMES:
            return _assumed(weekday)
        apart = _apart(since)
        elsewhere = median([Weighted(t) for row in since.values() for t in row.values()])
        minutes = [day.minute for day in teaching]
        if together is not None and len(own) < LEAST_EARLIER:
            # too few by themselves: those before the change are moved as all others have moved
            moved = [t + together.minutes for w, t in times[weekday].items() if w < together.week]
            minutes = [*own.values(), *moved] if moved else minutes
        near = _near(minutes, apart, elsewhere)
        need = quantile([Weighted(day.used) for day in teaching], NEED) + MARGIN
        return Habit(
            _early(near, apart),
            median(near),
            min(100.0, need),
            max(1, len(own)),
            changed=len(own) < len(times[weekday]),
        )

    def next_departure(
        self, now: datetime, *, holidays: frozenset[date] = frozenset()
    ) -> Departure | None:
        """Return the next time at which the car is to be ready; None if it usually stays for a week.

        A holiday is like a Sunday.
        """
        check_moment("now", now)
        today, _ = self._day_of(now)
        for day in (today + timedelta(days=k) for k in range(8)):
            weekday = 6 if day in holidays else day.weekday()
            habit = self.habit(weekday, now=now, holidays=holidays)
            if habit.early is None or (at := self._moment(day, habit.early)) <= now:
                continue
            confidence = habit.weeks / (habit.weeks + PRIOR_WEIGHT)
            usual = self._moment(day, habit.usual)
            return Departure(at, usual, habit.need, confidence, told(weekday, habit))
        return None

    def _usable_weeks(self, now: datetime, holidays: frozenset[date]) -> dict[int, dict[int, Day]]:
        """Return the last usable weeks, each with its days by weekday; by their numbers, in order."""
        today, _ = self._day_of(now)
        weeks: dict[int, dict[int, Day]] = {}
        for day, known in sorted(self.days.items()):
            if day <= today and week_of(today) - week_of(day) <= OLDEST_WEEKS:
                weeks.setdefault(week_of(day), {})[day.weekday()] = known
        usable = usable_weeks(weeks, today, holidays)
        return {week: weeks[week] for week in usable[-WEEKS:]}

    def _day_of(self, moment: datetime) -> tuple[date, float]:
        """Return the day of a moment and the minutes after its midnight, by the clock on the wall."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute + local.second / 60
        if minute < DAY_BEGINS:
            return local.date() - timedelta(days=1), minute + DAY
        return local.date(), minute

    def _moment(self, day: date, minute: float) -> datetime:
        days, rest = divmod(int(minute), DAY)
        wall = time(rest // 60, rest % 60, tzinfo=self.zone)
        return datetime.combine(day + timedelta(days=days), wall).astimezone(UTC)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict()."""
        return {
            "days": {
                day.isoformat(): [round(known.minute), round(known.used, 1)]
                for day, known in self.days.items()
            }
        }

    @classmethod
    def from_dict(cls, data: object, zone: tzinfo) -> Departures:
        """Read back as_dict(); what is damaged is left out."""
        days = {}
        for day, stored in read_days(entries(data).get("days"), KEPT_DAYS).items():
            match row(stored, 2, 0, DAY + DAY_BEGINS):
                case (minute, used) if minute >= DAY_BEGINS and used >= LEAST_USED:
                    days[day] = Day(minute, used)
        return cls(zone, days)


def told(weekday: int, habit: Habit) -> Told:
    """Return the sentence about a weekday."""
    if habit.early is None:
        return Told(Saying.DEPARTURE_NONE, {"weekday": weekday, "weeks": habit.weeks})
    numbers = {"weekday": weekday, "minute": int(habit.early), "need": round(habit.need)}
    if not habit.weeks:
        return Told(Saying.DEPARTURE_ASSUMED, numbers)
    saying = Saying.DEPARTURE_CHANGED if habit.changed else Saying.DEPARTURE_LEARNT
    return Told(saying, {**numbers, "usual_minute": int(habit.usual), "weeks": habit.weeks})


def _assumed(weekday: int) -> Habit:
    return Habit(PRIOR_MINUTE, PRIOR_MINUTE, PRIOR_NEED, 0, changed=False)


def _times(weeks: Mapping[int, Mapping[int, Day]], weekday: int) -> dict[int, float]:
    return {week: row[weekday].minute for week, row in weeks.items() if weekday in row}


def _recent(times: Times, together: Change | None) -> dict[int, float]:
    """Return the times since all weekdays have changed."""
    return {week: t for week, t in times.items() if together is None or week >= together.week}


def _since(times: Times, spread: float) -> dict[int, float]:
    """Return the times since this weekday has changed."""
    alone = changed_alone(times, spread)
    return {week: t for week, t in times.items() if alone is None or week >= alone.week}


def _apart(weekdays: Mapping[int, Times]) -> list[Weighted]:
    """Return how far departures are from what is usual, minutes: those of several weekdays, each from its own middle."""
    apart = []
    for times in weekdays.values():
        if len(times) >= LEAST_TIMES:
            own = [Weighted(t) for t in times.values()]
            middle = median(own)
            # few values lie closer to their own middle than to that of all that will be
            wider = math.sqrt(len(own) / (len(own) - 1))
            apart += [Weighted((t.value - middle) * wider) for t in own]
    return apart


def _spread(apart: Sequence[Weighted]) -> float:
    return max(LEAST_SPREAD, deviation(apart, 0.0)) if apart else LEAST_SPREAD


def _near(minutes: Sequence[float], apart: Sequence[Weighted], elsewhere: float) -> list[Weighted]:
    """Return the times without those that are so far from the middle that they are of no habit.

    Where most are, is the middle; where no two agree, it is the one that is nearest to the other weekdays.
    """
    far = FAR * _spread(apart)
    middle = median([Weighted(t) for t in minutes])
    near = [Weighted(t) for t in minutes if abs(t - middle) <= far]
    if 2 * len(near) > len(minutes):
        return near
    nearest = min(minutes, key=lambda t: abs(t - elsewhere))
    return [Weighted(t) for t in minutes if abs(t - nearest) <= far]


def _early(minutes: Sequence[Weighted], apart: Sequence[Weighted]) -> float:
    """Return the early quartile; of a few times it is as far from their middle as on the other weekdays."""
    if len(minutes) >= FEW or not apart:
        return quantile(minutes, EARLY)
    return robust_mean(minutes, LEAST_SPREAD) + min(0.0, quantile(apart, EARLY))


def _chance(
    weeks: Mapping[int, Mapping[int, Day]], weekday: int, today: date, holidays: frozenset[date]
) -> float:
    """Return the chance that the car leaves on a weekday: of those that are over and no holidays, and two that are not known."""
    past = [week for week in weeks if list(over(week, {weekday}, today, holidays))]
    left = sum(weekday in weeks[week] for week in past)
    return (left + 1) / (len(past) + 2)
