"""Keeps the schedules: at their moments, at plug-in and when they are edited, the car charges, waits, or conditions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from simulator.car.charging import Charging
from simulator.car.journey import Journey, Place
from simulator.car.local_time import DAY, times
from simulator.car.quirks import Quirk, Quirks
from simulator.car.readings import OtherReading
from simulator.car.schedule_rules import Event, Kind, Rules, Verdict, is_blocker, rules_of
from simulator.car.schedules import ChargeEntry, Entry, PreconditionEntry, Schedules, has_schedules
from simulator.car.wakefulness import Wakefulness

#: Within which distance of its location an entry acts.
NEAR_MILES = 0.0622
#: For how long before its time a car conditions; not known of real cars (seconds).
CONDITIONING = 1200.0
#: A battery below so many percent is spared.
CONDITIONING_FROM = 20.0
#: How far ahead is looked for the next moment.
LOOK_AHEAD = 8 * DAY
MAX_KNOWN_PLACES = 20


@dataclass(slots=True)
class ScheduleKeeper:
    """What a car's schedules make it do. Moments are unix time; `physics` is the same moment in the car's seconds."""

    schedules: Schedules
    charging: Charging
    journey: Journey
    wakefulness: Wakefulness
    quirks: Quirks
    zone: Callable[[], tzinfo]
    firmware: Callable[[], str]
    conditioning: int | None = None
    """The entry for which it conditions."""
    _amps: list[tuple[Place, int]] = field(default_factory=list)
    _next: tuple[object, float] | None = None

    # -- moments ------------------------------------------------------------------------------

    def next_moment(self, after: float) -> float:
        """Return the first moment after another at which there is something to do."""
        if self.schedules.are_none:
            return float("inf")
        key = (self.zone(), self.firmware(), tuple(self.quirks))
        if self._next is None or self._next[0] != key or self._next[1] <= after:
            self._next = (key, self._find_next(after))
        return self._next[1]

    def _find_next(self, after: float) -> float:
        entries = self.schedules.acting(self.firmware())
        conditions = self._conditions()
        if not entries and not conditions:
            return float("inf")
        both: tuple[Entry, ...] = (*entries, *conditions)
        spent = [entry.spent_at for entry in both]
        moments = [at for at in spent if at is not None and at > after]
        for until in (after + DAY, after + LOOK_AHEAD):
            moments.extend(one.at for one in self._rules().events(entries, after, until))
            for entry in conditions:
                moments.extend(at for at, _ in self._conditioning(entry, after, until))
            if moments and min(moments) <= until:
                return min(moments)
        return after + LOOK_AHEAD

    def happen(self, now: float, physics: float) -> None:
        """Do what is to be done at a moment."""
        before = now - 1e-6
        entries = self.schedules.acting(self.firmware())
        events = self._rules().events(entries, before, now)
        for event in sorted(events):
            self._happen(event, physics)
        for entry in self._conditions():
            for at, begins in self._conditioning(entry, before, now):
                self._condition(entry, at + CONDITIONING if begins else None, physics)
        self._clear_up(now)
        self._next = None

    def _happen(self, event: Event, physics: float) -> None:
        entry = self._entry(event.id)
        if self._reaches(entry) and self._waits_for_power(event, physics):
            if event.kind is Kind.START:
                self._start(physics)
            else:
                self._end(event)
            self._use(entry, event)
        elif OtherReading.ONE_TIME_PASSES_UNUSED in self.quirks:
            self._use(entry, event)

    def _waits_for_power(self, event: Event, physics: float) -> bool:
        """Say whether a moment finds a car that it can act on: at a cable, awake enough, and in order."""
        if self.charging.port.supply is None or self.charging.port.is_fast:
            return False
        if event.kind is Kind.END:
            return True
        asleep = self.wakefulness.asleep_at(physics, busy=self.charging.busy)
        if asleep and Quirk.SLEEPS_THROUGH_START in self.quirks:
            return False
        return not self.quirks.take(Quirk.START_FAILS)

    def _start(self, physics: float) -> None:
        charging = self.charging
        charging.blocked = charging.override = False
        if charging.user_enable is False and OtherReading.STOP_OUTLASTS_STARTS not in self.quirks:
            charging.user_enable = None
        reset = OtherReading.AMPS_RESET_AT_START in self.quirks
        charging.amps = self._most_amps if reset else charging.at_least_low(charging.amps)
        if charging.busy:
            self.wakefulness.wake_at(physics)

    def _end(self, event: Event) -> None:
        charging = self.charging
        if OtherReading.WINDOWS_UNITE in self.quirks:
            verdict = self._rules().verdict(self._entries_here(), event.at, back=DAY)
            if verdict.charge:
                return
        charging.blocked = True
        if charging.override and OtherReading.END_STOPS_OVERRIDE in self.quirks:
            charging.override = False

    # -- plug-in and edits --------------------------------------------------------------------

    def plugged_in(self, now: float) -> None:
        """Decide whether a car that was just plugged in charges, and with how many amps."""
        charging = self.charging
        charging.blocked = charging.override = False
        if charging.port.is_fast:
            return
        if OtherReading.AMPS_STAY not in self.quirks:
            self._recall_amps()
        verdict = self._rules().verdict(self._entries_here(), now)
        charging.blocked = verdict.charge is False
        self._use_of(verdict)

    def rescheduled(self, now: float, physics: float) -> None:
        """Decide anew for which entry it conditions, if for any, after one was added, changed or removed."""
        self._next = self.conditioning = None
        for entry in self._conditions():
            due = [at for at in self._times_of(entry, now, now + CONDITIONING) if at > now]
            if due:
                self._condition(entry, min(due), physics)

    def edited(self, now: float, number: int | None = None) -> None:
        """Decide anew after an entry was added, changed (its id) or removed (None)."""
        self._next = None
        charging = self.charging
        if charging.port.supply is None or charging.port.is_fast:
            return
        at_once = OtherReading.EDIT_ACTS_AT_ONCE in self.quirks
        verdict = self._rules().verdict(self._entries_here(), now)
        event = verdict.event
        if event is not None and event.id == number and event.kind is Kind.START:
            charging.user_enable = None if charging.user_enable is False else charging.user_enable
        sent = self._entry(number) if number is not None else None
        if (
            verdict.charge is None
            and sent
            and not at_once
            and self._rules().sent_too_late(sent, now)
        ):
            return
        waits_only = verdict.charge is False and event is None
        if waits_only and charging.busy and OtherReading.EDIT_LEAVES_ALONE in self.quirks:
            return
        charging.blocked = verdict.charge is False
        if event is not None and OtherReading.END_STOPS_OVERRIDE in self.quirks:
            charging.override = False
        charging.override = charging.override and charging.blocked
        self._use_of(verdict)

    def _use_of(self, verdict: Verdict) -> None:
        if verdict.event is not None:
            self._use(self._entry(verdict.event.id), verdict.event)

    # -- one-time entries ---------------------------------------------------------------------

    def _use(self, entry: ChargeEntry | None, event: Event) -> None:
        """Note when a one-time entry that let charge, or whose only time was an end, is over."""
        if entry is None or not entry.one_time or entry.spent_at is not None:
            return
        rules, self._next = self._rules(), None
        if event.kind is Kind.START:
            entry.spent_at = rules.end_after(entry, event.at)
        elif is_blocker(entry) and OtherReading.BLOCKER_HOLDS not in self.quirks:
            entry.spent_at = event.at + rules.start_counts

    def _clear_up(self, now: float) -> None:
        vanishes = OtherReading.ONE_TIME_VANISHES in self.quirks
        _clear(self.schedules.charge, now, vanishes=vanishes)
        _clear(self.schedules.precondition, now, vanishes=vanishes)

    # -- conditioning -------------------------------------------------------------------------

    def _conditions(self) -> list[PreconditionEntry]:
        if not has_schedules(self.firmware()):
            return []
        return [entry for entry in self.schedules.precondition.values() if entry.enabled]

    def _conditioning(
        self, entry: PreconditionEntry, after: float, until: float
    ) -> list[tuple[float, bool]]:
        """Return moments of a preconditioning entry, and whether each is a beginning."""
        moments: list[tuple[float, bool]] = []
        for at in self._times_of(entry, after, until + CONDITIONING):
            both = ((at - CONDITIONING, True), (at, False))
            moments.extend(one for one in both if after < one[0] <= until)
        return moments

    def _times_of(self, entry: PreconditionEntry, after: float, until: float) -> Iterator[float]:
        minutes, zone = entry.precondition_time, self.zone()
        return times(entry.days_of_week, minutes, zone, (after, until), self.quirks)

    def _condition(self, entry: PreconditionEntry, until: float | None, physics: float) -> None:
        """Condition for an entry until its time, or end that (None)."""
        if until is None:
            if self.conditioning == entry.id:
                self.conditioning = None
                self.wakefulness.wake_at(physics)
        elif self._reaches(entry) and self.charging.battery.level >= CONDITIONING_FROM:
            self.conditioning = entry.id
            self.wakefulness.wake_at(physics)
            if entry.one_time:
                entry.spent_at = until

    # -- places -------------------------------------------------------------------------------

    def remember_amps(self) -> None:
        """Keep the setting for the place where the car is."""
        here = self.journey.place
        self._amps = [one for one in self._amps if one[0].miles_to(here) > NEAR_MILES]
        self._amps = [*self._amps[1 - MAX_KNOWN_PLACES :], (here, self.charging.amps)]

    def _recall_amps(self) -> None:
        here = self.journey.place
        known = [amps for place, amps in self._amps if place.miles_to(here) <= NEAR_MILES]
        if known:
            self.charging.amps = self.charging.at_least_low(known[0])
        elif self._amps:
            self.charging.amps = self._most_amps

    @property
    def _most_amps(self) -> int:
        """All that the car takes: of each of its phases, or of the single one of a cable."""
        supply = self.charging.supply
        return max(self.charging.onboard_max_amps, supply.max_amps if supply else 0)

    def _reaches(self, entry: Entry | None) -> bool:
        if entry is None or self.journey.driving:
            return False
        further = self.quirks.get(OtherReading.REACHES_FURTHER)
        reach = further.miles if further else NEAR_MILES
        return self.journey.place.miles_to(entry.place) <= reach

    def acts_here(self, entry: Entry) -> bool:
        """Say whether an entry is switched on and acts where the car is."""
        return entry.enabled and self._reaches(entry)

    def _entries_here(self) -> list[ChargeEntry]:
        acting = self.schedules.acting(self.firmware())
        return [entry for entry in acting if self._reaches(entry)]

    def _entry(self, number: int) -> ChargeEntry | None:
        acting = self.schedules.acting(self.firmware())
        return next((entry for entry in acting if entry.id == number), None)

    def _rules(self) -> Rules:
        six = self.quirks.get(OtherReading.PLUG_IN_WITHIN_SIX_HOURS)
        return rules_of(
            self.zone(),
            self.quirks,
            classic=not has_schedules(self.firmware()),
            six_hours=six.seconds if six else None,
        )


def _clear[E: Entry](kept: dict[int, E], now: float, *, vanishes: bool) -> None:
    over = [
        entry for entry in kept.values() if entry.spent_at is not None and entry.spent_at <= now
    ]
    for entry in over:
        if vanishes:
            del kept[entry.id]
        else:
            entry.enabled, entry.spent_at = False, None
