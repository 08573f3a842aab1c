"""One clock for a whole simulated world: wall time that can be turned, physics that can run faster."""

from bisect import bisect_right
from dataclasses import dataclass
import time
from typing import Literal

type Follows = Literal["wall", "physics"]

#: How many changes of the pace are remembered; before them the two times are taken to run side by side.
MAX_CHANGES = 10_000


class SimulatedClock:
    """Wall time that can be turned: `now()` is real time plus what `advance()` added.

    Tokens, rate limits and the cars' security clocks live on `now()`; batteries, journeys and
    falling asleep live on `physics()`, which runs `speed` times as fast. Schedules are kept by a calendar: that of
    the wall, or one that runs with physics.
    """

    def __init__(self, *, speed: float = 1.0, start: float | None = None) -> None:
        """Start at a moment of unix time, the present one if none is given, with physics at zero."""
        _check_speed(speed)
        self._speed = speed
        self._wall_at_start = time.time() if start is None else start
        self._started = time.monotonic()
        self._advanced = 0.0
        self._physics = 0.0
        self._physics_at = self._started
        #: Moments at which the pace changed, as unix time and as physics.
        self._changes: list[tuple[float, float]] = [(self._wall_at_start, 0.0)]

    @property
    def speed(self) -> float:
        """How many seconds of physics pass in one second of wall time."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        _check_speed(speed)
        # What has passed stays as it was: only the future runs at the new speed.
        moment = time.monotonic()
        self._physics += (moment - self._physics_at) * self._speed
        self._physics_at = moment
        self._speed = speed
        self._note(moment)

    def now(self) -> float:
        """Unix time in seconds, unaffected by `speed`."""
        return self._wall_at_start + (time.monotonic() - self._started) + self._advanced

    def advance(self, seconds: float) -> None:
        """Let everything age by `seconds`; time never goes back."""
        if seconds < 0:
            raise ValueError("time does not go back")
        moment = time.monotonic()
        if self._speed != 1:
            self._note(moment)
        self._advanced += seconds
        self._physics += seconds
        if self._speed != 1:
            self._note(moment)

    def physics(self) -> float:
        """Seconds of simulated physics since the start."""
        return self._at(time.monotonic())[1]

    def moment(self) -> tuple[float, float]:
        """Return the present moment twice: unix time and seconds of physics."""
        return self.now(), self.physics()

    def physics_at(self, unix: float) -> float:
        """Return the seconds of physics at a moment of unix time that is not in the future.

        Both times run evenly between changes of the speed, and side by side while time is advanced.
        """
        index = bisect_right(self._changes, (unix, float("inf"))) - 1
        if index < 0:
            wall, physics = self._changes[0]
            return physics + unix - wall
        wall, physics = self._changes[index]
        if index + 1 == len(self._changes):
            return physics + (unix - wall) * self._speed
        next_wall, next_physics = self._changes[index + 1]
        if next_wall == wall:
            return next_physics
        return physics + (next_physics - physics) * (unix - wall) / (next_wall - wall)

    def calendar(self, follows: Follows) -> Calendar:
        """Return the calendar by which somebody lives: that of the wall, or one that runs as fast as physics."""
        wall, physics = self.moment()
        return Calendar(self, round(wall - physics) if follows == "physics" else None)

    def _at(self, moment: float) -> tuple[float, float]:
        wall = self._wall_at_start + (moment - self._started) + self._advanced
        return wall, self._physics + (moment - self._physics_at) * self._speed

    def _note(self, moment: float) -> None:
        self._changes.append(self._at(moment))
        if len(self._changes) > MAX_CHANGES:
            del self._changes[: MAX_CHANGES // 2]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Unix time as somebody lives by it. `epoch`: when physics were zero; None: it is the time of the wall."""

    clock: SimulatedClock
    epoch: float | None

    def moment(self) -> tuple[float, float]:
        """Return the present moment: unix time of this calendar, and seconds of physics."""
        wall, physics = self.clock.moment()
        return (wall if self.epoch is None else self.epoch + physics), physics

    def physics_at(self, unix: float) -> float:
        """Return the seconds of physics at a moment that is not in the future."""
        return self.clock.physics_at(unix) if self.epoch is None else unix - self.epoch


def _check_speed(speed: float) -> None:
    if speed < 0:
        raise ValueError("speed must not be negative")
