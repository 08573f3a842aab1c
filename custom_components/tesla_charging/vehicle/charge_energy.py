"""Total energy that a car has charged: counter of the session, battery, cable and lifetime counter decide together.

The counter of a session starts anew with each session, sinks with what the parked car uses, and sometimes reads 0 for
a while. So no value of it counts by itself: a change counts as far as the battery can have taken it. Where several
explanations are possible, the one with the least energy counts. The totals never decrease. Pure arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from .battery_gain import (
    SAME_COUNTER,
    Mark,
    Range,
    battery_gain,
    charged_capacity,
    hours_between,
    miles_between,
    told_capacity,
)
from .wall_energy import WallEnergy

NOISE_KWH: Final = 0.3
"""A counter of a charging car that sinks by no more has not sunk."""
QUIET_NOISE_KWH: Final = 0.1
"""The same of a car that does not charge: its counter does not waver."""
MAX_KWH: Final = 250.0
"""More than any car takes in a session."""
MAX_KW: Final = 300.0
MAX_PARKED_KW: Final = 25.0
"""Most power with which a car that did not move can charge: it uses the charger of before, which is no fast charger."""
DRAIN_KW: Final = 0.35
"""Most power that a parked car uses for long."""
USUAL_DRAIN_KW: Final = 0.05
MAX_SINK_KW: Final = 4.0
"""Most power that a charging car takes from its battery, for its heater."""
TOLERANCE_KWH: Final = 0.2
MIN_MILES: Final = 0.1
DRIVE_KWH: Final = 1.0
MIN_USE, MAX_USE = 0.16, 0.7
"""Energy per mile, kWh, that a drive takes at least and at most."""
MIN_DRIVE: Final = 3.0
"""Miles from which on a drive takes at least MIN_USE."""
LONG_DRIVE: Final = 30.0
"""Miles from which on it takes at least half of that, also downhill."""
MIN_AWAY: Final = 300.0
"""Least seconds to drive away and charge elsewhere; a late value of the old session arrives earlier."""
RESET_BELOW: Final = 0.01
"""kWh up to which a counter is 0."""
MAX_DOUBT: Final = 900.0
"""Seconds after which a counter that cannot be explained is taken as a new beginning, of which nothing counts."""
LEVEL_DELAY: Final = 60.0
"""Seconds by which a level may be older than the counter that it confirms."""
MAX_WAIT: Final = 600.0
"""Seconds for which a counter after a leap or a gap waits for a level."""
STALE: Final = 180.0
"""Seconds after which the counter of a charging car is behind, and the battery counts."""
ODOMETER_DELAY: Final = 360.0
"""Seconds by which a car may tell its odometer later than it has parked."""
SAME_MOMENT: Final = 2.0
"""Seconds between session counter and lifetime counter that a car measured together."""
CLOSE_LOOKS: Final = 3 * 3600.0
"""Seconds in which no whole session can pass unseen between two values of the lifetime counter."""


@dataclass(frozen=True, slots=True)
class EnergySample:
    """What a car reports at one moment."""

    added: float | None
    """The counter of its session, kWh."""
    at: float = 0.0
    """When it measured the counter, unix seconds; 0.0: not known."""
    plugged_in: bool | None = None
    state_at: float = 0.0
    """When it measured whether it is plugged in."""
    charging: bool = False
    odometer: float | None = None
    """Miles."""
    odometer_at: float = 0.0
    """When it measured that; 0.0: not known."""
    at_home: bool | None = None
    at_home_at: float = 0.0
    """When it measured where it is; 0.0: not known."""
    level: float | None = None
    """Of the battery, percent."""
    level_at: float = 0.0
    remaining: float | None = None
    """Energy in the battery when the level was measured, kWh."""
    lifetime: float | None = None
    """The counter of all energy that it ever charged, kWh."""
    lifetime_at: float = 0.0
    wall: float | None = None
    """The counter of what its session took from the wall, kWh."""
    wall_at: float = 0.0

    @property
    def is_current(self) -> bool:
        """Whether the counter was measured while the car was plugged in, or not, as it is now."""
        return self.at >= self.state_at

    @property
    def heard_at(self) -> float:
        """When it measured the latest of all that."""
        return max(self.at, self.state_at, self.level_at, self.lifetime_at)

    def mark(self, added: float, last: Mark | None) -> Mark:
        """Return the part that later samples are compared with; `last` is that of the sample before."""
        mark = Mark(
            added,
            self.at,
            self.level,
            self.level_at,
            self.remaining,
            self.odometer,
            self.charging,
            self.plugged_in,
        )
        return replace(mark, level_added=self._counter_at_level(added, last))

    def _counter_at_level(self, added: float, last: Mark | None) -> float | None:
        """Return the counter when the level was measured, None if it is not known."""
        if last is not None and last.level_at == self.level_at:
            return last.level_added
        # the counter of a car that does not charge stands still
        still = self.at < self.level_at and not self.charging
        if still or abs(self.at - self.level_at) <= LEVEL_DELAY:
            return added
        if last is not None and last.at <= self.level_at <= self.at:
            return last.added if abs(added - last.added) <= SAME_COUNTER else None
        return None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A value of the lifetime counter."""

    value: float
    estimate: float
    """The total energy at that moment, kWh."""
    at: float
    odometer: float | None = None
    plugged_in: bool | None = None
    added: float | None = None
    includes_driving: bool = False
    """Whether it was seen to rise on a drive: then it says nothing about a time in which the car moved."""


