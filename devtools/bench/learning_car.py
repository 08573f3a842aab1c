"""Charges of cars whose efficiency, power, capacity, taper and delay are known: readings as a car and its meters give them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
import json
import random

from custom_components.tesla_charging.smart_charging.learning.capacity import Capacity, LevelRise
from custom_components.tesla_charging.smart_charging.learning.delay import Delay
from custom_components.tesla_charging.smart_charging.learning.efficiency import Charge, Efficiency
from custom_components.tesla_charging.smart_charging.learning.power import Full, Power
from custom_components.tesla_charging.smart_charging.learning.taper import Taper

POLL_HOURS = 9.7 / 60
PLACES = ((1, 32), (3, 16), (3, 11), (1, 13), (1, 16))
"""Phases and amperes of chargers."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, as chances for each charge."""

    name: str
    missed: float = 0.0
    restarts: float = 0.0
    """In the middle of a charge: only the rest of it is seen."""
    counters: float = 0.0
    """A counter is wrong: it was reset, stood still, or still shows the charge before."""
    clock: float = 0.0
    """The clock was set during the charge, so that its duration is wrong."""


CALM = Faults("readings as they are")
WORLDS = (
    CALM,
    Faults("a fifth missed, a tenth cut by restarts", missed=0.2, restarts=0.1),
    Faults("a tenth with wrong counters", counters=0.1),
    Faults("a tenth with a clock that was set", clock=0.1),
    Faults("all of these", missed=0.2, restarts=0.1, counters=0.1, clock=0.1),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """A car at a place."""

    efficiency: float
    standing_kw: float
    phases: int
    amps: int
    volts: float
    capacity: float
    streams: bool
    """Every percent is seen; otherwise it is polled."""
    step_kwh: float
    """Of the counters."""
    taper_from: float
    """Percent."""
    delay_s: float

    @classmethod
    def drawn(cls, rng: random.Random) -> Truth:
        """Draw a car and a place."""
        phases, amps = rng.choice(PLACES)
        return cls(
            rng.uniform(0.88, 0.96),
            rng.uniform(0.1, 0.4),
            phases,
            amps,
            rng.uniform(220, 240),
            rng.uniform(50, 100),
            rng.random() < 0.5,
            rng.choice((0.01, 0.1)),
            rng.uniform(84, 96),
            rng.uniform(4, 20),
        )

    @property
    def watts(self) -> float:
        """The mean power at full current."""
        return self.volts * self.phases * self.amps

    def share(self, kw: float) -> float:
        """Return the share of a power that reaches the battery."""
        return self.efficiency * (1 - self.standing_kw / kw)

    def most_kw(self, level: float) -> float:
        """Return what the battery lets the car draw: 11 kW where the taper begins, 3 kW at 100 %."""
        if level <= self.taper_from:
            return 25.0
        return 11.0 - 8.0 * (level - self.taper_from) / (100 - self.taper_from)


@dataclass(frozen=True, slots=True)
class Learnt:
    """All that is learnt of a car at a place."""

    efficiency: Efficiency
    power: Power
    capacity: Capacity
    taper: Taper
    delay: Delay

    @classmethod
    def nothing(cls, truth: Truth) -> Learnt:
        """Return what is known at first: what the charger says of itself."""
        return cls(Efficiency(), Power(truth.amps, truth.phases), Capacity(), Taper(), Delay())

    def restarted(self, truth: Truth) -> Learnt:
        """Return what is left after it was stored and read again."""
        stored = json.loads(
            json.dumps(
                [
                    part.as_dict()
                    for part in (self.efficiency, self.power, self.capacity, self.taper, self.delay)
                ]
            )
        )
        return Learnt(
            Efficiency.from_dict(stored[0]),
            Power.from_dict(stored[1], amps=truth.amps, phases=truth.phases),
            Capacity.from_dict(stored[2]),
            Taper.from_dict(stored[3]),
            Delay.from_dict(stored[4]),
        )


def sessions(seed: int, truth: Truth, faults: Faults, *, sunny: float = 0.2) -> Iterator[Learnt]:
    """Yield what is known after every charge that was seen; `sunny` is the share of charges at low currents."""
    rng = random.Random(f"charges {seed} {faults.name}")
    learnt = Learnt.nothing(truth)
    while True:
        seen = _charge(rng, truth, faults, learnt, sun=rng.random() < sunny)
        if rng.random() >= faults.missed:
            learnt = seen.restarted(truth)
            yield learnt


def _charge(
    rng: random.Random, truth: Truth, faults: Faults, learnt: Learnt, *, sun: bool
) -> Learnt:
    """Play a charge; return what is known after it."""
    level = rng.uniform(15, 60)
    target = min(100.0, level + rng.uniform(12, 50))
    amps = rng.randint(5, truth.amps) if sun else truth.amps
    kw = rng.gauss(truth.volts, 0.01 * truth.volts) * truth.phases * amps / 1000
    # the battery's heating, and a car that does more than usual
    share = truth.share(kw) * (1 + rng.gauss(0, 0.008))
    drift = rng.gauss(0, 0.004)
    restart = rng.uniform(0.2, 0.7) if rng.random() < faults.restarts else 0.0
    hours_needed = (target - level) / 100 * truth.capacity / (kw * share)
    step = truth.capacity / 400 / kw if truth.streams else POLL_HOURS
    rise, begun, hours = LevelRise(), None, 0.0
    ac = dc = 0.0
    while hours < hours_needed:
        hours = min(hours_needed, hours + step * rng.uniform(0.9, 1.1))
        ac, dc = kw * hours, kw * hours * share
        if hours / hours_needed < restart:
            continue
        shown_ac, shown_dc = _shown(ac, truth.step_kwh), _shown(dc, truth.step_kwh)
        if begun is None:
            begun = (hours, shown_ac, shown_dc)
        real = level + dc / truth.capacity * 100 * (1 + drift) + rng.gauss(0, 0.1)
        rise = rise.with_reading(float(int(min(100.0, real))), shown_dc)
    assert begun is not None
    passed, drawn, gained = hours - begun[0], ac - begun[1], dc - begun[2]
    if rng.random() < faults.counters:
        wrong = rng.choice((0.0, 0.5, 1.7))
        drawn, gained = rng.choice(((drawn * wrong, gained), (drawn, gained * wrong)))
        scale = rng.choice((0.7, 1.4))
        rise = replace(rise, spread=rise.spread * scale**2, both=rise.both * scale)
    if rng.random() < faults.clock:
        passed += rng.choice((-1.0, -0.25, 0.25, 1.0, 5.0))
    learnt = replace(
        learnt,
        efficiency=learnt.efficiency.with_charge(
            Charge(_shown(drawn, truth.step_kwh), _shown(gained, truth.step_kwh), max(0.0, passed))
        ),
        capacity=learnt.capacity.with_charge(rise),
    )
    if not sun and passed > 0:
        full = Full(_shown(drawn, truth.step_kwh), passed, amps, truth.phases)
        learnt = replace(learnt, power=learnt.power.with_charge(full))
    return learnt


def _shown(kwh: float, step: float) -> float:
    return round(kwh / step) * step


def with_taper(rng: random.Random, truth: Truth, taper: Taper) -> Taper:
    """Return the taper after a charge to 100 %."""
    for level in range(50, 100):
        allowed = rng.gauss(truth.volts, 2) * truth.phases * truth.amps
        drawn = min(allowed, truth.most_kw(level + 0.5) * 1000 * (1 + rng.gauss(0, 0.03)))
        taper = taper.with_reading(float(level), drawn, allowed)
    return taper


def minutes_to_full(truth: Truth, taper: Taper | None) -> float:
    """Return how long the car takes from 80 to 100 %: as it is, or as its steps say."""
    unit = truth.volts * truth.phases
    steps = taper.steps(unit, truth.amps) if taper is not None else ()
    minutes = 0.0
    for tenth in range(200):
        level = 80 + (tenth + 0.5) / 10
        kw = min(truth.watts / 1000, truth.most_kw(level))
        if taper is not None:
            kw = unit * min([truth.amps, *(s.amps for s in steps if s.level <= level)]) / 1000
        minutes += truth.capacity / 1000 / (kw * truth.share(kw)) * 60
    return minutes
