"""What Tesla would charge for every request."""

from collections import Counter
from dataclasses import dataclass
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


class Billing:
    """The bill, one line per Fleet API request, charged or not."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Start an empty bill."""
        self._clock = clock
        self.requests: list[BilledRequest] = []
        self.signals: Counter[str] = Counter()  # streamed, by VIN

    def record(
        self,
        category: Category,
        method: str,
        path: str,
        status: int,
        *,
        vin: str | None = None,
        known_application: bool = True,
    ) -> BilledRequest:
        """Write a line. Below 500 is charged, refusals included; 500 and above is free."""
        charged = status < 500 and known_application
        line = BilledRequest(
            category=category,
            method=method,
            path=path,
            status=status,
            vin=vin,
            price=PRICES[category] if charged else 0.0,
            at=self._clock.now(),
        )
        self.requests.append(line)
        return line

    def stream(self, vin: str, signals: int) -> None:
        """Charge for streamed signals, one for each value in each message."""
        self.signals[vin] += signals

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

    def reset(self) -> None:
        """Start a new bill."""
        self.requests.clear()
        self.signals.clear()