@dataclass(frozen=True, slots=True)
class ChargeEnergy:
    """Totals in kWh since the first sample, and what the next sample is compared with."""

    home: float = 0.0
    away: float = 0.0
    unplaced: float = 0.0
    """Charged at an unknown place."""
    session: float | None = None
    """Charged in this session; None before the first sample."""
    place: bool | None = None
    """Whether the session is at home."""
    unplugged_at: float | None = None
    """Since when the car is unplugged; also if it was unplugged and plugged in again since the counter changed last."""
    estimate: float = 0.0
    """What the total should be. It is less than the totals when the lifetime counter has shown that too much was
    counted; then they wait."""
    session_from: float = 0.0
    """The estimate at the beginning of the session."""
    began_at: float = 0.0
    """When its counter was measured first, unix seconds."""
    last: Mark | None = None
    """The last sample whose counter could be explained."""
    last_estimate: float = 0.0
    base: Mark | None = None
    """Where the counter began, or began to rise after it had sunk."""
    base_estimate: float = 0.0
    highest: float = 0.0
    """Highest value of the counter since then."""
    per_percent: float | None = None
    """Energy of one percent of the battery, kWh."""
    doubtful_since: float | None = None
    """Since when the counter cannot be explained."""
    lifetime: Lifetime | None = None
    wall: WallEnergy | None = None
    """What the session took from the wall; None for a car that does not tell it."""
    before_gap: ChargeEnergy | None = field(default=None, compare=False)
    """What it was before the last sample, if that was the first one after a gap."""

    @property
    def total(self) -> float:
        """Energy charged at all places, kWh."""
        return self.home + self.away + self.unplaced

    @property
    def shown(self) -> tuple[float | None, ...]:
        """The values that entities show."""
        wall = self.wall.shown if self.wall else None
        return (self.session, self.home, self.away, self.unplaced, wall)

    @property
    def counted(self) -> float:
        """What the total should be by the counter of the session alone."""
        return self.base_estimate + self.highest - (self.base.added if self.base else 0.0)

    def with_sample(self, sample: EnergySample) -> ChargeEnergy:
        """Return the totals after a sample; samples come in the order of time."""
        if sample.plugged_in is False and sample.state_at < self.began_at:
            # the session shows that the car was plugged in since: that state was lost
            sample = replace(sample, plugged_in=None)
        energy = _with_cable(self, sample)
        if sample.added is not None:
            energy = _with_counter(energy, sample, sample.mark(max(sample.added, 0.0), self.last))
        if sample.lifetime is not None:
            energy = _with_lifetime(energy, sample, sample.lifetime)
        energy = _with_wall(energy, sample)
        if energy.last is None or self.last is None or energy.last.at == self.last.at:
            return energy
        gap = energy.last.at - self.last.at > MAX_WAIT
        return replace(energy, before_gap=replace(self, before_gap=None) if gap else None)

    def as_list(self) -> list[Any]:
        """Return JSON-compatible values for from_stored() after a restart, in the form of version 0.1.0."""
        last = self.last or Mark(0.0)
        return [
            self.home,
            self.away,
            self.unplaced,
            self.session,
            last.at,
            last.charging,
            self.place,
            last.odometer,
            self.unplugged_at,
            None,
        ]

    def basis(self) -> dict[str, Any] | None:
        """Return what as_list() has no place for; None if there is nothing."""
        if self.last is None or self.base is None or self == self.from_stored(self.as_list()):
            return None
        lifetime = self.lifetime
        return {
            "estimate": self.estimate,
            "session_from": self.session_from,
            "last": self.last.as_list(),
            "last_estimate": self.last_estimate,
            "base": self.base.as_list(),
            "base_estimate": self.base_estimate,
            "highest": self.highest,
            "per_percent": self.per_percent,
            "doubtful_since": self.doubtful_since,
            "lifetime": lifetime and [getattr(lifetime, name) for name in lifetime.__slots__],
            "began_at": self.began_at,
            "wall": self.wall and self.wall.as_list(),
        }

    @classmethod
    def from_stored(cls, items: object, basis: object = None) -> Self:
        """Read back as_list() and basis(); a damaged list becomes empty totals, a damaged basis a new one."""
        match items:
            case [
                int() | float() as home,
                int() | float() as away,
                int() | float() as unplaced,
                None | int() | float() as session,
                int() | float() as at,
                bool() as charging,
                None | bool() as place,
                None | int() | float() as odometer,
                None | int() | float() as unplugged_at,
                None | int() | float(),
            ] if isinstance(items, Sequence) and min(home, away, unplaced) >= 0:
                pass
            case _:
                return cls()
        energy = cls(home, away, unplaced, session, place, unplugged_at)
        if session is None:
            return energy
        mark, total = Mark(session, at, odometer=odometer, charging=charging), energy.total
        energy = replace(
            energy,
            estimate=total,
            session_from=total - session,
            last=mark,
            last_estimate=total,
            base=mark,
            base_estimate=total,
            highest=session,
        )
        return energy.with_basis(basis)

    def with_basis(self, basis: object) -> Self:
        """Return it with what was stored by basis(), if that is sound."""
        match basis:
            case {
                "estimate": int() | float() as estimate,
                "session_from": int() | float() as session_from,
                "last": last,
                "last_estimate": int() | float() as last_estimate,
                "base": base,
                "base_estimate": int() | float() as base_estimate,
                "highest": int() | float() as highest,
                "per_percent": None | int() | float() as per_percent,
                "doubtful_since": None | int() | float() as doubtful_since,
                "lifetime": lifetime,
                **more,
            }:
                began_at = more.get("began_at", 0.0)
            case _:
                return self
        last_mark, base_mark = Mark.from_list(last), Mark.from_list(base)
        if last_mark is None or base_mark is None or not isinstance(began_at, int | float):
            return self
        return replace(
            self,
            estimate=estimate,
            session_from=session_from,
            last=last_mark,
            last_estimate=last_estimate,
            base=base_mark,
            base_estimate=base_estimate,
            highest=highest,
            per_percent=per_percent,
            doubtful_since=doubtful_since,
            lifetime=_stored_lifetime(lifetime),
            began_at=began_at,
            wall=WallEnergy.from_list(more.get("wall")),
        )


