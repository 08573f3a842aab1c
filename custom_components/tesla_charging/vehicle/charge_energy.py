"""Total energy that a car has charged, from a counter that resets with each session. Pure arithmetic.

The totals never decrease. Where it is not certain that a new session began, the smaller possible energy is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

NOISE_KWH: Final = 0.5
"""A change of the counter up to this has no meaning, kWh."""
MAX_KWH: Final = 250.0
"""More than any car takes at once; a greater rise is no charging."""
MAX_PARKED_KW: Final = 25.0
"""Most power with which a car that did not move can charge: it uses the charger of before, which is no fast charger."""
MIN_AWAY: Final = 300.0
"""Least seconds to drive away and charge elsewhere; a late value of the old session arrives earlier."""
MIN_MILES: Final = 0.1
MAX_GLITCH: Final = 900.0
"""A counter that fell and is back at its value counts as a glitch within so many seconds; later, as a new charge."""
RESET_BELOW: Final = 0.01
"""kWh up to which a counter has certainly just been reset."""


@dataclass(frozen=True, slots=True)
class EnergySample:
    """What a car reports at one moment."""

    added: float
    """Its counter, kWh."""
    at: float
    """When it measured the counter, unix seconds; 0.0: not known."""
    plugged_in: bool | None = None
    state_at: float = 0.0
    """When it measured whether it is plugged in."""
    charging: bool = False
    odometer: float | None = None
    """Miles."""
    at_home: bool | None = None

    @property
    def is_current(self) -> bool:
        """Whether the counter was measured while the car was plugged in, or not, as it is now."""
        return self.at >= self.state_at


@dataclass(frozen=True, slots=True)
class ChargeEnergy:
    """Totals in kWh since the first sample, and what the next sample is compared with."""

    home: float = 0.0
    away: float = 0.0
    unplaced: float = 0.0
    """Charged at an unknown place."""
    session: float | None = None
    """Highest value of the counter in this session; None before the first sample."""
    at: float = 0.0
    charging: bool = False
    """Whether the car was charging at the last sample."""
    place: bool | None = None
    """Whether the session is at home."""
    odometer: float | None = None
    """Miles, when the counter changed last."""
    unplugged_at: float | None = None
    """Since when the car is unplugged; also if it was unplugged and plugged in again since the counter changed last."""
    dropped_from: float | None = None
    """Value of the counter before it fell, until it changes again."""

    @property
    def total(self) -> float:
        """Energy charged at all places, kWh."""
        return self.home + self.away + self.unplaced

    @property
    def shown(self) -> tuple[float | None, ...]:
        """The values that entities show."""
        return (self.session, self.home, self.away, self.unplaced)

    def with_sample(self, sample: EnergySample) -> ChargeEnergy:
        """Return the totals after a sample; samples come in the order of time."""
        sample = replace(sample, added=max(sample.added, 0.0))
        return replace(_with_counter(_with_cable(self, sample), sample), charging=sample.charging)

    def as_list(self) -> list[Any]:
        """Return JSON-compatible values for from_list() after a restart."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_list(cls, items: object) -> Self:
        """Read back as_list(); anything else becomes empty totals."""
        match items:
            case [
                int() | float() as home,
                int() | float() as away,
                int() | float() as unplaced,
                None | int() | float(),
                int() | float(),
                bool(),
                None | bool(),
                None | int() | float(),
                None | int() | float(),
                None | int() | float(),
            ] if isinstance(items, Sequence) and min(home, away, unplaced) >= 0:
                return cls(*items)
        return cls()


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
    ):
        place = sample.at_home
    return replace(energy, unplugged_at=unplugged_at, place=place)


def _with_counter(energy: ChargeEnergy, sample: EnergySample) -> ChargeEnergy:
    session = energy.session
    if session is None:
        # when and where the energy before the first sample was charged is not known
        return _rebased(energy, sample, sample.added)
    dropped_from = energy.dropped_from
    if dropped_from is not None and _has_recovered(energy, sample, session, dropped_from):
        energy = _with_added(energy, max(0.0, sample.added - dropped_from))
        return _rebased(energy, sample, max(sample.added, dropped_from))
    if _is_new(energy, sample, session):
        # a counter that falls while the cable stays in may soon be back
        falls = sample.added < session and energy.unplugged_at is None
        place = sample.at_home if sample.plugged_in else None
        fresh = replace(energy, place=place, unplugged_at=None)
        fresh = _with_added(fresh, sample.added)
        return replace(
            _rebased(fresh, sample, sample.added), dropped_from=session if falls else None
        )
    rise = max(0.0, sample.added - session)
    is_settled = bool(sample.plugged_in) and sample.is_current
    if not rise and not (is_settled and sample.at > energy.at):
        return energy
    if is_settled:
        # a counter that continues after the car is plugged in again was not reset
        energy = replace(energy, unplugged_at=None)
    return _rebased(_with_added(energy, rise), sample, session + rise)


def _has_recovered(
    energy: ChargeEnergy, sample: EnergySample, session: float, dropped_from: float
) -> bool:
    """Whether the counter fell for a moment only, and is back at its value."""
    return (
        abs(sample.added - dropped_from) <= NOISE_KWH
        and sample.added - session > NOISE_KWH
        and 0 <= sample.at - energy.at < MAX_GLITCH
    )


def _is_new(energy: ChargeEnergy, sample: EnergySample, session: float) -> bool:
    """Whether the counter belongs to another session than the last sample."""
    if sample.added <= RESET_BELOW < session:
        return True
    rise = sample.added - session
    if abs(rise) <= NOISE_KWH:
        return False
    return rise < 0 or _has_moved(energy, sample) or _was_plugged_in_again(energy, sample)


def _has_moved(energy: ChargeEnergy, sample: EnergySample) -> bool:
    """Whether the car ended its session and moved since: then it must have been unplugged."""
    if energy.charging or sample.odometer is None or energy.odometer is None:
        return False
    hours = _hours(energy.at, sample.at)
    long_ago = hours is not None and hours > MIN_AWAY / 3600
    return long_ago and sample.odometer - energy.odometer > MIN_MILES


def _was_plugged_in_again(energy: ChargeEnergy, sample: EnergySample) -> bool:
    """Whether the car was unplugged, is plugged in now, and can have charged this energy since."""
    if energy.unplugged_at is None or not sample.plugged_in or not sample.is_current:
        return False
    hours = _hours(energy.unplugged_at, sample.at)
    return hours is not None and sample.added <= MAX_PARKED_KW * hours


def _rebased(energy: ChargeEnergy, sample: EnergySample, highest: float) -> ChargeEnergy:
    """Make this sample the one that the next sample is compared with."""
    return replace(
        energy,
        session=highest,
        at=max(sample.at, energy.at),
        odometer=sample.odometer,
        dropped_from=None,
    )


def _with_added(energy: ChargeEnergy, added: float) -> ChargeEnergy:
    if added > MAX_KWH:
        return energy
    if energy.place is None:
        return replace(energy, unplaced=energy.unplaced + added)
    if energy.place:
        return replace(energy, home=energy.home + added)
    return replace(energy, away=energy.away + added)


def _hours(since: float, until: float) -> float | None:
    """Return the hours from one moment to another, None if they are not known."""
    return (until - since) / 3600 if 0 < since <= until else None
