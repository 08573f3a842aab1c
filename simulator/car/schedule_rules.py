"""What charge entries say at a moment: charge, do not, or nothing; and when they say something new. Nothing here acts."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import IntEnum

from simulator.car.habits import Habit
from simulator.car.local_time import DAY, times
from simulator.car.readings import HOUR, OtherReading
from simulator.car.schedules import ChargeEntry

#: Minutes at which entries act.
STEP = 15
#: For how long after a start a car that is plugged in charges at once (seconds).
START_COUNTS = 5 * HOUR
#: How far away (seconds) the first start of an entry may be to keep a car from charging at plug-in.
FIRST_START_HOLDS = 17 * HOUR
#: How far back a time must lie to act when it is sent (seconds).
SENT_MIN_AGE = 600.0


class Kind(IntEnum):
    """What happens at a moment; of two things at one moment the higher number is the later one."""

    END = 0
    START = 1


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """A start or an end, at a moment of unix time."""

    at: float
    kind: Kind
    id: int
    """Of the entry."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether schedules let a car charge; None: they say nothing. `event`: the start or end that decided."""

    charge: bool | None
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The readings in force at a car, in its time zone."""

    zone: tzinfo
    readings: Container[Habit]
    start_counts: float = START_COUNTS
    """For how many seconds a start counts."""
    to_the_minute: bool = False

    def events(self, entries: Iterable[ChargeEntry], after: float, until: float) -> Iterator[Event]:
        """Yield starts and ends after one moment and until another, in no order."""
        for entry in entries:
            for kind, minutes, later in self._times_of(entry):
                found = times(
                    entry.days_of_week,
                    minutes,
                    self.zone,
                    (after, until),
                    self.readings,
                    later=later,
                )
                yield from (Event(at, kind, entry.id) for at in found)

    def _times_of(self, entry: ChargeEntry) -> Iterator[tuple[Kind, int, int]]:
        """Yield what happens, at which minute, how many days after the day that is named."""
        step = 1 if self.to_the_minute else STEP
        if entry.start_enabled:
            yield Kind.START, entry.start_time // step * step, 0
        if entry.end_enabled:
            over_midnight = entry.start_enabled and entry.end_time <= entry.start_time
            yield Kind.END, -(-entry.end_time // step) * step, int(over_midnight)

    def end_after(self, entry: ChargeEntry, start: float) -> float:
        """Return when what began at a start is over: at its end, else when the start does not count any more."""
        if entry.end_enabled:
            ends = self.events([entry], start, start + DAY + 2 * HOUR)
            found = [one.at for one in ends if one.kind is Kind.END]
            if found:
                return min(found)
        return start + self.start_counts

    def verdict(
        self,
        entries: Iterable[ChargeEntry],
        now: float,
        *,
        back: float | None = None,
    ) -> Verdict:
        """Say what entries that act here want of a car that is plugged in, or whose entries were edited, now.

        The last start or end decides, if it is not too long ago (`back` seconds); else a start to come makes it wait.
        """
        entries = list(entries)
        back = self.start_counts if back is None else back
        past = sorted(self.events(entries, now - back, now))
        past.extend(self._holding(entries, now) if not past else ())
        past = [one for one in past if not self._is_too_young(one, entries, now)]
        if OtherReading.WINDOWS_UNITE in self.readings:
            past = [one for one in past if self._is_last_of_its_entry(one, past)]
            past.sort(key=lambda one: (one.kind, one))
        if past:
            return Verdict(past[-1].kind is Kind.START, past[-1])
        if any(self._makes_wait(entry, now) for entry in entries):
            return Verdict(charge=False)
        return Verdict(None)

    def sent_too_late(self, entry: ChargeEntry, now: float) -> bool:
        """Say whether a start of an entry that is sent now is over, but not for long enough to act."""
        events = self.events([entry], now - SENT_MIN_AGE, now)
        return any(one.kind is Kind.START and now - one.at < SENT_MIN_AGE for one in events)

    def _is_too_young(self, event: Event, entries: Iterable[ChargeEntry], now: float) -> bool:
        """Say whether an event was over when its entry was sent, and is so for less than ten minutes."""
        if OtherReading.EDIT_ACTS_AT_ONCE in self.readings or now - event.at >= SENT_MIN_AGE:
            return False
        return any(one.id == event.id and event.at < one.sent_at for one in entries)

    def _makes_wait(self, entry: ChargeEntry, now: float) -> bool:
        """Say whether a start to come makes a car wait: who was due the day before waits longer than for a first one."""
        ahead = self._ahead(now)
        coming = [
            one.at for one in self.events([entry], now, now + ahead) if one.kind is Kind.START
        ]
        if not coming:
            return False
        if min(coming) <= now + FIRST_START_HOLDS:
            return True
        if OtherReading.WAITS_FOR_ANY_START in self.readings:
            return True
        before = self.events([entry], now - DAY, now)
        due = [one.at for one in before if one.kind is Kind.START]
        return any(at >= entry.sent_at or not entry.one_time for at in due)

    def _ahead(self, now: float) -> float:
        """Return how far away (seconds) a start may be to make a car wait: a day without what counts as past."""
        if OtherReading.WAITS_FOR_ANY_START in self.readings:
            return 8 * DAY
        offsets = [
            datetime.fromtimestamp(at, self.zone).utcoffset() or timedelta()
            for at in (now, now + DAY)
        ]
        return DAY - self.start_counts + (offsets[0] - offsets[1]).total_seconds()

    def _holding(self, entries: Iterable[ChargeEntry], until: float) -> list[Event]:
        """Return the last end of blockers that hold although it was long ago, if no start has come since."""
        if OtherReading.BLOCKER_HOLDS not in self.readings:
            return []
        blockers = {one.id for one in entries if is_blocker(one) and one.one_time}
        events = sorted(self.events(entries, until - 7 * DAY, until))
        last = [one for one in events if one.id in blockers or one.kind is Kind.START][-1:]
        return [one for one in last if one.kind is Kind.END]

    @staticmethod
    def _is_last_of_its_entry(event: Event, events: Iterable[Event]) -> bool:
        return event == max(one for one in events if one.id == event.id)


def is_blocker(entry: ChargeEntry) -> bool:
    """Say whether an entry has an end and no start."""
    return entry.end_enabled and not entry.start_enabled


def rules_of(
    zone: tzinfo, readings: Container[Habit], *, classic: bool, six_hours: float | None
) -> Rules:
    """Return the rules of a car; `classic`: of firmware without schedules, `six_hours`: how long a start counts."""
    counts = 6 * HOUR if classic else START_COUNTS if six_hours is None else six_hours
    to_the_minute = classic or OtherReading.TO_THE_MINUTE in readings
    return Rules(zone, readings, counts, to_the_minute)