NOTHING_CHARGED: Final = ChargeEnergy()
"""The totals before the first sample."""


def _stored_lifetime(items: object) -> Lifetime | None:
    match items:
        case [
            int() | float(),
            int() | float(),
            int() | float(),
            None | int() | float(),
            None | bool(),
            None | int() | float(),
            bool(),
        ] if isinstance(items, list):
            return Lifetime(*items)
    return None


def _with_cable(energy: ChargeEnergy, sample: EnergySample) -> ChargeEnergy:
    """Apply what the sample says about the cable and the place."""
    unplugged_at, place = energy.unplugged_at, energy.place
    if sample.plugged_in is False and unplugged_at is None:
        unplugged_at = sample.state_at
    if (
        sample.plugged_in
        and sample.at_home is not None
        and (unplugged_at is None or sample.is_current)
        # a car that is elsewhere now was unplugged, whatever was heard of its cable before
        and (place is None or sample.state_at >= sample.at_home_at)
    ):
        place = sample.at_home
    if (unplugged_at, place) == (energy.unplugged_at, energy.place):
        return energy
    return replace(energy, unplugged_at=unplugged_at, place=place)


def _with_wall(energy: ChargeEnergy, sample: EnergySample) -> ChargeEnergy:
    if sample.wall is None:
        return energy
    if energy.wall is None:
        return replace(energy, wall=WallEnergy(sample.wall, sample.wall, sample.wall_at))
    wall = energy.wall.with_counter(sample.wall, sample.wall_at, energy.began_at)
    return energy if wall == energy.wall else replace(energy, wall=wall)


