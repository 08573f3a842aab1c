"""One clock for a whole simulated world: wall time that can be turned, physics that can run faster."""

import time


class SimulatedClock:
    """Wall time that can be turned: `now()` is real time plus what `advance()` added.

    Tokens, rate limits and the cars' security clocks live on `now()`; batteries, journeys and
    falling asleep live on `physics()`, which runs `speed` times as fast.
    """

    def __init__(self, *, speed: float = 1.0) -> None:
        """Start at the present moment, with physics at zero."""
        _check_speed(speed)
        self._speed = speed
        self._wall_at_start = time.time()
        self._started = time.monotonic()
        self._advanced = 0.0
        self._physics = 0.0
        self._physics_at = self._started

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

    def now(self) -> float:
        """Unix time in seconds, unaffected by `speed`."""
        return self._wall_at_start + (time.monotonic() - self._started) + self._advanced

    def advance(self, seconds: float) -> None:
        """Let everything age by `seconds`; time never goes back."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._advanced += seconds
        self._physics += seconds

    def physics(self) -> float:
        """Seconds of simulated physics since the start."""
        return self._physics + (time.monotonic() - self._physics_at) * self._speed


def _check_speed(speed: float) -> None:
    if speed < 0:
        raise ValueError("speed must not be negative")
