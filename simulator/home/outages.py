"""When a service cannot be reached: by chance, decided by the seed, or because a person wants to see it."""

from datetime import date
from zoneinfo import ZoneInfo

from simulator.home.days import dice, local_date, start_of

HOUR = 3600.0


class Outages:
    """The outages of one service. `per_year` come by chance and last up to `longest` hours; none crosses midnight (UTC)."""

    def __init__(
        self, seed: int, name: str, *, per_year: float = 12.0, longest: float = 5.0
    ) -> None:
        """Begin with those of the seed."""
        self._seed = seed
        self._name = name
        self._odds = per_year / 365.25
        self._longest = longest
        self._made: list[tuple[float, float]] = []

    def never(self) -> None:
        """Have no outages by chance."""
        self._odds = 0.0

    def make(self, start: float, end: float) -> None:
        """Cannot be reached from one moment to another (unix seconds)."""
        self._made.append((start, end))

    def end(self, now: float) -> None:
        """End what a person has made."""
        self._made = [(start, min(end, now)) for start, end in self._made if start < now]

    def now(self, now: float) -> bool:
        """Return whether the service cannot be reached at a moment (unix seconds)."""
        if any(start <= now < end for start, end in self._made):
            return True
        start, end = self.by_chance(local_date(now, ZoneInfo("UTC")))
        return start <= now < end

    def by_chance(self, day: date) -> tuple[float, float]:
        """Return when (unix seconds) it cannot be reached on a day; an empty span for a good one."""
        rng = dice(self._seed, "outage", self._name, day)
        midnight = start_of(day, ZoneInfo("UTC"))
        if rng.random() >= self._odds:
            return midnight, midnight
        hours = rng.uniform(0.1, self._longest)
        start = midnight + rng.uniform(0, 24 - hours) * HOUR
        return start, start + hours * HOUR