# -- the counter of the session ----------------------------------------------------------------------


def _with_counter(energy: ChargeEnergy, sample: EnergySample, now: Mark) -> ChargeEnergy:
    last = energy.last
    if last is None:
        # when and where the energy before the first sample was charged is not known
        energy = replace(energy, session=now.added, session_from=-now.added)
        return _at_mark(_with_base(energy, now, 0.0), sample, now)
    if now == last:
        return energy
    if (told := told_capacity(now)) is not None:
        energy = replace(energy, per_percent=told)
    step = _Step(energy, sample, last, now)
    if now.at == last.at and now.added == last.added:
        if sample.heard_at < now.at + LEVEL_DELAY:
            if now.odometer != last.odometer and energy.before_gap is not None:
                return _with_late_odometer(energy, energy.before_gap, sample)
            # a car that connects tells everything, but not in one message; a higher level was charged since
            late = last.level_at < last.at - LEVEL_DELAY
            rose = (now.level or 0.0) > (last.level or 0.0) and not late
            kept = replace(last, odometer=now.odometer) if now.charging or rose else now
            return replace(energy, last=kept)
        if not now.charging and step.sinks_steadily:
            return replace(energy, last=now)
        # the counter of a charging car should have changed
        return _by_battery(energy, step) if sample.level_at - now.at > STALE else energy
    if now.added > MAX_KWH or step.reads_zero:
        # the counter may come back
        return _by_battery(energy, step)
    same, new = step.can_continue(), step.can_be_new()
    if new and (not same or step.began_anew):
        return _doubting(energy, now) if step.awaits_level(now.added) else _begun(energy, step)
    if same:
        awaits = (not last.charging or step.rise < 0) and step.awaits_level(abs(step.rise))
        return _doubting(energy, now) if awaits else _continued(energy, step)
    if step.is_other_session:
        return _begun(energy, step)
    since = energy.doubtful_since
    energy = _by_battery(_doubting(energy, now), step)
    if since is None or not now.at - since > MAX_DOUBT:
        return energy
    return _at_mark(_with_base(energy, now, energy.estimate), sample, now)


def _with_late_odometer(
    energy: ChargeEnergy, before: ChargeEnergy, sample: EnergySample
) -> ChargeEnergy:
    """Decide again about the first sample after a gap, if the car tells only now that it was driven meanwhile."""
    again = before.with_sample(sample)
    last = energy.last and replace(energy.last, odometer=sample.odometer)
    energy = replace(energy, last=last, before_gap=None)
    parts = ("home", "away", "unplaced", "estimate")
    return again if all(getattr(again, n) >= getattr(energy, n) for n in parts) else energy


def _doubting(energy: ChargeEnergy, now: Mark) -> ChargeEnergy:
    return energy if energy.doubtful_since is not None else replace(energy, doubtful_since=now.at)


