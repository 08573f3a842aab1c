"""Whether a car can be reached: online, asleep or offline."""

from typing import Literal

from simulator.clock import SimulatedClock

type Reachability = Literal["online", "asleep", "offline"]


class Wakefulness:
    """Falls asleep when left alone, wakes up when told to, and takes its time over it.

    `sleep_after` counts physics seconds without activity (None: never by itself); `wake_seconds` are
    wall-clock seconds. `kept_by_asking`: being asked for data is activity too. So it was with all cars (home-assistant/core
    issue 30778: asked more often than every 11 minutes, they never slept); newer ones are reported to fall asleep
    all the same (teslamate issue 3639, hass-teslemetry issue 13).
    """

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        wake_seconds: float,
        sleep_after: float | None,
        kept_by_asking: bool = True,
    ) -> None:
        """Begin awake."""
        self._clock = clock
        self._wake_seconds = wake_seconds
        self._sleep_after = sleep_after
        self._kept_by_asking = kept_by_asking
        self._last_activity = clock.physics()
        self._asleep = False
        self._waking_since: float | None = None
        self.offline = False
        self.out_of_coverage = False

    def touch(self, at: float | None = None) -> None:
        """Something happened to the car that keeps it awake for a while."""
        moment = self._clock.physics() if at is None else at
        self._last_activity = max(self._last_activity, moment)

    def asked(self) -> None:
        """Somebody asked the car for data while it was awake."""
        if self._kept_by_asking:
            self.touch()

    def state(self, *, busy: bool) -> Reachability:
        """Return the present state; a busy car does not fall asleep by itself."""
        self._settle(busy=busy)
        if self.offline or self.out_of_coverage:
            return "offline"
        return "asleep" if self._asleep else "online"

    def wake(self, *, busy: bool) -> None:
        """Start waking up, or stay awake; a car without a connection hears nothing."""
        self._settle(busy=busy)
        if self.offline or self.out_of_coverage:
            return
        if not self._asleep:
            self.touch()
        elif self._waking_since is None:
            self._waking_since = self._clock.now()

    def wake_at_once(self) -> None:
        """Be awake: somebody stands at the car."""
        self._asleep = False
        self._waking_since = None
        self.touch()

    def wake_at(self, at: float) -> None:
        """Have been awake at a moment of physics: the car had something to do then."""
        self._asleep = False
        self._waking_since = None
        self.touch(at)

    def asleep_at(self, at: float, *, busy: bool) -> bool:
        """Return whether it slept at a moment of physics up to which everything else is computed."""
        if self._asleep or busy or self._sleep_after is None:
            return self._asleep
        return at - self._last_activity >= self._sleep_after

    def sleep(self) -> None:
        """Fall asleep now."""
        self._asleep = True
        self._waking_since = None

    def _settle(self, *, busy: bool) -> None:
        since = self._waking_since
        if self._asleep and since is not None:
            if self._clock.now() - since >= self._wake_seconds:
                self.wake_at_once()
            return
        idle = self._clock.physics() - self._last_activity
        if not self._asleep and not busy and self._sleep_after is not None:
            self._asleep = idle >= self._sleep_after
