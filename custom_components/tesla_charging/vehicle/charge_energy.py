"""Total energy that a car has charged: counter of the session, battery, cable and lifetime counter decide together.

A change of the session's counter counts as far as the battery can have taken it; of several explanations the one with
the least energy counts. The totals never decrease.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from .battery_gain import (
    Mark,
    battery_gain,
    charged_capacity,
    hours_between,
    miles_between,
    told_capacity,
)
from .energy_step import (
    LEVEL_DELAY,
    MAX_KW,
    MAX_KWH,
    MAX_WAIT,
    MIN_AWAY,
    MIN_MILES,
    NOISE_KWH,
    ODOMETER_DELAY,
    RESET_BELOW,
    TOLERANCE_KWH,
    EnergySample,
    EnergyStep,
)
from .lifetime_energy import CLOSE_LOOKS, Lifetime
from .wall_energy import WallEnergy

QUIET_NOISE_KWH: Final = 0.1
"""The counter of a car that does not charge and sinks by no more has not sunk: it does not waver."""
USUAL_DRAIN_KW: Final = 0.05
DRIVE_KWH: Final = 1.0
MAX_DOUBT: Final = 900.0
"""Seconds after which a counter that cannot be explained is taken as a new beginning, of which nothing counts."""
STALE: Final = 180.0
"""Seconds after which the counter of a charging car is behind, and the battery counts."""
SAME_MOMENT: Final = 2.0
"""Seconds between two values that a car measured together."""


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
            "lifetime": lifetime and lifetime.as_list(),
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
            lifetime=Lifetime.from_list(lifetime),
            began_at=began_at,
            wall=WallEnergy.from_list(more.get("wall")),
        )


NOTHING_CHARGED: Final = ChargeEnergy()
"""The totals before the first sample."""


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
    if sample.wall is None or sample.wall > MAX_KWH:
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
    step = EnergyStep(
        sample,
        last,
        now,
        energy.per_percent,
        energy.unplugged_at,
        energy.doubtful_since,
        _most_charged(energy, sample, now),
    )
    if now.at == last.at and now.added == last.added:
        if sample.heard_at < now.at + LEVEL_DELAY:
            # a way that is told much later was driven after the counter was measured
            of_the_gap = sample.odometer_at <= now.at + ODOMETER_DELAY
            if now.odometer != last.odometer and of_the_gap and energy.before_gap is not None:
                return _with_late_odometer(energy, energy.before_gap, sample)
            # a car that connects tells everything, but not in one message; a higher level was charged since
            late = last.level_at < last.at - LEVEL_DELAY
            rose = (now.level or 0.0) > (last.level or 0.0) and not late
            later = now.level_at > now.at + SAME_MOMENT and (now.charging or rose)
            kept = replace(last, odometer=now.odometer) if later else now
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
        usual = last.charging and step.rise >= 0 and not step.is_leap
        awaits = not usual and step.awaits_level(abs(step.rise))
        return _doubting(energy, now) if awaits else _continued(energy, step)
    if step.is_other_session:
        return _begun(energy, step)
    since = energy.doubtful_since
    energy = _by_battery(_doubting(energy, now), step)
    if since is None or not now.at - since > MAX_DOUBT or sample.plugged_in is False:
        # without a cable nothing begins
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


def _begun(energy: ChargeEnergy, step: EnergyStep) -> ChargeEnergy:
    """Count all of a session that began since the last sample."""
    gain, now = step.gain, step.now
    if gain is not None and step.last.charging and not step.moved:
        # the session before went on after the last sample
        rest = energy.last_estimate + gain.least - now.added - TOLERANCE_KWH
        if rest > energy.estimate:
            energy = _counted(replace(energy, place=None), rest)
            energy = replace(energy, last_estimate=rest)
    added = min(now.added, max(0.0, step.most))
    pulled = energy.unplugged_at is not None and energy.unplugged_at > step.last.at
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
    # without a known capacity, the battery does not bound what comes back
    unbounded = energy.per_percent is None and not pulled
    if now.added <= RESET_BELOW and after > energy.last_estimate and (by_lifetime or unbounded):
        # a counter that reads 0 may come back with what lifetime counter or battery have shown before
        began = now if by_lifetime else replace(now, level=None)
        return _at_mark(_with_base(energy, began, energy.last_estimate), step.sample, now)
    return _at_mark(_with_base(energy, now, after), step.sample, now)


def _continued(energy: ChargeEnergy, step: EnergyStep) -> ChargeEnergy:
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
    energy = _with_charging_again(energy, step)
    return _at_mark(energy, step.sample, now)


def _with_charging_again(energy: ChargeEnergy, step: EnergyStep) -> ChargeEnergy:
    """Note that the car is plugged in again, though that was not heard, if counter and battery rose together since."""
    now, base, sample = step.now, energy.base, step.sample
    if energy.unplugged_at is None or base is None:
        return energy
    unplugged_at = max(energy.unplugged_at, 0.0 if sample.plugged_in else sample.state_at)
    # a late value of the session before arrives earlier
    late = unplugged_at + MIN_AWAY
    if base.at < unplugged_at or min(now.at, now.level_at) <= late:
        return energy
    gain = battery_gain(base, now, energy.per_percent)
    if gain is None or gain.least <= 0 or miles_between(base, now) > MIN_MILES:
        return energy
    if energy.highest - base.added <= NOISE_KWH:
        return energy
    return replace(energy, unplugged_at=None, began_at=max(energy.began_at, late))


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


def _by_battery(energy: ChargeEnergy, step: EnergyStep) -> ChargeEnergy:
    """Count what the battery of a charging car certainly took, while its counter says nothing."""
    gain = step.gain
    # the end of a charge, of which the battery has shown a part already
    ended = bool(step.sample.plugged_in) and energy.estimate > energy.last_estimate
    charging = step.sample.charging or step.last.charging or ended
    if gain is None or not charging:
        return energy
    # a way downhill, or a drive that warms the battery, is no charging
    margin = DRIVE_KWH if step.moved else TOLERANCE_KWH
    least = energy.last_estimate + gain.least - margin
    if (lifetime := energy.lifetime) is not None and not step.moved:
        # since its last value less is uncertain
        now = replace(step.now, at=max(step.now.at, step.now.level_at))
        since = battery_gain(lifetime.mark, now, energy.per_percent)
        if since is not None:
            least = max(least, lifetime.estimate + since.least - margin)
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


def _most_charged(energy: ChargeEnergy, sample: EnergySample, now: Mark) -> float:
    """Return the most that was charged since the last sample whose counter could be explained, kWh."""
    before, last = energy.lifetime, energy.last
    if before is None or last is None or sample.lifetime is None:
        return MAX_KWH
    if sample.lifetime_at <= last.at:
        return MAX_KWH  # it says nothing of the time since
    after = Lifetime.of_sample(sample, sample.lifetime, energy.estimate, before.includes_driving)
    if before.includes_driving or not after.can_follow(before, energy.per_percent):
        return MAX_KWH
    # since its last value a fast charger may have given more
    since = MAX_KW * max(0.0, now.at - after.at) / 3600
    most = max(0.0, after.value - before.value) + since
    if before.at > last.at:
        most = min(most, before.most_until(now, energy.per_percent))
    return max(0.0, before.estimate + most - energy.last_estimate) + NOISE_KWH


def _with_lifetime(energy: ChargeEnergy, sample: EnergySample, value: float) -> ChargeEnergy:
    """Let the counter of all energy correct the estimate, in either direction."""
    before, last = energy.lifetime, energy.last
    if last is None or sample.lifetime_at == 0:
        return energy
    driving = before is not None and before.includes_driving
    now = Lifetime.of_sample(sample, value, energy.estimate, driving)
    apart = abs(sample.lifetime_at - last.at)
    if before is None or not now.can_follow(before, energy.per_percent):
        # it begins where the total is known of the same moment
        return replace(energy, lifetime=now) if apart <= LEVEL_DELAY else energy
    gap = now.at - before.at > CLOSE_LOOKS
    odometer_is_late = gap and 0 < sample.odometer_at < now.at - LEVEL_DELAY
    may_change = sample.heard_at < sample.lifetime_at + LEVEL_DELAY
    if may_change and (apart > LEVEL_DELAY or odometer_is_late):
        # what was charged is placed by the session's counter and the odometer, which may come a moment later
        return energy
    if now.at > before.at:
        if now.is_of_driving(before):
            return replace(energy, lifetime=replace(now, includes_driving=True))
        if now.includes_driving and now.has_moved_since(before):
            return replace(energy, lifetime=now)
        rise = max(0.0, value - before.value)
        right = before.estimate + rise
        energy = replace(
            energy, lifetime=replace(now, value=max(value, before.value), estimate=right)
        )
        if right > energy.estimate:
            place = None if now.has_moved_since(before) else energy.place
            more = _counted(replace(energy, place=place), right)
            energy = replace(more, place=energy.place)
    return _aligned(energy, sample)


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