@dataclass(frozen=True, slots=True)
class _Step:
    """From the last sample that could be explained to the present one."""

    energy: ChargeEnergy
    sample: EnergySample
    last: Mark
    now: Mark

    @property
    def rise(self) -> float:
        return self.now.added - self.last.added

    @property
    def hours(self) -> float | None:
        return hours_between(self.last, self.now)

    @property
    def miles(self) -> float:
        return miles_between(self.last, self.now)

    @property
    def gain(self) -> Range | None:
        return battery_gain(self.last, self.now, self.energy.per_percent)

    @property
    def moved(self) -> bool:
        return self.miles > MIN_MILES

    @property
    def place(self) -> bool | None:
        """Whether a session that began since is at home; None if that is not known."""
        told_at = self.sample.at_home_at
        if not self.sample.plugged_in or (self.moved and 0 < told_at <= self.last.at):
            return None
        return self.sample.at_home

    @property
    def _plugged_in_since(self) -> bool:
        """Whether the counter is of a car that is plugged in, and not of the time before."""
        return bool(self.sample.plugged_in) and self.sample.is_current

    @property
    def is_other_session(self) -> bool:
        """Whether the car has certainly been plugged in anew."""
        long_ago = self.hours is not None and self.hours > MIN_AWAY / 3600
        plugged_in_since = self._plugged_in_since and self.sample.state_at > self.last.at
        # before a car that connects has told everything, the cable may be that of before it moved
        plugged_in_since &= self.sample.state_at >= self.sample.odometer_at - ODOMETER_DELAY
        if self.moved and long_ago and not self.last.charging and plugged_in_since:
            return True
        # a counter that was reset is read at the same moment as the cable
        is_zero = self.now.added <= RESET_BELOW
        return is_zero and self.energy.unplugged_at is not None and bool(self.sample.plugged_in)

    @property
    def sinks_steadily(self) -> bool:
        """Whether the battery has sunk since it was heard a moment ago, as on a drive."""
        before, now = self.last, self.now
        if before.level is None or now.level is None or now.level >= before.level:
            return False
        return 0 < now.level_at - before.level_at <= MAX_WAIT

    @property
    def reads_zero(self) -> bool:
        """Whether the counter is 0 without a reason."""
        if self.now.added > RESET_BELOW or self.is_other_session:
            return False
        return self.last.added > RESET_BELOW or self.last.charging or self.now.charging

    @property
    def began_anew(self) -> bool:
        """Whether there are signs of a new session, in which all this can have been charged."""
        if self._drove_unheard:
            return True
        since = self.energy.unplugged_at
        if since is None or not (self._plugged_in_since or self._left_its_value):
            return False
        most = MAX_PARKED_KW * (self.now.at - since) / 3600
        return self.now.added <= most or (self._left_its_value and self.gain is not None)

    @property
    def _drove_unheard(self) -> bool:
        """Whether a car that tells no level has ended its session and moved since."""
        long_ago = self.hours is not None and self.hours > MIN_AWAY / 3600
        ended = long_ago and self.moved and not self.last.charging
        return self.gain is None and ended and abs(self.rise) > NOISE_KWH

    @property
    def _left_its_value(self) -> bool:
        """Whether the counter of an unplugged car is another one: until the next session it stays what it is."""
        if self.last.plugged_in is not False:
            return False
        long_ago = self.hours is not None and self.hours > MIN_AWAY / 3600
        return self.rise < -NOISE_KWH or (long_ago and self.rise > NOISE_KWH)

    def _can_reach(self, kwh: float) -> bool:
        """Whether the battery can have taken this energy in this time."""
        hours = self.hours
        if self.gain is None and hours is not None:
            return kwh <= MAX_KW * hours + NOISE_KWH
        return kwh <= self.most

    @property
    def most(self) -> float:
        """The most that the battery can have taken, with what the car used meanwhile."""
        if (gain := self.gain) is None:
            return MAX_KWH
        return gain.most + TOLERANCE_KWH + DRAIN_KW * (self.hours or 0.0) + MAX_USE * self.miles

    def can_continue(self) -> bool:
        """Whether the counter can be that of the same session."""
        if self.is_other_session or not self._can_reach(max(0.0, self.rise)):
            return False
        gain = self.gain
        if gain is None:
            power = MAX_SINK_KW if self.last.charging or self.now.charging else DRAIN_KW
            return self.rise >= -max(NOISE_KWH, power * (self.hours or 0.0))
        if self.rise < gain.least - TOLERANCE_KWH:
            return False
        # what did not remain in the battery must be enough for the way
        return self.rise - gain.least + TOLERANCE_KWH >= self._least_use

    @property
    def _least_use(self) -> float:
        """The least energy that the way took if the counter is that of the same session."""
        if abs(self.rise) <= NOISE_KWH:
            return MIN_USE / 2 * self.miles if self.miles > LONG_DRIVE else 0.0
        return 0.0 if self.miles < MIN_DRIVE else MIN_USE * self.miles

    def can_be_new(self) -> bool:
        """Whether the counter can have started anew since."""
        return self._can_reach(self.now.added)

    def awaits_level(self, kwh: float) -> bool:
        """Whether to wait for the level after a leap or a gap: a car that connects tells it a moment later."""
        after_gap = self.hours is not None and self.hours > MAX_WAIT / 3600
        if self.gain is not None or not (kwh > NOISE_KWH or after_gap):
            return False
        now = self.now
        if now.level is None or self.last.level is None or now.at == 0:
            return False
        since = self.energy.doubtful_since or now.at
        return now.level_at < now.at - LEVEL_DELAY and self.sample.heard_at < since + MAX_WAIT


