"""What a car tells of its energy at one moment, and what can have happened between two such moments.

The counter of a session starts anew with each session, sinks with what the parked car uses, and sometimes reads 0 for
a while. Battery, cable, odometer and time tell which of it can be. Pure arithmetic.
"""

from dataclasses import dataclass, replace
from typing import Final

from .battery_gain import SAME_COUNTER, Mark, Range, battery_gain, hours_between, miles_between

NOISE_KWH: Final = 0.3
"""A counter of a charging car that sinks by no more has not sunk."""
MAX_KWH: Final = 250.0
"""More than any car takes in a session."""
MAX_KW: Final = 300.0
MAX_PARKED_KW: Final = 25.0
"""Most power with which a car that did not move can charge: it uses the charger of before, which is no fast charger."""
DRAIN_KW: Final = 0.35
"""Most power that a parked car uses for long."""
MAX_SINK_KW: Final = 4.0
"""Most power that a charging car takes from its battery, for its heater."""
TOLERANCE_KWH: Final = 0.2
SAME_SESSION_KWH: Final = 0.05
"""Two sessions do not end so close to each other by chance."""
MIN_MILES: Final = 0.1
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
LEVEL_DELAY: Final = 60.0
"""Seconds by which a level may be older than the counter that it confirms."""
MAX_WAIT: Final = 600.0
"""Seconds for which a counter after a leap or a gap waits for a level."""
ODOMETER_STEP: Final = 0.5
"""Miles that an odometer may have been behind since the car parked: it is pushed in such steps."""
ODOMETER_DELAY: Final = 360.0
"""Seconds by which a car may tell its odometer later than it has parked."""


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
class EnergyStep:
    """From the last sample that could be explained to the present one."""

    sample: EnergySample
    last: Mark
    now: Mark
    per_percent: float | None
    """Energy of one percent of the battery, kWh."""
    unplugged_at: float | None
    """Since when the car is unplugged, or was last; None if not since the last sample."""
    doubtful_since: float | None
    """Since when the counter cannot be explained."""
    most_charged: float = MAX_KWH
    """The most that was charged since the last sample by the lifetime counter, kWh."""

    @property
    def rise(self) -> float:
        """By how much the counter rose, kWh."""
        return self.now.added - self.last.added

    @property
    def hours(self) -> float | None:
        """The time between the two."""
        return hours_between(self.last, self.now)

    @property
    def miles(self) -> float:
        """The way between the two; a car that charged a moment ago has told an older way only now."""
        soon = self.hours is not None and self.hours <= MIN_AWAY / 3600
        if soon and self.last.charging and self.now.charging:
            return 0.0
        return miles_between(self.last, self.now)

    @property
    def gain(self) -> Range | None:
        """By how much the energy in the battery rose; None if that is not known."""
        return battery_gain(self.last, self.now, self.per_percent)

    @property
    def moved(self) -> bool:
        """Whether the car was driven."""
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
        if self.now.added > self.most_charged:
            return False
        long_ago = self.hours is not None and self.hours > MIN_AWAY / 3600
        plugged_in_since = self._plugged_in_since and self.sample.state_at > self.last.at
        # before a car that connects has told everything, the cable may be that of before it moved
        plugged_in_since &= self.sample.state_at >= self.sample.odometer_at - ODOMETER_DELAY
        drove = self.miles > ODOMETER_STEP and not self._stood_still
        if drove and long_ago and not self.last.charging and plugged_in_since:
            return True
        # a counter that was reset is read at the same moment as the cable
        is_zero = self.now.added <= RESET_BELOW
        return is_zero and self.unplugged_at is not None and bool(self.sample.plugged_in)

    @property
    def _stood_still(self) -> bool:
        """Whether the counter is the one of before, by far too exactly for another session."""
        return self.now.added > NOISE_KWH and abs(self.rise) <= SAME_SESSION_KWH

    @property
    def _goes_on(self) -> bool:
        """Whether the counter rises from minute to minute, whatever an older level says of it."""
        soon = self.hours is not None and self.hours <= MIN_AWAY / 3600
        return soon and self.rise >= 0 and self.unplugged_at is None and not self.moved

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
        since = self.unplugged_at
        if since is None or not (self._plugged_in_since or self._left_its_value):
            return False
        most = MAX_PARKED_KW * (self.now.at - since) / 3600
        return self.now.added <= most or (self._left_its_value and self.gain is not None)

    @property
    def _drove_unheard(self) -> bool:
        """Whether a car that tells no level has ended its session and moved since."""
        long_ago = self.hours is not None and self.hours > MIN_AWAY / 3600
        ended = long_ago and self.miles > ODOMETER_STEP and not self.last.charging
        return self.gain is None and ended and abs(self.rise) > NOISE_KWH

    @property
    def _left_its_value(self) -> bool:
        """Whether the counter of an unplugged car is another one: until the next session it stays what it is."""
        since = self.unplugged_at
        if self.last.plugged_in is not False or since is None:
            return False
        long_ago = self.hours is not None and self.hours > MIN_AWAY / 3600
        # before it was unplugged, the counter may have gone on unheard
        unheard = max(0.0, since - self.last.at) / 3600
        sunk = (MAX_SINK_KW if self.last.charging else DRAIN_KW) * unheard
        risen = MAX_PARKED_KW * unheard
        return self.rise < -NOISE_KWH - sunk or (long_ago and self.rise > NOISE_KWH + risen)

    def _can_reach(self, kwh: float) -> bool:
        """Whether the battery can have taken this energy in this time."""
        hours = self.hours
        if self.gain is None and hours is not None:
            return kwh <= min(MAX_KW * hours + NOISE_KWH, self.most_charged)
        return kwh <= self.most

    @property
    def most(self) -> float:
        """The most that the battery can have taken, with what the car used meanwhile."""
        if (gain := self.gain) is None:
            return self.most_charged
        miles = 0.0 if self._drove_on_since else self.miles
        used = DRAIN_KW * (self.hours or 0.0) + MAX_USE * miles
        return min(gain.most + TOLERANCE_KWH + used, self.most_charged)

    @property
    def _drove_on_since(self) -> bool:
        """Whether the car drove on after it measured the counter: that way cannot explain it."""
        sample = self.sample
        unplugged = sample.plugged_in is False or not sample.is_current
        return unplugged and sample.odometer_at > self.now.at + ODOMETER_DELAY

    def can_continue(self) -> bool:
        """Whether the counter can be that of the same session."""
        if self.is_other_session or not self._can_reach(max(0.0, self.rise)):
            return False
        gain = self.gain
        if gain is None:
            power = MAX_SINK_KW if self.last.charging or self.now.charging else DRAIN_KW
            return self.rise >= -max(NOISE_KWH, power * (self.hours or 0.0))
        if self.rise < gain.least - TOLERANCE_KWH and not self._goes_on:
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

    @property
    def is_leap(self) -> bool:
        """Whether the counter of a car that has stopped rose by more than any but a fast charger gives."""
        return not self.now.charging and self.rise > MAX_PARKED_KW * (self.hours or 0.0) + NOISE_KWH

    def awaits_level(self, kwh: float) -> bool:
        """Whether to wait for the level after a leap or a gap: a car that connects tells it a moment later."""
        after_gap = self.hours is not None and self.hours > MAX_WAIT / 3600
        if self.gain is not None or not (kwh > NOISE_KWH or after_gap):
            return False
        now = self.now
        if now.level is None or self.last.level is None or now.at == 0:
            return False
        since = self.doubtful_since
        if since is None or now.at - since > 2 * MAX_WAIT:
            since = now.at  # a doubt of before the gap
        return now.level_at < now.at - LEVEL_DELAY and self.sample.heard_at < since + MAX_WAIT
