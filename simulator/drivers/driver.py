"""A driver at work: does at a simulated car, when its time comes, what the day has in store."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
import math
from zoneinfo import ZoneInfo

from simulator.car import Car
from simulator.drivers.days import moments_of
from simulator.drivers.moments import DAY, HOME, IN_APP, Moment
from simulator.drivers.people import Person
from simulator.home.days import local_date, start_of

#: Real seconds after which a waiting driver looks at the clock again: its speed may have changed.
LOOKS_EVERY_S = 60.0

#: Seconds by which a clock may miss a moment through rounding.
ALMOST_S = 1e-3
#: Seconds that a clock of unix time cannot be trusted to move by.
_A_HAIR_S = 1e-6


class Driver:
    """A person with a car. `done` is what really happened: a moment that makes no sense then is left out.

    Nobody plugs in a car that is not at home, or drives home from there.
    """

    def __init__(
        self,
        person: Person,
        car: Car,
        *,
        seed: int,
        zone: ZoneInfo,
        start: float,
        phases: int = 3,
    ) -> None:
        """Begin at a moment (unix seconds); `phases` is what the wall connector has."""
        self.person = person
        self.car = car
        self.seed = seed
        self.zone = zone
        self.phases = phases
        self.done: list[Moment] = []
        self._after = start
        self._today = local_date(start, zone)
        self._waiting: list[Moment] = []
        self._drawn = self._today - timedelta(days=3)
        self._draw()

    @property
    def next_at(self) -> float:
        """When (unix seconds) the next thing happens."""
        return self._waiting[0].at

    def act(self, now: float) -> None:
        """Do everything that is due by now (unix seconds)."""
        while self._waiting[0].at <= now:
            moment = self._waiting.pop(0)
            self._after = moment.at
            if self._do(moment):
                self.done.append(moment)
            self._draw()

    def _draw(self) -> None:
        """Have the moments of the next days at hand: what begins on one day may end on the next."""
        for _ in range(400):
            if len(self._waiting) > 1 and self._waiting[0].at < self._settled_until:
                return
            self._drawn += timedelta(days=1)
            day = moments_of(self.person, self.seed, self._drawn, self.zone, self.phases)
            # those of the days before the first are there for what they leave open
            later = [moment for moment in day if moment.at > self._after]
            self._waiting = sorted(self._waiting + later)
        raise RuntimeError(f"{self.person.name} does nothing for a year")

    @property
    def _settled_until(self) -> float:
        """Before which moment (unix seconds) nothing of a day that is not drawn yet can be."""
        return start_of(self._drawn + timedelta(days=1), self.zone)

    def _do(self, moment: Moment) -> bool:
        car, told, state = self.car, dict(moment.arguments), self.car.snapshot()
        if moment.deed in IN_APP:
            return car.in_app(moment.deed, **told).result
        match moment.deed:
            case "drive_away":
                if state.at_home and (told["latitude"], told["longitude"]) == HOME:
                    return False
            case "plug_in":
                if not state.at_home or state.plugged_in:
                    return False
            case "plug_in_fast":
                low = told.pop("below")
                if state.driving or state.at_home or state.battery_level >= low:
                    return False
            case "unplug":
                told.pop("fast")
                if state.at_home or not state.plugged_in:
                    return False
        getattr(car, moment.deed)(**told)
        return True


async def live(
    drivers: Sequence[Driver], now: Callable[[], float], pace: Callable[[], float]
) -> None:
    """Let drivers act as time passes, for ever. `now` is the calendar (unix), `pace` its seconds in a real one."""
    while True:
        for driver in drivers:
            driver.act(now() + ALMOST_S)
        ahead = min((driver.next_at for driver in drivers), default=math.inf) - now()
        speed = pace()
        wait = ahead / speed if speed > 0 else LOOKS_EVERY_S
        await asyncio.sleep(max(0.0, min(LOOKS_EVERY_S, wait)))


def pass_time(
    drivers: Sequence[Driver],
    now: Callable[[], float],
    advance: Callable[[float], object],
    seconds: float,
    *,
    step: float = DAY,
) -> None:
    """Let time pass on a clock that is turned by hand, in steps of so many seconds, and at every moment of a driver."""
    end = now() + seconds
    while end - (at := now()) > _A_HAIR_S:
        due = min((driver.next_at for driver in drivers), default=end)
        advance(max(0.0, min(step, end - at, due - at)))
        for driver in drivers:
            driver.act(now() + ALMOST_S)