def _begun(energy: ChargeEnergy, step: _Step) -> ChargeEnergy:
    """Count all of a session that began since the last sample."""
    gain, now = step.gain, step.now
    if gain is not None and step.last.charging and not step.moved:
        # the session before went on after the last sample
        rest = energy.last_estimate + gain.least - now.added - TOLERANCE_KWH
        if rest > energy.estimate:
            energy = _counted(replace(energy, place=None), rest)
            energy = replace(energy, last_estimate=rest)
    added = min(now.added, max(0.0, step.most))
    # battery or lifetime counter may have shown some of it before
    after = max(energy.estimate, energy.last_estimate + added)
    energy = replace(
        energy,
        session=0.0,
        session_from=after - added,
        began_at=now.at,
        place=step.place,
        unplugged_at=None,
    )
    energy = _counted(energy, after)
    lifetime = energy.lifetime
    by_lifetime = lifetime is not None and lifetime.estimate == after
    # a counter that reads 0 may come back with what the lifetime counter has shown before
    began_at = energy.last_estimate if by_lifetime and now.added <= RESET_BELOW else after
    return _at_mark(_with_base(energy, now, began_at), step.sample, now)


def _continued(energy: ChargeEnergy, step: _Step) -> ChargeEnergy:
    """Count the rise of a counter that goes on; what it lost since its highest value was used, and counts no less."""
    now, base = step.now, energy.base
    assert base is not None
    quiet = not step.last.charging and not now.charging
    noise = QUIET_NOISE_KWH if quiet else NOISE_KWH
    if now.added > energy.highest:
        energy = replace(energy, highest=now.added)
    elif energy.highest == base.added or now.added < energy.highest - noise:
        energy = _with_base(energy, now, energy.counted)
    energy = _learned(energy, now)
    energy = _counted(energy, max(energy.estimate, min(energy.counted, _most(energy, now))))
    return _at_mark(energy, step.sample, now)


def _most(energy: ChargeEnergy, now: Mark) -> float:
    """Return the most that the total can be by what the battery took since the counter began."""
    assert energy.base is not None
    gain = battery_gain(energy.base, now, energy.per_percent)
    hours = hours_between(energy.base, now)
    if gain is None or hours is None or miles_between(energy.base, now) > MIN_MILES:
        return float("inf")
    return energy.base_estimate + max(0.0, gain.most) + TOLERANCE_KWH + USUAL_DRAIN_KW * hours


def _learned(energy: ChargeEnergy, now: Mark) -> ChargeEnergy:
    """Learn the capacity of a battery whose energy the car does not tell."""
    base = energy.base
    if base is None or now.remaining is not None or not now.charging:
        return energy
    charged = charged_capacity(base, now)
    return energy if charged is None else replace(energy, per_percent=charged)


def _by_battery(energy: ChargeEnergy, step: _Step) -> ChargeEnergy:
    """Count what the battery of a charging car certainly took, while its counter says nothing."""
    gain = step.gain
    charging = step.sample.charging or step.last.charging
    if gain is None or not charging:
        return energy
    # a way downhill, or a drive that warms the battery, is no charging
    margin = DRIVE_KWH if step.moved else TOLERANCE_KWH
    least = energy.last_estimate + gain.least - margin
    return _counted(energy, least) if least > energy.estimate else energy


def _with_base(energy: ChargeEnergy, now: Mark, estimate: float) -> ChargeEnergy:
    return replace(energy, base=now, base_estimate=estimate, highest=now.added)


def _at_mark(energy: ChargeEnergy, sample: EnergySample, now: Mark) -> ChargeEnergy:
    """Make this sample the one that the next sample is compared with."""
    settled = sample.plugged_in and sample.is_current
    return replace(
        energy,
        last=now,
        last_estimate=energy.estimate,
        doubtful_since=None,
        # a counter that goes on after the car is plugged in again was not reset
        unplugged_at=None if settled else energy.unplugged_at,
    )


