"""When the car is usually needed next, and how much of its battery: learnt from its trips, by weekday."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from ..series import check_moment
from .dated import EARLIEST, read_days, recorded
from .habit_change import Times, changed_alone, changed_together
from .robust import Weighted, quantile
from .stored import entries, row
from .told import Saying, Told

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
LEAST_TIMES: Final = 3
"""With fewer departures of a weekday, those of all workdays (or of the weekend) count."""
LEAST_WEEKS: Final = 3
"""With fewer usable weeks it is not told that the car usually stays."""
CHANCE: Final = 0.5
"""A weekday with fewer departures is one on which the car stays."""
PRIOR_MINUTE: Final = 7 * 60.0
PRIOR_NEED: Final = 40.0
PRIOR_WEIGHT: Final = 2.0
"""Departures that the assumption counts for, where confidence is told."""
WORKDAYS: Final = range(5)
WEEKEND: Final = range(5, 7)


@dataclass(frozen=True, slots=True)
class Day:
    """The first departure of a day, in minutes after its midnight, and what all its trips used, percent."""

    minute: float
    used: float


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
        own, changed = _since(times, weekday, changed_together(list(times.values())))
        chance = _chance(weeks, weekday, now, self.zone, holidays)
        if len(weeks) >= LEAST_WEEKS and chance < CHANCE:
            return Habit(None, PRIOR_MINUTE, 0.0, len(weeks), changed=False)
        teaching = [weeks[week][weekday] for week in own]
        if len(teaching) < LEAST_TIMES:
            teaching = [day for row in weeks.values() for of, day in row.items() if of in of_type]
        if len(teaching) < LEAST_TIMES:
            return _assumed(weekday)
        minutes = [Weighted(day.minute) for day in teaching]
        need = quantile([Weighted(day.used) for day in teaching], NEED) + MARGIN
        return Habit(
            quantile(minutes, EARLY),
            quantile(minutes, 0.5),
            min(100.0, need),
            max(1, len(own)),
            changed=changed,
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
            if day <= today and _week(today) - _week(day) <= OLDEST_WEEKS:
                weeks.setdefault(_week(day), {})[day.weekday()] = known
        usual = {of for of in range(7) if 2 * sum(of in row for row in weeks.values()) > len(weeks)}
        usable = [
            week for week, row in weeks.items() if not _odd(week, row, usual, today, holidays)
        ]
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


def _week(day: date) -> int:
    """Return the number of a week, which begins on Monday."""
    return (day.toordinal() - 1) // 7


def _odd(
    week: int, row: Mapping[int, Day], usual: set[int], today: date, holidays: frozenset[date]
) -> bool:
    """Return whether on more than half of the days on which the car usually leaves it did not."""
    expected = list(_workable(week, usual, today, holidays))
    return 2 * sum(weekday in row for weekday in expected) < len(expected)


def _workable(week: int, usual: set[int], today: date, holidays: frozenset[date]) -> Iterator[int]:
    """Yield the weekdays of a week that are over, and no holidays."""
    for weekday in usual:
        day = date.fromordinal(7 * week + 1 + weekday)
        if day < today and day not in holidays:
            yield weekday


def _times(weeks: Mapping[int, Mapping[int, Day]], weekday: int) -> dict[int, float]:
    return {week: row[weekday].minute for week, row in weeks.items() if weekday in row}


def _since(
    times: Mapping[int, Times], weekday: int, together: int | None
) -> tuple[Sequence[int], bool]:
    """Return the weeks that teach of a weekday: only those since its habit has changed; and whether it has."""
    own = times[weekday]
    recent = {week: t for week, t in own.items() if together is None or week >= together}
    alone = changed_alone(recent)
    weeks = [week for week in recent if alone is None or week >= alone]
    return weeks, len(weeks) < len(own)


def _chance(
    weeks: Mapping[int, Mapping[int, Day]],
    weekday: int,
    now: datetime,
    zone: tzinfo,
    holidays: frozenset[date],
) -> float:
    """Return the share of usable weeks on whose weekday the car left; days to come and holidays do not count."""
    today = now.astimezone(zone).date()
    past = [week for week in weeks if list(_workable(week, {weekday}, today, holidays))]
    return sum(weekday in weeks[week] for week in past) / len(past) if past else 1.0
