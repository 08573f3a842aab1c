"""The energy that a car ever charged, counted from a counter that forgets: pure arithmetic, no Home Assistant.

Tesla's counter (`charge_energy_added`, streamed as `DCChargingEnergyIn`: kWh into the battery, AC and DC alike) begins
anew when a cable is plugged in, adds up all charging until the next one is, stays as it was meanwhile, can step back a
little, and may not be looked at for hours. Whatever happens, the totals here never go back; where it is not certain
that a new session began, they count the lesser of what is possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

NOISE_KWH: Final = 0.5
"""kWh by which the counter may waver without that meaning anything."""
MAX_KWH: Final = 250.0
"""More than any car takes at once; a greater rise is no charging."""
MAX_PARKED_KW: Final = 25.0
"""What a car that did not move can charge with: it hangs at what it hung at before, which is no fast charger."""
MIN_AWAY: Final = 300.0
"""Seconds that it takes at least to drive away and charge elsewhere; a late value of the old session comes earlier."""
MIN_MILES: Final = 0.1
MAX_GLITCH: Final = 900.0
"""Seconds after which a counter that was gone and is back at once is believed to have been charged up again."""
RESET_BELOW: Final = 0.01
"""kWh below which a counter has certainly just begun anew."""


@dataclass(frozen=True, slots=True)
class EnergySample:
    """What a car says at one moment."""

    added: float
    """Its counter, kWh."""
    at: float
    """When it measured the counter, unix seconds; 0.0 if nobody knows."""
    plugged_in: bool | None = None
    state_at: float = 0.0
    """When it measured whether it is plugged in."""
    charging: bool = False
    odometer: float | None = None
    """Miles."""
    at_home: bool | None = None

    @property
    def is_current(self) -> bool:
        """Whether the counter was measured when the car was plugged in, or not, as it is now."""
        return self.at >= self.state_at


@dataclass(frozen=True, slots=True)
class ChargeEnergy:
    """Totals in kWh since the first look, and what the next look is compared with."""

    home: float = 0.0
    away: float = 0.0
    unplaced: float = 0.0
    """Charged nobody knows where."""
    session: float | None = None
    """The highest that the counter of this session has shown; None before the first look."""
    at: float = 0.0
    charging: bool = False
    """Whether it was charging when last looked at."""
    place: bool | None = None
    """Whether the session is one at home."""
    odometer: float | None = None
    """As it was when the counter last moved."""
    unplugged_at: float | None = None
    """Since when the car is known to be unplugged, or to have been since the counter last moved."""
    dropped_from: float | None = None
    """What the counter showed before it fell, until it moves again."""

    @property
    def total(self) -> float:
        """All that was charged, kWh."""
        return self.home + self.away + self.unplaced

    @property
    def shown(self) -> tuple[float | None, ...]:
        """What can be seen of it."""
        return (self.session, self.home, self.away, self.unplaced)

    def with_sample(self, sample: EnergySample) -> ChargeEnergy:
        """Return the totals after a look at the car; looks come in the order of time."""
        sample = replace(sample, added=max(sample.added, 0.0))
        return replace(_with_counter(_with_cable(self, sample), sample), charging=sample.charging)

    def as_list(self) -> list[Any]:
        """Return JSON-compatible values for from_list() after a restart."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_list(cls, items: object) -> Self:
        """Read back as_list(); anything else is a counter that begins."""
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
"""Of a car that nobody has looked at."""


def _with_cable(energy: ChargeEnergy, sample: EnergySample) -> ChargeEnergy:
    """Note what the look says about the cable and the place."""
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
        # of what was charged before, nobody knows when and where
        return _restarted(energy, sample, sample.added)
    if (gone := energy.dropped_from) is not None and _is_back(energy, sample, session, gone):
        return _restarted(
            _with_added(energy, max(0.0, sample.added - gone)), sample, max(sample.added, gone)
        )
    if _is_new(energy, sample, session):
        # a counter that falls while the cable stays in may be back in a moment
        falls = sample.added < session and energy.unplugged_at is None
        place = sample.at_home if sample.plugged_in else None
        fresh = replace(energy, place=place, unplugged_at=None)
        fresh = _with_added(fresh, sample.added)
        return replace(
            _restarted(fresh, sample, sample.added), dropped_from=session if falls else None
        )
    rise = max(0.0, sample.added - session)
    is_settled = bool(sample.plugged_in) and sample.is_current
    if not rise and not (is_settled and sample.at > energy.at):
        return energy
    if is_settled:
        # a counter that goes on after the cable was seen again was never gone
        energy = replace(energy, unplugged_at=None)
    return _restarted(_with_added(energy, rise), sample, session + rise)


def _is_back(
    energy: ChargeEnergy, sample: EnergySample, session: float, dropped_from: float
) -> bool:
    """Whether the counter was gone for a moment, and is as it was."""
    return (
        abs(sample.added - dropped_from) <= NOISE_KWH
        and sample.added - session > NOISE_KWH
        and 0 <= sample.at - energy.at < MAX_GLITCH
    )


def _is_new(energy: ChargeEnergy, sample: EnergySample, session: float) -> bool:
    """Whether the counter is that of another session than the last one."""
    if sample.added <= RESET_BELOW < session:
        return True
    rise = sample.added - session
    if abs(rise) <= NOISE_KWH:
        return False
    return rise < 0 or _has_moved(energy, sample) or _was_plugged_in_again(energy, sample)


def _has_moved(energy: ChargeEnergy, sample: EnergySample) -> bool:
    """Whether the car has ended its session and moved since, so that it must have been unplugged."""
    if energy.charging or sample.odometer is None or energy.odometer is None:
        return False
    hours = _hours(energy.at, sample.at)
    long_ago = hours is not None and hours > MIN_AWAY / 3600
    return long_ago and sample.odometer - energy.odometer > MIN_MILES


def _was_plugged_in_again(energy: ChargeEnergy, sample: EnergySample) -> bool:
    """Whether the car was seen without a cable, has one now, and can have charged so much since."""
    if energy.unplugged_at is None or not sample.plugged_in or not sample.is_current:
        return False
    hours = _hours(energy.unplugged_at, sample.at)
    return hours is not None and sample.added <= MAX_PARKED_KW * hours


def _restarted(energy: ChargeEnergy, sample: EnergySample, highest: float) -> ChargeEnergy:
    """Have the next look compared with this one."""
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
    """Return how much time there was to charge, None if nobody knows."""
    return (until - since) / 3600 if 0 < since <= until else None
