"""The counter of all energy that a car ever charged, from firmware 2026.32 on. Pure arithmetic."""

from dataclasses import dataclass
from typing import Any, Final, Self

from .battery_gain import Mark, battery_gain, miles_between
from .energy_step import (
    DRAIN_KW,
    MAX_KW,
    MAX_KWH,
    MAX_USE,
    MIN_MILES,
    NOISE_KWH,
    TOLERANCE_KWH,
    EnergySample,
)

CLOSE_LOOKS: Final = 3 * 3600.0
"""Seconds in which no whole session can pass unseen between two values of the lifetime counter."""


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
    level: float | None = None
    """Of the battery, percent."""
    level_at: float = 0.0

    @classmethod
    def of_sample(
        cls, sample: EnergySample, value: float, estimate: float, includes_driving: bool
    ) -> Self:
        """Return what a sample tells of the counter; `estimate` is the total energy at that moment, kWh."""
        return cls(
            value,
            estimate,
            sample.lifetime_at,
            sample.odometer,
            sample.plugged_in,
            sample.added,
            includes_driving,
            sample.level,
            sample.level_at,
        )

    @property
    def mark(self) -> Mark:
        """What the battery is compared with later; it charged, if it charges then."""
        return Mark(0.0, self.at, self.level, self.level_at, odometer=self.odometer, charging=True)

    def as_list(self) -> list[Any]:
        """Return JSON-compatible values for from_list() after a restart."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_list(cls, items: object) -> Self | None:
        """Read back as_list(); None for anything else."""
        match items:
            case [
                int() | float(),
                int() | float(),
                int() | float(),
                None | int() | float(),
                None | bool(),
                None | int() | float(),
                bool(),
                None | int() | float(),
                int() | float(),
            ] if isinstance(items, list):
                return cls(*items)
        return None

    def can_follow(self, before: Lifetime, per_percent: float | None) -> bool:
        """Whether this value of the counter can follow another: it reads 0 for a while, too, or leaps after an update.

        `per_percent` is the energy of one percent of the battery, if that is known.
        """
        most = before.most_until(self.mark, per_percent)
        return -NOISE_KWH <= self.value - before.value <= most

    def most_until(self, now: Mark, per_percent: float | None) -> float:
        """Return the most that can have been charged until another moment, by time and battery, kWh."""
        hours = max(0.0, now.at - self.at) / 3600
        most = min(MAX_KW * hours, MAX_KWH / 12 * hours + MAX_KWH) + TOLERANCE_KWH
        if (gain := battery_gain(self.mark, now, per_percent)) is not None:
            used = DRAIN_KW * hours + MAX_USE * miles_between(self.mark, now)
            most = min(most, max(0.0, gain.most) + used + TOLERANCE_KWH)
        return most

    def has_moved_since(self, before: Lifetime) -> bool:
        """Whether the car was driven between two values."""
        return miles_between(before.mark, self.mark) > MIN_MILES

    def is_of_driving(self, before: Lifetime) -> bool:
        """Whether the counter rose on a drive, which is no charging. Tesla does not say whether it counts that."""
        return (
            self.value - before.value > NOISE_KWH
            and self.has_moved_since(before)
            and before.plugged_in is False
            and self.plugged_in is False
            and self.added == before.added
            and self.at - before.at < CLOSE_LOOKS
        )