def _counted(energy: ChargeEnergy, estimate: float) -> ChargeEnergy:
    """Return the energy with another estimate; the totals follow where it is higher than they are."""
    more = max(0.0, estimate - energy.total)
    energy = replace(
        energy,
        estimate=estimate,
        session=max(energy.session or 0.0, estimate - energy.session_from),
    )
    if energy.place is None:
        return replace(energy, unplaced=energy.unplaced + more)
    if energy.place:
        return replace(energy, home=energy.home + more)
    return replace(energy, away=energy.away + more)


# -- the lifetime counter ----------------------------------------------------------------------------


def _with_lifetime(energy: ChargeEnergy, sample: EnergySample, value: float) -> ChargeEnergy:
    """Let the counter of all energy correct the estimate, in either direction."""
    before, last = energy.lifetime, energy.last
    if last is None or sample.lifetime_at == 0:
        return energy
    now = Lifetime(
        value,
        energy.estimate,
        sample.lifetime_at,
        sample.odometer,
        sample.plugged_in,
        sample.added,
        before is not None and before.includes_driving,
    )
    apart = abs(sample.lifetime_at - last.at)
    if before is None or not _goes_on(before, now):
        # it begins where the total is known of the same moment
        return replace(energy, lifetime=now) if apart <= LEVEL_DELAY else energy
    gap = now.at - before.at > CLOSE_LOOKS
    odometer_is_late = gap and 0 < sample.odometer_at < now.at - LEVEL_DELAY
    may_change = sample.heard_at < sample.lifetime_at + LEVEL_DELAY
    if may_change and (apart > LEVEL_DELAY or odometer_is_late):
        # what was charged is placed by the session's counter and the odometer, which may come a moment later
        return energy
    if now.at > before.at:
        if _is_of_driving(before, now):
            return replace(energy, lifetime=replace(now, includes_driving=True))
        if now.includes_driving and _moved(before, now):
            return replace(energy, lifetime=now)
        rise = max(0.0, value - before.value)
        right = before.estimate + rise
        energy = replace(
            energy, lifetime=replace(now, value=max(value, before.value), estimate=right)
        )
        if right > energy.estimate:
            place = None if _moved(before, now) else energy.place
            more = _counted(replace(energy, place=place), right)
            energy = replace(more, place=energy.place)
    return _aligned(energy, sample)


def _goes_on(before: Lifetime, now: Lifetime) -> bool:
    """Whether a value of the counter can follow another."""
    hours = max(0.0, now.at - before.at) / 3600
    return -NOISE_KWH <= now.value - before.value <= min(MAX_KW, MAX_KWH / 12) * hours + MAX_KWH


def _moved(before: Lifetime, now: Lifetime) -> bool:
    first, second = (Mark(0.0, value.at, odometer=value.odometer) for value in (before, now))
    return miles_between(first, second) > MIN_MILES


def _is_of_driving(before: Lifetime, now: Lifetime) -> bool:
    """Whether the counter rose on a drive, which is no charging. Tesla does not say whether it counts that."""
    return (
        now.value - before.value > NOISE_KWH
        and _moved(before, now)
        and before.plugged_in is False
        and now.plugged_in is False
        and now.added == before.added
        and now.at - before.at < CLOSE_LOOKS
    )


def _aligned(energy: ChargeEnergy, sample: EnergySample) -> ChargeEnergy:
    """Let the counter of the session go on from what the lifetime counter says, where both are of one moment."""
    lifetime, last = energy.lifetime, energy.last
    assert lifetime is not None
    assert last is not None
    if last.at != sample.at or last.added != sample.added or energy.doubtful_since is not None:
        return energy
    later = lifetime.at - last.at
    if later < -SAME_MOMENT:
        return energy
    charging = sample.charging or last.charging
    wrong = lifetime.estimate - energy.counted
    noise = NOISE_KWH if charging else QUIET_NOISE_KWH
    # what the counter of the session has not told yet, it will: it misses something only if both are of one message
    missing = wrong > noise and (later == 0 or (not charging and later <= SAME_MOMENT))
    missing = missing and last.added > RESET_BELOW
    if not missing and wrong >= -noise:
        return energy
    energy = replace(
        energy, base_estimate=energy.base_estimate + wrong, last_estimate=lifetime.estimate
    )
    return _counted(energy, lifetime.estimate)
