"""The simulator's own bill as a witness against the meter: whatever a test did, both come to the same."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace

from homeassistant.core import HomeAssistant

from custom_components.tesla_charging.billing.meter import Meter
from custom_components.tesla_charging.billing.meter_store import DATA_METERS
from custom_components.tesla_charging.fleet_api import Category
from simulator import TeslaSimulator
from simulator.cloud.fleet.billing import Item
from simulator.telemetry import CarTelemetry

LOOKS, PAUSE = 100, 0.03
BILLED = [category for category in Category if category is not Category.FREE]


@dataclass
class Witness:
    """Compares at the end of a test."""

    hass: HomeAssistant
    tesla: TeslaSimulator
    streams_elsewhere: bool = False
    """Whether a test itself plays the cars that stream: the simulator bills only its own."""
    vins_are_forgotten: bool = False
    """Whether a test removes an entry or a car and adds it again: of before, the meter has only the sums."""

    async def compare(self) -> None:
        """Wait for what is under way, then hold one against the other, unit by unit and to the cent."""
        await self._quiet()
        differences = self._differences()
        for _ in range(LOOKS):
            if not differences:
                break
            await asyncio.sleep(PAUSE)
            differences = self._differences()
        assert differences == {}, f"on the meter, and on Tesla's bill: {differences}"
        if not (self.streams_elsewhere or self.tesla.billing.lost):
            self._compare_money()

    async def _quiet(self) -> None:
        """Let the cars say nothing more, and what they said arrive."""
        cars = [*self.cars.values()]
        for car in cars:
            car.hold()
        for _ in range(LOOKS):
            if not any(car.unacknowledged for car in cars if car.connected):
                return
            await asyncio.sleep(PAUSE)

    @property
    def cars(self) -> dict[str, CarTelemetry]:
        """The cars that can stream, also those that have left the account."""
        return dict(self.tesla._cloud.telemetry.cars)

    def _meters(self) -> dict[str, Meter]:
        book = self.hass.data.get(DATA_METERS)
        return book.meters if book is not None else {}

    @property
    def _known(self) -> frozenset[str]:
        """The cars that the meter tells apart: those that have left are only in its sums."""
        if self.vins_are_forgotten:
            return frozenset()
        meters = self._meters().values()
        return frozenset(vin for meter in meters for vin in meter.ledger.vins)

    def _metered(self) -> Counter[Item]:
        found: Counter[Item] = Counter()
        for client_id, meter in self._meters().items():
            ledger = meter.ledger
            for month in ledger.months:
                for vin in (*ledger.vins, ""):
                    for category, count in ledger.units(month, vin).items():
                        found[Item(client_id, category.value, vin or None)] += count
        return found

    def _differences(self) -> dict[Item, tuple[int, int]]:
        billing = self.tesla.billing
        metered = _by_car(self._metered(), self._known)
        billed = _by_car(billing.charged + billing.lost, self._known)
        return {
            item: (metered[item], billed[item])
            for item in metered | billed
            if metered[item] != billed[item]
            and not (self.streams_elsewhere and item.category == "streaming")
            and not self._may_be_lost(item, metered, billed)
        }

    def _may_be_lost(self, item: Item, metered: Counter[Item], billed: Counter[Item]) -> bool:
        """Whether signals are missing that a car sent into a connection that was broken."""
        if item.category != "streaming":
            return False
        counts = [car.counts for vin, car in self.cars.items() if item.vin in {None, vin}]
        broken = any(c.connections > 1 or c.resent or c.acked < c.messages for c in counts)
        return broken and metered[item] < billed[item]

    def _compare_money(self) -> None:
        for client_id, meter in self._meters().items():
            if len(meter.ledger.months) == 1 and meter.currency in {"EUR", "USD"}:
                assert round(meter.cost * 100) == self.tesla.billing.invoice(client_id) * 100


def _by_car(bill: Counter[Item], vins: frozenset[str]) -> Counter[Item]:
    """Return a bill by these cars, and the rest by none."""
    found: Counter[Item] = Counter()
    for item, count in bill.items():
        found[item if item.vin in vins else replace(item, vin=None)] += count
    return found
