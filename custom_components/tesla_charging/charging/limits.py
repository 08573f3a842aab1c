"""Optional entities of a home: the carbon of the grid's power, and the limit that the grid operator sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
import math
import re
from typing import Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfElectricCurrent, UnitOfPower
from homeassistant.core import State
from homeassistant.util.unit_conversion import ElectricCurrentConverter, PowerConverter

from ..smart_charging.model import AmpsWindow
from ..smart_charging.normalise import RawPrice, Refused, normalise
from ..smart_charging.series import Co2Series, Co2Slot
from ..smart_charging.units import PriceUnit
from .attribute_reader import MAX_ROWS
from .attribute_shapes import ENDS, STARTS

CO2_UNIT: Final = re.compile(r"(k?g) ?(?:co2|co₂)?(?: ?-? ?eq\.?)?/([km])wh", re.IGNORECASE)
"""gCO2eq/kWh, g/kWh, kg/MWh."""
MASS: Final = {"g": 0.001, "kg": 1.0}
ENERGY: Final = {"k": 1.0, "m": 1000.0}
MOST_KG: Final = 5.0
"""In a kWh; brown coal has about one."""
CO2_LISTS: Final = ("forecast", "forecasts", "data", "prices")
CO2_VALUES: Final = ("intensity", "carbon_intensity", "carbonIntensity", "value", "co2")
CO2_OF_DAY: Final = "emissions"
"""Energi Data Service: an object from the times of today to values."""
NO_LIMIT_W: Final = 1e6
"""A limit above it is none: meters write a very large number where there is no limit."""


@dataclass(frozen=True, slots=True)
class Co2Reading:
    """The carbon of the grid's power, as far as an entity tells it."""

    series: Co2Series | None
    """From the first moment to the last, without gaps: where the entity expects nothing, it is as now. None without any."""
    reason: str = ""
    """Why there is none, or no forecast."""


@dataclass(frozen=True, slots=True)
class GridLimit:
    """What the grid operator allows a car now."""

    ceilings: tuple[AmpsWindow, ...] = ()
    """Until it changes: nobody knows when it ends."""
    reason: str = ""
    """Why there is none although there is an entity."""


def read_co2(state: State | None, start: datetime, end: datetime, zone: tzinfo) -> Co2Reading:
    """Return the carbon of a kWh from one moment to another, in UTC; whole seconds."""
    try:
        now, factor = _co2_now(state)
    except ValueError as error:
        return Co2Reading(None, str(error))
    assert state is not None
    reason = ""
    expected: list[Co2Slot] = []
    try:
        expected = list(_co2_expected(state, factor, zone))
    except Refused as error:
        reason = str(error)
    return Co2Reading(Co2Series(tuple(_filled(expected, now, start, end))), reason)


def _co2_now(state: State | None) -> tuple[float, float]:
    """Return the carbon now, kg per kWh, and by what values have to be multiplied; ValueError says why not."""
    number = _number(state)
    assert state is not None
    unit = str(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) or "")
    match = CO2_UNIT.fullmatch(unit.strip())
    if match is None:
        raise ValueError(f"{state.entity_id}: {unit!r} is no carbon of energy, such as g/kWh")
    factor = MASS[match[1].lower()] / ENERGY[match[2].lower()]
    if not 0 <= number * factor <= MOST_KG:
        raise ValueError(f"{state.entity_id}: {number:g} {unit} cannot be")
    return number * factor, factor


def _number(state: State | None) -> float:
    if state is None:
        raise ValueError("The entity does not exist")
    try:
        number = float(state.state)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{state.entity_id} has no number but {state.state[:40]!r}")
    return number


def _co2_expected(state: State, factor: float, zone: tzinfo) -> Iterator[Co2Slot]:
    """Yield what the entity expects; raise Refused for what makes no sense."""
    rows = _co2_rows(state, zone)
    if not rows:
        return
    # the same rules as for prices: times, zones, ends, units, bounds
    for slot in normalise(rows, unit=PriceUnit(factor, ""), zone=zone, source=""):
        if not 0 <= slot.import_price <= MOST_KG:
            raise Refused(f"{slot.import_price:g} kg of carbon dioxide per kWh cannot be")
        yield Co2Slot(slot.start, slot.end, slot.import_price)


def _co2_rows(state: State, zone: tzinfo) -> list[RawPrice]:
    of_day = state.attributes.get(CO2_OF_DAY)
    if isinstance(of_day, Mapping) and len(of_day) <= MAX_ROWS:
        day = state.last_reported.astimezone(zone).date()
        return [
            RawPrice(datetime.combine(day, time.fromisoformat(at)), value)
            for at, value in of_day.items()
            if isinstance(at, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at)
        ]
    for name in CO2_LISTS:
        found = state.attributes.get(name)
        if isinstance(found, list) and found and len(found) <= MAX_ROWS:
            return _listed(found)
    return []


def _listed(found: Sequence[object]) -> list[RawPrice]:
    rows = [row for row in found if isinstance(row, Mapping)]
    if len(rows) < len(found):
        return []
    start = next((key for key in STARTS if key in rows[0]), None)
    value = next((key for key in CO2_VALUES if key in rows[0]), None)
    end = next((key for key in ENDS if key in rows[0]), "")
    if start is None or value is None:
        return []
    return [
        RawPrice(
            row.get(start),
            inner.get("forecast") if isinstance(inner := row.get(value), Mapping) else inner,
            row.get(end),
        )
        for row in rows
        if row.get(start) is not None
    ]


def _filled(
    slots: Sequence[Co2Slot], now: float, start: datetime, end: datetime
) -> Iterator[Co2Slot]:
    """Yield the slots from `start` to `end`, and the present value where there is none."""
    at = start
    for slot in slots:
        if slot.end <= at or slot.start >= end:
            continue
        if slot.start > at:
            yield Co2Slot(at, slot.start, now)
        yield Co2Slot(max(at, slot.start), min(end, slot.end), slot.kg_per_kwh)
        at = min(end, slot.end)
    if at < end:
        yield Co2Slot(at, end, now)


def read_grid_limit(
    state: State | None, start: datetime, end: datetime, *, volts: float, phases: int
) -> GridLimit:
    """Return the limit as amps per phase of a car that charges at some voltage and phases; in W, kW or A."""
    try:
        number = _number(state)
    except ValueError as error:
        return GridLimit(reason=str(error))
    assert state is not None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if unit in PowerConverter.VALID_UNITS:
        watts = PowerConverter.convert(number, unit, UnitOfPower.WATT)
        amps = watts / (volts * phases)
    elif unit in ElectricCurrentConverter.VALID_UNITS:
        amps = ElectricCurrentConverter.convert(number, unit, UnitOfElectricCurrent.AMPERE)
        watts = amps * volts * phases
    else:
        return GridLimit(reason=f"{state.entity_id}: {unit!r} is no limit, which is in W, kW or A")
    if number < 0:
        return GridLimit(reason=f"{state.entity_id}: a limit of {number:g} {unit} cannot be")
    if watts >= NO_LIMIT_W:
        return GridLimit()
    return GridLimit((AmpsWindow(start, end, round(amps, 3)),))
