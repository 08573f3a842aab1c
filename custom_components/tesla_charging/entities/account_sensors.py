"""The sensors of cost, request counts and budget, on a device of the account; and each car's part of the cost."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.event import async_track_time_change
from homeassistant.util import dt as dt_util

from ..billing.budget import STAGES
from ..billing.meter import Meter
from ..coordinator import VehicleCoordinator
from ..data import TeslaChargingConfigEntry
from ..device import account_device, car_device
from ..fleet_api import Category


@dataclass(frozen=True, kw_only=True)
class MeterSensorDescription(SensorEntityDescription):
    """One sensor of the meter."""

    value_fn: Callable[[Meter, str | None], float]
    """Returns the meter's value, of a car (VIN) or of the whole account."""
    is_money: bool = False
    by_category: bool = False
    """Whether its attributes contain the cost of each billing category."""


def _units(key: str, category: Category) -> MeterSensorDescription:
    return MeterSensorDescription(
        key=key,
        value_fn=lambda meter, vin: meter.units(category, vin),
        state_class=SensorStateClass.TOTAL,
        entity_category=EntityCategory.DIAGNOSTIC,
    )


def _money(
    key: str, value_fn: Callable[[Meter, str | None], float], **more: Any
) -> MeterSensorDescription:
    return MeterSensorDescription(
        key=key,
        value_fn=value_fn,
        is_money=True,
        device_class=SensorDeviceClass.MONETARY,
        suggested_display_precision=2,
        **more,
    )


ACCOUNT_SENSORS: Final = (
    _money(
        "cost_this_month",
        lambda meter, _: meter.cost,
        state_class=SensorStateClass.TOTAL,
        by_category=True,
    ),
    _money("cost_projected", lambda meter, _: meter.projected(dt_util.now())),
    _money("credit_left", lambda meter, _: meter.credit_left),
    _units("data_requests", Category.DATA),
    _units("command_requests", Category.COMMAND),
    _units("wake_requests", Category.WAKE),
    _units("signals_this_month", Category.STREAMING),
)
CAR_SENSORS: Final = (
    _money(
        "car_cost_this_month",
        lambda meter, vin: meter.cost_of(vin or ""),
        state_class=SensorStateClass.TOTAL,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)


class MeterSensor(SensorEntity):
    """A value of the meter. It is counted locally, so it is available also while Tesla is not reachable."""

    entity_description: MeterSensorDescription
    _attr_has_entity_name = True
    _attr_should_poll = False
    _written: tuple[object, ...] = ()

    def __init__(
        self,
        entry: TeslaChargingConfigEntry,
        description: MeterSensorDescription,
        car: VehicleCoordinator | None = None,
    ) -> None:
        """Create the sensor of a row, for a car or for the account.

        Accounts that share an application show the same values: Tesla sends one bill.
        """
        self._meter = entry.runtime_data.meter
        self._vin = car.vin if car else None
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{self._vin or entry.entry_id}_{description.key}"
        self._attr_device_info = (
            car_device(car.vin, car.vehicle_name, car.data.value("Version"))
            if car
            else account_device(entry)
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe. The hourly update is for a new month and for estimates, which change without a request."""
        self.async_on_remove(self._meter.subscribe(self._write_if_changed))
        self.async_on_remove(
            async_track_time_change(self.hass, self._write_if_changed, minute=0, second=0)
        )
        self._written = self._shown()

    @callback
    def _write_if_changed(self, _: datetime | None = None) -> None:
        """Write the state if it has changed."""
        if (shown := self._shown()) != self._written:
            self._written = shown
            self.async_write_ha_state()

    def _shown(self) -> tuple[object, ...]:
        unit = self.native_unit_of_measurement
        return self.native_value, unit, self.last_reset, self.extra_state_attributes

    @property
    @override
    def native_value(self) -> float:
        """The current value."""
        return self.entity_description.value_fn(self._meter, self._vin)

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        """The currency of an amount of money."""
        return self._meter.currency if self.entity_description.is_money else None

    @property
    @override
    def last_reset(self) -> datetime | None:
        """The start of the month that a total counts."""
        is_total = self.entity_description.state_class is SensorStateClass.TOTAL
        return self._meter.month_start if is_total else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, float] | None:
        """The cost of each billing category."""
        if not self.entity_description.by_category:
            return None
        return {name.value: cost for name, cost in self._meter.costs.items()}


@dataclass(frozen=True, kw_only=True)
class BudgetSensorDescription(SensorEntityDescription):
    """One sensor of the budget."""


BUDGET_SENSORS: Final = (
    BudgetSensorDescription(
        key="budget", device_class=SensorDeviceClass.ENUM, options=[stage.value for stage in STAGES]
    ),
)


class BudgetSensor(SensorEntity):
    """The stage of the application's budget. It is computed locally, so it is always available."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _unrecorded_attributes = frozenset({"limit", "left", "currency", "until"})

    def __init__(
        self, entry: TeslaChargingConfigEntry, description: BudgetSensorDescription
    ) -> None:
        self._budget = entry.runtime_data.budget
        self._meter = entry.runtime_data.meter
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = account_device(entry)
        self._written: tuple[object, ...] = ()

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the budget."""
        self.async_on_remove(self._budget.subscribe(self._write_if_changed))
        self._written = self._shown()

    @callback
    def _write_if_changed(self) -> None:
        """Write the state if it has changed."""
        if (shown := self._shown()) != self._written:
            self._written = shown
            self.async_write_ha_state()

    def _shown(self) -> tuple[object, ...]:
        return self.native_value, self.extra_state_attributes

    @property
    @override
    def native_value(self) -> str:
        """The current stage."""
        return self._budget.decision.stage.value

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """The limit of this month, what is left of it, and the start of the next month."""
        limit, left = self._budget.limit, self._budget.left
        digits = self._meter.prices.decimals
        return {
            "limit": None if limit is None else round(float(limit), digits),
            "left": None if left is None else round(float(left), digits),
            "currency": self._meter.currency,
            "until": self._budget.until.date().isoformat(),
        }
