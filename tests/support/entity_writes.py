"""What a burst of pushes writes: counted in a real Home Assistant, from a simulated car through real TLS."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, State, callback
from homeassistant.helpers import entity_registry as er

from custom_components.tesla_charging.coordinator import BURST, VehicleCoordinator
from simulator.telemetry import CarTelemetry

from .home import Home
from .waiting import until


@dataclass(frozen=True, slots=True)
class Written:
    """What one burst did."""

    name: str
    values: int
    """How many values the car sent."""
    changed: frozenset[str]
    """Entities that show something else than before."""
    writes: Counter[str]
    """By entity: how often it was written, also with what was there already."""
    tellings: int
    """How often the coordinator told its entities: once, unless this computer was busy with something else."""


def _queues_more(car: CarTelemetry, than: int) -> bool:
    return car.queued > than


def _shown(home: Home) -> dict[str, tuple[str, dict[str, object]]]:
    assert home.entry is not None
    entities = er.async_entries_for_config_entry(er.async_get(home.hass), home.entry.entry_id)
    states = [home.hass.states.get(entity.entity_id) for entity in entities]
    return {s.entity_id: (s.state, dict(s.attributes)) for s in states if isinstance(s, State)}


@contextmanager
def _counted(home: Home) -> Iterator[Counter[str]]:
    """Count every write of a state, whether or not it changes anything."""
    writes: Counter[str] = Counter()
    ours = set(_shown(home))

    @callback
    def is_ours(data: Mapping[str, Any]) -> bool:
        return data["entity_id"] in ours

    @callback
    def count(event: Event[Any]) -> None:
        writes[event.data["entity_id"]] += 1

    bus = home.hass.bus
    stop = [
        bus.async_listen(EVENT_STATE_CHANGED, count, event_filter=is_ours),
        bus.async_listen(EVENT_STATE_REPORTED, count, event_filter=is_ours),
    ]
    try:
        yield writes
    finally:
        for remove in stop:
            remove()


async def burst(home: Home, name: str, *happenings: Callable[[], object]) -> Written:
    """Let things happen at the car while it is held back, then have it tell all of them at once."""
    car = home.tesla.telemetry(home.car.vin)
    car.hold()
    for happening in happenings:
        queued = car.queued
        happening()
        home.tesla.clock.advance(120)  # no field's interval is longer
        await until(partial(_queues_more, car, queued))
    before, sent = _shown(home), car.counts.signals
    tellings: list[None] = []
    assert home.entry is not None
    coordinator: VehicleCoordinator = home.entry.runtime_data.cars[home.car.vin]
    stop = coordinator.async_add_listener(lambda: tellings.append(None))
    with _counted(home) as writes:
        car.hold(False)
        await until(lambda: not car.queued and not car.unacknowledged)
        car.hold()
        await asyncio.sleep(2 * BURST)
        await home.settle()
    stop()
    after = _shown(home)
    changed = frozenset(entity for entity in after if after[entity] != before.get(entity))
    return Written(name, car.counts.signals - sent, changed, writes, len(tellings))


async def bursts_of_a_day(home: Home) -> list[Written]:
    """Return what a day's happenings write, each of them told in one burst of many values."""
    car = home.car
    day: tuple[tuple[str, tuple[Callable[[], object], ...]], ...] = (
        ("two minutes of charging", (lambda: None,)),
        ("ten minutes of charging", (lambda: None,) * 5),
        ("unplugged", (car.unplug,)),
        ("plugged in", (car.plug_in,)),
        ("unplugged and gone", (car.unplug, lambda: car.drive_away(53.0, 5.0))),
        ("five minutes on the road", (lambda: None,) * 3),
        ("home and plugged in", (car.arrive_home, car.plug_in)),
        ("the power is gone", (lambda: car.set_power(False),)),
        ("and back", (lambda: car.set_power(True),)),
        ("unplugged and plugged in again", (car.unplug, car.plug_in)),
        ("a full battery", (lambda: car.set_battery_level(80.0),)),
    )
    return [await burst(home, name, *happenings) for name, happenings in day]
