"""Sensors: battery, charging, range, telemetry and cost."""

from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_point_in_utc_time, async_track_time_change
from homeassistant.util import dt as dt_util

from . import clock
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
from .vehicle.location import HOME_SIGNALS, is_at_home
from .vehicle.state import DIAGNOSIS

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's sensors, also of those that join later."""
    rows = (*SENSORS, *SPECIAL_SENSORS)
    for group, make in (
        (tuple(row for row in rows if not row.recurs), VehicleSensor),
        (tuple(row for row in rows if row.recurs), RecurringTimeSensor),
        (TELEMETRY_SENSORS, TelemetrySensor),
        ((NEXT_SCHEDULE,), NextScheduleSensor),
    ):
        async_add_when_known(hass, entry, Platform.SENSOR, async_add_entities, group, make)
    async_add_entities(MeterSensor(entry, row) for row in ACCOUNT_SENSORS)
    async_add_entities(BudgetSensor(entry, row) for row in BUDGET_SENSORS)
    async_add_car_entities(
        entry,
        async_add_entities,
        lambda car: [MeterSensor(entry, row, car) for row in CAR_SENSORS],
    )


STEADY_SHARE: Final = 1 / 8
"""Of the time until then: an estimate for the next morning is coarser than one for the next hour."""


class VehicleSensor(VehicleEntity, SensorEntity):
    """A sensor of a car."""

    entity_description: VehicleSensorDescription
    _steady: datetime | None = None

    @property
    @override
    def native_value(self) -> float | str | datetime | None:
        """The current value; a small change of an estimated time is not shown."""
        row = self.entity_description
        value = row.value_fn(self.state_of_car)
        if row.steady is None:
            return value
        if not isinstance(value, datetime):
            self._steady = None
            return value
        now = dt_util.utc_from_timestamp(clock.now())
        tolerance = max(row.steady, (value - now) * STEADY_SHARE)
        shown = self._steady
        # a charge that goes on does not end at a time that has passed
        if shown is None or shown <= now or abs(value - shown) >= tolerance:
            self._steady = value
        return self._steady

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """A unit for a time that the Activity leaves out: it leaves out sensors with a unit, whichever."""
        return {ATTR_UNIT_OF_MEASUREMENT: ""} if self.entity_description.goes_on else None


class RecurringTimeSensor(VehicleSensor):
    """A time that comes again: when it has passed, the next one is shown."""

    _cancel: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to every update, because the value depends on the time too, and update at the shown time."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_listener(self._handle_coordinator_update))
        self._schedule_update()
        self.async_on_remove(self._cancel_update)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        super()._handle_coordinator_update()
        self._schedule_update()

    @callback
    def _schedule_update(self) -> None:
        self._cancel_update()
        shown = self.native_value
        if isinstance(shown, datetime) and shown > dt_util.utcnow():
            self._cancel = async_track_point_in_utc_time(self.hass, self._on_time, shown)

    @callback
    def _cancel_update(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _on_time(self, _: datetime) -> None:
        self._cancel = None
        self._handle_coordinator_update()


class NextScheduleSensor(RecurringTimeSensor):
    """The next start of charging by the car's own schedules."""

    def __init__(self, coordinator: VehicleCoordinator, row: VehicleSensorDescription) -> None:
        """Create the entity; it is updated also when the car's location changes, though it does not show it."""
        super().__init__(coordinator, row)
        self.coordinator_context = self.signals | HOME_SIGNALS[coordinator.home_source]

    @property
    @override
    def native_value(self) -> datetime | None:
        """The next start by the schedules of the car's current location."""
        home = self.hass.config.latitude, self.hass.config.longitude
        at_home = is_at_home(self.hass, self.state_of_car, self.coordinator.home_source)
        return next_start(self.state_of_car, home, at_home, dt_util.now())


class TelemetrySensor(VehicleSensor):
    """The state of a car's push channel. It is known locally, so it is always available."""

    _unrecorded_attributes = frozenset({"detail", "left_out", "reported"})

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe, and update at midnight: the count of the day starts again, also while the car sleeps."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_track_time_change(self.hass, self._on_midnight, hour=0, minute=0, second=0)
        )

    @callback
    def _on_midnight(self, _: datetime) -> None:
        self._handle_coordinator_update()

    @property
    @override
    def available(self) -> bool:
        """Always true."""
        return True

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """The details that Tesla and the car report, as received."""
        if DIAGNOSIS not in self.signals:
            return super().extra_state_attributes
        diagnosis = self.state_of_car.diagnosis
        return {
            "detail": diagnosis.detail,
            "left_out": list(diagnosis.left_out),
            "reported": diagnosis.reported,
        }
