"""What Tesla would charge for every request."""

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from simulator.clock import SimulatedClock

type Category = Literal["data", "command", "wake", "streaming", "free"]

#: Price of one unit in the account's currency (developer.tesla.com, billing and limits, 2026-01).
PRICES: dict[Category, float] = {
    "data": 0.002,
    "command": 0.001,
    "wake": 0.02,
    "streaming": 1 / 150_000,
    "free": 0.0,
}
_PER_UNIT: dict[Category, Decimal] = {
    "data": Decimal(500),
    "command": Decimal(1000),
    "wake": Decimal(50),
    "streaming": Decimal(150_000),
}


@dataclass(frozen=True, slots=True)
class BilledRequest:
    """One request as the bill sees it. `price` is 0.0 where Tesla does not charge."""

    category: Category
    method: str
    path: str  # without scheme, host and region: /api/1/...
    status: int
    vin: str | None
    price: float
    at: float  # unix seconds
    application: str | None = None  # whose bill it is on, by client id
    lost: bool = False  # on its way here: Tesla never saw it


@dataclass(frozen=True, slots=True)
class Item:
    """What a unit on the bill is for."""

    application: str | None
    category: Category
    vin: str | None


class Billing:
    """The bill, one line per Fleet API request, charged or not."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Start an empty bill."""
        self._clock = clock
        self.requests: list[BilledRequest] = []
        self.signals: Counter[str] = Counter()  # streamed, by VIN
        #: units charged since the start of the world; `reset` leaves it as it is
        self.charged: Counter[Item] = Counter()
        #: units of requests that were lost on their way here, which only their sender knows of
        self.lost: Counter[Item] = Counter()

    def record(
        self,
        category: Category,
        method: str,
        path: str,
        status: int,
        *,
        vin: str | None = None,
        application: str | None = None,
        lost: bool = False,
    ) -> BilledRequest:
        """Write a line. Below 500 is charged, refusals included; 500 and above is free.

        A request is nobody's, and free, if its token is none of ours (`application` is None).
        """
        charged = status < 500 and application is not None and not lost
        line = BilledRequest(
            category=category,
            method=method,
            path=path,
            status=status,
            vin=vin,
            price=PRICES[category] if charged else 0.0,
            at=self._clock.now(),
            application=application,
            lost=lost,
        )
        self.requests.append(line)
        if category != "free" and (charged or lost):
            (self.charged if charged else self.lost)[Item(application, category, vin)] += 1
        return line

    def stream(self, application: str, vin: str, signals: int) -> None:
        """Charge for streamed signals, one for each value in each message."""
        self.signals[vin] += signals
        self.charged[Item(application, "streaming", vin)] += signals

    def count(self, category: Category | None = None, path_contains: str | None = None) -> int:
        """Count the requests of a category and/or whose path contains a text, charged or not.

        Streaming has no requests: what is counted there are signals.
        """
        if category == "streaming":
            return self.signals.total()
        return sum(
            (category is None or line.category == category)
            and (path_contains is None or path_contains in line.path)
            for line in self.requests
        )

    def cost(self) -> float:
        """Return what all requests and signals cost, unrounded."""
        streamed = self.signals.total() * PRICES["streaming"]
        return streamed + sum(line.price for line in self.requests)

    def invoice(self, application: str) -> Decimal:
        """Return the bill of an application since the start of the world, each category rounded to the cent."""
        total = Decimal(0)
        for category, per_unit in _PER_UNIT.items():
            units = sum(
                count
                for item, count in self.charged.items()
                if (item.application, item.category) == (application, category)
            )
            total += (units / per_unit).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return total

    def reset(self) -> None:
        """Start a new list of requests and signals."""
        self.requests.clear()
        self.signals.clear()
