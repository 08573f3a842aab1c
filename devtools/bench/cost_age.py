"""How old what is shown is, while the truth changes: two ages of a level, and the delay of a state.

Pure: it is told what is true and what is shown, every few seconds, and keeps count.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
import math

#: A reading that is right to a twentieth of a percent is as good as new.
STILL_TRUE = 0.05
#: How far a shown number may be from the reading that it stands for: whole numbers leave decimals out.
_LOOKS_LIKE = 1.0
_REMEMBERED = 20


@dataclass(slots=True)
class Reading:
    """A level that the car told, by any road."""

    level: float
    true_at: float
    """When it was measured, or was found to be still true."""


@dataclass(slots=True)
class LevelAge:
    """The age of a shown battery level, in seconds, by what the car does.

    `measured`: how long ago the car measured what is shown, or how long ago that was still true to STILL_TRUE. `seen`: how
    long ago the car's own screen, which shows whole percent, last showed what is shown (0: it does so now).
    """

    measured: dict[str, list[float]] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=dict)
    _readings: deque[Reading] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _on_screen: dict[int, float] = field(default_factory=dict)

    def told(self, level: float, at: float) -> None:
        """The car told its level to whom it may concern."""
        self._readings.append(Reading(level, at))

    def look(self, truth: float, shown: float | None, now: float, doing: str | None) -> None:
        """Compare what is shown (None: nothing yet) with the truth; counts only while the car does something."""
        self._on_screen[_whole(truth)] = now
        for reading in self._readings:
            if abs(reading.level - truth) <= STILL_TRUE:
                reading.true_at = now
        if doing is None or shown is None:
            return
        behind = [r.true_at for r in self._readings if abs(r.level - shown) < _LOOKS_LIKE]
        if behind:
            self.measured.setdefault(doing, []).append(now - behind[-1])
        on_screen = self._on_screen.get(_whole(shown), 0.0)
        self.seen.setdefault(doing, []).append(now - on_screen)


@dataclass(slots=True)
class StateDelay:
    """How long it takes, in seconds, from each change of the truth until what is shown is what is true then.

    A change that another one overtakes before anything is shown goes on counting until then.
    """

    delays: list[float] = field(default_factory=list)
    _truth: str | None = None
    _unseen: list[float] = field(default_factory=list)

    def look(self, truth: str, shown: str | None, now: float) -> bool:
        """Compare what is shown with the truth; return whether that has just changed."""
        changed = self._truth is not None and truth != self._truth
        if changed:
            self._unseen.append(now)
        self._truth = truth
        if shown == truth:
            self.delays += [now - since for since in self._unseen]
            self._unseen.clear()
        return changed


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value that a share of all values do not exceed; None if there are none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _whole(level: float) -> int:
    return int(level + 1e-6)
