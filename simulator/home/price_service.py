"""What is known of prices, and when: published at 13:00, late, corrected, with holes, or never; and outages of the service.

A table of odds decides each day by the seed; a person can decide one otherwise (`force`).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from simulator.home.days import dice, local_date, moment
from simulator.home.market import Market, Slot
from simulator.home.outages import Outages

type Kind = Literal["on_time", "late", "corrected", "gap", "missing"]

HOUR = 3600
PUBLISHED_HOUR = 13
#: Within how many seconds after the hour a usual day comes.
USUAL_DELAY_S = 180
LATEST_HOURS = 10.5
CORRECTED_AFTER_HOURS = (0.5, 6.0)
CORRECTED_SLOTS = (2, 12)
WRONG_BY = 0.08
"""Standard deviation of what is wrong with a price before it is corrected, per kWh."""
GAP_HOURS = (1, 4)
#: How often a day of each kind comes; the rest is on time.
ODDS: tuple[tuple[Kind, float], ...] = (
    ("late", 0.05),
    ("corrected", 0.03),
    ("gap", 0.01),
    ("missing", 0.01),
)


@dataclass(frozen=True, slots=True)
class Publication:
    """How the prices of a delivery day become known. Times are unix seconds.

    `at`: when, None for never; `corrected_at`: when the wrong slots (index -> error per kWh) are put right;
    `gap`: the slots that are missing for good.
    """

    kind: Kind
    at: int | None
    corrected_at: int | None = None
    wrong: tuple[tuple[int, float], ...] = ()
    gap: tuple[int, ...] = ()


class PriceService:
    """The service that a home asks for prices."""

    def __init__(self, seed: int, market: Market, outages: Outages) -> None:
        """Publish a market's prices."""
        self.market = market
        self.outages = outages
        self._seed = seed
        self._forced: dict[date, Kind] = {}

    def force(self, day: date, kind: Kind) -> None:
        """Have a delivery day be of a kind, whatever the seed says."""
        if kind != "on_time" and kind not in dict(ODDS):
            raise ValueError(f"unknown kind of publication {kind}")
        self._forced[day] = kind

    def publication(self, day: date) -> Publication:
        """Return how a delivery day becomes known."""
        rng = dice(self._seed, "publication", day)
        rank, kind = rng.random(), self._forced.get(day)
        for name, odds in ODDS if kind is None else ():
            if rank < odds:
                kind = name
                break
            rank -= odds
        return self._made(kind or "on_time", day, rng)

    def _made(self, kind: Kind, day: date, rng: Random) -> Publication:
        zone, eve = self.market.zone, day - timedelta(days=1)
        usual = moment(eve, PUBLISHED_HOUR * HOUR, zone) + rng.randrange(USUAL_DELAY_S)
        late = rng.uniform(0.5, LATEST_HOURS)
        number = len(self.market.slots(day))
        match kind:
            case "missing":
                return Publication(kind, None)
            case "late":
                return Publication(kind, usual + round(late * HOUR))
            case "corrected":
                size = min(number, rng.randint(*CORRECTED_SLOTS))
                first = rng.randrange(number - size + 1)
                wrong = tuple((first + i, round(rng.gauss(0, WRONG_BY), 5)) for i in range(size))
                after = round(rng.uniform(*CORRECTED_AFTER_HOURS) * HOUR)
                return Publication(kind, usual, usual + after, wrong)
            case "gap":
                an_hour = 1 if self.market.tariff.hourly else 4
                size = rng.randint(*GAP_HOURS) * an_hour
                first = rng.randrange(number - size + 1)
                return Publication(kind, usual, gap=tuple(range(first, first + size)))
            case _:
                return Publication(kind, usual)

    def day(self, day: date, now: float) -> list[Slot] | None:
        """Return the market's prices of a delivery day as they are known now (unix seconds), None for not published."""
        how = self.publication(day)
        if how.at is None or now < how.at:
            return None
        slots = self.market.slots(day)
        if how.corrected_at is not None and now < how.corrected_at:
            for index, error in how.wrong:
                slots[index] = replace(slots[index], price=round(slots[index].price + error, 5))
        return [slot for index, slot in enumerate(slots) if index not in how.gap]

    def known(self, now: float) -> list[Slot]:
        """Return everything that is published of today and tomorrow, in order of time."""
        today = local_date(now, self.market.zone)
        days = (self.day(today + timedelta(days=ahead), now) for ahead in range(2))
        return [slot for day in days for slot in day or ()]
