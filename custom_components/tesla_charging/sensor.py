"""Sensors: battery, charging and range; what it costs."""

from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_point_in_utc_time, async_track_time_change
from homeassistant.util import dt as dt_util

from .coordinator import VehicleCoordinator
from .data import TeslaChargingConfigEntry
from .entities.account_sensors import (
    ACCOUNT_SENSORS,
    BUDGET_SENSORS,
    CAR_SENSORS,
    BudgetSensor,
    MeterSensor,
)
from .entities.dynamic import async_add_car_entities, async_add_when_known
from .entities.sensor_descriptions import (
    NEXT_SCHEDULE,
    SENSORS,
    SPECIAL_SENSORS,
    TELEMETRY_SENSORS,
    VehicleSensorDescription,
)
from .entity import VehicleEntity
from .vehicle.charge_schedules import next_start
from .vehicle.location import is_at_home
from .vehicle.state import DIAGNOSIS, signals_of

PARALLEL_UPDATES = 0
PLACED = signals_of(("LocatedAtHome", "Location"))
"""What tells where a car is."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's sensors, also of those that join later."""
    for rows, make in (
        ((*SENSORS, *SPECIAL_SENSORS), VehicleSensor),
        (TELEMETRY_SENSORS, TelemetrySensor),
        ((NEXT_SCHEDULE,), NextScheduleSensor),
    ):
        async_add_when_known(hass, entry, Platform.SENSOR, async_add_entities, rows, make)
    async_add_entities(MeterSensor(entry, row) for row in ACCOUNT_SENSORS)
    async_add_entities(BudgetSensor(entry, row) for row in BUDGET_SENSORS)
    async_add_car_entities(
        entry,
        async_add_entities,
        lambda car: [MeterSensor(entry, row, car) for row in CAR_SENSORS],
    )


class VehicleSensor(VehicleEntity, SensorEntity):
    """A sensor of a car."""

    entity_description: VehicleSensorDescription
    _steady: datetime | None = None

    @property
    @override
    def native_value(self) -> float | str | datetime | None:
        """The value now; an estimated moment that wavers a little stays as it was."""
        row = self.entity_description
        value = row.value_fn(self.state_of_car)
        if row.steady is None or not isinstance(value, datetime):
            return value
        if self._steady is None or abs(value - self._steady) >= row.steady:
            self._steady = value
        return self._steady


class NextScheduleSensor(VehicleSensor):
    """When the car begins to charge next by its own schedules; when that time has come, the one after it."""

    _cancel: CALLBACK_TYPE | None = None

    def __init__(self, coordinator: VehicleCoordinator, row: VehicleSensorDescription) -> None:
        """Look also when the car is somewhere else; but that is not what it shows."""
        super().__init__(coordinator, row)
        self.coordinator_context = self.signals | PLACED

    @property
    @override
    def native_value(self) -> datetime | None:
        """The next start, of the schedules of the place where the car is."""
        home = self.hass.config.latitude, self.hass.config.longitude
        return next_start(
            self.state_of_car, home, is_at_home(self.hass, self.state_of_car), dt_util.now()
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Look again when the next start has come."""
        await super().async_added_to_hass()
        self._wait()
        self.async_on_remove(self._stop_waiting)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        super()._handle_coordinator_update()
        self._wait()

    @callback
    def _wait(self) -> None:
        self._stop_waiting()
        if (moment := self.native_value) is not None:
            self._cancel = async_track_point_in_utc_time(self.hass, self._has_come, moment)

    @callback
    def _stop_waiting(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _has_come(self, _: datetime) -> None:
        self._cancel = None
        self._handle_coordinator_update()


class TelemetrySensor(VehicleSensor):
    """How a car's push channel stands: known here, also while Tesla cannot be asked."""

    _unrecorded_attributes = frozenset({"detail", "left_out", "reported"})

    @override
    async def async_added_to_hass(self) -> None:
        """Begin a new day at midnight, also while the car sleeps."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_track_time_change(self.hass, self._new_day, hour=0, minute=0, second=0)
        )

    @callback
    def _new_day(self, _: datetime) -> None:
        self._handle_coordinator_update()

    @property
    @override
    def available(self) -> bool:
        """Always."""
        return True

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str | list[str]] | None:
        """What Tesla and the car say about it, in their own words."""
        if DIAGNOSIS not in self.signals:
            return None
        trouble = self.state_of_car.diagnosis
        return {
            "detail": trouble.detail,
            "left_out": list(trouble.left_out),
            "reported": trouble.reported,
        }
